//! What the answers of chat services have in common.

use std::time::Duration;

use http::HeaderMap;

/// How much of a body says what there is to say.
pub(super) const ENOUGH: usize = 1024;

/// A stranger's seconds, if they are a span of time: `0.35`, `64.57`, never `NaN`.
pub(super) fn seconds(count: f64) -> Option<Duration> {
    match Duration::try_from_secs_f64(count) {
        Ok(span) => Some(span),
        Err(_) if count > 0.0 => Some(Duration::MAX),
        Err(_) => None,
    }
}

/// The seconds that a header names.
pub(super) fn header_seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok().and_then(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

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
