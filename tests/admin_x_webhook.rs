//! X-Webhook's settings: the form, who may do what, and the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod vectors;
mod world;

use std::time::Duration;

use hookpost::delivery::State;
use hookpost::systems::settings::AdminError;
use hookpost::systems::x_webhook::admin::{Form, Permission, SiteUser, XWebhookAdmin};
use hookpost::testing::Reply;
use hookpost::{Endpoint, NewEvent, Scheme, Secret, Timestamp, Verifier};
use world::{World, acme, hours};

fn all() -> SiteUser {
    SiteUser::new(acme(), Permission::ALL)
}

fn only(permission: Permission) -> SiteUser {
    SiteUser::new(acme(), [permission])
}

fn form() -> Form {
    Form {
        name: "Slack Notifications".to_owned(),
        url: "https://shop.example/hook".to_owned(),
        secret: Some("bl-secret-é✓".to_owned()),
        events: vec!["message.received".to_owned(), "conversation.started".to_owned()],
        enabled: true,
        admin_messages: false,
    }
}

fn admin(world: &World) -> XWebhookAdmin {
    XWebhookAdmin::new(world.webhooks.clone())
}

fn events(endpoint: &Endpoint) -> Vec<&str> {
    endpoint.subscription.exact_types().map(hookpost::id::EventType::as_str).collect()
}

async fn publish(world: &World, fixture: &str) -> usize {
    let before = world.sent().len();
    let body: serde_json::Value = serde_json::from_slice(&vectors::named(fixture).body).unwrap();
    let event = NewEvent::serialize("acme", body["event"].as_str().unwrap(), &body["data"]).unwrap();
    world.webhooks.publish(event).await.unwrap();
    world.run_for(Duration::from_secs(5)).await;
    world.sent().len() - before
}

