//! Who may be believed: what a verifier takes, and everything it refuses.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "vectors/timestamps.rs"]
mod timestamps;
mod vectors;

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hookpost::id::EventId;
use hookpost::sign::{Proof, Signer, Tolerance};
use hookpost::{Scheme, Secret, SecretError, SecretSet, Timestamp, Verified, Verifier, VerifyError};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_772_352_000);
const STANDARD_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_SECRET: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn secret(text: impl Into<Vec<u8>>) -> Secret {
    Secret::new(text).unwrap()
}

fn verifier(scheme: &Scheme, key: &str) -> Verifier {
    Verifier::new(scheme, [secret(key)]).unwrap()
}

fn signed_headers(scheme: &Scheme, key: &str, id: &str, now: Timestamp, body: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let signer = Signer::new(scheme, &SecretSet::of(secret(key))).unwrap();
    signer.sign(&EventId::new(id).unwrap(), now, body, &mut headers).unwrap();
    headers
}

/// The verdict on a body under one signature header.
fn verdict(
    verifier: &Verifier,
    header: &'static str,
    signature: &[u8],
    body: &[u8],
) -> Result<Proof, VerifyError> {
    let headers = [(header, signature)];
    verifier.verify(&headers[..], body, NOW).map(|verified| verified.proof())
}

fn is_malformed(verdict: &Result<Proof, VerifyError>) -> bool {
    matches!(verdict, Err(VerifyError::Malformed { .. }))
}

const BY_FIRST: Result<Proof, VerifyError> = Ok(Proof::Signed { secret: 0 });
const LIVE_SESSION: &str = "LiveSession-Signature";
const X_WEBHOOK: &str = "X-Webhook-Signature";

#[test]
fn a_request_of_just_now_is_judged_by_this_machines_clock() {
    let (scheme, now) = (Scheme::standard(), Timestamp::from(std::time::SystemTime::now()));
    let verifier = verifier(&scheme, STANDARD_SECRET);
    let sent_at = |moment| signed_headers(&scheme, STANDARD_SECRET, "msg-1", moment, b"{}");
    assert_eq!(verifier.verify_now(&sent_at(now), b"{}").unwrap().id().unwrap().as_str(), "msg-1");
    let hour = Duration::from_secs(3600);
    assert_eq!(verifier.verify_now(&sent_at(now - hour), b"{}").unwrap_err(), VerifyError::TooOld);
    assert_eq!(verifier.verify_now(&sent_at(now + hour), b"{}").unwrap_err(), VerifyError::TooNew);
    assert_eq!(verifier.verify_now(&sent_at(now), b"[]").unwrap_err(), VerifyError::Mismatch);
}

// LiveSession.

#[test]
fn fa2_every_live_session_fixture_verifies_as_received() {
    for vector in vectors::live_session() {
        let verifier = verifier(&Scheme::live_session(), &vector.secret);
        let found = verdict(&verifier, LIVE_SESSION, vector.base64.as_bytes(), &vector.body);
        assert_eq!(found, BY_FIRST, "{}", vector.file);
    }
}

#[test]
fn fa2_every_flipped_bit_of_body_signature_or_secret_is_refused() {
    let vector = vectors::named("ls_06");
    let scheme = Scheme::live_session();
    let verifier = verifier(&scheme, &vector.secret);
    let mut refused = 0;
    for flipped in flips(&vector.body) {
        let found = verdict(&verifier, LIVE_SESSION, vector.base64.as_bytes(), &flipped);
        assert_eq!(found, Err(VerifyError::Mismatch));
        refused += 1;
    }
    for flipped in flips(&STANDARD.decode(&vector.base64).unwrap()) {
        let found = verdict(&verifier, LIVE_SESSION, STANDARD.encode(flipped).as_bytes(), &vector.body);
        assert_eq!(found, Err(VerifyError::Mismatch));
        refused += 1;
    }
    for flipped in flips(vector.secret.as_bytes()) {
        let verifier = Verifier::new(&scheme, [secret(flipped)]).unwrap();
        let found = verdict(&verifier, LIVE_SESSION, vector.base64.as_bytes(), &vector.body);
        assert_eq!(found, Err(VerifyError::Mismatch));
        refused += 1;
    }
    assert_eq!(refused, 8 * (593 + 32 + 13));
}

