//! No window ever holds more request starts than its limit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::num::NonZeroU32;
use std::time::Duration;

use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::testing::Exchange;
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, Timestamp};
use world::{START, World, hours};

const MINUTE: Duration = Duration::from_secs(60);

fn most_in_any_minute(sent: &[Exchange]) -> usize {
    let mut starts: Vec<Timestamp> = sent.iter().map(|exchange| exchange.began_at).collect();
    starts.sort();
    let within = |first: usize| starts[first..].partition_point(|at| at.since(starts[first]) < MINUTE);
    (0..starts.len()).map(within).max().unwrap_or(0)
}

fn in_the_first_minute(sent: &[Exchange]) -> usize {
    sent.iter().filter(|exchange| exchange.began_at.since(START) < MINUTE).count()
}

/// Three endpoints of one account.
async fn three_endpoints(world: &World, tenant: &str, overrides: &Overrides) {
    for n in 0..3 {
        let new = NewEndpoint::new(tenant, format!("https://{tenant}{n}.example/"), "live_session")
            .and_then(|new| new.secret("s"))
            .and_then(|new| new.events([format!("to.{n}")]))
            .unwrap()
            .overrides(overrides.clone().width(NonZeroU32::new(64).unwrap()).unwrap());
        world.webhooks.register(new).await.unwrap();
    }
}

