//! The SQLite store and its file: what it refuses, what it leaves alone, what it keeps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::{Cipher, CipherError, Directory, Registry, Sealed, Store};
use hookpost::delivery::{ClaimRequest, Claimed, Next, Publish, Published, Settled, Settlement, Shares};
use hookpost::endpoint::{Expected, Loaded, Write};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::id::{DeliveryId, EndpointId, EventId, ProfileName, Round, TenantId, Token};
use hookpost::policy::egress::{EndpointUrl, PortPolicy, SchemePolicy, UrlPolicy};
use hookpost::secret::{Secrets, WhySealed};
use hookpost::sequence::Sequence;
use hookpost::stores::sqlite::{SqliteBuilder, SqliteStore};
use hookpost::{Endpoint, Headers, NewEvent, Overrides, Secret, SecretSet, Subscription, Timestamp};
use rusqlite::Connection;
use sqlite_file::{Fixed, TempFile};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn builder(path: &Path) -> SqliteBuilder {
    SqliteStore::builder(path).clock(Fixed::at(NOW))
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    builder(path).open()
}

fn refusal(path: &Path) -> StoreErrorKind {
    open(path).map(|_| ()).unwrap_err().kind()
}

fn event(id: &str, payload: usize) -> Publish {
    let event = NewEvent::bytes("acme", "order.paid", "text/plain", vec![b'x'; payload]).unwrap();
    let event = event.into_event(EventId::new(id).unwrap(), NOW, payload).unwrap();
    Publish { event: Arc::new(event), routes: None }
}

async fn publish(store: &SqliteStore, id: &str, payload: usize) -> Result<Published, StoreError> {
    let (answers, _) = store.publish(&[event(id, payload)], None, NOW).await?;
    Ok(answers[0].published)
}

async fn claimed(store: &SqliteStore, token: u8, events: usize) -> Vec<String> {
    let request = ClaimRequest {
        token: Token::from_bytes([token; 16]),
        now: NOW,
        lease_until: NOW + Duration::from_secs(30),
        deliveries: 10,
        events,
        doubtful: 10,
        shares: Shares::unlimited(),
        alone: false,
    };
    let claims = store.claim(&request).await.unwrap();
    claims.events.iter().map(|claim| claim.event.id.as_str().to_owned()).collect()
}

fn pragma(path: &Path, name: &str) -> String {
    let db = Connection::open(path).unwrap();
    let read = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
    format!("{:?}", db.query_row(&format!("PRAGMA {name}"), [], read).unwrap())
}

#[tokio::test]
async fn what_was_published_is_there_after_reopening() {
    let file = TempFile::new();
    let store = open(&file.path()).unwrap();
    assert_eq!(publish(&store, "one", 10).await.unwrap(), Published::Stored);
    drop(store);
    let beside = file.directory().join("hookpost.db-wal");
    assert!(!beside.exists(), "a dropped store has closed its file");
    assert_eq!(claimed(&open(&file.path()).unwrap(), 1, 10).await, ["one"]);
}

/// SQLite takes the log into the file only for a connection that closes alone, and a
/// connection that has never read does not count.
#[tokio::test]
async fn a_dropped_store_leaves_no_log_even_where_its_readers_end_at_once() {
    let file = TempFile::new();
    let beside = file.directory().join("hookpost.db-wal");
    let one = [EndpointId::new("one").unwrap()];
    for round in 0..100 {
        let store = builder(&file.path()).readers(NonZeroUsize::new(8).unwrap()).open().unwrap();
        publish(&store, &format!("event-{round}"), 10).await.unwrap();
        let read = || store.load(&one);
        tokio::try_join!(read(), read(), read(), read(), read(), read(), read(), read()).unwrap();
        drop(store);
        assert!(!beside.exists(), "round {round}");
    }
}

