//! What a verifier vouches for, and what it says when it does not.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::sign::{BodyKeys, Proof};
use hookpost::{Timestamp, Verified, Verifier, VerifyError};

use super::cases::{BY_FIRST, NOW, URL, all, named, secret};

/// The statistical side of it is `benches/timing.rs`, which reports and never fails.
#[test]
fn s33_no_source_of_verification_compares_a_code_but_by_subtle() {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sign");
    let files = ["scheme", "verify"].map(|folder| fs::read_dir(wire.join(folder)).unwrap());
    let (mut comparisons, mut read) = (Vec::new(), 0);
    for file in files.into_iter().flatten().map(|file| file.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        comparisons.extend(vec![name.clone(); code.matches(".ct_eq(").count()]);
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in lines.filter(|line| ["==", "!=", ".eq(", ".cmp("].iter().any(|by| line.contains(by))) {
            let words = ["mac", "Mac", "signature ", "expected", "code", "secret", "hash", "given", "expose"];
            let allowed = [
                "*byte == 0",                              // nothing but zero bytes, when a verifier is made
                "length? == bytes",                        // of a code that was just read
                "signatures == 0",                         // how many there are
                "hash[..] == Sha256::digest(body)[..]",    // public: the URL carries it
                "recipe.algorithm == Algorithm::HmacSha1", // what a scheme is
                "form_of(secret)",                         // the prefix by which a scheme knows its own
            ];
            assert!(
                !words.iter().any(|word| line.contains(word)) || allowed.iter().any(|own| line.contains(own)),
                "{name}: {line}"
            );
        }
        read += 1;
    }
    comparisons.sort();
    assert_eq!(comparisons, ["body_keys.rs", "mac.rs"], "one comparison of codes, and one of keys");
    assert!(read > 15, "{read} files");
}

#[test]
fn s42_the_bytes_as_received_are_verified_and_nothing_that_reads_the_same() {
    let same_json = |text: &str| {
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let parsed: serde_json::Value = serde_json::from_str(text).unwrap();
        [
            parsed.to_string().into_bytes(),
            format!("\u{feff}{text}").into_bytes(),
            format!("{text}\n").into_bytes(),
            hex::decode(GZIP).unwrap(),
            utf16,
            // Readers differ in which of two members they take.
            text.replace(r#""a":"A\/", "#, "").into_bytes(),
            text.replace(r#", "a":2"#, "").into_bytes(),
        ]
    };
    for case in all() {
        let case = case.of(TEXT);
        assert_eq!(case.verdict(), BY_FIRST, "{}", case.name);
        for other in same_json(TEXT) {
            assert_ne!(other, TEXT.as_bytes());
            let mut received = case.clone();
            received.body = other;
            assert_eq!(received.verdict(), Err(VerifyError::Mismatch), "{}: {:?}", case.name, received.body);
        }
    }
    // Parsing comes after: what is not JSON, or not even text, verifies as it is.
    for case in all().into_iter().filter(|case| case.name != "linear") {
        let raw = b"{\xff\x00\xef\xbb\xbf\xed\xa0\x80";
        assert_eq!(case.of(raw).verdict(), BY_FIRST, "{}", case.name);
        let gzip = hex::decode(GZIP).unwrap();
        let verified = case.of(gzip.as_slice());
        assert_eq!(verified.verdict(), BY_FIRST, "{}", case.name);
        let mut unpacked = verified;
        unpacked.body = TEXT.into();
        assert_eq!(unpacked.verdict(), Err(VerifyError::Mismatch), "{}", case.name);
    }
    // LiveChat's has to be read first, by one reader's rules.
    let live_chat = Verifier::live_chat(BodyKeys::of([secret("k")])).unwrap();
    let verdict = |body: &[u8]| live_chat.verify(&[("", ""); 0][..], body, NOW).map(|found| found.proof());
    let keyed = TEXT.replacen('{', r#"{"secret_key":"k","#, 1);
    assert_eq!(verdict(keyed.as_bytes()), Ok(Proof::Key { secret: 0 }));
    let utf16: Vec<u8> = keyed.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for other in [
        format!("\u{feff}{keyed}").into_bytes(),
        utf16,
        hex::decode(GZIP).unwrap(),
        keyed.replace('}', r#","secret_key":"k"}"#).into_bytes(),
        keyed.replace('}', r#","secret\u005fkey":"k"}"#).into_bytes(),
        keyed.replace('}', r#","b":NaN}"#).into_bytes(),
    ] {
        assert!(matches!(verdict(&other), Err(VerifyError::Body { .. })), "{}", other.escape_ascii());
    }
}

/// A text that other writers write otherwise and other readers read otherwise.
const TEXT: &str = r#"{"b": 1.0, "a":"A\/", "webhookTimestamp":1772352000000, "a":2}"#;
/// The same, by Python's `gzip`, in hexadecimal.
const GZIP: &str = "1f8b0800000000000203ab564a52b25230d433d051504a54b252728cd1570232cb539332f2f3b3433273538b4b12\
                    730b94ac0ccdcd8d8c4d8d0cc000a2d8a81600becfe7933e000000";

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
        for elsewhere in ["https://example.com/other?a=1", "https://example.com/hook?a=2", ""] {
            let found = shown(&case, elsewhere);
            assert_eq!(found.is_ok(), !case.scheme.signs_url(), "{}: {elsewhere}", case.name);
        }
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
        let stranger = Verifier::new(&case.scheme, [secret(case.other_keys().1)]).unwrap();
        let mut errors = vec![altered.verdict().unwrap_err(), case.verdict_of(&stranger, NOW).unwrap_err()];
        assert!(errors.iter().all(|error| *error == VerifyError::Mismatch), "{}: {errors:?}", case.name);
        for text in
            [format!("{code}?"), String::new(), format!("v9,{code}"), format!("t=1772352000,v9={code}")]
        {
            errors.push(case.with(&header, text).verdict().unwrap_err());
        }
        for name in case.scheme.header_names() {
            let mut twice = case.clone();
            twice.headers.append(name, case.headers[name].clone());
            errors.push(twice.verdict().unwrap_err());
            twice.headers.remove(name);
            errors.push(twice.verdict().unwrap_err());
        }
        errors.extend(
            [Timestamp::MAX, Timestamp::EPOCH].into_iter().filter_map(|now| case.verdict_at(now).err()),
        );
        // What was right: of the request as it was signed, and of the one that was altered.
        let (.., of_altered) = case.of(altered.body.clone()).signature();
        let mut kept_back = vec![case.public.to_owned(), case.private.to_owned()];
        for code in [&code, &of_altered] {
            let bytes = case.decode(code);
            kept_back.extend([
                hex::encode(&bytes[..8]),
                STANDARD.encode(&bytes[..9]),
                format!("{:?}", &bytes[..4]),
            ]);
        }
        for error in errors {
            let printed = format!("{error} {error:?} {error:#?}").to_lowercase();
            let told = kept_back.iter().find(|text| printed.contains(&text.to_lowercase()));
            assert_eq!(told, None, "{}: {printed}", case.name);
            assert!(std::error::Error::source(&error).is_none(), "{}: {printed}", case.name);
        }
        let printed = format!("{0:?} {0:#?}", case.verifier());
        assert!(!printed.contains(case.public), "{}: {printed}", case.name);
    }
}
