//! Once each: in memory, and in the transaction of the receiver's own SQLite file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use hookpost::Timestamp;
use hookpost::id::EventId;
use hookpost::receive::{Deduplicator, MemoryDeduplicator, Sighting, SqliteDeduplicator, WINDOW};
use hookpost::systems::live_session::payload as live_session;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use proptest::prelude::*;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::scene::NOW;
use crate::sqlite_file::TempFile;

const HOUR: Duration = Duration::from_secs(3600);
const MICROSECOND: Duration = Duration::from_micros(1);

fn id(text: &str) -> EventId {
    text.parse().unwrap()
}

/// The statements of `docs/receiving.md`, for clients other than rusqlite.
#[test]
fn the_statements_of_the_documentation_tell_a_new_event_from_a_duplicate() {
    let page = include_str!("../../docs/receiving.md");
    let statements: Vec<_> =
        page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [table, insert, forget] = statements[..] else { panic!("{statements:?}") };
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(table).unwrap();
    let see = |sender: &str, id: &str, now: i64| database.execute(insert, (sender, id, now)).unwrap();
    assert_eq!((see("shop", "1", 100), see("shop", "1", 200), see("bank", "1", 200)), (1, 0, 1));
    assert_eq!(database.execute(forget, [150]).unwrap(), 1);
    assert_eq!((see("shop", "1", 300), see("bank", "1", 300)), (1, 0));
}

/// Sees an id and handles it to its end.
fn handle(seen: &MemoryDeduplicator, text: &str, now: Timestamp) -> bool {
    match seen.see(&id(text), now).unwrap() {
        Sighting::New(handling) => {
            handling.done();
            true
        }
        Sighting::Underway | Sighting::Seen => false,
    }
}

/// The same in a transaction of its own.
fn handle_in(database: &mut Connection, sender: &str, text: &str, now: Timestamp) -> bool {
    let transaction = database.transaction().unwrap();
    let sighting = SqliteDeduplicator::within(&transaction, sender).see(&id(text), now).unwrap();
    transaction.commit().unwrap();
    sighting == Sighting::New(())
}

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    SqliteDeduplicator::create_table(&database).unwrap();
    database
}

fn rows(database: &Connection, table: &str) -> i64 {
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A receiver of LiveSession's webhooks, as far as duplicates go: its id stands in the body.
fn receive(
    seen: &MemoryDeduplicator,
    handled: &AtomicUsize,
    now: Timestamp,
    request: &Request<Bytes>,
) -> Response<Full<Bytes>> {
    let body = live_session::LiveSessionBody::read(request.body()).unwrap();
    let mut answer = Response::default();
    match seen.see(&id(&body.message_id), now).unwrap() {
        Sighting::New(handling) => {
            handled.fetch_add(1, Ordering::Relaxed);
            handling.done();
        }
        Sighting::Seen => {}
        Sighting::Underway => *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
    }
    answer
}

#[test]
fn fa22_the_same_body_twice_within_a_day_is_handled_once_and_answered_2xx_twice() {
    const BODY: &[u8] = include_bytes!("../fixtures/systems/ls_01_jserror.json");
    assert!(WINDOW >= 24 * HOUR);
    let request = Request::new(Bytes::from_static(BODY));
    for later in [Duration::ZERO, HOUR, 24 * HOUR, WINDOW] {
        let (seen, handled) = (MemoryDeduplicator::new(), AtomicUsize::new(0));
        for now in [NOW, NOW + later] {
            assert!(receive(&seen, &handled, now, &request).status().is_success());
        }
        assert_eq!(handled.load(Ordering::Relaxed), 1, "{later:?}");

        let mut database = database();
        let message_id = live_session::LiveSessionBody::read(BODY).unwrap().message_id;
        assert!(handle_in(&mut database, "live_session", &message_id, NOW));
        assert!(!handle_in(&mut database, "live_session", &message_id, NOW + later), "{later:?}");
    }
}

#[test]
fn an_id_is_forgotten_when_its_window_is_over_and_not_a_microsecond_before() {
    let seen = MemoryDeduplicator::bounded(HOUR, 10);
    let mut database = database();
    let mut in_both = |now| {
        let transaction = database.transaction().unwrap();
        let sqlite = SqliteDeduplicator::within(&transaction, "shop").window(HOUR);
        let new = sqlite.see(&id("a"), now).unwrap() == Sighting::New(());
        transaction.commit().unwrap();
        assert_eq!(handle(&seen, "a", now), new);
        new
    };
    assert!(in_both(NOW));
    assert!(!in_both(NOW + HOUR / 2), "which does not make the window longer");
    assert!(!in_both(NOW - 5 * HOUR), "a clock that went back forgets nothing");
    assert!(!in_both(NOW + HOUR));
    assert!(in_both(NOW + HOUR + MICROSECOND));
    assert!(!in_both(NOW + 2 * HOUR));
}

#[test]
fn what_was_not_handled_to_its_end_comes_again() {
    let seen = MemoryDeduplicator::new();
    let Sighting::New(handling) = seen.see(&id("a"), NOW).unwrap() else { panic!("new") };
    drop(handling);
    let panicked = thread::spawn({
        let seen = seen.clone();
        move || {
            let Sighting::New(_handling) = seen.see(&id("a"), NOW).unwrap() else { panic!("not new") };
            std::panic::resume_unwind(Box::new("the effect failed"));
        }
    })
    .join()
    .unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"the effect failed"));
    assert!(handle(&seen, "a", NOW));
    assert!(!handle(&seen, "a", NOW));
}

