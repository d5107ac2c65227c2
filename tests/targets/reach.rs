//! What an answer holds: its own endpoint, and others only where it came from their service.

use std::time::Duration;

use hookpost::policy::outcome::{BodyNeed, ByStatus, Classify, Hold, Reach, Response, Verdict};
use hookpost::policy::retry::{RetryPolicy, Schedule};
use hookpost::{NewEndpoint, NewEvent, Overrides, Profile, Timestamp};
use std::sync::Arc;

use crate::scene::{
    DISCORD, DISCORD_SENT, Head, MAKE, ROUTING_KEY, SLACK, reply, targets, world, world_with,
};
use crate::world::{START, World, hours, seconds, without_jitter};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An endpoint of this tenant, which nobody else's events reach.
async fn register(world: &World, tenant: &str, profile: &str, url: &str, overrides: Overrides) {
    let mut new = NewEndpoint::new(tenant, url, profile).unwrap().overrides(overrides);
    if profile.ends_with("pagerduty") {
        new = new.secret(ROUTING_KEY).unwrap();
    }
    world.webhooks.register(new).await.unwrap();
}

async fn publish(world: &World, tenant: &str) {
    world.webhooks.publish(NewEvent::json(tenant, "order.paid", "{}").unwrap()).await.unwrap();
}

/// Seconds at which the requests to a host and path began.
fn sent(world: &World, part: &str) -> Vec<i64> {
    let all = world.sent().into_iter();
    seconds(&all.filter(|exchange| exchange.url.contains(part)).collect::<Vec<_>>())
}

/// Gives up after a year and believes any `Retry-After` within it.
fn patient() -> Overrides {
    let year = Duration::from_secs(365 * 24 * 3600);
    let schedule = Schedule::list([Duration::from_secs(1)]).unwrap();
    let retry = RetryPolicy::new(schedule).retry_after_max(year).unwrap();
    Overrides::none().retry(retry)
}

