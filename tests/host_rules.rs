//! Publishing in the host's own transaction has the rules of `publish`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::{History, Store};
use hookpost::delivery::{ClaimRequest, Publish, Published, Shares};
use hookpost::id::{EventId, TenantId, Token};
use hookpost::notice::Notice;
use hookpost::os::SystemClock;
use hookpost::stores::sqlite::{SqliteStore, publish_in_at};
use hookpost::testing::ScriptedTransport;
use hookpost::{EventError, NewEvent, PublishError, Timestamp, Webhooks};
use rusqlite::Connection;
use serde_json::{Value, json};
use sqlite_file::{Fixed, TempFile};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const MIB: usize = 1024 * 1024;

struct Shared {
    host: Connection,
    store: Arc<SqliteStore>,
    file: TempFile,
}

fn shared() -> Shared {
    let file = TempFile::new();
    let store = Arc::new(SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap());
    let host = Connection::open(file.path()).unwrap();
    host.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY)").unwrap();
    Shared { host, store, file }
}

fn id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

fn statement(host: &Connection, event: &Value) -> rusqlite::Result<usize> {
    host.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [event.to_string()])
}

fn count(host: &Connection) -> i64 {
    host.query_row("SELECT count(*) FROM hookpost_event", [], |row| row.get(0)).unwrap()
}

/// An event with all that belongs to its content.
fn full() -> Value {
    json!({
        "id": "one", "tenant": "acme", "type": "order.paid", "payload": r#"{"order":7}"#,
        "content_type": "application/json", "scope": "shop", "ordering_key": "o", "idempotency_key": "i",
        "not_before": "2036-03-01T15:01:07+07:00", "expires_at": "2036-03-02T00:00:00.5Z",
    })
}

fn with(key: &str, value: impl Into<Value>) -> Value {
    let mut event = full();
    event[key] = value.into();
    event
}

#[test]
fn an_id_or_key_that_stands_for_another_content_is_an_sql_error_that_names_it() {
    let mut shared = shared();
    statement(&shared.host, &full()).unwrap();
    let transaction = shared.host.transaction().unwrap();
    for (key, value) in [
        ("type", "order.sent"),
        ("payload", r#"{"order":8}"#),
        ("payload", r#"{"order": 7}"#),
        ("payload", ""),
        ("content_type", "text/plain"),
        ("scope", "other"),
        ("ordering_key", "other"),
        ("idempotency_key", "other"),
        ("not_before", "2036-03-01T08:01:08Z"),
        ("expires_at", "2036-03-02T00:00:00Z"),
    ] {
        for event in [with(key, value), with(key, Value::Null)] {
            if key == "content_type" && event[key].is_null() || key == "type" && event[key].is_null() {
                continue;
            }
            let error = statement(&transaction, &event).unwrap_err().to_string();
            let named = if key == "payload" && event[key].is_null() {
                "hookpost: key payload: exactly one"
            } else {
                "hookpost: key id: was used for another content, by event one"
            };
            assert!(error.contains(named), "{event}: {error}");
        }
    }
    let mut keyed = with("type", "order.sent");
    keyed["id"] = "two".into();
    for id in [Value::from("two"), Value::Null] {
        keyed["id"] = id;
        let error = statement(&transaction, &keyed).unwrap_err().to_string();
        let named = "hookpost: key idempotency_key: was used for another content, by event one";
        assert!(error.contains(named), "{error}");
    }
    transaction.execute("INSERT INTO orders VALUES (1)", []).unwrap();
    transaction.commit().unwrap();
    assert_eq!(count(&shared.host), 1, "the host's transaction went on");
}

#[test]
fn the_same_content_again_adds_nothing_however_it_is_written() {
    let shared = shared();
    statement(&shared.host, &full()).unwrap();
    for (key, value) in [
        ("id", Value::from("one")),
        ("id", "two".into()),
        ("id", Value::Null),
        ("content_type", Value::Null),
        ("payload_base64", Value::Null),
        ("created_at", "2026-03-01T15:01:07Z".into()),
        ("not_before", "2036-03-01 08:01:07.000000z".into()),
        ("expires_at", "2036-03-02T02:30:00.500+02:30".into()),
    ] {
        assert_eq!(statement(&shared.host, &with(key, value)), Ok(0), "{key}");
    }
    assert_eq!(count(&shared.host), 1);
    let another_tenants = with("tenant", "other");
    statement(&shared.host, &another_tenants).unwrap();
    assert_eq!(count(&shared.host), 2, "ids and keys belong to a tenant");
}

#[test]
fn bytes_in_base64_are_compared_too() {
    let shared = shared();
    let event = |text: &str| json!({"id": "b", "tenant": "acme", "type": "t", "payload_base64": text});
    statement(&shared.host, &event("AP8KZQ==")).unwrap();
    statement(&shared.host, &event("AP8KZQ==")).unwrap();
    let error = statement(&shared.host, &event("AP8KZg==")).unwrap_err().to_string();
    assert!(error.contains("key id: was used for another content, by event b"), "{error}");
}

#[tokio::test]
async fn all_three_ways_agree_on_what_the_same_event_is() {
    let shared = shared();
    let by_sql = || {
        let event = json!({"id": "one", "tenant": "acme", "type": "t", "payload": "{}", "scope": "s"});
        statement(&shared.host, &event)
    };
    let of = |payload: &str| {
        let new = NewEvent::json("acme", "t", payload.to_owned()).unwrap().scope("s").unwrap();
        new.id("one").unwrap()
    };
    let published = async |payload| {
        let event = Arc::new(of(payload).into_event(id("unused"), NOW, MIB).unwrap());
        let (answers, _) = shared.store.publish(&[Publish { event, routes: None }], None, NOW).await.unwrap();
        answers[0].published
    };
    let in_host = |payload| publish_in_at(&shared.host, of(payload), id("unused"), NOW).unwrap().published;
    let existing = |same_content| Published::Existing { same_content };

    assert_eq!(published("{}").await, Published::Stored);
    assert!(by_sql().is_ok());
    assert_eq!((in_host("{}"), in_host("[]")), (existing(true), existing(false)));

    shared.host.execute_batch("DELETE FROM hookpost_event; DELETE FROM hookpost_routing").unwrap();
    by_sql().unwrap();
    assert_eq!((in_host("{}"), in_host("[]")), (existing(true), existing(false)));
    assert_eq!((published("{}").await, published("[]").await), (existing(true), existing(false)));

    // What only `publish` can bring is content too.
    shared.host.execute_batch("DELETE FROM hookpost_event; DELETE FROM hookpost_routing").unwrap();
    let traced = of("{}").trace(format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16))).unwrap();
    publish_in_at(&shared.host, traced, id("unused"), NOW).unwrap();
    assert!(by_sql().is_err());
}

