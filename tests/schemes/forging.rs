//! Signatures that are none: too short, of another scheme, in another form, too many.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, KeyInit, Mac};
use hookpost::sign::{ContentPart, Encoding, Grammar, Proof, Signer};
use hookpost::{Scheme, SecretSet, Verifier, VerifyError};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;

use super::cases::{BY_FIRST, Case, NOW, PUBLIC, URL, all, named, secret};

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
            // Both have one secret here, and Svix without its brand is Standard Webhooks.
            let is_the_same = (case.name, other.name) == ("standard", "svix");
            assert_eq!(found.is_ok(), is_the_same, "{} at {}", case.name, other.name);
        }
    }
}

#[test]
fn s40_a_code_has_one_form_in_base64_and_two_cases_in_hexadecimal() {
    // A code that the two alphabets of base64 write differently.
    let telling = |case: Case| {
        let mut tried = (0..100).map(|n| case.of(format!("{{\"a\":{n}}}")));
        tried.find(|case| case.signature().2.contains(['+', '/'])).unwrap()
    };
    for case in all() {
        let hexadecimal = case.scheme.recipe().encoding == Encoding::Hex;
        let case = if hexadecimal { case } else { telling(case) };
        let (header, lead, code) = case.signature();
        if hexadecimal {
            let upper = format!("{lead}{}", code.to_uppercase());
            assert_eq!(case.with(&header, upper).verdict(), BY_FIRST, "{}", case.name);
            let mixed = format!("{lead}{}{}", code[..9].to_uppercase(), &code[9..]);
            assert_eq!(case.with(&header, mixed).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &format!("{lead}0x{}", &code[2..]));
        } else {
            refuses(&case, &format!("{lead}{}", code.trim_end_matches('=')));
            refuses(&case, &format!("{lead}{code}="));
            let url_safe = URL_SAFE.encode(case.decode(&code));
            assert_ne!(url_safe, code);
            refuses(&case, &format!("{lead}{url_safe}"));
            refuses(&case, &format!("{lead}{}", with_stray_bit(&code)));
        }
        let (first, second) = code.split_at(code.len() / 2);
        for space in [" ", "\t"] {
            for spaced in [
                format!("{space}{lead}{code}"),
                format!("{lead}{code}{space}"),
                format!("{lead}{space}{code}"),
                format!("{lead}{first}{space}{second}"),
            ] {
                refuses(&case, &spaced);
            }
        }
        for line_end in ["\n", "\r\n"] {
            let ended = format!("{lead}{code}{line_end}");
            let found = case.verdict_with(&case.verifier(), &header, ended.as_bytes());
            assert!(matches!(found, Err(VerifyError::Malformed { .. })), "{}: {found:?}", case.name);
        }
    }
}

#[test]
fn s35_a_code_of_another_algorithm_or_by_the_public_key_is_no_signature() {
    fn code<H: KeyInit + Mac>(key: &[u8], content: &[u8]) -> Vec<u8> {
        let mut state = <H as KeyInit>::new_from_slice(key).unwrap();
        state.update(content);
        state.finalize().into_bytes().to_vec()
    }
    let sha1 = code::<Hmac<sha1::Sha1>>;
    let sha256 = code::<Hmac<sha2::Sha256>>;
    let sha512 = code::<Hmac<sha2::Sha512>>;
    // With the right key, by another hash.
    for case in all().into_iter().filter(|case| case.scheme.recipe().content == [ContentPart::Body]) {
        let (header, lead, code) = case.signature();
        let key = case.private.as_bytes();
        assert_eq!(case.decode(&code), sha256(key, &case.body), "{}", case.name);
        for other in [sha1(key, &case.body), sha512(key, &case.body)] {
            refuses(&case, &format!("{lead}{}", case.encode(&other)));
        }
        // Where the request says which: nobody asks it.
        for (name, says) in [("x-hub-signature", "sha1="), ("digest", "sha-1="), ("algorithm", "")] {
            let code = case.encode(&sha1(key, &case.body));
            let mut other = case.with(&HeaderName::from_static(name), format!("{says}{code}"));
            other.headers.remove(&header);
            assert_eq!(other.verdict(), Err(VerifyError::Missing { header: header.clone() }), "{name}");
        }
    }
    let twilio = named("twilio").of("");
    let settings = HeaderName::from_static("x-twilio-webhooks-signature-settings");
    let by_sha256 = twilio.encode(&sha256(twilio.private.as_bytes(), URL.as_bytes()));
    refuses(&twilio.with(&settings, "key=1,algorithm=HMAC_SHA256"), &by_sha256);
    // What everybody knows of a pair is no key for a code, although that is as long.
    for (name, prefix) in [("standard_v1a", "evt-1.1772352000."), ("discord", "1772352000")] {
        let case = named(name);
        let (header, lead, _) = case.signature();
        let content = [prefix.as_bytes(), &case.body].concat();
        for key in [case.public.as_bytes(), &hex::decode(PUBLIC).unwrap()] {
            refuses(&case, &format!("{lead}{}", case.encode(&sha256(key, &content))));
            let long = format!("{lead}{}", case.encode(&sha512(key, &content)));
            assert_eq!(case.with(&header, long).verdict(), Err(VerifyError::Mismatch), "{name}");
        }
    }
}

