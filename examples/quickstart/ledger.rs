//! A table of a tenant's deliveries, read from the history.

use std::error::Error;
use std::fmt;

use hookpost::Webhooks;
use hookpost::delivery::State;
use hookpost::history::{PageAfter, Selection};
use hookpost::id::{EndpointId, EventId, Round, TenantId};

pub struct Ledger(Vec<Row>);

/// One delivery: one event for one endpoint in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    event: EventId,
    endpoint: EndpointId,
    round: Round,
    test: bool,
    state: State,
    /// What came back of each attempt.
    results: Vec<String>,
}

impl Ledger {
    pub async fn read(webhooks: &Webhooks, tenant: &TenantId) -> Result<Self, Box<dyn Error>> {
        let mut rows = Vec::new();
        let mut page = PageAfter::first(5);
        loop {
            let found = webhooks.deliveries(tenant, Selection::default(), page).await?;
            for delivery in found.deliveries {
                let log = webhooks.attempts(tenant, &delivery.id).await?.unwrap_or_default();
                rows.push(Row {
                    event: delivery.event,
                    endpoint: delivery.endpoint,
                    round: delivery.round,
                    test: delivery.test,
                    state: delivery.state,
                    results: log.attempts.iter().map(|each| each.attempt.result.to_string()).collect(),
                });
            }
            match found.more_after {
                Some(last) => page.after = Some(last),
                None => return Ok(Self(rows)),
            }
        }
    }

    /// What became of an event at an endpoint when it was published.
    pub fn routed(&self, event: &str, endpoint: &str) -> Option<&Row> {
        self.find(event, endpoint, |round| *round == Round::Routing)
    }

    /// What became of it when it was sent again.
    pub fn replayed(&self, event: &str, endpoint: &str) -> Option<&Row> {
        self.find(event, endpoint, |round| *round != Round::Routing)
    }

    fn find(&self, event: &str, endpoint: &str, round: impl Fn(&Round) -> bool) -> Option<&Row> {
        self.0
            .iter()
            .find(|row| row.event.as_str() == event && row.endpoint.as_str() == endpoint && round(&row.round))
    }
}

impl Row {
    /// Whether it came to this after attempts that got these answers.
    pub fn is(&self, state: State, results: &[&str]) -> bool {
        self.state == state && self.results == results
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:10} {:9} {:17} {:18} attempts", "event", "endpoint", "round", "state")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let round = match &self.round {
            Round::Routing if self.test => "test ping",
            Round::Routing => "published",
            Round::Replay(name) => name.as_str(),
            Round::Unjudged => "unjudged",
        };
        let (event, endpoint) = (self.event.as_str(), self.endpoint.as_str());
        let (state, results) = (self.state.to_string(), self.results.join(", "));
        write!(f, "{event:10.10} {endpoint:9} {round:17} {state:18} {results}")
    }
}
