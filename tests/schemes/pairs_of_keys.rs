//! Ed25519: the RFC's answers, and keys and signatures that a lenient library takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::wire::scheme::Signer;
use hookpost::{Scheme, SecretError, SecretSet, Verifier, VerifyError};
use http::HeaderName;

use super::cases::{NOW, named, secret};

/// RFC 8032, section 7.1, tests 1 to 3: a seed and its public key.
const RFC: [(&str, &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ),
];

fn verifier(public: &str) -> Result<Verifier, SecretError> {
    Verifier::new(&Scheme::discord(), [secret(public)])
}

fn signer(private: &str) -> Result<Signer, SecretError> {
    Signer::new(Scheme::discord(), &SecretSet::of(secret(private)))
}

#[test]
fn s48_seeds_and_public_keys_belong_together_as_in_rfc_8032() {
    for (at, (seed, public)) in RFC.into_iter().enumerate() {
        let mut headers = http::HeaderMap::new();
        signer(seed).unwrap().sign(&"e".parse().unwrap(), NOW, b"{}", &mut headers).unwrap();
        assert!(verifier(public).unwrap().verify(&headers, b"{}", NOW).is_ok());
        let other = RFC[(at + 1) % 3].1;
        assert_eq!(verifier(other).unwrap().verify(&headers, b"{}", NOW), Err(VerifyError::Mismatch));
        assert!(signer(&format!("{seed}{public}")).is_ok());
        assert_eq!(
            signer(&format!("{seed}{other}")).unwrap_err(),
            SecretError::Pair,
            "a foreign public half"
        );
    }
}

#[test]
fn s48_a_foreign_public_half_is_refused_in_svixs_form_too() {
    let [(seed, public), (_, other), _] =
        RFC.map(|(a, b)| (hex::decode(a).unwrap(), hex::decode(b).unwrap()));
    let whsk = |halves: &[&[u8]]| secret(format!("whsk_{}", STANDARD.encode(halves.concat())));
    let made = |halves: &[&[u8]]| Signer::new(Scheme::standard_v1a(), &SecretSet::of(whsk(halves))).err();
    assert_eq!(made(&[&seed]), None);
    assert_eq!(made(&[&seed, &public]), None);
    assert_eq!(made(&[&seed, &other]), Some(SecretError::Pair));
    for odd in [&seed[..31], &[&seed[..], &[0]].concat()] {
        let bytes = odd.len();
        assert_eq!(made(&[odd]), Some(SecretError::Length { bytes, min: 32, max: 64 }));
    }
}

/// The points of small order, in every encoding, and what is no point or has a second
/// form: with the first, one signature fits every message.
#[test]
fn s48_a_public_key_that_no_honest_pair_has_is_refused() {
    for (why, public) in [
        ("the identity", "0100000000000000000000000000000000000000000000000000000000000000"),
        ("order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("order 4", "0000000000000000000000000000000000000000000000000000000000000000"),
        ("order 4, negative", "0000000000000000000000000000000000000000000000000000000000000080"),
        ("order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        ("order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        ("the identity, not reduced", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("order 4, not reduced", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("no point", "0200000000000000000000000000000000000000000000000000000000000000"),
    ] {
        assert_eq!(verifier(public).unwrap_err(), SecretError::Point, "{why}");
    }
    for bytes in [0, 31, 33, 64] {
        let text = if bytes == 0 { "zz".to_owned() } else { "d7".repeat(bytes) };
        assert!(verifier(&text).is_err(), "{bytes} bytes");
    }
}

/// S + L verifies wherever S does unless it is refused; R of small order likewise.
#[test]
fn s48_a_signature_has_one_form() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    for name in ["discord", "standard_v1a"] {
        let case = named(name);
        let (header, lead, code) = case.signature();
        let good = case.decode(&code);
        let mut other = good.clone();
        let mut carry = 0_u16;
        for (byte, of_l) in other[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(of_l) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        let verdict = |code: &[u8]| case.with(&header, format!("{lead}{}", case.encode(code))).verdict();
        assert!(verdict(&good).is_ok());
        assert_eq!(carry, 0);
        assert_eq!(verdict(&other), Err(VerifyError::Mismatch), "S + L");
        let mut small = vec![0; 64];
        small[0] = 1;
        assert_eq!(verdict(&small), Err(VerifyError::Mismatch), "R of small order, S of zero");
    }
    assert_eq!(named("discord").scheme.recipe().header, HeaderName::from_static("x-signature-ed25519"));
}
