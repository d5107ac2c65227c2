//! A receiver that answers with what it was asked puts no credential into the history.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookpost::testing::Reply;
use hookpost::{Headers, NewEndpoint, Secret};
use world::{World, acme, id};

const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const RAW_KEY: &str = "0123456789abcdef0123456789abcdef";

/// An endpoint with a credential in every place that has room for one.
async fn world() -> World {
    let world = World::new();
    let headers = Headers::none()
        .with("x-api-key", "canary-\"4711\"/api")
        .and_then(|headers| headers.with("authorization", "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk"))
        .and_then(|headers| headers.with("x-token", "Bearer canary-bearer"))
        .unwrap();
    let new = NewEndpoint::new(
        "acme",
        "https://e.example/hooks/canaryInThePath4711?token=canary%2Fquery&n=12345678",
        "standard",
    )
    .and_then(|new| new.id("e"))
    .and_then(|new| new.secret(format!("whsec_{KEY}")))
    .unwrap();
    world.webhooks.register(new.headers(headers)).await.unwrap();
    world
}

/// What the history keeps of this answer, and what a test of the endpoint shows of it.
async fn kept_of(world: &World, status: u16, body: &str) -> [String; 2] {
    world.transport.otherwise(Reply::status(status).body(body.to_owned()));
    let report = world.webhooks.test(&acme(), &id("e")).await.unwrap();
    let log = world.webhooks.attempts(&acme(), &report.delivery).await.unwrap().unwrap();
    let history = String::from_utf8(log.attempts[0].attempt.body.to_vec()).unwrap();
    assert_eq!(history.as_bytes(), &report.body[..]);
    [history, format!("{report:?}")]
}

#[tokio::test(start_paused = true)]
async fn no_credential_of_the_endpoint_is_kept_in_any_form_that_an_answer_shows_it_in() {
    let world = world().await;
    let secret = format!("whsec_{KEY}");
    for (status, body, shown) in [
        (500, secret.clone(), "***".to_owned()),
        (500, format!("key {KEY} is wrong"), "key *** is wrong".to_owned()),
        (500, format!("key {} is wrong", KEY.trim_end_matches('=')), "key *** is wrong".to_owned()),
        (500, format!("key {RAW_KEY} is wrong"), "key *** is wrong".to_owned()),
        (500, format!("key {} is wrong", hex::encode(RAW_KEY)), "key *** is wrong".to_owned()),
        (500, format!("key {} is wrong", hex::encode_upper(RAW_KEY)), "key *** is wrong".to_owned()),
        (200, format!("{{\"ok\":true,\"secret\":\"{secret}\"}}"), r#"{"ok":true,"secret":"***"}"#.to_owned()),
        (500, r#"{"x-api-key":"canary-\"4711\"\/api"}"#.to_owned(), r#"{"x-api-key":"***"}"#.to_owned()),
        (500, "x=canary-%224711%22%2fapi&y".to_owned(), "x=***&y".to_owned()),
        (500, "<b>canary-&quot;4711&#x22;/api</b>".to_owned(), "<b>***</b>".to_owned()),
        (500, "Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3N3b3Jk".to_owned(), "***".to_owned()),
        (500, "user canary-user:canary-password".to_owned(), "user ***".to_owned()),
        (500, "password canary-password".to_owned(), "password ***".to_owned()),
        (500, "bearer: canary-bearer.".to_owned(), "bearer: ***.".to_owned()),
        (
            404,
            "/hooks/canaryInThePath4711?token=canary%2Fquery&n=12345678 not found".to_owned(),
            "/hooks/***?token=***&n=12345678 not found".to_owned(),
        ),
        (404, "token canary/query".to_owned(), "token ***".to_owned()),
        (302, secret.clone(), String::new()),
    ] {
        let [history, printed] = kept_of(&world, status, &body).await;
        assert_eq!(history, shown, "{body}");
        assert!(!printed.contains("canary") && !printed.contains(RAW_KEY), "{printed}");
    }
}

#[tokio::test(start_paused = true)]
async fn base64_of_all_that_was_sent_shows_no_credential() {
    let world = world().await;
    for lead in ["", "x", "xx"] {
        let sent = format!("{lead}x-api-key: canary-\"4711\"/api\r\nx-token: Bearer canary-bearer\r\n");
        let [history, _] = kept_of(&world, 500, &STANDARD.encode(&sent)).await;
        for part in history.split("***") {
            for skipped in 0..part.len().min(4) {
                let whole = &part[skipped..part.len() - (part.len() - skipped) % 4];
                let Ok(read) = STANDARD.decode(whole) else { continue };
                assert!(!String::from_utf8_lossy(&read).contains("canary"), "{history}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_the_kept_part_cuts_is_left_out_as_well() {
    let world = world().await;
    let secret = format!("whsec_{KEY}");
    for left in 1..secret.len() {
        let body = format!("{}{secret} and more{}", "x".repeat(1024 - left), "y".repeat(5000));
        let [history, _] = kept_of(&world, 500, &body).await;
        let kept = history.trim_start_matches('x');
        assert!(kept == "***" || (left < 3 && kept.len() < 3), "{left}: {kept}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_rotated_away_is_left_out_while_it_signs() {
    let world = world().await;
    let next = Secret::new("whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=").unwrap();
    world.webhooks.rotate_secret(&acme(), &id("e"), next, Duration::from_secs(3600)).await.unwrap();
    let [history, _] = kept_of(&world, 500, &format!("not {KEY}")).await;
    assert_eq!(history, "not ***");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_credentials_is_kept_to_the_byte() {
    let world = world().await;
    let body = r#"{"error":"no such order","hint":"100% sure \"&amp;\" n=12345678"}"#;
    let [history, _] = kept_of(&world, 500, body).await;
    assert_eq!(history, body);
}
