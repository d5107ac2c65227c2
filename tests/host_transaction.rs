//! Publishing in the host's own transaction: by `publish_in`, and by one statement of
//! any other client of the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::time::Duration;

use hookpost::backend::{History, Store};
use hookpost::delivery::{ClaimRequest, Claimed, Claims, Next, Published, Settlement, Shares};
use hookpost::id::{EventId, TenantId, Token};
use hookpost::stores::sqlite::{SqliteStore, publish_in_at};
use hookpost::{NewEvent, Timestamp};
use rusqlite::Connection;
use sqlite_file::{Fixed, TempFile};

/// After every moment that the database's own clock gives an event.
const LATER: Timestamp = Timestamp::from_unix_seconds(40_000_000_000);
const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

struct Shared {
    host: Connection,
    store: SqliteStore,
    _file: TempFile,
}

fn shared() -> Shared {
    let file = TempFile::new();
    let host = Connection::open(file.path()).unwrap();
    host.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, paid INTEGER)").unwrap();
    let store = SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap();
    Shared { host, store, _file: file }
}

fn event() -> NewEvent {
    NewEvent::json("acme", "order.paid", r#"{"order":7}"#).unwrap()
}

fn id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

async fn claim(store: &SqliteStore) -> Claims {
    let request = ClaimRequest {
        token: Token::from_bytes([7; 16]),
        now: LATER,
        lease_until: LATER + Duration::from_secs(30),
        deliveries: 10,
        events: 10,
        doubtful: 10,
        shares: Shares::unlimited(),
        alone: false,
    };
    store.claim(&request).await.unwrap()
}

fn statement(host: &Connection, json: &str) -> rusqlite::Result<usize> {
    host.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [json])
}