/// Each of the texts that differ from this one in a single bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

#[test]
fn fa3_a_signature_header_that_no_sender_writes_is_a_typed_error() {
    let vector = vectors::named("ls_09");
    let verifier = verifier(&Scheme::live_session(), &vector.secret);
    let good = vector.base64.as_str();
    let code = STANDARD.decode(good).unwrap();
    let odd = [
        ("empty", Vec::new()),
        ("white space", b" ".to_vec()),
        ("31 bytes", STANDARD.encode(&code[..31]).into()),
        ("33 bytes", STANDARD.encode([&code[..], &[0]].concat()).into()),
        ("URL-safe alphabet", URL_SAFE.encode(&code).into()),
        ("unpadded", good.trim_end_matches('=').into()),
        ("padded twice", format!("{good}=").into()),
        ("non-canonical last digit", good.replace("k=", "l=").into()),
        ("trailing line end", format!("{good}\n").into()),
        ("leading space", format!(" {good}").into()),
        ("twice in one header", format!("{good} {good}").into()),
        ("joined by a comma", format!("{good}, {good}").into()),
        ("hexadecimal", vector.hex.clone().into()),
        ("not ASCII", "é".repeat(22).into()),
        ("not UTF-8", vec![0xff; 44]),
        ("a megabyte", vec![b'A'; 1 << 20]),
    ];
    assert!(good.ends_with("k=") && good.contains('+'), "the fixture has what the rows change");
    for (why, header) in odd {
        assert!(is_malformed(&verdict(&verifier, LIVE_SESSION, &header, &vector.body)), "{why}");
    }
    assert_eq!(verdict(&verifier, LIVE_SESSION, good.as_bytes(), &vector.body), BY_FIRST);
}

#[test]
fn fa3_a_header_that_is_missing_or_came_twice_is_refused_by_name() {
    let vector = vectors::named("ls_01");
    let verifier = verifier(&Scheme::live_session(), &vector.secret);
    let header = HeaderName::from_static("livesession-signature");
    let missing = verifier.verify(&HeaderMap::new(), &vector.body, NOW);
    assert_eq!(missing.unwrap_err(), VerifyError::Missing { header: header.clone() });
    let other = STANDARD.encode([7; 32]);
    for second in [vector.base64.as_str(), &other] {
        let twice = [("livesession-signature", vector.base64.as_str()), ("LIVESESSION-SIGNATURE", second)];
        let found = verifier.verify(&twice[..], &vector.body, NOW);
        assert_eq!(found.unwrap_err(), VerifyError::Repeated { header: header.clone() });
    }
}

#[test]
fn fa4_only_the_bytes_as_received_verify_and_no_json_written_again() {
    let vector = vectors::named("ls_12");
    let verifier = verifier(&Scheme::live_session(), &vector.secret);
    let of = |body: &[u8]| verdict(&verifier, LIVE_SESSION, vector.base64.as_bytes(), body);
    assert_eq!(of(&vector.body), BY_FIRST);
    let parsed: serde_json::Value = serde_json::from_slice(&vector.body).unwrap();
    assert_eq!(of(&serde_json::to_vec(&parsed).unwrap()), Err(VerifyError::Mismatch));
    assert_eq!(of(vector.body.trim_ascii_end()), Err(VerifyError::Mismatch));
}

#[test]
fn a_body_that_no_json_reader_takes_verifies_all_the_same() {
    let body = b"\xef\xbb\xbf\xff\x00{\"a\":1";
    let headers = signed_headers(&Scheme::live_session(), "s", "e", NOW, body);
    let verified = verifier(&Scheme::live_session(), "s").verify(&headers, body, NOW).unwrap();
    assert_eq!(verified.into_body(), body);
}

