//! Signatures that are none: too short, of another scheme, in another form, too many.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hookpost::wire::scheme::{Encoding, Grammar, Signer};
use hookpost::wire::verify::Proof;
use hookpost::{Scheme, SecretSet, VerifyError};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;

use super::cases::{BY_FIRST, Case, NOW, URL, all, named, secret};

fn refuses(case: &Case, text: &str) {
    let (header, ..) = case.signature();
    let found = case.with(&header, text).verdict();
    assert!(
        matches!(found, Err(VerifyError::Malformed { .. } | VerifyError::OtherVersion { .. })),
        "{}: {text:?} is {found:?}",
        case.name
    );
}

#[test]
fn s34_a_candidate_that_is_empty_short_or_the_beginning_of_the_right_one_is_refused() {
    for case in all() {
        let (_, lead, code) = case.signature();
        for end in 0..code.len() {
            refuses(&case, &format!("{lead}{}", &code[..end]));
        }
        for end in 0..lead.len() {
            refuses(&case, &lead[..end]);
        }
        let bytes = case.decode(&code);
        for length in [0, 1, bytes.len() - 1] {
            refuses(&case, &format!("{lead}{}", case.encode(&bytes[..length])));
        }
        refuses(&case, &format!("{lead}{}", case.encode(&[&bytes[..], &[0]].concat())));
    }
    for text in ["v1,", "v1", ",", "v1,AA"] {
        refuses(&named("standard"), text);
    }
}

#[test]
fn s35_only_the_receivers_own_scheme_counts_whatever_the_request_names() {
    let (v1, v1a) = (named("standard"), named("standard_v1a"));
    let (header, _, code) = v1.signature();
    let other = VerifyError::OtherVersion { header: header.clone() };
    // The right code under another version's name, and the other version's own.
    assert_eq!(v1.with(&header, format!("v1a,{code}")).verdict(), Err(other.clone()));
    assert_eq!(v1a.with(&header, format!("v1,{code}")).verdict(), Err(other));
    refuses(&v1a, &format!("v1a,{code}"));
    refuses(&v1, &format!("v1,{}", v1a.signature().2));
    // The same code in the other encoding, under another algorithm's name.
    for case in all() {
        let (_, lead, code) = case.signature();
        let bytes = case.decode(&code);
        let swapped = match case.scheme.recipe().encoding {
            Encoding::Hex => STANDARD.encode(&bytes),
            _ => hex::encode(&bytes),
        };
        refuses(&case, &format!("{lead}{swapped}"));
        for name in ["sha1=", "sha512=", "none=", "sha256=sha256="] {
            refuses(&case, &format!("{name}{code}"));
        }
    }
    // Every scheme's own request, at every other scheme's verifier.
    for case in all() {
        for other in all().into_iter().filter(|other| other.name != case.name) {
            let found = other.verifier().verify_at(URL, &case.headers, &case.body, NOW);
            assert!(found.is_err(), "{} at {}", case.name, other.name);
        }
    }
}

#[test]
fn s40_a_code_has_one_form_in_base64_and_two_cases_in_hexadecimal() {
    for case in all() {
        let (header, lead, code) = case.signature();
        if case.scheme.recipe().encoding == Encoding::Hex {
            let upper = format!("{lead}{}", code.to_uppercase());
            assert_eq!(case.with(&header, upper).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &format!("{lead}0x{}", &code[2..]));
        } else {
            refuses(&case, &format!("{lead}{}", code.trim_end_matches('=')));
            refuses(&case, &format!("{lead}{code}="));
            let url_safe = URL_SAFE.encode(case.decode(&code));
            if url_safe != code {
                refuses(&case, &format!("{lead}{url_safe}"));
            }
            refuses(&case, &format!("{lead}{}", with_stray_bit(&code)));
        }
        for spaced in [format!(" {lead}{code}"), format!("{lead}{code} "), format!("{lead} {code}")] {
            refuses(&case, &spaced);
        }
    }
}

/// The same bytes with a bit set that padding leaves unused.
fn with_stray_bit(code: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = code.trim_end_matches('=');
    let (rest, last) = digits.split_at(digits.len() - 1);
    let at = DIGITS.iter().position(|digit| last.as_bytes() == [*digit]).unwrap();
    format!("{rest}{}{}", char::from(DIGITS[at | 1]), &code[digits.len()..])
}

#[test]
fn s41_many_signatures_long_headers_and_repeated_headers_are_refused() {
    for case in all() {
        let (header, lead, code) = case.signature();
        let own = format!("{lead}{code}");
        refuses(&case, &"A".repeat(1 << 20));
        refuses(&case, &vec![own.as_str(); 10_000].join(" "));
        refuses(&case, &vec![own.as_str(); 10_000].join(","));
        for name in case.scheme.header_names() {
            let mut twice = case.clone();
            twice.headers.append(name, case.headers[name].clone());
            assert_eq!(twice.verdict(), Err(VerifyError::Repeated { header: name.clone() }), "{}", case.name);
            twice.headers.remove(name);
            assert_eq!(twice.verdict(), Err(VerifyError::Missing { header: name.clone() }), "{}", case.name);
        }
        // A list holds up to 32; what holds one holds no list.
        let wrong = format!("{}{}", lead.rsplit([',', ';']).next().unwrap(), case.encode(&[7; 32]));
        let list = |count: usize| match case.scheme.recipe().grammar {
            Grammar::List { version } => {
                [vec![format!("{version},{}", other_code(&case)); count - 1], vec![own.clone()]]
                    .concat()
                    .join(" ")
            }
            Grammar::Pairs { separator, signature, .. } => {
                let more = format!("{separator}{signature}={}", other_code(&case)).repeat(count - 1);
                format!("{own}{more}")
            }
            _ => format!("{own} {wrong}"),
        };
        let lists = !matches!(case.scheme.recipe().grammar, Grammar::Bare { .. });
        if lists {
            assert_eq!(case.with(&header, list(32)).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &list(33));
        } else {
            refuses(&case, &list(2));
            refuses(&case, &format!("{own},{own}"));
            refuses(&case, &format!("{own}, {own}"));
        }
    }
}

