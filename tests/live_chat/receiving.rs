//! The receiver's side: whose key it is, and what to answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use hookpost::sign::{BodyKeys, Proof};
use hookpost::systems::live_chat::payload::{Answers, LiveChatBody, Payload, Reception};
use hookpost::{Secret, SecretError, Timestamp, Verifier, VerifyError};
use serde_json::{Value, json};

use super::scene::{SECRET, fixture, fixtures};

const NO_HEADERS: [(&str, &str); 0] = [];

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn verifier(keys: BodyKeys) -> Verifier {
    Verifier::live_chat(keys).unwrap()
}

fn verdict(verifier: &Verifier, body: &[u8]) -> Result<Proof, VerifyError> {
    verifier.verify(&NO_HEADERS[..], body, Timestamp::EPOCH).map(|verified| verified.proof())
}

fn with_key(key: &Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&fixture("lc_03")).unwrap();
    body["secret_key"] = key.clone();
    body.to_string().into_bytes()
}

#[test]
fn fc14_the_right_key_passes_in_every_documented_body_and_no_other_does() {
    let own = verifier(BodyKeys::of([secret(SECRET)]));
    let keyed = |name: &str| !name.starts_with("lc_19") && !name.starts_with("lc_21");
    for (name, body) in fixtures().into_iter().filter(|(name, _)| keyed(name)) {
        assert_eq!(verdict(&own, &body), Ok(Proof::Key { secret: 0 }), "{name}");
    }
    let wrong = Err(VerifyError::Mismatch);
    for key in ["", "lc_key_R4", "lc_key_R4tt", "LC_KEY_R4T", " lc_key_R4t", "lc_key_R4t\0", "lc_key_R4u"] {
        assert_eq!(verdict(&own, &with_key(&json!(key))), wrong, "{key:?}");
    }
    for key in [json!(null), json!(7), json!([SECRET]), json!({"a": SECRET}), json!(true)] {
        assert!(matches!(verdict(&own, &with_key(&key)), Err(VerifyError::Body { .. })), "{key}");
    }
    for body in [
        r#"{"action":"a"}"#.to_owned(),
        format!(r#"["{SECRET}"]"#),
        format!(r#"{{"payload":{{"secret_key":"{SECRET}"}}}}"#),
        format!(r#"{{"secret_key":"{SECRET}","secret_key":"x"}}"#),
        format!(r#"{{"secret_key":"x","secret_key":"{SECRET}"}}"#),
        format!(r#"{{"secret_key":"{SECRET}"}}}}"#),
        String::new(),
    ] {
        assert!(matches!(verdict(&own, body.as_bytes()), Err(VerifyError::Body { .. })), "{body}");
    }
}

#[test]
fn fc14_a_key_may_be_written_with_escapes() {
    let own = verifier(BodyKeys::of([secret("bl-é\"")]));
    for written in ["\"bl-é\\\"\"", "\"\\u0062l-\\u00e9\\u0022\""] {
        let body = format!(r#"{{"action":"a","secret_key":{written}}}"#);
        assert_eq!(verdict(&own, body.as_bytes()), Ok(Proof::Key { secret: 0 }), "{body}");
    }
}

#[test]
fn fc14_each_action_may_have_keys_of_its_own() {
    let keys = BodyKeys::of([secret("general"), secret("older")])
        .for_action("incoming_event", [secret("of-events")]);
    let own = verifier(keys);
    let body = |action: &str, key: &str| json!({"action": action, "secret_key": key}).to_string();
    for (action, key, expected) in [
        ("incoming_event", "of-events", Some(0)),
        ("incoming_event", "general", None),
        ("incoming_chat", "general", Some(0)),
        ("incoming_chat", "older", Some(1)),
        ("incoming_chat", "of-events", None),
    ] {
        let proof = verdict(&own, body(action, key).as_bytes()).ok();
        assert_eq!(proof, expected.map(|secret| Proof::Key { secret }), "{action}, {key}");
    }
}

#[test]
fn fc14_each_client_id_has_a_verifier_of_its_own() {
    let by_client: BTreeMap<&str, Verifier> = [("cl_abc", "key-a"), ("cl_second", "key-b")]
        .map(|(client, key)| (client, verifier(BodyKeys::of([secret(key)]))))
        .into();
    let passes = |client: &str, key: &str| verdict(&by_client[client], &with_key(&json!(key))).is_ok();
    assert!(passes("cl_abc", "key-a") && passes("cl_second", "key-b"));
    assert!(!passes("cl_abc", "key-b") && !passes("cl_second", "key-a"));
}

#[test]
fn fc14_a_verifier_without_a_key_is_refused_and_one_with_prints_none() {
    assert_eq!(Verifier::live_chat(BodyKeys::of([])).unwrap_err(), SecretError::Missing);
    let none_of_one = BodyKeys::of([secret(SECRET)]).for_action("incoming_chat", []);
    assert_eq!(Verifier::live_chat(none_of_one).unwrap_err(), SecretError::Missing);
    let keys = BodyKeys::of([secret(SECRET)]).for_action("a", [secret(SECRET)]);
    assert!(!format!("{keys:?} {:?}", verifier(keys.clone())).contains(SECRET));
}

/// A receiver in the few lines that a host writes: verify, read, deal with it.
fn receive(body: &Bytes, answers: Answers) -> u16 {
    let own = verifier(BodyKeys::of([secret(SECRET)]));
    let reception = match own.verify(&NO_HEADERS[..], body, Timestamp::EPOCH) {
        Err(VerifyError::Mismatch) => Reception::WrongKey,
        Err(_) => Reception::Unreadable,
        Ok(_) => match LiveChatBody::read(body).map(|webhook| webhook.payload) {
            Ok(Payload::Tag(_)) => Reception::Failed,
            Ok(Payload::Unknown | Payload::Misshapen { .. }) => Reception::Unhandled,
            Ok(_) => Reception::Handled,
            Err(_) => Reception::Unreadable,
        },
    };
    answers.status(reception).as_u16()
}

#[test]
fn fc17_a_receiver_answers_200_unless_sending_again_could_help() {
    let wrong = Bytes::from(with_key(&json!("wrong")));
    let rows = [
        ("a known action", fixture("lc_03"), [200, 200, 200]),
        ("an unknown action", fixture("lc_16"), [200, 200, 200]),
        ("a wrong key", wrong, [401, 403, 200]),
        ("a handler that fails", fixture("lc_09"), [500, 500, 200]),
        ("no webhook", Bytes::from_static(b"{"), [400, 400, 200]),
    ];
    let modes = [Answers::new(), Answers::new().wrong_key_forbidden(), Answers::new().always_ok()];
    for (why, body, expected) in rows {
        assert_eq!(modes.map(|answers| receive(&body, answers)), expected, "{why}");
    }
}
