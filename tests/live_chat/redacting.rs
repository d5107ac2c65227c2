//! The key stands in every body, and nowhere else.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use hookpost::history::{PageAfter, Selection};
use hookpost::profile::Occasion;
use hookpost::sign::BodyKeys;
use hookpost::systems::live_chat::admin::{Filters, MemoryRows, NewWebhook, Rules};
use hookpost::systems::live_chat::payload::{ApiVersion, LiveChatBody};
use hookpost::testing::{Answer, Receiver, Reply};
use hookpost::{Profile, Secret, Timestamp, Verifier};

use super::scene::{SECRET, Scene, bearer, ended, fixture, license, mine, webhook};
use super::world::id;

#[tokio::test(start_paused = true)]
async fn fc18_no_text_of_a_delivery_holds_the_key() {
    let mut text = String::new();
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    let registration = scene.register(webhook("chat_deactivated")).await;

    // The rudest receiver: it answers with what it was sent, key and all.
    let echo = format!(r#"{{"you_sent":{{"secret_key":"{SECRET}"}}}}"#);
    scene.world.transport.otherwise(Reply::status(500).body(echo));
    scene.happens(&ended()).await;
    scene.world.run_for(Duration::from_secs(60)).await;
    assert_eq!(scene.world.heard.count("DeadLetter"), 1);
    assert!(scene.world.sent().iter().all(|exchange| holds_key(&exchange.body)), "the bodies do hold it");

    let tenant = license().organization;
    let endpoint = id(&format!("{registration}:{}", license().id));
    let report = scene.world.webhooks.test(&tenant, &endpoint).await.unwrap();
    let page = PageAfter::first(100);
    let deliveries = scene.world.webhooks.deliveries(&tenant, Selection::default(), page).await.unwrap();
    for delivery in &deliveries.deliveries {
        let attempts = scene.world.webhooks.attempts(&tenant, &delivery.id).await.unwrap().unwrap();
        assert!(
            attempts.attempts.iter().all(|each| each.attempt.body.is_empty()),
            "nothing of an answer is kept"
        );
        let event = scene.world.webhooks.event(&tenant, &delivery.event).await.unwrap();
        writeln!(text, "{delivery:?} {attempts:?} {event:?}").unwrap();
    }
    let stored = scene.world.webhooks.endpoint(&tenant, &endpoint).await.unwrap().unwrap();
    let event = scene.world.webhooks.event(&tenant, &deliveries.deliveries[0].event).await.unwrap().unwrap();
    let rendered =
        Profile::live_chat_at(ApiVersion::V3_6).envelope.render(&event, &stored, Occasion::Event).unwrap();
    assert!(holds_key(&rendered.body));
    let wanted = webhook("chat_deactivated");
    let listed = scene.calls(&bearer(), ApiVersion::STABLE).list_webhooks(&mine()).await.unwrap();
    writeln!(text, "{report:?} {stored:?} {rendered:?} {wanted:?} {listed:?}").unwrap();
    writeln!(text, "{:?} {:?} {:?}", scene.live_chat, scene.world.webhooks, MemoryRows::new()).unwrap();
    writeln!(text, "{:?} {:?}", scene.world.transport, scene.world.sent()).unwrap();
    writeln!(text, "{:?}", LiveChatBody::read(&fixture("lc_02")).unwrap()).unwrap();
    writeln!(text, "{}", scene.world.heard.all()).unwrap();
    assert!(text.len() > 2000 && !text.contains(SECRET), "{text}");
}

#[tokio::test(start_paused = true)]
async fn fc18_no_refusal_holds_the_key() {
    let scene = Scene::new(Rules::current());
    let caller = bearer();
    let calls = scene.calls(&caller, ApiVersion::STABLE);
    let filters = Filters {
        author_type: Some(hookpost::systems::live_chat::payload::AuthorType::Agent),
        ..Filters::default()
    };
    let mut refusals = Vec::new();
    for wrong in [
        NewWebhook { url: format!("https://{SECRET}@h.example/"), ..webhook("incoming_chat") },
        NewWebhook { owner_client_id: "foreign".into(), ..webhook("incoming_chat") },
        NewWebhook { filters, ..webhook("incoming_chat") },
        webhook("no_action"),
    ] {
        refusals.push(calls.register_webhook(wrong).await.unwrap_err());
    }
    for body in [
        format!(r#"{{"secret_key":"{SECRET}"}}"#),
        format!(r#"{{"secret_key":["{SECRET}"]}}"#),
        format!(r#"{{"secret_key":"{SECRET}","type":"{SECRET}"}}"#),
        format!(r#"{{"secret_key":"{SECRET}","filters":{{"{SECRET}":1}}}}"#),
        format!(r#"{{"secret_key":"{SECRET}"#),
    ] {
        refusals.push(NewWebhook::from_json(body.as_bytes()).unwrap_err());
    }
    for refusal in refusals {
        let text = format!("{refusal} {refusal:?}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

/// Real sockets: nothing here waits for a clock.
#[tokio::test]
async fn fc21_the_capture_receiver_shows_a_request_and_its_verdict_with_the_key_masked() {
    let bin = Receiver::start().await.unwrap();
    let verifier = Verifier::live_chat(BodyKeys::of([Secret::new(SECRET).unwrap()])).unwrap();
    bin.answer_by(move |request| {
        let now = Timestamp::from(SystemTime::now());
        let verdict = verifier.verify(&request.header_map(), &request.body, now);
        Answer::status(if verdict.is_ok() { 200 } else { 401 })
    });
    let webhooks = super::use_cases::loopback();
    let (live_chat, caller) = (super::scene::live_chat(webhooks.clone(), Rules::tutorial()), bearer());
    let calls = live_chat.calls(&caller, ApiVersion::STABLE);
    calls.enable_license_webhooks(None).await.unwrap();
    for key in [SECRET, "another-key"] {
        let url = bin.url("/hooks?token=t0ken");
        let secret_key = Secret::new(key).unwrap();
        calls.register_webhook(NewWebhook { url, secret_key, ..webhook("chat_deactivated") }).await.unwrap();
    }
    webhooks.publish(ended().on(&license()).unwrap()).await.unwrap();
    let both_arrive = async { bin.wait_for(2).await };
    webhooks.run(async { drop(both_arrive.await) }).await.unwrap();

    let shown = format!("{bin}");
    for part in [
        "POST /hooks?…",
        "content-type: application/json",
        r#""secret_key":… ("#,
        r#"bytes),"action":"chat_deactivated""#,
    ] {
        assert_eq!(shown.matches(part).count(), 2, "{part} in {shown}");
    }
    assert_eq!((shown.matches("→ 200").count(), shown.matches("→ 401").count()), (1, 1), "{shown}");
    for hidden in [SECRET, "another-key", "t0ken"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    assert!(!format!("{:?}", bin.requests()).contains(SECRET));
}

fn holds_key(body: &[u8]) -> bool {
    body.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}
