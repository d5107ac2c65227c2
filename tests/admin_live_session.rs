//! LiveSession's webhook settings: who may change them, and which events an alert lets
//! through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod vectors;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hookpost::id::{EndpointId, Scope, TenantId};
use hookpost::stores::sqlite::SqliteStore;
use hookpost::systems::live_session::admin::{
    Actor, AlertEvent, AlertForm, AlertId, AlertProvider, EndpointForm, LiveSessionAdmin, Role,
};
use hookpost::systems::settings::AdminError;
use hookpost::testing::{ScriptedTransport, VirtualClock};
use hookpost::{Endpoint, NewEvent, RegisterError, Webhooks};
use serde::Deserialize;
use serde_json::value::RawValue;
use world::{START, World, acme};

const WEBSITE: &str = "ws20002";

fn owner() -> Actor {
    Actor::new(acme(), Role::Owner)
}

fn member() -> Actor {
    Actor::new(acme(), Role::from("Member".to_owned()))
}

fn form(path: &str) -> EndpointForm {
    EndpointForm::new(format!("http://shop.example/{path}"), WEBSITE).secret("ls_sec_7Qm2v9")
}

fn alert(endpoint: &EndpointId, events: &[AlertEvent]) -> AlertForm {
    AlertForm::new("an alert", endpoint, events)
}

fn admin(world: &World) -> LiveSessionAdmin {
    LiveSessionAdmin::new(world.webhooks.clone())
}

async fn with_alert(admin: &LiveSessionAdmin, path: &str, events: &[AlertEvent]) -> Arc<Endpoint> {
    let endpoint = admin.create(&owner(), form(path)).await.unwrap();
    admin.create_alert(&owner(), alert(&endpoint.id, events)).await.unwrap();
    endpoint
}

/// The part of a body that its envelope wraps, to the byte.
#[derive(Deserialize)]
struct Wrapped<'a> {
    webhook_type: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// Publishes a fixture's payload on the website, and gives the paths that got a request.
async fn reached_by(world: &World, fixture: &str) -> Vec<String> {
    let body = vectors::named(fixture).body;
    let Wrapped { webhook_type, payload } = serde_json::from_slice(&body).unwrap();
    publish(world, webhook_type, payload.get().to_owned(), WEBSITE).await
}

async fn publish(world: &World, kind: &str, payload: String, website: &str) -> Vec<String> {
    let before = world.sent().len();
    let event = NewEvent::json("acme", kind, payload).unwrap().scope(website).unwrap();
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    let path = |url: &str| url.rsplit_once('/').unwrap().1.to_owned();
    let mut paths: Vec<_> = world.sent()[before..].iter().map(|exchange| path(&exchange.url)).collect();
    paths.sort();
    paths
}

fn problems(error: &AdminError) -> Vec<String> {
    error.problems().iter().map(ToString::to_string).collect()
}

#[tokio::test(start_paused = true)]
async fn fa12_an_endpoint_without_an_alert_gets_nothing() {
    let world = World::new();
    admin(&world).create(&owner(), form("bare")).await.unwrap();
    for fixture in ["ls_01", "ls_02", "ls_03", "ls_05", "ls_06", "ls_10"] {
        assert_eq!(reached_by(&world, fixture).await, [""; 0], "{fixture}");
    }
}

