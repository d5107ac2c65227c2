//! The outcome of a request, and what it means.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::time::Timestamp;

/// The outcome of one call of a transport.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A response head arrived. It is still a response if the body broke off after it.
    Response(Response),
    /// The request was certainly not sent.
    NotSent(NotSent),
    /// The request may have been sent, and no response head arrived.
    Unknown(Unknown),
}

/// A response, as far as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The beginning of the body, as far as the profile needs it.
    pub body: Bytes,
    /// Whether the body was longer, or broke off.
    pub cut: bool,
}

/// Why a request was certainly not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotSent {
    /// The host's name did not resolve: there was no answer, or the look-up failed.
    Name,
    /// The name does not exist or has no address, by a definite answer of the resolver.
    NoSuchName,
    /// A name resolved to a forbidden address.
    Blocked,
    /// The endpoint's own URL contains a forbidden address, or is no longer valid.
    BlockedLiteral,
    /// The connection was refused, or closed before the request began.
    Refused,
    /// There is no route to its network. If this affects many hosts at once, it is a fault of
    /// this process.
    Unreachable,
    /// No connection was established in time.
    ConnectTimeout,
    /// No TLS session was established.
    Tls,
    /// The configured proxy failed.
    Proxy,
    /// The transport or its resolver could not take another request of this tenant. It is not
    /// an attempt, and nothing is at fault. The endpoint is tried again a second later.
    Busy,
    /// A fault in this process: file descriptors, memory, a panic, or a transport that was
    /// shut down.
    Ours,
}

/// Why a request may have been sent but has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Unknown {
    /// The total timeout passed.
    Timeout,
    /// The connection broke.
    Reset,
    /// The answer was not HTTP.
    Protocol,
    /// This process cut it off, at shutdown or after a panic.
    Aborted,
}

impl NotSent {
    /// The reason to show to tenants: [`Name`](Self::Name) in place of
    /// [`Blocked`](Self::Blocked) and [`NoSuchName`](Self::NoSuchName). If these were shown,
    /// anyone who may set a URL and read the history could find out which names exist inside
    /// your network.
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
            Self::Name => "dns_failed",
            Self::NoSuchName => "dns_no_such_name",
            Self::Blocked => "blocked_address",
            Self::BlockedLiteral => "blocked_url",
            Self::Refused => "connection_refused",
            Self::Unreachable => "no_route",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls_failed",
            Self::Proxy => "proxy_failed",
            Self::Busy => "busy",
            Self::Ours => "own_fault",
        }
    }
}

impl Unknown {
    /// The word that stores and logs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Reset => "connection_reset",
            Self::Protocol => "not_http",
            Self::Aborted => "cut_off",
        }
    }
}

/// What a response means for its delivery and its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The event was delivered.
    Delivered {
        /// Whether the response proves that the receiver has it; false if it accepts before it
        /// knows.
        confirmed: bool,
    },
    /// The delivery is tried again, no sooner than `after` if that is given.
    Retry {
        /// The delay that the receiver asked for; `None` if it asked for none.
        after: Option<Duration>,
    },
    /// The receiver will never accept this message. The endpoint is healthy.
    Reject,
    /// The receiver says that the endpoint no longer exists.
    Gone {
        /// Whether the endpoint is disabled, if its version is still the one that was sent to.
        disable: bool,
    },
}

/// Judges a response by the rules of a profile. It gets the beginning of the body only as far
/// as [`BodyNeed`] requires it.
///
/// It is called on the engine's task and must not block. If it panics, the attempt counts as a
/// failure and is retried.
pub trait Classify: fmt::Debug + Send + Sync {
    /// What the response means; `now` is needed for dates in `Retry-After`.
    fn classify(&self, response: &Response, now: Timestamp) -> Verdict;

    /// How much of the body is needed to judge the response.
    fn body_need(&self) -> BodyNeed;

    /// The pause that the response asks for further requests, whatever it means for its own
    /// delivery. The delay of a [`Verdict::Retry`] holds the lane anyway.
    fn hold(&self, _response: &Response, _now: Timestamp) -> Option<Hold> {
        None
    }
}

/// A time in which no further request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// The endpoints that get no request.
    pub reach: Reach,
    /// How long they get none. A hold of the endpoint itself is limited by the longest
    /// `Retry-After` of the endpoint's retry policy, a hold of others by that of its profile.
    pub span: Duration,
}

/// The endpoints that a hold applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// Only this endpoint.
    Endpoint,
    /// Every endpoint on a host of the profile's
    /// [`service`](crate::profile::Profile::service), if this endpoint's host is one of them;
    /// otherwise only this endpoint. The owner of another host can imitate the service's
    /// answers, and must not be able to hold other endpoints.
    Service,
}

/// How much of a response's body a classifier needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyNeed {
    /// None: the head decides. What is read of the body is only for the history.
    None,
    /// The first bytes, up to this many.
    Prefix(usize),
}

/// A classifier that uses only the status.
///
/// By default everything but success and 410 is retried, as the built-in integrations promise.
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
    /// Any 2xx is a success. 410 ends the delivery and disables the endpoint.
    #[must_use]
    pub const fn any_2xx() -> Self {
        Self::with(Success::Any2xx)
    }

    /// Only that status is a success.
    #[must_use]
    pub const fn exactly(status: StatusCode) -> Self {
        Self::with(Success::Exactly(status))
    }

    const fn with(success: Success) -> Self {
        Self { success, confirmed: true, gone_disables: true, gone: Vec::new(), rejects: Vec::new() }
    }

    /// A success proves only that something accepted the event, not that it arrived.
    #[must_use]
    pub const fn unconfirmed(mut self) -> Self {
        self.confirmed = false;
        self
    }

    /// These statuses have the same meaning as 410.
    #[must_use]
    pub fn gone_at(mut self, statuses: impl Into<Vec<StatusCode>>) -> Self {
        self.gone = statuses.into();
        self
    }

    /// A 410 ends the delivery, but the endpoint stays enabled.
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

/// The delay that a 429 or 503 response asks for: a number or an HTTP date (RFC 9110, 10.2.3).
/// `None` for anything else, including two such headers. A delay that is too long to represent
/// becomes the longest one; the retry policy limits it.
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