#[tokio::test]
async fn two_stores_that_are_dropped_at_once_leave_no_log_to_read() {
    let file = TempFile::new();
    let beside = file.directory().join("hookpost.db-wal");
    for round in 0..100 {
        let stores = [open(&file.path()).unwrap(), open(&file.path()).unwrap()];
        for (number, store) in stores.iter().enumerate() {
            publish(store, &format!("event-{round}-{number}"), 10).await.unwrap();
        }
        std::thread::scope(|scope| {
            for store in stores {
                scope.spawn(move || drop(store));
            }
        });
        let left = fs::metadata(&beside).map_or(0, |log| log.len());
        assert_eq!(left, 0, "round {round}");
    }
}

#[tokio::test]
async fn two_stores_on_one_file_never_claim_the_same_event() {
    let file = TempFile::new();
    let (one, two) = (open(&file.path()).unwrap(), open(&file.path()).unwrap());
    for number in 0..20 {
        publish(&one, &format!("e{number}"), 10).await.unwrap();
    }
    let (mut all, by_two) = tokio::join!(claimed(&one, 1, 12), claimed(&two, 2, 12));
    all.extend(by_two);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
}

#[test]
fn openers_at_once_make_the_tables_once() {
    for _ in 0..5 {
        let file = TempFile::new();
        let path = file.path();
        let results: Vec<_> = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        let db = Connection::open(&path).unwrap();
        let versions: i64 =
            db.query_row("SELECT count(*) FROM hookpost_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(versions, 1);
    }
}

#[test]
fn a_hosts_file_keeps_what_is_the_hosts() {
    let file = TempFile::new();
    let host = Connection::open(file.path()).unwrap();
    host.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = FULL; PRAGMA user_version = 7;
         PRAGMA application_id = 1234; CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (5)",
    )
    .unwrap();
    drop(host);
    let names = ["page_size", "auto_vacuum", "user_version", "application_id"];
    let before = names.map(|name| pragma(&file.path(), name));
    drop(open(&file.path()).unwrap());
    assert_eq!(names.map(|name| pragma(&file.path(), name)), before);
    let host = Connection::open(file.path()).unwrap();
    assert_eq!(host.query_row("SELECT id FROM orders", [], |row| row.get::<_, i64>(0)).unwrap(), 5);
}

#[test]
fn opening_turns_the_file_to_wal_unless_the_rollback_journal_is_chosen() {
    let file = TempFile::new();
    drop(builder(&file.path()).rollback_journal().open().unwrap());
    assert_eq!(pragma(&file.path(), "journal_mode"), "Text(\"delete\")");
    drop(open(&file.path()).unwrap());
    assert_eq!(pragma(&file.path(), "journal_mode"), "Text(\"wal\")");
    drop(builder(&file.path()).rollback_journal().open().unwrap());
    assert_eq!(pragma(&file.path(), "journal_mode"), "Text(\"delete\")");
}

#[test]
fn a_file_that_is_no_database_or_has_a_broken_header_is_refused_and_stays_as_it_is() {
    let whole = TempFile::new();
    drop(open(&whole.path()).unwrap());
    let mut broken = fs::read(whole.path()).unwrap();
    broken[3] ^= 0xff;
    for bytes in [broken, b"this is a diary, not a database; ".repeat(100)] {
        let file = TempFile::new();
        fs::write(file.path(), &bytes).unwrap();
        assert_eq!(refusal(&file.path()), StoreErrorKind::Corrupt);
        assert_eq!(fs::read(file.path()).unwrap(), bytes);
    }
}

#[tokio::test]
async fn damaged_pages_are_an_error_and_never_repaired() {
    let file = TempFile::new();
    let store = open(&file.path()).unwrap();
    publish(&store, "one", 10).await.unwrap();
    drop(store);
    let mut bytes = fs::read(file.path()).unwrap();
    bytes[4096 * 3..].fill(0xa5);
    fs::write(file.path(), &bytes).unwrap();
    let kind = match open(&file.path()) {
        Ok(store) => publish(&store, "two", 10).await.unwrap_err().kind(),
        Err(error) => error.kind(),
    };
    assert_eq!(kind, StoreErrorKind::Corrupt);
    assert_eq!(fs::read(file.path()).unwrap(), bytes);
}

