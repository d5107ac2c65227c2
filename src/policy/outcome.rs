//! What came back from a request, and what that means.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::time::Timestamp;

/// What one call of a transport gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A response head arrived. A body that broke after it is still a response.
    Response(Response),
    /// The request certainly did not leave.
    NotSent(NotSent),
    /// The request may have left, and no response head arrived.
    Unknown(Unknown),
}

/// A response, as far as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The beginning of the body, as far as the profile asks for it.
    pub body: Bytes,
    /// Whether more body was there, or broke off.
    pub cut: bool,
}

/// Why a request certainly did not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotSent {
    /// The host's name did not resolve: nobody answered, or the look-up failed.
    Name,
    /// There is no such name, or it has no address: a definite answer of the resolver.
    NoSuchName,
    /// A name resolved to a forbidden address.
    Blocked,
    /// The endpoint's own URL names a forbidden address, or is no longer valid.
    BlockedLiteral,
    /// The connection was refused, or closed before the request began.
    Refused,
    /// There is no way to its network. Many hosts at once: our own fault.
    Unreachable,
    /// No connection in time.
    ConnectTimeout,
    /// No TLS session.
    Tls,
    /// The configured proxy failed.
    Proxy,
    /// The transport or its resolver had no room for a request of this tenant: no attempt,
    /// and no fault of anybody's. Its endpoint is tried again a second later.
    Busy,
    /// Our own fault: descriptors, memory, a panic, a transport shut down.
    Ours,
}

/// Why nothing is known of a request that may have left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Unknown {
    /// The total deadline passed.
    Timeout,
    /// The connection broke.
    Reset,
    /// What came back was no HTTP.
    Protocol,
    /// We cut it, at shutdown or after a panic.
    Aborted,
}

impl NotSent {
    /// The reason to show to tenants: [`Name`](Self::Name) in place of
    /// [`Blocked`](Self::Blocked) and of [`NoSuchName`](Self::NoSuchName). Told apart, they
    /// say which names exist inside your network to whoever may set a URL and read the
    /// history.
    #[must_use]
    pub const fn for_tenants(self) -> Self {
        match self {
            Self::Blocked | Self::NoSuchName => Self::Name,
            other => other,
        }
    }

    /// The word that stores and logs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NoSuchName => "no_such_name",
            Self::Blocked => "blocked",
            Self::BlockedLiteral => "blocked_literal",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Proxy => "proxy",
            Self::Busy => "busy",
            Self::Ours => "ours",
        }
    }
}

impl Unknown {
    /// The word that stores and logs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Aborted => "aborted",
        }
    }
}

/// What a response means for its delivery and its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Delivered. Unconfirmed where the receiver accepts before it knows.
    Delivered {
        /// Whether the answer proves that the receiver has it.
        confirmed: bool,
    },
    /// Try again; not before `after`, if the receiver asked.
    Retry {
        /// What the receiver asked for.
        after: Option<Duration>,
    },
    /// This message will never be taken; the endpoint is healthy.
    Reject,
    /// The endpoint is gone; `disable` says whether it is switched off too.
    Gone {
        /// Whether the endpoint is disabled, if it is still the version that was sent to.
        disable: bool,
    },
}

/// Judges a response by a profile's rules. It sees the body's beginning only as
/// far as [`BodyNeed`] asks for it.
///
/// It is called on the engine's task and must not block. Where it panics, the attempt
/// counts as a failure and is retried.
pub trait Classify: fmt::Debug + Send + Sync {
    /// What the response means; `now` is for dates in `Retry-After`.
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict;

    /// How much of the body the judgement needs.
    fn body_need(&self) -> BodyNeed;

    /// What the response asks of further requests, whatever it means for its own
    /// delivery. The wait that a [`Verdict::Retry`] names holds the lane already.
    fn hold(&self, _response: &Response, _now: Timestamp) -> Option<Hold> {
        None
    }
}

/// No further request for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// To whom.
    pub reach: Reach,
    /// For how long. The longest `Retry-After` of the endpoint's retry policy bounds what
    /// holds the endpoint, that of its profile's what holds others.
    pub span: Duration,
}

/// To whom no further request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// This endpoint.
    Endpoint,
    /// Every endpoint on a host of the profile's
    /// [`service`](crate::profile::Profile::service), if this one's host is one of
    /// them; else this endpoint. Whoever owns a stranger's host can answer as the service
    /// does, and must hold nobody but itself.
    Service,
}

/// How much of a response's body a classifier needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyNeed {
    /// The head decides. What is read of the body is for the history alone.
    None,
    /// The first bytes decide, up to this many.
    Prefix(usize),
}

/// A classifier that looks at the status alone.
///
/// Retried by default: everything but success and 410, as the carried systems promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByStatus {
    success: Success,
    confirmed: bool,
    gone_disables: bool,
    gone: Vec<StatusCode>,
    rejects: Vec<StatusCode>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Success {
    Any2xx,
    Exactly(StatusCode),
}

impl ByStatus {
    /// Any 2xx is success; 410 ends the delivery and disables the endpoint.
    #[must_use]
    pub const fn any_2xx() -> Self {
        Self::with(Success::Any2xx)
    }

    /// Only that status is success.
    #[must_use]
    pub const fn exactly(status: StatusCode) -> Self {
        Self::with(Success::Exactly(status))
    }

    const fn with(success: Success) -> Self {
        Self { success, confirmed: true, gone_disables: true, gone: Vec::new(), rejects: Vec::new() }
    }

