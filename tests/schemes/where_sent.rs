//! Schemes that sign the URL: the same URL may be written with its default port or without
//! it, and a request may bring a query of its own.

use hookpost::testing::Sender;
use hookpost::{Scheme, Verifier, VerifyError};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::cases::{NOW, secret};

const FORM: &[u8] = b"CallSid=CA1&From=%2B15550001";

fn signed_by_twilio(url: &str, body: &[u8]) -> HeaderMap {
    let sender = Sender::new(&Scheme::twilio(), "any text").unwrap().at(url);
    sender.sign(&"e".parse().unwrap(), NOW, body).unwrap().headers
}

fn verifier(scheme: &Scheme, url: &str) -> Verifier {
    Verifier::new(scheme, [secret("any text")]).unwrap().at(url).unwrap()
}

/// Twilio's libraries try the URL with its port and without it:
/// <https://github.com/twilio/twilio-python/blob/main/twilio/request_validator.py>.
#[test]
fn twilio_s_port_and_credentials_may_be_written_or_left_out() {
    let bare = "https://x.example/hook?a=1";
    for (set, signed, fits) in [
        (bare, bare, true),
        (bare, "https://x.example:443/hook?a=1", true),
        ("https://x.example:443/hook?a=1", bare, true),
        ("http://x.example/hook", "http://x.example:80/hook", true),
        ("https://x.example:8443/hook", "https://x.example:8443/hook", true),
        ("https://x.example:8443/hook", "https://x.example/hook", true),
        ("https://user:pass@x.example/hook", "https://x.example/hook", true),
        ("https://user:pass@x.example/hook", "https://x.example:443/hook", true),
        ("https://user:pass@x.example:8443/hook", "https://x.example/hook", true),
        (bare, "https://x.example:8443/hook?a=1", false),
        ("https://x.example:8443/hook", "https://x.example:8444/hook", false),
        (bare, "http://x.example/hook?a=1", false),
        (bare, "https://y.example:443/hook?a=1", false),
        (bare, "https://x.example:443/other?a=1", false),
    ] {
        let headers = signed_by_twilio(signed, FORM);
        for verdict in [
            verifier(&Scheme::twilio(), set).verify(&headers, FORM, NOW),
            verifier(&Scheme::twilio(), "https://else.example/").verify_at(set, &headers, FORM, NOW),
        ] {
            assert_eq!(
                verdict.map(drop),
                if fits { Ok(()) } else { Err(VerifyError::Mismatch) },
                "{set} {signed}"
            );
        }
    }
}

#[test]
fn a_request_s_own_query_is_a_part_of_the_url_that_was_signed() {
    let body = br#"{"EventType":"x"}"#;
    let query = format!("bodySHA256={}", hex::encode(Sha256::digest(body)));
    let verifier = verifier(&Scheme::twilio(), "https://x.example/hook");
    for signed in [format!("https://x.example/hook?{query}"), format!("https://x.example:443/hook?{query}")] {
        let headers = signed_by_twilio(&signed, body);
        assert!(verifier.verify_with_query(Some(&query), &headers, body, NOW).is_ok(), "{signed}");
        for (query, body) in
            [(None, &body[..]), (Some("bodySHA256="), body), (Some(query.as_str()), br#"{"EventType":"y"}"#)]
        {
            let verdict = verifier.verify_with_query(query, &headers, body, NOW);
            assert_eq!(verdict.map(drop), Err(VerifyError::Mismatch), "{query:?}");
        }
    }
    // A query that a proxy added is none that was signed.
    let headers = signed_by_twilio("https://x.example/hook", FORM);
    assert!(verifier.verify_with_query(Some("proxy=1"), &headers, FORM, NOW).is_ok());
}