#[test]
fn s35_a_code_of_another_scheme_fits_only_where_both_sign_the_same_bytes() {
    let body = format!(r#"{{"webhookTimestamp":{}}}"#, NOW.as_micros() / 1000);
    let cases: Vec<_> = all()
        .into_iter()
        .filter(|case| case.public == "any text" && case.name != "twilio")
        .map(|case| case.of(body.as_str()))
        .collect();
    let body_alone = |case: &Case| case.scheme.recipe().content.len() == 1;
    assert_eq!(cases.iter().filter(|case| body_alone(case)).count(), 6);
    for case in &cases {
        let (header, lead, _) = case.signature();
        for other in &cases {
            let code = other.decode(&other.signature().2);
            let verdict = case.with(&header, format!("{lead}{}", case.encode(&code))).verdict();
            let same_bytes = case.name == other.name || (body_alone(case) && body_alone(other));
            let expected = if same_bytes { BY_FIRST } else { Err(VerifyError::Mismatch) };
            assert_eq!(verdict, expected, "{} in {}", other.name, case.name);
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
            // Trying an ed25519 signature hashes the body, so a list of those is shorter.
            let most = if case.name == "standard_v1a" { 4 } else { 32 };
            assert_eq!(case.with(&header, list(most)).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &list(most + 1));
            // What would be skipped counts too, by its number and by its length.
            let skipped = |count: usize, filling: usize| match case.scheme.recipe().grammar {
                Grammar::Pairs { separator, .. } => {
                    let others = format!("{separator}x={}", "x".repeat(filling)).repeat(count);
                    format!("{own}{others}")
                }
                _ => format!("{own}{}", format!(" v9,{}", "x".repeat(filling)).repeat(count)),
            };
            assert_eq!(case.with(&header, skipped(31, 1)).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &skipped(32, 1));
            let room = 4096 - skipped(1, 0).len();
            assert_eq!(case.with(&header, skipped(1, room)).verdict(), BY_FIRST, "{}", case.name);
            refuses(&case, &skipped(1, room + 1));
        } else {
            refuses(&case, &list(2));
            refuses(&case, &format!("{own},{own}"));
            refuses(&case, &format!("{own}, {own}"));
        }
    }
}

/// No luck with the clock: were the body hashed for every candidate, 32 would take 32 times
/// as long as one; they may take eight times, the fastest of seven each in turns.
#[test]
fn s41_a_key_hashes_the_body_once_however_many_signatures_stand_in_the_header() {
    let one = named("standard").of(vec![b'x'; 1 << 20]);
    let (header, lead, code) = one.signature();
    let others = format!("{lead}{} ", other_code(&one)).repeat(31);
    let all = one.with(&header, format!("{others}{lead}{code}"));
    let verifier = one.verifier();
    let time = |case: &Case| {
        let start = Instant::now();
        assert_eq!(case.verdict_of(&verifier, NOW), BY_FIRST);
        start.elapsed()
    };
    let times: Vec<_> = (0..7).map(|_| (time(&one), time(&all))).collect();
    let fastest = |of: fn(&(Duration, Duration)) -> Duration| times.iter().map(of).min().unwrap();
    assert!(fastest(|turn| turn.1) < 8 * fastest(|turn| turn.0), "{times:?}");
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
    assert_eq!(stripped.verdict(), Err(VerifyError::OtherVersion { header: header.clone() }));
    // Nor is a right v1 enough beside a v1a that is wrong.
    let wrong = format!("{} v1a,{}", v1.headers[&header].to_str().unwrap(), other_code(&v1a));
    assert_eq!(v1a.with(&header, wrong).verdict(), Err(VerifyError::Mismatch));
}

#[test]
fn s44_a_secret_past_its_grace_neither_signs_nor_verifies() {
    let end = NOW + Duration::from_secs(60);
    for case in all() {
        let ((old, old_public), (new, new_public)) = ((case.private, case.public), case.other_keys());
        let rotating = |old, new| SecretSet::of(secret(old)).rotated(secret(new), end);
        let verdict_of = |set: &SecretSet, verifier: Verifier, now| {
            let signer = Signer::new(&case.scheme, set).unwrap().at(URL);
            let mut headers = HeaderMap::new();
            signer.sign(&"e".parse().unwrap(), now, &case.body, &mut headers).unwrap();
            verifier.verify_at(URL, &headers, &case.body, now).map(|verified| verified.proof())
        };
        // The sender's side: what signs.
        let sender = rotating(old, new);
        let verdict =
            |now, key| verdict_of(&sender, Verifier::new(&case.scheme, [secret(key)]).unwrap(), now);
        let last = end - Duration::from_micros(1);
        let lists = !matches!(case.scheme.recipe().grammar, Grammar::Bare { .. });
        for (now, both) in [(NOW, lists), (last, lists), (end, false)] {
            assert_eq!(verdict(now, new_public), BY_FIRST, "{}", case.name);
            let expected = if both { BY_FIRST } else { Err(VerifyError::Mismatch) };
            assert_eq!(verdict(now, old_public), expected, "{}: both where a header lists both", case.name);
        }
        // The receiver's side: what is in force.
        let (receiver, stale) = (rotating(old_public, new_public), SecretSet::of(secret(old)));
        let at = |now| Verifier::new(&case.scheme, receiver.in_force(now).cloned()).unwrap();
        assert_eq!(verdict_of(&stale, at(last), last), Ok(Proof::Signed { secret: 1 }), "{}", case.name);
        assert_eq!(verdict_of(&stale, at(end), end), Err(VerifyError::Mismatch), "{}", case.name);
    }
}

#[test]
fn many_secrets_say_which_one_signed() {
    for case in all().into_iter().filter(|case| case.public == "any text") {
        let keys = ["a", "b", "any text", "any text"].map(secret);
        let verifier = Verifier::new(&case.scheme, keys).unwrap();
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