/// SQLite counts no rows for a view that a trigger stands for: the total tells.
#[test]
fn the_connections_total_changes_tell_what_was_stored_from_what_was_there() {
    let shared = shared();
    let total = || shared.host.query_row("SELECT total_changes()", [], |row| row.get::<_, i64>(0)).unwrap();
    let before = total();
    assert_eq!(statement(&shared.host, &full()), Ok(0));
    let stored = total();
    assert!(stored > before);
    statement(&shared.host, &full()).unwrap();
    assert_eq!(total(), stored);
}

#[test]
fn a_payload_over_the_files_limit_is_refused_by_its_bytes() {
    use base64::Engine as _;
    let shared = shared();
    let text = |text: String| json!({"tenant": "acme", "type": "t", "payload": text});
    let base64 = |length: usize| {
        let text = base64::engine::general_purpose::STANDARD.encode(vec![7; length]);
        json!({"tenant": "acme", "type": "t", "payload_base64": text})
    };
    for event in [text("x".repeat(MIB)), base64(MIB), base64(MIB - 1)] {
        statement(&shared.host, &event).unwrap();
    }
    for (event, key, size) in [
        (text("x".repeat(MIB + 1)), "payload", MIB + 1),
        (text("é".repeat(MIB / 2 + 1)), "payload", MIB + 2),
        (base64(MIB + 1), "payload_base64", MIB + 1),
        (base64(3 * MIB), "payload_base64", 3 * MIB),
    ] {
        let error = statement(&shared.host, &event).unwrap_err().to_string();
        let named = format!("hookpost: key {key}: {size} bytes exceed the limit of {MIB}");
        assert!(error.contains(&named), "{error}");
    }
    let event = NewEvent::bytes("acme", "t", "text/plain", vec![b'x'; MIB + 1]).unwrap();
    let error = publish_in_at(&shared.host, event, id("large"), NOW).unwrap_err().to_string();
    assert!(error.starts_with("payload: "), "{error}");
    assert_eq!(count(&shared.host), 3);
}

#[test]
fn the_limit_of_a_file_is_kept_with_it_for_every_client() {
    let Shared { host, store, file } = shared();
    drop(store);
    let limited = SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).payload_max(4);
    drop(limited.open().unwrap());
    drop(SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap());
    let event = |payload: &str| json!({"tenant": "acme", "type": "t", "payload": payload});
    statement(&host, &event("1234")).unwrap();
    let error = statement(&host, &event("12345")).unwrap_err().to_string();
    assert!(error.contains("5 bytes exceed the limit of 4"), "{error}");
    let publish = |payload: &str| {
        publish_in_at(&host, NewEvent::json("acme", "t", payload.to_owned()).unwrap(), id(payload), NOW)
    };
    assert!(publish("1234").is_ok() && publish("12345").is_err());

    let wide = SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).payload_max(2 * MIB);
    drop(wide.open().unwrap());
    statement(&host, &event(&"x".repeat(2 * MIB))).unwrap();
    assert_eq!(count(&host), 3);
}

