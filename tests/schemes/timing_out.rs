//! Requests that somebody recorded: too old, too new, or with a moment read in two ways.

use std::time::Duration;

use hookpost::receive::{Deduplicator as _, MemoryDeduplicator, Sighting};
use hookpost::sign::{ContentPart, Proof, SignError, Signer, Tolerance};
use hookpost::{Scheme, SecretSet, Timestamp, Verifier, VerifyError};
use http::HeaderMap;

use super::cases::{BY_FIRST, NOW, URL, all, named, secret};
use super::timestamps::ODD;

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW.unix_seconds() + seconds)
}

#[test]
fn s38_a_request_is_fresh_for_the_tolerance_on_both_sides_its_ends_included() {
    let dated: Vec<_> = all().into_iter().filter(|case| case.scheme.signs_timestamp()).collect();
    assert_eq!(dated.len(), 8);
    for case in dated {
        for tolerance in [1_i64, 300] {
            let within = Tolerance::Within(Duration::from_secs(tolerance.unsigned_abs()));
            let verifier = case.verifier().tolerance(within).unwrap();
            let at = |seconds| case.verdict_of(&verifier, later(seconds));
            for inside in [tolerance - 1, tolerance] {
                assert_eq!(at(inside), BY_FIRST, "{}: {inside} s", case.name);
                assert_eq!(at(-inside), BY_FIRST, "{}: -{inside} s", case.name);
            }
            assert_eq!(at(tolerance + 1), Err(VerifyError::TooOld), "{}", case.name);
            assert_eq!(at(-tolerance - 1), Err(VerifyError::TooNew), "{}", case.name);
        }
        assert_eq!(case.verdict_at(later(301)), Err(VerifyError::TooOld), "{}: 300 s unless set", case.name);
        let off = case.verifier().tolerance(Tolerance::Off).unwrap();
        assert_eq!(case.verdict_of(&off, Timestamp::MAX), BY_FIRST, "{}", case.name);
    }
}

#[test]
fn s38_a_timestamp_that_is_no_plain_digits_is_refused_before_anything_is_hashed() {
    for case in all() {
        for part in &case.scheme.recipe().content {
            let ContentPart::Timestamp(header) = part else { continue };
            for odd in ODD {
                let found = case.with(header, odd).verdict();
                assert!(matches!(found, Err(VerifyError::Malformed { .. })), "{}: {odd:?}", case.name);
            }
        }
        if case.scheme.recipe().content.contains(&ContentPart::ListedTimestamp) {
            let (header, lead, code) = case.signature();
            for odd in ODD {
                let text = format!("{lead}{code}").replace("1772352000", odd);
                let found = case.with(&header, text).verdict();
                assert!(matches!(found, Err(VerifyError::Malformed { .. })), "{}: {odd:?}", case.name);
            }
        }
    }
}

/// Signed by who holds the secret, so only the distance can be wrong.
#[test]
fn s38_no_moment_however_far_overflows_into_freshness() {
    let far = [i64::MAX, 1_772_352_000_000_000, i64::MIN, -1, 0];
    for case in all().into_iter().filter(|case| case.scheme.signs_timestamp() && case.name != "linear") {
        for now in far.map(Timestamp::from_micros) {
            let found = case.verdict_at(now);
            assert_eq!(found.is_ok(), now == NOW, "{}: {now:?}", case.name);
        }
        let signed_far = |seconds: i64| case.signed_at(Timestamp::from_unix_seconds(seconds)).verdict();
        assert_eq!(signed_far(1_772_352_000_000), Err(VerifyError::TooNew), "{}: milliseconds", case.name);
        assert_eq!(signed_far(i64::MAX), Err(VerifyError::TooNew), "{}", case.name);
        assert_eq!(signed_far(0), Err(VerifyError::TooOld), "{}", case.name);
        assert_eq!(signed_far(NOW.unix_seconds()), BY_FIRST, "{}", case.name);
    }
}

