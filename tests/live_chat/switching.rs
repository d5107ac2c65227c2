//! What switches a license on, and for whom.

use hookpost::systems::live_chat::admin::{Caller, NewWebhook, Rules};
use hookpost::systems::live_chat::payload::{ApiVersion, AppEvent, License};

use super::scene::{Scene, application, bearer, ended, kind, license, mine, personal, webhook};

const V: ApiVersion = ApiVersion::STABLE;

#[tokio::test(start_paused = true)]
async fn fc6_a_registered_webhook_is_delivered_once_its_license_is_enabled() {
    let scene = Scene::new(Rules::tutorial());
    scene.register(webhook("chat_deactivated")).await;
    scene.register(webhook("chat_deactivated")).await;
    let other = NewWebhook { owner_client_id: "cl_second".into(), ..webhook("chat_deactivated") };
    scene.register(other).await;
    let caller = bearer();
    let state = async || scene.calls(&caller, V).license_webhooks_enabled(None).await.unwrap();
    assert_eq!((state().await, scene.happens(&ended()).await.len()), (false, 0));

    scene.enable().await;
    assert_eq!((state().await, scene.happens(&ended()).await.len()), (true, 2), "all of the client's");
    scene.enable().await;
    assert_eq!(scene.happens(&ended()).await.len(), 2, "twice is as once");
    scene.register(webhook("chat_deactivated")).await;
    assert_eq!(scene.happens(&ended()).await.len(), 3, "a newer one at once");

    scene.disable().await;
    assert_eq!((state().await, scene.happens(&ended()).await.len()), (false, 0));
    scene.enable().await;
    assert_eq!(scene.happens(&ended()).await.len(), 3, "what happened meanwhile is not made up for");
}

#[tokio::test(start_paused = true)]
async fn fc7_whose_webhooks_are_switched_depends_on_token_and_version() {
    use ApiVersion::{V3_3, V3_4, V3_5, V3_6};
    let second = "cl_second".into();
    // What a bearer's `owner_client_id` did: nothing, a refusal, or another client's switch.
    for (rules, version, expected) in [
        (Rules::tutorial(), V3_3, "ignored"),
        (Rules::current(), V3_3, "rejected"),
        (Rules::current(), V3_4, "rejected"),
        (Rules::current(), V3_5, "overrides"),
        (Rules::current(), V3_6, "overrides"),
    ] {
        let scene = Scene::new(rules);
        let (application, person) = (bearer(), personal());
        let answer = scene.calls(&application, version).enable_license_webhooks(Some(&second)).await;
        let is_on = async |client| {
            scene.calls(&person, version).license_webhooks_enabled(Some(client)).await.unwrap()
        };
        let became = match (answer, is_on(&mine()).await, is_on(&second).await) {
            (Ok(()), true, false) => "ignored",
            (Ok(()), false, true) => "overrides",
            (Err(refusal), false, false) if refusal.kind.as_str() == "validation" => "rejected",
            other => panic!("{other:?}"),
        };
        assert_eq!(became, expected, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn fc7_a_personal_token_names_the_client_and_only_one_of_its_organization() {
    let scene = Scene::new(Rules::current());
    let person = personal();
    for version in ApiVersion::ALL {
        let calls = scene.calls(&person, version);
        assert_eq!(kind(calls.enable_license_webhooks(None).await), "validation");
        assert_eq!(kind(calls.disable_license_webhooks(None).await), "validation");
        assert_eq!(kind(calls.license_webhooks_enabled(None).await), "validation");
        assert_eq!(kind(calls.enable_license_webhooks(Some(&"cl_foreign".into())).await), "authorization");
        assert_eq!(kind(calls.enable_license_webhooks(Some(&"".into())).await), "validation");
        calls.enable_license_webhooks(Some(&mine())).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn fc8_installing_switches_on_and_switching_off_outlasts_reinstalling() {
    let scene = Scene::new(Rules::current());
    scene.register(webhook("chat_deactivated")).await;
    let delivered = async || scene.happens(&ended()).await.len();
    let tell = async |event: &str| scene.live_chat.application(&application(event)).await.unwrap();
    assert_eq!(delivered().await, 0);
    tell("application_installed").await;
    assert_eq!(delivered().await, 1);
    tell("application_uninstalled").await;
    assert_eq!(delivered().await, 0, "uninstalled");
    tell("application_installed").await;
    assert_eq!(delivered().await, 1, "nobody had switched it off");

    scene.disable().await;
    tell("application_uninstalled").await;
    tell("application_installed").await;
    assert_eq!(delivered().await, 0, "still off");
    scene.enable().await;
    assert_eq!(delivered().await, 1);
}

#[tokio::test(start_paused = true)]
async fn fc20_the_consoles_webhook_is_recognised_and_drives_the_switch() {
    let installed = application("application_installed");
    assert_eq!(installed.event, AppEvent::Installed);
    assert_eq!((installed.client_id.as_str(), &installed.license), ("cl_abc", &license()));
    assert_eq!(installed.payload_json(), Some(r#"{"applicationID":"ap1"}"#));

    for (rules, on) in [(Rules::current(), true), (Rules::tutorial(), false)] {
        let scene = Scene::new(rules);
        assert!(scene.live_chat.application(&installed).await.unwrap());
        let caller = bearer();
        assert_eq!(scene.calls(&caller, V).license_webhooks_enabled(None).await.unwrap(), on);
        for other in ["payment_collected", "something_new"] {
            assert!(!scene.live_chat.application(&application(other)).await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn fc9_one_license_hears_nothing_of_another() {
    let others = [
        License { id: 100_200_301, ..license() },
        License { id: 100_200_302, organization: "another-organization".parse().unwrap() },
    ];
    for other in others {
        let scene = Scene::new(Rules::tutorial());
        let caller = bearer();
        for version in [ApiVersion::V3_3, ApiVersion::V3_4, ApiVersion::V3_6] {
            scene.calls(&caller, version).register_webhook(webhook("chat_deactivated")).await.unwrap();
        }
        scene.enable().await;
        let there = Caller { license: other.clone(), ..bearer() };
        assert!(!scene.calls(&there, V).license_webhooks_enabled(None).await.unwrap());
        assert_eq!(scene.happens_on(&other, &ended()).await.len(), 0);
        check_places(&scene.happens(&ended()).await, &license());

        scene.calls(&there, V).enable_license_webhooks(None).await.unwrap();
        check_places(&scene.happens_on(&other, &ended()).await, &other);
        scene.disable().await;
        assert_eq!(scene.happens(&ended()).await.len(), 0);
        check_places(&scene.happens_on(&other, &ended()).await, &other);
    }
}

fn check_places(bodies: &[serde_json::Value], license: &License) {
    assert_eq!(bodies.len(), 3);
    for body in bodies {
        let by_number = body.get("license_id").map(|id| *id == license.id);
        let by_name = body.get("organization_id").map(|id| *id == license.organization.as_str());
        assert!(matches!((by_number, by_name), (Some(true), None) | (None, Some(true))), "{body}");
    }
}
