//! What is written to a row, and which of it cannot be read.

use rusqlite::Connection;

use crate::sqlite_file::TempFile;

/// The row of mallory's that is changed in each table.
pub(crate) const ROWS: [(&str, &str); 12] = [
    ("hookpost_event", "id = 'm-1'"),
    ("hookpost_routing", "tenant = 'mallory'"),
    ("hookpost_unmatched", "event = (SELECT event FROM hookpost_event WHERE kind = 'nobody.wants')"),
    ("hookpost_delivery", "token IS NULL AND state = 0 AND due_at IS NOT NULL AND tenant = 'mallory'"),
    ("hookpost_attempt", "success = 0"),
    ("hookpost_silent_lease", "1"),
    ("hookpost_lane", "endpoint = 'sick'"),
    ("hookpost_line", "tenant = 'mallory' AND doubtful = 1"),
    ("hookpost_gate", "kind = 'tenant'"),
    ("hookpost_gate", "kind = 'host'"),
    ("hookpost_start", "of = 'sick'"),
    ("hookpost_waiter", "endpoint = 'sick'"),
];

const NULL: &str = "NULL";
const SPACED: &str = "'a b'";
const EMPTY: &str = "''";
const NOT_UTF8: &str = "CAST(x'ff' AS TEXT)";
const LONG: &str = "'a' || hex(zeroblob(200))";
const NO_BYTES: &str = "x''";
const BYTES: &str = "x'00ff'";
const SMALL: &str = "7";
const NEGATIVE: &str = "-1";
const LARGE: &str = "5000000000";
const MOST: &str = "9223372036854775807";
const LEAST: &str = "-9223372036854775808";

/// Values of every kind.
pub(crate) const VALUES: [&str; 12] =
    [NULL, SPACED, EMPTY, NOT_UTF8, LONG, NO_BYTES, BYTES, SMALL, NEGATIVE, LARGE, MOST, LEAST];

/// The numbers that no sum may leave.
pub(crate) const EXTREMES: [&str; 2] = [MOST, LEAST];

const NO_NAME: &[&str] = &[SPACED, EMPTY, NOT_UTF8, LONG];
const NO_WORD: &[&str] = &[SPACED, EMPTY, NOT_UTF8, LONG, SMALL, NEGATIVE, LARGE, MOST, LEAST];
const NO_COUNT: &[&str] = &[NEGATIVE, LARGE, MOST, LEAST];
const BELOW_ZERO: &[&str] = &[NEGATIVE, LEAST];
const NOT_16_BYTES: &[&str] = &[NO_BYTES, BYTES];
const NO_ROW: &[&str] = &[NEGATIVE, LARGE, MOST, LEAST];

/// The values that are no value of their column, or that name a row which is not there. All
/// others are read as what they say.
const UNREADABLE: &[(&str, &[&str])] = &[
    ("hookpost_event.event", &[NEGATIVE, LARGE, LEAST]),
    ("hookpost_event.tenant", NO_NAME),
    ("hookpost_event.id", NO_NAME),
    ("hookpost_event.kind", NO_NAME),
    ("hookpost_event.scope", NO_NAME),
    ("hookpost_event.idempotency_key", NO_NAME),
    ("hookpost_event.ordering_key", NO_NAME),
    ("hookpost_event.trace", &[NOT_UTF8]),
    ("hookpost_event.content_type", &[NOT_UTF8]),
    ("hookpost_event.encoding", NO_WORD),
    ("hookpost_routing.event", NO_ROW),
    ("hookpost_routing.tenant", NO_NAME),
    ("hookpost_routing.after", NO_NAME),
    ("hookpost_delivery.id", NOT_16_BYTES),
    ("hookpost_delivery.event", NO_ROW),
    ("hookpost_delivery.lane", &[SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_delivery.round", &[SPACED, NOT_UTF8, LONG]),
    ("hookpost_delivery.state", &[SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_delivery.token", NOT_16_BYTES),
    ("hookpost_delivery.silent", NO_COUNT),
    ("hookpost_delivery.silent_alone", NO_COUNT),
    ("hookpost_delivery.attempts", NO_COUNT),
    ("hookpost_delivery.born", BELOW_ZERO),
    ("hookpost_delivery.ordering_key", NO_NAME),
    ("hookpost_attempt.token", NOT_16_BYTES),
    ("hookpost_attempt.number", NO_COUNT),
    ("hookpost_attempt.took", BELOW_ZERO),
    ("hookpost_attempt.status", &[NULL, SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_attempt.fault", NO_WORD),
    ("hookpost_silent_lease.token", NOT_16_BYTES),
    // The deliveries of a lane whose number changed are in no lane.
    ("hookpost_lane.lane", &[SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_lane.endpoint", NO_NAME),
    ("hookpost_lane.tenant", NO_NAME),
    ("hookpost_lane.host", NO_NAME),
    ("hookpost_lane.width", NO_COUNT),
    ("hookpost_lane.proven", &[SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_lane.streak", NO_COUNT),
    ("hookpost_lane.version", BELOW_ZERO),
    ("hookpost_lane.tried_by", &[SMALL, NEGATIVE, LARGE, MOST, LEAST]),
    ("hookpost_lane.registration", BELOW_ZERO),
    ("hookpost_lane.renewal", BELOW_ZERO),
    ("hookpost_line.tenant", NO_NAME),
    ("hookpost_start.starts", NO_COUNT),
    ("hookpost_waiter.endpoint", NO_NAME),
    ("hookpost_waiter.tenant", NO_NAME),
    ("hookpost_waiter.wanted", NO_COUNT),
    ("hookpost_waiter.kept", BELOW_ZERO),
];

/// Whether what was changed in `table.column = value` cannot be read.
pub(crate) fn is_unreadable(what: &str) -> bool {
    UNREADABLE
        .iter()
        .flat_map(|(column, values)| values.iter().map(move |value| format!("{column} = {value} (")))
        .any(|unreadable| what.starts_with(&unreadable))
}

/// Whether a lane or its line sleeps over what waits there, and is woken when lanes are
/// looked after.
pub(crate) fn is_asleep(what: &str) -> bool {
    what.starts_with("hookpost_lane.ready_at") || what.starts_with("hookpost_line.")
}

/// What SQLite says to a change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Made,
    /// A CHECK refused it, so that only a damaged file holds it.
    MadeWithoutChecks,
    Refused,
}

/// Changes a row as another program would.
pub(crate) fn make(file: &TempFile, table: &str, of: &str, column: &str, value: &str) -> Change {
    let db = Connection::open(file.path()).unwrap();
    let update = format!("UPDATE {table} SET \"{column}\" = {value} WHERE {of}");
    if let Ok(rows) = db.execute(&update, []) {
        assert_eq!(rows, 1, "{update}");
        Change::Made
    } else {
        db.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        if db.execute(&update, []).is_ok() { Change::MadeWithoutChecks } else { Change::Refused }
    }
}

/// The columns of a table.
pub(crate) fn columns(file: &TempFile, table: &str) -> Vec<String> {
    let db = Connection::open(file.path()).unwrap();
    let mut columns = db.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
    let columns = columns.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    assert_ne!(columns, [""; 0], "{table} is not there");
    columns
}