async fn publish(world: &World, tenant: &str, count: usize) {
    for n in 0..count {
        let event = NewEvent::json(tenant, format!("to.{}", n % 3), "{}").unwrap();
        world.webhooks.publish(event).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn fa14_2500_events_of_one_account_leave_at_most_1000_in_any_minute_and_all_arrive() {
    let world = World::new();
    three_endpoints(&world, "acme", &Overrides::none()).await;
    publish(&world, "acme", 2500).await;
    world.run_for(hours(1)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2500, "throttling costs no attempt");
    assert_eq!(most_in_any_minute(&sent), 1000);
    let last = sent.iter().map(|exchange| exchange.began_at).max().unwrap();
    assert!(last.since(START) < Duration::from_secs(125), "done after {:?}", last.since(START));
    let stats = world.webhooks.stats(None).await.unwrap();
    assert_eq!((stats.delivered, stats.failed, stats.pending), (2500, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn fa15_each_account_has_its_own_thousand() {
    let world = World::new();
    for tenant in ["acme", "bcme"] {
        three_endpoints(&world, tenant, &Overrides::none()).await;
        publish(&world, tenant, 2500).await;
    }
    world.run_for(hours(1)).await;
    assert_eq!(in_the_first_minute(&world.sent()), 2000);
}

#[tokio::test(start_paused = true)]
async fn fa15_limits_by_endpoint_let_three_endpoints_start_three_thousand() {
    for (events, expected) in [(2500, 2500), (4000, 3000)] {
        let world = World::new();
        let thousand = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::new(1000).unwrap());
        three_endpoints(&world, "acme", &Overrides::none().limits([thousand]).unwrap()).await;
        publish(&world, "acme", events).await;
        world.run_for(hours(1)).await;
        assert_eq!(in_the_first_minute(&world.sent()), expected, "{events} events");
    }
}

#[tokio::test(start_paused = true)]
async fn every_scope_is_enforced_and_shared_as_it_says() {
    let ten = |scope| Limit::per_minute(scope, NonZeroU32::new(10).unwrap());
    for (scope, expected) in [
        (LimitScope::Endpoint, 60),
        (LimitScope::Host, 40),
        (LimitScope::Tenant, 20),
        (LimitScope::Global, 10),
    ] {
        let limited =
            Profile { name: "limited".parse().unwrap(), limits: vec![ten(scope)], ..Profile::standard() };
        let world = World::with(|builder| builder.profile(limited));
        for (tenant, host) in [("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "y"), ("b", "w")] {
            let new = NewEndpoint::new(tenant, format!("https://{host}.example/{tenant}"), "limited")
                .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
                .unwrap();
            world.webhooks.register(new).await.unwrap();
        }
        for tenant in ["a", "b"] {
            for _ in 0..30 {
                world.webhooks.publish(NewEvent::json(tenant, "k", "{}").unwrap()).await.unwrap();
            }
        }
        world.run_for(Duration::from_secs(55)).await;
        assert_eq!(world.sent().len(), expected, "{scope:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_host_that_anybody_may_run_holds_no_endpoint_without_that_limit() {
    let one = Limit::per_minute(LimitScope::Host, NonZeroU32::MIN);
    let limited = Profile { name: "limited".parse().unwrap(), limits: vec![one], ..Profile::standard() };
    let world = World::with(|builder| builder.profile(limited));
    for (tenant, profile) in [("mallory", "limited"), ("bob", "standard")] {
        let new = NewEndpoint::new(tenant, format!("https://shared.example/{tenant}"), profile)
            .and_then(|new| new.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="));
        world.webhooks.register(new.unwrap()).await.unwrap();
    }
    for _ in 0..5 {
        world.webhooks.publish(NewEvent::json("mallory", "k", "{}").unwrap()).await.unwrap();
    }
    world.run_for(Duration::from_secs(1)).await;
    for _ in 0..5 {
        world.webhooks.publish(NewEvent::json("bob", "k", "{}").unwrap()).await.unwrap();
    }
    world.run_for(Duration::from_secs(1)).await;
    let to = |path: &str| world.transport.exchanges_with(&format!("https://shared.example/{path}")).len();
    assert_eq!((to("mallory"), to("bob")), (1, 5));
}

#[test]
fn an_endpoints_own_limits_reach_no_further_than_the_endpoint() {
    let starts = |count| NonZeroU32::new(count).unwrap();
    let minute = |scope, count| Limit::per_minute(scope, starts(count));
    let own = |limits: Vec<Limit>| Overrides::none().limits(limits).map_err(|error| error.to_string());
    let shared = "limits: must have the scope endpoint, since other endpoints share the other scopes";
    for scope in [LimitScope::Tenant, LimitScope::Host, LimitScope::Global] {
        let refused = own(vec![minute(LimitScope::Endpoint, 1), minute(scope, 1)]);
        assert_eq!(refused.unwrap_err(), shared, "{scope:?}");
    }
    let one = minute(LimitScope::Endpoint, 1);
    assert_eq!(own(vec![one; 5]).unwrap_err(), "limits: must be at most 4");
    let many = own(vec![minute(LimitScope::Endpoint, 10_001)]);
    assert_eq!(many.unwrap_err(), "limits: must each allow at most 10,000 starts");
    assert!(own(vec![minute(LimitScope::Endpoint, 10_000); 4]).is_ok() && own(Vec::new()).is_ok());
}

#[test]
fn overrides_that_are_read_keep_the_rules_of_those_that_are_set() {
    let day = 86_400_000_000_u64;
    let read = |text: &str| serde_json::from_str::<Overrides>(text).map_err(|error| error.to_string());
    for (text, field) in [
        (format!(r#"{{"limits":[{{"scope":"global","starts":1,"window_us":{day}}}]}}"#), "limits: "),
        (format!(r#"{{"limits":[{{"scope":"host","starts":1,"window_us":{day}}}]}}"#), "limits: "),
        (format!(r#"{{"limits":[{{"scope":"tenant","starts":1,"window_us":{day}}}]}}"#), "limits: "),
        (
            format!(r#"{{"limits":[{{"scope":"endpoint","starts":4000000000,"window_us":{day}}}]}}"#),
            "limits: ",
        ),
        (r#"{"width":1025}"#.to_owned(), "width: "),
        (r#"{"timeout":{"secs":121,"nanos":0}}"#.to_owned(), "timeout: "),
        (r#"{"timeout":{"secs":0,"nanos":0}}"#.to_owned(), "timeout: "),
    ] {
        let refused = read(&text).unwrap_err();
        assert!(refused.starts_with(field), "{text}: {refused}");
    }
    let limit = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::MIN);
    let set = Overrides::none().limits([limit]).unwrap().width(NonZeroU32::MIN).unwrap();
    assert_eq!(read(&serde_json::to_string(&set).unwrap()).unwrap(), set);
    assert_eq!(read("{}").unwrap(), Overrides::none());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_was_lifted_or_raised_holds_nothing_any_longer() {
    let per_day = Limit::new(LimitScope::Endpoint, NonZeroU32::MIN, hours(24)).unwrap();
    let per_minute = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::new(100).unwrap());
    for (limits, most) in [(vec![], 5), (vec![per_minute], 5), (vec![per_day], 0)] {
        let world = World::new();
        let new = world::endpoint("a", "standard").overrides(Overrides::none().limits([per_day]).unwrap());
        let endpoint = world.webhooks.register(new).await.unwrap();
        publish(&world, "acme", 6).await;
        world.run_for(MINUTE).await;
        assert_eq!(world.sent().len(), 1);
        let changed = NewEndpoint::from(&*endpoint).overrides(Overrides::none().limits(limits).unwrap());
        world.webhooks.update(&endpoint.id, endpoint.version, changed).await.unwrap();
        world.run_for(MINUTE).await;
        assert_eq!(world.sent().len() - 1, most);
    }
}
