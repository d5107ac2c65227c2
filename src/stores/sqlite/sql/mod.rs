//! One file per statement. A comment in it says why it has its form, and ends with
//! the plan that `EXPLAIN QUERY PLAN` must give for it: a test compares them.

macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!($file);)*
        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name),)*];
    };
}

statements! {
    PUBLISH_EVENT = "publish_event.sql",
    PUBLISH_UNROUTED = "publish_unrouted.sql",
    ROUTING_WAITS_FOR_KEY = "routing_waits_for_key.sql",
    EVENT_BY_ID = "event_by_id.sql",
    EVENT_BY_IDEMPOTENCY_KEY = "event_by_idempotency_key.sql",
    EVENT_BY_SEQUENCE = "event_by_sequence.sql",
    UNMATCHED_ADD = "unmatched_add.sql",
    DELIVERY_ADD = "delivery_add.sql",
    DELIVERY_KEY_IS_BUSY = "delivery_key_is_busy.sql",
    DELIVERY_NEXT_OF_KEY = "delivery_next_of_key.sql",
    LANE_BY_ENDPOINT = "lane_by_endpoint.sql",
    LANE_BY_KEY = "lane_by_key.sql",
    LANE_ADD = "lane_add.sql",
    LANE_SAVE = "lane_save.sql",
    LANE_EARLIEST = "lane_earliest.sql",
    LANE_FIRST_LEASE_END = "lane_first_lease_end.sql",
    LANE_LEASED = "lane_leased.sql",
    GATE_OF_LANE = "gate_of_lane.sql",
    CLAIM_READY_LANES = "claim_ready_lanes.sql",
    CLAIM_DUE = "claim_due.sql",
    CLAIM_SUSPECTS = "claim_suspects.sql",
    CLAIM_LEASE = "claim_lease.sql",
    CLAIM_SILENT_LEASE = "claim_silent_lease.sql",
    CLAIM_NEXT_DUE_LANE = "claim_next_due_lane.sql",
    CLAIM_NEXT_DUE_EVENT = "claim_next_due_event.sql",
    CLAIM_EVENT_TENANT = "claim_event_tenant.sql",
    CLAIM_EVENT_DUE = "claim_event_due.sql",
    CLAIM_EVENT_LEASE = "claim_event_lease.sql",
    SETTLE_FIND = "settle_find.sql",
    SETTLE_WRITE = "settle_write.sql",
    SETTLE_ATTEMPT = "settle_attempt.sql",
    SETTLE_FIND_EVENT = "settle_find_event.sql",
    SETTLE_EVENT_ON = "settle_event_on.sql",
    SETTLE_EVENT_RELEASE = "settle_event_release.sql",
    SETTLE_EVENT_DONE = "settle_event_done.sql",
    SETTLE_EVENT_NEXT_OF_KEY = "settle_event_next_of_key.sql",
}
