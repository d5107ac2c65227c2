//! No bit may change: of the body, of what the headers say, of the signature.

use hookpost::sign::{BodyKeys, ContentPart, Encoding, Proof, Tolerance};
use hookpost::testing::Sender;
use hookpost::{Scheme, Timestamp, Verifier, VerifyError};
use sha2::{Digest, Sha256};

use super::cases::{BY_FIRST, NOW, all, flips, named, secret};

#[test]
fn s37_every_flipped_bit_of_a_body_is_refused_by_every_scheme() {
    for case in all() {
        assert_eq!(case.verdict(), BY_FIRST, "{}", case.name);
        let verifier = case.verifier();
        let (mut other, mut accepted) = (case.clone(), Vec::new());
        for flipped in flips(&case.body) {
            other.body = flipped;
            if other.verdict_of(&verifier, NOW).is_ok() {
                accepted.push(String::from_utf8_lossy(&other.body).into_owned());
            }
        }
        // An escape has two spellings, and Twilio signs what is meant.
        let spelled = String::from_utf8_lossy(&case.body).replace("%2B", "%2b");
        let same = if case.name == "twilio" { vec![spelled] } else { Vec::new() };
        assert_eq!(accepted, same, "{}", case.name);
        assert_eq!(case.body.len(), 1024, "{}", case.name);
    }
}

/// Twilio signs what a form says, not how it is written.
#[test]
fn s37_twilio_alone_takes_another_spelling_of_the_same_form() {
    let case = named("twilio").of("a=%2f&b=1");
    let mut other = case.clone();
    for same in ["a=%2F&b=1", "b=1&a=%2f", "a=/&b=1", "a=%2f&b=1&b=1", "a=%2fb1"] {
        other.body = same.into();
        assert_eq!(other.verdict(), BY_FIRST, "{same}");
    }
    other.body = "a=%2e&b=1".into();
    assert_eq!(other.verdict(), Err(VerifyError::Mismatch));
}

