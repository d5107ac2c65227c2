//! What the answers of chat services have in common.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::policy::outcome::Response;

/// How much of a body is read if the service answers with a word or a short sentence.
pub(super) const ENOUGH: usize = 1024;
/// How much of a body is read if the service lists errors or repeats the message: as much as a
/// history keeps.
pub(super) const ALL: usize = 4096;

/// Whether a body is an HTML page. Proxies, gateways and captive portals answer with pages; no
/// service that accepts webhooks does.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Whether a service says that it accepted a message: by a 2xx that is not the page of a
/// proxy.
pub(super) fn says_taken(response: &Response) -> bool {
    response.status.is_success() && !is_page(&response.body)
}

/// Whether a 410 says that the endpoint is gone, and is not the page of a proxy.
pub(super) fn says_gone(response: &Response) -> bool {
    response.status == StatusCode::GONE && !is_page(&response.body)
}

/// A number of seconds from a response, if it is a valid duration: `0.35`, `64.57`, never
/// `NaN`.
pub(super) fn seconds(count: f64) -> Option<Duration> {
    match Duration::try_from_secs_f64(count) {
        Ok(span) => Some(span),
        Err(_) if count > 0.0 => Some(Duration::MAX),
        Err(_) => None,
    }
}

/// The number of seconds in a header.
pub(super) fn header_seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok().and_then(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_a_tag_and_a_word_does_not() {
        for page in ["<html>", "\r\n <!DOCTYPE html>", "<?xml version=\"1.0\"?>"] {
            assert!(is_page(page.as_bytes()), "{page}");
        }
        for word in ["", "ok", "{}", "1 < 2", "Queue is full."] {
            assert!(!is_page(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn a_strangers_seconds_are_a_span_or_nothing() {
        for (count, span) in [
            (0.0, Some(Duration::ZERO)),
            (0.35, Some(Duration::from_millis(350))),
            (1e300, Some(Duration::MAX)),
            (f64::INFINITY, Some(Duration::MAX)),
            (-1.0, None),
            (f64::NEG_INFINITY, None),
            (f64::NAN, None),
        ] {
            assert_eq!(seconds(count), span, "{count}");
        }
    }
}
