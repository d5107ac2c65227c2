//! How long a tenant waits for its events while another one misbehaves, over real loopback
//! sockets, with the SQLite store and default settings.
//!
//! `cargo bench --bench isolation` runs every case; `-- NAME …` runs the cases of these
//! names (see [`attack::CASES`]). Each case first measures a quiet period, then the same
//! tenants while the tenant `mallory` attacks, and prints one line for each victim: one
//! whose endpoint was in use before the attack (`proven`), and one that is registered
//! while it goes on (`new`). A wait is counted from the call of `publish` to the arrival
//! of the request; an event that never arrived counts as waiting until the case ended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod attack;
mod receivers;
mod stage;
mod victim;

use std::time::Duration;

use self::attack::Attack;
use self::stage::Stage;
use self::victim::{Victim, Waits};

/// The period before the attack, which the waits are compared with.
const QUIET: Duration = Duration::from_secs(4);
/// The victims publish for so long beside the attack.
const BESIDE: Duration = Duration::from_secs(12);
/// After the last publish, so long for what is still on its way.
const AFTER: Duration = Duration::from_secs(4);
/// What a proven endpoint may wait beyond twice its quiet 99th percentile.
const ALLOWED: Duration = Duration::from_secs(1);

fn main() {
    let names: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for (name, attack) in attack::CASES {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            // The attack goes on until its runtime ends.
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(case(name, attack));
            runtime.shutdown_background();
        }
    }
}

async fn case(name: &str, attack: Attack) {
    let stage = Stage::set(name);
    let proven = Victim::new("proven", attack.victims_host());
    let fresh = Victim::new("new", attack.victims_host());
    proven.register(&stage).await;
    attack.prepare(&stage).await;
    let engine = stage.run_engine();
    proven.publish_for(&stage, Duration::from_secs(1)).await;
    let quiet = proven.publish_for(&stage, QUIET).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let quiet = quiet.judge(&stage);
    let refused = attack.begin(&stage).await;
    fresh.register(&stage).await;
    let (proven, fresh) = tokio::join!(proven.publish_for(&stage, BESIDE), fresh.publish_for(&stage, BESIDE));
    tokio::time::sleep(AFTER).await;
    report(name, "proven", refused, &quiet, &proven.judge(&stage));
    report(name, "new", refused, &quiet, &fresh.judge(&stage));
    engine.stop();
}

/// One line of `key=value` words.
fn report(case: &str, victim: &str, refused: bool, quiet: &Waits, beside: &Waits) {
    let bound = quiet.percentile(0.99) * 2 + ALLOWED;
    let verdict = match (victim, beside.longest() <= bound) {
        ("proven", true) => "holds",
        ("proven", false) => "falls_short",
        _ => "-",
    };
    println!(
        "case={case} victim={victim} published={} arrived={} quiet_p99_ms={} p99_ms={} longest_ms={} \
         bound_ms={} verdict={verdict} attack_refused={refused}",
        beside.published(),
        beside.arrived(),
        quiet.percentile(0.99).as_millis(),
        beside.percentile(0.99).as_millis(),
        beside.longest().as_millis(),
        bound.as_millis(),
    );
}
