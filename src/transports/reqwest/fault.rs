//! What a failed call means for its request: it was certainly not sent, or that is not known.
//! Only this result is passed on, and no text of the error, so no URL is passed on either.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter::successors;

use crate::backend::ResolveError;
use crate::policy::egress::{ForbiddenAddress, UrlScheme};
use crate::policy::outcome::{NotSent, Outcome, Unknown};

/// Converts an error of the client to an outcome.
///
/// If the total timeout passes, it is not known how far the request came, even if there was no
/// connection yet: [`Unknown::Timeout`] is the safe result.
pub(super) fn outcome(error: &reqwest::Error, scheme: UrlScheme) -> Outcome {
    if error.is_builder() {
        return Outcome::NotSent(NotSent::BlockedLiteral);
    }
    if error.is_connect() {
        return Outcome::NotSent(no_connection(error, error.is_timeout(), scheme));
    }
    if causes(error).any(was_never_started) {
        return Outcome::NotSent(NotSent::Refused);
    }
    Outcome::Unknown(no_answer(error, error.is_timeout()))
}

/// The client's text for a request that it returned because its connection ended before a byte
/// of it was written. A kept connection is then replaced by a new one; a new one that ends at
/// once has refused the request. The client reports this only as text.
const NEVER_STARTED: [&str; 2] = ["operation was canceled", "channel closed"];

