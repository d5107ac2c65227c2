//! A message that cannot be written is its own fault, not its endpoint's.

use std::sync::Arc;
use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::profile::{Envelope, Occasion, RenderError, Rendered, Sample, Verbatim};
use hookpost::{Endpoint, Event, NewEvent, Profile};
use http::HeaderName;

use super::scene::{DELIVERED, register};
use super::world::World;

/// Carries at most ten bytes.
#[derive(Debug)]
struct Postcard;

impl Envelope for Postcard {
    fn render(
        &self,
        event: &Event,
        endpoint: &Endpoint,
        occasion: Occasion,
    ) -> Result<Rendered, RenderError> {
        if event.payload.len() > 10 {
            return Err(RenderError { rule: "payload: must be at most ten bytes" });
        }
        Verbatim.render(event, endpoint, occasion)
    }

    fn header_names(&self) -> &[HeaderName] {
        &[]
    }

    fn sample(&self, endpoint: &Endpoint) -> Sample {
        Verbatim.sample(endpoint)
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_too_big_for_its_target_fails_alone_and_blames_no_endpoint() {
    let postcard =
        Profile { name: "postcard".parse().unwrap(), envelope: Arc::new(Postcard), ..Profile::n8n() };
    let world = World::with(|builder| builder.profile(postcard));
    register(&world, "p", "postcard", "https://post.example/").await;
    for payload in [r#"{"n":"too large by far"}"#, r#"{"n":1}"#] {
        world.webhooks.publish(NewEvent::json("acme", "order.paid", payload).unwrap()).await.unwrap();
    }
    world.run_for(Duration::from_secs(30)).await;
    let deliveries = world.deliveries().await;
    let failed = deliveries.iter().find(|delivery| delivery.state != DELIVERED).unwrap();
    assert_eq!(failed.state, State::Failed(FailReason::Unrenderable));
    assert_eq!(failed.why.as_deref(), Some("payload: must be at most ten bytes"));
    assert!(world.heard.all().contains("why: Some(\"payload: must be at most ten bytes\")"));
    assert_eq!(failed.attempts, 0, "nothing was sent of it");
    assert_eq!(world.sent().len(), 1, "the next one went out");
    assert!(super::scene::is_enabled(&world, "p").await);
    assert_eq!(world.heard.count("Disabled"), 0);
}
