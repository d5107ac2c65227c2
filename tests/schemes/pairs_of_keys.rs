//! Ed25519: the RFC's answers, and keys and signatures that a lenient library takes.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::sign::{ContentPart, Recipe, Signer};
use hookpost::{Scheme, SecretError, SecretSet, Verifier, VerifyError};
use http::HeaderName;
use serde::Deserialize;

use super::cases::{NOW, named, secret};

/// RFC 8032, section 7.1, tests 1 to 3 and SHA(abc): seed, public key, message, signature.
const RFC: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
         d25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
         387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
         4a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd\
         454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030\
         3dca179c138ac17ad9bef1177331a704",
    ],
];

/// Discord's keys and header over the body alone, so that known messages can be signed.
fn of_the_body() -> Scheme {
    Scheme::new(Recipe { content: vec![ContentPart::Body], ..Scheme::discord().recipe().clone() }).unwrap()
}

/// What comes of a signature over the body alone: of its making, where the key is refused.
fn verdict(public: &str, message: &[u8], signature: &str) -> Result<Result<(), VerifyError>, SecretError> {
    let verifier = Verifier::new(&of_the_body(), [secret(public)])?;
    let headers = [("x-signature-ed25519", signature)];
    Ok(verifier.verify(&headers[..], message, NOW).map(drop))
}

#[test]
fn s48_the_answers_of_rfc_8032_are_signed_and_verified() {
    for [seed, public, message, signature] in RFC {
        let message = hex::decode(message).unwrap();
        let sender = Signer::new(of_the_body(), &SecretSet::of(secret(seed))).unwrap();
        assert_eq!(sender.signature(&"e".parse().unwrap(), NOW, &message).unwrap().unwrap(), signature);
        assert_eq!(verdict(public, &message, signature), Ok(Ok(())));
        let other = [&message[..], b"."].concat();
        assert_eq!(verdict(public, &other, signature), Ok(Err(VerifyError::Mismatch)));
    }
}

#[derive(Deserialize)]
struct EdgeCase {
    why: String,
    message: String,
    public: String,
    signature: String,
    /// Whether the equation without the cofactor holds.
    without_cofactor: bool,
}

/// `tests/fixtures/schemes/edge_cases.py` says what they are. The rules are those of
/// `verify_strict`: the equation without the cofactor, S below L, and nothing that is of small
/// order or not reduced.
#[test]
fn s48_of_the_signatures_on_which_verifiers_disagree_one_is_taken() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemes/edge_cases.jsonl");
    let lines = fs::read_to_string(file).unwrap();
    let cases: Vec<EdgeCase> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 12);
    assert_eq!(cases.iter().filter(|case| case.without_cofactor).count(), 10);
    for EdgeCase { why, message, public, signature, .. } in cases {
        let expected = match why.as_str() {
            "small A, small R, S of zero"
            | "small A, mixed R"
            | "A not reduced, reduced for the hash"
            | "A not reduced" => Err(SecretError::Point),
            "mixed A, mixed R" => Ok(Ok(())),
            _ => Ok(Err(VerifyError::Mismatch)),
        };
        assert_eq!(verdict(&public, message.as_bytes(), &signature), expected, "{why}");
    }
}

fn verifier(public: &str) -> Result<Verifier, SecretError> {
    Verifier::new(&Scheme::discord(), [secret(public)])
}

fn signer(private: &str) -> Result<Signer, SecretError> {
    Signer::new(Scheme::discord(), &SecretSet::of(secret(private)))
}

