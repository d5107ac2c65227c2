//! Known answers: `tests/fixtures/schemes/make.py` says where they come from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::id::EventId;
use hookpost::sign::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp, Verifier};
use http::HeaderMap;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    scheme: String,
    source: String,
    sender: String,
    receiver: String,
    body_base64: String,
    now: i64,
    message_id: String,
    url: String,
    headers: Vec<(String, String)>,
}

fn vectors() -> Vec<Vector> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemes/vectors.jsonl");
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_preset_signs_and_verifies_its_known_answers() {
    let mut seen = BTreeSet::new();
    for vector in vectors() {
        let scheme = Scheme::named(&vector.scheme).unwrap();
        let (body, now) =
            (STANDARD.decode(&vector.body_base64).unwrap(), Timestamp::from_unix_seconds(vector.now));
        let secrets = SecretSet::of(Secret::new(vector.sender).unwrap());
        let signer = Signer::new(&scheme, &secrets).unwrap().at(&vector.url);
        let mut headers = HeaderMap::new();
        signer.sign(&EventId::new(&vector.message_id).unwrap(), now, &body, &mut headers).unwrap();
        let mut found: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let mut expected = vector.headers;
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{}, {}", vector.scheme, vector.source);
        let verifier = Verifier::new(&scheme, [Secret::new(vector.receiver).unwrap()]).unwrap();
        let proven = verifier.verify_at(&vector.url, &expected[..], &body, now).unwrap();
        assert_eq!(proven.id().map(EventId::as_str), scheme_id(&vector.scheme, &vector.message_id));
        assert_eq!(proven.timestamp(), scheme.signs_timestamp().then_some(now), "{}", vector.scheme);
        seen.insert(vector.scheme);
    }
    let presets: BTreeSet<_> = Scheme::presets().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(seen, presets);
}

fn scheme_id<'a>(scheme: &str, id: &'a str) -> Option<&'a str> {
    matches!(scheme, "standard" | "standard_v1a" | "svix").then_some(id)
}
