//! What `sign_jsonl` writes, `verify_jsonl` takes, for every scheme; and neither stops
//! at a line that it does not understand.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[allow(dead_code, reason = "an example has a main of its own")]
#[path = "../examples/sign_jsonl.rs"]
mod sign_jsonl;
#[allow(dead_code, reason = "an example has a main of its own")]
#[path = "../examples/verify_jsonl.rs"]
mod verify_jsonl;

use hookpost::Scheme;
use serde_json::{Value, json};

const NOW: i64 = 1_772_352_000;
const WHSEC: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The seed 00 01 … 1f, and its public key; RFC 8032 gives none of it, Python's
/// `cryptography` does.
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PUBLIC: &str = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
const WHSK: &str =
    "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA==";
const WHPK: &str = "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
/// `{"a":[1]}`.
const BODY: &str = "eyJhIjpbMV19";

/// The name of each scheme, what its sender configures, and what its receiver does.
fn schemes() -> Vec<(&'static str, &'static str, &'static str)> {
    let presets = Scheme::presets().map(|(name, _)| match name {
        "standard" | "svix" => (name, WHSEC, WHSEC),
        "standard_v1a" => (name, WHSK, WHPK),
        "discord" => (name, SEED, PUBLIC),
        _ => (name, "any text at all", "any text at all"),
    });
    presets.chain([("live_chat", "any text at all", "any text at all")]).collect()
}

fn signed(scheme: &str, secret: &str) -> Value {
    let order = json!({
        "id": scheme, "scheme": scheme, "secret": secret, "body_base64": BODY, "now": NOW,
        "message_id": "msg_1", "url": "https://example.com/hook?a=1",
    });
    sign_jsonl::answer(order.to_string().as_bytes())
}

/// The order to verify what was signed, `later` seconds after.
fn received(signed: &Value, secrets: &[&str], later: i64, tolerance: Option<u64>) -> Value {
    json!({
        "id": signed["id"], "scheme": signed["scheme"], "secrets": secrets, "headers": signed["headers"],
        "body_base64": signed["body_base64"], "now": NOW + later, "tolerance_seconds": tolerance,
        "url": "https://example.com/hook?a=1",
    })
}

fn verdict(order: &Value) -> String {
    let answer = verify_jsonl::answer(order.to_string().as_bytes());
    assert_eq!(answer["id"], order["id"]);
    answer["result"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_signed_by_each_scheme_verifies_and_with_another_secret_does_not() {
    let schemes = schemes();
    assert_eq!(schemes.len(), 16);
    for (scheme, private, public) in schemes {
        let signed = signed(scheme, private);
        assert_eq!(signed["now"], NOW, "{signed}");
        assert_eq!(verdict(&received(&signed, &[public], 0, Some(300))), "ok", "{signed}");
        assert_eq!(verdict(&received(&signed, &[public], 0, None)), "ok", "{scheme}");
        let other = match public {
            WHSEC => "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
            WHPK => "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            PUBLIC => "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            _ => "any text at al",
        };
        assert_eq!(verdict(&received(&signed, &[other], 0, None)), "reject", "{scheme}");
        assert_eq!(verdict(&received(&signed, &[other, public], 0, None)), "ok", "{scheme}: any may match");
        assert_eq!(verdict(&received(&signed, &[], 0, None)), "reject", "{scheme}: no secret");
        assert_eq!(verdict(&received(&signed, &[public, " "], 0, None)), "reject", "{scheme}: a blank one");
    }
}

#[test]
fn a_private_key_may_be_its_seed_alone() {
    for (scheme, private, public) in [
        ("standard_v1a", "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", WHPK),
        ("discord", &format!("{SEED}{PUBLIC}"), PUBLIC),
    ] {
        assert_eq!(verdict(&received(&signed(scheme, private), &[public], 0, None)), "ok", "{scheme}");
    }
}

#[test]
fn age_is_checked_with_both_ends_included_and_null_or_zero_check_none() {
    for (scheme, private, public) in schemes() {
        let dated = Scheme::named(scheme).is_some_and(|scheme| scheme.signs_timestamp());
        let signed = signed(scheme, private);
        let of = |later, tolerance| verdict(&received(&signed, &[public], later, tolerance));
        for later in [-300, 300] {
            assert_eq!(of(later, Some(300)), "ok", "{scheme}, {later} s");
        }
        for later in [-301, 301] {
            assert_eq!(of(later, Some(300)), if dated { "reject" } else { "ok" }, "{scheme}, {later} s");
            assert_eq!(of(later, None), "ok", "{scheme}");
            assert_eq!(of(later, Some(0)), "ok", "{scheme}");
        }
    }
}

#[test]
fn headers_keep_their_order_case_and_repetitions() {
    let signed = signed("standard", WHSEC);
    let mut order = received(&signed, &[WHSEC], 0, None);
    let headers = order["headers"].as_array_mut().unwrap();
    for header in headers.iter_mut() {
        header[0] = header[0].as_str().unwrap().to_uppercase().into();
    }
    headers.insert(0, json!(["X-Other", "é"]));
    assert_eq!(verdict(&order), "ok");
    for more in [headers_of(&signed)[0].clone(), json!(["x-other", "a\r\nb"]), json!(["x other", "a"])] {
        let mut order = order.clone();
        order["headers"].as_array_mut().unwrap().push(more.clone());
        assert_eq!(verdict(&order), "reject", "{more}");
    }
}

fn headers_of(signed: &Value) -> &Vec<Value> {
    signed["headers"].as_array().unwrap()
}

#[test]
fn a_line_that_is_no_order_is_answered_under_its_id() {
    let good = received(&signed("github", "s"), &["s"], 0, None);
    for (line, id) in [
        (String::new(), Value::Null),
        ("{".to_owned(), Value::Null),
        ("7".to_owned(), Value::Null),
        (r#"{"id":7}"#.to_owned(), json!(7)),
        (r#"{"id":"a","scheme":"\ud800"}"#.to_owned(), json!("a")),
        (good.to_string().replace("github", "no-such"), json!("no-such")),
        (good.to_string().replace(BODY, "?"), json!("github")),
    ] {
        let verdict = verify_jsonl::answer(line.as_bytes());
        assert_eq!((&verdict["id"], &verdict["result"]), (&id, &json!("reject")), "{line}");
        let signed = sign_jsonl::answer(line.as_bytes());
        assert_eq!(signed["id"], id, "{line}");
        assert!(signed["error"].is_string(), "{line}");
    }
    assert_eq!(verdict(&good), "ok");
}

#[test]
fn systems_that_write_into_the_body_find_it_written() {
    let body = |scheme, secret| {
        use base64::Engine as _;
        let signed = signed(scheme, secret);
        let body = signed["body_base64"].as_str().unwrap().to_owned();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(body).unwrap()).unwrap()
    };
    assert_eq!(body("live_chat", "k\"y"), r#"{"secret_key":"k\"y","a":[1]}"#);
    assert_eq!(body("linear", "s"), r#"{"webhookTimestamp":1772352000000,"a":[1]}"#);
    assert_eq!(body("github", "s"), r#"{"a":[1]}"#);
}
