//! What the examples about targets share: a sender that forgets, and a list of what was
//! expected.
#![allow(dead_code, unreachable_pub, reason = "each example uses its own part")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hookpost::delivery::{Delivery, State};
use hookpost::id::TenantId;
use hookpost::policy::egress::{AddressPolicy, EndpointUrl, UrlPolicy};
use hookpost::policy::retry::{RetryError, RetryPolicy, Schedule};
use hookpost::seam::{PageAfter, Selection};
use hookpost::stores::memory::MemoryStore;
use hookpost::system::SystemClock;
use hookpost::transports::ReqwestTransport;
use hookpost::webhooks::AlreadyRunning;
use hookpost::{NewEndpoint, NewEvent, Profile, Webhooks};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub type Failure = Box<dyn Error>;

const TENANT: &str = "acme";

/// A sender with one endpoint, at work until it is told to stop.
pub struct Sender {
    webhooks: Webhooks,
    tenant: TenantId,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), AlreadyRunning>>,
}

impl Sender {
    /// Sends to `url` in this dialect. Only a URL on this machine is let through that
    /// no real service should allow.
    pub async fn start(profile: Profile, url: &str) -> Result<Self, Failure> {
        let on_this_machine = url.starts_with("http://127.0.0.1:");
        let public = AddressPolicy::public_only();
        let (addresses, profile) = if on_this_machine {
            let urls = UrlPolicy::http_and_https();
            (public.danger_allow_loopback(), Profile { urls, retry: impatient()?, ..profile })
        } else {
            (public, profile)
        };
        let transport = ReqwestTransport::builder().addresses(addresses.clone());
        let transport = if on_this_machine { transport.plain_http_only() } else { transport };
        let store = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
        let name = profile.name.clone();
        let webhooks = Webhooks::builder(store, Arc::new(transport.build()?))
            .addresses(addresses)
            .poll(Duration::from_millis(100))
            .profile(profile)
            .build()?;
        webhooks.register(NewEndpoint::new(TENANT, url, name.as_str())?.id("channel")?).await?;
        println!("sending to {:?}", EndpointUrl::from_stored(url)?);

        let (stop, stopped) = oneshot::channel::<()>();
        let engine = webhooks.clone();
        let running = tokio::spawn(async move { engine.run(async { stopped.await.unwrap_or(()) }).await });
        Ok(Self { webhooks, tenant: TENANT.parse()?, stop, running })
    }

    /// Publishes an event and waits until nothing more will become of it.
    pub async fn tell(&self, kind: &str, payload: impl Into<String>) -> Result<(), Failure> {
        self.webhooks.publish(NewEvent::json(TENANT, kind, payload.into())?).await?;
        let settled = async {
            loop {
                let stats = self.webhooks.stats(Some(&self.tenant)).await?;
                if stats.unrouted + stats.pending == 0 {
                    return Ok::<_, Failure>(());
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(30), settled).await?
    }

    /// What became of everything, in the order in which it was published.
    pub async fn stop(self) -> Result<Vec<Delivery>, Failure> {
        self.stop.send(()).unwrap_or(());
        self.running.await??;
        let page = PageAfter::first(100);
        let mut found = self.webhooks.deliveries(&self.tenant, Selection::default(), page).await?.deliveries;
        found.sort_by_key(|delivery| delivery.born_at);
        for delivery in &found {
            let (kind, state) = (delivery.kind.as_str(), delivery.state.to_string());
            println!("{kind:22} {state:20} attempts: {}", delivery.attempts);
        }
        Ok(found)
    }
}

pub fn is_delivered(delivery: &Delivery) -> bool {
    matches!(delivery.state, State::Delivered { .. })
}

/// Seconds where the presets wait for minutes.
fn impatient() -> Result<RetryPolicy, RetryError> {
    Ok(RetryPolicy::new(Schedule::list([1, 1, 2].map(Duration::from_secs))?))
}

/// Prints each expectation with whether it held.
///
/// # Errors
/// When one did not.
pub fn check(expectations: &[(&str, bool)]) -> Result<(), Failure> {
    for (expectation, held) in expectations {
        println!("{} {expectation}", if *held { "  held  " } else { "  FAILED" });
    }
    match expectations.iter().filter(|(_, held)| !held).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} expectations failed", expectations.len()).into()),
    }
}
