//! Which occurrences a registration's filters let through.

use hookpost::systems::live_chat::admin::{ApiError, Filters, NewWebhook, Rules};
use hookpost::systems::live_chat::payload::{ApiVersion, AuthorType, Occurrence};
use serde_json::{Value, json};

use super::scene::{Scene, bearer, kind, license, webhook};

/// What a chat's occurrences say of it: begun by `client`, with these users in it.
fn chat(action: &str, client: &str, present: &[&str]) -> Occurrence {
    let properties = json!({"source": {"client_id": client}}).to_string();
    Occurrence::new(action, r#"{"chat_id":"C1","thread_id":"T1"}"#)
        .unwrap()
        .chat_properties(&properties)
        .unwrap()
        .present(present.to_vec())
}

fn status_of(agent: &str) -> Occurrence {
    let payload = json!({"agent_id": agent, "status": "offline"}).to_string();
    Occurrence::new("routing_status_set", &payload).unwrap()
}

async fn passes(action: &str, filters: Value, occurrence: &Occurrence) -> bool {
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    let filters: Filters = serde_json::from_value(filters).unwrap();
    scene.register(NewWebhook { filters, ..webhook(action) }).await;
    match scene.happens(occurrence).await.len() {
        0 => false,
        1 => true,
        more => panic!("{more} deliveries of one occurrence"),
    }
}

#[tokio::test(start_paused = true)]
async fn fc11_each_filter_lets_through_what_it_names() {
    let event = |author| chat("incoming_event", "cl_abc", &[]).author(author);
    let (ana, iva) = ("ana@ex.test", "c-77");
    let both = || chat("incoming_chat", "cl_abc", &[ana, iva]);
    let presence = |key: &str, users: &[&str]| json!({"chat_presence": {"user_ids": {key: users}}});
    let source = |names: &[&str]| json!({"source_type": names});
    let (mine, other, system) = (both().caused_by("cl_abc"), both().caused_by("cl_other"), both());
    let rows = [
        ("incoming_event", json!({"author_type": "customer"}), event(AuthorType::Customer), true),
        ("incoming_event", json!({"author_type": "customer"}), event(AuthorType::Agent), false),
        ("incoming_event", json!({"author_type": "agent"}), event(AuthorType::Agent), true),
        ("incoming_chat", json!({"only_my_chats": true}), chat("incoming_chat", "cl_abc", &[]), true),
        ("incoming_chat", json!({"only_my_chats": true}), chat("incoming_chat", "cl_other", &[]), false),
        ("incoming_chat", json!({"only_my_chats": false}), chat("incoming_chat", "cl_other", &[]), true),
        ("incoming_chat", presence("values", &[ana]), both(), true),
        ("incoming_chat", presence("values", &["bob", ana]), both(), true),
        ("incoming_chat", presence("values", &["bob"]), both(), false),
        ("incoming_chat", presence("exclude_values", &["bob"]), both(), true),
        ("incoming_chat", presence("exclude_values", &["bob", iva]), both(), false),
        ("incoming_chat", json!({"chat_presence": {"my_bots": true}}), both().bots_of(["cl_abc"]), true),
        ("incoming_chat", json!({"chat_presence": {"my_bots": true}}), both().bots_of(["cl_other"]), false),
        ("incoming_chat", json!({"chat_presence": {"my_bots": false}}), both(), true),
        ("incoming_chat", source(&["my_client"]), mine.clone(), true),
        ("incoming_chat", source(&["my_client"]), other.clone(), false),
        ("incoming_chat", source(&["my_client"]), system.clone(), false),
        ("incoming_chat", source(&["other_clients"]), mine.clone(), false),
        ("incoming_chat", source(&["other_clients"]), other.clone(), true),
        ("incoming_chat", source(&["other_clients"]), system.clone(), false),
        ("incoming_chat", source(&["system"]), mine.clone(), false),
        ("incoming_chat", source(&["system"]), other.clone(), false),
        ("incoming_chat", source(&["system"]), system.clone(), true),
        ("incoming_chat", source(&["my_client", "system"]), mine.clone(), true),
        ("incoming_chat", source(&["my_client", "system"]), other.clone(), false),
        ("incoming_chat", source(&["my_client", "other_clients"]), mine.clone(), true),
        ("incoming_chat", source(&["my_client", "other_clients"]), other.clone(), true),
        ("incoming_chat", source(&["my_client", "other_clients"]), system.clone(), false),
        ("incoming_chat", source(&["other_clients", "system"]), mine.clone(), false),
        ("incoming_chat", source(&["other_clients", "system"]), other.clone(), true),
        ("incoming_chat", source(&["other_clients", "system"]), system.clone(), true),
        ("incoming_chat", source(&["my_client", "other_clients", "system"]), other, true),
        ("routing_status_set", json!({"agent_ids": {"values": [ana]}}), status_of(ana), true),
        ("routing_status_set", json!({"agent_ids": {"values": [ana]}}), status_of("bob"), false),
        ("routing_status_set", json!({"agent_ids": {"exclude_values": [ana]}}), status_of(ana), false),
        ("routing_status_set", json!({"agent_ids": {"exclude_values": [ana]}}), status_of("bob"), true),
        // Every filter that is set has to let it pass.
        ("incoming_chat", json!({"only_my_chats": true, "source_type": ["system"]}), mine, false),
        ("incoming_chat", json!({"only_my_chats": true, "source_type": ["system"]}), system, true),
    ];
    for (action, filters, occurrence, expected) in rows {
        assert_eq!(
            passes(action, filters.clone(), &occurrence).await,
            expected,
            "{filters} of {occurrence:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fc11_what_the_action_has_no_filter_for_and_what_contradicts_itself_is_refused() {
    use ApiVersion::{V3_3, V3_6};
    let rows = [
        (V3_6, "incoming_chat", json!({"author_type": "customer"})),
        (V3_6, "tag_created", json!({"only_my_chats": true})),
        (V3_6, "agent_created", json!({"agent_ids": {"values": ["a"]}})),
        (V3_3, "incoming_chat", json!({"source_type": ["system"]})),
        (V3_3, "routing_status_set", json!({"agent_ids": {"values": ["a"]}})),
        (
            V3_6,
            "incoming_chat",
            json!({"chat_presence": {"user_ids": {"values": ["a"], "exclude_values": ["b"]}}}),
        ),
        (V3_6, "incoming_chat", json!({"chat_presence": {"user_ids": {}}})),
        (V3_6, "incoming_chat", json!({"chat_presence": {"user_ids": {"values": []}}})),
        (V3_6, "incoming_chat", json!({"source_type": []})),
    ];
    let caller = bearer();
    for (version, action, filters) in rows {
        let scene = Scene::new(Rules::current());
        let filters_read: Filters = serde_json::from_value(filters.clone()).unwrap();
        let webhook = NewWebhook { filters: filters_read, ..webhook(action) };
        assert_eq!(
            kind(scene.calls(&caller, version).register_webhook(webhook).await),
            "validation",
            "{filters}"
        );
    }
    for filters in [
        json!({"author_type": "bot"}),
        json!({"source_type": ["theirs"]}),
        json!({"chat_member_ids": {"agents_any": ["a"]}}),
        json!({"chat_presence": {"user_id": "a"}}),
        json!([]),
        json!({"chat_presence": [{"values": ["a"]}, true]}),
        json!({"chat_presence": {"user_ids": [["a"]]}}),
    ] {
        let request = json!({
            "action": "incoming_event", "secret_key": "k", "url": "https://a.example/", "type": "license",
            "owner_client_id": "cl_abc", "filters": filters,
        });
        let refusal: ApiError = NewWebhook::from_json(request.to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.kind.as_str(), "validation", "{filters}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc11_agents_were_filtered_in_another_action_up_to_3_3() {
    let scene = Scene::new(Rules::current());
    let caller = bearer();
    let filters: Filters = serde_json::from_value(json!({"agent_ids": {"values": ["ana"]}})).unwrap();
    let webhook = NewWebhook { filters, ..webhook("agent_deleted") };
    scene.enable().await;
    scene.calls(&caller, ApiVersion::V3_3).register_webhook(webhook.clone()).await.unwrap();
    assert_eq!(kind(scene.calls(&caller, ApiVersion::V3_4).register_webhook(webhook).await), "validation");
    for (agent, count) in [("ana", 1), ("bob", 0)] {
        let payload = json!({"agent_id": agent}).to_string();
        let deleted = Occurrence::new("agent_deleted", &payload).unwrap();
        assert_eq!(scene.happens(&deleted).await.len(), count, "{agent}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc11_a_customer_cannot_hide_from_a_filter_behind_depth_or_numbers() {
    let deep = format!("{}1e400{}", "[".repeat(5000), "]".repeat(5000));
    let payload = format!(r#"{{"chat_id":"C1","event":{{"id":"e","type":"custom","content":{deep}}}}}"#);
    let occurrence = Occurrence::new("incoming_event", &payload).unwrap().author(AuthorType::Customer);
    let scene = Scene::new(Rules::tutorial());
    scene.enable().await;
    let filters = Filters { author_type: Some(AuthorType::Customer), ..Filters::default() };
    scene.register(NewWebhook { filters, ..webhook("incoming_event") }).await;
    scene.world.webhooks.publish(occurrence.on(&license()).unwrap()).await.unwrap();
    scene.world.run_for(std::time::Duration::from_secs(1)).await;
    assert_eq!(scene.world.sent().len(), 1);
}
