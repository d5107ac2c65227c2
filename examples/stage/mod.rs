//! Shared setup of the examples: a sender with a memory store, for receivers on this machine
//! or outside.
#![allow(dead_code, unreachable_pub, reason = "each example uses its own part")]

use std::error::Error;
use std::future::pending;
use std::time::Duration;

use hookpost::history::{PageAfter, Selection, Stats};
use hookpost::policy::egress::{AddressPolicy, UrlPolicy};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::stores::memory::MemoryStore;
use hookpost::transports::ReqwestTransport;
use hookpost::{Profile, Webhooks};
use tokio::time::{sleep, timeout};

/// A sender to this URL. For a receiver on this machine it lets plain http and loopback
/// through, which no real service should allow, and waits for seconds where the profile
/// waits for minutes. Outside, all is as the profile has it.
pub fn sender(profile: Profile, url: &str) -> Result<Webhooks, Box<dyn Error>> {
    let store = MemoryStore::new();
    if !url.starts_with("http://127.0.0.1:") {
        return Ok(Webhooks::builder(store, ReqwestTransport::public()?)
            .profiles(hookpost::Profile::systems())
            .profile(profile)
            .build()?);
    }
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport = ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build()?;
    let retry = RetryPolicy::new(Schedule::list([1, 1, 2].map(Duration::from_secs))?);
    Ok(Webhooks::builder(store, transport)
        .profiles(hookpost::Profile::systems())
        .addresses(addresses)
        .profile(Profile { urls: UrlPolicy::http_and_https(), retry, ..profile })
        .build()?)
}

/// Lets an engine work until nothing is left to do, retries included. A service has one at
/// work all the time, beside whatever else it does.
pub async fn work_off(webhooks: &Webhooks) -> Result<Stats, Box<dyn Error>> {
    tokio::select! {
        Err(already_running) = webhooks.run(pending::<()>()) => Err(already_running.into()),
        stats = until_nothing_is_pending(webhooks) => stats,
    }
}

/// Waits for an engine that is at work already, and says what became of everything.
pub async fn until_nothing_is_pending(webhooks: &Webhooks) -> Result<Stats, Box<dyn Error>> {
    let settled = async {
        loop {
            let stats = webhooks.stats(None).await?;
            if stats.unrouted + stats.pending == 0 {
                return Ok(stats);
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), settled).await?
}

/// Prints what became of each delivery of a tenant, the oldest first.
pub async fn print_history(webhooks: &Webhooks, tenant: &str) -> Result<(), Box<dyn Error>> {
    let page = PageAfter::first(100);
    let mut found = webhooks.deliveries(&tenant.parse()?, Selection::default(), page).await?.deliveries;
    found.sort_by_key(|delivery| delivery.born_at);
    for delivery in found {
        let (kind, state) = (delivery.kind.as_str(), delivery.state.to_string());
        println!("{kind:22} {state:20} attempts: {}", delivery.attempts);
    }
    Ok(())
}