#[test]
fn fa23_a_receiver_with_both_secrets_takes_either_and_says_which() {
    let (scheme, body) = (Scheme::live_session(), b"{}");
    let of = |key: &str| signed_headers(&scheme, key, "e", NOW, body);
    let both = Verifier::new(&scheme, [secret("new"), secret("old")]).unwrap();
    let proof =
        |verifier: &Verifier, key| verifier.verify(&of(key), body, NOW).map(|verified| verified.proof());
    assert_eq!(proof(&both, "new"), Ok(Proof::Signed { secret: 0 }));
    assert_eq!(proof(&both, "old"), Ok(Proof::Signed { secret: 1 }));
    assert_eq!(proof(&both, "other"), Err(VerifyError::Mismatch));
    let new_alone = verifier(&scheme, "new");
    assert_eq!(proof(&new_alone, "old"), Err(VerifyError::Mismatch));
    assert_eq!(proof(&new_alone, "new"), BY_FIRST);
}

// X-Webhook.

#[test]
fn fb8_upper_case_digits_are_taken_and_every_other_form_is_refused() {
    let vector = vectors::named("bl_02");
    let verifier = verifier(&Scheme::x_webhook(), &vector.secret);
    let of = |signature: &str| verdict(&verifier, X_WEBHOOK, signature.as_bytes(), &vector.body);
    assert_eq!(of(&vector.hex), BY_FIRST);
    assert_eq!(of(&vector.hex.to_uppercase()), BY_FIRST);
    for odd in [
        "",
        &vector.hex[..62],
        &vector.hex[..63],
        &format!("{}00", vector.hex),
        &format!("sha256={}", vector.hex),
        &format!("0x{}", &vector.hex[2..]),
        &format!("{} ", vector.hex),
        &"g".repeat(64),
        &vector.base64,
    ] {
        assert!(is_malformed(&of(odd)), "{odd}");
    }
    assert_eq!(of(&"0".repeat(64)), Err(VerifyError::Mismatch));
    let missing = verifier.verify(&HeaderMap::new(), &vector.body, NOW).unwrap_err();
    assert!(matches!(missing, VerifyError::Missing { .. }), "a secret is set, so a signature must come");
}

#[test]
fn fb8_a_prefix_is_taken_only_where_it_was_asked_for() {
    let vector = vectors::named("bl_02");
    let verifier = verifier(&Scheme::x_webhook(), &vector.secret).or_prefix("sha256=").unwrap();
    let of = |prefix: &str| {
        verdict(&verifier, X_WEBHOOK, format!("{prefix}{}", vector.hex).as_bytes(), &vector.body)
    };
    assert_eq!(of("sha256="), BY_FIRST);
    assert_eq!(of(""), BY_FIRST);
    for other in ["sha1=", "SHA256=", "sha256=sha256=", "sha256= "] {
        assert!(is_malformed(&of(other)), "{other}");
    }
    let list = self::verifier(&Scheme::standard(), STANDARD_SECRET);
    assert_eq!(list.or_prefix("sha256=").unwrap_err().field, "prefix");
}

#[test]
fn fb8_only_a_verifier_made_without_secrets_says_unsigned() {
    let unsigned = Verifier::unsigned();
    assert_eq!(verdict(&unsigned, X_WEBHOOK, b"nonsense", b"{}"), Ok(Proof::Unsigned));
    assert_eq!(unsigned.verify(&HeaderMap::new(), b"{}", NOW).unwrap().proof(), Proof::Unsigned);
    for scheme in [Scheme::live_session(), Scheme::x_webhook(), Scheme::standard()] {
        assert_eq!(Verifier::new(&scheme, []).unwrap_err(), SecretError::Missing);
    }
    assert_eq!(Secret::new(" ").unwrap_err(), SecretError::Blank);
}