fn was_never_started(cause: &(dyn Error + 'static)) -> bool {
    NEVER_STARTED.contains(&cause.to_string().as_str())
}

fn no_connection(error: &(dyn Error + 'static), timed_out: bool, scheme: UrlScheme) -> NotSent {
    if causes(error).any(<dyn Error>::is::<ForbiddenAddress>) {
        return NotSent::Blocked;
    }
    let io = io_cause(error);
    if io.is_some_and(is_own_fault) {
        return NotSent::Ours;
    }
    match causes(error).find_map(|cause| cause.downcast_ref()) {
        Some(ResolveError::NoAddress) => return NotSent::NoSuchName,
        Some(ResolveError::Busy) => return NotSent::Busy,
        Some(ResolveError::Timeout | ResolveError::Failed(_)) => return NotSent::Name,
        None => {}
    }
    if timed_out {
        return NotSent::ConnectTimeout;
    }
    if io.is_some_and(has_no_way) {
        return NotSent::Unreachable;
    }
    match (io.map(io::Error::kind), scheme) {
        // A local packet filter says "permission denied" where a remote one refuses.
        (Some(ErrorKind::ConnectionRefused | ErrorKind::PermissionDenied), _) | (_, UrlScheme::Http) => {
            NotSent::Refused
        }
        (_, UrlScheme::Https) => NotSent::Tls,
    }
}

/// The client's text for a connection that broke without an error of the operating system. The
/// client reports this only as text.
const BROKEN: &str = "connection closed before message completed";

fn no_answer(error: &(dyn Error + 'static), timed_out: bool) -> Unknown {
    if timed_out {
        return Unknown::Timeout;
    }
    let broken = |cause: &(dyn Error + 'static)| cause.to_string() == BROKEN;
    if io_cause(error).is_some() || causes(error).any(broken) { Unknown::Reset } else { Unknown::Protocol }
}

/// Whether this process is short of descriptors, buffers or memory, whichever endpoint it
/// sends to.
fn is_own_fault(error: &io::Error) -> bool {
    let by_kind = error.kind() == ErrorKind::OutOfMemory;
    by_kind || error.raw_os_error().is_some_and(|code| OUT_OF_DESCRIPTORS.contains(&code))
}

/// Whether there is no route from here to that address. The owner of a host name can cause
/// this, so it indicates a problem of this machine only if several tenants are affected.
///
/// [`ErrorKind::AddrNotAvailable`] is what a machine without IPv6 answers for an IPv6
/// address, and what any machine answers once all local ports to one address and port are
/// in use: other destinations have ports of their own.
fn has_no_way(error: &io::Error) -> bool {
    let by_kind = matches!(
        error.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
    );
    by_kind || error.raw_os_error() == NO_SUCH_FAMILY
}

/// `EAFNOSUPPORT`, which no [`ErrorKind`] names: a kernel that was built without IPv6.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NO_SUCH_FAMILY: Option<i32> = Some(97);
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const NO_SUCH_FAMILY: Option<i32> = Some(47);
#[cfg(not(unix))]
const NO_SUCH_FAMILY: Option<i32> = Some(10047);

/// `ENFILE` and `EMFILE`, which no [`ErrorKind`] names.
#[cfg(unix)]
const OUT_OF_DESCRIPTORS: [i32; 2] = [23, 24];
/// `WSAEMFILE` and `WSAENOBUFS`, which no [`ErrorKind`] names.
#[cfg(not(unix))]
const OUT_OF_DESCRIPTORS: [i32; 2] = [10024, 10055];

fn io_cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>())
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer<E: Error + 'static>(#[source] E);

    fn connecting(error: impl Error + 'static, scheme: UrlScheme) -> NotSent {
        no_connection(&Outer(Outer(error)), false, scheme)
    }

    #[test]
    fn what_kept_a_connection_from_being_made_is_told_by_its_innermost_cause() {
        let os = io::Error::from_raw_os_error;
        for scheme in [UrlScheme::Http, UrlScheme::Https] {
            assert_eq!(connecting(ForbiddenAddress, scheme), NotSent::Blocked);
            assert_eq!(connecting(ResolveError::NoAddress, scheme), NotSent::NoSuchName);
            assert_eq!(connecting(ResolveError::Timeout, scheme), NotSent::Name);
            assert_eq!(connecting(ResolveError::Busy, scheme), NotSent::Busy);
            assert_eq!(connecting(ResolveError::Failed("servfail".into()), scheme), NotSent::Name);
            for kind in [ErrorKind::ConnectionRefused, ErrorKind::PermissionDenied] {
                assert_eq!(connecting(io::Error::from(kind), scheme), NotSent::Refused);
            }
            for kind in [
                ErrorKind::NetworkUnreachable,
                ErrorKind::HostUnreachable,
                ErrorKind::NetworkDown,
                ErrorKind::AddrNotAvailable,
            ] {
                assert_eq!(connecting(io::Error::from(kind), scheme), NotSent::Unreachable);
            }
            assert_eq!(connecting(os(NO_SUCH_FAMILY.unwrap()), scheme), NotSent::Unreachable);
            assert_eq!(connecting(io::Error::from(ErrorKind::OutOfMemory), scheme), NotSent::Ours);
            for code in OUT_OF_DESCRIPTORS {
                assert_eq!(connecting(os(code), scheme), NotSent::Ours);
                assert_eq!(connecting(ResolveError::Failed(os(code).into()), scheme), NotSent::Ours);
            }
            assert_eq!(no_connection(&Outer(ForbiddenAddress), true, scheme), NotSent::Blocked);
            assert_eq!(no_connection(&Outer(ResolveError::Timeout), true, scheme), NotSent::Name);
            assert_eq!(
                no_connection(&Outer(io::Error::from(ErrorKind::TimedOut)), true, scheme),
                NotSent::ConnectTimeout
            );
        }
        let handshake = || io::Error::new(ErrorKind::InvalidData, "handshake");
        assert_eq!(connecting(handshake(), UrlScheme::Https), NotSent::Tls);
        assert_eq!(connecting(handshake(), UrlScheme::Http), NotSent::Refused);
    }

    #[test]
    fn a_request_that_was_given_back_unwritten_is_told_from_one_that_got_no_answer() {
        let given_back = |text: &str| {
            let error = Outer(Outer(io::Error::other(text.to_owned())));
            causes(&error).any(was_never_started)
        };
        assert!(given_back("operation was canceled") && given_back("channel closed"));
        assert!(!given_back(BROKEN) && !given_back("connection reset by peer"));
    }
}