#[test]
fn s38_linears_moment_is_the_bodys_own_and_counts_only_as_one_whole_number() {
    let case = named("linear");
    let of = |body: &str| case.of(body);
    assert_eq!(of(r#"{"webhookTimestamp":1772352000000}"#).verdict(), BY_FIRST);
    assert_eq!(of(r#"{"webhookTimestamp":1772351699999}"#).verdict(), Err(VerifyError::TooOld));
    assert_eq!(of(r#"{"webhookTimestamp":1772352300001}"#).verdict(), Err(VerifyError::TooNew));
    for odd in [
        "{}",
        r#"{"data":{"webhookTimestamp":1772352000000}}"#,
        r#"{"webhookTimestamp":"1772352000000"}"#,
        r#"{"webhookTimestamp":1772352000000.0}"#,
        r#"{"webhookTimestamp":1,"webhookTimestamp":1772352000000}"#,
        "[1772352000000]",
        "",
    ] {
        assert!(matches!(of(odd).verdict(), Err(VerifyError::Body { .. })), "{odd}");
        let off = case.verifier().tolerance(Tolerance::Off).unwrap();
        assert_eq!(of(odd).verdict_of(&off, NOW), BY_FIRST, "{odd}");
    }
    // As far as a distance in microseconds can be: where it wraps it is below any tolerance.
    let signed = of(r#"{"webhookTimestamp":1772352000000}"#);
    for (now, expected) in [
        (Timestamp::from_micros(NOW.as_micros().wrapping_add(i64::MIN)), VerifyError::TooNew),
        (Timestamp::from_micros(i64::MIN), VerifyError::TooNew),
        (Timestamp::MAX, VerifyError::TooOld),
    ] {
        assert_eq!(signed.verdict_at(now), Err(expected), "{now:?}");
    }
    let mut stale = of(r#"{"webhookTimestamp":1}"#);
    stale.headers.insert("linear-timestamp", "1772352000000".parse().unwrap());
    assert_eq!(stale.verdict(), Err(VerifyError::TooOld), "the unsigned header is not read");
}

/// A verifier remembers nothing; what does takes the id that was proven.
#[test]
fn s38_the_same_request_twice_verifies_twice_and_is_seen_the_second_time() {
    for case in ["standard", "standard_v1a", "svix"].map(named) {
        let seen = MemoryDeduplicator::new();
        let verified_and_new = || {
            let verified = case.verifier().verify(&case.headers, &case.body, NOW).unwrap();
            match seen.see(verified.id().unwrap(), NOW).unwrap() {
                Sighting::New(handling) => {
                    handling.done();
                    true
                }
                Sighting::Underway => panic!("nobody is handling it"),
                Sighting::Seen => false,
            }
        };
        assert_eq!([verified_and_new(), verified_and_new()], [true, false], "{}", case.name);
    }
}

#[test]
fn s39_no_message_can_be_cut_in_two_ways() {
    assert!("a.1".parse::<hookpost::id::EventId>().is_err(), "no sender has such an id");
    for case in ["standard", "standard_v1a", "svix"].map(named) {
        let names: Vec<_> = case.scheme.header_names().cloned().collect();
        let [id, time, _] = &names[..] else { panic!("{}: id, timestamp and signature", case.name) };
        // What was signed is `evt-1.1772352000.1772352000.{}`, whose second dot moves the cuts.
        let case = case.of("1772352000.{}");
        for (cut_id, cut_time, body) in
            [("evt-1.1772352000", "1772352000", "{}"), ("evt-1", "1772352000.1772352000", "{}")]
        {
            let mut moved = case.with(id, cut_id).with(time, cut_time);
            moved.body = body.into();
            assert!(matches!(moved.verdict(), Err(VerifyError::Malformed { .. })), "{}: {cut_id}", case.name);
        }
    }
    // Discord has nothing between the two: the body may not lend the timestamp a digit.
    let discord = named("discord");
    let whole = discord.signed_at(Timestamp::from_unix_seconds(17_723_520_000));
    let off = discord.verifier().tolerance(Tolerance::Off).unwrap();
    assert_eq!(whole.verdict_of(&off, NOW), BY_FIRST);
    let time = http::HeaderName::from_static("x-signature-timestamp");
    let mut moved = whole.with(&time, "1772352000");
    moved.body.insert(0, b'0');
    assert!(matches!(moved.verdict_of(&off, NOW), Err(VerifyError::Body { .. })));
    let signer = Signer::new(Scheme::discord(), &SecretSet::of(secret(discord.private))).unwrap();
    let refused = signer.sign(&"e".parse().unwrap(), NOW, &moved.body, &mut HeaderMap::new());
    assert!(matches!(refused, Err(SignError::Body { .. })), "nor does a sender sign it");
}

#[test]
fn s39_no_url_reaches_into_the_body_and_no_body_into_the_url() {
    let square = named("square");
    let verdict = |url: &str, body: &str| {
        let verifier = square.verifier();
        verifier.verify_at(url, &square.headers, body.as_bytes().to_vec(), NOW).map(|proven| proven.proof())
    };
    let body = String::from_utf8(square.body.clone()).unwrap();
    assert_eq!(verdict(URL, &body), BY_FIRST);
    let (head, tail) = URL.split_at(URL.len() - 3);
    let reached = verdict(head, &format!("{tail}{body}"));
    assert!(matches!(reached, Err(VerifyError::Body { .. })), "{reached:?}");
    let (head, tail) = body.split_at(1);
    let reached = verdict(&format!("{URL}{head}"), tail);
    assert!(matches!(reached, Err(VerifyError::Url { .. } | VerifyError::Body { .. })), "{reached:?}");
    let signer = Signer::new(Scheme::square(), &SecretSet::of(secret("s"))).unwrap();
    for (url, body, expected) in [(URL.to_owned(), "/x", "body"), (format!("{URL}{{"), "{}", "url")] {
        let refused =
            signer.clone().at(&url).sign(&"e".parse().unwrap(), NOW, body.as_bytes(), &mut HeaderMap::new());
        assert!(refused.unwrap_err().to_string().starts_with(expected), "{body}");
    }
}

#[test]
fn zero_is_a_tolerance_and_a_scheme_without_a_moment_takes_none() {
    for case in all() {
        let made = case.verifier().tolerance(Tolerance::Within(Duration::ZERO));
        assert_eq!(made.is_ok(), case.scheme.signs_timestamp(), "{}", case.name);
        if let Ok(strict) = made {
            assert_eq!(case.verdict_of(&strict, NOW), BY_FIRST);
            assert_eq!(case.verdict_of(&strict, later(1)), Err(VerifyError::TooOld));
        }
    }
    let github = Verifier::new(&Scheme::github(), [secret("s")]).unwrap();
    assert_eq!(github.at("https://example.com").unwrap_err().field, "url");
    assert_eq!(BY_FIRST, Ok(Proof::Signed { secret: 0 }));
}