#[test]
fn s48_seeds_and_public_keys_belong_together_as_in_rfc_8032() {
    for (at, [seed, public, ..]) in RFC.into_iter().enumerate() {
        let mut headers = http::HeaderMap::new();
        signer(seed).unwrap().sign(&"e".parse().unwrap(), NOW, b"{}", &mut headers).unwrap();
        assert!(verifier(public).unwrap().verify(&headers, b"{}", NOW).is_ok());
        let other = RFC[(at + 1) % RFC.len()][1];
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
    let [[seed, public], [_, other], ..] =
        RFC.map(|[seed, public, ..]| [seed, public].map(|half| hex::decode(half).unwrap()));
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
        ("order 8, negative", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
        ("order 8, negative", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
        ("the identity, with a sign", "0100000000000000000000000000000000000000000000000000000000000080"),
        ("order 2, with a sign", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        ("the identity, neither", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        (
            "order 4, negative, not reduced",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ),
        ("the identity, not reduced", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("order 4, not reduced", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("a sound point, not reduced", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ("a sound point, not reduced", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
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

/// The signatures of these private keys over one message, in a header of `standard_v1a`.
fn signed_by(seeds: &[&str]) -> (http::HeaderMap, String) {
    let mut headers = http::HeaderMap::new();
    let codes: Vec<_> = seeds
        .iter()
        .map(|seed| {
            let signer = Signer::new(Scheme::standard_v1a(), &SecretSet::of(whsk_of(seed))).unwrap();
            signer.sign(&"evt-1".parse().unwrap(), NOW, b"{}", &mut headers).unwrap();
            headers["webhook-signature"].to_str().unwrap().to_owned()
        })
        .collect();
    (headers, codes.join(" "))
}

fn whsk_of(seed: &str) -> hookpost::Secret {
    secret(format!("whsk_{}", STANDARD.encode(hex::decode(seed).unwrap())))
}

fn whpk_of(public: &str) -> hookpost::Secret {
    secret(format!("whpk_{}", STANDARD.encode(hex::decode(public).unwrap())))
}

/// What a receiver with the public keys of these pairs says of signatures by those.
fn verdict_of(keys: &[usize], signed: &[usize]) -> Result<(), VerifyError> {
    let public = keys.iter().map(|&at| whpk_of(RFC[at][1]));
    let verifier = Verifier::new(&Scheme::standard_v1a(), public).unwrap();
    let (mut headers, list) = signed_by(&signed.iter().map(|&at| RFC[at][0]).collect::<Vec<_>>());
    headers.insert("webhook-signature", list.parse().unwrap());
    verifier.verify(&headers, b"{}", NOW).map(drop)
}

#[test]
fn a_body_is_hashed_for_at_most_four_pairs_or_two_for_each_key() {
    let too_many = |verdict: Result<(), VerifyError>| matches!(verdict, Err(VerifyError::Malformed { rule, .. }) if rule.contains("at most 4 ed25519"));
    // A rotation: either side may have both keys, or one alone.
    for (keys, signed) in
        [(&[0][..], &[1, 0][..]), (&[1], &[1, 0]), (&[0, 1], &[1, 2]), (&[1, 0], &[0]), (&[2, 1, 0], &[3, 0])]
    {
        assert_eq!(verdict_of(keys, signed), Ok(()), "{keys:?} {signed:?}");
    }
    assert_eq!(verdict_of(&[0], &[1, 2, 3, 0]), Ok(()), "four that one key is tried with");
    // The right one is among them each time: none of them is tried.
    assert!(too_many(verdict_of(&[0], &[0, 1, 2, 3, 1])));
    assert!(too_many(verdict_of(&[0, 1], &[0, 1, 2])));
    assert!(too_many(verdict_of(&[0, 1, 2], &[0; 32])));
}

#[test]
fn a_sender_writes_no_more_ed25519_signatures_than_a_receiver_with_two_keys_tries() {
    let until = NOW + std::time::Duration::from_secs(3600);
    let [first, second, third] = [0, 1, 2].map(|at| whsk_of(RFC[at][0]));
    let set = SecretSet::of(first).rotated(second, until).rotated(third, until);
    let mut headers = http::HeaderMap::new();
    let signer = Signer::new(Scheme::standard_v1a(), &set).unwrap();
    signer.sign(&"evt-1".parse().unwrap(), NOW, b"{}", &mut headers).unwrap();
    assert_eq!(headers["webhook-signature"].to_str().unwrap().split(' ').count(), 2);
    for (key, verdict) in [(2, Ok(())), (1, Ok(())), (0, Err(VerifyError::Mismatch))] {
        let verifier = Verifier::new(&Scheme::standard_v1a(), [whpk_of(RFC[key][1])]).unwrap();
        assert_eq!(verifier.verify(&headers, b"{}", NOW).map(drop), verdict, "key {key}");
    }
}
