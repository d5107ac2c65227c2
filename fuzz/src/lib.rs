//! Every parser of a stranger's bytes, as a function of those bytes.
//!
//! A target fails by a panic: its own, where a promise is broken, or the parser's. With
//! `cargo-fuzz` each is a program of its own, and the fixtures are the corpus:
//!
//! ```sh
//! mkdir -p fuzz/corpus/live_session
//! cargo +nightly fuzz run live_session fuzz/corpus/live_session tests/fixtures/systems
//! ```
//!
//! `tests/fuzzing.rs` plays all of them on a stable toolchain, for a bounded time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use bytes::Bytes;
use hookpost::backend::{Directory, Registry};
use hookpost::endpoint::{Expected, Loaded, Write};
use hookpost::error::StoreErrorKind;
use hookpost::id::{EndpointId, EventId, TenantId};
use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
use hookpost::policy::outcome::{Response, retry_after};
use hookpost::sign::{BodyKeys, Signer};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::systems::{
    live_chat::payload as live_chat, live_session::payload as live_session, x_webhook::payload as x_webhook,
};
use hookpost::{
    Endpoint, Filter, Headers, NewEvent, Overrides, Scheme, Secret, SecretSet, Subscription, Timestamp,
    Verifier,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rusqlite::Connection;
use serde_json::json;
use serde_json::value::RawValue;

/// A target takes any bytes and comes back.
pub type Target = fn(&[u8]);

/// Every target by the name that it has here and in `fuzz_targets`.
pub const ALL: &[(&str, Target)] = &[
    ("endpoint_url", endpoint_url),
    ("signature_headers", signature_headers),
    ("verify_signed", verify_signed),
    ("body_keys", body_keys),
    ("filter", filter),
    ("stored_endpoint", stored_endpoint),
    ("retry_after", retry_after_header),
    ("timestamp", timestamp),
    ("live_session", live_session),
    ("live_chat", live_chat),
    ("x_webhook", x_webhook),
    ("foreign_sql", foreign_sql),
];

/// The key that stands in the fixtures' bodies.
const BODY_KEY: &str = "lc_key_R4t";
/// The key that no input was signed with.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A URL is refused, or it is canonical: it reads back as itself, and the parser of the
/// transport prints the same text. Names in punycode are judged by tables there.
pub fn endpoint_url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(url) = EndpointUrl::parse(text, &UrlPolicy::http_and_https()) else { return };
    assert_eq!(EndpointUrl::from_stored(url.expose()).unwrap().expose(), url.expose());
    if !url.expose().contains("xn--") {
        assert_eq!(url::Url::parse(url.expose()).unwrap().as_str(), url.expose());
    }
}

/// Lines become the scheme's headers, what follows them the body: nothing verifies, since
/// nobody has the key.
pub fn signature_headers(data: &[u8]) {
    let Some((scheme, mut rest)) = scheme_and_rest(data) else { return };
    let mut headers = HeaderMap::new();
    let names: Vec<_> = scheme.header_names().cloned().collect();
    for name in names {
        let (line, after) = cut_at_line_end(rest);
        rest = after;
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
        }
    }
    let verifier = Verifier::new(&scheme, [Secret::new(SECRET).unwrap()]).unwrap();
    assert!(verifier.verify(&headers, rest, Timestamp::EPOCH).is_err());
}

/// What was signed verifies, and does not with one bit of the body changed.
pub fn verify_signed(data: &[u8]) {
    let Some((scheme, body)) = scheme_and_rest(data) else { return };
    let secrets = SecretSet::of(Secret::new(SECRET).unwrap());
    let mut headers = HeaderMap::new();
    let id = EventId::new("msg-1").unwrap();
    Signer::new(&scheme, &secrets).unwrap().sign(&id, Timestamp::EPOCH, body, &mut headers).unwrap();
    let verifier = Verifier::new(&scheme, [Secret::new(SECRET).unwrap()]).unwrap();
    assert_eq!(*verifier.verify(&headers, body, Timestamp::EPOCH).unwrap().body(), body);
    let mut changed = body.to_vec();
    if let Some(byte) = changed.get_mut(body.len() / 2) {
        *byte ^= 1 << (body.len() % 8);
        assert!(verifier.verify(&headers, changed, Timestamp::EPOCH).is_err());
    }
}

/// Whoever is believed has the key in his body, in whatever escapes.
pub fn body_keys(data: &[u8]) {
    let verifier = Verifier::live_chat(BodyKeys::of([Secret::new(BODY_KEY).unwrap()])).unwrap();
    let no_headers: [(&str, &str); 0] = [];
    if verifier.verify(&no_headers[..], data, Timestamp::EPOCH).is_ok() {
        let body: BTreeMap<String, &RawValue> = serde_json::from_slice(data).unwrap();
        assert_eq!(serde_json::from_str::<String>(body["secret_key"].get()).unwrap(), BODY_KEY);
    }
}

/// The first line is a pointer, what follows a payload. What equals or holds a value does
/// not lack it.
pub fn filter(data: &[u8]) {
    let (pointer, payload) = cut_at_line_end(data);
    let Ok(pointer) = std::str::from_utf8(pointer) else { return };
    let event = NewEvent::bytes("t", "e", "application/json", payload.to_vec())
        .and_then(|event| event.into_event(EventId::new("msg-1").unwrap(), Timestamp::EPOCH, usize::MAX));
    let Ok(event) = event else { return };
    let values = vec![json!(1), json!("a"), json!(null), json!({}), json!(1.5)];
    let wanted = |filter: Result<Filter, _>| {
        filter.map(|filter| Subscription::to_all().filtered(filter).wants(&event))
    };
    let (Ok(equals), Ok(holds), Ok(lacks)) = (
        wanted(Filter::equals(pointer, values.clone())),
        wanted(Filter::holds(pointer, values.clone())),
        wanted(Filter::lacks(pointer, values)),
    ) else {
        return;
    };
    assert!(!(lacks && (equals || holds)));
}

