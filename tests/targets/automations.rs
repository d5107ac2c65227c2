//! Zapier, Make and n8n.

use std::time::Duration;

use hookpost::Profile;
use hookpost::policy::outcome::Verdict;
use hookpost::testing::Behaviour;

use super::scene::{
    DELIVERED, MAKE, N8N, UNCONFIRMED, ZAPIER, answer, bytes_for, delivery_to, event_of, fixtures,
    is_enabled, judged, register, reply, world,
};

#[test]
fn ft8_the_native_body_goes_out_unchanged() {
    for (profile, url) in [(Profile::zapier(), ZAPIER), (Profile::make(), MAKE), (Profile::n8n(), N8N)] {
        for (name, payload) in fixtures() {
            assert_eq!(bytes_for(&profile, url, &event_of(&payload)), payload, "{} {name}", profile.name);
        }
    }
}

#[test]
fn ft8_each_one_s_answers_are_read_by_its_own_table() {
    let (ok, unconfirmed) = (Verdict::Delivered { confirmed: true }, Verdict::Delivered { confirmed: false });
    let (retry, gone, reject) =
        (Verdict::Retry { after: None }, Verdict::Gone { disable: true }, Verdict::Reject);
    let inactive =
        r#"{"code":404,"message":"The requested webhook \"POST x\" is not registered.","hint":"…"}"#;
    let (zapier, make, n8n) = (Profile::zapier(), Profile::make(), Profile::n8n());
    for (profile, status, body, verdict) in [
        (&zapier, 200, r#"{"status":"success"}"#, unconfirmed),
        (&zapier, 200, "", unconfirmed),
        (&zapier, 302, "", retry),
        (&zapier, 400, "", reject),
        (&zapier, 404, "", retry),
        (&zapier, 410, "", gone),
        (&zapier, 413, "", reject),
        (&zapier, 429, "", retry),
        (&zapier, 500, "", retry),
        (&make, 200, "Accepted", ok),
        (&make, 201, "", ok),
        (&make, 400, "Queue is full.", retry),
        (&make, 400, "queue is full", retry),
        (&make, 400, "Invalid data structure", reject),
        (&make, 401, "", gone),
        (&make, 403, "", retry),
        (&make, 404, "", retry),
        (&make, 410, "", gone),
        (&make, 413, "Queue is full.", reject),
        (&make, 429, "", retry),
        (&make, 500, "", retry),
        (&n8n, 200, r#"{"message":"Workflow got started."}"#, ok),
        (&n8n, 204, "", ok),
        (&n8n, 400, "", reject),
        (&n8n, 401, "", retry),
        (&n8n, 403, "", retry),
        (&n8n, 404, inactive, retry),
        (&n8n, 410, "", gone),
        (&n8n, 413, "", reject),
        (&n8n, 429, "", retry),
        (&n8n, 500, "", retry),
    ] {
        assert_eq!(judged(profile, &answer(status, &[], body)), verdict, "{} {status} {body}", profile.name);
    }
}

#[tokio::test(start_paused = true)]
async fn ft8_a_full_queue_and_an_inactive_workflow_are_waited_for() {
    for (name, url, trouble, state) in [
        ("make", MAKE, reply(400, &[], "Queue is full."), DELIVERED),
        ("n8n", N8N, reply(404, &[], r#"{"code":404,"message":"not registered"}"#), DELIVERED),
        ("zapier", ZAPIER, reply(503, &[], ""), UNCONFIRMED),
    ] {
        let world = world();
        register(&world, name, name, url).await;
        world.transport.at(url, Behaviour::sequence([trouble, reply(200, &[], "Accepted")]));
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(600)).await;
        assert_eq!(world.sent().len(), 2, "{name}");
        assert_eq!(delivery_to(&world, name).await.state, state, "{name}");
        assert!(is_enabled(&world, name).await, "{name}");
    }
}