#[tokio::test(start_paused = true)]
async fn fa12_a_custom_alert_lets_its_event_through_and_no_other() {
    let world = World::new();
    with_alert(&admin(&world), "coupon", &[AlertEvent::saying(26, "Coupon applied")]).await;
    with_alert(&admin(&world), "other", &[AlertEvent::saying(26, "Other")]).await;
    with_alert(&admin(&world), "custom", &[AlertEvent::all_of(26)]).await;
    admin(&world).create(&owner(), form("bare")).await.unwrap();
    assert_eq!(reached_by(&world, "ls_06").await, ["coupon", "custom"]);
    assert_eq!(reached_by(&world, "ls_01").await, [""; 0]);
    // A JS error that says the custom event's name is no custom event.
    let error = r#"{"event_name":"JSError","name":"Coupon applied"}"#.to_owned();
    assert_eq!(publish(&world, "session.event", error, WEBSITE).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn fa12_each_kind_routes_by_its_own_name_and_value() {
    let world = World::new();
    let admin = admin(&world);
    for (path, kind) in [("click", 20), ("rage", 21), ("error", 25), ("custom", 26), ("net", 30)] {
        with_alert(&admin, path, &[AlertEvent::all_of(kind)]).await;
    }
    let crash = "TypeError: cart.total is not a function";
    let values = [(25, crash), (20, "button handler missing"), (30, "https://elsewhere.test/")];
    let values: Vec<_> = values.map(|(kind, value)| AlertEvent::saying(kind, value)).into();
    with_alert(&admin, "valued", &values).await;
    for (fixture, paths) in [
        ("ls_00", &["error"][..]),
        ("ls_01", &["error", "valued"]),
        ("ls_02", &["net"]),
        ("ls_03", &["click", "valued"]),
        ("ls_05", &["rage"]),
        ("ls_06", &["custom"]),
        ("ls_10", &[]),
    ] {
        assert_eq!(reached_by(&world, fixture).await, paths, "{fixture}");
    }
}

#[tokio::test(start_paused = true)]
async fn fa12_huge_numbers_and_depth_in_an_event_do_not_hide_it_from_its_alert() {
    let world = World::new();
    let events = [AlertEvent::saying(26, "Num"), AlertEvent::saying(26, "deep")];
    with_alert(&admin(&world), "custom", &events).await;
    assert_eq!(reached_by(&world, "ls_11").await, ["custom"]);
    assert_eq!(reached_by(&world, "ls_13").await, ["custom"]);
}

#[tokio::test(start_paused = true)]
async fn fa12_an_alert_with_mistakes_is_refused_with_all_of_them() {
    let world = World::new();
    let admin = admin(&world);
    let endpoint = admin.create(&owner(), form("x")).await.unwrap();
    let good = || alert(&endpoint.id, &[AlertEvent::all_of(25)]);
    for (form, expected) in [
        (
            AlertForm { provider: AlertProvider::Slack, ..good() },
            &["slack_channel_id: must be set with the provider slack"][..],
        ),
        (
            AlertForm { provider: AlertProvider::Slack, slack_channel_id: Some(" ".to_owned()), ..good() },
            &["slack_channel_id: must be set with the provider slack"],
        ),
        (
            AlertForm { provider: AlertProvider::Slack, slack_channel_id: Some("C024".to_owned()), ..good() },
            &["provider: must be webhooks: a channel of Slack is reached by an endpoint of its own"],
        ),
        (
            AlertForm {
                name: " ".to_owned(),
                webhook_id: None,
                events: vec![AlertEvent::all_of(5), AlertEvent::saying(21, "3")],
                ..good()
            },
            &[
                "name: must be 1 to 255 characters, none of them a control character",
                "events[0].kind: must be 20, 21, 25, 26 or 30",
                "events[1].value: must be empty, since such events have nothing to compare it with",
                "webhook_id: must be the id of an endpoint",
            ],
        ),
        (AlertForm { events: Vec::new(), ..good() }, &["events: must name at least one kind of events"]),
    ] {
        let refused = admin.create_alert(&owner(), form).await.unwrap_err();
        assert_eq!(problems(&refused), expected);
    }
    let nowhere = alert(&"nowhere".parse().unwrap(), &[AlertEvent::all_of(25)]);
    assert!(matches!(admin.create_alert(&owner(), nowhere).await, Err(AdminError::NotFound)));
    assert_eq!(admin.alerts(&owner()).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn alerts_are_listed_edited_and_deleted_and_take_effect_at_once() {
    let world = World::new();
    let admin = admin(&world);
    let endpoint = admin.create(&owner(), form("x")).await.unwrap();
    let first = admin.create_alert(&owner(), alert(&endpoint.id, &[AlertEvent::all_of(25)])).await.unwrap();
    let second = admin.create_alert(&owner(), alert(&endpoint.id, &[AlertEvent::all_of(25)])).await.unwrap();
    assert_ne!(first.alert_id, second.alert_id);
    assert_eq!(admin.alerts(&owner()).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(reached_by(&world, "ls_01").await, ["x"], "two alerts are one delivery");

    let form = AlertForm::new("clicks", &endpoint.id, [AlertEvent::all_of(20)]);
    let edited = admin.edit_alert(&owner(), &first.alert_id, form.clone()).await.unwrap();
    assert_eq!((edited.alert_id.clone(), edited.name.as_str()), (first.alert_id.clone(), "clicks"));
    assert_eq!(reached_by(&world, "ls_03").await, ["x"]);
    admin.delete_alert(&owner(), &second.alert_id).await.unwrap();
    assert_eq!(reached_by(&world, "ls_01").await, [""; 0]);
    let third = admin.create_alert(&owner(), alert(&endpoint.id, &[AlertEvent::all_of(25)])).await.unwrap();
    assert_ne!(third.alert_id, second.alert_id, "an id is never given twice");

    let shown = serde_json::to_value(&third).unwrap();
    assert_eq!(shown["events"], serde_json::json!([{ "kind": 25, "value": "" }]));
    assert_eq!(
        (&shown["provider"], &shown["webhook_id"]),
        (&"webhooks".into(), &endpoint.id.as_str().into())
    );
    let gone: AlertId = second.alert_id;
    assert!(matches!(admin.edit_alert(&owner(), &gone, form.clone()).await, Err(AdminError::NotFound)));
    assert!(matches!(admin.delete_alert(&owner(), &gone).await, Err(AdminError::NotFound)));
    let other = admin.create(&owner(), self::form("y")).await.unwrap();
    let moved = AlertForm { webhook_id: Some(other.id.as_str().to_owned()), ..form };
    let refused = admin.edit_alert(&owner(), &first.alert_id, moved).await.unwrap_err();
    assert_eq!(refused.problems()[0].field, "webhook_id");
    let stranger = Actor::new(TenantId::new("bcme").unwrap(), Role::Owner);
    assert!(matches!(admin.delete_alert(&stranger, &first.alert_id).await, Err(AdminError::NotFound)));
    assert_eq!(admin.alerts(&stranger).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn fa13_only_an_owner_and_an_admin_change_anything() {
    let world = World::new();
    let admin = admin(&world);
    let endpoint = with_alert(&admin, "x", &[AlertEvent::all_of(25)]).await;
    let alerts = admin.alerts(&owner()).await.unwrap();
    let before = admin.list(&owner()).await.unwrap()[0].version;
    let (id, alert_id) = (&endpoint.id, &alerts[0].alert_id);
    let clicks = || alert(id, &[AlertEvent::all_of(20)]);
    for role in ["Member", "Viewer", "", "Administrator", "Owner "] {
        let actor = Actor::new(acme(), Role::from(role.to_owned()));
        let refused = [
            admin.create(&actor, form("y")).await.err(),
            admin.edit(&actor, id, form("z")).await.err(),
            admin.set_enabled(&actor, id, false).await.err(),
            admin.set_enabled(&actor, id, true).await.err(),
            admin.delete(&actor, id).await.err(),
            admin.create_alert(&actor, clicks()).await.err(),
            admin.edit_alert(&actor, alert_id, clicks()).await.err(),
            admin.delete_alert(&actor, alert_id).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(AdminError::Forbidden { .. })), "{role}: {error:?}");
        }
        let bad = EndpointForm::new("ftp://x", "");
        let error = admin.create(&actor, bad).await.unwrap_err();
        assert!(matches!(error, AdminError::Forbidden { .. }), "who may not learns nothing of the rules");
    }
    let after = admin.list(&member()).await.unwrap();
    assert_eq!((after.len(), after[0].version), (1, before), "nothing has changed");
    assert_eq!(admin.alerts(&member()).await.unwrap(), alerts);

    for role in [Role::Admin, Role::Owner] {
        let actor = Actor::new(acme(), role);
        let made = admin.create(&actor, form("made")).await.unwrap();
        assert!(!admin.set_enabled(&actor, &made.id, false).await.unwrap().enabled);
        assert!(admin.set_enabled(&actor, &made.id, true).await.unwrap().enabled);
        let moved = admin.edit(&actor, &made.id, form("moved")).await.unwrap();
        assert_eq!((&moved.id, moved.url.expose()), (&made.id, "http://shop.example/moved"));
        let alert = admin.create_alert(&actor, alert(&made.id, &[AlertEvent::all_of(25)])).await.unwrap();
        admin.delete_alert(&actor, &alert.alert_id).await.unwrap();
        admin.delete(&actor, &made.id).await.unwrap();
        assert!(matches!(admin.delete(&actor, &made.id).await, Err(AdminError::NotFound)));
    }
}

#[tokio::test(start_paused = true)]
async fn fa9_fa10_a_forms_mistakes_are_told_at_once_and_a_taken_url_by_its_holder() {
    let world = World::new();
    let admin = admin(&world);
    let bad = EndpointForm { version: "v2".to_owned(), ..EndpointForm::new("ftp://h.example/", "a b") };
    let refused = admin.create(&owner(), bad.secret(" ")).await.unwrap_err();
    let fields: Vec<_> = refused.problems().iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["url", "website_id", "version", "secret"]);
    let unsigned = EndpointForm::new("http://h.example/x", WEBSITE);
    assert_eq!(
        problems(&admin.create(&owner(), unsigned).await.unwrap_err()),
        ["secret: must be set, since every request is signed"]
    );
    let first = admin.create(&owner(), form("x")).await.unwrap();
    let same = EndpointForm { url: "HTTP://Shop.Example:80/x".to_owned(), ..form("x") };
    match admin.create(&owner(), same).await {
        Err(AdminError::Register(RegisterError::DuplicateUrl { endpoint })) => assert_eq!(endpoint, first.id),
        other => panic!("{other:?}"),
    }
    let second = admin.create(&owner(), form("x?y")).await.unwrap();
    let taken = admin.edit(&owner(), &second.id, form("x")).await;
    assert!(matches!(taken, Err(AdminError::Register(RegisterError::DuplicateUrl { .. }))));
    assert!(!format!("{:?}", form("x")).contains("ls_sec") && !format!("{:?}", form("x")).contains("shop"));
}

#[tokio::test(start_paused = true)]
async fn fa11_an_edit_moves_an_endpoint_to_another_website_with_its_alerts() {
    let world = World::new();
    let admin = admin(&world);
    let endpoint = with_alert(&admin, "x", &[AlertEvent::all_of(25)]).await;
    let moved = EndpointForm { website_id: "w2".to_owned(), secret: None, ..form("x") };
    let moved = admin.edit(&owner(), &endpoint.id, moved).await.unwrap();
    assert_eq!(moved.subscription.scope(), Some(&Scope::new("w2").unwrap()));
    let error = || r#"{"event_name":"JSError"}"#.to_owned();
    assert_eq!(publish(&world, "session.event", error(), WEBSITE).await, [""; 0]);
    assert_eq!(publish(&world, "session.event", error(), "w2").await, ["x"]);
    assert!(world.sent()[0].headers.contains_key("livesession-signature"), "the secret has stayed");
}

/// Settings over a file of SQLite's, whose calls really overlap.
struct OnDisk(PathBuf);

impl OnDisk {
    fn named(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("hookpost-{name}-{}.db", std::process::id())))
    }

    fn open(&self) -> LiveSessionAdmin {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let store = Arc::new(SqliteStore::builder(&self.0).clock(clock.clone()).open().unwrap());
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        LiveSessionAdmin::new(
            Webhooks::builder(store, transport)
                .profiles(hookpost::Profile::systems())
                .clock(clock)
                .build()
                .unwrap(),
        )
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(format!("{}{suffix}", self.0.display())).ok();
        }
    }
}

#[tokio::test]
async fn those_who_make_alerts_at_the_same_time_all_get_theirs() {
    let disk = OnDisk::named("alerts-at-once");
    let admin = disk.open();
    let endpoint = admin.create(&owner(), form("x")).await.unwrap();
    let actor = owner();
    let make = |kind| admin.create_alert(&actor, alert(&endpoint.id, &[AlertEvent::all_of(kind)]));
    let (one, two, three) = tokio::join!(make(20), make(25), make(30));
    let alerts = [one, two, three].map(|alert| alert.unwrap());
    assert_eq!(alerts.clone().map(|alert| alert.events[0].kind), [20, 25, 30], "each gets its own back");
    let listed = admin.alerts(&owner()).await.unwrap();
    assert!(alerts.iter().all(|alert| listed.contains(alert)) && listed.len() == 3, "{alerts:?} {listed:?}");
}

#[tokio::test]
async fn alerts_live_in_the_registry_and_survive_a_restart() {
    let disk = OnDisk::named("alerts-after-restart");
    let made = {
        let admin = disk.open();
        let endpoint = admin.create(&owner(), form("x")).await.unwrap();
        let events = [AlertEvent::saying(26, "Coupon \"é\""), AlertEvent::all_of(21)];
        admin.create_alert(&owner(), alert(&endpoint.id, &events)).await.unwrap()
    };
    assert_eq!(disk.open().alerts(&owner()).await.unwrap(), [made]);
}
