//! What a verifier vouches for, and what it says when it does not.

use std::fs;
use std::path::Path;

use hookpost::wire::verify::BodyKeys;
use hookpost::{Verified, Verifier, VerifyError};

use super::cases::{BY_FIRST, NOW, URL, all, named, secret};

/// The statistical side of it is measured on a quiet machine, never here.
#[test]
fn s33_no_source_of_verification_compares_a_code_but_by_subtle() {
    let source = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    for (file, comparisons) in [
        ("scheme/mac.rs", 1),
        ("scheme/sides.rs", 0),
        ("verify/signatures.rs", 0),
        ("verify/body_keys.rs", 1),
    ] {
        let text = source(&format!("src/wire/{file}"));
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        assert_eq!(code.matches(".ct_eq(").count(), comparisons, "{file}");
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in lines.filter(|line| line.contains("==") || line.contains("!=")) {
            let compares = ["mac", "signature ", "expected", "code", "secret", "hash"];
            assert!(
                !compares.iter().any(|word| line.contains(word)) || line.contains("signatures == 0"),
                "{line}"
            );
        }
    }
}

#[test]
fn s42_the_bytes_as_received_are_verified_and_nothing_that_reads_the_same() {
    let same_json = |text: &str| {
        let gzip = [0x1f, 0x8b, 8, 0];
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let parsed: serde_json::Value = serde_json::from_str(text).unwrap();
        [
            parsed.to_string().into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            format!("{text}\n").into_bytes(),
            [&gzip[..], text.as_bytes()].concat(),
            utf16,
        ]
    };
    let text = r#"{"b": 1.0, "a":"A\/", "a":2}"#;
    for case in all().into_iter().filter(|case| !matches!(case.name, "linear")) {
        let case = case.of(text);
        assert_eq!(case.verdict(), BY_FIRST, "{}", case.name);
        for other in same_json(text) {
            let mut received = case.clone();
            received.body = other;
            assert_eq!(received.verdict(), Err(VerifyError::Mismatch), "{}: {:?}", case.name, received.body);
        }
    }
    // Parsing comes after: what is not JSON, or not even text, verifies as it is.
    for case in all().into_iter().filter(|case| case.name != "linear") {
        let raw = b"{\xff\x00\xef\xbb\xbf\xed\xa0\x80";
        assert_eq!(case.of(raw).verdict(), BY_FIRST, "{}", case.name);
    }
}

#[test]
fn s43_what_is_not_signed_neither_counts_nor_comes_out() {
    for case in all() {
        let mut other = case.clone();
        for (name, value) in [
            ("content-type", "text/evil"),
            ("x-webhook-event", "other"),
            ("x-github-event", "other"),
            ("host", "evil"),
        ] {
            other.headers.insert(name, value.parse().unwrap());
        }
        let verifier = case.verifier();
        let shown = |case: &super::cases::Case, url: &str| {
            verifier.verify_at(url, &case.headers, case.body.clone(), NOW).map(|verified: Verified<_>| {
                (verified.id().cloned(), verified.timestamp(), verified.proof(), verified.into_body())
            })
        };
        assert_eq!(shown(&other, URL), shown(&case, URL), "{}", case.name);
        let elsewhere = shown(&case, "https://example.com/other");
        assert_eq!(elsewhere.is_ok(), !case.scheme.signs_url(), "{}", case.name);
        let (id, timestamp, ..) = shown(&case, URL).unwrap();
        let family = matches!(case.name, "standard" | "standard_v1a" | "svix");
        assert_eq!(id.is_some(), family, "{}: an id only where one is signed", case.name);
        assert_eq!(timestamp.is_some(), case.scheme.signs_timestamp(), "{}", case.name);
    }
}

/// Reading no more than a limit is the receiver's part; a verifier's is that no length
/// or depth costs more than reading does.
#[test]
fn s45_a_body_of_any_depth_costs_an_error_at_most() {
    let deep = "[".repeat(1 << 20);
    let live_chat = Verifier::live_chat(BodyKeys::of([secret("key")])).unwrap();
    for body in [deep.clone(), format!("{{\"secret_key\":{deep}"), format!("{{\"payload\":{deep}")] {
        let found = live_chat.verify(&[("", ""); 0][..], body, NOW).map(|verified| verified.proof());
        assert!(matches!(found, Err(VerifyError::Body { .. })), "{found:?}");
    }
    let linear = named("linear").of(format!("{{\"webhookTimestamp\":{deep}"));
    assert!(matches!(linear.verdict(), Err(VerifyError::Body { .. })));
    let mut forged = linear;
    forged.body.push(b' ');
    assert_eq!(forged.verdict(), Err(VerifyError::Mismatch), "unsigned, it is not even read");
}

#[test]
fn s47_an_error_tells_neither_the_secret_nor_the_right_signature() {
    for case in all() {
        let (header, _, code) = case.signature();
        let mut altered = case.clone();
        altered.body.push(b' ');
        let other = match case.public {
            "any text" => "any other text".to_owned(),
            text => text.replace("03a1", "d75a"),
        };
        let mut errors = vec![altered.verdict().unwrap_err()];
        if case.public == "any text" {
            let stranger = Verifier::new(&case.scheme, [secret(other)]).unwrap();
            errors.push(case.verdict_of(&stranger, NOW).unwrap_err());
        }
        assert!(errors.iter().all(|error| *error == VerifyError::Mismatch), "{}: {errors:?}", case.name);
        errors.push(case.with(&header, format!("{code}?")).verdict().unwrap_err());
        errors.push(case.with(&header, "").verdict().unwrap_err());
        let late = case.verdict_at(hookpost::Timestamp::MAX);
        errors.extend(late.err());
        for error in errors {
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains(case.public) && !printed.contains(&code[..16]), "{printed}");
        }
        assert!(!format!("{:?}", case.verifier()).contains(case.public), "{}", case.name);
    }
}