#[tokio::test]
async fn a_rolled_back_transaction_leaves_no_event() {
    let mut shared = shared();
    let transaction = shared.host.transaction().unwrap();
    publish_in_at(&transaction, event(), id("one"), NOW).unwrap();
    statement(&transaction, r#"{"tenant":"acme","type":"order.paid","payload":"{}"}"#).unwrap();
    transaction.rollback().unwrap();
    assert!(claim(&shared.store).await.events.is_empty());
    let rows: i64 =
        shared.host.query_row("SELECT count(*) FROM hookpost_event", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn a_committed_transaction_gives_its_event_to_the_next_claim() {
    let mut shared = shared();
    let transaction = shared.host.transaction().unwrap();
    transaction.execute("INSERT INTO orders VALUES (7, 1)", []).unwrap();
    let answer = publish_in_at(&transaction, event(), id("one"), NOW).unwrap();
    assert_eq!((answer.id.as_str(), answer.published), ("one", Published::Stored));
    transaction.commit().unwrap();
    let claims = claim(&shared.store).await;
    assert_eq!(*claims.events[0].event, event().into_event(id("one"), NOW, 100).unwrap());
}

#[tokio::test]
async fn an_event_that_is_there_is_not_published_again_and_the_host_goes_on() {
    let mut shared = shared();
    let transaction = shared.host.transaction().unwrap();
    let keyed = || event().idempotency_key("k").unwrap();
    publish_in_at(&transaction, keyed(), id("one"), NOW).unwrap();
    let again = publish_in_at(&transaction, keyed(), id("two"), LATER).unwrap();
    assert_eq!((again.id.as_str(), again.published), ("one", Published::Existing { same_content: true }));
    let other = publish_in_at(&transaction, event(), id("one"), NOW).unwrap();
    assert_eq!(other.published, Published::Existing { same_content: false });
    for json in [
        r#"{"id":"one","idempotency_key":"k","tenant":"acme","type":"order.paid","payload":"{\"order\":7}"}"#,
        r#"{"idempotency_key":"k","tenant":"acme","type":"order.paid","payload":"{\"order\":7}"}"#,
    ] {
        statement(&transaction, json).unwrap();
    }
    transaction.commit().unwrap();
    assert_eq!(claim(&shared.store).await.events.len(), 1);
}

#[tokio::test]
async fn existing_events_stay_even_where_the_host_says_replace() {
    let shared = shared();
    let json = r#"{"id":"one","tenant":"acme","type":"first","payload":"{}"}"#;
    statement(&shared.host, json).unwrap();
    let replace = "INSERT OR REPLACE INTO hookpost_publish(event) VALUES (?1)";
    assert!(shared.host.execute(replace, [json.replace("first", "second")]).is_err());
    shared.host.execute(replace, [json]).unwrap();
    let claims = claim(&shared.store).await;
    assert_eq!(claims.events.len(), 1);
    assert_eq!(claims.events[0].event.kind.as_str(), "first");
}

#[tokio::test]
async fn the_statement_writes_every_key_as_publish_in_does() {
    let shared = shared();
    let full = r#"{
        "id": "e-1", "tenant": "acme", "type": "order.paid", "payload": "{\"a\":\"ż\\u0000\"}",
        "content_type": "application/json; charset=utf-8", "scope": "shop", "ordering_key": "o",
        "idempotency_key": "i", "created_at": "2026-03-01T10:00:05.000001Z",
        "not_before": "2026-03-01T15:01:07+07:00", "expires_at": "2026-03-02 00:00:00.5-00:30"
    }"#;
    statement(&shared.host, full).unwrap();
    let by_rust = NewEvent::bytes(
        "acme",
        "order.paid",
        "application/json; charset=utf-8",
        "{\"a\":\"ż\\u0000\"}".as_bytes().to_vec(),
    )
    .unwrap()
    .scope("shop")
    .unwrap()
    .ordering_key("o")
    .unwrap()
    .idempotency_key("i")
    .unwrap()
    .not_before("2026-03-01T08:01:07Z".parse().unwrap())
    .expires_at("2026-03-02T00:30:00.5Z".parse().unwrap());
    let created_at = "2026-03-01T10:00:05.000001Z".parse().unwrap();
    let expected = by_rust.into_event(id("e-1"), created_at, 1000).unwrap();
    assert_eq!(*claim(&shared.store).await.events[0].event, expected);
}

#[tokio::test]
async fn what_the_statement_leaves_out_has_its_default() {
    let shared = shared();
    let before = Timestamp::from(std::time::SystemTime::now()) - Duration::from_secs(1);
    let json = r#"{"tenant":"acme","type":"ping","payload_base64":"AP8KZZ==","scope":null}"#;
    statement(&shared.host, json).unwrap();
    statement(&shared.host, json).unwrap();
    let claims = claim(&shared.store).await;
    assert_eq!(claims.events.len(), 2, "each has an id of its own");
    let event = &claims.events[0].event;
    assert_eq!(event.id.as_str().len(), 32);
    assert_eq!(event.payload, &[0, 255, 10, 101][..]);
    assert_eq!(event.content_type, "application/json");
    assert_eq!(event.scope, None);
    assert!(event.created_at > before && event.created_at < before + Duration::from_secs(60));
}

#[tokio::test]
async fn times_come_to_the_microsecond_in_every_form_that_is_written() {
    for (text, micros) in [
        ("2025-01-15T10:30:00+00:00", 1_736_937_000_000_000),
        ("2026-03-01T10:00:05.000001Z", 1_772_359_205_000_001),
        ("2026-03-01T15:01:07+07:00", 1_772_352_067_000_000),
        ("2024-02-29 23:59:59.9999999-00:30", 1_709_252_999_999_999),
        ("1969-12-31T23:59:59.5Z", -500_000),
        ("2026-03-01T10:00:05.12z", 1_772_359_205_120_000),
    ] {
        let shared = shared();
        let json = format!(r#"{{"tenant":"a","type":"t","payload":"","created_at":"{text}"}}"#);
        statement(&shared.host, &json).unwrap();
        let created_at = claim(&shared.store).await.events[0].event.created_at;
        assert_eq!(created_at.as_micros(), micros, "{text}");
        let same = text.to_uppercase().parse::<Timestamp>().unwrap();
        assert_eq!(created_at, same, "{text}");
    }
}

#[test]
fn a_bad_key_is_an_error_that_names_it_and_writes_nothing() {
    let shared = shared();
    let with = |more: &str| format!(r#"{{"tenant":"a","type":"t","payload":"{{}}",{more}}}"#);
    let long = format!(r#""scope":"{}""#, "x".repeat(129));
    for (json, named) in [
        ("[]".to_owned(), "event"),
        ("{".to_owned(), "event"),
        (String::new(), "event"),
        (with(r#""tennant":"b""#), "key tennant: is unknown"),
        (with(r#""tenant":"b""#), "key tenant: must occur once"),
        (r#"{"type":"t","payload":""}"#.to_owned(), "key tenant: is missing"),
        (r#"{"tenant":"t","type":null,"payload":""}"#.to_owned(), "key type: is missing"),
        (r#"{"tenant":"a","type":"t"}"#.to_owned(), "key payload:"),
        (with(r#""payload_base64":"""#), "key payload:"),
        (r#"{"tenant":"a","type":"t","payload":{}}"#.to_owned(), "key payload: must be a text"),
        (r#"{"tenant":"","type":"t","payload":""}"#.to_owned(), "key tenant: must be 1 to 128"),
        (r#"{"tenant":7,"type":"t","payload":""}"#.to_owned(), "key tenant: must be 1 to 128"),
        (r#"{"tenant":"a b","type":"t","payload":""}"#.to_owned(), "key tenant: must be 1 to 128"),
        (r#"{"tenant":"a","type":"o.*","payload":""}"#.to_owned(), "key type: must be 1 to 128"),
        (with(r#""id":"a.b""#), "key id: must be 1 to 128"),
        (with(r#""id":"ż""#), "key id: must be 1 to 128"),
        (with(r#""id":"a\u0000""#), "key id: must be 1 to 128"),
        (with(&long), "key scope: must be 1 to 128"),
        (with(r#""ordering_key":"a\nb""#), "key ordering_key: must be 1 to 128"),
        (with(r#""idempotency_key":true"#), "key idempotency_key: must be 1 to 128"),
        (with(r#""content_type":"a\r\nb""#), "key content_type:"),
        (r#"{"tenant":"a","type":"t","payload_base64":"QQ="}"#.to_owned(), "key payload_base64:"),
        (r#"{"tenant":"a","type":"t","payload_base64":"Q==="}"#.to_owned(), "key payload_base64:"),
        (r#"{"tenant":"a","type":"t","payload_base64":"QQ-_"}"#.to_owned(), "key payload_base64:"),
        (r#"{"tenant":"a","type":"t","payload_base64":"Q=Q="}"#.to_owned(), "key payload_base64:"),
        (with(r#""created_at":1700000000"#), "key created_at:"),
        (with(r#""created_at":"2025-02-29T00:00:00Z""#), "key created_at:"),
        (with(r#""created_at":"2025-01-15T24:00:00Z""#), "key created_at:"),
        (with(r#""created_at":"2025-01-15T10:30:60Z""#), "key created_at:"),
        (with(r#""not_before":"2025-01-15T10:30:00""#), "key not_before:"),
        (with(r#""not_before":"2025-01-15T10:30:00.Z""#), "key not_before:"),
        (with(r#""not_before":"2025-01-15T10:30:00.1.2Z""#), "key not_before:"),
        (with(r#""expires_at":"2025-01-15""#), "key expires_at:"),
        (with(r#""expires_at":"2025-01-15T10:30:00+0000""#), "key expires_at:"),
        (with(r#""expires_at":"2025-01-15T10:30:00Z""#), "key expires_at: must be after"),
    ] {
        let error = statement(&shared.host, &json).expect_err(&json).to_string();
        assert!(error.contains(&format!("hookpost: {named}")), "{json}: {error}");
    }
    let rows = "SELECT (SELECT count(*) FROM hookpost_event) + (SELECT count(*) FROM hookpost_routing)";
    assert_eq!(shared.host.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn events_of_one_ordering_key_are_routed_one_after_the_other_in_commit_order() {
    let mut shared = shared();
    let transaction = shared.host.transaction().unwrap();
    let keyed = |number: &str| event().ordering_key("o").unwrap().id(number).unwrap();
    publish_in_at(&transaction, keyed("first"), id("unused"), NOW).unwrap();
    let second = r#"{"id":"second","tenant":"acme","type":"t","payload":"{}","ordering_key":"o"}"#;
    statement(&transaction, second).unwrap();
    publish_in_at(&transaction, keyed("third"), id("unused"), NOW).unwrap();
    transaction.commit().unwrap();
    for expected in ["first", "second", "third"] {
        let claims = claim(&shared.store).await;
        let ids: Vec<_> = claims.events.iter().map(|claim| claim.event.id.as_str()).collect();
        assert_eq!(ids, [expected]);
        let routed = Settlement {
            token: claims.events[0].token,
            of: Claimed::Event(TenantId::new("acme").unwrap(), id(expected)),
            at: LATER,
            next: Next::Routed { routes: Vec::new(), more_after: None },
            attempt: None,
        };
        shared.store.settle(&[routed], &[], LATER).await.unwrap();
    }
}

#[tokio::test]
async fn an_event_costs_two_row_writes_however_it_comes() {
    let shared = shared();
    let writes = |work: &dyn Fn(&Connection)| {
        let before = total_changes(&shared.host);
        work(&shared.host);
        total_changes(&shared.host) - before
    };
    assert_eq!(writes(&|host| drop(publish_in_at(host, event(), id("one"), NOW).unwrap())), 2);
    let json = r#"{"tenant":"acme","type":"t","payload":"{}"}"#;
    let by_statement = |host: &Connection| {
        statement(host, json).unwrap();
    };
    assert_eq!(writes(&by_statement), 2);
    let found = shared.store.event(&TenantId::new("acme").unwrap(), &id("one")).await.unwrap();
    assert!(found.is_some());
}

fn total_changes(host: &Connection) -> i64 {
    host.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap()
}
