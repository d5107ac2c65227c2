//! Decides what a claimed delivery sends, or why it sends nothing.

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::delivery::{
    ABANDON_AFTER, ABANDON_ALONE, CancelReason, Claim, FailReason, Next, Progress, SUSPECT_AFTER, State,
};
use crate::endpoint::{Endpoint, NotSendable, Unreadable};
use crate::event::Event;
use crate::id::Round;
use crate::policy::outcome::BodyNeed;
use crate::policy::retry::Life;
use crate::profile::{Occasion, OnEnable, RenderError, Request};
use crate::secret::{Secrets, WhySealed};
use crate::time::Timestamp;

use super::resolve::{Resolved, Sendable};
use super::route::wants;

/// How long a lane is held if its endpoint may not be sent to now.
pub(crate) const HOLD: Duration = Duration::from_secs(60);
/// How long a lane is held if its endpoint, or the cipher of its secrets, could not be reached.
pub(crate) const HOLD_UNREACHED: Duration = Duration::from_secs(5);

/// The reason for holding a lane whose endpoint could not be looked up.
pub(crate) const UNREACHED: &str = "its endpoint could not be looked up";

/// How many headers hookpost adds itself: the content type, the trace, and the id, the time and
/// the signature of a scheme.
const OWN_HEADERS: usize = 5;

/// The result of loading a claim's endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// The endpoint exists.
    Endpoint(&'a Resolved),
    /// The endpoint was not found, for the first time in this process.
    Missing,
    /// The endpoint was not found again: it was removed.
    MissingAgain,
    /// The endpoint exists but cannot be read.
    Unreadable(&'a Unreadable),
    /// The endpoint could not be looked up.
    Unreached,
}

/// What to do with a claimed delivery.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// Send this request.
    Send(Request),
    /// Settle the delivery in this way, without a request.
    Settle(Next),
    /// Give the delivery back and hold its lane.
    Hold {
        /// Why nothing may be sent.
        why: Cow<'static, str>,
        /// How long the lane is held.
        hold: Duration,
    },
}

/// Decides what to do with a claimed delivery at `now`. While `expiry_suspended`, nothing
/// expires: two clocks have just disagreed, and one of them is wrong.
#[must_use]
pub(crate) fn prepare(claim: &Claim, found: Found<'_>, now: Timestamp, expiry_suspended: bool) -> Prepared {
    if is_abandoned(claim) {
        return done(claim, State::Failed(FailReason::Abandoned));
    }
    let resolved = match found {
        Found::Endpoint(resolved) => resolved,
        Found::MissingAgain => return done(claim, State::Cancelled(CancelReason::EndpointRemoved)),
        // A test ping has no lane to hold. If it were given back it would be claimed again at once.
        _ if claim.test => return unrenderable(claim, "endpoint: must be one that can be loaded"),
        Found::Missing => return hold("its endpoint was not found"),
        Found::Unreadable(unreadable) => {
            let hold = if unreadable.why.may_pass_soon() { HOLD_UNREACHED } else { HOLD };
            return Prepared::Hold { why: NotSendable::Unreadable(unreadable.clone()).why(), hold };
        }
        Found::Unreached => {
            return Prepared::Hold { why: UNREACHED.into(), hold: HOLD_UNREACHED };
        }
    };
    // If another tenant has an endpoint with this id, or if it was registered later, it is not the
    // endpoint that the event was routed to.
    if resolved.endpoint.tenant != claim.event.tenant || resolved.endpoint.was_registered_after(claim.born) {
        return done(claim, State::Cancelled(CancelReason::EndpointRemoved));
    }
    if claim.round == Round::Unjudged && !wants(&resolved.endpoint, &claim.event, Some(claim.born)) {
        return done(claim, State::Cancelled(CancelReason::Unwanted));
    }
    let enabled = resolved.endpoint.enabled || claim.test;
    let sendable = match resolved.sendable() {
        // The policy will never allow its URL. Other reasons may be temporary.
        Err(NotSendable::Blocked(_)) => return done(claim, State::Failed(FailReason::Blocked)),
        Err(why) if !claim.test => {
            let hold = if may_open_soon(&resolved.endpoint) { HOLD_UNREACHED } else { HOLD };
            return Prepared::Hold { why: why.why(), hold };
        }
        Err(why) => return unrenderable(claim, why.why()),
        Ok(_) if !enabled => return hold("its endpoint is disabled"),
        Ok(sendable) => sendable,
    };
    let born_before_enabling = claim.born < resolved.endpoint.began && !claim.test;
    if born_before_enabling && sendable.profile.on_enable == OnEnable::Cancel {
        return done(claim, State::Cancelled(CancelReason::EndpointDisabled));
    }
    if let Some((end, reason)) = sendable.retry.end(&life(claim, claim.attempts))
        && now > end
        && !expiry_suspended
    {
        return done(claim, State::Failed(reason.into()));
    }
    if let Some(due_at) = suspect_due(claim, sendable, now) {
        return Prepared::Settle(Next::Later { due_at, progress: progress(claim) });
    }
    let occasion = if claim.test { Occasion::Test } else { Occasion::Event };
    match request(&claim.event, occasion, sendable, now) {
        Ok(request) => Prepared::Send(request),
        Err(error) => unrenderable(claim, error.rule),
    }
}