#[test]
fn fb9_escapes_of_another_writer_survive_because_raw_bytes_are_verified() {
    let vector = vectors::named("bl_05");
    let verifier = verifier(&Scheme::x_webhook(), &vector.secret);
    let headers = [("x-webhook-signature", vector.hex.as_str())];
    let received = verifier.verify(&headers[..], vector.body.as_slice(), NOW).unwrap();
    let body: serde_json::Value = serde_json::from_slice(received.body()).unwrap();
    assert_eq!(body["data"]["current_url"], "https://cafe.test/menu");
    assert_eq!(body["data"]["visitor_name"], "Rui Sá 🦊");
    let again = serde_json::to_vec(&body).unwrap();
    assert_eq!(verdict(&verifier, X_WEBHOOK, vector.hex.as_bytes(), &again), Err(VerifyError::Mismatch));
}

#[test]
fn a_scheme_that_signs_only_the_body_proves_neither_id_nor_time_and_takes_no_tolerance() {
    let headers = signed_headers(&Scheme::x_webhook(), "s", "e", NOW, b"{}");
    let verified = verifier(&Scheme::x_webhook(), "s").verify(&headers, b"{}", Timestamp::MAX).unwrap();
    assert_eq!((verified.id(), verified.timestamp()), (None, None));
    for make in [
        || verifier(&Scheme::x_webhook(), "s"),
        || verifier(&Scheme::live_session(), "s"),
        Verifier::unsigned,
    ] {
        let refused = make().tolerance(Tolerance::Within(Duration::from_secs(300))).unwrap_err();
        assert_eq!(refused.field, "tolerance");
        assert!(make().tolerance(Tolerance::Off).is_ok());
    }
}

// Standard Webhooks.

fn standard_headers(body: &[u8]) -> HeaderMap {
    signed_headers(&Scheme::standard(), STANDARD_SECRET, "evt-1", NOW, body)
}

fn standard_verdict(headers: &HeaderMap, now: Timestamp) -> Result<Proof, VerifyError> {
    verifier(&Scheme::standard(), STANDARD_SECRET)
        .verify(headers, b"{}", now)
        .map(|verified| verified.proof())
}

/// The same request with one header's text changed.
fn with(name: &'static str, text: &[u8]) -> HeaderMap {
    let mut headers = standard_headers(b"{}");
    headers.insert(name, HeaderValue::from_bytes(text).unwrap());
    headers
}

#[test]
fn standard_proves_id_and_time_with_the_body() {
    let verified =
        verifier(&Scheme::standard(), STANDARD_SECRET).verify(&standard_headers(b"{}"), b"{}", NOW).unwrap();
    assert_eq!(verified.id().map(EventId::as_str), Some("evt-1"));
    assert_eq!(verified.timestamp(), Some(NOW));
    assert_eq!(verified.body(), &b"{}");
}

#[test]
fn every_flipped_bit_of_id_timestamp_or_signature_is_refused() {
    let good = standard_headers(b"{}");
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut sent = 0;
        for flipped in flips(good[name].as_bytes()) {
            // What no header can hold never arrives.
            let Ok(value) = HeaderValue::from_bytes(&flipped) else { continue };
            let mut headers = good.clone();
            headers.insert(name, value);
            assert!(standard_verdict(&headers, NOW).is_err(), "{name}: {flipped:?}");
            sent += 1;
        }
        assert!(sent > 30, "{name}");
    }
    assert_eq!(standard_verdict(&good, NOW), BY_FIRST);
}

#[test]
fn the_tolerance_counts_both_ways_and_includes_its_ends() {
    let headers = standard_headers(b"{}");
    let at =
        |seconds: i64| standard_verdict(&headers, Timestamp::from_unix_seconds(NOW.unix_seconds() + seconds));
    for inside in [0, 1, 299, 300, -1, -299, -300] {
        assert_eq!(at(inside), BY_FIRST, "{inside} s");
    }
    assert_eq!(at(301), Err(VerifyError::TooOld));
    assert_eq!(at(-301), Err(VerifyError::TooNew));
    assert_eq!(standard_verdict(&headers, NOW + Duration::from_millis(300_999)), BY_FIRST, "whole seconds");
}

