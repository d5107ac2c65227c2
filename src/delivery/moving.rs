//! Converts what was decided before the store's time moved into the time after it.

use crate::policy::timeline::Shift;

use super::gate::GateChange;
use super::publish::Route;
use super::settlement::{Next, Progress, Settlement};

impl Settlement {
    /// Converts its times after the store's time moved by `by`.
    pub fn shift(&mut self, by: Shift) {
        let decided_at = self.at;
        self.at = by.carry(self.at);
        if let Some(attempt) = &mut self.attempt {
            attempt.began_at = by.carry(attempt.began_at);
        }
        match &mut self.next {
            Next::Done { progress, .. } | Next::Failed { progress, .. } => progress.shift(by),
            Next::Later { due_at, progress } => {
                *due_at = by.carry(*due_at);
                progress.shift(by);
            }
            Next::RouteLater { due_at } => *due_at = by.carry(*due_at),
            // What waits for the moment that its event states keeps it.
            Next::Routed { routes, .. } => {
                let due = routes.iter_mut().filter(|route| route.due_at <= decided_at);
                due.for_each(|route| route.shift(by));
            }
            Next::Release => {}
        }
    }
}

impl Route {
    fn shift(&mut self, by: Shift) {
        self.due_at = by.carry(self.due_at);
        self.born_at = by.carry(self.born_at);
    }
}

impl Progress {
    fn shift(&mut self, by: Shift) {
        self.first_attempt_at = self.first_attempt_at.map(|first| by.carry(first));
    }
}

impl GateChange {
    /// Returns the same change after the store's time moved by `by`.
    #[must_use]
    pub fn shifted(self, by: Shift) -> Self {
        match self {
            Self::Hold(until) => Self::Hold(by.carry(until)),
            Self::Lift | Self::Pause | Self::Resume => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::delivery::{Attempt, AttemptResult, Claimed};
    use crate::id::{DeliveryId, EndpointId, EventId, HostName, Round, TenantId, Token};
    use crate::policy::outcome::Unknown;
    use crate::time::Timestamp;

    const HOUR: i64 = 3600;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn moved(next: Next) -> Settlement {
        let token = Token::from_bytes([1; 16]);
        let attempt = Attempt {
            token,
            began_at: at(90),
            took: Duration::from_secs(10),
            result: AttemptResult::Unknown(Unknown::Timeout),
            success: false,
            body: bytes::Bytes::new(),
        };
        let of = Claimed::Event(TenantId::new("t").unwrap(), EventId::new("e").unwrap());
        let mut settlement = Settlement { token, of, at: at(100), next, attempt: Some(attempt) };
        settlement.shift(Shift::between(at(0), at(HOUR)));
        settlement
    }

    #[test]
    fn a_retry_keeps_its_distance_from_what_was_tried() {
        let progress = |first| Progress { attempts: 1, first_attempt_at: Some(at(first)) };
        let settlement = moved(Next::Later { due_at: at(160), progress: progress(90) });
        assert_eq!(settlement.at, at(HOUR + 100));
        assert_eq!(settlement.attempt.unwrap().began_at, at(HOUR + 90));
        assert_eq!(settlement.next, Next::Later { due_at: at(HOUR + 160), progress: progress(HOUR + 90) });
    }

    #[test]
    fn a_route_moves_along_unless_it_waits_for_a_moment_of_its_event() {
        let route = |due_at: i64| {
            let (tenant, endpoint) = (TenantId::new("t").unwrap(), EndpointId::new("e").unwrap());
            let event = EventId::new("e").unwrap();
            Route {
                delivery: DeliveryId::derive(&tenant, &event, at(0), &endpoint, &Round::Routing),
                endpoint,
                registration: 0,
                host: HostName::new("h.example").unwrap(),
                width: 1,
                round: Round::Routing,
                due_at: at(due_at),
                born_at: at(due_at),
                test: false,
            }
        };
        let settlement = moved(Next::Routed { routes: vec![route(99), route(5000)], more_after: None });
        let Next::Routed { routes, .. } = settlement.next else { panic!("still routed") };
        assert_eq!(
            routes,
            [Route { due_at: at(HOUR + 99), born_at: at(HOUR + 99), ..route(99) }, route(5000)]
        );
    }

    #[test]
    fn a_hold_moves_along() {
        let by = Shift::between(at(HOUR), at(0));
        assert_eq!(GateChange::Hold(at(HOUR + 5)).shifted(by), GateChange::Hold(at(5)));
        assert_eq!(GateChange::Lift.shifted(by), GateChange::Lift);
    }
}