/// Builds the request that delivers an event to an endpoint, signed at `now`.
///
/// # Errors
/// If the profile cannot render this event.
pub(crate) fn request(
    event: &Event,
    occasion: Occasion,
    sendable: &Sendable,
    now: Timestamp,
) -> Result<Request, RenderError> {
    let (endpoint, profile) = (&*sendable.endpoint, &*sendable.profile);
    let rendered = profile.envelope.render(event, endpoint, occasion)?;
    let mut headers = HeaderMap::with_capacity(sendable.headers.len() + rendered.headers.len() + OWN_HEADERS);
    headers.extend(sendable.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    headers.insert(header::CONTENT_TYPE, rendered.content_type);
    headers.extend(rendered.headers);
    if let Some(trace) = event.trace.as_deref().and_then(|trace| HeaderValue::from_str(trace).ok()) {
        headers.insert("traceparent", trace);
    }
    let signed = sendable.signer.sign(&event.id, now, &rendered.body, &mut headers);
    signed
        .map_err(|_| RenderError { rule: "body: must be one that every scheme of the profile can verify" })?;
    let url = match profile.envelope.target(event, endpoint) {
        None => endpoint.url.clone(),
        Some(target) => {
            endpoint.url.with_target(&target).map_err(|error| RenderError { rule: error.rule })?
        }
    };
    Ok(Request {
        url,
        headers,
        body: rendered.body,
        timeout: sendable.timeout,
        response_body_max: match profile.classifier.body_need() {
            BodyNeed::None => profile.keep_body,
            BodyNeed::Prefix(bytes) => profile.keep_body.max(bytes),
        },
    })
}

/// Fails a delivery because its request cannot be built, for the reason `why`.
#[must_use]
pub(crate) fn unrenderable(claim: &Claim, why: impl Into<Cow<'static, str>>) -> Prepared {
    Prepared::Settle(Next::failed(FailReason::Unrenderable, why.into(), progress(claim)))
}

/// The delivery's times so far, with that many attempts.
#[must_use]
pub(crate) fn life(claim: &Claim, attempts: u32) -> Life {
    Life {
        born_at: claim.born_at,
        expires_at: claim.event.expires_at,
        first_attempt_at: claim.first_attempt_at,
        attempts,
    }
}

/// The progress of a claimed delivery, unchanged.
#[must_use]
pub(crate) const fn progress(claim: &Claim) -> Progress {
    Progress { attempts: claim.attempts, first_attempt_at: claim.first_attempt_at }
}

/// Whether the delivery is given up. A test ping is sent once. Any other delivery is given up if
/// it seems to be what crashes the process.
const fn is_abandoned(claim: &Claim) -> bool {
    (claim.test && claim.silent > 0) || (claim.silent >= ABANDON_AFTER && claim.silent_alone >= ABANDON_ALONE)
}

/// When a suspect is due: its schedule's first delay after the lease that just expired.
fn suspect_due(claim: &Claim, sendable: &Sendable, now: Timestamp) -> Option<Timestamp> {
    let due_at = claim.due_at + sendable.retry.schedule().back_off(0);
    (claim.lapsed && claim.silent >= SUSPECT_AFTER && due_at > now).then_some(due_at)
}

/// Whether the endpoint's secrets may open soon without anyone's action.
const fn may_open_soon(endpoint: &Endpoint) -> bool {
    matches!(endpoint.secrets, Secrets::Sealed { why: WhySealed::Unreachable, .. })
}

const fn hold(why: &'static str) -> Prepared {
    Prepared::Hold { why: Cow::Borrowed(why), hold: HOLD }
}

const fn done(claim: &Claim, state: State) -> Prepared {
    Prepared::Settle(Next::Done { state, progress: progress(claim) })
}