/// The first line is a URL, the second a name, what follows a subscription as JSON. What a
/// store takes it gives back as it was, and what it refuses is not there.
pub fn stored_endpoint(data: &[u8]) {
    static STORE: LazyLock<SqliteStore> = LazyLock::new(|| SqliteStore::open(database()).unwrap());
    let (url, rest) = cut_at_line_end(data);
    let (name, subscription) = cut_at_line_end(rest);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let Some(url) = text(url).and_then(|url| EndpointUrl::from_stored(url).ok()) else { return };
    let Some(name) = text(name) else { return };
    let Ok(subscription) = serde_json::from_slice::<Subscription>(subscription) else { return };
    let (id, tenant): (EndpointId, TenantId) = ("fuzzed".parse().unwrap(), "t".parse().unwrap());
    let endpoint = Endpoint {
        id: id.clone(),
        tenant: tenant.clone(),
        name: name.to_owned(),
        url,
        profile: "standard".parse().unwrap(),
        secrets: SecretSet::none().into(),
        subscription,
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: Timestamp::EPOCH,
        version: 0,
        generation: hookpost::endpoint::Generation::UNKNOWN,
        began: hookpost::sequence::Sequence::default(),
    };
    let write = Write { endpoint, width: 1, expected: Expected::Absent, unique_url: false };
    let put = wait_for(STORE.put(&write));
    let loaded = wait_for(STORE.load(std::slice::from_ref(&id))).unwrap().remove(0);
    wait_for(STORE.remove(&tenant, &id)).unwrap();
    match (put, loaded) {
        (Ok(_), Loaded::Found(loaded)) => {
            assert_eq!(loaded.url.expose(), write.endpoint.url.expose());
            assert_eq!(loaded.subscription, write.endpoint.subscription);
            assert_eq!(loaded.name, write.endpoint.name);
        }
        (Err(error), Loaded::Missing) => assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}"),
        (put, loaded) => panic!("{put:?}, then {loaded:?}"),
    }
}

/// Removes what [`stored_endpoint`] wrote. No store is opened again in this process.
pub fn remove_database() {
    for suffix in ["", "-wal", "-shm"] {
        // Where that target was not played there is none.
        std::fs::remove_file(format!("{}{suffix}", database().display())).ok();
    }
}

fn database() -> PathBuf {
    std::env::temp_dir().join(format!("hookpost-fuzz-endpoints-{}.db", std::process::id()))
}

/// Polls until it is done: a store answers from a thread of its own.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A wait is read or it is none: no number and no date is too large.
pub fn retry_after_header(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value)]);
    let status = StatusCode::TOO_MANY_REQUESTS;
    let response = Response { status, headers, body: Bytes::new(), cut: false };
    for now in [Timestamp::EPOCH, Timestamp::MAX, Timestamp::from_micros(i64::MIN)] {
        if let Some(wait) = retry_after(&response, now) {
            assert!(now + wait >= now);
        }
    }
}

/// A moment is refused, or reads back as itself.
pub fn timestamp(data: &[u8]) {
    let Some(read) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return;
    };
    assert_eq!(read.to_string().parse(), Ok(read));
}

/// LiveSession's bodies are read as a type or refused.
pub fn live_session(data: &[u8]) {
    let _read = live_session::LiveSessionBody::read(data);
    let _read = live_session::SessionEvent::read(data);
}

/// LiveChat's bodies are read as a type or refused.
pub fn live_chat(data: &[u8]) {
    let _read = live_chat::LiveChatBody::read(&Bytes::copy_from_slice(data));
}

/// X-Webhook's bodies are read as a type or refused.
pub fn x_webhook(data: &[u8]) {
    let _read = x_webhook::XWebhookBody::read(data);
}

/// Another program's SQL publishes the event, or SQLite says what is wrong with it.
pub fn foreign_sql(data: &[u8]) {
    static FILE: LazyLock<Mutex<Connection>> = LazyLock::new(|| {
        let file: PathBuf = std::env::temp_dir().join(format!("hookpost-fuzz-{}.db", std::process::id()));
        drop(SqliteStore::open(&file).unwrap());
        let connection = Connection::open(&file).unwrap();
        connection.execute_batch("PRAGMA journal_mode = OFF; BEGIN").unwrap();
        // An open file needs no name.
        std::fs::remove_file(&file).ok();
        Mutex::new(connection)
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let connection = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    connection.execute_batch("SAVEPOINT fuzz").unwrap();
    let published = connection.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [text]);
    if let Err(why) = published {
        assert!(why.sqlite_error_code().is_some(), "{why}");
    }
    connection.execute_batch("ROLLBACK TO fuzz; RELEASE fuzz").unwrap();
}

fn scheme_and_rest(data: &[u8]) -> Option<(Scheme, &[u8])> {
    let (first, rest) = data.split_first()?;
    let scheme = match first % 3 {
        0 => Scheme::standard(),
        1 => Scheme::live_session(),
        _ => Scheme::x_webhook(),
    };
    Some((scheme, rest))
}

fn cut_at_line_end(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}
