//! What every target's answers have in common.

use hookpost::policy::outcome::{BodyNeed, Verdict};

use super::scene::{answer, judged, targets};

#[test]
fn a_redirect_is_never_followed_and_never_a_success() {
    for (profile, _) in targets() {
        for status in [301, 302, 303, 307, 308] {
            for body in ["", "ok", r#"{"ok":false}"#] {
                let verdict = judged(&profile, &answer(status, &[("location", "https://evil.test/")], body));
                assert_eq!(verdict, Verdict::Retry { after: None }, "{} {status} {body}", profile.name);
            }
        }
    }
}

#[test]
fn a_server_s_own_trouble_is_tried_again() {
    for (profile, _) in targets() {
        for status in [408, 425, 500, 502, 503, 504, 599] {
            for body in ["", "<html>", "rollup_error", "\u{0}\u{fffd}", "{", "[]", "null"] {
                let verdict = judged(&profile, &answer(status, &[], body));
                assert_eq!(verdict, Verdict::Retry { after: None }, "{} {status} {body}", profile.name);
            }
        }
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_and_its_endpoint_is_not() {
    for (profile, _) in targets() {
        assert_eq!(judged(&profile, &answer(413, &[], "")), Verdict::Reject, "{}", profile.name);
    }
}

#[test]
fn a_body_that_decides_is_asked_for() {
    for (profile, _) in targets() {
        let read = match profile.classifier.body_need() {
            BodyNeed::None => 0,
            BodyNeed::Prefix(bytes) => bytes,
        };
        assert!(read <= 4096, "{}", profile.name);
        let by_status = profile.name.as_str() == "zapier";
        assert_eq!(read == 0, by_status, "{}", profile.name);
    }
}

#[test]
fn every_preset_can_be_meant() {
    for (profile, _) in targets() {
        assert_eq!(profile.check(), Ok(()), "{}", profile.name);
        let stored = serde_json::to_string(&profile.retry).unwrap();
        assert_eq!(
            serde_json::from_str::<hookpost::policy::retry::RetryPolicy>(&stored).unwrap(),
            profile.retry
        );
        for limit in &profile.limits {
            let stored = serde_json::to_string(limit).unwrap();
            assert_eq!(serde_json::from_str::<hookpost::policy::rate::Limit>(&stored).unwrap(), *limit);
        }
    }
}
