//! Requests that a provider signed in a way which some library does not expect: they verify;
//! and forgeries that some library takes: they do not.

use std::path::Path;

use serde_json::Value;

#[allow(dead_code, reason = "an example has a main of its own")]
#[path = "../../examples/verify_jsonl.rs"]
mod verify_jsonl;

/// Each line of the file has the verdict that it says.
fn each_has_its_verdict(file: &str, count: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/public_reports").join(file);
    let lines = std::fs::read_to_string(path).unwrap();
    assert_eq!(lines.lines().count(), count);
    for line in lines.lines() {
        let order: Value = serde_json::from_str(line).unwrap();
        let answer = verify_jsonl::answer(line.as_bytes());
        assert_eq!(answer["result"], order["expect"], "{}: {} {answer}", order["id"], order["why"]);
    }
}

#[test]
fn a_secret_has_the_length_that_its_own_family_permits() {
    each_has_its_verdict("svix_secret_length.jsonl", 8);
}

#[test]
fn a_url_was_signed_with_its_default_port_or_without() {
    each_has_its_verdict("twilio_port.jsonl", 5);
}

#[test]
fn escapes_ages_rotations_and_forms_are_read_as_each_provider_writes_them() {
    each_has_its_verdict("verify.jsonl", 45);
}

#[test]
fn lists_of_signatures_malformed_parts_and_secrets_are_read_as_the_official_libraries_read_them() {
    each_has_its_verdict("more.jsonl", 21);
}
