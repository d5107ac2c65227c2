//! What one tenant asks of the SQLite store delays others by a bounded number of steps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod sqlite_file;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hookpost::backend::{Cipher, CipherError, Directory, History, Registry, Sealed, Store};
use hookpost::delivery::{CancelReason, Publish};
use hookpost::endpoint::{Expected, Loaded, Write};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::history::{DeliveryQuery, PageAfter, Replay, Selection, StateFilter};
use hookpost::id::{EndpointId, EventId, ReplayId, TenantId};
use hookpost::policy::egress::EndpointUrl;
use hookpost::secret::{Secrets, WhySealed};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::{Endpoint, Headers, NewEvent, Overrides, Profile, Secret, SecretSet, Subscription, Timestamp};
use rusqlite::Connection;
use sqlite_file::{Fixed, TempFile};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// How many rows the noisy tenant has.
const ROWS: usize = 30_000;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// A store in which `noisy` has many delivered deliveries and `quiet` has one.
fn filled(file: &TempFile) -> Arc<SqliteStore> {
    drop(SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap());
    fill(&file.path());
    Arc::new(SqliteStore::builder(file.path()).clock(Fixed::at(NOW)).open().unwrap())
}

fn fill(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "INSERT INTO hookpost_lane (lane, endpoint, tenant, host, paused, width, proven, streak, version, turn,
            deliveries)
         VALUES (1, 'noisy-1', 'noisy', 'h.example', 0, 8, 1, 0, 0, 0, {ROWS}),
                (2, 'quiet-1', 'quiet', 'h.example', 0, 8, 1, 0, 0, 0, 1);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         INSERT INTO hookpost_event (event, tenant, id, kind, created_at, content_type, payload)
         SELECT i + 1, iif(i = 0, 'quiet', 'noisy'), 'e' || i, 'order.paid', {now} + i, 'text/plain', x'00' FROM n;
         INSERT INTO hookpost_delivery (delivery, id, tenant, event, lane, round, test, state, prior_due, alone,
             silent, silent_alone, attempts, born_at, settled_at)
         SELECT event, CAST(x'018bcfe56800' || randomblob(10) AS BLOB), tenant, event, iif(tenant = 'quiet', 2, 1), '', 0, 1,
             created_at, 0, 0, 0, 1, created_at, created_at FROM hookpost_event;",
        now = NOW.as_micros()
    ))
    .unwrap();
}

/// Deliveries that nobody has: all of a tenant's must be looked at.
fn nothing() -> Selection {
    Selection { state: Some(StateFilter::Pending), ..Selection::default() }
}

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// `call`, over and over until its last page.
fn to_the_end<F, A>(store: &Arc<SqliteStore>, call: F) -> Call
where
    F: Fn(Arc<SqliteStore>, PageAfter) -> A + Send + 'static,
    A: Future<Output = Option<hookpost::id::DeliveryId>> + Send,
{
    let store = Arc::clone(store);
    Box::pin(async move {
        let mut page = PageAfter::first(50);
        loop {
            page.after = call(Arc::clone(&store), page).await;
            if page.after.is_none() {
                return;
            }
        }
    })
}

fn query(store: &Arc<SqliteStore>) -> Call {
    to_the_end(store, |store, page| async move {
        let query = DeliveryQuery { tenant: tenant("noisy"), selection: nothing() };
        store.deliveries(&query, page).await.unwrap().more_after
    })
}

fn cancel(store: &Arc<SqliteStore>) -> Call {
    to_the_end(store, |store, page| async move {
        let all = Selection::default();
        store.cancel(&tenant("noisy"), &all, CancelReason::ByHost, NOW, page).await.unwrap().more_after
    })
}

fn replay(store: &Arc<SqliteStore>, number: usize) -> Call {
    to_the_end(store, move |store, page| async move {
        let replay = Replay {
            id: ReplayId::new(format!("r{number}")).unwrap(),
            tenant: tenant("noisy"),
            selection: Selection::default(),
            due_at: NOW,
            now: NOW,
        };
        store.replay(&replay, page).await.unwrap().more_after
    })
}

fn count(store: &Arc<SqliteStore>) -> Call {
    let store = Arc::clone(store);
    Box::pin(async move {
        store.stats(Some(&tenant("noisy"))).await.unwrap();
    })
}

