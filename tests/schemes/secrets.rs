//! Secrets that nobody should sign with, and verifiers that nobody could trust.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::seam::Entropy as _;
use hookpost::system::OsEntropy;
use hookpost::wire::scheme::Signer;
use hookpost::wire::verify::BodyKeys;
use hookpost::{Scheme, Secret, SecretError, SecretSet, Verifier};

use super::cases::{NOW, all, named, secret};

const POINT: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";

fn refused(scheme: &str, text: &str) -> SecretError {
    let secret = match Secret::new(text) {
        Ok(secret) => secret,
        Err(error) => return error,
    };
    Verifier::new(&Scheme::named(scheme).unwrap(), [secret]).unwrap_err()
}

#[test]
fn s31_each_weak_secret_is_refused_for_its_own_reason() {
    let whsec = |bytes: &[u8]| format!("whsec_{}", STANDARD.encode(bytes));
    let length = |bytes| SecretError::Length { bytes, min: 24, max: 64 };
    for (text, expected) in [
        (String::new(), SecretError::Blank),
        (" \t\r\n".to_owned(), SecretError::Blank),
        ("whsec_".to_owned(), length(0)),
        (whsec(&[7; 23]), length(23)),
        (whsec(&[7; 65]), length(65)),
        ("x".repeat(1025), SecretError::TooLong),
        (STANDARD.encode([7; 32]), SecretError::Prefix),
        (whsec(&[7; 32]).replace("whsec", "WHSEC"), SecretError::Prefix),
        (whsec(&[7; 32]).replace("whsec", "whpk"), SecretError::Prefix),
        (format!("v1,{}", whsec(&[7; 32])), SecretError::Prefix),
        (format!(" {}", whsec(&[7; 32])), SecretError::Prefix),
        ("whsec_????".to_owned(), SecretError::Encoding),
        (whsec(&[7; 32]).replace("Bwc=", "Bwd="), SecretError::Encoding),
        (whsec(&[7; 32]).replace('=', ""), SecretError::Encoding),
        (format!("{}\n", whsec(&[7; 32])), SecretError::Encoding),
        (whsec(&[0; 32]), SecretError::Zero),
    ] {
        for scheme in ["standard", "svix"] {
            assert_eq!(refused(scheme, &text), expected, "{scheme}: {text:?}");
        }
    }
    for case in all().into_iter().filter(|case| case.public == "any text") {
        assert_eq!(refused(case.name, ""), SecretError::Blank, "{}", case.name);
        assert_eq!(refused(case.name, "\0\0\0"), SecretError::Zero, "{}", case.name);
        assert_eq!(refused(case.name, &"x".repeat(1025)), SecretError::TooLong, "{}", case.name);
    }
}

#[test]
fn s31_the_signing_side_refuses_what_the_verifying_side_does() {
    for (scheme, text) in
        [("standard", "whsec_BwcH"), ("github", "\0"), ("stripe", "whpk_x"), ("discord", "00")]
    {
        let secrets = SecretSet::of(secret(text));
        assert!(Signer::new(Scheme::named(scheme).unwrap(), &secrets).is_err(), "{scheme}");
    }
}

#[test]
fn s32_a_million_new_secrets_of_the_systems_randomness_hold_32_bytes_and_never_repeat() {
    let scheme = Scheme::standard();
    let mut seen = HashSet::new();
    for _ in 0..1_000_000 {
        let mut random = [0; 32];
        OsEntropy.fill(&mut random).unwrap();
        assert!(seen.insert(scheme.new_secret(&random).unwrap().expose().to_vec()));
    }
    assert_eq!(seen.iter().map(Vec::len).max(), Some("whsec_".len() + 44));
    assert_eq!(scheme.new_secret(&[0; 32]).unwrap_err(), SecretError::Zero);
}

#[test]
fn s32_a_new_secret_has_its_schemes_form() {
    for case in all() {
        let secret = case.scheme.new_secret(&[7; 32]).unwrap();
        assert!(Signer::new(&case.scheme, &SecretSet::of(secret)).is_ok(), "{}", case.name);
    }
}

#[test]
fn s35_no_key_of_another_kind_is_taken_whatever_the_scheme() {
    let public = format!("whpk_{}", STANDARD.encode(hex::decode(POINT).unwrap()));
    let private = format!("whsk_{}", STANDARD.encode([7; 32]));
    let whsec = format!("whsec_{}", STANDARD.encode([7; 32]));
    for case in all() {
        for text in [&public, &private] {
            let expected = match case.name {
                "discord" => Some(SecretError::Encoding),
                "standard_v1a" if *text == public => None,
                _ => Some(SecretError::Prefix),
            };
            let made = Verifier::new(&case.scheme, [secret(text.as_str())]).err();
            assert_eq!(made, expected, "{}: {text}", case.name);
        }
    }
    assert_eq!(refused("standard_v1a", &whsec), SecretError::Prefix);
    assert_eq!(refused("standard_v1a", POINT), SecretError::Prefix);
    assert_eq!(refused("discord", &whsec), SecretError::Encoding);
    let public = SecretSet::of(secret(public));
    assert_eq!(Signer::new(Scheme::standard_v1a(), &public).unwrap_err(), SecretError::Prefix);
}

#[test]
fn s36_no_verifier_is_made_without_a_secret() {
    for case in all() {
        assert_eq!(Verifier::new(&case.scheme, []).unwrap_err(), SecretError::Missing, "{}", case.name);
    }
    assert_eq!(Verifier::live_chat(BodyKeys::of([])).unwrap_err(), SecretError::Missing);
    // Without one, a sender sets no header, and a verifier refuses what has none.
    let case = named("github");
    let mut headers = http::HeaderMap::new();
    let id = "evt-1".parse().unwrap();
    Signer::new(&case.scheme, &SecretSet::none()).unwrap().sign(&id, NOW, &case.body, &mut headers).unwrap();
    assert!(headers.is_empty());
    assert!(case.verifier().verify(&headers, &case.body, NOW).is_err());
}