#[test]
fn s37_every_flipped_bit_of_a_body_whose_hash_the_url_carries_is_refused() {
    let (body, id) = (br#"{"a":1}"#, "e".parse().unwrap());
    let url = format!("https://example.com/hook?a=1&bodySHA256={}", hex::encode(Sha256::digest(body)));
    let sender = Sender::new(&Scheme::twilio(), "any text").unwrap().at(&url);
    let headers = sender.sign(&id, NOW, body).unwrap().headers;
    let verifier = Verifier::new(&Scheme::twilio(), [secret("any text")]).unwrap();
    assert!(verifier.verify_at(&url, &headers, body, NOW).is_ok());
    for flipped in flips(body).chain([Vec::new(), b"a=1".to_vec()]) {
        assert_eq!(verifier.verify_at(&url, &headers, flipped, NOW), Err(VerifyError::Mismatch));
    }
}

#[test]
fn s37_every_flipped_bit_of_an_id_or_a_timestamp_is_refused_without_a_tolerance_too() {
    let mut flipped_headers = 0;
    for case in all() {
        let unhurried = || case.verifier().tolerance(Tolerance::Off).unwrap();
        for part in &case.scheme.recipe().content {
            let (ContentPart::Id(header) | ContentPart::Timestamp(header)) = part else { continue };
            let (unhurried, text) = (unhurried(), case.headers[header].as_bytes());
            assert_eq!(case.verdict_with(&unhurried, header, text), BY_FIRST, "{}", case.name);
            for flipped in flips(text) {
                let found = case.verdict_with(&unhurried, header, &flipped);
                assert!(found.is_err(), "{}: {flipped:?}", case.name);
            }
            flipped_headers += 1;
        }
    }
    assert_eq!(flipped_headers, 8, "three families of id and timestamp, Slack's and Discord's timestamp");
}

#[test]
fn s37_every_flipped_bit_of_a_decoded_signature_is_refused() {
    for case in all() {
        let (header, lead, code) = case.signature();
        for flipped in flips(&case.decode(&code)) {
            let text = format!("{lead}{}", case.encode(&flipped));
            assert_eq!(
                case.with(&header, &text).verdict(),
                Err(VerifyError::Mismatch),
                "{}: {text}",
                case.name
            );
        }
    }
}

#[test]
fn s37_every_flipped_bit_of_a_signature_header_is_refused_or_an_upper_case_digit() {
    for case in all() {
        let (header, lead, code) = case.signature();
        let good = format!("{lead}{code}");
        // A timestamp that is listed in the header counts by what was signed, not by its age.
        let unhurried = case.verifier().tolerance(Tolerance::Off).unwrap();
        for flipped in flips(good.as_bytes()) {
            let same_code = flipped.starts_with(lead.as_bytes())
                && case.scheme.recipe().encoding == Encoding::Hex
                && flipped.eq_ignore_ascii_case(good.as_bytes());
            let found = case.verdict_with(&unhurried, &header, &flipped);
            assert_eq!(found == BY_FIRST, same_code, "{}: {found:?}", case.name);
            assert_eq!(found.is_ok(), same_code, "{}: {found:?}", case.name);
        }
    }
}

#[test]
fn s37_every_flipped_bit_of_a_urls_text_is_refused_where_the_url_is_signed() {
    let url = super::cases::URL;
    for case in all().into_iter().filter(|case| case.scheme.signs_url()) {
        let verifier = case.verifier();
        for flipped in flips(url.as_bytes()) {
            let Ok(url) = String::from_utf8(flipped) else { continue };
            let found = verifier.verify_at(&url, &case.headers, &case.body, NOW);
            let error = found.unwrap_err();
            assert!(matches!(error, VerifyError::Mismatch | VerifyError::Url { .. }), "{}: {url}", case.name);
        }
        let unknown = verifier.verify(&case.headers, &case.body, NOW).unwrap_err();
        assert_eq!(unknown, VerifyError::NoUrl, "{}", case.name);
        let fixed = verifier.at(url).unwrap();
        assert!(fixed.verify(&case.headers, &case.body, NOW).is_ok(), "{}", case.name);
    }
}

#[test]
fn s37_every_flipped_bit_of_a_live_chat_key_is_refused() {
    let key = "lc_key_R4t:0123456789";
    let verifier = Verifier::live_chat(BodyKeys::of([secret(key)])).unwrap();
    let verdict = |key: &[u8]| {
        let body = [br#"{"action":"incoming_chat","secret_key":""#, key, br#"","payload":{}}"#].concat();
        verifier.verify(&[("", ""); 0][..], body, Timestamp::EPOCH).map(|verified| verified.proof())
    };
    assert_eq!(verdict(key.as_bytes()), Ok(Proof::Key { secret: 0 }));
    for flipped in flips(key.as_bytes()) {
        assert!(verdict(&flipped).is_err(), "{flipped:?}");
    }
}

/// What else stands in the body may be anybody's, and the proof says so: it is of the key.
#[test]
fn s37_a_live_chat_body_proves_its_key_and_that_nothing_else_is_signed() {
    let (before, key, after) =
        (r#"{"action":"incoming_chat","secret_key":""#, "lc_key", r#"","payload":{"id":"a1"}}"#);
    let keys = BodyKeys::of([secret(key)]);
    let verifier = Verifier::live_chat(keys).unwrap();
    let body = [before, key, after].concat();
    let mut accepted = Vec::new();
    for (bit, flipped) in flips(body.as_bytes()).enumerate() {
        let Ok(proven) = verifier.verify(&[("", ""); 0][..], flipped, Timestamp::EPOCH) else { continue };
        assert!(!(before.len()..before.len() + key.len()).contains(&(bit / 8)), "byte {}", bit / 8);
        assert_eq!(proven.proof(), Proof::Key { secret: 0 });
        assert_eq!((proven.id(), proven.timestamp()), (None, None));
        accepted.push(String::from_utf8(proven.into_body()).unwrap());
    }
    for other in [body.replace("a1", "c1"), body.replace("incoming", "hncoming"), body.replace("id", "hd")] {
        assert!(accepted.contains(&other), "{other}");
    }
}