#[test]
fn fa22_a_rolled_back_transaction_forgets_the_id_with_the_effect_and_a_committed_one_keeps_both() {
    let mut database = database();
    database.execute_batch("CREATE TABLE effects (number)").unwrap();
    for (commits, is_new) in [(false, true), (false, true), (true, true), (true, false)] {
        let transaction = database.transaction().unwrap();
        let sighting = SqliteDeduplicator::within(&transaction, "shop").see(&id("a"), NOW).unwrap();
        assert_eq!(sighting == Sighting::New(()), is_new);
        if is_new {
            transaction.execute("INSERT INTO effects VALUES (7)", []).unwrap();
        }
        if commits { transaction.commit() } else { transaction.rollback() }.unwrap();
    }
    assert_eq!((rows(&database, "effects"), rows(&database, "hookpost_received")), (1, 1));
}

#[test]
fn while_an_event_is_handled_nobody_is_told_that_it_was() {
    let seen = MemoryDeduplicator::new();
    let Sighting::New(handling) = seen.see(&id("a"), NOW).unwrap() else { panic!("new") };
    assert!(matches!(seen.see(&id("a"), NOW + 100 * HOUR).unwrap(), Sighting::Underway));
    assert!(handle(&seen, "b", NOW), "which holds up no other event");
    handling.done();
    assert!(matches!(seen.see(&id("a"), NOW).unwrap(), Sighting::Seen));
}

