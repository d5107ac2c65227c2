//! Tests how many rows are written per event. Rows of lanes are counted separately: at most one of
//! these is written per lane and batch.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::delivery::{
    Attempt, AttemptResult, Claim, ClaimRequest, Claimed, Next, Progress, Publish, Route, Settlement, Shares,
    State,
};
use crate::event::{Event, NewEvent};
use crate::id::{DeliveryId, EndpointId, EventId, HostName, Round, Token};
use crate::time::Timestamp;

use super::db::Db;
use super::{claim, publish, schema, settle};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn event(number: u32) -> Arc<Event> {
    let event = NewEvent::json("acme", "order.paid", "{}").unwrap();
    Arc::new(event.into_event(EventId::new(format!("e{number}")).unwrap(), NOW, 100).unwrap())
}

fn route(event: &Event) -> Route {
    let endpoint = EndpointId::new("endpoint").unwrap();
    let round = Round::Routing;
    Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, &endpoint, &round),
        endpoint,
        registration: 0,
        host: HostName::new("h.example").unwrap(),
        width: 100,
        round,
        due_at: NOW,
        born_at: NOW,
        test: false,
    }
}

fn request(token: u8) -> ClaimRequest {
    ClaimRequest {
        token: Token::from_bytes([token; 16]),
        now: NOW,
        lease_until: NOW + Duration::from_secs(30),
        deliveries: 100,
        events: 100,
        doubtful: 100,
        shares: Shares::unlimited(),
        alone: false,
    }
}

fn delivered(claim: &Claim) -> Settlement {
    let attempt = Attempt {
        token: claim.token,
        began_at: NOW,
        took: Duration::from_millis(5),
        result: AttemptResult::Status(http::StatusCode::OK),
        success: true,
        body: bytes::Bytes::new(),
    };
    Settlement {
        token: claim.token,
        of: Claimed::Delivery(claim.delivery),
        at: NOW,
        next: Next::Done {
            state: State::Delivered { confirmed: true },
            progress: Progress { attempts: 1, first_attempt_at: Some(NOW) },
        },
        attempt: Some(attempt),
    }
}

/// The number of row writes of `work`: those of other tables, those of lanes, and those of lines.
fn writes(db: &Connection, work: impl FnOnce()) -> (i64, i64, i64) {
    let counts = || {
        let all: i64 = db.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap();
        let logged = |table: &str| -> i64 {
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        (all, logged("lane_writes"), logged("line_writes"))
    };
    let before = counts();
    work();
    let after = counts();
    // A trigger logs each write of a lane or a line, which is another write.
    let (lanes, turns) = (after.1 - before.1, after.2 - before.2);
    (after.0 - before.0 - 2 * (lanes + turns), lanes, turns)
}

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    schema::migrate(&connection).unwrap();
    let log = "CREATE TABLE lane_writes (lane INTEGER);
        CREATE TABLE line_writes (tenant TEXT);
        CREATE TRIGGER line_added AFTER INSERT ON hookpost_line BEGIN INSERT INTO line_writes VALUES (NEW.tenant); END;
        CREATE TRIGGER line_moved AFTER UPDATE ON hookpost_line BEGIN INSERT INTO line_writes VALUES (NEW.tenant); END;
        CREATE TRIGGER line_gone AFTER DELETE ON hookpost_line BEGIN INSERT INTO line_writes VALUES (OLD.tenant); END;
        CREATE TRIGGER lane_added AFTER INSERT ON hookpost_lane BEGIN INSERT INTO lane_writes VALUES (NEW.lane); END;
        CREATE TRIGGER lane_saved AFTER UPDATE ON hookpost_lane BEGIN INSERT INTO lane_writes VALUES (NEW.lane); END;";
    connection.execute_batch(log).unwrap();
    connection
}

#[test]
fn a_first_try_on_the_fast_path_costs_four_row_writes_per_event() {
    let connection = database();
    let db = Db::own(&connection, Arc::default());
    // The first event creates the lane.
    for (from, events) in [(0, 1), (1, 10)] {
        let events: Vec<_> = (from..from + events).map(event).collect();
        let publishes: Vec<_> = events
            .iter()
            .map(|event| Publish { event: Arc::clone(event), routes: Some(vec![route(event)]) })
            .collect();
        let mut claims = None;
        let stored = writes(&connection, || {
            claims = Some(publish::publish(&db, &publishes, Some(&request(1)), NOW).unwrap().1);
        });
        let work = claims.unwrap().work;
        assert_eq!(work.len(), events.len());
        let settlements: Vec<_> = work.iter().map(delivered).collect();
        let settled = writes(&connection, || drop(settle::settle(&db, &settlements, &[], NOW).unwrap()));
        assert_eq!(stored.0 + settled.0, 4 * i64::try_from(events.len()).unwrap());
        assert!(stored.1 <= 2 - i64::from(from > 0) && settled.1 <= 1, "{stored:?} {settled:?}");
        // The line stays ready at the end of its first lease until a claim moves it.
        assert_eq!((stored.2, settled.2), (i64::from(from == 0), 0));
    }
}

#[test]
fn a_first_try_from_a_host_transaction_costs_eight_row_writes_per_event() {
    let connection = database();
    let db = Db::own(&connection, Arc::default());
    let events: Vec<_> = (0..10).map(event).collect();
    let publishes: Vec<_> =
        events.iter().map(|event| Publish { event: Arc::clone(event), routes: None }).collect();
    let (all, _, lines) = writes(&connection, || {
        publish::publish(&db, &publishes, None, NOW).unwrap();
        let unrouted = claim::claim(&db, &request(1), &mut claim::LastTurns::default()).unwrap().events;
        let routed: Vec<_> = unrouted
            .iter()
            .map(|claim| Settlement {
                token: claim.token,
                of: Claimed::Event(claim.event.tenant.clone(), claim.event.id.clone()),
                at: NOW,
                next: Next::Routed { routes: vec![route(&claim.event)], more_after: None },
                attempt: None,
            })
            .collect();
        settle::settle(&db, &routed, &[], NOW).unwrap();
        let work = claim::claim(&db, &request(2), &mut claim::LastTurns::default()).unwrap().work;
        assert_eq!(work.len(), 10);
        let settlements: Vec<_> = work.iter().map(delivered).collect();
        settle::settle(&db, &settlements, &[], NOW).unwrap();
    });
    assert_eq!(all, 8 * 10);
    assert!(lines <= 2, "a line is written once a batch: {lines}");
}
