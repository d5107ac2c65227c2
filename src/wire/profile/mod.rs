//! One sending dialect, as a struct of parts: a host takes a preset and changes a part.
//!
//! A target of a host's own is a [`Profile`] too, with an envelope of the host's, and
//! everything else from a preset. This one tells of events by push messages, as ntfy
//! takes them: a plain text, with the title in a header.
//!
//! ```
//! use hookpost::policy::outcome::ByStatus;
//! use hookpost::wire::envelope::{Envelope, Occasion, RenderError, Rendered, Sample};
//! use hookpost::wire::message::{Script, Unit, Wording};
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
#![doc = include_str!("../../../docs/answers.md")]

mod answer;
mod automations;
mod check;
mod detect;
mod discord;
mod google_chat;
mod live_chat;
mod live_session;
mod mattermost;
mod pagerduty;
mod slack;
mod standard;
mod teams;
mod telegram;
mod x_webhook;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::id::{HostName, ProfileName};
use crate::policy::egress::{PortPolicy, SchemePolicy, UrlPolicy};
use crate::policy::outcome::{ByStatus, Classify};
use crate::policy::rate::Limit;
use crate::policy::retry::{RetryPolicy, Schedule};

use super::envelope::Envelope;
use super::scheme::Schemes;

pub use automations::{MakeAnswers, N8nAnswers};
pub use check::ProfileError;
pub use detect::Kind;
pub use discord::DiscordAnswers;
pub use google_chat::GoogleChatAnswers;
pub use mattermost::MattermostAnswers;
pub use pagerduty::PagerDutyAnswers;
pub use slack::SlackAnswers;
pub use teams::TeamsAnswers;
pub use telegram::TelegramAnswers;

/// One sending dialect.
///
/// ```
/// use hookpost::Profile;
/// use std::time::Duration;
///
/// let own = Profile {
///     name: "partners".parse()?,
///     timeout: Duration::from_secs(5),
///     ..Profile::standard()
/// };
/// assert!(own.check().is_ok());
/// # Ok::<(), hookpost::id::IdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Profile {
    /// What endpoints call it.
    pub name: ProfileName,
    /// Writes bodies.
    pub envelope: Arc<dyn Envelope>,
    /// Sign them, all at once; none for targets whose URL is the credential.
    pub schemes: Schemes,
    /// Whether an endpoint must have a secret.
    pub signing: Signing,
    /// Headers sent with every request, such as the user agent.
    pub headers: HeaderMap,
    /// Judges responses.
    pub classifier: Arc<dyn Classify>,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How fast.
    pub limits: Vec<Limit>,
    /// The hosts of the one service that speaks this dialect, in lower case. From them an
    /// answer may hold every endpoint of the service ([`Reach::Service`]), and a limit of
    /// the scope `host` that has no room holds the host. On every other host both hold the
    /// endpoint alone. Empty where anybody may run the receiver.
    ///
    /// [`Reach::Service`]: crate::policy::outcome::Reach::Service
    pub service: Vec<HostName>,
    /// Which URLs an endpoint may have.
    pub urls: UrlPolicy,
    /// Whether a tenant may have only one endpoint of a URL.
    pub unique_urls: bool,
    /// The deadline of one attempt.
    pub timeout: Duration,
    /// How many requests one endpoint may have in flight.
    pub width: NonZeroU32,
    /// How much of a response's body the history keeps.
    pub keep_body: usize,
    /// How long a sick endpoint is left alone between two probes at most: its lane backs
    /// off by the schedule's gaps up to this one, whatever gaps each delivery keeps.
    pub probe_gap_max: Duration,
    /// How long an endpoint answers with failures alone until it is disabled; `None`
    /// never disables it for that. The time counts from the moment at which two failures
    /// lie at least 12 hours apart, and anew after more than 24 hours without an answer.
    pub disable_after: Option<Duration>,
    /// What becomes of older pending deliveries when an endpoint is enabled again.
    pub on_enable: OnEnable,
    /// When what waits for a retry is sent once a sick endpoint has recovered.
    pub on_recovery: OnRecovery,
}

/// Whether an endpoint must have a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// An endpoint without a secret is refused.
    Required,
    /// An endpoint without a secret gets unsigned requests.
    Optional,
}

/// What becomes of older pending deliveries when an endpoint is enabled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEnable {
    /// They are sent.
    Send,
    /// They are cancelled.
    Cancel,
}

/// When what waits for a retry is sent once a sick endpoint has recovered, got a new URL or
/// secret, or was enabled or lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRecovery {
    /// At once, in the order of the due times, as fast as the endpoint's width allows, and
    /// never sooner than the schedule's first gap after the last attempt. While the endpoint
    /// is sick, one of several waiting deliveries is the probe, due or not. An attempt that
    /// comes before its due time and fails leaves that due time as it was.
    CatchUp,
    /// When it is due, since the system promises its gaps. The same holds for probes.
    KeepGaps,
}

impl Profile {
    /// The built-in targets: what tells people, and what people build automations on.
    /// A builder knows none of them until it is given them.
    #[must_use]
    pub fn targets() -> [Self; 10] {
        [
            Self::slack(),
            Self::discord(),
            Self::teams(),
            Self::google_chat(),
            Self::telegram(),
            Self::mattermost(),
            Self::pagerduty(),
            Self::zapier(),
            Self::make(),
            Self::n8n(),
        ]
    }
}

/// How many requests an endpoint of a built-in profile may have in flight.
const WIDTH: NonZeroU32 = at_least_one(16);

/// How long an endpoint of a built-in profile waits for its next probe at most.
const PROBE_GAP_MAX: Duration = minutes(10);

/// How the built-in profiles call themselves where their system says nothing.
const HOOKPOST: HeaderValue = HeaderValue::from_static(concat!("hookpost/", env!("CARGO_PKG_VERSION")));

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// What profiles share that tell people of events: the URL is the credential, one
/// request at a time keeps the order in which things happened, and what could not be
/// told within four hours is no news.
fn chat(name: ProfileName, envelope: Arc<dyn Envelope>) -> Profile {
    let schedule = Schedule::preset_exponential(Duration::from_secs(5), 2, minutes(10));
    Profile {
        name,
        envelope,
        schemes: Schemes::none(),
        signing: Signing::Optional,
        headers: user_agent(HOOKPOST),
        classifier: Arc::new(ByStatus::any_2xx()),
        retry: RetryPolicy::preset(schedule, 20, Some(hours(4)), Some(hours(24))),
        limits: Vec::new(),
        service: Vec::new(),
        urls: web(SchemePolicy::HttpsOnly),
        unique_urls: false,
        timeout: Duration::from_secs(10),
        width: at_least_one(1),
        keep_body: 1024,
        probe_gap_max: PROBE_GAP_MAX,
        disable_after: None,
        on_enable: OnEnable::Send,
        on_recovery: OnRecovery::CatchUp,
    }
}

fn user_agent(value: HeaderValue) -> HeaderMap {
    HeaderMap::from_iter([(header::USER_AGENT, value)])
}

const fn web(schemes: SchemePolicy) -> UrlPolicy {
    UrlPolicy { schemes, ports: PortPolicy::WebAndHigh, danger_local_names: false }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}