#[tokio::test(start_paused = true)]
async fn fb1_what_is_filled_in_is_created_listed_edited_and_deleted() {
    let world = World::new();
    let admin = admin(&world);
    let made = admin.create(&all(), form()).await.unwrap();
    let listed = admin.list(&all()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, listed[0].name.as_str()), (&made.id, "Slack Notifications"));
    assert_eq!(listed[0].url.expose(), "https://shop.example/hook");
    assert_eq!(events(&listed[0]), ["message.received", "conversation.started"]);
    assert!(listed[0].enabled);
    assert_eq!((publish(&world, "bl_01").await, publish(&world, "bl_02").await), (1, 1));

    let edit = Form {
        name: " Archive ".to_owned(),
        url: "https://other.example/".to_owned(),
        secret: None,
        events: vec!["conversation.started".to_owned()],
        ..form()
    };
    let edited = admin.edit(&all(), &made.id, edit).await.unwrap();
    assert_eq!((edited.name.as_str(), events(&edited)), ("Archive", vec!["conversation.started"]));
    assert_eq!((publish(&world, "bl_01").await, publish(&world, "bl_02").await), (1, 0));
    let sent = world.sent().pop().unwrap();
    assert_eq!(sent.host, "other.example");
    let verifier = Verifier::new(&Scheme::x_webhook(), [Secret::new("bl-secret-é✓").unwrap()]).unwrap();
    assert!(verifier.verify(&sent.headers, &sent.body, Timestamp::EPOCH).is_ok(), "no secret said keeps it");

    admin.edit(&all(), &made.id, Form { secret: Some(String::new()), ..form() }).await.unwrap();
    publish(&world, "bl_02").await;
    assert!(!world.sent().pop().unwrap().headers.contains_key("x-webhook-signature"), "an empty one is none");

    admin.delete(&all(), &made.id).await.unwrap();
    assert!(admin.list(&all()).await.unwrap().is_empty());
    assert!(matches!(admin.delete(&all(), &made.id).await, Err(AdminError::NotFound)));
    assert!(matches!(admin.edit(&all(), &made.id, form()).await, Err(AdminError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn fb1_each_mistake_is_named_by_its_field_and_all_at_once() {
    let world = World::new();
    let admin = admin(&world);
    for (form, fields) in [
        (Form { name: " \t".to_owned(), ..form() }, &["name"][..]),
        (Form { name: "é".repeat(256), ..form() }, &["name"]),
        (Form { name: "a\nb".to_owned(), ..form() }, &["name"]),
        (Form { url: "http://shop.example/".to_owned(), ..form() }, &["url"]),
        (Form { url: "https://10.0.0.1/".to_owned(), ..form() }, &["url"]),
        (Form { url: String::new(), ..form() }, &["url"]),
        (Form { secret: Some("  ".to_owned()), ..form() }, &["secret"]),
        (Form { secret: Some("x".repeat(1025)), ..form() }, &["secret"]),
        (Form { events: Vec::new(), ..form() }, &["events"]),
        (Form { events: vec!["message.received".to_owned(), "*".to_owned()], ..form() }, &["events[1]"]),
        (
            Form {
                name: String::new(),
                url: "ftp://x".to_owned(),
                secret: Some(" ".to_owned()),
                events: vec!["conversation.closed".to_owned()],
                ..form()
            },
            &["name", "url", "secret", "events[0]"],
        ),
    ] {
        let error = admin.create(&all(), form).await.unwrap_err();
        let found: Vec<_> = error.problems().iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(found, fields, "{error}");
    }
    assert!(admin.list(&all()).await.unwrap().is_empty(), "nothing is left");
    assert!(admin.create(&all(), Form { name: "é".repeat(255), ..form() }).await.is_ok());
    let known = admin.with_event("conversation.closed".parse().unwrap());
    let closed = Form { events: vec!["conversation.closed".to_owned()], ..form() };
    known.create(&all(), closed).await.unwrap();
    assert_eq!(publish(&world, "bl_07").await, 1, "an event that the host knows");
    let printed = format!("{:?}", form());
    assert!(!printed.contains("bl-secret") && !printed.contains("shop.example"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn fb2_each_verb_asks_for_its_own_permission() {
    let world = World::new();
    let admin = admin(&world);
    let made = admin.create(&only(Permission::Create), form()).await.unwrap();
    for permission in Permission::ALL {
        assert_eq!(permission.key().parse(), Ok(permission));
        let actor = only(permission);
        let allowed = |wanted| permission == wanted;
        let verdict = |error: Option<AdminError>, wanted: Permission| match error {
            None => assert!(allowed(wanted), "{permission:?} did what asks for {wanted:?}"),
            Some(AdminError::Forbidden { needs }) => {
                assert!(!allowed(wanted));
                assert_eq!(needs, wanted.key());
            }
            Some(other) => panic!("{other}"),
        };
        verdict(admin.list(&actor).await.err(), Permission::Index);
        verdict(admin.edit(&actor, &made.id, form()).await.err(), Permission::Edit);
        verdict(admin.test(&actor, &made.id).await.err(), Permission::Edit);
        let spare = admin.create(&all(), form()).await.unwrap();
        verdict(admin.delete(&actor, &spare.id).await.err(), Permission::Destroy);
        verdict(admin.create(&actor, form()).await.err(), Permission::Create);
    }
    let (before, nobody) = (admin.list(&all()).await.unwrap().len(), SiteUser::new(acme(), []));
    assert!(matches!(admin.create(&nobody, Form::default()).await, Err(AdminError::Forbidden { .. })));
    assert!(matches!(admin.delete(&nobody, &made.id).await, Err(AdminError::Forbidden { .. })));
    assert_eq!(admin.list(&all()).await.unwrap().len(), before);
    assert!("live-chat.webhooks.all".parse::<Permission>().is_err());
}

#[tokio::test(start_paused = true)]
async fn fb11_the_switch_of_the_form_stops_deliveries_and_lets_only_later_ones_through() {
    let world = World::new();
    let admin = admin(&world);
    let made = admin.create(&all(), Form { enabled: false, ..form() }).await.unwrap();
    assert_eq!(publish(&world, "bl_02").await, 0);
    let on = admin.edit(&all(), &made.id, form()).await.unwrap();
    assert!(on.enabled && on.since > made.since);
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 0, "what came before is not made up for");
    assert_eq!(publish(&world, "bl_02").await, 1);
    admin.edit(&all(), &made.id, Form { enabled: false, ..form() }).await.unwrap();
    assert_eq!(publish(&world, "bl_02").await, 0);
}

#[tokio::test(start_paused = true)]
async fn switched_on_again_by_the_form_an_endpoint_is_asked_at_once() {
    let world = World::new();
    let admin = admin(&world);
    let made = admin.create(&all(), form()).await.unwrap();
    world.transport.otherwise(Reply::status(500));
    publish(&world, "bl_02").await;
    admin.edit(&all(), &made.id, Form { enabled: false, ..form() }).await.unwrap();
    // The engine meets the disabled endpoint and holds its lane.
    world.run_for(Duration::from_secs(70)).await;
    admin.edit(&all(), &made.id, form()).await.unwrap();
    world.transport.otherwise(Reply::ok());
    assert_eq!(publish(&world, "bl_02").await, 1);
}

#[tokio::test(start_paused = true)]
async fn messages_that_the_site_wrote_are_sent_only_where_that_was_asked_for() {
    let world = World::new();
    let admin = admin(&world);
    let made = admin.create(&all(), form()).await.unwrap();
    assert_eq!((publish(&world, "bl_06").await, publish(&world, "bl_01").await), (0, 1));
    admin.edit(&all(), &made.id, Form { admin_messages: true, ..form() }).await.unwrap();
    assert_eq!((publish(&world, "bl_06").await, publish(&world, "bl_02").await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn fb15_a_test_sends_the_first_event_once_also_where_the_switch_is_off() {
    let world = World::new();
    let admin = admin(&world);
    let off = Form { events: vec!["conversation.started".to_owned()], enabled: false, ..form() };
    let made = admin.create(&all(), off).await.unwrap();
    world.transport.otherwise(Reply::status(202).body("thanks").after(Duration::from_millis(80)));
    let report = admin.test(&all(), &made.id).await.unwrap();
    assert!(report.success);
    assert_eq!(
        (report.took, report.result.unwrap().to_string()),
        (Duration::from_millis(80), "202".to_owned())
    );
    let sent = world.sent();
    assert_eq!(
        (sent.len(), &sent[0].headers["x-webhook-test"]),
        (1, &http::HeaderValue::from_static("true"))
    );
    let body = hookpost::systems::x_webhook::payload::XWebhookBody::read(&sent[0].body).unwrap();
    assert_eq!(body.event(), "conversation.started");
    assert_eq!(body.check_headers(&sent[0].headers), Ok(()));
    let verifier = Verifier::new(&Scheme::x_webhook(), [Secret::new("bl-secret-é✓").unwrap()]).unwrap();
    assert!(verifier.verify(&sent[0].headers, &sent[0].body, Timestamp::EPOCH).is_ok());

    world.transport.otherwise(Reply::status(500));
    let report = admin.test(&all(), &made.id).await.unwrap();
    assert!(!report.success && matches!(report.state, State::Failed(_)));
    world.run_for(hours(1)).await;
    assert_eq!(world.sent().len(), 2, "it is not repeated");
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_other_profiles_and_tenants_are_not_found() {
    let world = World::new();
    let admin = admin(&world);
    let theirs = world.endpoint("standard", "standard").await;
    let mine = admin.create(&all(), form()).await.unwrap();
    assert_eq!(admin.list(&all()).await.unwrap().len(), 1);
    let stranger = SiteUser::new("bcme".parse().unwrap(), Permission::ALL);
    for (actor, id) in [(&all(), &theirs.id), (&stranger, &mine.id)] {
        assert!(matches!(admin.edit(actor, id, form()).await, Err(AdminError::NotFound)));
        assert!(matches!(admin.test(actor, id).await, Err(AdminError::NotFound)));
        assert!(matches!(admin.delete(actor, id).await, Err(AdminError::NotFound)));
    }
    assert!(admin.list(&stranger).await.unwrap().is_empty());
    assert_eq!(world.webhooks.endpoints(&acme(), None, 10).await.unwrap().endpoints.len(), 2);
}
