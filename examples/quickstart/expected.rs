//! The expected results, compared with the sender's history, the receivers' requests and the
//! receivers' verdicts.

use std::error::Error;

use hookpost::VerifyError;
use hookpost::delivery::{FailReason, State};
use hookpost::testing::Received;
use hookpost::webhooks::TestReport;

use super::fixtures::{ALL, COUPON, Fixture, JS_ERROR, MESSAGE, STARTED};
use super::ledger::Ledger;
use super::receivers::{Receivers, Site};
use super::shown::Expected;

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
    let became = |event: &Fixture, endpoint: &str, state, results: &[&str]| {
        after.routed(event.id, endpoint).is_some_and(|row| row.is(state, results))
    };
    let at_once = |event: &Fixture, endpoint: &str| became(event, endpoint, DELIVERED, &["200"]);
    let again = after.replayed(STARTED.id, "partner");
    let dead = [before, after].map(|ledger| ledger.routed(STARTED.id, "partner"));
    let (chats, payload, arrived) = ([STARTED, MESSAGE], JS_ERROR.payload()?, bodies(errors));

    let mut expected = Expected::default();
    expected.that("a test ping arrives and says what it is", ping.success && is_marked_as_test(chat));
    expected.that("chat gets both its events at once", chats.iter().all(|event| at_once(event, "chat")));
    expected.that("archive gets everything at once", ALL.iter().all(|event| at_once(event, "archive")));
    expected.that("errors gets no coupon", after.routed(COUPON.id, "errors").is_none());
    expected.that("errors recovers", became(&JS_ERROR, "errors", DELIVERED, &["503", "503", "200"]));
    expected.that("each attempt sends the same bytes", requests_are_equal(errors, 3));
    expected.that("the payload arrives to the byte", arrived.iter().any(|body| body.contains(payload)));
    expected.that("the right secrets verify", [errors, chat, archive].iter().all(|site| trusts_all(site)));
    expected.that("another secret does not", refusals(partner) == 3);
    expected.that("partner is given up", became(&STARTED, "partner", EXHAUSTED, &["401"; 3]));
    expected.that("down is given up", became(&MESSAGE, "down", EXHAUSTED, &["connection_refused"; 3]));
    expected.that("a replay is a new delivery", again.is_some_and(|row| row.is(DELIVERED, &["200"])));
    expected.that("asked for twice, it sends once", bodies(partner).len() == 1);
    expected.that("the dead letter stays as it was", dead[0].is_some() && dead[0] == dead[1]);
    expected.check()
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
    let requests = site.receiver.requests();
    let verified = requests.iter().filter(|request| request.is_verified());
    verified.map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect()
}

fn trusts_all(site: &Site) -> bool {
    site.receiver.requests().iter().all(Received::is_verified)
}

/// How many requests were signed with another secret than the site's.
fn refusals(site: &Site) -> usize {
    let mismatch = Some(Err(VerifyError::Mismatch));
    site.receiver.requests().iter().filter(|request| request.verdict == mismatch).count()
}
