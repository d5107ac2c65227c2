//! What is sent, when it is sent again, and what counts as success.

use std::time::Duration;

use hookpost::delivery::{FailReason, State};
use hookpost::history::{PageAfter, Selection};
use hookpost::systems::live_chat::admin::{AdditionalPart, NewWebhook, Rules};
use hookpost::systems::live_chat::payload::{ApiVersion, LiveChatBody, Occurrence};
use hookpost::testing::{Behaviour, Reply};
use hookpost::{NewEndpoint, NewEvent, Secret};
use serde_json::{Value, json};

use super::scene::{ORGANIZATION, SECRET, Scene, bearer, ended, fixture, license, mine, webhook};
use super::world::{World, acme, hours, id, seconds};

/// Publishes what a fixture carries, and gives the body it becomes in that version.
async fn emitted(version: ApiVersion, fixture: &Value, parts: &[AdditionalPart]) -> Value {
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    let additional_data = parts.to_vec();
    let action = fixture["action"].as_str().unwrap();
    let webhook = NewWebhook { additional_data, ..webhook(action) };
    let id = scene.calls(&bearer(), version).register_webhook(webhook).await.unwrap();
    let additional = &fixture["additional_data"];
    let mut occurrence = Occurrence::new(action, &fixture["payload"].to_string())
        .unwrap()
        .chat_properties(&additional["chat_properties"].to_string())
        .unwrap()
        .present(
            additional["chat_presence_user_ids"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|id| id.as_str().unwrap()),
        );
    if let Some(requester) = fixture.get("requester") {
        occurrence = occurrence.requester(&requester.to_string()).unwrap();
    }
    let mut bodies = scene.happens(&occurrence).await;
    let mut body = bodies.pop().unwrap();
    assert_eq!(body["webhook_id"], id, "the registration's id, not the endpoint's");
    body["webhook_id"] = fixture["webhook_id"].clone();
    body
}

