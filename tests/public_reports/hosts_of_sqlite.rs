//! The SQLite store beside hosts with habits of their own.

use std::path::Path;
use std::time::Duration;

use hookpost::Timestamp;
use hookpost::backend::Store as _;
use hookpost::delivery::{ClaimRequest, Shares};
use hookpost::error::StoreErrorKind;
use hookpost::id::Token;
use hookpost::stores::sqlite::SqliteStore;
use rusqlite::Connection;

use crate::sqlite_file::{Fixed, TempFile};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);
const INSERT: &str = "INSERT INTO hookpost_publish(event) VALUES (?1)";
const EVENT: &str = r#"{"tenant":"acme","type":"order.paid","payload":"{}"}"#;

fn open(path: &Path) -> SqliteStore {
    SqliteStore::builder(path).clock(Fixed::at(NOW)).open().unwrap()
}

/// The payloads of all events that the store has to route.
async fn payloads(store: &SqliteStore) -> Vec<String> {
    let now = Timestamp::from_unix_seconds(4_000_000_000);
    let request = ClaimRequest {
        token: Token::from_bytes([7; 16]),
        now,
        lease_until: now + Duration::from_secs(30),
        deliveries: 10,
        doubtful: 10,
        events: 100,
        shares: Shares::unlimited(),
        alone: false,
    };
    let events = store.claim(&request).await.unwrap().events;
    events.iter().map(|claim| String::from_utf8_lossy(&claim.event.payload).into_owned()).collect()
}

