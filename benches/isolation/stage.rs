//! A store in a file, an engine on a thread of its own, and names that resolve as a
//! case needs them.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hookpost::id::HostName;
use hookpost::os::SystemResolver;
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::transports::reqwest::ReqwestTransport;
use hookpost::{Profile, Webhooks};
use tokio::sync::oneshot;

use crate::receivers::Receivers;

pub(crate) const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
/// `standard` over plain http.
pub(crate) const PROFILE: &str = "isolation";
/// Discord's answers, over plain http and without Discord's limits.
pub(crate) const CHAT: &str = "chat";
/// Names that end so get no answer for ten seconds.
pub(crate) const SILENT: &str = ".silent.example";

pub(crate) struct Stage {
    pub(crate) webhooks: Webhooks,
    pub(crate) receivers: Receivers,
    pub(crate) file: PathBuf,
}

/// A running engine.
pub(crate) struct Engine {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

/// Every name leads to loopback, or to nothing after a long time. It blocks the thread of
/// the system's resolver meanwhile, as `getaddrinfo` does.
fn look_up(host: &HostName) -> io::Result<Vec<IpAddr>> {
    if host.as_str().ends_with(SILENT) {
        std::thread::sleep(Duration::from_secs(10));
        return Err(io::Error::other("Temporary failure in name resolution"));
    }
    Ok(vec![Ipv4Addr::LOCALHOST.into()])
}

impl Stage {
    pub(crate) fn set(case: &str) -> Self {
        let file = std::env::temp_dir().join(format!("hookpost-isolation-{}-{case}.db", std::process::id()));
        let loopback = AddressPolicy::public_only().danger_allow_loopback();
        let transport = ReqwestTransport::builder()
            .addresses(loopback.clone())
            .resolver(SystemResolver::by(look_up))
            .plain_http_only()
            .build()
            .unwrap();
        let store = SqliteStore::open(&file).unwrap();
        let urls = UrlPolicy::http_and_https().danger_allow_local();
        let own = |name: &str, profile: Profile| Profile {
            name: name.parse().unwrap(),
            urls,
            limits: Vec::new(),
            ..profile
        };
        let webhooks = Webhooks::builder(Arc::new(store), Arc::new(transport))
            .profiles(hookpost::Profile::systems())
            .profile(own(PROFILE, Profile::standard()))
            .profile(own(CHAT, Profile::discord()))
            .addresses(loopback)
            .build()
            .unwrap();
        Self { webhooks, receivers: Receivers::start(), file }
    }

    pub(crate) fn run_engine(&self) -> Engine {
        let (stop, stopped) = oneshot::channel();
        let webhooks = self.webhooks.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let shutdown = async {
                tokio::time::timeout(Duration::from_secs(3600), stopped).await.ok();
            };
            runtime.block_on(async {
                tokio::select! {
                    ended = webhooks.run(std::future::pending::<()>()) => ended.unwrap(),
                    () = shutdown => {}
                }
            });
        });
        Engine { stop, thread }
    }
}

impl Engine {
    /// Ends it at once: what hangs in flight would keep an orderly end waiting.
    pub(crate) fn stop(self) {
        self.stop.send(()).ok();
        self.thread.join().unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(format!("{}{suffix}", self.file.display())).ok();
        }
    }
}
