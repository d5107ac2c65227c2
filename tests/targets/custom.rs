//! A target that the crate knows nothing of, from the parts that it gives.

use std::sync::Arc;
use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::policy::outcome::{BodyNeed, ByStatus, Classify, Response, Verdict};
use hookpost::profile::{Envelope, Occasion, RenderError, Rendered, Sample};
use hookpost::targets::Wording;
use hookpost::targets::message::{Script, Unit};
use hookpost::{Endpoint, Event, Profile, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::scene::{DELIVERED, delivery_to, is_enabled, register, reply};
use super::world::World;

const TITLE: HeaderName = HeaderName::from_static("x-title");
static OWN: [HeaderName; 1] = [TITLE];
const PLAIN: Script = Script::new(Unit::Bytes, |character, out| out.push(character));

/// Push messages, as ntfy takes them: a plain text with its title in a header.
#[derive(Debug, Default)]
struct Push {
    wording: Wording,
}

impl Envelope for Push {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        let message = self.wording.of(event, occasion);
        let title = HeaderValue::from_bytes(PLAIN.fit(&message.title, 250).as_bytes());
        Ok(Rendered {
            body: PLAIN.fit(&message.fallback(), 4096).into(),
            content_type: HeaderValue::from_static("text/plain; charset=utf-8"),
            headers: HeaderMap::from_iter([(
                TITLE,
                title.map_err(|_| RenderError { rule: "title: must fit a header" })?,
            )]),
        })
    }

    fn header_names(&self) -> &[HeaderName] {
        &OWN
    }

    fn sample(&self, _: &Endpoint) -> Sample {
        Sample { kind: "push.test".to_owned(), payload: r#"{"message":"It works."}"#.into() }
    }

    fn target(&self, _: &Event, endpoint: &Endpoint) -> Option<String> {
        Some(format!("{}?priority=high", endpoint.url.expose_target()))
    }
}

/// A full topic is the topic's fault, whatever the status says.
#[derive(Debug)]
struct PushAnswers;

impl Classify for PushAnswers {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        if response.body.starts_with(b"topic full") {
            return Verdict::Reject;
        }
        ByStatus::any_2xx().gone_at([StatusCode::NOT_FOUND]).classify(response, now)
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::Prefix(64)
    }
}

fn push() -> Profile {
    Profile {
        name: "push".parse().unwrap(),
        envelope: Arc::new(Push::default()),
        classifier: Arc::new(PushAnswers),
        ..Profile::slack()
    }
}

#[tokio::test(start_paused = true)]
async fn ft12_a_host_s_own_target_is_a_profile_value_and_needs_no_change_of_the_crate() {
    let world = World::with(|builder| builder.profile(push()));
    register(&world, "push", "push", "https://push.example/acme").await;
    world.publish("order.paid").await;
    world.run_for(Duration::from_secs(1)).await;
    let sent = world.sent().into_iter().next().unwrap();
    assert_eq!(sent.url, "https://push.example/acme?priority=high");
    assert_eq!(sent.body, "Order paid\nN: 1");
    assert_eq!(sent.headers["x-title"], "Order paid");
    assert_eq!(sent.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(delivery_to(&world, "push").await.state, DELIVERED);
}

#[tokio::test(start_paused = true)]
async fn ft12_its_answers_are_read_by_its_own_rules() {
    for (answer, reason, enabled) in [
        (reply(500, &[], "topic full"), FailReason::Rejected, true),
        (reply(404, &[], ""), FailReason::Gone, false),
    ] {
        let world = World::with(|builder| builder.profile(push()));
        register(&world, "push", "push", "https://push.example/acme").await;
        world.transport.otherwise(answer);
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(60)).await;
        assert_eq!(delivery_to(&world, "push").await.state, State::Failed(reason));
        assert_eq!(is_enabled(&world, "push").await, enabled);
    }
}

/// A target may name another path and query, and never leaves the endpoint's host.
#[derive(Debug)]
struct Elsewhere(&'static str);

impl Envelope for Elsewhere {
    fn render(
        &self,
        event: &Event,
        endpoint: &Endpoint,
        occasion: Occasion,
    ) -> Result<Rendered, RenderError> {
        Push::default().render(event, endpoint, occasion)
    }

    fn header_names(&self) -> &[HeaderName] {
        &OWN
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        Push::default().sample(endpoint)
    }

    fn target(&self, _: &Event, _: &Endpoint) -> Option<String> {
        Some(self.0.to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn ft12_no_target_leads_a_request_to_another_host() {
    for (target, sent_to) in [
        ("/a?b=%2F", Some("https://push.example/a?b=%2F")),
        ("//evil.test/x", Some("https://push.example//evil.test/x")),
        (".evil.test/x", None),
        ("@evil.test/x", None),
        (":8443/x", None),
        ("https://evil.test/", None),
        ("/../x", None),
        ("", None),
    ] {
        let profile = Profile { envelope: Arc::new(Elsewhere(target)), ..push() };
        let world = World::with(|builder| builder.profile(profile));
        register(&world, "push", "push", "https://push.example/acme").await;
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(1)).await;
        let urls: Vec<_> = world.sent().into_iter().map(|exchange| exchange.url).collect();
        assert_eq!(urls.first().map(String::as_str), sent_to, "{target}");
        if sent_to.is_none() {
            assert_eq!(delivery_to(&world, "push").await.state, State::Failed(FailReason::Unrenderable));
        }
    }
}