#[test]
fn tables_of_a_newer_version_are_refused_and_stay_as_they_are() {
    let file = TempFile::new();
    drop(open(&file.path()).unwrap());
    let db = Connection::open(file.path()).unwrap();
    db.execute("UPDATE hookpost_schema SET version = version + 1", []).unwrap();
    db.close().unwrap();
    let before = fs::read(file.path()).unwrap();
    let error = open(&file.path()).map(drop).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema);
    assert!(error.to_string().contains("version 2"), "{error}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn a_path_without_a_file_is_refused() {
    let file = TempFile::new();
    assert_eq!(refusal(Path::new(":memory:")), StoreErrorKind::Invalid);
    assert_eq!(refusal(Path::new("")), StoreErrorKind::Invalid);
    assert_eq!(refusal(&file.directory().join("missing").join("x.db")), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_full_file_refuses_what_is_too_much_and_goes_on_with_the_rest() {
    let file = TempFile::new();
    let store = builder(&file.path()).file_size_max(1024 * 1024).payload_max(4 * 1024 * 1024).open().unwrap();
    publish(&store, "before", 10).await.unwrap();
    // While somebody else holds the lock, calls gather into one transaction; the large
    // one must not take the small ones down with it.
    let host = Connection::open(file.path()).unwrap();
    host.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (small, large, tiny, ()) = tokio::join!(
        publish(&store, "small", 10),
        publish(&store, "large", 2 * 1024 * 1024),
        publish(&store, "tiny", 10),
        async { host.execute_batch("ROLLBACK").unwrap() },
    );
    assert_eq!(large.unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!((small.unwrap(), tiny.unwrap()), (Published::Stored, Published::Stored));
    assert_eq!(claimed(&store, 1, 10).await, ["before", "small", "tiny"]);
    drop(store);
    // Room again: it goes on without anybody's help.
    let store = open(&file.path()).unwrap();
    assert_eq!(publish(&store, "large", 2 * 1024 * 1024).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn a_lock_that_somebody_else_holds_is_waited_for_and_then_contended() {
    let file = TempFile::new();
    let store = builder(&file.path()).busy_timeout(Duration::from_millis(50)).open().unwrap();
    let host = Connection::open(file.path()).unwrap();
    host.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = publish(&store, "one", 10).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Contended);
    assert!(error.is_retryable());
    host.execute_batch("ROLLBACK").unwrap();
    assert_eq!(publish(&store, "one", 10).await.unwrap(), Published::Stored);
}

/// Settles the routing of `acme`'s event, and in the same call something that makes no
/// sense where `spoilt`.
async fn settle_routing(store: &SqliteStore, id: &str, spoilt: bool) -> Result<Vec<Settled>, StoreError> {
    let tenant = TenantId::new("acme").unwrap();
    let event = EventId::new(id).unwrap();
    let endpoint = EndpointId::new("e").unwrap();
    let delivery = DeliveryId::derive(&tenant, &event, NOW, &endpoint, &Round::Routing);
    let routed = |of| Settlement {
        token: Token::from_bytes([7; 16]),
        of,
        at: NOW,
        next: Next::Routed { routes: Vec::new(), more_after: None },
        attempt: None,
    };
    let mut settlements = vec![routed(Claimed::Event(tenant, event))];
    settlements.extend(spoilt.then(|| routed(Claimed::Delivery(delivery))));
    Ok(store.settle(&settlements, &[], NOW).await?.0)
}

#[tokio::test]
async fn a_call_that_fails_undoes_itself_alone_of_all_that_share_its_transaction() {
    let file = TempFile::new();
    let store = Arc::new(open(&file.path()).unwrap());
    publish(&store, "settled", 10).await.unwrap();
    assert_eq!(claimed(&store, 7, 1).await, ["settled"]);
    let host = Connection::open(file.path()).unwrap();
    // While somebody else writes, the first call waits and all others gather behind it.
    host.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { publish(&store, "first", 10).await }
    });
    let (mut published, mut failed) = (Vec::new(), Vec::new());
    for number in 0..20 {
        let own = Arc::clone(&store);
        let id = format!("event-{number}");
        published.push(tokio::spawn(async move { publish(&own, &id, 10).await }));
        let own = Arc::clone(&store);
        failed.push(tokio::spawn(async move { settle_routing(&own, "settled", true).await }));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    host.execute_batch("COMMIT").unwrap();
    assert_eq!(first.await.unwrap().unwrap(), Published::Stored);
    for call in published {
        assert_eq!(call.await.unwrap().unwrap(), Published::Stored);
    }
    for call in failed {
        assert_eq!(call.await.unwrap().unwrap_err().kind(), StoreErrorKind::Invalid);
    }
    assert_eq!(settle_routing(&store, "settled", false).await.unwrap(), [Settled::Applied]);
    assert_eq!(claimed(&store, 8, 100).await.len(), 21);
}

#[tokio::test]
async fn a_dropped_future_leaves_the_call_done_or_not_done() {
    let file = TempFile::new();
    let store = open(&file.path()).unwrap();
    for number in 0..50 {
        let id = format!("e{number}");
        let dropped = publish(&store, &id, 10);
        // Polled once, so that the call is on its way.
        tokio::select! { biased; _ = dropped => {} () = std::future::ready(()) => {} }
    }
    // The writer answers in order: what was sent before is done by now.
    publish(&store, "last", 10).await.unwrap();
    let claimed = claimed(&store, 1, 100).await;
    assert_eq!(claimed.len(), 51);
    assert_eq!(claimed.last().map(String::as_str), Some("last"));
}

mod permissions {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    const NOBODY: u32 = 65_534;
    const DIRECTORY: &str = "HOOKPOST_TEST_DIRECTORY";

    fn allow(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Runs the test of that name once more as a user whom permissions bind.
    fn again_as_nobody(name: &str, file: &TempFile) {
        let program = TempFile::new();
        let copy = program.directory().join("test");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        allow(&copy, 0o755);
        let run = Command::new(&copy)
            .args(["--exact", name, "--nocapture"])
            .env(DIRECTORY, file.directory())
            .current_dir("/")
            .uid(NOBODY)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
    }

    fn is_refused_as_read_only(path: &Path) {
        let before = fs::read(path).unwrap();
        assert_eq!(refusal(path), StoreErrorKind::ReadOnly);
        assert_eq!(fs::read(path).unwrap(), before);
    }

    /// The checked directory: given to the run as nobody, else made, and then checked
    /// right here if permissions bind whoever runs this.
    fn check(name: &str, file_mode: u32, directory_mode: u32) {
        if let Some(directory) = std::env::var_os(DIRECTORY) {
            return is_refused_as_read_only(&PathBuf::from(directory).join("hookpost.db"));
        }
        let file = TempFile::new();
        drop(open(&file.path()).unwrap());
        allow(&file.path(), file_mode);
        allow(file.directory(), directory_mode);
        let free = file.directory().join("free");
        if fs::write(&free, "").is_ok() && directory_mode == 0o555
            || fs::OpenOptions::new().append(true).open(file.path()).is_ok() && file_mode == 0o444
        {
            again_as_nobody(name, &file);
        } else {
            is_refused_as_read_only(&file.path());
        }
        allow(file.directory(), 0o755);
    }

    #[test]
    fn a_read_only_file_is_refused() {
        check("permissions::a_read_only_file_is_refused", 0o444, 0o777);
    }

    #[test]
    fn a_read_only_directory_is_refused() {
        check("permissions::a_read_only_directory_is_refused", 0o666, 0o555);
    }
}

/// Turns every byte round, for one key; the context stands before the secret.
struct Rot13 {
    key_id: &'static str,
    reachable: bool,
}

impl Cipher for Rot13 {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, CipherError> {
        let bytes = [context, b"\n", plain].concat().iter().map(|byte| byte ^ 0x55).collect();
        Ok(Sealed { key_id: self.key_id.to_owned(), bytes })
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError> {
        if !self.reachable {
            return Err(CipherError::Unreachable("no network".into()));
        }
        if sealed.key_id != self.key_id {
            return Err(CipherError::UnknownKey(sealed.key_id.clone()));
        }
        let plain: Vec<u8> = sealed.bytes.iter().map(|byte| byte ^ 0x55).collect();
        let prefix = [context, b"\n"].concat();
        plain.strip_prefix(&prefix[..]).map(<[u8]>::to_vec).ok_or(CipherError::Broken)
    }
}

fn with_cipher(path: &Path, key_id: &'static str, reachable: bool) -> SqliteStore {
    builder(path).cipher(Arc::new(Rot13 { key_id, reachable })).open().unwrap()
}

fn endpoint(id: &str) -> Endpoint {
    let policy = UrlPolicy {
        schemes: SchemePolicy::HttpsOnly,
        ports: PortPolicy::WebAndHigh,
        danger_local_names: false,
    };
    Endpoint {
        id: EndpointId::new(id).unwrap(),
        tenant: TenantId::new("acme").unwrap(),
        name: "Ours".to_owned(),
        url: EndpointUrl::parse("https://hooks.example.com/in", &policy).unwrap(),
        profile: ProfileName::new("standard").unwrap(),
        secrets: Secrets::Open(SecretSet::of(Secret::new("canary-secret").unwrap())),
        subscription: Subscription::to_all(),
        headers: Headers::none().with("authorization", "Bearer canary-header").unwrap(),
        overrides: Overrides::none(),
        enabled: true,
        since: NOW,
        began: Sequence::START,
        version: 0,
        generation: hookpost::endpoint::Generation::UNKNOWN,
    }
}

async fn put(store: &SqliteStore, endpoint: Endpoint, expected: Expected) -> Result<(), StoreError> {
    let write = Write { endpoint, width: 8, expected, unique_url: false };
    store.put(&write).await.map(drop)
}

async fn load(store: &SqliteStore, id: &str) -> Result<Arc<Endpoint>, StoreError> {
    match store.load(&[EndpointId::new(id).unwrap()]).await?.remove(0) {
        Loaded::Found(endpoint) => Ok(endpoint),
        Loaded::Unreadable(unreadable) => Err(unreadable.into()),
        Loaded::Missing => panic!("{id} is missing"),
    }
}

fn secret_of(endpoint: &Endpoint) -> Result<&[u8], &str> {
    match &endpoint.secrets {
        Secrets::Open(set) => Ok(set.current[0].expose()),
        Secrets::Sealed { key_id, .. } => Err(key_id),
    }
}

#[tokio::test]
async fn secrets_and_header_values_stand_sealed_in_the_file() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    let loaded = load(&store, "one").await.unwrap();
    assert_eq!(secret_of(&loaded), Ok(&b"canary-secret"[..]));
    assert_eq!(loaded.headers.as_map()["authorization"], "Bearer canary-header");
    drop(store);
    let bytes = fs::read(file.path()).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"canary"));
}

#[tokio::test]
async fn a_secret_without_its_key_or_of_another_row_is_sealed_and_the_rest_still_loads() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    put(&store, endpoint("two"), Expected::Absent).await.unwrap();
    let db = Connection::open(file.path()).unwrap();
    let swap = "UPDATE hookpost_endpoint SET sealed =
        (SELECT sealed FROM hookpost_endpoint WHERE id = 'one') WHERE id = 'two'";
    db.execute(swap, []).unwrap();
    assert_eq!(secret_of(&load(&store, "one").await.unwrap()), Ok(&b"canary-secret"[..]));
    assert_eq!(secret_of(&load(&store, "two").await.unwrap()), Err("k1"));
    for other in [with_cipher(&file.path(), "k2", true), open(&file.path()).unwrap()] {
        assert_eq!(secret_of(&load(&other, "one").await.unwrap()), Err("k1"));
    }
    let unreachable = load(&with_cipher(&file.path(), "k1", false), "one").await.unwrap();
    assert_eq!(why_sealed(&unreachable), Some(WhySealed::Unreachable));
}

#[tokio::test]
async fn writing_an_endpoint_whose_secrets_are_sealed_keeps_them_as_they_stand() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    let without_key = open(&file.path()).unwrap();
    let sealed =
        Endpoint { name: "Renamed".to_owned(), ..(*load(&without_key, "one").await.unwrap()).clone() };
    put(&without_key, sealed.clone(), Expected::Version(1)).await.unwrap();
    let loaded = load(&store, "one").await.unwrap();
    assert_eq!((loaded.name.as_str(), loaded.version), ("Renamed", 2));
    assert_eq!(secret_of(&loaded), Ok(&b"canary-secret"[..]));
    assert_eq!(loaded.headers.as_map().len(), 1);
    let with_headers = Endpoint { headers: endpoint("one").headers, ..sealed.clone() };
    let refused = put(&without_key, with_headers, Expected::Version(2)).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Invalid);
    let new = Endpoint { id: EndpointId::new("new").unwrap(), ..sealed };
    let refused = put(&without_key, new, Expected::Absent).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Invalid);
}

