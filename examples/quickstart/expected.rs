//! What should have happened, as the sender's history, the receivers' requests and their
//! verdicts tell it.

use std::error::Error;

use hookpost::VerifyError;
use hookpost::delivery::{FailReason, State};
use hookpost::webhooks::TestReport;

use super::fixtures::{ALL, COUPON, JS_ERROR, MESSAGE, STARTED};
use super::ledger::Ledger;
use super::receivers::{Receivers, Site};

const DELIVERED: State = State::Delivered { confirmed: true };
const EXHAUSTED: State = State::Failed(FailReason::Exhausted);

/// Prints each expectation with whether it held.
///
/// # Errors
/// When one did not.
pub fn check(
    receivers: &Receivers,
    ping: &TestReport,
    before: &Ledger,
    after: &Ledger,
) -> Result<(), Box<dyn Error>> {
    let Receivers { errors, chat, archive, partner, .. } = receivers;
    let became = |event: &str, endpoint: &str, state, results: &[&str]| {
        after.routed(event, endpoint).is_some_and(|row| row.is(state, results))
    };
    let at_once = |event: &str, endpoint: &str| became(event, endpoint, DELIVERED, &["200"]);
    let payload = JS_ERROR.payload()?;

    let expectations = [
        ("a test ping arrives, and says what it is", ping.success && is_marked_as_test(chat)),
        ("chat gets both of its events at once", [STARTED, MESSAGE].iter().all(|e| at_once(e.id, "chat"))),
        ("archive gets everything at once", ALL.iter().all(|event| at_once(event.id, "archive"))),
        (
            "errors recovers at the third attempt",
            became("js-error", "errors", DELIVERED, &["503", "503", "200"]),
        ),
        ("errors gets JavaScript errors alone", after.routed(COUPON.id, "errors").is_none()),
        ("every attempt sends the same bytes", requests_are_equal(errors, 3)),
        ("payloads arrive to the byte", bodies(errors).iter().all(|body| body.contains(payload))),
        ("the right secret verifies", [errors, chat, archive].iter().all(|site| refusals(site) == 0)),
        ("down is given up after three attempts", became("message", "down", EXHAUSTED, &["refused"; 3])),
        ("another secret does not verify", refusals(partner) == 3),
        ("partner's 401 is a failure like any other", became("started", "partner", EXHAUSTED, &["401"; 3])),
        ("a replay sends once, whoever asks twice", bodies(partner).len() == 1),
        (
            "a replay is a delivery of its own",
            after.replayed("started", "partner").is_some_and(|row| row.is(DELIVERED, &["200"])),
        ),
        (
            "and the dead letter stays one",
            after.routed("started", "partner") == before.routed("started", "partner"),
        ),
    ];
    for (expectation, held) in expectations {
        println!("{} {expectation}", if held { "  held " } else { "  FAILED" });
    }
    match expectations.iter().filter(|(_, held)| !held).count() {
        0 => Ok(()),
        failed => Err(format!("{failed} of {} expectations failed", expectations.len()).into()),
    }
}

fn is_marked_as_test(site: &Site) -> bool {
    site.receiver.requests().first().is_some_and(|request| request.header("x-webhook-test") == Some("true"))
}

fn requests_are_equal(site: &Site, count: usize) -> bool {
    let requests = site.receiver.requests();
    requests.len() == count && requests.windows(2).all(|pair| pair[0].body == pair[1].body)
}

/// The bodies that a site has verified.
fn bodies(site: &Site) -> Vec<String> {
    let verified = site.verdicts().into_iter().filter_map(Result::ok);
    verified.map(|verified| String::from_utf8_lossy(verified.body()).into_owned()).collect()
}

/// How many requests were signed with another secret than the site's.
fn refusals(site: &Site) -> usize {
    site.verdicts().iter().filter(|verdict| **verdict == Err(VerifyError::Mismatch)).count()
}