fn json_of(start: &str) -> Value {
    serde_json::from_slice(&fixture(start)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn fc12_each_version_names_license_or_organization_and_never_both() {
    use ApiVersion::{V3_3, V3_4, V3_5, V3_6};
    let (v33, v36) = (json_of("lc_01"), json_of("lc_02"));
    let both = [AdditionalPart::ChatProperties, AdditionalPart::ChatPresenceUserIds];
    assert_eq!(emitted(V3_3, &v33, &both).await, v33, "the whole fixture, rebuilt");
    assert_eq!(emitted(V3_6, &v36, &[]).await, v36, "the whole fixture, rebuilt");
    for version in [V3_3, V3_4, V3_5, V3_6] {
        let body = emitted(version, &v33, &[]).await;
        let license = body.get("license_id").and_then(Value::as_u64);
        let organization = body.get("organization_id").and_then(Value::as_str);
        let expected = if version == V3_3 { (Some(100_200_300), None) } else { (None, Some(ORGANIZATION)) };
        assert_eq!((license, organization), expected, "{version}");
    }
}

#[test]
fn fc12_both_envelopes_decode() {
    let read = |start| LiveChatBody::read(&fixture(start)).unwrap();
    let (v33, v36) = (read("lc_01"), read("lc_02"));
    assert_eq!((v33.license_id, v33.organization_id.as_deref()), (Some(100_200_300), None));
    assert_eq!((v36.license_id, v36.organization_id.as_deref()), (None, Some(ORGANIZATION)));
}

#[tokio::test(start_paused = true)]
async fn fc12_a_requester_is_named_since_3_6() {
    let fixture = json_of("lc_09");
    assert_eq!(emitted(ApiVersion::V3_6, &fixture, &[]).await, fixture);
    assert_eq!(emitted(ApiVersion::V3_5, &fixture, &[]).await.get("requester"), None);
}

#[tokio::test(start_paused = true)]
async fn fc13_additional_data_comes_to_whom_asked_for_it() {
    use AdditionalPart::{ChatPresenceUserIds, ChatProperties};
    let fixture = json_of("lc_01");
    let (properties, presence) = (
        &fixture["additional_data"]["chat_properties"],
        &fixture["additional_data"]["chat_presence_user_ids"],
    );
    let rows: [(&[AdditionalPart], Value); 4] = [
        (&[], json!({})),
        (&[ChatProperties], json!({"chat_properties": properties})),
        (&[ChatPresenceUserIds], json!({"chat_presence_user_ids": presence})),
        (
            &[ChatProperties, ChatPresenceUserIds],
            json!({"chat_properties": properties, "chat_presence_user_ids": presence}),
        ),
    ];
    for (parts, expected) in rows {
        let body = emitted(ApiVersion::V3_3, &fixture, parts).await;
        assert_eq!(body["additional_data"], expected, "{parts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc13_a_payload_is_sent_to_the_byte_whatever_stands_in_it() {
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    scene.register(webhook("incoming_event")).await;
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for payload in [
        r#"{"chat_id" : "C1","event":{"type":"custom","content":[1e400,-0.0,1.10,"\u0000\/é"]}}"#,
        r#"{"a":1,"a":2}"#,
        "[]",
        &deep,
    ] {
        let occurrence = Occurrence::new("incoming_event", payload).unwrap();
        let event = occurrence.on(&license()).unwrap();
        scene.world.webhooks.publish(event).await.unwrap();
        scene.world.run_for(Duration::from_secs(1)).await;
        let sent = scene.world.sent();
        let body = std::str::from_utf8(&sent.last().unwrap().body).unwrap();
        assert!(body.contains(&format!(r#""payload":{payload},"additional_data":{{}}"#)), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc16_200_alone_is_success() {
    for status in [200, 201, 202, 204, 299, 301, 400, 404, 500, 503] {
        let scene = Scene::new(Rules::tutorial());
        scene.enable().await;
        scene.register(webhook("chat_deactivated")).await;
        scene.world.transport.otherwise(Behaviour::sequence([Reply::status(status), Reply::ok()]));
        scene.happens(&ended()).await;
        scene.world.run_for(Duration::from_secs(30)).await;
        let attempts = scene.world.sent().len();
        assert_eq!(attempts, if status == 200 { 1 } else { 2 }, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc16_a_failing_endpoint_gets_three_more_attempts_within_a_minute() {
    for (reply, expected) in [
        (Reply::status(500), [0, 5, 15, 25]),
        (Reply::status(204), [0, 5, 15, 25]),
        // Each one times out after 10 seconds.
        (Reply::hang(), [0, 15, 35, 55]),
    ] {
        let scene = Scene::new(Rules::tutorial());
        scene.enable().await;
        scene.register(webhook("chat_deactivated")).await;
        scene.world.transport.otherwise(reply);
        scene.world.webhooks.publish(ended().on(&license()).unwrap()).await.unwrap();
        scene.world.run_for(hours(2)).await;
        let sent = scene.world.sent();
        assert_eq!(seconds(&sent), expected);
        assert!(sent.iter().all(|exchange| exchange.timeout == Duration::from_secs(10)));
        assert!(sent.iter().all(|exchange| exchange.body == sent[0].body));
        let deliveries = scene
            .world
            .webhooks
            .deliveries(&license().organization, Selection::default(), PageAfter::first(10))
            .await
            .unwrap()
            .deliveries;
        assert_eq!(deliveries.len(), 1);
        assert_eq!(deliveries[0].state, State::Failed(FailReason::Exhausted));
        assert_eq!(scene.world.heard.count("DeadLetter"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn fc16_an_endpoint_that_is_gone_stays_off_until_its_license_is_switched_on_again() {
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    scene.register(webhook("chat_deactivated")).await;
    scene.world.transport.otherwise(Behaviour::sequence([Reply::status(410), Reply::ok()]));
    assert_eq!(scene.happens(&ended()).await.len(), 1);
    assert_eq!(scene.happens(&ended()).await.len(), 0, "disabled");
    scene.register(webhook("incoming_chat")).await;
    assert_eq!(scene.happens(&ended()).await.len(), 0, "another registration changes nothing for it");
    scene.enable().await;
    assert_eq!(scene.happens(&ended()).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_registration_speaks_live_chat_too() {
    let world = World::new();
    let endpoint = |url: &str| {
        NewEndpoint::new("acme", url, "live_chat")
            .unwrap()
            .id("own-id")
            .unwrap()
            .events(["incoming_chat"])
            .unwrap()
    };
    let refused = world.webhooks.register(endpoint("http://shop.example/")).await.unwrap_err();
    assert!(refused.to_string().starts_with("secret: "), "{refused}");
    let refused =
        world.webhooks.register(endpoint("http://shop.example/").secret([0xff, 0xfe]).unwrap()).await;
    assert!(refused.unwrap_err().to_string().starts_with("secret: must be UTF-8"));
    world.webhooks.register(endpoint("http://shop.example/").secret(SECRET).unwrap()).await.unwrap();

    let report = world.webhooks.test(&acme(), &id("own-id")).await.unwrap();
    assert!(report.success);
    world
        .webhooks
        .publish(NewEvent::json("acme", "incoming_chat", r#"{"no":"occurrence"}"#).unwrap())
        .await
        .unwrap();
    world.run_for(Duration::from_secs(1)).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 1, "the test alone: an event that is no occurrence cannot be sent");
    let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!((&body["webhook_id"], &body["organization_id"]), (&json!("own-id"), &json!("acme")));
    assert_eq!((&body["action"], &body["secret_key"]), (&json!("incoming_chat"), &json!(SECRET)));
    assert!(world.states().await.contains(&State::Failed(FailReason::Unrenderable)));
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_stands_in_the_next_attempt() {
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    let registration = scene.register(webhook("chat_deactivated")).await;
    scene.world.transport.otherwise(Behaviour::sequence([Reply::status(500), Reply::ok()]));
    scene.happens(&ended()).await;
    let endpoint = id(&format!("{registration}:{}", license().id));
    let next = Secret::new("the-next-key").unwrap();
    scene.world.webhooks.rotate_secret(&license().organization, &endpoint, next, hours(1)).await.unwrap();
    scene.world.run_for(Duration::from_secs(10)).await;
    let keys: Vec<Value> = scene
        .world
        .sent()
        .iter()
        .map(|exchange| serde_json::from_slice::<Value>(&exchange.body).unwrap()["secret_key"].clone())
        .collect();
    assert_eq!(keys, [json!(SECRET), json!("the-next-key")]);
    assert_eq!(scene.calls(&bearer(), ApiVersion::STABLE).list_webhooks(&mine()).await.unwrap().len(), 1);
}