/// How often a text occurs in the files of a store.
fn occurrences(file: &TempFile, text: &str) -> usize {
    let files = fs::read_dir(file.directory()).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.map(|bytes| bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()).sum()
}

#[tokio::test]
async fn a_secret_that_was_rotated_away_or_removed_is_in_no_file_of_a_closed_store() {
    let file = TempFile::new();
    let store = open(&file.path()).unwrap();
    // Of every length, up to those that take pages of their own.
    for number in 0..60 {
        let value = format!("old-canary-{}", "x".repeat(number * 65));
        let headers = Headers::none().with("x-one", &value).unwrap().with("x-two", &value).unwrap();
        let secret = Secret::new(format!("old-canary-{number}")).unwrap();
        let secrets = Secrets::Open(SecretSet::of(secret));
        let new = Endpoint { headers, secrets, ..endpoint(&format!("e{number}")) };
        put(&store, new, Expected::Absent).await.unwrap();
    }
    for number in 0..60 {
        let id = EndpointId::new(format!("e{number}")).unwrap();
        if number % 2 == 0 {
            put(&store, endpoint(id.as_str()), Expected::Version(1)).await.unwrap();
        } else {
            assert!(store.remove(&TenantId::new("acme").unwrap(), &id).await.unwrap().is_some());
        }
    }
    drop(store);
    assert_eq!((occurrences(&file, "old-canary"), occurrences(&file, "canary-secret")), (0, 30));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_and_those_beside_it_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let modes = |file: &TempFile| {
        let files = fs::read_dir(file.directory()).unwrap().map(Result::unwrap);
        let mut modes: Vec<_> = files
            .map(|entry| {
                (
                    entry.file_name().into_string().unwrap(),
                    entry.metadata().unwrap().permissions().mode() & 0o777,
                )
            })
            .collect();
        modes.sort();
        modes
    };
    let file = TempFile::new();
    let store = open(&file.path()).unwrap();
    publish(&store, "one", 10).await.unwrap();
    let owned = ["hookpost.db", "hookpost.db-shm", "hookpost.db-wal"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(modes(&file), owned);
    drop(store);
    // An operator who lets a group read the file keeps that.
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let store = open(&file.path()).unwrap();
    publish(&store, "two", 10).await.unwrap();
    assert_eq!(modes(&file), owned.map(|(name, _)| (name, 0o640)));
}

fn why_sealed(endpoint: &Endpoint) -> Option<WhySealed> {
    match &endpoint.secrets {
        Secrets::Open(_) => None,
        Secrets::Sealed { why, .. } => Some(*why),
    }
}

/// Keeps the seal of endpoint `one` as it is now, to be put back later.
fn keep_seal(path: &Path) -> impl FnOnce() + use<> {
    let db = Connection::open(path).unwrap();
    let kept = "SELECT key_id, sealed FROM hookpost_endpoint WHERE id = 'one'";
    let kept: (String, Vec<u8>) = db.query_row(kept, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    move || {
        let back = "UPDATE hookpost_endpoint SET key_id = ?1, sealed = ?2 WHERE id = 'one'";
        assert_eq!(db.execute(back, (kept.0, kept.1)).unwrap(), 1);
    }
}

#[tokio::test]
async fn an_older_seal_of_the_same_endpoint_does_not_open_again() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    let put_back = keep_seal(&file.path());
    put(&store, endpoint("one"), Expected::Version(1)).await.unwrap();
    assert_eq!(why_sealed(&load(&store, "one").await.unwrap()), None);
    put_back();
    assert_eq!(why_sealed(&load(&store, "one").await.unwrap()), Some(WhySealed::Broken));
    // Written anew, under another key as well, it opens.
    put(&store, endpoint("one"), Expected::Version(2)).await.unwrap();
    assert_eq!(why_sealed(&load(&store, "one").await.unwrap()), None);
    let rotated = with_cipher(&file.path(), "k2", true);
    assert_eq!(why_sealed(&load(&rotated, "one").await.unwrap()), Some(WhySealed::UnknownKey));
    put(&rotated, endpoint("one"), Expected::Version(3)).await.unwrap();
    assert_eq!(why_sealed(&load(&rotated, "one").await.unwrap()), None);
}

#[tokio::test]
async fn the_seal_of_an_earlier_registration_does_not_open_for_a_later_one() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    let put_back = keep_seal(&file.path());
    assert!(
        store
            .remove(&TenantId::new("acme").unwrap(), &EndpointId::new("one").unwrap())
            .await
            .unwrap()
            .is_some()
    );
    // Others are registered meanwhile, at once, each under a number of its own.
    let others = ["a", "b", "c"].map(|id| put(&store, endpoint(id), Expected::Absent));
    let [a, b, c] = others;
    tokio::try_join!(a, b, c).unwrap();
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    for id in ["a", "b", "c", "one"] {
        assert_eq!(why_sealed(&load(&store, id).await.unwrap()), None, "{id}");
    }
    put_back();
    assert_eq!(why_sealed(&load(&store, "one").await.unwrap()), Some(WhySealed::Broken));
}

#[tokio::test]
async fn what_changes_an_endpoint_without_its_secrets_leaves_its_seal_openable() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), "k1", true);
    put(&store, endpoint("one"), Expected::Absent).await.unwrap();
    let seen = store.load(&[EndpointId::new("one").unwrap()]).await.unwrap().remove(0).found().unwrap();
    assert!(store.disable(&seen, "gone").await.unwrap());
    let loaded = load(&store, "one").await.unwrap();
    assert_eq!((loaded.version, why_sealed(&loaded)), (2, None));
    let without_key = open(&file.path()).unwrap();
    let shut = (*load(&without_key, "one").await.unwrap()).clone();
    put(&without_key, Endpoint { name: "Renamed".to_owned(), ..shut }, Expected::Version(2)).await.unwrap();
    let loaded = load(&store, "one").await.unwrap();
    assert_eq!((loaded.version, why_sealed(&loaded)), (3, None));
}
