//! The engine under load: it has a current-thread runtime to itself, which costs the
//! HTTP client half of what a shared multi-thread one does; publishers are elsewhere,
//! as the host's own threads are.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hookpost::backend::{Backend, Observer, Transport};
use hookpost::notice::Notice;
use hookpost::os::SystemClock;
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::SqliteStore;
use hookpost::transports::reqwest::ReqwestTransport;
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, Webhooks};
use tokio::sync::Notify;

use crate::bare::{CONCURRENCY, Runtime};
use crate::report::{Figures, cpu};
use crate::sink::micros_now;

pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
        }
    }
}

/// A store with its file, if it has one, and the engine's handle on it.
pub(crate) struct Bench {
    pub(crate) webhooks: Webhooks,
    pub(crate) done: Arc<Done>,
    engine_on: Runtime,
    file: Option<PathBuf>,
}

/// Counts deliveries that ended, and keeps the longest time between two of them.
pub(crate) struct Done {
    epoch: Instant,
    count: AtomicUsize,
    target: AtomicUsize,
    last_micros: AtomicU64,
    gap_micros: AtomicU64,
    reached: Notify,
}

impl Observer for Done {
    fn notice(&self, notice: &Notice<'_>) {
        if let Notice::Concluded { .. } = notice {
            let now = self.micros();
            let before = self.last_micros.swap(now, Ordering::Relaxed);
            self.gap_micros.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
            let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
            if count == self.target.load(Ordering::SeqCst) {
                self.reached.notify_one();
            }
        }
    }
}

impl Done {
    fn new() -> Self {
        Self {
            epoch: Instant::now(),
            count: AtomicUsize::new(0),
            target: AtomicUsize::new(0),
            last_micros: AtomicU64::new(0),
            gap_micros: AtomicU64::new(0),
            reached: Notify::new(),
        }
    }

    /// Waits until so many more have ended. To be called before any of them can: those
    /// that ended before are not counted, and then it never returns.
    fn reach(&self, more: usize) -> impl Future<Output = ()> {
        let target = self.count.load(Ordering::SeqCst) + more;
        self.target.store(target, Ordering::SeqCst);
        self.last_micros.store(self.micros(), Ordering::Relaxed);
        self.gap_micros.store(0, Ordering::Relaxed);
        self.reached.notified()
    }

    /// The longest time between two ends, or before the first, since `reach` was called.
    pub(crate) fn longest_gap(&self) -> Duration {
        Duration::from_micros(self.gap_micros.load(Ordering::Relaxed))
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap()
    }
}

pub(crate) fn transport() -> ReqwestTransport {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    ReqwestTransport::builder().addresses(addresses).plain_http_only().build().unwrap()
}

/// A profile as `standard_raw`, over http to loopback: the sink reads the payload's first bytes.
pub(crate) fn profile() -> Profile {
    Profile {
        name: "bench".parse().unwrap(),
        urls: UrlPolicy::http_and_https().danger_allow_local(),
        keep_body: 0,
        ..Profile::standard_raw()
    }
}

