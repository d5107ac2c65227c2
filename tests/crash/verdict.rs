//! Whether the acknowledgements, the history and the receiver tell one story.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hookpost::delivery::{AttemptResult, Delivery, RecordedAttempt, State};
use hookpost::history::AttemptLog;

use super::sender::ENDPOINTS;

/// What three parties say who do not know of each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// Events whose publish had returned.
    pub(crate) acknowledged: Vec<String>,
    /// The history's deliveries.
    pub(crate) deliveries: Vec<Told>,
    /// The receiver's requests.
    pub(crate) requests: Vec<Seen>,
}

/// One delivery as the history tells it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) event: String,
    pub(crate) endpoint: String,
    pub(crate) state: State,
    pub(crate) attempts: Vec<Row>,
    /// Leases that ended without a word.
    pub(crate) silent: usize,
}

/// One attempt as the history tells it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) result: AttemptResult,
    /// The request that the kept answer names.
    pub(crate) answers: Option<usize>,
}

/// One request as the receiver got it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) order: usize,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// What it was answered.
    pub(crate) status: u16,
}

/// What does not fit. Each finding names its delivery.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    /// Acknowledged, and not terminal at an endpoint.
    pub(crate) lost: Vec<String>,
    /// An attempt with a status that no request at the receiver matches.
    pub(crate) phantom: Vec<String>,
    /// A request with neither an attempt nor a silent lease.
    pub(crate) unexplained: Vec<String>,
    /// Attempts that are not numbered 1, 2, 3, ….
    pub(crate) misnumbered: Vec<String>,
    /// Delivered, and the receiver has said yes to none of its requests.
    pub(crate) unfounded: Vec<String>,
}

impl Told {
    pub(crate) fn new(delivery: &Delivery, log: &AttemptLog) -> Self {
        Self {
            event: delivery.event.to_string(),
            endpoint: delivery.endpoint.to_string(),
            state: delivery.state,
            attempts: log.attempts.iter().map(Row::new).collect(),
            silent: log.silent.len(),
        }
    }

    fn name(&self) -> String {
        format!("{} to {}", self.event, self.endpoint)
    }
}

impl Row {
    fn new(recorded: &RecordedAttempt) -> Self {
        let body = std::str::from_utf8(&recorded.attempt.body).unwrap();
        Self { number: recorded.number, result: recorded.attempt.result, answers: body.parse().ok() }
    }

    /// Whether the request may have left without an answer that names it.
    const fn may_have_left(&self) -> bool {
        matches!(self.result, AttemptResult::Unknown(_))
    }
}

impl Evidence {
    pub(crate) fn all_delivered(&self) -> bool {
        self.deliveries.iter().all(|told| matches!(told.state, State::Delivered { .. }))
    }

    pub(crate) fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let told: BTreeMap<_, _> = self
            .deliveries
            .iter()
            .map(|told| ((told.event.as_str(), told.endpoint.as_str()), told))
            .collect();
        for event in &self.acknowledged {
            for endpoint in ENDPOINTS {
                if !told.get(&(event.as_str(), endpoint)).is_some_and(|told| told.state.is_terminal()) {
                    verdict.lost.push(format!("{event} to {endpoint}"));
                }
            }
        }
        let mut requests: BTreeMap<_, Vec<&Seen>> = BTreeMap::new();
        for seen in &self.requests {
            let of = (seen.event.as_str(), seen.endpoint.as_str());
            if told.contains_key(&of) {
                requests.entry(of).or_default().push(seen);
            } else {
                verdict
                    .unexplained
                    .push(format!("{} to {}, unknown to the history", seen.event, seen.endpoint));
            }
        }
        for (of, told) in told {
            verdict.compare(told, requests.get(&of).map_or(&[], Vec::as_slice));
        }
        verdict
    }
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        self.findings().iter().all(|(_, found)| found.is_empty())
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.lost.extend(more.lost);
        self.phantom.extend(more.phantom);
        self.unexplained.extend(more.unexplained);
        self.misnumbered.extend(more.misnumbered);
        self.unfounded.extend(more.unfounded);
    }

    /// Holds the rows of one delivery against its requests, one by one.
    fn compare(&mut self, told: &Told, requests: &[&Seen]) {
        let mut named = BTreeSet::new();
        let mut accepted = false;
        for row in &told.attempts {
            let AttemptResult::Status(status) = row.result else { continue };
            let is_its = |seen: &&&Seen| Some(seen.order) == row.answers && seen.status == status.as_u16();
            match requests.iter().find(is_its) {
                Some(seen) if named.insert(seen.order) => accepted |= status.is_success(),
                _ => self.phantom.push(format!("{}, attempt {}", told.name(), row.number)),
            }
        }
        let excused = told.silent + told.attempts.iter().filter(|row| row.may_have_left()).count();
        for _ in (named.len() + excused)..requests.len() {
            self.unexplained.push(told.name());
        }
        if !told.attempts.iter().map(|row| row.number).eq(1..=told.attempts.len().try_into().unwrap()) {
            self.misnumbered.push(told.name());
        }
        if matches!(told.state, State::Delivered { .. }) && !accepted {
            self.unfounded.push(told.name());
        }
    }

    fn findings(&self) -> [(&'static str, &[String]); 5] {
        [
            ("lost", &self.lost),
            ("phantom", &self.phantom),
            ("unexplained", &self.unexplained),
            ("misnumbered", &self.misnumbered),
            ("unfounded", &self.unfounded),
        ]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.findings().map(|(name, found)| format!("{name} {}", found.len()));
        f.write_str(&counts.join(", "))
    }
}

