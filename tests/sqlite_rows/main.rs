//! A row that cannot be read costs what that row stands for, whatever its table: every
//! column of every table is changed in each way that SQLite permits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod scene;
#[path = "../sqlite_file/mod.rs"]
mod sqlite_file;

use std::collections::BTreeSet;

use changes::{Change, EXTREMES, ROWS, VALUES, columns, is_asleep, is_unreadable, make};
use hookpost::delivery::UnreadableRow;
use hookpost::{NewEvent, PublishError};
use scene::{NEIGHBOUR, SICK, Scene, VICTIM, healthy};

#[tokio::test(start_paused = true)]
async fn every_table_of_the_store_is_changed_here() {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'hookpost%'";
    let file = healthy().await;
    let db = rusqlite::Connection::open(file.path()).unwrap();
    let mut tables = db.prepare(names).unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    // Endpoints have tests of their own, the version is read when the file is opened, and the
    // time is one row for all tenants.
    let elsewhere = ["hookpost_endpoint", "hookpost_schema", "hookpost_time"];
    let changed = ROWS.iter().map(|(table, _)| *table).chain(elsewhere);
    assert_eq!(tables.collect::<BTreeSet<String>>(), changed.map(str::to_owned).collect());
}

/// Changes every column of one row of a table in every way, and lets the engine work.
async fn other_rows_are_served(table: &str) {
    for (_, of) in ROWS.iter().filter(|(name, _)| *name == table) {
        for column in columns(&healthy().await, table) {
            for value in VALUES {
                let file = healthy().await;
                let change = make(&file, table, of, &column, value);
                if change != Change::Refused {
                    let what = format!("{table}.{column} = {value} ({change:?})");
                    serves_others(&Scene::over(file), table, &what).await;
                }
            }
        }
    }
}

async fn serves_others(scene: &Scene, table: &str, what: &str) {
    scene.publish("bob", "b-3").await;
    scene.publish("mallory", "m-4").await;
    // Longer than a row is put off.
    scene.work_for(3).await;
    let told = scene.unreadable();
    let once: BTreeSet<_> = told.iter().collect();
    assert_eq!(once.len(), told.len(), "{what}: each once: {told:?}");

    assert_eq!(scene.failures(), Vec::<String>::new(), "{what}");
    assert_eq!(scene.sent_to(VICTIM), ["b-2", "b-3"], "{what}");
    // A gate that is closed for ever is closed for the whole tenant.
    if table != "hookpost_gate" {
        assert!(scene.sent_to(NEIGHBOUR).contains(&"m-4".to_owned()), "{what}");
    }
    if is_asleep(what) {
        assert_eq!(scene.sent_to(SICK), ["m-1", "m-2", "m-3", "m-4"], "{what}");
    }
    let told = told_of(scene).await;
    assert_eq!(!told.is_empty(), is_unreadable(what), "{what}: {told:?}");
    scene.others_read_and_write(what).await;
}

/// What is named once somebody looks at mallory's history.
async fn told_of(scene: &Scene) -> Vec<String> {
    scene.read_history_of_mallory().await;
    scene.webhooks.tick().await.unwrap();
    scene.unreadable().iter().map(UnreadableRow::to_string).collect()
}

macro_rules! tables {
    ($($name:ident: $table:literal,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                other_rows_are_served($table).await;
            }
        )*
    };
}

