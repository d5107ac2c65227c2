//! The behaviour of a scripted target.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::policy::outcome::{NotSent, Outcome, Response, Unknown};

use super::Exchange;

/// The result of one request, and when it arrives.
///
/// ```
/// use hookpost::testing::Reply;
/// use std::time::Duration;
///
/// let busy = Reply::status(429).header("retry-after", "7").after(Duration::from_millis(30));
/// # let _busy = busy;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub(super) after: Duration,
    /// `None`: no answer before the deadline.
    pub(super) outcome: Option<Outcome>,
}

impl Reply {
    /// `200` immediately.
    #[must_use]
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// That status immediately, with an empty body. A number that is not a valid status gives
    /// what a transport makes of it: a protocol error.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let Ok(status) = StatusCode::from_u16(status) else {
            return Self::unknown(Unknown::Protocol);
        };
        Self::new(Some(Outcome::Response(Response {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            cut: false,
        })))
    }

    /// The request is not sent, for this reason.
    #[must_use]
    pub const fn not_sent(why: NotSent) -> Self {
        Self::new(Some(Outcome::NotSent(why)))
    }

    /// The request is sent, and its result is not known.
    #[must_use]
    pub const fn unknown(why: Unknown) -> Self {
        Self::new(Some(Outcome::Unknown(why)))
    }

    /// The connection breaks after the request was sent.
    #[must_use]
    pub const fn reset() -> Self {
        Self::unknown(Unknown::Reset)
    }

    /// No answer until the request's own timeout.
    #[must_use]
    pub const fn hang() -> Self {
        Self::new(None)
    }

    const fn new(outcome: Option<Outcome>) -> Self {
        Self { after: Duration::ZERO, outcome }
    }

    /// Takes that long. A reply after the request's timeout never arrives.
    #[must_use]
    pub const fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// Adds a header to a response. A header that is not valid in HTTP is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Some(Outcome::Response(response)), (Ok(name), Ok(value))) = (&mut self.outcome, parsed) {
            response.headers.append(name, value);
        }
        self
    }

    /// Sets a response's body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        if let Some(Outcome::Response(response)) = &mut self.outcome {
            response.body = body.into();
        }
        self
    }

    /// Cuts off the response within its body.
    #[must_use]
    pub fn cut(mut self) -> Self {
        if let Some(Outcome::Response(response)) = &mut self.outcome {
            response.cut = true;
        }
        self
    }
}

/// The behaviour of a target over time: a function of the request and of the number of earlier
/// requests to this target.
#[derive(Clone)]
pub struct Behaviour(Arc<Decide>);

type Decide = dyn Fn(&Exchange, usize) -> Reply + Send + Sync;

impl Behaviour {
    /// The same reply to every request.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::by(move |_, _| reply.clone())
    }

    /// These replies in turn; the last one repeats. An empty sequence means `200`.
    #[must_use]
    pub fn sequence(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<_> = replies.into_iter().collect();
        Self::by(move |_, before| {
            replies.get(before).or_else(|| replies.last()).cloned().unwrap_or_else(Reply::ok)
        })
    }

    /// The reply that the function returns for the request and the number of earlier ones to
    /// this target.
    #[must_use]
    pub fn by(decide: impl Fn(&Exchange, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// The same, with random numbers from this seed.
    #[must_use]
    pub fn seeded(
        seed: u64,
        decide: impl Fn(&mut fastrand::Rng, &Exchange, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let generator = Mutex::new(fastrand::Rng::with_seed(seed));
        Self::by(move |exchange, before| {
            decide(&mut generator.lock().unwrap_or_else(PoisonError::into_inner), exchange, before)
        })
    }

    pub(super) fn decide(&self, exchange: &Exchange, before: usize) -> Reply {
        (self.0)(exchange, before)
    }
}

impl From<Reply> for Behaviour {
    fn from(reply: Reply) -> Self {
        Self::always(reply)
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::always(Reply::ok())
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behaviour").finish_non_exhaustive()
    }
}