#[test]
fn of_many_threads_that_see_an_id_at_once_one_handles_it() {
    const THREADS: usize = 8;
    for round in 0..50 {
        let seen = MemoryDeduplicator::new();
        let (start, handled) = (Barrier::new(THREADS), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    handled.fetch_add(usize::from(handle(&seen, "a", NOW)), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(handled.load(Ordering::Relaxed), 1, "round {round}");
    }
}

#[test]
fn of_many_connections_that_see_an_id_at_once_one_handles_it_even_if_the_first_ones_fail() {
    const RECEIVERS: usize = 6;
    let file = TempFile::new();
    let open = || {
        let database = Connection::open(file.path()).unwrap();
        database.busy_timeout(Duration::from_secs(60)).unwrap();
        database
    };
    SqliteDeduplicator::create_table(&open()).unwrap();
    open().execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE effects (event)").unwrap();
    let (start, failures_left) = (Barrier::new(RECEIVERS), Arc::new(AtomicUsize::new(2)));
    thread::scope(|scope| {
        for _ in 0..RECEIVERS {
            scope.spawn(|| {
                let mut database = open();
                start.wait();
                for event in ["a", "b", "c"] {
                    let transaction =
                        database.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
                    let seen = SqliteDeduplicator::within(&transaction, "shop");
                    let sighting = seen.see(&id(event), NOW).unwrap();
                    if sighting == Sighting::Seen {
                        continue;
                    }
                    transaction.execute("INSERT INTO effects VALUES (?1)", [event]).unwrap();
                    let fails = event == "a"
                        && failures_left
                            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                            .is_ok();
                    if fails { transaction.rollback() } else { transaction.commit() }.unwrap();
                }
            });
        }
    });
    assert_eq!(failures_left.load(Ordering::Relaxed), 0);
    assert_eq!(rows(&open(), "effects"), 3);
    assert_eq!(rows(&open(), "(SELECT DISTINCT event FROM effects)"), 3);
}

#[test]
fn a_receiver_that_cannot_write_is_told_so_and_not_that_the_event_is_new() {
    let file = TempFile::new();
    let mut first = Connection::open(file.path()).unwrap();
    SqliteDeduplicator::create_table(&first).unwrap();
    let mut second = Connection::open(file.path()).unwrap();
    second.busy_timeout(Duration::ZERO).unwrap();
    let transaction = first.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let waiting = second.transaction().unwrap();
    let error = SqliteDeduplicator::within(&waiting, "shop").see(&id("a"), NOW).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    drop(transaction);
}

#[test]
fn one_senders_ids_say_nothing_about_anothers() {
    let mut database = database();
    assert!(handle_in(&mut database, "shop", "a", NOW));
    assert!(handle_in(&mut database, "bank", "a", NOW));
    assert!(!handle_in(&mut database, "bank", "a", NOW));
    // The shop's short window takes nothing of the bank's away.
    let transaction = database.transaction().unwrap();
    let shop = SqliteDeduplicator::within(&transaction, "shop").window(MICROSECOND);
    assert_eq!(shop.see(&id("b"), NOW + HOUR).unwrap(), Sighting::New(()));
    transaction.commit().unwrap();
    assert!(!handle_in(&mut database, "bank", "a", NOW + HOUR));
}

#[test]
fn memory_is_bounded_and_full_means_to_come_again_later_not_to_handle_twice() {
    let seen = MemoryDeduplicator::bounded(HOUR, 3);
    for text in ["a", "b", "c"] {
        assert!(handle(&seen, text, NOW));
    }
    assert_eq!(seen.see(&id("d"), NOW).unwrap_err().limit, 3);
    assert!(!handle(&seen, "a", NOW), "what is known is known");
    assert!(handle(&seen, "d", NOW + HOUR + MICROSECOND), "there is room when windows are over");
}

#[test]
fn a_clock_that_once_jumped_ahead_holds_up_no_other_id() {
    let seen = MemoryDeduplicator::bounded(HOUR, 2);
    assert!(handle(&seen, "from-the-future", NOW + 10_000 * HOUR));
    for hours in 0..10 {
        assert!(handle(&seen, &format!("id-{hours}"), NOW + 2 * hours * HOUR));
    }
}

#[test]
fn the_table_shrinks_to_the_window_a_few_rows_with_each_new_id() {
    let mut database = database();
    for n in 0..100 {
        assert!(handle_in(&mut database, "shop", &format!("old-{n}"), NOW));
    }
    let later = NOW + WINDOW + MICROSECOND;
    for n in 0..10 {
        let before = rows(&database, "hookpost_received");
        assert!(handle_in(&mut database, "shop", &format!("new-{n}"), later));
        assert!(rows(&database, "hookpost_received") >= before - 16);
    }
    assert_eq!(rows(&database, "hookpost_received"), 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Memory and SQLite, told the same story, agree with a list of what was handled.
    #[test]
    fn every_deduplicator_tells_the_same_story(
        story in prop::collection::vec((0_u8..6, 0_u64..40, any::<bool>()), 1..60)
    ) {
        let window = Duration::from_secs(60);
        let memory = MemoryDeduplicator::bounded(window, 6);
        let mut database = database();
        let mut handled: Vec<(u8, Timestamp)> = Vec::new();
        let mut now = NOW;
        for (event, later, succeeds) in story {
            now = now + Duration::from_secs(later);
            let expected = !handled.iter().any(|(other, at)| *other == event && *at >= now - window);
            let event_id = id(&event.to_string());
            let in_memory = match memory.see(&event_id, now).unwrap() {
                Sighting::New(handling) => {
                    if succeeds {
                        handling.done();
                    }
                    true
                }
                Sighting::Seen => false,
                Sighting::Underway => panic!("nobody else is at work"),
            };
            let transaction = database.transaction().unwrap();
            let sqlite = SqliteDeduplicator::within(&transaction, "shop").window(window);
            let in_sqlite = sqlite.see(&event_id, now).unwrap() == Sighting::New(());
            if succeeds { transaction.commit() } else { transaction.rollback() }.unwrap();
            prop_assert_eq!((in_memory, in_sqlite), (expected, expected));
            if expected && succeeds {
                handled.push((event, now));
            }
        }
    }
}