tables! {
    a_row_of_an_event_costs_that_event: "hookpost_event",
    a_row_of_an_unrouted_event_costs_its_routing: "hookpost_routing",
    a_mark_of_an_unmatched_event_costs_nothing: "hookpost_unmatched",
    a_row_of_a_delivery_costs_that_delivery: "hookpost_delivery",
    a_row_of_an_attempt_is_left_out_of_its_history: "hookpost_attempt",
    a_row_of_a_silent_lease_is_left_out_of_its_history: "hookpost_silent_lease",
    a_row_of_a_lane_costs_what_waits_in_it: "hookpost_lane",
    a_row_of_a_line_costs_nothing: "hookpost_line",
    a_row_of_a_gate_costs_whom_it_holds: "hookpost_gate",
    a_row_of_a_grant_counts_as_nothing: "hookpost_start",
    a_row_of_one_that_waits_for_a_limit_costs_nothing: "hookpost_waiter",
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_parked_for_its_ordering_key_costs_no_other_whatever_stands_in_it() {
    let parked = "due_at IS NULL AND state = 0";
    for table in ["hookpost_delivery", "hookpost_routing"] {
        for column in columns(&healthy().await, table) {
            // A token makes a leased one of it, whose lease has no end.
            for value in ["NULL", "zeroblob(16)", "7", "9223372036854775807", "-9223372036854775808", "''"] {
                let file = healthy().await;
                if table == "hookpost_routing" {
                    let changed = [("due_at", "NULL"), ("ordering_key", "'k'")];
                    for (column, value) in changed.iter().rev() {
                        make(&file, table, "tenant = 'mallory'", column, value);
                    }
                }
                let of = if table == "hookpost_routing" { "tenant = 'mallory'" } else { parked };
                if make(&file, table, of, &column, value) == Change::Refused {
                    continue;
                }
                let (scene, what) = (Scene::over(file), format!("{table}.{column} = {value}"));
                scene.publish("bob", "b-3").await;
                scene.publish("mallory", "m-4").await;
                scene.work_for(1).await;
                assert_eq!(scene.failures(), Vec::<String>::new(), "{what}");
                assert_eq!(scene.sent_to(VICTIM), ["b-2", "b-3"], "{what}");
                assert!(scene.sent_to(NEIGHBOUR).contains(&"m-4".to_owned()), "{what}");
                scene.others_read_and_write(&what).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_was_made_a_test_ping_ends_where_its_endpoint_cannot_be_sent_to() {
    for (column, value) in [("overrides", "'[]'"), ("tenant", "'a b'"), ("enabled", "0"), ("id", "'gone'")] {
        let file = healthy().await;
        let (_, of) = *ROWS.iter().find(|(name, _)| *name == "hookpost_delivery").unwrap();
        for (column, value) in [("silent", "0"), ("test", "1")] {
            assert_eq!(make(&file, "hookpost_delivery", of, column, value), Change::Made);
        }
        assert_eq!(make(&file, "hookpost_endpoint", "id = 'sick'", column, value), Change::Made, "{column}");
        let scene = Scene::over(file);
        scene.publish("bob", "b-3").await;
        // It ends, or waits: the engine does not look at it again and again.
        scene.work_for(1).await;
        assert_eq!(scene.sent_to(VICTIM), ["b-2", "b-3"], "{column}");
        assert_eq!(scene.failures(), Vec::<String>::new(), "{column}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_number_of_an_event_cannot_be_changed_to_one_that_leaves_none_for_the_next() {
    for number in ["4611686018427387904", "9223372036854775807", "7"] {
        let change = make(&healthy().await, "hookpost_event", "id = 'm-1'", "event", number);
        assert_eq!(change, Change::Refused, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_of_the_time_that_cannot_be_read_is_written_anew() {
    for change in ["boot = CAST(x'ff' AS TEXT)", "written = -1", "doubt_zero = 7", "gap_seen = 7"] {
        let file = healthy().await;
        let (column, value) = change.split_once(" = ").unwrap();
        make(&file, "hookpost_time", "1", column, value);
        let scene = Scene::over(file);
        scene.publish("bob", "b-3").await;
        scene.work_for(1).await;
        assert_eq!(scene.sent_to(VICTIM), ["b-2", "b-3"], "{change}");
        assert_eq!(scene.failures(), Vec::<String>::new(), "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_number_in_a_row_keeps_the_stores_time_from_moving() {
    let moved =
        ["delivery", "gate", "lane", "line", "routing", "start"].map(|name| format!("hookpost_{name}"));
    for (table, of) in ROWS.iter().filter(|(table, _)| moved.iter().any(|name| name == table)) {
        for column in columns(&healthy().await, table) {
            for value in EXTREMES {
                let file = healthy().await;
                if make(&file, table, of, &column, value) != Change::Refused {
                    let scene = Scene::over(file);
                    let what = format!("{table}.{column} = {value}");
                    assert!(scene.time_moves().await, "{what}: {:?}", scene.failures());
                }
            }
        }
    }
}

/// A row of each table that work depends on, as it cannot be read.
const BROKEN: [(&str, &str, &str); 5] = [
    ("hookpost_event", "kind", "'a b'"),
    ("hookpost_event", "payload", "NULL"),
    ("hookpost_delivery", "round", "'a b'"),
    ("hookpost_delivery", "event", "99"),
    ("hookpost_routing", "event", "99"),
];

#[tokio::test(start_paused = true)]
async fn what_becomes_readable_again_is_delivered() {
    for (table, column, value) in BROKEN {
        let (_, of) = *ROWS.iter().find(|(name, _)| *name == table).unwrap();
        let file = healthy().await;
        let db = rusqlite::Connection::open(file.path()).unwrap();
        db.execute_batch(&format!("CREATE TABLE kept AS SELECT rowid AS number, * FROM {table} WHERE {of}"))
            .unwrap();
        drop(db);
        if make(&file, table, of, column, value) == Change::Refused {
            continue;
        }
        let scene = Scene::over(file);
        scene.work_for(1).await;
        let before = scene.sent_to(SICK);
        assert!(before.len() < 3, "{table}: {before:?}");
        let number = if column == "event" && table == "hookpost_routing" { "99" } else { "kept.number" };
        scene.sql(&format!(
            "UPDATE {table} SET {column} = kept.{column} FROM kept WHERE {table}.rowid = {number}"
        ));
        scene.work_for(4).await;
        assert_eq!(scene.sent_to(SICK), ["m-1", "m-2", "m-3"], "{table}.{column}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_id_whose_event_cannot_be_read_is_taken_and_fails_no_publish_but_its_own() {
    let file = healthy().await;
    make(&file, "hookpost_event", "id = 'm-1'", "kind", "'a b'");
    let scene = Scene::over(file);
    let again = NewEvent::json("mallory", "order.paid", "{}").and_then(|event| event.id("m-1")).unwrap();
    let (again, other) = tokio::join!(scene.webhooks.publish(again), scene.try_publish("bob", "b-3"));
    assert!(matches!(again, Err(PublishError::KeyReused { .. })), "{again:?}");
    other.unwrap();
    scene.work_for(1).await;
    assert_eq!(scene.sent_to(VICTIM), ["b-2", "b-3"]);
    assert_eq!(scene.failures(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_whose_lane_is_gone_is_named_although_nobody_asks_for_it() {
    let file = healthy().await;
    let (_, of) = *ROWS.iter().find(|(name, _)| *name == "hookpost_delivery").unwrap();
    make(&file, "hookpost_delivery", of, "lane", "99");
    let scene = Scene::over(file);
    scene.work_for(1).await;
    let named = scene.unreadable();
    assert_eq!(named.iter().map(|row| row.field.as_str()).collect::<Vec<_>>(), ["lane"], "{named:?}");
    assert_eq!(scene.cancel(named[0].delivery.unwrap()).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_cannot_be_read_is_shown_and_cancelled() {
    for change in ["round = 'a b'", "event = 99", "lane = 99", "attempts = -1", "token = x'00'"] {
        let file = healthy().await;
        let (_, of) = *ROWS.iter().find(|(name, _)| *name == "hookpost_delivery").unwrap();
        let (column, value) = change.split_once(" = ").unwrap();
        assert_eq!(make(&file, "hookpost_delivery", of, column, value), Change::Made, "{change}");
        let scene = Scene::over(file);
        let shown = scene.shown().await;
        assert_eq!(shown.len(), 1, "{change}: {shown:?}");
        assert_eq!(shown[0].field, column, "{change}");
        // The follower of its ordering key waits too.
        assert_eq!(scene.cancel(shown[0].delivery.unwrap()).await, 1, "{change}");
        scene.work_for(2).await;
        assert!(!scene.sent_to(SICK).contains(&"m-1".to_owned()), "{change}");
        if column != "lane" {
            assert_eq!(scene.sent_to(SICK), ["m-2", "m-3"], "{change}: its followers go on");
        }
    }
}
