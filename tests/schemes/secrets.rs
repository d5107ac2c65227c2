//! Secrets that nobody should sign with, and verifiers that nobody could trust.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::backend::Entropy as _;
use hookpost::os::OsEntropy;
use hookpost::sign::{BodyKeys, Signer};
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
        (whsec(&[7; 76]), length(76)),
        ("x".repeat(1025), SecretError::TooLong),
        (STANDARD.encode([7; 23]), length(23)),
        (STANDARD.encode([7; 32]).replace('=', ""), SecretError::Prefix),
        (whsec(&[7; 32]).replace("whsec", "WHSEC"), SecretError::Prefix),
        (whsec(&[7; 32]).replace("whsec", "whpk"), SecretError::Prefix),
        (format!("v1,{}", whsec(&[7; 32])), SecretError::Prefix),
        (format!(" {}", whsec(&[7; 32])), SecretError::WhiteSpace),
        ("whsec_????".to_owned(), SecretError::Encoding),
        (whsec(&[7; 32]).replace("Bwc=", "Bwd="), SecretError::Encoding),
        (whsec(&[7; 32]).replace('=', ""), SecretError::Padding),
        (format!("{}\n", whsec(&[7; 32])), SecretError::WhiteSpace),
        (whsec(&[0; 32]), SecretError::Zero),
    ] {
        for (scheme, max) in [("standard", 64), ("svix", 75)] {
            let expected = match expected {
                SecretError::Length { bytes, min, .. } => SecretError::Length { bytes, min, max },
                other => other,
            };
            assert_eq!(refused(scheme, &text), expected, "{scheme}: {text:?}");
        }
    }
    assert_eq!(refused("standard", &whsec(&[7; 65])), length(65));
    for case in all().into_iter().filter(|case| case.public == "any text") {
        assert_eq!(refused(case.name, ""), SecretError::Blank, "{}", case.name);
        assert_eq!(refused(case.name, " \t\r\n"), SecretError::Blank, "{}", case.name);
        assert_eq!(refused(case.name, "\0\0\0"), SecretError::Zero, "{}", case.name);
        assert_eq!(refused(case.name, &"x".repeat(1025)), SecretError::TooLong, "{}", case.name);
    }
}

#[test]
fn s31_the_least_and_the_longest_secret_are_taken() {
    let whsec = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    for (scheme, text) in [
        ("standard", whsec(24)),
        ("standard", whsec(64)),
        ("svix", whsec(24)),
        ("svix", whsec(75)),
        ("github", "x".to_owned()),
        ("stripe", "x".repeat(1024)),
        ("slack", " x ".to_owned()),
    ] {
        let (scheme, text) = (Scheme::named(scheme).unwrap(), secret(text));
        assert!(Verifier::new(&scheme, [text.clone()]).is_ok(), "{scheme:?}");
        assert!(Signer::new(&scheme, &SecretSet::of(text)).is_ok(), "{scheme:?}");
    }
}

#[test]
fn s31_a_weak_half_of_a_pair_is_refused_for_its_own_reason() {
    let length = |bytes, max| SecretError::Length { bytes, min: 32, max };
    let of = |prefix: &str, bytes: &[u8]| format!("{prefix}{}", STANDARD.encode(bytes));
    for (text, expected) in [
        ("whpk_".to_owned(), length(0, 32)),
        (of("whpk_", &[7; 31]), length(31, 32)),
        (of("whpk_", &[7; 33]), length(33, 32)),
        (of("whpk_", &[0; 32]), SecretError::Point),
        (of("WHPK_", &[7; 32]), SecretError::Prefix),
        (of("v1a,whpk_", &[7; 32]), SecretError::Prefix),
        (of("whpk_", &[7; 32]).replace('=', ""), SecretError::Padding),
        (of("whpk_", &[7; 32]).replace("Bwc=", "Bwd="), SecretError::Encoding),
    ] {
        assert_eq!(refused("standard_v1a", &text), expected, "{text}");
    }
    let signing = |scheme: &str, text: String| {
        Signer::new(Scheme::named(scheme).unwrap(), &SecretSet::of(secret(text))).unwrap_err()
    };
    assert_eq!(signing("standard_v1a", "whsk_".to_owned()), length(0, 64));
    assert_eq!(signing("standard_v1a", of("whsk_", &[0; 32])), SecretError::Zero);
    assert_eq!(signing("standard_v1a", of("whsk_", &[7; 48])), length(48, 64));
    assert_eq!(signing("discord", "00".repeat(32)), SecretError::Zero);
    assert_eq!(signing("discord", "07".repeat(31)), length(31, 64));
}