/// Publishes by a statement and returns how many rows it gave.
fn publish(host: &Connection, sql: &str, event: &str) -> rusqlite::Result<usize> {
    let mut statement = host.prepare(sql)?;
    let mut rows = statement.query([event])?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[tokio::test]
async fn whatever_a_host_has_set_for_itself_it_publishes_by_a_statement() {
    for (before, sql) in [
        ("", INSERT),
        ("PRAGMA trusted_schema=OFF", INSERT),
        ("PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA case_sensitive_like=ON", INSERT),
        ("", "INSERT OR IGNORE INTO hookpost_publish(event) VALUES (?1)"),
        ("", "INSERT OR ROLLBACK INTO hookpost_publish(event) VALUES (?1)"),
        ("", "INSERT INTO hookpost_publish(event) VALUES (?1) RETURNING event"),
        ("", "INSERT INTO main.hookpost_publish(event) VALUES (?1)"),
        ("", "INSERT INTO hookpost_publish(event) VALUES (json_set(?1,'$.scope','s'))"),
        ("", "INSERT INTO hookpost_publish(event) VALUES (json(jsonb(?1)))"),
        ("PRAGMA reverse_unordered_selects=ON", INSERT),
        ("PRAGMA full_column_names=ON; PRAGMA short_column_names=OFF", INSERT),
        ("PRAGMA legacy_alter_table=ON", INSERT),
    ] {
        let file = TempFile::new();
        let store = open(&file.path());
        let host = Connection::open(file.path()).unwrap();
        host.execute_batch(before).unwrap();
        publish(&host, sql, EVENT).unwrap();
        assert_eq!(payloads(&store).await, ["{}"], "{before} {sql}");
    }
}

#[tokio::test]
async fn one_statement_may_publish_several_events_and_into_an_attached_file() {
    let file = TempFile::new();
    let store = open(&file.path());
    let host = Connection::open_in_memory().unwrap();
    host.execute("ATTACH ?1 AS hooks", [file.path().to_str().unwrap()]).unwrap();
    host.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    publish(&host, "INSERT INTO hooks.hookpost_publish(event) SELECT ?1 FROM t", EVENT).unwrap();
    assert_eq!(payloads(&store).await, ["{}"; 3]);
}

#[test]
fn a_file_whose_text_is_utf16_is_refused_and_left_as_it_is() {
    for encoding in ["UTF-16le", "UTF-16be"] {
        let file = TempFile::new();
        let host = Connection::open(file.path()).unwrap();
        let tables = format!("PRAGMA encoding='{encoding}'; CREATE TABLE orders (id INTEGER PRIMARY KEY)");
        host.execute_batch(&tables).unwrap();
        let error = SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(&format!("must be UTF-8 (it is {encoding})")), "{error}");
        let count = "SELECT count(*) FROM sqlite_master";
        assert_eq!(host.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
}

#[test]
fn a_path_is_a_file_and_no_uri() {
    for name in [
        "a b.db",
        "a%20b.db",
        "a?mode=memory.db",
        "a#b.db",
        "file:x.db",
        "ü.db",
        "a'b.db",
        "x.db?cache=shared",
    ] {
        let file = TempFile::new();
        let path = file.directory().join(name);
        drop(open(&path));
        assert!(path.exists(), "{name}");
    }
}

#[tokio::test]
async fn a_file_is_vacuumed_and_copied_with_what_waits_in_it() {
    let file = TempFile::new();
    let store = open(&file.path());
    let host = Connection::open(file.path()).unwrap();
    for _ in 0..5 {
        host.execute(INSERT, [EVENT]).unwrap();
    }
    host.execute_batch("VACUUM").unwrap();
    let copy = file.directory().join("copy.db");
    host.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    for store in [store, open(&copy)] {
        assert_eq!(payloads(&store).await.len(), 5);
    }
}

#[tokio::test]
async fn a_host_that_reads_for_long_keeps_nobody_from_publishing() {
    let file = TempFile::new();
    let store = open(&file.path());
    let reader = Connection::open(file.path()).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM hookpost_event;").unwrap();
    Connection::open(file.path()).unwrap().execute(INSERT, [EVENT]).unwrap();
    assert_eq!(payloads(&store).await, ["{}"]);
}

#[tokio::test]
async fn a_value_is_taken_in_every_form_that_json_and_rfc_3339_permit() {
    let with = |rest: &str| format!(r#"{{"tenant":"acme","type":"t",{rest}}}"#);
    for (rest, payload) in [
        (r#""payload":"a\u0000b","content_type":"text/plain""#, "a\0b"),
        (r#""payload":"{\"a\":\"\\ud83d\"}""#, r#"{"a":"\ud83d"}"#),
        (r#""id":null,"payload":"{}""#, "{}"),
        (r#""payload":"{}","created_at":"2025-01-15t10:30:00.123z""#, "{}"),
        (r#""payload":"{}","created_at":"2025-01-15 10:30:00.5+02:00""#, "{}"),
        (r#""payload":"{}","created_at":"2025-01-15T10:30:00.123456789Z""#, "{}"),
        (r#""p\u0061yload":"{}""#, "{}"),
    ] {
        let file = TempFile::new();
        let store = open(&file.path());
        Connection::open(file.path()).unwrap().execute(INSERT, [with(rest)]).expect(rest);
        assert_eq!(payloads(&store).await, [payload], "{rest}");
    }
}

#[tokio::test]
async fn a_value_that_another_reader_might_take_is_refused_with_the_name_of_its_key() {
    let with = |rest: &str| format!(r#"{{"tenant":"acme","type":"t",{rest}}}"#);
    for (rest, key) in [
        // A leap second has no place in a count of microseconds.
        (r#""payload":"{}","created_at":"2016-12-31T23:59:60Z""#, "created_at"),
        (r#""payload":"{}","created_at":"2025-01-15T10:30:00+24:00""#, "created_at"),
        (r#""payload":"{}","created_at":"2025-01-15T10:30:00+0200""#, "created_at"),
        (r#""payload":{"a":1}"#, "payload"),
        (r#""payload_base64":"AP8","content_type":"application/octet-stream""#, "payload_base64"),
    ] {
        let file = TempFile::new();
        let store = open(&file.path());
        let host = Connection::open(file.path()).unwrap();
        let refused = host.execute(INSERT, [with(rest)]).expect_err(rest).to_string();
        assert!(refused.contains(key), "{rest}: {refused}");
        assert!(payloads(&store).await.is_empty(), "{rest}");
    }
}