    /// Success proves only that somebody accepted it, not that it arrived.
    #[must_use]
    pub const fn unconfirmed(mut self) -> Self {
        self.confirmed = false;
        self
    }

    /// These statuses mean what 410 means.
    #[must_use]
    pub fn gone_at(mut self, statuses: impl Into<Vec<StatusCode>>) -> Self {
        self.gone = statuses.into();
        self
    }

    /// 410 ends the delivery, and the endpoint stays enabled.
    #[must_use]
    pub const fn gone_keeps_endpoint(mut self) -> Self {
        self.gone_disables = false;
        self
    }

    /// These statuses end the delivery at once.
    #[must_use]
    pub fn rejects(mut self, statuses: impl Into<Vec<StatusCode>>) -> Self {
        self.rejects = statuses.into();
        self
    }
}

impl Classify for ByStatus {
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict {
        let status = response.status;
        let success = match self.success {
            Success::Any2xx => status.is_success(),
            Success::Exactly(only) => status == only,
        };
        if success {
            Verdict::Delivered { confirmed: self.confirmed }
        } else if status == StatusCode::GONE || self.gone.contains(&status) {
            Verdict::Gone { disable: self.gone_disables }
        } else if self.rejects.contains(&status) {
            Verdict::Reject
        } else {
            Verdict::Retry { after: retry_after(response, now) }
        }
    }

    fn body_need(&self) -> BodyNeed {
        BodyNeed::None
    }
}

/// The wait that a 429 or 503 asks for: digits or an HTTP date (RFC 9110, 10.2.3).
/// Anything else, two such headers included, asks for nothing. A wait too long to
/// write is the longest that can be written; the retry policy bounds it.
#[must_use]
pub fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    if !matches!(response.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let mut values = response.headers.get_all(header::RETRY_AFTER).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= 64)?;
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(Timestamp::from(date).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: &[&[u8]]) -> Response {
        let mut headers = HeaderMap::new();
        for value in retry_after {
            headers.append(header::RETRY_AFTER, http::HeaderValue::from_bytes(value).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        Response { status, headers, body: Bytes::new(), cut: false }
    }

    #[test]
    fn every_status_has_one_meaning() {
        let (any, strict) = (ByStatus::any_2xx(), ByStatus::exactly(StatusCode::OK));
        for status in 100..=999 {
            let response = response(status, &[]);
            let expected = |success: bool| match status {
                _ if success => Verdict::Delivered { confirmed: true },
                410 => Verdict::Gone { disable: true },
                _ => Verdict::Retry { after: None },
            };
            assert_eq!(any.classify(&response, Timestamp::EPOCH), expected((200..300).contains(&status)));
            assert_eq!(strict.classify(&response, Timestamp::EPOCH), expected(status == 200));
        }
    }

    #[test]
    fn tenants_are_told_one_word_for_a_name_that_is_not_there_and_one_that_is_inside() {
        for inside in [NotSent::Blocked, NotSent::NoSuchName] {
            assert_eq!(inside.for_tenants(), NotSent::Name.for_tenants());
        }
        for own in [NotSent::Name, NotSent::BlockedLiteral, NotSent::Refused, NotSent::Tls] {
            assert_eq!(own.for_tenants(), own);
        }
    }

    #[test]
    fn a_profile_may_keep_the_endpoint_at_410_and_fail_fast_elsewhere() {
        let rules = ByStatus::any_2xx().gone_keeps_endpoint().rejects([StatusCode::PAYLOAD_TOO_LARGE]);
        assert_eq!(rules.classify(&response(410, &[]), Timestamp::EPOCH), Verdict::Gone { disable: false });
        assert_eq!(rules.classify(&response(413, &[]), Timestamp::EPOCH), Verdict::Reject);
    }

    #[test]
    fn retry_after_is_digits_or_a_date_and_nothing_else() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_unix_seconds(784_111_777 - 60);
        let seconds = |n| Some(Duration::from_secs(n));
        let rows: [(&[u8], Option<Duration>); 19] = [
            (b"0", seconds(0)),
            (b"120", seconds(120)),
            (b"999999999999", seconds(999_999_999_999)),
            (b"9223372036854775808000000000000000000000", seconds(u64::MAX)),
            (b"Sun, 06 Nov 1994 08:49:37 GMT", seconds(60)),
            (b"Sunday, 06-Nov-94 08:49:37 GMT", seconds(60)),
            (b"Sun Nov  6 08:49:37 1994", seconds(60)),
            (b"Sat, 06 Nov 1993 08:49:37 GMT", seconds(0)),
            (b"Sun, 06 Nov 1994 08:49:37 +0000", None),
            (b"-5", None),
            (b"+5", None),
            (b"1.5", None),
            (b"1e30", None),
            (b"NaN", None),
            (b"inf", None),
            (b"0x10", None),
            (b"", None),
            (b"10, 20", None),
            (b"\xd9\xa1", None),
        ];
        for (value, expected) in rows {
            let text = String::from_utf8_lossy(value).into_owned();
            assert_eq!(retry_after(&response(429, &[value]), now), expected, "{text}");
            assert_eq!(retry_after(&response(503, &[value]), now), expected, "{text}");
            assert_eq!(retry_after(&response(500, &[value]), now), None, "{text}");
        }
        assert_eq!(retry_after(&response(429, &[b"1", b"2"]), now), None, "two headers");
    }
}