#[test]
fn s31_a_live_chat_key_of_nothing_but_zero_bytes_is_refused() {
    for keys in [
        BodyKeys::of([secret("key"), secret("\0\0")]),
        BodyKeys::of([secret("key")]).for_action("incoming_chat", [secret("\0")]),
    ] {
        assert_eq!(Verifier::live_chat(keys).unwrap_err(), SecretError::Zero);
    }
}

#[test]
fn s31_the_signing_side_refuses_what_the_verifying_side_does() {
    let whsec = |bytes: &[u8]| format!("whsec_{}", STANDARD.encode(bytes));
    for (scheme, text, expected) in [
        ("standard", whsec(&[7; 23]), SecretError::Length { bytes: 23, min: 24, max: 64 }),
        ("standard", whsec(&[7; 65]), SecretError::Length { bytes: 65, min: 24, max: 64 }),
        ("svix", whsec(&[0; 32]), SecretError::Zero),
        ("svix", format!("v1,{}", whsec(&[7; 32])), SecretError::Prefix),
        ("standard", whsec(&[7; 32]).replace('=', ""), SecretError::Padding),
        ("github", "\0".to_owned(), SecretError::Zero),
        ("stripe", "whpk_x".to_owned(), SecretError::Prefix),
        ("slack", "whsk_x".to_owned(), SecretError::Prefix),
        ("discord", "zz".to_owned(), SecretError::Hexadecimal),
    ] {
        let secrets = SecretSet::of(secret(text.as_str()));
        let made = Signer::new(Scheme::named(scheme).unwrap(), &secrets);
        assert_eq!(made.unwrap_err(), expected, "{scheme}: {text}");
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
    // 44 digits of base64 are 32 bytes, and never fewer than the 24 that are asked for.
    assert!(seen.iter().all(|secret| secret.starts_with(b"whsec_") && secret.len() == 6 + 44));
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
                "discord" => Some(SecretError::Hexadecimal),
                "standard_v1a" if *text == public => None,
                _ => Some(SecretError::Prefix),
            };
            let made = Verifier::new(&case.scheme, [secret(text.as_str())]).err();
            assert_eq!(made, expected, "{}: {text}", case.name);
        }
    }
    assert_eq!(refused("standard_v1a", &whsec), SecretError::Prefix);
    assert_eq!(refused("standard_v1a", POINT), SecretError::Prefix);
    assert_eq!(refused("discord", &whsec), SecretError::Hexadecimal);
    let public = SecretSet::of(secret(public));
    assert_eq!(Signer::new(Scheme::standard_v1a(), &public).unwrap_err(), SecretError::Prefix);
}

#[test]
fn s36_no_verifier_is_made_without_a_secret() {
    for case in all() {
        assert_eq!(Verifier::new(&case.scheme, []).unwrap_err(), SecretError::Missing, "{}", case.name);
    }
    assert_eq!(Verifier::live_chat(BodyKeys::of([])).unwrap_err(), SecretError::Missing);
    let nothing = SecretSet::none();
    let in_force = nothing.in_force(NOW).cloned();
    assert_eq!(Verifier::new(&Scheme::github(), in_force).unwrap_err(), SecretError::Missing);
    // Without one, a sender sets no header, and a verifier refuses what has none.
    let case = named("github");
    let mut headers = http::HeaderMap::new();
    let id = "evt-1".parse().unwrap();
    Signer::new(&case.scheme, &SecretSet::none()).unwrap().sign(&id, NOW, &case.body, &mut headers).unwrap();
    assert!(headers.is_empty());
    assert!(case.verifier().verify(&headers, &case.body, NOW).is_err());
}