#[test]
fn a_tolerance_is_set_or_off_and_zero_is_not_off() {
    let headers = standard_headers(b"{}");
    let later = |seconds| NOW + Duration::from_secs(seconds);
    let of = |tolerance, now| {
        let verifier = verifier(&Scheme::standard(), STANDARD_SECRET).tolerance(tolerance).unwrap();
        verifier.verify(&headers, b"{}", now).map(|verified| verified.proof())
    };
    assert_eq!(of(Tolerance::Within(Duration::ZERO), NOW), BY_FIRST);
    assert_eq!(of(Tolerance::Within(Duration::ZERO), later(1)), Err(VerifyError::TooOld));
    assert_eq!(of(Tolerance::Within(Duration::from_secs(5)), later(6)), Err(VerifyError::TooOld));
    assert_eq!(of(Tolerance::Off, later(1 << 40)), BY_FIRST);
    assert_eq!(of(Tolerance::Within(Duration::MAX), Timestamp::from_micros(i64::MIN)), BY_FIRST);
}

#[test]
fn a_stale_request_is_called_stale_only_when_it_is_authentic() {
    let late = NOW + Duration::from_secs(3600);
    assert_eq!(standard_verdict(&standard_headers(b"{}"), late), Err(VerifyError::TooOld));
    assert_eq!(standard_verdict(&standard_headers(b"other"), late), Err(VerifyError::Mismatch));
}

/// Signs whatever stands in the headers, as a sender with the secret could.
fn signature_over(id: &str, timestamp: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let key = STANDARD.decode(STANDARD_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut state = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    state.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(state.finalize().into_bytes()))
}

fn crafted(id: &str, timestamp: &str) -> Result<Proof, VerifyError> {
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_owned()),
        ("webhook-signature", signature_over(id, timestamp, "{}")),
    ];
    let verifier = verifier(&Scheme::standard(), STANDARD_SECRET);
    verifier.verify(&headers[..], "{}", NOW).map(|verified| verified.proof())
}

#[test]
fn a_timestamp_has_one_form_even_where_its_signature_fits() {
    assert_eq!(crafted("evt-1", "1772352000"), BY_FIRST);
    for odd in timestamps::ODD {
        assert!(is_malformed(&crafted("evt-1", odd)), "{odd:?}");
    }
    for far in ["1772352000000", "1000000000000000000", "9223372036854775807", "9999999999999999999"] {
        assert_eq!(crafted("evt-1", far), Err(VerifyError::TooNew), "{far}");
    }
    assert_eq!(crafted("evt-1", "0"), Err(VerifyError::TooOld));
}

#[test]
fn an_id_that_could_be_cut_elsewhere_is_refused_even_where_its_signature_fits() {
    let long = "x".repeat(129);
    for odd in ["", "evt.1", "evt-1.1772352000", "evt 1", "évt", &long] {
        assert!(is_malformed(&crafted(odd, "1772352000")), "{odd:?}");
    }
}

#[test]
fn a_list_is_searched_for_the_schemes_version_and_one_match_is_enough() {
    let good = signature_over("evt-1", "1772352000", "{}");
    let wrong = format!("v1,{}", STANDARD.encode([7; 32]));
    let of = |text: &str| standard_verdict(&with("webhook-signature", text.as_bytes()), NOW);
    for list in [
        good.clone(),
        format!("{wrong} {good}"),
        format!("{good} {wrong}"),
        format!("v1a,anything {good} v2,"),
        [vec![wrong.clone(); 31], vec![good.clone()]].concat().join(" "),
    ] {
        assert_eq!(of(&list), BY_FIRST, "{list}");
    }
    assert_eq!(of(&wrong), Err(VerifyError::Mismatch));
    let header = HeaderName::from_static("webhook-signature");
    let own = good.strip_prefix("v1,").unwrap();
    for other in [format!("v1a,{own}"), format!("v0,{own} v2,{own}"), format!("V1,{own}")] {
        assert_eq!(of(&other), Err(VerifyError::OtherVersion { header: header.clone() }), "{other}");
    }
    for odd in [
        "",
        "v1",
        "v1,",
        ",",
        "v1,AA",
        own,
        &format!("{good},"),
        &format!("{wrong}, {good}"),
        &format!("{good}  {wrong}"),
        &format!("junk {good}"),
        &format!("{good} "),
        &good[..good.len() - 1],
        &format!("{good}="),
        &good.replace("v1,", "v1,v1,"),
        &vec![wrong.clone(); 33].join(" "),
        &vec!["v9,x"; 2000].join(" "),
        &format!("v9,{} {good}", "x".repeat(4096)),
    ] {
        assert!(is_malformed(&of(odd)), "{odd}");
    }
}

