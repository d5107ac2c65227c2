//! What a refusal of a mistyped value says: what must hold, what was found, and what would
//! help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
use hookpost::stores::memory::MemoryStore;
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::webhooks::{Builder, ConfigError};
use hookpost::{Filter, NewEndpoint, NewEvent, Profile, Webhooks};
use world::{START, World, acme, endpoint, id};

const URL: &str = "https://shop.example/";
const ROUTING_KEY: &str = "canary4711canary4711canary4711ab";

async fn refused(world: &World, new: NewEndpoint) -> String {
    world.webhooks.register(new).await.unwrap_err().to_string()
}

/// Asserts that a text says all of `said` and nothing of `hidden`.
fn assert_says(text: &str, said: &[&str], hidden: &[&str]) {
    assert!(said.iter().all(|part| text.contains(part)), "{text} lacks one of {said:?}");
    assert!(!hidden.iter().any(|part| text.contains(part)), "{text} has one of {hidden:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_base64_is_refused_for_its_padding_or_its_white_space() {
    let world = World::new();
    let bare = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    for (secret, said) in [
        (format!("whsec_{bare}"), "padding"),
        (format!("whsec_{bare}=="), "padding"),
        (format!("whsec_{bare}=\n"), "white space"),
        (format!("whsec_{bare}=\r\n"), "white space"),
        (format!(" whsec_{bare}="), "white space"),
        (format!("\u{a0}whsec_{bare}="), "white space"),
        (format!("\twhsec_{bare}"), "white space"),
        (format!("{bare}=\n"), "white space"),
        (format!("whsec_ {bare}="), "white space"),
        (format!("whsec_{}=", bare.replace("BwcHBwc", "B_cHBwc")), "base64"),
        ("our shop's secret".to_owned(), "prefix"),
    ] {
        let new = NewEndpoint::new("acme", URL, "standard").unwrap().secret(secret.as_str()).unwrap();
        let text = refused(&world, new).await;
        assert_says(&text, &["secret: must ", said], &["hexadecimal", bare, "our shop"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pagerduty_endpoint_needs_the_routing_key_as_its_secret() {
    let world = World::with(|builder| builder.profile(Profile::pagerduty()).profile(Profile::slack()));
    let new = || {
        let url = "https://events.pagerduty.com/v2/enqueue";
        NewEndpoint::new("acme", url, "pagerduty").unwrap().id("e").unwrap()
    };
    let said = "secret: must be the integration's routing key of 32 letters and digits";
    assert_eq!(refused(&world, new()).await, said);
    for wrong in ["short", &format!("{ROUTING_KEY}x"), &ROUTING_KEY.replace('c', "-")] {
        assert_eq!(refused(&world, new().secret(wrong).unwrap()).await, said, "{wrong}");
    }
    let there = world.webhooks.register(new().secret(ROUTING_KEY).unwrap()).await.unwrap();

    let update = |new| world.webhooks.update(&there.id, there.version, new);
    assert_eq!(update(new().without_secret()).await.unwrap_err().to_string(), said);
    assert_eq!(update(new().secret("short").unwrap()).await.unwrap_err().to_string(), said);
    let next = hookpost::Secret::new("short").unwrap();
    let rotated = world.webhooks.rotate_secret(&acme(), &there.id, next, Duration::ZERO).await;
    assert_eq!(rotated.unwrap_err().to_string(), said);
    assert!(world.webhooks.check(new()).is_err());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_becomes_one_of_pagerduty_needs_the_routing_key() {
    let world = World::with(|builder| builder.profile(Profile::pagerduty()).profile(Profile::slack()));
    let slack = NewEndpoint::new("acme", "https://hooks.slack.com/services/a", "slack").unwrap();
    let there = world.webhooks.register(slack).await.unwrap();
    let alerts = NewEndpoint::new("acme", "https://events.pagerduty.com/v2/enqueue", "pagerduty").unwrap();
    let error = world.webhooks.update(&there.id, there.version, alerts).await.unwrap_err();
    assert_says(&error.to_string(), &["routing key"], &[]);
}

#[test]
fn a_name_is_refused_with_what_was_found_in_it() {
    let of = |tenant: &str, profile: &str| NewEndpoint::new(tenant, URL, profile).unwrap_err().to_string();
    let long = "x".repeat(129);
    for (tenant, said) in [
        ("ac me", "(found a space at character 3)"),
        ("", "(found no character)"),
        ("acme\n", "(found a line feed at character 5)"),
        ("b\u{fc}cher", "(found '\u{fc}' at character 2)"),
        ("a\u{0}", r"(found '\0' at character 2)"),
        (&long, "(found 129 bytes)"),
    ] {
        let text = of(tenant, "standard");
        assert_eq!(text, format!("tenant: must be 1 to 128 visible ASCII characters {said}"));
    }
    assert_says(&NewEvent::json("acme", "order.*", "{}").unwrap_err().to_string(), &["found '*' at"], &[]);
    for (profile, meant) in [
        ("Standard", Some("standard")),
        ("live-session", Some("live_session")),
        ("X Webhook", Some("x_webhook")),
        ("st\u{e4}ndard", None),
        ("", None),
    ] {
        let text = of("acme", profile);
        let suggestion = meant.map(|meant| format!("; did you mean {meant}?"));
        assert_eq!(text.contains("did you mean"), meant.is_some(), "{text}");
        assert!(text.ends_with(&suggestion.unwrap_or_default()), "{text}");
    }
}

#[test]
fn a_url_is_refused_for_what_its_policy_allows_and_with_the_cure_for_local_development() {
    let of = |url: &str, policy: UrlPolicy| EndpointUrl::parse(url, &policy).unwrap_err().to_string();
    let (https, both) = (UrlPolicy::https_only(), UrlPolicy::http_and_https());
    assert_eq!(of("ftp://shop.example/", https), "scheme must be https");
    assert_eq!(of("ftp://shop.example/", both), "scheme must be https or http");
    assert_eq!(of("shop.example", https), "must begin with https://");
    assert_eq!(of("shop.example", both), "must begin with https:// or http://");
    for (url, policy) in [
        ("https://localhost/h", https),
        ("http://localhost/h", both),
        ("https://receiver/h", https),
        ("http://shop.example/h", https),
    ] {
        assert_says(&of(url, policy), &[" must ", "development", "Webhooks::danger_local"], &[]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_not_public_is_refused_with_the_cure_for_local_development() {
    let world = World::new();
    for url in ["https://127.0.0.1/h", "https://[::1]/h", "https://10.0.0.1/h"] {
        let text = refused(&world, NewEndpoint::new("acme", url, "standard").unwrap()).await;
        assert_says(&text, &["url: ", " must ", "development", "Webhooks::danger_local"], &[]);
    }
}

fn build(set: impl FnOnce(Builder) -> Builder) -> ConfigError {
    let clock = Arc::new(VirtualClock::starting_at(START));
    let transport = Arc::new(ScriptedTransport::new(clock.clone()));
    set(Webhooks::builder(Arc::new(MemoryStore::with_clock(clock)), transport)
        .profiles(hookpost::Profile::systems()))
    .build()
    .unwrap_err()
}

#[test]
fn a_profile_whose_timeout_no_lease_covers_gets_advice_that_can_be_followed() {
    let own = |seconds| Profile { timeout: Duration::from_secs(seconds), ..Profile::standard() };
    for (lease, timeout, said) in [
        (5, 500, "): a lease of at least 131s"),
        (30, 500, "at most 19s, or a lease of at least 131s"),
        (11, 25, "): a lease of at least 36s"),
    ] {
        let error = build(|builder| {
            let builder = builder.lease(Duration::from_secs(lease)).poll(Duration::from_secs(1));
            builder.profile(own(timeout))
        });
        let text = error.to_string();
        assert_says(&text, &["timeout: ", said], &["0ns", "511s"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_another_version_says_which_one_there_is() {
    let world = World::new();
    world.webhooks.register(endpoint("e", "standard")).await.unwrap();
    let error = world.webhooks.update(&id("e"), 7, endpoint("e", "standard")).await.unwrap_err();
    assert_eq!(error.to_string(), "version: must be the endpoint's current version, which is 1");
}

#[test]
fn a_payload_that_is_not_json_says_what_was_expected_and_where() {
    for (payload, said) in [
        ("", "at byte 0: expected a value"),
        ("order", "at byte 0: expected a value"),
        ("not json", "at byte 1: expected null, true or false"),
        ("{'a':1}", "at byte 1: expected a key in double quotes"),
        ("{\"a\":}", "at byte 5: expected a value"),
        ("{\"a\" 1}", "at byte 5: expected a colon"),
        ("{\"a\":1", "expected a comma or a closing brace"),
        ("[1 2]", "at byte 3: expected a comma or a closing bracket"),
        ("{} {}", "at byte 3: expected the end of the text"),
        ("[1,]", "expected a value"),
        ("\"a", "expected the closing quote of a string"),
        ("[01]", "expected a number without leading zeros"),
        ("\"\\x\"", "expected an escape that JSON has"),
        ("\"\n\"", "expected control characters to be escaped"),
    ] {
        let text = NewEvent::json("acme", "t", payload).map(drop).unwrap_err().to_string();
        assert_says(&text, &["payload: must be valid JSON; reading stopped ", said], &[]);
    }
    let text = NewEvent::json("acme", "t", &b"[\"\xff\"]"[..]).map(drop).unwrap_err().to_string();
    assert_says(&text, &["at byte 2: expected UTF-8"], &[]);
}

#[test]
fn a_filters_pointer_has_only_the_escapes_of_rfc_6901() {
    for pointer in ["/or~der", "/a~", "/a~2b", "/~~0", "/a~/b"] {
        let error = Filter::equals(pointer, ["x".into()]).unwrap_err().to_string();
        assert_says(&error, &["filter.pointer", "~0", "~1", pointer], &[]);
        assert!(
            Filter::holds(pointer, ["x".into()]).is_err() && Filter::lacks(pointer, ["x".into()]).is_err()
        );
    }
    for pointer in ["/a~0b", "/a~1b", "/~01", "/~0~1"] {
        assert!(Filter::equals(pointer, ["x".into()]).is_ok(), "{pointer}");
    }
}
