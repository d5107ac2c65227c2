//! Testing an endpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookpost::backend::Directory;
use hookpost::delivery::{AttemptResult, EventMeta, FailReason, State};
use hookpost::endpoint::{EndpointPage, Loaded, NotSendable, Unreadable, WhyUnreadable};
use hookpost::error::StoreError;
use hookpost::id::EndpointId;
use hookpost::policy::egress::EndpointUrl;
use hookpost::secret::{SecretSet, Secrets, WhySealed};
use hookpost::testing::Reply;
use hookpost::webhooks::TestError;
use hookpost::{Endpoint, NewEvent, Secret, SecretError};
use world::{World, acme, hours, id};

#[tokio::test(start_paused = true)]
async fn fb15_a_test_is_one_signed_request_now_also_on_a_disabled_hook() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.webhooks.disable(&acme(), &id("e")).await.unwrap();
    world.webhooks.pause(&acme(), &id("e")).await.unwrap();
    world.transport.otherwise(Reply::status(202).body("thanks").after(Duration::from_millis(120)));
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();

    assert!(report.success);
    assert_eq!(report.result, Some(AttemptResult::Status(http::StatusCode::ACCEPTED)));
    assert_eq!((report.took, &report.body[..]), (Duration::from_millis(120), &b"thanks"[..]));
    assert_eq!(report.state, State::Delivered { confirmed: true });
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].headers["x-webhook-test"], "true");
    assert!(sent[0].headers.contains_key("x-webhook-signature"));
}

#[tokio::test(start_paused = true)]
async fn fb15_a_failing_test_is_not_repeated_and_leaves_the_endpoints_health_alone() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(500));
    for _ in 0..10 {
        let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
        assert!(!report.success);
        assert_eq!(report.state, State::Failed(FailReason::Exhausted));
    }
    world.run_for(hours(2)).await;
    assert_eq!(world.sent().len(), 10, "no retry");

    world.transport.otherwise(Reply::ok());
    world.publish("k").await;
    world.run_for(Duration::from_secs(1)).await;
    assert_eq!(world.sent().len(), 11, "ten failed tests have not made the lane sick");
}

#[tokio::test(start_paused = true)]
async fn a_410_to_a_test_disables_nothing() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::status(410));
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
    assert_eq!(report.state, State::Failed(FailReason::Gone));
    assert!(world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_nobody_waited_for_is_abandoned_and_never_sent_again() {
    let world = World::new();
    world.endpoint("e", "x_webhook").await;
    world.transport.otherwise(Reply::hang());
    let waited = tokio::time::timeout(Duration::from_secs(1), world.webhooks.test(&acme(), &id("e"))).await;
    assert!(waited.is_err());
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.states().await, [State::Failed(FailReason::Abandoned)]);
}

/// Which reason is expected.
type Expected = Box<dyn Fn(&NotSendable) -> bool>;

/// A host's own directory, of one endpoint.
#[derive(Default)]
struct Own(Mutex<Option<Loaded>>);

#[hookpost::async_trait]
impl Directory for Own {
    async fn subscribers(
        &self,
        _: &EventMeta,
        _: Option<&EndpointId>,
        _: usize,
    ) -> Result<EndpointPage, StoreError> {
        Ok(EndpointPage::default())
    }

    async fn load(&self, _: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        Ok(vec![self.0.lock().unwrap().clone().unwrap_or(Loaded::Missing)])
    }

    async fn disable(&self, _: &Endpoint, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_that_cannot_be_sent_says_why_and_stores_nothing() {
    let registered = World::new().endpoint("e", "standard").await;
    let changed = |change: &dyn Fn(&mut Endpoint)| {
        let mut endpoint = Endpoint::clone(&registered);
        change(&mut endpoint);
        Loaded::Found(Arc::new(endpoint))
    };
    let sealed =
        |why| changed(&|endpoint| endpoint.secrets = Secrets::Sealed { key_id: "k".to_owned(), why });
    let http = EndpointUrl::from_stored("http://shop.example/").unwrap();
    let short = SecretSet::of(Secret::new("whsec_c2hvcnQ=").unwrap());
    let unreadable = Unreadable {
        id: id("e"),
        tenant: Some(acme()),
        field: "url",
        why: WhyUnreadable::Broken,
        host: None,
    };
    let event = NewEvent::json("acme", "order.paid", r#"{"payload":{}}"#).unwrap();
    let cases: Vec<(Loaded, Expected, &str)> = vec![
        (
            changed(&|endpoint| endpoint.profile = "unheard_of".parse().unwrap()),
            Box::new(
                |why| matches!(why, NotSendable::UnknownProfile { profile } if profile.as_str() == "unheard_of"),
            ),
            "its profile unheard_of is not known to this process",
        ),
        (
            changed(&|endpoint| endpoint.url = http.clone()),
            Box::new(|why| matches!(why, NotSendable::Blocked(error) if error.rule.contains("https"))),
            "its URL breaks its profile's policy",
        ),
        (
            sealed(WhySealed::UnknownKey),
            Box::new(|why| *why == NotSendable::Sealed(WhySealed::UnknownKey)),
            "its secrets are sealed with a key that is not at hand",
        ),
        (
            sealed(WhySealed::Unreachable),
            Box::new(|why| *why == NotSendable::Sealed(WhySealed::Unreachable)),
            "the cipher of its secrets cannot be reached now",
        ),
        (
            changed(&|endpoint| endpoint.secrets = SecretSet::none().into()),
            Box::new(|why| *why == NotSendable::NoSecret),
            "its profile signs and it has no secret",
        ),
        (
            changed(&|endpoint| endpoint.secrets = short.clone().into()),
            Box::new(|why| matches!(why, NotSendable::Secret(SecretError::Length { bytes: 5, .. }))),
            "its secret breaks its scheme's rule",
        ),
        (
            Loaded::Unreadable(unreadable.clone()),
            Box::new(move |why| *why == NotSendable::Unreadable(unreadable.clone())),
            "its url cannot be read from what is stored",
        ),
        (
            changed(&|endpoint| endpoint.profile = "live_chat_v3_3".parse().unwrap()),
            Box::new(
                |why| matches!(why, NotSendable::Unrenderable { field: "scope", rule } if rule.starts_with("must be ")),
            ),
            "scope: must be the number of the license",
        ),
    ];
    for (loaded, is_right, said) in cases {
        let own = Arc::new(Own(Mutex::new(Some(loaded))));
        let world = World::with(|builder| builder.directory(own));
        let error = world.webhooks.test_with(&acme(), &id("e"), event.clone()).await.unwrap_err();
        let TestError::NotSendable(why) = &error else { panic!("{said}: {error:?}") };
        assert!(is_right(why), "{why:?}");
        assert_eq!(error.to_string(), format!("nothing can be sent to the endpoint: {said}"));
        assert_eq!((world.sent().len(), world.states().await.len()), (0, 0), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_names_the_rule_that_a_part_of_the_endpoint_breaks_as_its_cause() {
    use std::error::Error as _;
    let registered = World::new().endpoint("e", "standard").await;
    let url = EndpointUrl::from_stored("http://shop.example/").unwrap();
    let loaded = Loaded::Found(Arc::new(Endpoint { url, ..Endpoint::clone(&registered) }));
    let world = World::with(|builder| builder.directory(Arc::new(Own(Mutex::new(Some(loaded))))));
    let error = world.webhooks.test(&acme(), &id("e")).await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("must be https"), "{error:?}");
}