#[test]
fn any_header_of_the_scheme_that_is_missing_or_came_twice_is_refused() {
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let header = HeaderName::from_static(name);
        let mut headers = standard_headers(b"{}");
        let value = headers[name].clone();
        headers.append(name, value);
        assert_eq!(standard_verdict(&headers, NOW), Err(VerifyError::Repeated { header: header.clone() }));
        headers.remove(name);
        assert_eq!(standard_verdict(&headers, NOW), Err(VerifyError::Missing { header }));
    }
}

#[test]
fn another_key_form_or_no_key_is_refused_when_the_verifier_is_made() {
    let bytes = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for (text, expected) in [
        (bytes.trim_end_matches('=').to_owned(), SecretError::Prefix),
        (format!("whpk_{bytes}"), SecretError::Prefix),
        (format!("whsk_{bytes}"), SecretError::Prefix),
        (format!("v1,whsec_{bytes}"), SecretError::Prefix),
        ("whsec_".to_owned(), SecretError::Length { bytes: 0, min: 24, max: 64 }),
        ("whsec_!!!!".to_owned(), SecretError::Encoding),
        (format!("whsec_{}", bytes.trim_end_matches('=')), SecretError::Padding),
    ] {
        let made = Verifier::new(&Scheme::standard(), [secret(STANDARD_SECRET), secret(text.as_str())]);
        assert_eq!(made.unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_receiver_in_rotation_takes_what_a_sender_in_rotation_signs() {
    let end = NOW + Duration::from_secs(60);
    let sender = SecretSet::of(secret(STANDARD_SECRET)).rotated(secret(OTHER_SECRET), end);
    let signer = Signer::new(Scheme::standard(), &sender).unwrap();
    let at = |now, key: &str| {
        let mut headers = HeaderMap::new();
        signer.sign(&EventId::new("e").unwrap(), now, b"{}", &mut headers).unwrap();
        verifier(&Scheme::standard(), key).verify(&headers, b"{}", now).map(|verified| verified.proof())
    };
    assert_eq!(at(NOW, STANDARD_SECRET), BY_FIRST);
    assert_eq!(at(NOW, OTHER_SECRET), BY_FIRST);
    assert_eq!(at(end, STANDARD_SECRET), Err(VerifyError::Mismatch), "retired");
    assert_eq!(at(end, OTHER_SECRET), BY_FIRST);
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_with_one_change_does_not(
        id in "[!-\\-/-~]{1,128}",
        body in prop::collection::vec(any::<u8>(), 0..2000),
        seconds in 0_i64..253_402_300_800,
        change in any::<prop::sample::Index>(),
        bit in 0_u32..8,
    ) {
        let now = Timestamp::from_unix_seconds(seconds);
        for (scheme, key) in [
            (Scheme::live_session(), "s"), (Scheme::x_webhook(), "s"), (Scheme::standard(), STANDARD_SECRET),
        ] {
            let headers = signed_headers(&scheme, key, &id, now, &body);
            let verifier = verifier(&scheme, key);
            let verified = verifier.verify(&headers, body.clone(), now);
            prop_assert_eq!(verified.as_ref().map(Verified::body), Ok(&body));
            let mut other = body.clone();
            if other.is_empty() { other.push(0) } else {
                let at = change.index(other.len());
                other[at] ^= 1 << bit;
            }
            prop_assert_eq!(verifier.verify(&headers, other, now).unwrap_err(), VerifyError::Mismatch);
        }
    }

    #[test]
    fn no_headers_and_no_body_ever_panic(
        id in prop::collection::vec(any::<u8>(), 0..40),
        timestamp in prop::collection::vec(any::<u8>(), 0..40),
        signature in prop::collection::vec(any::<u8>(), 0..200),
        listed in "(v1,[A-Za-z0-9+/=]{40,46}[ ,]?){0,40}",
        body in prop::collection::vec(any::<u8>(), 0..100),
        now in any::<i64>(),
    ) {
        let now = Timestamp::from_micros(now);
        for signature in [signature.as_slice(), listed.as_bytes()] {
            let headers = [
                ("webhook-id", id.as_slice()), ("webhook-timestamp", timestamp.as_slice()),
                ("webhook-signature", signature), (X_WEBHOOK, signature), (LIVE_SESSION, signature),
            ];
            for (scheme, key) in [
                (Scheme::live_session(), "s"), (Scheme::x_webhook(), "s"), (Scheme::standard(), STANDARD_SECRET),
            ] {
                prop_assert!(verifier(&scheme, key).verify(&headers[..], &body, now).is_err());
            }
        }
    }
}

#[test]
fn nothing_that_is_printed_tells_a_secret_or_the_right_signature() {
    let key = "canary-4711";
    let good = signed_headers(&Scheme::live_session(), key, "e", NOW, b"{}");
    let right = good["livesession-signature"].to_str().unwrap().to_owned();
    let verifier = Verifier::new(&Scheme::live_session(), [secret(key)]).unwrap();
    let mut printed = vec![format!("{verifier:?} {verifier:#?}")];
    for signature in [STANDARD.encode([7; 32]), String::new(), right.replace('=', "")] {
        let error = verdict(&verifier, LIVE_SESSION, signature.as_bytes(), b"{}").unwrap_err();
        printed.push(format!("{error} {error:?}"));
    }
    let keys = hookpost::sign::BodyKeys::of([secret(key)]);
    let body = format!(r#"{{"secret_key":"{key}","action":"a","payload":{{}}}}"#);
    let in_body = Verifier::live_chat(keys).unwrap().verify(&[("", ""); 0][..], body, NOW).unwrap();
    printed.push(format!("{in_body:?}"));
    let printed = printed.concat();
    assert!(!printed.contains("canary") && !printed.contains(right.trim_end_matches('=')), "{printed}");
}

/// Two guards: codes cannot be compared otherwise (`Mac` has no `==`), and the one
/// comparison goes through `subtle`.
#[test]
fn fg12_codes_are_compared_by_subtle_in_one_place() {
    let source = |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let mac = source("src/sign/scheme/mac.rs");
    let (before, _) = mac.split_once("struct Mac(").unwrap();
    let derives = before.rsplit_once("#[derive(").unwrap().1;
    assert!(!derives.contains("PartialEq"), "derive({derives}");
    assert!(!mac.contains("PartialEq for Mac") && !mac.contains("PartialEq<Mac>"));
    let (matches, _) = mac.split_once("fn matches(").unwrap().1.split_once("\n    }\n").unwrap();
    assert!(
        matches.contains(".ct_eq(") && !matches.contains("==") && !matches.contains("return"),
        "{matches}"
    );
    let verifying = source("src/sign/verify/signatures.rs");
    assert!(verifying.contains("expected.fits(&signature)") && !verifying.contains("== signature"));
    let sides = source("src/sign/scheme/sides.rs");
    assert!(sides.contains("Self::Mac(mac) => mac.matches(signature)"));
    assert_eq!(mac.matches("ct_eq").count(), 1, "one comparison");
}
