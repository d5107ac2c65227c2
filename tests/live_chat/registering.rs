//! Registering, listing and unregistering.

use hookpost::systems::live_chat::admin::{
    AdditionalPart, Caller, ClientId, Filters, LiveChatAdmin, NewWebhook, Rules, SourceType, WebhookType,
};
use hookpost::systems::live_chat::payload::ApiVersion;
use serde_json::{Value, json};

use super::scene::{Scene, bearer, ended, fixture, kind, license, mine, personal, webhook};

const V: ApiVersion = ApiVersion::STABLE;

#[tokio::test(start_paused = true)]
async fn fc1_the_documented_request_registers_and_what_is_missing_is_named() {
    let scene = Scene::new(Rules::current());
    let request = NewWebhook::from_json(&fixture("lc_20")).unwrap();
    assert_eq!(request.filters.source_type, Some(vec![SourceType::MyClient, SourceType::System]));
    assert_eq!(
        request.additional_data,
        [AdditionalPart::ChatProperties, AdditionalPart::ChatPresenceUserIds]
    );
    let id = scene.register(NewWebhook { url: "https://tagger.example/hooks".into(), ..request }).await;
    assert_eq!((id.len(), id.bytes().all(|byte| byte.is_ascii_hexdigit())), (32, true));

    let whole: Value = serde_json::from_slice(&fixture("lc_20")).unwrap();
    for field in ["action", "secret_key", "url", "owner_client_id", "type"] {
        for without in [Value::Null, json!("")] {
            let mut request = whole.clone();
            request[field] = without;
            let refusal = NewWebhook::from_json(request.to_string().as_bytes()).unwrap_err();
            assert_eq!(refusal.kind.as_str(), "validation");
            let misshapen = field == "type" && request[field] == json!("");
            assert!(misshapen || refusal.message == format!("`{field}` is required"), "{refusal}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fc1_a_url_has_at_most_500_characters_since_3_5() {
    let scene = Scene::new(Rules::current());
    let of = |length: usize| {
        let start = "https://tagger.example/";
        NewWebhook { url: format!("{start}{}", "x".repeat(length - start.len())), ..webhook("incoming_chat") }
    };
    let bearer = bearer();
    assert!(scene.calls(&bearer, V).register_webhook(of(500)).await.is_ok());
    assert_eq!(kind(scene.calls(&bearer, V).register_webhook(of(501)).await), "validation");
    assert!(scene.calls(&bearer, ApiVersion::V3_4).register_webhook(of(501)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn fc1_what_breaks_a_rule_is_refused_and_nothing_is_registered() {
    let scene = Scene::new(Rules::current());
    scene.enable().await;
    let caller = bearer();
    for (why, webhook) in [
        ("an unknown action", webhook("moon_phase_changed")),
        ("an action of another version", webhook("chat_access_granted")),
        ("no web address", NewWebhook { url: "ftp://tagger.example/".into(), ..webhook("incoming_chat") }),
        (
            "an address of the inside",
            NewWebhook { url: "https://10.0.0.1/".into(), ..webhook("incoming_chat") },
        ),
        (
            "additional data where there is none",
            NewWebhook { additional_data: vec![AdditionalPart::ChatProperties], ..webhook("agent_deleted") },
        ),
    ] {
        let refusal = scene.calls(&caller, V).register_webhook(webhook).await.unwrap_err();
        assert_eq!(refusal.kind.as_str(), "validation", "{why}");
        assert!(!refusal.to_string().contains("tagger.example"), "{refusal}");
    }
    assert_eq!(scene.calls(&caller, V).list_webhooks(&mine()).await.unwrap(), []);
    assert_eq!(scene.endpoints().await, 0);
}

#[tokio::test(start_paused = true)]
async fn fc2_a_fourth_webhook_for_an_action_is_one_too_many() {
    let scene = Scene::new(Rules::current());
    scene.enable().await;
    for _ in 0..3 {
        scene.register(webhook("incoming_chat")).await;
    }
    let caller = bearer();
    let fourth = scene.calls(&caller, V).register_webhook(webhook("incoming_chat")).await;
    assert_eq!(kind(fourth), "limit_reached");
    assert_eq!(scene.endpoints().await, 3, "the refused one has no endpoint");

    scene.register(webhook("incoming_event")).await;
    scene.register(NewWebhook { owner_client_id: "cl_second".into(), ..webhook("incoming_chat") }).await;
    let id = scene.calls(&caller, V).list_webhooks(&mine()).await.unwrap()[0].id.clone();
    scene.calls(&caller, V).unregister_webhook(&mine(), &id).await.unwrap();
    scene.register(webhook("incoming_chat")).await;
}

#[tokio::test(start_paused = true)]
async fn fc2_of_many_at_once_three_are_registered() {
    let scene = Scene::new(Rules::current());
    let caller = bearer();
    let calls = scene.calls(&caller, V);
    let once = || calls.register_webhook(webhook("incoming_chat"));
    let answers = futures_util::future::join_all((0..5).map(|_| once())).await;
    assert_eq!(answers.into_iter().flatten().count(), 3);
    assert_eq!(calls.list_webhooks(&mine()).await.unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn fc3_a_list_has_the_owners_webhooks_without_their_keys() {
    let scene = Scene::new(Rules::current());
    let filters = Filters { only_my_chats: Some(true), ..Filters::default() };
    let first = scene.register(NewWebhook { filters, ..webhook("incoming_chat") }).await;
    let described = NewWebhook { description: Some("ends".into()), ..webhook("chat_deactivated") };
    let second = scene.register(described).await;

    let caller = bearer();
    let listed = scene.calls(&caller, V).list_webhooks(&mine()).await.unwrap();
    let text = serde_json::to_string(&listed).unwrap();
    assert!(!text.contains("secret") && !text.contains(super::scene::SECRET), "{text}");
    let of = |id: &str| serde_json::to_value(listed.iter().find(|each| each.id == id).unwrap()).unwrap();
    assert_eq!(
        of(&first),
        json!({
            "id": first, "url": "https://tagger.example/hooks", "action": "incoming_chat",
            "filters": {"only_my_chats": true}, "owner_client_id": "cl_abc", "type": "license",
        })
    );
    assert_eq!(of(&second)["description"], "ends");
    assert_eq!(listed.len(), 2);

    let second_client: ClientId = "cl_second".into();
    assert_eq!(scene.calls(&caller, V).list_webhooks(&second_client).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn fc4_an_unregistered_webhook_is_gone_and_only_its_owner_can_do_that() {
    let scene = Scene::new(Rules::current());
    scene.enable().await;
    let id = scene.register(webhook("chat_deactivated")).await;
    let caller = bearer();
    let calls = scene.calls(&caller, V);
    assert_eq!(kind(calls.unregister_webhook(&"cl_second".into(), &id).await), "not_found");
    assert_eq!(kind(calls.unregister_webhook(&"cl_foreign".into(), &id).await), "authorization");
    assert_eq!(kind(calls.unregister_webhook(&mine(), "no-such-id").await), "not_found");
    assert_eq!(kind(calls.unregister_webhook(&mine(), "").await), "validation");
    assert_eq!(scene.happens(&ended()).await.len(), 1, "refused calls changed nothing");

    calls.unregister_webhook(&mine(), &id).await.unwrap();
    assert_eq!(calls.list_webhooks(&mine()).await.unwrap(), []);
    assert_eq!((scene.happens(&ended()).await.len(), scene.endpoints().await), (0, 0));
    assert_eq!(kind(calls.unregister_webhook(&mine(), &id).await), "not_found");
}

#[tokio::test(start_paused = true)]
async fn fc4_nobody_configures_without_the_scope_or_for_a_foreign_client() {
    let scene = Scene::new(Rules::current());
    let without = Caller { scopes: std::collections::BTreeSet::new(), ..bearer() };
    let calls = scene.calls(&without, V);
    assert_eq!(kind(calls.register_webhook(webhook("incoming_chat")).await), "authorization");
    assert_eq!(kind(calls.list_webhooks(&mine()).await), "authorization");
    assert_eq!(kind(calls.unregister_webhook(&mine(), "x").await), "authorization");
    assert_eq!(kind(calls.enable_license_webhooks(None).await), "authorization");
    assert_eq!(kind(calls.license_webhooks_enabled(None).await), "authorization");
    let foreign = NewWebhook { owner_client_id: "cl_foreign".into(), ..webhook("incoming_chat") };
    let person = personal();
    assert_eq!(kind(scene.calls(&person, V).register_webhook(foreign).await), "authorization");
}

#[test]
fn fc5_each_version_names_its_webhooks() {
    let names = |version| {
        let names = LiveChatAdmin::webhook_names(version);
        names.into_iter().map(|name| name.action).collect::<Vec<_>>()
    };
    let counts = ApiVersion::ALL.map(|version| names(version).len());
    assert_eq!(counts, [23, 36, 37, 38]);
    let (oldest, newest) = (names(ApiVersion::V3_3), names(ApiVersion::V3_6));
    assert!(oldest.contains(&"chat_access_granted") && oldest.contains(&"chat_transferred"));
    assert!(newest.contains(&"event_deleted") && !newest.contains(&"incoming_customer"));
    assert!("3.2".parse::<ApiVersion>().is_err() && "4".parse::<ApiVersion>().is_err());
}

#[test]
fn fc5_names_come_with_their_filters_and_additional_data() {
    let of = |version, action: &str| {
        let names = serde_json::to_value(LiveChatAdmin::webhook_names(version)).unwrap();
        names.as_array().unwrap().iter().find(|name| name["action"] == action).unwrap().clone()
    };
    // The documentation's own sample for 3.3.
    assert_eq!(
        of(ApiVersion::V3_3, "agent_deleted"),
        json!({"action":"agent_deleted","filters":["agent_ids"]})
    );
    assert_eq!(of(ApiVersion::V3_3, "incoming_customer"), json!({"action":"incoming_customer"}));
    assert_eq!(
        of(ApiVersion::V3_3, "chat_access_granted"),
        json!({"action":"chat_access_granted","filters":["chat_presence","only_my_chats"],
               "additional_data":["chat_properties","chat_presence_user_ids"]})
    );
    assert_eq!(of(ApiVersion::V3_6, "routing_status_set")["filters"], json!(["agent_ids", "source_type"]));
}

#[tokio::test(start_paused = true)]
async fn fc10_a_bots_webhook_is_delivered_while_a_bot_is_not_offline() {
    use hookpost::systems::live_chat::admin::RoutingStatus::{AcceptingChats, NotAcceptingChats, Offline};
    let scene = Scene::new(Rules::tutorial());
    scene.register(NewWebhook { kind: WebhookType::Bot, ..webhook("chat_deactivated") }).await;
    let delivered = async || scene.happens(&ended()).await.len();
    let set = async |bot: &str, status| {
        scene.live_chat.bot_status_set(&mine(), &license(), bot, status).await.unwrap();
    };
    assert_eq!(delivered().await, 0, "no bot");
    scene.enable().await;
    assert_eq!(delivered().await, 0, "the license's switch is another one");
    set("b1", Offline).await;
    assert_eq!(delivered().await, 0, "a bot that is away");
    set("b1", AcceptingChats).await;
    assert_eq!(delivered().await, 1);
    scene.disable().await;
    assert_eq!(delivered().await, 1, "the license's switch is another one");
    set("b2", NotAcceptingChats).await;
    set("b1", Offline).await;
    assert_eq!(delivered().await, 1, "one of two is there");
    scene.live_chat.bot_deleted(&mine(), &license(), "b2").await.unwrap();
    assert_eq!(delivered().await, 0, "the other one is away");
    let other = &"cl_second".into();
    scene.live_chat.bot_status_set(other, &license(), "b3", AcceptingChats).await.unwrap();
    assert_eq!(delivered().await, 0, "another application's bot");
}

#[test]
fn fc1_a_list_of_values_is_no_request() {
    let list = json!(["incoming_chat", "key", "https://a.example/", "cl_abc", "license", null, null, null]);
    assert_eq!(kind(NewWebhook::from_json(list.to_string().as_bytes())), "validation");
}
