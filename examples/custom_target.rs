//! A target that hookpost has no profile for: push messages to a phone through ntfy. This file
//! contains all of it: how a message is written, how a response is classified, and the rate
//! limit and the retries.
//!
//! `cargo run --example custom_target` starts a simulated ntfy service on this machine. With
//! `NTFY_URL` set to the URL of a topic, it sends to that topic instead.

mod shown;
mod stage;

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;

use hookpost::policy::outcome::ByStatus;
use hookpost::policy::rate::{Limit, LimitScope};
use hookpost::profile::{Envelope, Occasion, RenderError, Rendered, Sample};
use hookpost::targets::Wording;
use hookpost::targets::message::{Script, Unit};
use hookpost::testing::{Answer, Receiver};
use hookpost::{Endpoint, Event, NewEndpoint, NewEvent, Profile};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use shown::{Expected, title};

const TITLE: HeaderName = HeaderName::from_static("title");
static OWN: [HeaderName; 1] = [TITLE];

/// The service shows what it gets as plain text, and takes 4096 bytes of it.
const PLAIN: Script = Script::new(Unit::Bytes, |character, out| out.push(character));

#[derive(Debug, Default)]
struct Push {
    wording: Wording,
}

impl Envelope for Push {
    fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
        let message = self.wording.of(event, occasion);
        let title = HeaderValue::from_bytes(PLAIN.fit(&message.title, 250).as_bytes())
            .map_err(|_| RenderError { rule: "title: must fit a header" })?;
        Ok(Rendered {
            body: PLAIN.fit(&message.fallback(), 4096).into(),
            content_type: HeaderValue::from_static("text/plain; charset=utf-8"),
            headers: HeaderMap::from_iter([(TITLE, title)]),
        })
    }

    fn header_names(&self) -> &[HeaderName] {
        &OWN
    }

    fn sample(&self, _: &Endpoint) -> Sample {
        Sample { kind: "push.test".to_owned(), payload: r#"{"message":"It works."}"#.into() }
    }
}

/// What differs from the chats that hookpost knows.
fn push() -> Result<Profile, Box<dyn Error>> {
    Ok(Profile {
        name: "push".parse()?,
        envelope: Arc::new(Push::default()),
        classifier: Arc::new(ByStatus::any_2xx().rejects([StatusCode::BAD_REQUEST])),
        limits: vec![Limit::per_minute(LimitScope::Host, NonZeroU32::MIN.saturating_add(59))],
        ..Profile::mattermost()
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let outside = std::env::var("NTFY_URL").ok();
    let service = Receiver::start().await?;
    service.next([Answer::status(503)]);
    let url = outside.clone().unwrap_or_else(|| service.url("/acme-orders"));
    let webhooks = stage::sender(push()?, &url)?;
    webhooks.register(NewEndpoint::new("acme", url, "push")?).await?;

    title("an order is paid");
    let order = r#"{"customer":"Ada","total":"12.50 EUR"}"#;
    webhooks.publish(NewEvent::json("acme", "order.paid", order)?).await?;
    let stats = stage::work_off(&webhooks).await?;
    stage::print_history(&webhooks, "acme").await?;

    let mut expected = Expected::default();
    expected.that("it arrives", stats.delivered == 1);
    if outside.is_none() {
        let requests = service.requests();
        let last = requests.last().ok_or("nothing was sent")?;
        let body = String::from_utf8_lossy(&last.body);
        title("what the service got");
        println!("{body}");
        let again = requests.len() == 2 && requests[0].body == last.body;
        expected.that("a service that is down gets it again", again);
        expected.that("the title is a header", last.header("title") == Some("Order paid"));
        expected.that("the text reads well", body == "Order paid\nCustomer: Ada\nTotal: 12.50 EUR");
    }
    expected.check()
}