/// A code of the right length that is not the right one.
fn other_code(case: &Case) -> String {
    let (.., code) = case.signature();
    case.encode(&vec![7; case.decode(&code).len()])
}

#[test]
fn s41_other_versions_beside_the_right_one_are_skipped() {
    for (name, more) in [("standard", " v1a,AA v2,x"), ("stripe", ",v0=abc,x=1"), ("paddle", ";h2=abc")] {
        let case = named(name);
        let (header, lead, code) = case.signature();
        assert_eq!(case.with(&header, format!("{lead}{code}{more}")).verdict(), BY_FIRST, "{name}");
    }
    let case = named("stripe");
    let (header, lead, code) = case.signature();
    let good = format!("{lead}{code}");
    for odd in [
        good.replace(',', ", "),
        format!("{good}, {good}"),
        format!("{good},t=1772352000"),
        format!("t=1,{good}"),
        format!("{good},foo"),
        format!("{good},v1"),
        format!("{good},v1="),
        format!("{good}=junk"),
        good.replace("t=", "T="),
        good.replace("t=1772352000", "t=NaN"),
        good.replace("t=1772352000,", ""),
        good.replace("t=1772352000", "t=01772352000"),
    ] {
        let found = case.with(&header, &odd).verdict();
        assert!(matches!(found, Err(VerifyError::Malformed { .. })), "{odd}: {found:?}");
    }
    assert_eq!(
        case.with(&header, good.replace("v1=", "v0=")).verdict(),
        Err(VerifyError::OtherVersion { header })
    );
}

#[test]
fn s44_a_receiver_of_v1a_is_not_talked_down_to_v1() {
    let (v1, v1a) = (named("standard"), named("standard_v1a"));
    let (header, ..) = v1.signature();
    let both =
        format!("{} {}", v1.headers[&header].to_str().unwrap(), v1a.headers[&header].to_str().unwrap());
    assert_eq!(v1a.with(&header, &both).verdict(), BY_FIRST);
    assert_eq!(v1.with(&header, &both).verdict(), BY_FIRST);
    let stripped = v1a.with(&header, v1.headers[&header].as_bytes());
    assert_eq!(stripped.verdict(), Err(VerifyError::OtherVersion { header }));
}

#[test]
fn s44_a_secret_past_its_grace_neither_signs_nor_verifies() {
    let end = NOW + std::time::Duration::from_secs(60);
    for case in all().into_iter().filter(|case| case.public == "any text") {
        let set = SecretSet::of(secret("old")).rotated(secret("new"), end);
        let verdict = |now, key: &str| {
            let signer = Signer::new(&case.scheme, &set).unwrap().at(URL);
            let mut headers = HeaderMap::new();
            signer.sign(&"e".parse().unwrap(), now, &case.body, &mut headers).unwrap();
            let verifier = hookpost::Verifier::new(&case.scheme, [secret(key)]).unwrap();
            verifier.verify_at(URL, &headers, &case.body, now).map(|verified| verified.proof())
        };
        let lists = !matches!(case.scheme.recipe().grammar, Grammar::Bare { .. });
        assert_eq!(verdict(NOW, "new"), BY_FIRST, "{}", case.name);
        assert_eq!(verdict(NOW, "old").is_ok(), lists, "{}: both sign where a header lists both", case.name);
        assert_eq!(verdict(end, "old"), Err(VerifyError::Mismatch), "{}", case.name);
        assert_eq!(set.in_force(end).count(), 1, "a receiver that asks the set gets the new one alone");
    }
}

#[test]
fn many_secrets_say_which_one_signed() {
    for case in all().into_iter().filter(|case| case.public == "any text") {
        let keys = ["a", "b", "any text", "any text"].map(secret);
        let verifier = hookpost::Verifier::new(&case.scheme, keys).unwrap();
        assert_eq!(case.verdict_of(&verifier, NOW), Ok(Proof::Signed { secret: 2 }), "{}", case.name);
    }
}

proptest! {
    #[test]
    fn s46_no_headers_url_or_body_ever_panic(
        name in prop::sample::select(Scheme::presets().map(|(name, _)| name).collect::<Vec<_>>()),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 3),
        listed in "(t|ts|v1|h1|v0|sha256)?[=,]?[0-9a-fA-F+/=,; ]{0,140}",
        url in ".{0,60}",
        body in prop::collection::vec(any::<u8>(), 0..100),
        now in any::<i64>(),
    ) {
        let case = named(name);
        let names: Vec<HeaderName> = case.scheme.header_names().cloned().collect();
        for last in [values[0].as_slice(), listed.as_bytes()] {
            let mut headers: Vec<_> =
                names.iter().map(HeaderName::as_str).zip(values.iter().map(Vec::as_slice)).collect();
            headers.last_mut().unwrap().1 = last;
            let now = hookpost::Timestamp::from_micros(now);
            prop_assert!(case.verifier().verify_at(&url, &headers[..], &body, now).is_err());
        }
    }
}