mod the_judge_sees {
    //! Evidence of a run in which all was well, with one thing in it bent.

    use hookpost::policy::outcome::{NotSent, Unknown};
    use http::StatusCode;

    use super::*;

    /// One event: at `left` after an error, at `right` after a lease that ended silently.
    fn evidence() -> Evidence {
        let row = |number, order, status| {
            let result = AttemptResult::Status(StatusCode::from_u16(status).unwrap());
            Row { number, result, answers: Some(order) }
        };
        let told = |endpoint: &str, attempts, silent| Told {
            event: "e".to_owned(),
            endpoint: endpoint.to_owned(),
            state: State::Delivered { confirmed: true },
            attempts,
            silent,
        };
        let seen = |order, endpoint: &str, status| Seen {
            order,
            event: "e".to_owned(),
            endpoint: endpoint.to_owned(),
            status,
        };
        Evidence {
            acknowledged: vec!["e".to_owned()],
            deliveries: vec![
                told("left", vec![row(1, 0, 500), row(2, 2, 200)], 0),
                told("right", vec![row(1, 3, 200)], 1),
            ],
            requests: vec![
                seen(0, "left", 500),
                seen(1, "right", 200),
                seen(2, "left", 200),
                seen(3, "right", 200),
            ],
        }
    }

    /// What is found when one thing is bent, as lost, phantom, unexplained, misnumbered
    /// and unfounded.
    fn found(bend: impl FnOnce(&mut Evidence)) -> [usize; 5] {
        let mut evidence = evidence();
        bend(&mut evidence);
        evidence.judge().findings().map(|(_, found)| found.len())
    }

    #[test]
    fn nothing_in_a_run_in_which_all_was_well() {
        assert_eq!(found(|_| ()), [0; 5]);
    }

    #[test]
    fn an_acknowledged_event_that_is_missing_or_still_pending() {
        assert_eq!(found(|evidence| evidence.acknowledged.push("gone".to_owned())), [2, 0, 0, 0, 0]);
        assert_eq!(found(|evidence| evidence.deliveries[0].state = State::Pending), [1, 0, 0, 0, 0]);
    }

    #[test]
    fn an_attempt_whose_request_never_came_or_was_answered_otherwise_or_is_named_twice() {
        assert_eq!(found(|evidence| drop(evidence.requests.remove(0))), [0, 1, 0, 0, 0]);
        assert_eq!(found(|evidence| evidence.requests[0].status = 503), [0, 1, 1, 0, 0]);
        let named_twice = |evidence: &mut Evidence| {
            let attempts = &mut evidence.deliveries[0].attempts;
            attempts[0] = Row { number: 1, ..attempts[1].clone() };
        };
        assert_eq!(found(named_twice), [0, 1, 1, 0, 0]);
        assert_eq!(found(|evidence| evidence.deliveries[0].attempts[0].answers = None), [0, 1, 1, 0, 0]);
    }

    #[test]
    fn a_request_that_nothing_explains() {
        assert_eq!(found(|evidence| evidence.deliveries[1].silent = 0), [0, 0, 1, 0, 0]);
        let more = Seen { order: 9, status: 200, event: "e".to_owned(), endpoint: "left".to_owned() };
        assert_eq!(found(|evidence| evidence.requests.push(more.clone())), [0, 0, 1, 0, 0]);
        let unknown = Seen { event: "other".to_owned(), ..more };
        assert_eq!(found(|evidence| evidence.requests.push(unknown)), [0, 0, 1, 0, 0]);
    }

    #[test]
    fn an_attempt_without_an_answer_explains_a_request_only_if_it_may_have_left() {
        let without_answer = |result| {
            found(|evidence| evidence.deliveries[0].attempts[0] = Row { number: 1, result, answers: None })
        };
        assert_eq!(without_answer(AttemptResult::Unknown(Unknown::Reset)), [0; 5]);
        assert_eq!(without_answer(AttemptResult::NotSent(NotSent::Refused)), [0, 0, 1, 0, 0]);
    }

    #[test]
    fn attempts_with_a_gap_or_a_number_twice() {
        assert_eq!(found(|evidence| evidence.deliveries[0].attempts[1].number = 1), [0, 0, 0, 1, 0]);
        assert_eq!(found(|evidence| evidence.deliveries[0].attempts[1].number = 3), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_delivered_one_that_the_receiver_never_accepted() {
        assert_eq!(found(|evidence| evidence.deliveries[0].attempts.truncate(1)), [0, 0, 1, 0, 1]);
    }
}