#[tokio::test]
async fn one_limit_holds_for_all_ways_to_publish_and_a_builder_can_only_make_it_smaller() {
    let (file, clock) = (TempFile::new(), Arc::new(SystemClock::new()));
    drop(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
    let host = Connection::open(file.path()).unwrap();
    let on_file = |own: Option<usize>| {
        let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
        let builder = Webhooks::builder(store, Arc::new(ScriptedTransport::new(clock.clone())));
        own.into_iter().fold(builder, hookpost::webhooks::Builder::payload_max).build()
    };
    let event = |bytes: usize| NewEvent::bytes("acme", "t", "text/plain", vec![b'x'; bytes]).unwrap();
    let by_sql = |bytes: usize| {
        let event = json!({"tenant": "acme", "type": "t", "payload": "x".repeat(bytes)});
        statement(&host, &event).map(drop)
    };
    let refused = async |webhooks: &Webhooks, bytes: usize| {
        let error = webhooks.publish(event(bytes)).await.unwrap_err();
        assert!(matches!(error, PublishError::Event(EventError::TooLarge { .. })), "{error}");
    };

    // A new file has 1 MiB, and a builder that says more is told so at once.
    let webhooks = on_file(None).unwrap();
    webhooks.publish(event(MIB)).await.unwrap();
    refused(&webhooks, MIB + 1).await;
    assert!(by_sql(MIB).is_ok() && by_sql(MIB + 1).is_err());
    let error = on_file(Some(MIB + 1)).unwrap_err();
    assert_eq!(error.problems()[0].field, "payload_max");
    assert!(error.to_string().contains("at most 1048576 bytes, which the store takes"), "{error}");
    drop(webhooks);

    // What the file takes, every way to publish takes.
    drop(SqliteStore::builder(file.path()).clock(clock.clone()).payload_max(2 * MIB).open().unwrap());
    let webhooks = on_file(None).unwrap();
    webhooks.publish(event(2 * MIB)).await.unwrap();
    refused(&webhooks, 2 * MIB + 1).await;
    assert!(by_sql(2 * MIB).is_ok() && by_sql(2 * MIB + 1).is_err());

    // A process may take less than the file does.
    let narrow = on_file(Some(4)).unwrap();
    narrow.publish(event(4)).await.unwrap();
    refused(&narrow, 5).await;
    assert!(by_sql(5).is_ok());
}

#[tokio::test]
async fn a_claim_finds_an_event_of_the_hosts_only_once() {
    let shared = shared();
    statement(&shared.host, &json!({"tenant": "acme", "type": "t", "payload": "{}"})).unwrap();
    let later = Timestamp::from_unix_seconds(40_000_000_000);
    let claim = async |now| {
        let request = ClaimRequest {
            token: Token::from_bytes([7; 16]),
            now,
            lease_until: now + Duration::from_secs(30),
            deliveries: 10,
            events: 10,
            doubtful: 10,
            shares: Shares::unlimited(),
            alone: false,
        };
        let claims = shared.store.claim(&request).await.unwrap();
        (claims.events.len(), claims.found.len())
    };
    assert_eq!(claim(later).await, (1, 1));
    assert_eq!(claim(later + Duration::from_secs(60)).await, (1, 0), "its lease ended without a word");
}

#[tokio::test]
async fn an_engine_hears_once_of_what_the_hosts_transaction_published() {
    let file = TempFile::new();
    let clock = Arc::new(SystemClock::new());
    let store = Arc::new(SqliteStore::builder(file.path()).clock(clock.clone()).open().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let engine = |name: &'static str| {
        let heard = Arc::clone(&heard);
        let observer = move |notice: &Notice<'_>| {
            if let Notice::Published { tenant, kind, event } = notice {
                heard.lock().unwrap().push(format!("{name} {tenant} {kind} {event}"));
            }
        };
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        Webhooks::builder(store.clone(), transport).observer(Arc::new(observer)).build().unwrap()
    };
    let (first, second) = (engine("first"), engine("second"));
    let host = Connection::open(file.path()).unwrap();
    statement(&host, &json!({"id": "sql", "tenant": "acme", "type": "t", "payload": "{}"})).unwrap();
    let new = |name: &str| NewEvent::json("acme", "k", "{}").unwrap().id(name).unwrap();
    publish_in_at(&host, new("rust"), id("unused"), Timestamp::from(std::time::SystemTime::now())).unwrap();
    second.publish(new("api")).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), ["second acme k api"]);

    for webhooks in [&first, &second, &first] {
        webhooks.tick().await.unwrap();
    }
    let mut heard = heard.lock().unwrap().clone();
    heard.sort();
    assert_eq!(heard, ["first acme k rust", "first acme t sql", "second acme k api"]);
    let tenant: TenantId = "acme".parse().unwrap();
    assert!(store.event(&tenant, &id("sql")).await.unwrap().is_some());
}
