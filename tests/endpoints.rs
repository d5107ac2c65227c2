//! Registering endpoints: what is refused, by which field, and that nothing is left.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use hookpost::delivery::{CancelReason, State};
use hookpost::history::{Class, PageAfter, Selection};
use hookpost::id::TenantId;
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{Reply, ScriptedTransport, VirtualClock};
use hookpost::{Headers, NewEndpoint, NewEvent, Overrides, Profile, RegisterError, Webhooks};
use world::{START, World, acme, endpoint, id};

fn at(url: &str, profile: &str) -> NewEndpoint {
    NewEndpoint::new("acme", url, profile).unwrap().secret("s").unwrap()
}

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

async fn refusal(world: &World, new: NewEndpoint) -> String {
    let error = world.webhooks.register(new).await.unwrap_err();
    assert_eq!(
        world.webhooks.endpoints(&acme(), None, 100).await.unwrap().endpoints.len(),
        0,
        "nothing is left"
    );
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn fa9_http_is_a_matter_of_the_profile_and_no_other_scheme_is_known() {
    let world = World::new();
    assert!(world.webhooks.register(at("http://shop.example/x", "live_session")).await.is_ok());
    let world = World::new();
    assert!(refusal(&world, at("http://shop.example/x", "x_webhook")).await.starts_with("url: "));
    for url in [
        "ftp://shop.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "/relative",
        "https://",
        "https:///x",
        "https://user:pw@shop.example/",
        "https://shop.example/#part",
        "",
        "https://shop/x",
    ] {
        let text = refusal(&world, at(url, "live_session")).await;
        assert!(text.starts_with("url: "), "{url}: {text}");
        assert!(url.len() < 8 || !text.contains(url), "the text does not quote the URL: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn fa10_a_tenant_has_one_endpoint_of_a_url_in_live_session() {
    let world = World::new();
    let first = world.webhooks.register(at("http://shop.example/x", "live_session")).await.unwrap();
    for same in ["http://shop.example/x", "HTTP://Shop.Example:80/x"] {
        match world.webhooks.register(at(same, "live_session")).await {
            Err(RegisterError::DuplicateUrl { endpoint }) => assert_eq!(endpoint, first.id),
            other => panic!("{other:?}"),
        }
    }
    assert!(world.webhooks.register(at("http://shop.example/x?y", "live_session")).await.is_ok());
    let other =
        NewEndpoint::new("bcme", "http://shop.example/x", "live_session").unwrap().secret("s").unwrap();
    assert!(world.webhooks.register(other).await.is_ok(), "another tenant's");
    for _ in 0..2 {
        assert!(
            world.webhooks.register(at("https://shop.example/x", "x_webhook")).await.is_ok(),
            "another profile"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fb16_forbidden_hosts_are_refused_when_they_are_registered() {
    let world = World::new();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fc00::1]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]",
        "[::ffff:a00:1]",
        "0.0.0.0",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "127.1",
        "168.63.129.16",
        "metadata.google.internal",
        "printer.local",
    ] {
        let text = refusal(&world, at(&format!("https://{host}/x"), "x_webhook")).await;
        assert!(text.starts_with("url: "), "{host}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_rule_of_a_profile_is_named_with_its_field() {
    let world = World::new();
    let good = || at("https://shop.example/x", "standard");
    let none = NewEndpoint::new("acme", "https://shop.example/x", "standard").unwrap();
    let reserved = Headers::none().with("livesession-signature", "x").unwrap_err().to_string();
    assert!(reserved.starts_with("header \"livesession-signature\": "), "{reserved}");
    let slow = Overrides::none().timeout(Duration::from_secs(60)).unwrap();
    for (new, field) in [
        (none, "secret: "),
        (good(), "secret: "),
        (good().secret("whsec_AAAA").unwrap(), "secret: "),
        (good().secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY").unwrap(), "secret: "),
        (endpoint("e", "standard").overrides(slow), "timeout: "),
        (NewEndpoint::new("acme", "https://shop.example/x", "unheard_of").unwrap(), "profile: "),
    ] {
        let text = refusal(&world, new).await;
        assert!(text.starts_with(field), "{field}: {text}");
        assert!(!text.contains("AAAA") && !text.contains("MDEy"), "{text}");
    }
    assert!(NewEndpoint::new("", "https://shop.example/", "standard").is_err());
    assert!(good().events(Vec::<String>::new()).is_err());
    assert!(good().name("a\nb").is_err());
    assert!(good().secret(" ").is_err());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_taken_is_told_with_the_version_it_is_at_and_left_as_it_is() {
    let world = World::new();
    let first = world.endpoint("e", "live_session").await;
    let again = |tenant: &str| {
        let new = NewEndpoint::new(tenant, "https://other.example/", "live_session").unwrap();
        world.webhooks.register(new.secret("s").unwrap().id("e").unwrap())
    };
    let taken = again("acme").await.unwrap_err();
    assert!(matches!(taken, RegisterError::Taken { current } if current == Some(first.version)));
    assert_eq!(taken.to_string(), "id: is taken (at version 1)");
    let there = world.webhooks.endpoint(&first.tenant, &first.id).await.unwrap().unwrap();
    assert_eq!((there.version, there.url.expose()), (first.version, first.url.expose()));

    let elsewhere = again("other").await.unwrap_err();
    assert_eq!(elsewhere.to_string(), "id: is taken", "and nothing of its owner's is told");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_what_would_help() {
    let world = World::new();
    let slow = Overrides::none().timeout(Duration::from_secs(60)).unwrap();
    let text = refusal(&world, endpoint("e", "standard").overrides(slow)).await;
    assert!(text.starts_with("timeout: must be at most 19s, "), "{text}");

    let unknown = async |profile: &str| {
        refusal(&world, NewEndpoint::new("acme", "https://shop.example/", profile).unwrap()).await
    };
    for target in Profile::targets().map(|target| target.name) {
        let text = unknown(target.as_str()).await;
        let hint = format!("; {target} comes with hookpost: Builder::profile(Profile::{target}())");
        assert!(text.starts_with(&format!("profile: {target} is not known; known are ")), "{text}");
        assert!(text.ends_with(&hint), "{text}");
    }
    let text = unknown("unheard_of").await;
    assert!(text.contains("live_session, ") && !text.contains("comes with"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_update_needs_the_version_it_was_made_from_and_keeps_the_secret() {
    let world = World::new();
    let first = world.endpoint("e", "live_session").await;
    let new = || NewEndpoint::new("acme", "https://moved.example/", "live_session").unwrap();
    let second = world.webhooks.update(&id("e"), first.version, new()).await.unwrap();
    assert!(second.version > first.version);
    match world.webhooks.update(&id("e"), first.version, new()).await {
        Err(RegisterError::Conflict { current }) => assert_eq!(current, Some(second.version)),
        other => panic!("{other:?}"),
    }
    world.publish("k").await;
    world.run_for(Duration::from_secs(5)).await;
    let sent = &world.sent()[0];
    assert_eq!(sent.host, "moved.example");
    assert!(sent.headers.contains_key("livesession-signature"));
}

#[tokio::test(start_paused = true)]
async fn another_tenants_endpoints_and_deliveries_are_not_found() {
    let world = World::new();
    let mine = world.endpoint("e", "live_session").await;
    world.publish("k").await;
    world.run_for(Duration::from_secs(5)).await;
    let (delivery, other) = (world.deliveries().await[0].id, TenantId::new("other").unwrap());
    let webhooks = &world.webhooks;
    assert!(webhooks.endpoint(&other, &mine.id).await.unwrap().is_none());
    assert!(!webhooks.remove(&other, &mine.id).await.unwrap());
    assert!(matches!(webhooks.pause(&other, &mine.id).await, Err(RegisterError::NotFound)));
    assert!(matches!(webhooks.disable(&other, &mine.id).await, Err(RegisterError::NotFound)));
    assert!(webhooks.attempts(&other, &delivery).await.unwrap().is_none());
    let page = webhooks.deliveries(&other, Selection::default(), PageAfter::first(10)).await.unwrap();
    assert!(page.deliveries.is_empty());
    let selection = Selection { ids: Some(vec![delivery]), ..Selection::default() };
    let replay =
        webhooks.replay(&other, "r".parse().unwrap(), selection, PageAfter::first(10)).await.unwrap();
    assert!(replay.deliveries.is_empty());
    assert!(webhooks.test(&other, &mine.id).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_builder_names_all_that_is_wrong_at_once() {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    let slow = Profile { timeout: Duration::from_secs(25), ..Profile::standard() };
    let wide = Profile { width: NonZeroU32::MAX, ..Profile::live_session() };
    let error = Webhooks::builder(Arc::new(MemoryStore::with_clock(clock)), transport)
        .profiles(hookpost::Profile::systems())
        .concurrency(0)
        .payload_max(0)
        .poll(Duration::ZERO)
        .keep(Class::Delivered, Duration::ZERO)
        .profile(slow)
        .profile(wide)
        .build()
        .unwrap_err();
    let fields: Vec<_> = error.problems().iter().map(|problem| problem.field.as_str()).collect();
    let expected = [
        "poll",
        "concurrency",
        "payload_max",
        "keep Delivered",
        "profile standard.timeout",
        "profile live_session.width",
    ];
    for field in expected {
        assert!(fields.contains(&field), "{field} is not in {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn fg14_nothing_that_could_split_a_header_gets_in() {
    for text in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"] {
        assert!(NewEvent::json("acme", text, "{}").is_err());
        assert!(NewEvent::json(text, "k", "{}").is_err());
        assert!(NewEvent::json("acme", "k", "{}").unwrap().id(text).is_err());
        assert!(NewEvent::bytes("acme", "k", text, "x").is_err());
        assert!(at("https://shop.example/", "standard").name(text).is_err());
        assert!(Headers::none().with("x-own", text).is_err());
        assert!(Headers::none().with(text, "v").is_err());
        let world = World::new();
        refusal(&world, at(&format!("https://shop.example/{text}"), "live_session")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_removed_endpoint_never_reaches_another_tenant_that_wants_its_id() {
    let world = World::new();
    world.transport.otherwise(Reply::status(503));
    world.endpoint("e", "standard").await;
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    world.webhooks.remove(&acme(), &id("e")).await.unwrap();
    let theirs = NewEndpoint::new("other", "https://other.example/hook", "standard").unwrap();
    let theirs = theirs.id("e").unwrap().secret(SECRET).unwrap();
    assert_eq!(refusal(&world, theirs).await, "id: is taken");
    world.run_for(Duration::from_secs(3600)).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.states().await, [State::Cancelled(CancelReason::EndpointRemoved)]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_never_reaches_another_tenant_that_a_hosts_own_directory_gave_the_id() {
    let (world, hosts) = World::on_a_directory_of_the_hosts_own();
    hosts.register(endpoint("e", "standard")).await.unwrap();
    world.transport.otherwise(Reply::status(503));
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    hosts.remove(&acme(), &id("e")).await.unwrap();
    let theirs = NewEndpoint::new("other", "https://other.example/hook", "standard").unwrap();
    hosts.register(theirs.id("e").unwrap().secret(SECRET).unwrap()).await.unwrap();
    world.run_for(Duration::from_secs(3600)).await;
    assert_eq!(world.sent_to("e").len(), world.sent().len(), "nothing to the other's URL");
    assert_eq!(world.states().await, [State::Cancelled(CancelReason::EndpointRemoved)]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_another_process_removed_and_registered_again_is_sent_to_as_it_is_now() {
    let world = World::new();
    let clock = world.clock.clone();
    let elsewhere = Webhooks::builder(world.store.clone(), world.transport.clone())
        .profiles(hookpost::Profile::systems());
    let elsewhere = elsewhere.clock(clock).build().unwrap();
    world.endpoint("e", "standard").await;
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(5)).await;
    elsewhere.remove(&acme(), &id("e")).await.unwrap();
    let again = endpoint("e", "standard").url("https://moved.example/hook");
    assert_eq!(elsewhere.register(again).await.unwrap().version, 1, "as before");
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.transport.exchanges_with("https://moved.example/hook").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_ensured_at_each_start_and_never_changed_by_it() {
    let world = World::new();
    let first = world.webhooks.ensure(world::endpoint("e", "standard")).await.unwrap();
    let elsewhere = world::endpoint("e", "standard").url("https://elsewhere.example/");
    let again = world.webhooks.ensure(elsewhere).await.unwrap();
    assert_eq!((again.version, again.url.expose()), (first.version, first.url.expose()));

    let anothers = NewEndpoint::new("bcme", "https://b.example/", "standard").unwrap().id("e").unwrap();
    let anothers = anothers.secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let taken = world.webhooks.ensure(anothers).await.unwrap_err();
    assert!(matches!(taken, RegisterError::Taken { current: None }), "{taken}");

    let nameless = NewEndpoint::new("acme", "https://c.example/", "standard").unwrap();
    let refused = world.webhooks.ensure(nameless).await.unwrap_err();
    assert!(refused.to_string().starts_with("id: must be set"), "{refused}");
    assert_eq!(world.webhooks.endpoints(&world::acme(), None, 10).await.unwrap().endpoints.len(), 1);
}
