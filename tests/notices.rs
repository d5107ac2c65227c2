//! What an observer is told, and of whom.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::seam::Notice;
use hookpost::testing::Reply;
use hookpost::{NewEvent, Profile};
use world::{World, acme, hours, id};

/// By a notice's name: whose it was, and of what type the event.
type Told = BTreeMap<&'static str, (String, Option<String>)>;

fn whom(notice: &Notice<'_>) -> Option<(&'static str, (String, Option<String>))> {
    let (name, tenant, kind) = match notice {
        Notice::Published { tenant, kind, .. } => ("Published", tenant, Some(kind)),
        Notice::Routed { tenant, kind, .. } => ("Routed", tenant, Some(kind)),
        Notice::Attempted { tenant, kind, .. } => ("Attempted", tenant, Some(kind)),
        Notice::Concluded { tenant, kind, .. } => ("Concluded", tenant, Some(kind)),
        Notice::DeadLetter { tenant, kind, .. } => ("DeadLetter", tenant, Some(kind)),
        Notice::Limited { tenant, .. } => ("Limited", tenant, None),
        Notice::Held { tenant, .. } => ("Held", tenant, None),
        Notice::Disabled { tenant, .. } => ("Disabled", tenant, None),
        _ => return None,
    };
    Some((name, (tenant.to_string(), kind.map(ToString::to_string))))
}

#[tokio::test(start_paused = true)]
async fn each_notice_about_work_says_whose_it_is_and_of_which_type() {
    let told = Arc::new(Mutex::new(Told::new()));
    let noted = Arc::clone(&told);
    let observer = move |notice: &Notice<'_>| noted.lock().unwrap().extend(whom(notice));
    let once = RetryPolicy::new(Schedule::list([]).unwrap());
    let limit = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::MIN);
    let limited =
        Profile { name: "limited".parse().unwrap(), retry: once, limits: vec![limit], ..Profile::standard() };
    let world = World::with(|builder| builder.profile(limited).observer(Arc::new(observer)));
    for endpoint in ["limited", "gone", "switched-off"] {
        let profile = if endpoint == "limited" { "limited" } else { "standard" };
        world.endpoint(endpoint, profile).await;
    }
    world.transport.at(world::url("gone"), Reply::status(410));
    world.transport.at(world::url("limited"), Reply::status(500));
    // The engine routes what more endpoints want than a publisher looks at.
    for number in 0..20 {
        world.endpoint(&format!("more-{number}"), "standard").await;
    }
    for _ in 0..3 {
        let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
        world.webhooks.publish(event).await.unwrap();
    }
    world.webhooks.disable(&acme(), &id("switched-off")).await.unwrap();
    world.run_for(hours(1)).await;

    let told = told.lock().unwrap();
    let names = ["Attempted", "Concluded", "DeadLetter", "Disabled", "Limited", "Published", "Routed"];
    for name in names {
        assert!(told.contains_key(name), "{name} was not told: {told:?}");
    }
    for (name, (tenant, kind)) in &*told {
        assert_eq!(tenant, "acme", "{name}");
        assert!(kind.as_deref().is_none_or(|kind| kind == "order.paid"), "{name}");
    }
}
