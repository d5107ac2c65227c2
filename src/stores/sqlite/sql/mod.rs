//! The store's statements, one file each. A comment in each explains its form, and ends with the plan
//! that `EXPLAIN QUERY PLAN` must return for it. A test compares them.

/// A statement of the store.
#[derive(Clone, Copy)]
pub(super) struct Sql {
    /// Its number among all statements.
    pub(super) slot: usize,
    pub(super) text: &'static str,
}

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the constants")]
        enum Slot { $($name,)* }
        $(pub(super) const $name: Sql = Sql { slot: Slot::$name as usize, text: include_str!($file) };)*
        const ALL: &[(&str, Sql)] = &[$(($file, $name),)*];
    };
}

/// How many statements there are.
pub(super) const COUNT: usize = ALL.len();

statements! {
    CLAIM_CATCH_UP = "claim_catch_up.sql",
    CLAIM_DUE = "claim_due.sql",
    CLAIM_EVENT_DUE = "claim_event_due.sql",
    CLAIM_EVENT_LEASE = "claim_event_lease.sql",
    CLAIM_EVENT_PUT_OFF = "claim_event_put_off.sql",
    CLAIM_EVENT_TENANT = "claim_event_tenant.sql",
    CLAIM_LEASE = "claim_lease.sql",
    CLAIM_NEXT_DUE_EVENT = "claim_next_due_event.sql",
    CLAIM_NEXT_DUE_LINE = "claim_next_due_line.sql",
    CLAIM_OF_KEY = "claim_of_key.sql",
    CLAIM_PUT_OFF = "claim_put_off.sql",
    CLAIM_READY_LANES = "claim_ready_lanes.sql",
    CLAIM_READY_LINES = "claim_ready_lines.sql",
    CLAIM_SILENT_LEASE = "claim_silent_lease.sql",
    CLAIM_SUSPECTS = "claim_suspects.sql",
    DELIVERY_ADD = "delivery_add.sql",
    DELIVERY_KEY_IS_BUSY = "delivery_key_is_busy.sql",
    DELIVERY_NEXT_OF_KEY = "delivery_next_of_key.sql",
    ENDPOINT_ADD = "endpoint_add.sql",
    ENDPOINT_BY_ID = "endpoint_by_id.sql",
    ENDPOINT_CHANGE = "endpoint_change.sql",
    ENDPOINT_DISABLE = "endpoint_disable.sql",
    ENDPOINT_GENERATION = "endpoint_generation.sql",
    ENDPOINT_REMOVE = "endpoint_remove.sql",
    ENDPOINT_RENEW = "endpoint_renew.sql",
    ENDPOINT_SWITCH_OFF = "endpoint_switch_off.sql",
    ENDPOINT_VERSION = "endpoint_version.sql",
    ENDPOINT_WITH_URL = "endpoint_with_url.sql",
    ENDPOINTS_OF_TENANT = "endpoints_of_tenant.sql",
    EVENT_BY_ID = "event_by_id.sql",
    EVENT_BY_IDEMPOTENCY_KEY = "event_by_idempotency_key.sql",
    EVENT_BY_SEQUENCE = "event_by_sequence.sql",
    GATE_ANY = "gate_any.sql",
    GATE_FORGET = "gate_forget.sql",
    GATE_HOLD = "gate_hold.sql",
    GATE_LANES_OF_HOST = "gate_lanes_of_host.sql",
    GATE_LANES_OF_TENANT = "gate_lanes_of_tenant.sql",
    GATE_LIFT = "gate_lift.sql",
    GATE_OF_ENDPOINT = "gate_of_endpoint.sql",
    GATE_OF_LANE = "gate_of_lane.sql",
    GATE_PAUSE = "gate_pause.sql",
    GATE_RESUME = "gate_resume.sql",
    GATES_CLOSED = "gates_closed.sql",
    HISTORY_ATTEMPTS = "history_attempts.sql",
    HISTORY_CANCEL = "history_cancel.sql",
    HISTORY_EXPEDITE = "history_expedite.sql",
    HISTORY_KEY_OF_ID = "history_key_of_id.sql",
    HISTORY_OF_EVENT = "history_of_event.sql",
    HISTORY_OF_ID = "history_of_id.sql",
    HISTORY_OF_PENDING = "history_of_pending.sql",
    HISTORY_OF_TENANT = "history_of_tenant.sql",
    HISTORY_OF_UNSUCCESSFUL = "history_of_unsuccessful.sql",
    HISTORY_ORPHAN = "history_orphan.sql",
    HISTORY_ORDERING_KEY = "history_ordering_key.sql",
    HISTORY_SILENT_LEASES = "history_silent_leases.sql",
    LANE_ADD = "lane_add.sql",
    LANE_BY_ENDPOINT = "lane_by_endpoint.sql",
    LANE_BY_KEY = "lane_by_key.sql",
    LANE_EARLIEST = "lane_earliest.sql",
    LANE_FIRST_LEASE_END = "lane_first_lease_end.sql",
    LANE_FIRST_TRIED = "lane_first_tried.sql",
    LANE_FORGET = "lane_forget.sql",
    LANE_LEASED = "lane_leased.sql",
    LANE_MEND = "lane_mend.sql",
    LANE_NEXT_PENDING = "lane_next_pending.sql",
    LANE_PENDING = "lane_pending.sql",
    LANE_PUT_OFF = "lane_put_off.sql",
    LANE_SAVE = "lane_save.sql",
    LANE_SEVERAL_WAIT = "lane_several_wait.sql",
    LIMITER_FORGET = "limiter_forget.sql",
    LIMITER_FORGET_FUTURE = "limiter_forget_future.sql",
    LIMITER_FORGET_ONE = "limiter_forget_one.sql",
    LIMITER_FUTURE = "limiter_future.sql",
    LIMITER_GRANT = "limiter_grant.sql",
    LIMITER_STARTS = "limiter_starts.sql",
    LINE_BRING_FORWARD = "line_bring_forward.sql",
    LINE_FIRST_READY = "line_first_ready.sql",
    LINE_FORGET = "line_forget.sql",
    LINE_REBUILD = "line_rebuild.sql",
    LINE_SEND_BACK = "line_send_back.sql",
    PRUNE_ATTEMPTS = "prune_attempts.sql",
    PRUNE_DELIVERIES = "prune_deliveries.sql",
    PRUNE_DELIVERY = "prune_delivery.sql",
    PRUNE_EVENT = "prune_event.sql",
    PRUNE_GATE = "prune_gate.sql",
    PRUNE_GATES = "prune_gates.sql",
    PRUNE_SILENT_LEASES = "prune_silent_leases.sql",
    PRUNE_UNMATCHED = "prune_unmatched.sql",
    PRUNE_UNMATCHED_MARK = "prune_unmatched_mark.sql",
    PUBLISH_EVENT = "publish_event.sql",
    PUBLISH_PAYLOAD_MAX = "publish_payload_max.sql",
    PUBLISH_UNROUTED = "publish_unrouted.sql",
    QUEUE_OF_ENDPOINT = "queue_of_endpoint.sql",
    SEQUENCE_NEXT = "sequence_next.sql",
    ROUTING_WAITS_FOR_KEY = "routing_waits_for_key.sql",
    SETTLE_ATTEMPT = "settle_attempt.sql",
    SETTLE_EVENT_DONE = "settle_event_done.sql",
    SETTLE_EVENT_LATER = "settle_event_later.sql",
    SETTLE_EVENT_NEXT_OF_KEY = "settle_event_next_of_key.sql",
    SETTLE_EVENT_ON = "settle_event_on.sql",
    SETTLE_EVENT_RELEASE = "settle_event_release.sql",
    SETTLE_FIND = "settle_find.sql",
    SETTLE_FIND_EVENT = "settle_find_event.sql",
    SETTLE_WRITE = "settle_write.sql",
    STATS_BY_STATE = "stats_by_state.sql",
    STATS_BY_STATE_OF_ALL = "stats_by_state_of_all.sql",
    STATS_DELIVERIES_OF_ALL = "stats_deliveries_of_all.sql",
    STATS_OLDEST_DUE = "stats_oldest_due.sql",
    STATS_UNROUTED = "stats_unrouted.sql",
    TIMELINE = "timeline.sql",
    TIMELINE_KEEP = "timeline_keep.sql",
    TIMELINE_SHIFT_DELIVERIES = "timeline_shift_deliveries.sql",
    TIMELINE_SHIFT_GATES = "timeline_shift_gates.sql",
    TIMELINE_SHIFT_LANES = "timeline_shift_lanes.sql",
    TIMELINE_SHIFT_LINES = "timeline_shift_lines.sql",
    TIMELINE_SHIFT_ROUTING = "timeline_shift_routing.sql",
    TIMELINE_SHIFT_STARTS = "timeline_shift_starts.sql",
    TIMELINE_SHIFT_WAITERS = "timeline_shift_waiters.sql",
    TIMELINE_TURN_STARTS = "timeline_turn_starts.sql",
    UNMATCHED_ADD = "unmatched_add.sql",
    WAITER_FORGET = "waiter_forget.sql",
    WAITER_PUT = "waiter_put.sql",
    WAITER_READ = "waiter_read.sql",
    WAITER_REMOVE = "waiter_remove.sql",
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// Statements that count everything, and those that repair a damaged file: no delivery waits for
    /// them.
    const COUNTS: [&str; 5] = [
        "line_rebuild.sql",
        "stats_by_state_of_all.sql",
        "stats_deliveries_of_all.sql",
        "stats_oldest_due.sql",
        "stats_unrouted.sql",
    ];
    /// Statements that sort a few rows: suspects, one delivery's attempts, one step of a count.
    const SORTS: [&str; 3] = ["claim_suspects.sql", "history_attempts.sql", "stats_by_state.sql"];

    /// The table with one row per table that counts its rows' numbers, and one of one row.
    const FEW_ROWS: [&str; 3] = ["endpoint_reserve.sql", "publish_payload_max.sql", "sequence_next.sql"];

    /// Statements that move all stored times with the store's time, which happens rarely.
    const MOVES: [&str; 7] = [
        "timeline_shift_deliveries.sql",
        "timeline_shift_lanes.sql",
        "timeline_shift_lines.sql",
        "timeline_shift_routing.sql",
        "timeline_shift_starts.sql",
        "timeline_shift_waiters.sql",
        "timeline_turn_starts.sql",
    ];

    fn plan(db: &Connection, statement: Sql) -> Vec<String> {
        let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.text)).unwrap();
        let unbound: Vec<Option<i64>> = vec![None; explain.parameter_count()];
        let details = explain.query_map(rusqlite::params_from_iter(unbound), |row| row.get(3)).unwrap();
        details.collect::<Result<_, _>>().unwrap()
    }

    fn schema() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&db).unwrap();
        db
    }

    #[test]
    fn every_statement_has_the_plan_that_its_file_says() {
        let db = schema();
        for (file, statement) in ALL {
            let written: Vec<_> =
                statement.text.lines().filter_map(|line| line.strip_prefix("-- Plan: ")).collect();
            assert_eq!(written, plan(&db, *statement), "{file}");
        }
    }

    #[test]
    fn no_statement_walks_a_table_or_sorts_but_a_few_named_ones() {
        let db = schema();
        for (file, statement) in ALL {
            let plan = plan(&db, *statement).join("\n");
            let walks = plan.replace("SCAN CONSTANT ROW", "").replace("SCAN page", "").contains("SCAN");
            let may = COUNTS.contains(file) || FEW_ROWS.contains(file) || MOVES.contains(file);
            assert!(!walks || may, "{file}: {plan}");
            assert!(!plan.contains("TEMP B-TREE") || SORTS.contains(file), "{file}: {plan}");
        }
    }
}