/// Sets all of these off and, once each waits in the store, runs `work`; says how many of
/// them were over when it was.
async fn over_beside(noise: Vec<Call>, work: impl Future<Output = ()>) -> (usize, usize) {
    let (all, over) = (noise.len(), Arc::new(AtomicUsize::new(0)));
    let running: Vec<_> = noise
        .into_iter()
        .map(|call| {
            let over = Arc::clone(&over);
            tokio::spawn(async move {
                call.await;
                over.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    // Each of them has been polled once.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    work.await;
    let over = over.load(Ordering::SeqCst);
    for call in running {
        call.abort();
        call.await.ok();
    }
    (over, all)
}

async fn the_quiet_tenants_engine_work(store: &SqliteStore) {
    for number in 0..20 {
        store.load(&[EndpointId::new("quiet-1").unwrap()]).await.unwrap();
        let event = NewEvent::json("quiet", "order.paid", "{}").unwrap();
        let event = event.into_event(EventId::new(format!("live-{number}")).unwrap(), NOW, 100).unwrap();
        store.publish(&[Publish { event: Arc::new(event), routes: None }], None, NOW).await.unwrap();
    }
}

#[tokio::test]
async fn history_of_one_tenant_never_stands_before_the_engines_reads_and_writes() {
    let file = TempFile::new();
    let store = filled(&file);
    for at_once in [32, 512] {
        let kinds: [(&str, Vec<Call>); 4] = [
            ("queries", (0..at_once).map(|_| query(&store)).collect()),
            ("cancellations", (0..at_once).map(|_| cancel(&store)).collect()),
            ("replays", (0..at_once).map(|number| replay(&store, at_once + number)).collect()),
            ("counts", (0..at_once).map(|_| count(&store)).collect()),
        ];
        for (kind, noise) in kinds {
            let (over, all) = over_beside(noise, the_quiet_tenants_engine_work(&store)).await;
            assert!(over * 2 < all, "{at_once} {kind}: {over} of {all} were over first");
        }
    }
}

#[tokio::test]
async fn a_tenants_history_waits_for_few_steps_of_another_tenants() {
    let file = TempFile::new();
    let store = filled(&file);
    let noise = (0..256).flat_map(|_| [query(&store), count(&store)]).collect();
    let quiet = DeliveryQuery { tenant: tenant("quiet"), selection: Selection::default() };
    let (over, all) = over_beside(noise, async {
        let page = store.deliveries(&quiet, PageAfter::first(50)).await.unwrap();
        assert_eq!(page.deliveries.len(), 1);
        assert_eq!(store.stats(Some(&tenant("quiet"))).await.unwrap().delivered, 1);
    })
    .await;
    assert!(over * 10 < all, "{over} of {all} were over first");
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_rows_and_all_pages_show_everything_once() {
    let file = TempFile::new();
    let store = filled(&file);
    let pages = async |selection: Selection, limit| {
        let query = DeliveryQuery { tenant: tenant("noisy"), selection };
        let (mut page, mut pages, mut shown) = (PageAfter::first(limit), 0, 0);
        loop {
            let answer = store.deliveries(&query, page).await.unwrap();
            assert!(answer.deliveries.len() <= 1_000);
            (pages, shown) = (pages + 1, shown + answer.deliveries.len());
            page.after = answer.more_after;
            if page.after.is_none() {
                return (pages, shown);
            }
        }
    };
    let (pages_of_nothing, shown) = pages(nothing(), 50).await;
    assert!(pages_of_nothing >= ROWS / 1_000 && shown == 0, "{pages_of_nothing} {shown}");
    assert_eq!(pages(Selection::default(), usize::MAX).await.1, ROWS);
    // What an index of its own finds needs one look for each that it shows.
    let failed = Selection { state: Some(StateFilter::Failed(None)), ..Selection::default() };
    assert_eq!(pages(failed, 50).await, (1, 0));
    let elsewhere = Selection { endpoint: Some(EndpointId::new("noisy-1").unwrap()), ..nothing() };
    assert_eq!(pages(elsewhere, 50).await, (1, 0));
    let later = Selection { since: Some(NOW + Duration::from_secs(60)), ..Selection::default() };
    assert_eq!(pages(later, 50).await, (1, 0));
    // Ids that are not there cost looks as well.
    let ids = (0..5_000_u64).map(|n| {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        hookpost::id::DeliveryId::from_bytes(bytes)
    });
    let unknown = Selection { ids: Some(ids.collect()), ..Selection::default() };
    assert_eq!(pages(unknown, 50).await, (5, 0));
}

/// A cipher that panics on what it is asked to open or to seal, and what it throws panics
/// once more when it is dropped.
struct Panics {
    sealing: bool,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

impl Cipher for Panics {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Sealed, CipherError> {
        if self.sealing {
            std::panic::panic_any(Bomb);
        }
        Ok(Sealed { key_id: "k".to_owned(), bytes: plain.to_vec() })
    }

    fn open(&self, _: &Sealed, _: &[u8]) -> Result<Vec<u8>, CipherError> {
        std::panic::panic_any(Bomb);
    }
}

fn write(id: &str) -> Write {
    write_of("noisy", id)
}

fn write_of(of: &str, id: &str) -> Write {
    let profile = Profile::standard();
    let endpoint = Endpoint {
        id: EndpointId::new(id).unwrap(),
        tenant: tenant(of),
        name: String::new(),
        url: EndpointUrl::parse("https://hooks.example.com/in", &profile.urls).unwrap(),
        profile: profile.name,
        secrets: SecretSet::of(Secret::new("canary-secret").unwrap()).into(),
        subscription: Subscription::to_all(),
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: NOW,
        began: hookpost::sequence::Sequence::START,
        version: 0,
        generation: hookpost::endpoint::Generation::UNKNOWN,
    };
    Write { endpoint, width: 8, expected: Expected::Absent, unique_url: false }
}

fn with_cipher(path: &Path, cipher: impl Cipher + 'static) -> Result<SqliteStore, StoreError> {
    // Longer than a test machine takes to print a panic.
    let timeout = Duration::from_secs(3);
    SqliteStore::builder(path).clock(Fixed::at(NOW)).cipher(Arc::new(cipher)).cipher_timeout(timeout).open()
}

#[tokio::test]
async fn a_cipher_that_panics_while_sealing_fails_that_write_alone() {
    let file = TempFile::new();
    let store = with_cipher(&file.path(), Panics { sealing: true }).unwrap();
    for _ in 0..5 {
        let error = store.put(&write("one")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    let loaded = store.load(&[EndpointId::new("one").unwrap()]).await.unwrap();
    assert!(matches!(loaded[0], Loaded::Missing));
    the_quiet_tenants_engine_work(&store).await;
}

#[tokio::test]
async fn a_cipher_that_panics_while_opening_holds_that_endpoint_alone() {
    let file = TempFile::new();
    let panics = with_cipher(&file.path(), Panics { sealing: false }).unwrap();
    panics.put(&write("one")).await.unwrap();
    // More often than there are threads.
    for _ in 0..5 {
        let loaded = panics.load(&[EndpointId::new("one").unwrap()]).await.unwrap();
        let loaded = loaded[0].clone().found().unwrap();
        assert!(matches!(loaded.secrets, Secrets::Sealed { why: WhySealed::Panicked, .. }));
        assert_eq!(panics.list(&tenant("noisy"), None, 10).await.unwrap().endpoints.len(), 1);
    }
    the_quiet_tenants_engine_work(&panics).await;
}

/// A cipher that never opens anything of `noisy` while it is shut.
struct Hangs {
    shut: Arc<Mutex<bool>>,
    changed: Arc<Condvar>,
}

impl Cipher for Hangs {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Sealed, CipherError> {
        Ok(Sealed { key_id: "k".to_owned(), bytes: plain.to_vec() })
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError> {
        let mut shut = self.shut.lock().unwrap();
        while context.starts_with(b"noisy\0") && *shut {
            shut = self.changed.wait(shut).unwrap();
        }
        Ok(sealed.bytes.clone())
    }
}

#[tokio::test]
async fn a_cipher_that_hangs_for_one_tenant_keeps_no_other_from_being_read() {
    let file = TempFile::new();
    let (shut, changed) = (Arc::new(Mutex::new(true)), Arc::new(Condvar::new()));
    let hangs = Hangs { shut: Arc::clone(&shut), changed: Arc::clone(&changed) };
    let store = with_cipher(&file.path(), hangs).unwrap();
    for number in 0..4 {
        store.put(&write_of("noisy", &format!("n{number}"))).await.unwrap();
    }
    store.put(&write_of("quiet", "quiet-1")).await.unwrap();
    let noisy: Vec<_> = (0..4).map(|number| EndpointId::new(format!("n{number}")).unwrap()).collect();
    // More often than there are threads, and while none of its calls returns.
    for _ in 0..5 {
        for loaded in store.load(&noisy).await.unwrap() {
            assert_eq!(why_sealed(loaded), Some(WhySealed::Unreachable));
        }
        assert_eq!(store.list(&tenant("noisy"), None, 10).await.unwrap().endpoints.len(), 4);
        let quiet = store.load(&[EndpointId::new("quiet-1").unwrap()]).await.unwrap().remove(0);
        assert_eq!(why_sealed(quiet), None);
        the_quiet_tenants_engine_work(&store).await;
    }
    *shut.lock().unwrap() = false;
    changed.notify_all();
    while why_sealed(store.load(&noisy[..1]).await.unwrap().remove(0)).is_some() {
        tokio::task::yield_now().await;
    }
}

fn why_sealed(loaded: Loaded) -> Option<WhySealed> {
    match &loaded.found().unwrap().secrets {
        Secrets::Open(_) => None,
        Secrets::Sealed { why, .. } => Some(*why),
    }
}