/// Answers that ask for a wait in every form that some service knows.
const HOSTILE: [(u16, Head<'_>, &str); 6] = [
    (429, &[("retry-after", "3600")], "<html>no JSON</html>"),
    (429, &[("x-ratelimit-global", "true"), ("retry-after", "3600")], "{}"),
    (429, &[("retry-after", "3600")], r#"{"retry_after":3600,"global":true}"#),
    (429, &[], r#"{"ok":false,"error_code":429,"parameters":{"retry_after":3600}}"#),
    (503, &[("retry-after", "3600")], ""),
    (200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "3600")], "{}"),
];

#[tokio::test(start_paused = true)]
async fn a_strangers_answer_holds_nobody_elses_endpoint_whatever_the_profile() {
    let others = [("discord", DISCORD), ("make", MAKE), ("slack", SLACK)];
    for (profile, own) in targets() {
        for (status, headers, body) in HOSTILE {
            // One at a host of its own, one at a host that others send to.
            for host in ["evil.example", "hook.eu1.make.com"] {
                // A built-in name would be refused at the URL of another target.
                let name = format!("own_{}", profile.name);
                let named = Profile { name: name.parse().unwrap(), ..without_jitter(profile.clone()) };
                let world = world_with(|builder| builder.profile(named));
                let path = own.split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap().1;
                let evil = format!("https://{host}/mallory/{path}");
                register(&world, "mallory", &name, &evil, patient()).await;
                world.transport.otherwise(reply(200, &[], "ok"));
                for (target, url) in &others {
                    register(&world, "bob", target, url, Overrides::none()).await;
                }
                world.transport.otherwise(reply(status, headers, body));
                publish(&world, "mallory").await;
                world.run_for(Duration::from_secs(2)).await;
                assert!(!world.sent().is_empty(), "{}", profile.name);
                world.transport.otherwise(reply(200, &[], "ok"));
                publish(&world, "bob").await;
                let before = world.sent().len();
                world.run_for(Duration::from_secs(2)).await;
                let reached = world.sent().len() - before;
                assert_eq!(reached, others.len(), "{} at {host}: {status} {body}", profile.name);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoints_own_retry_policy_makes_no_hold_on_others_longer() {
    let world = world();
    register(&world, "mallory", "discord", DISCORD, patient()).await;
    register(&world, "bob", "discord", "https://discord.com/api/webhooks/2/b", Overrides::none()).await;
    let days = (30 * DAY).as_secs().to_string();
    let global = [("x-ratelimit-global", "true"), ("retry-after", days.as_str())];
    world.transport.at(DISCORD_SENT, reply(429, &global, ""));
    publish(&world, "mallory").await;
    world.run_for(Duration::from_secs(1)).await;
    publish(&world, "bob").await;
    world.run_for(hours(2)).await;
    assert_eq!(sent(&world, "/webhooks/2/"), [3600], "an hour, as Discord's profile allows");
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_what_a_service_holds_and_lifts_it() {
    let world = world();
    let bobs = "https://discord.com/api/webhooks/2/b";
    register(&world, "mallory", "discord", DISCORD, Overrides::none()).await;
    register(&world, "bob", "discord", bobs, Overrides::none()).await;
    let global = [("x-ratelimit-global", "true"), ("retry-after", "3600")];
    world.transport.at(DISCORD_SENT, reply(429, &global, ""));
    publish(&world, "mallory").await;
    world.run_for(Duration::from_secs(1)).await;
    publish(&world, "bob").await;
    world.run_for(Duration::from_secs(59)).await;
    assert_eq!(sent(&world, "/webhooks/2/"), Vec::<i64>::new());
    let held = world.webhooks.gates(None, 10).await.unwrap();
    let hosts: Vec<_> = held.iter().map(|closed| format!("{:?}", closed.gate)).collect();
    let mut all: Vec<_> =
        Profile::discord().service.iter().map(|host| format!("Host({:?})", host.as_str())).collect();
    all.sort_unstable();
    assert_eq!(hosts, all);
    assert!(held.iter().all(|closed| closed.held_until == Some(START + Duration::from_secs(3600))));

    world.webhooks.lift_host(&"discord.com".parse().unwrap()).await.unwrap();
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(sent(&world, "/webhooks/2/"), [60]);
    assert_eq!(world.webhooks.gates(None, 10).await.unwrap().len(), all.len() - 1);
    let id =
        world.webhooks.endpoints(&"mallory".parse().unwrap(), None, 1).await.unwrap().endpoints[0].id.clone();
    world.webhooks.lift(&"mallory".parse().unwrap(), &id).await.unwrap();
    world.webhooks.lift_tenant(&"mallory".parse().unwrap()).await.unwrap();
}

/// A classifier of a host's own, which takes any 429 for the whole service.
#[derive(Debug)]
struct Partners;

impl Classify for Partners {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        ByStatus::any_2xx().classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::None
    }

    fn hold(&self, response: &Response, _: Timestamp) -> Option<Hold> {
        (response.status == 429).then_some(Hold { reach: Reach::Service, span: Duration::from_secs(600) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_classifier_of_the_hosts_own_holds_its_service_and_no_other_host() {
    for (host, expected) in [("api.partners.example", vec![600]), ("evil.example", vec![1])] {
        let partners = Profile {
            name: "partners".parse().unwrap(),
            classifier: Arc::new(Partners),
            service: vec!["api.partners.example".parse().unwrap(), "eu.partners.example".parse().unwrap()],
            ..Profile::n8n()
        };
        let world =
            World::with(|builder| builder.poll(Duration::from_secs(1)).profile(without_jitter(partners)));
        let mallorys = format!("https://{host}/mallory");
        register(&world, "mallory", "partners", &mallorys, Overrides::none()).await;
        register(&world, "bob", "partners", "https://eu.partners.example/bob", Overrides::none()).await;
        world.transport.at(&mallorys, reply(429, &[], ""));
        publish(&world, "mallory").await;
        world.run_for(Duration::from_secs(1)).await;
        publish(&world, "bob").await;
        world.run_for(hours(1)).await;
        assert_eq!(sent(&world, "/bob"), expected, "{host}");
        assert_eq!(sent(&world, "/mallory")[..2], [0, 600], "the endpoint itself is held in both cases");
    }
}