pub(crate) fn payload() -> String {
    format!(r#"{{"order":7,"filler":"{}"}}"#, "x".repeat(475))
}

impl Bench {
    pub(crate) async fn new(kind: Kind, urls: &[String]) -> Self {
        Self::wide(kind, urls, 1024, CONCURRENCY).await
    }

    pub(crate) async fn wide(kind: Kind, urls: &[String], width: u32, concurrency: usize) -> Self {
        Self::over(Arc::new(transport()), kind, urls, Some(width), concurrency).await
    }

    /// With the width and the concurrency that a host gets that sets neither.
    pub(crate) async fn by_default(kind: Kind, urls: &[String], engine_on: Runtime) -> Self {
        let mut bench = Self::over(Arc::new(transport()), kind, urls, None, CONCURRENCY).await;
        bench.engine_on = engine_on;
        bench
    }

    pub(crate) async fn over(
        transport: Arc<dyn Transport>,
        kind: Kind,
        urls: &[String],
        width: Option<u32>,
        concurrency: usize,
    ) -> Self {
        let clock = Arc::new(SystemClock::new());
        let (backend, file): (Arc<dyn Backend>, _) = match kind {
            Kind::Memory => (Arc::new(MemoryStore::with_capacity(clock, 10_000_000)), None),
            Kind::Sqlite => {
                let file = std::env::temp_dir().join(format!("hookpost-bench-{}.db", micros_now()));
                (Arc::new(SqliteStore::builder(&file).clock(clock).open().unwrap()), Some(file))
            }
        };
        let done = Arc::new(Done::new());
        let webhooks = Webhooks::builder(backend, transport)
            .profiles(hookpost::Profile::systems())
            .profile(profile())
            .addresses(AddressPolicy::public_only().danger_allow_loopback())
            .observer(done.clone())
            .concurrency(concurrency)
            .build()
            .unwrap();
        for (n, url) in urls.iter().enumerate() {
            let mut new = NewEndpoint::new(tenant(n), url, "bench")
                .and_then(|new| new.id(format!("e{n}")))
                .and_then(|new| new.secret(SECRET))
                .unwrap();
            if let Some(width) = width {
                new = new.overrides(Overrides::none().width(NonZeroU32::new(width).unwrap()).unwrap());
            }
            webhooks.register(new).await.unwrap();
        }
        Self { webhooks, done, engine_on: Runtime::CurrentThread, file }
    }

    /// Publishes from 64 tasks while the engine delivers, until all is delivered; a tenth
    /// as much goes before, and two for each tenant at least, so that connections and
    /// lanes are there.
    pub(crate) async fn publish_and_deliver(&self, deliveries: usize, tenants: usize) -> Figures {
        self.while_running(async {
            self.round((deliveries / 10).max(2 * tenants), tenants).await;
            let (started, cpu_before) = (Instant::now(), cpu());
            self.round(deliveries, tenants).await;
            Figures::new(deliveries, started.elapsed(), cpu().saturating_sub(cpu_before))
        })
        .await
    }

    async fn round(&self, deliveries: usize, tenants: usize) {
        let reached = self.done.reach(deliveries);
        self.fill(deliveries, tenants).await;
        reached.await;
    }

    /// Delivers what is stored already.
    pub(crate) async fn deliver(&self, deliveries: usize) -> Figures {
        let reached = self.done.reach(deliveries);
        let (started, cpu_before) = (Instant::now(), cpu());
        self.while_running(async {
            reached.await;
            Figures::new(deliveries, started.elapsed(), cpu().saturating_sub(cpu_before))
        })
        .await
    }

    /// Publishes so many events without an engine.
    pub(crate) async fn fill(&self, deliveries: usize, tenants: usize) {
        let left = Arc::new(AtomicUsize::new(deliveries));
        let publishers: Vec<_> = (0..CONCURRENCY)
            .map(|_| tokio::spawn(publish(self.webhooks.clone(), left.clone(), tenants)))
            .collect();
        for publisher in publishers {
            publisher.await.unwrap();
        }
    }

    /// Runs the engine on a thread of its own while `what` goes on here.
    pub(crate) async fn while_running<T>(&self, what: impl Future<Output = T>) -> T {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (webhooks, engine_on) = (self.webhooks.clone(), self.engine_on);
        let engine = std::thread::spawn(move || {
            engine_on.build().block_on(webhooks.run(async {
                stopped.await.ok();
            }))
        });
        let result = what.await;
        stop.send(()).ok();
        engine.join().unwrap().unwrap();
        result
    }

    /// Publishes at a steady rate that the sink can time.
    pub(crate) async fn publish_timed(&self, tenant: &str, every: Duration, for_time: Duration) {
        let mut ticks = tokio::time::interval(every);
        let end = Instant::now() + for_time;
        while Instant::now() < end {
            ticks.tick().await;
            let text = format!("{{\"at\":{},\"filler\":\"{}\"}}", micros_now(), "x".repeat(450));
            self.webhooks.publish(NewEvent::json(tenant, "order.paid", text).unwrap()).await.unwrap();
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            for suffix in ["", "-wal", "-shm"] {
                std::fs::remove_file(format!("{}{suffix}", file.display())).ok();
            }
        }
    }
}

pub(crate) fn tenant(n: usize) -> String {
    format!("t{n}")
}

async fn publish(webhooks: Webhooks, left: Arc<AtomicUsize>, tenants: usize) {
    let payload = bytes::Bytes::from(payload());
    while let Ok(before) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
    {
        let event = NewEvent::json(tenant(before % tenants), "order.paid", payload.clone()).unwrap();
        webhooks.publish(event).await.unwrap();
    }
}

/// Runs on a current-thread runtime.
pub(crate) fn block_on<T>(what: impl Future<Output = T>) -> T {
    Runtime::CurrentThread.build().block_on(what)
}
