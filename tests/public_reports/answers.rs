//! Answers that say one thing and mean another, and waits that are no waits.

use std::time::Duration;

use hookpost::Profile;
use hookpost::delivery::State;
use hookpost::policy::outcome::Verdict;
use hookpost::testing::{Behaviour, Reply};

use crate::scene::{answer, judged};
use crate::world::{World, acme, hours, id, seconds};

#[test]
fn an_answer_is_read_by_what_its_service_means_by_it() {
    let retry = |after: Option<u64>| Verdict::Retry { after: after.map(Duration::from_secs) };
    let gone = Verdict::Gone { disable: true };
    let of_teams = |status| {
        format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with ContextId tcid=0"
        )
    };
    let (no_webhook, not_registered, retry_after) = (
        r#"{"message":"Unknown Webhook","code":10015}"#,
        r#"{"code":404,"message":"The requested webhook is not registered."}"#,
        r#"{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":35}}"#,
    );
    for (profile, status, headers, body, want) in [
        (Profile::teams(), 200, &[][..], of_teams(429).as_str(), retry(Some(5))),
        (Profile::teams(), 200, &[], &of_teams(413), Verdict::Reject),
        (Profile::teams(), 200, &[], &of_teams(412), retry(None)),
        (Profile::slack(), 200, &[], "<html>sign in</html>", retry(None)),
        (Profile::slack(), 429, &[("retry-after", "30")], "rate_limited", retry(Some(30))),
        (Profile::slack(), 403, &[], "<html>blocked</html>", retry(None)),
        (Profile::slack(), 500, &[], "no_service", gone),
        (Profile::discord(), 403, &[], "error code: 1010", retry(None)),
        (Profile::discord(), 404, &[], no_webhook, gone),
        (Profile::n8n(), 404, &[], not_registered, retry(None)),
        (Profile::make(), 400, &[], "Queue is full.", retry(None)),
        (Profile::telegram(), 429, &[], retry_after, retry(Some(35))),
        (Profile::telegram(), 404, &[], "404 page not found", retry(None)),
        (Profile::pagerduty(), 429, &[], "{}", retry(Some(180))),
        (Profile::pagerduty(), 403, &[], "{}", retry(None)),
        (Profile::zapier(), 404, &[], "", retry(None)),
        (Profile::zapier(), 410, &[], "", gone),
    ] {
        assert_eq!(
            judged(&profile, &answer(status, headers, body)),
            want,
            "{} {status} {body}",
            profile.name
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_410_is_kept_for_the_day_on_which_its_endpoint_is_enabled() {
    let world = World::new();
    world.endpoint("e", "standard").await;
    world.transport.otherwise(Reply::status(503));
    for _ in 0..5 {
        world.publish("order.paid").await;
        world.run_for(Duration::from_secs(60)).await;
    }
    world.transport.otherwise(Reply::status(410));
    world.run_for(hours(1)).await;
    assert!(!world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap().enabled);
    world.transport.otherwise(Reply::ok());
    world.webhooks.enable(&acme(), &id("e")).await.unwrap();
    world.run_for(hours(24)).await;
    let delivered = State::Delivered { confirmed: true };
    let delivered = world.states().await.into_iter().filter(|state| *state == delivered).count();
    assert_eq!(delivered, 4, "all but the one that was answered so");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_a_number_or_a_date_and_at_most_an_hour() {
    for (value, waited) in [
        ("7", 7),
        ("Thu, 01 Jan 2026 00:10:00 GMT", 600),
        ("-1", 5),
        ("7s", 5),
        ("99999999999999999999999", 3600),
    ] {
        let world = World::new();
        world.endpoint("e", "standard").await;
        let busy = Reply::status(429).header("retry-after", value);
        world.transport.otherwise(Behaviour::sequence([busy, Reply::ok()]));
        world.publish("order.paid").await;
        world.run_for(hours(2)).await;
        assert_eq!(seconds(&world.sent()), [0, waited], "{value}");
    }
}
