//! Chat, alert and automation services as targets. Each file contains one target's profile,
//! its message, and how its responses are judged.
//!
//! A target is a [`Profile`] whose envelope writes an event as a [message](message) for
//! people, or sends the payload unchanged to an automation. [`Profile::targets`] lists all
//! targets, and [`Kind::of`] recognises a target by its URL.
//!
//! A host's own target is also a [`Profile`], with the host's own envelope and everything else
//! from a preset. The following one sends push messages in the form of ntfy: plain text, with
//! the title in a header.
//!
//! ```
//! use hookpost::policy::outcome::ByStatus;
//! use hookpost::profile::{Envelope, Occasion, RenderError, Rendered, Sample};
//! use hookpost::targets::Wording;
//! use hookpost::targets::message::{Script, Unit};
//! use hookpost::{Endpoint, Event, Profile};
//! use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
//! use std::sync::Arc;
//!
//! #[derive(Debug, Default)]
//! struct Push {
//!     wording: Wording,
//! }
//!
//! const TITLE: HeaderName = HeaderName::from_static("x-title");
//! static OWN: [HeaderName; 1] = [TITLE];
//! const PLAIN: Script = Script::new(Unit::Bytes, |character, out| out.push(character));
//!
//! impl Envelope for Push {
//!     fn render(&self, event: &Event, _: &Endpoint, occasion: Occasion) -> Result<Rendered, RenderError> {
//!         let message = self.wording.of(event, occasion);
//!         let title = HeaderValue::from_bytes(PLAIN.fit(&message.title, 250).as_bytes());
//!         let title = title.map_err(|_| RenderError { rule: "title: must fit a header" })?;
//!         Ok(Rendered {
//!             body: PLAIN.fit(&message.fallback(), 4096).into(),
//!             content_type: HeaderValue::from_static("text/plain; charset=utf-8"),
//!             headers: HeaderMap::from_iter([(TITLE, title)]),
//!         })
//!     }
//!
//!     fn header_names(&self) -> &[HeaderName] {
//!         &OWN
//!     }
//!
//!     fn sample(&self, _: &Endpoint) -> Sample {
//!         Sample { kind: "push.test".to_owned(), payload: r#"{"message":"It works."}"#.into() }
//!     }
//! }
//!
//! let push = Profile {
//!     name: "push".parse()?,
//!     envelope: Arc::new(Push::default()),
//!     classifier: Arc::new(ByStatus::any_2xx().gone_at([StatusCode::NOT_FOUND])),
//!     ..Profile::slack()
//! };
//! assert!(push.check().is_ok());
//! // Webhooks::builder(store, transport).profile(push) …
//! # Ok::<(), hookpost::id::IdError>(())
//! ```
#![doc = include_str!("../../docs/answers.md")]

mod answer;
mod anything;
pub(crate) mod automations;
mod detect;
pub(crate) mod discord;
pub(crate) mod google_chat;
mod lines;
pub(crate) mod mattermost;
pub mod message;
pub(crate) mod pagerduty;
mod query;
pub(crate) mod slack;
pub(crate) mod teams;
pub(crate) mod telegram;
mod wording;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::endpoint::Endpoint;
use crate::error::BoxError;
use crate::policy::outcome::ByStatus;
use crate::policy::retry::{RetryPolicy, Schedule};
use crate::profile::{Envelope, Profile, RenderError, Rendered, Sample, Signing};
use crate::sign::Schemes;

pub use detect::Kind;
pub use discord::Discord;
pub use google_chat::GoogleChat;
pub use mattermost::Mattermost;
pub use pagerduty::{PagerDuty, Severity};
pub use slack::Slack;
pub use teams::Teams;
pub use telegram::Telegram;
pub use wording::{BuiltIn, Wording};

/// The settings that all profiles for people share: the URL is the credential, one request at
/// a time keeps the order of events, and a message that could not be sent within four hours is
/// out of date.
fn chat(name: &str, envelope: Arc<dyn Envelope>) -> Result<Profile, BoxError> {
    const HOUR: Duration = Duration::from_secs(3600);
    Ok(Profile {
        name: name.parse()?,
        envelope,
        schemes: Schemes::none(),
        signing: Signing::Optional,
        classifier: Arc::new(ByStatus::any_2xx()),
        retry: RetryPolicy::new(Schedule::doubling(5, 600))
            .jitter_percent(20)?
            .window(4 * HOUR)?
            .age_max(24 * HOUR)?,
        url_of_another: Some(detect::url_of_another),
        timeout: Duration::from_secs(10),
        width: NonZeroU32::MIN,
        disable_after: None,
        ..Profile::standard()
    })
}

/// The sample of an envelope for people.
fn sample_message(endpoint: &Endpoint) -> Sample {
    Sample::of_first_type(endpoint, "webhook.test", r#"{"message":"This is a test."}"#)
}

/// A body of JSON as the chat services ask for it.
fn json_body(body: &impl Serialize) -> Result<Rendered, RenderError> {
    Rendered::json(body).map(Rendered::with_charset)
}
