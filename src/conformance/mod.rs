//! The contract of a store, as tests that anyone can run against their own store.
//!
//! Each line of the contract is tested by some cases. Each case gets a new, empty store, and its
//! name states the rule that it tests. The suite grows with the contract: a new version may contain
//! cases that fail for a store.
//!
//! [docs/clocks.md]: crate::policy::timeline
//! [docs/limits.md]: crate::guide::limits
#![doc = include_str!("../../docs/writing-a-store.md")]
#![allow(missing_docs, clippy::missing_errors_doc, reason = "the name of a case is its sentence")]

pub mod beginning_anew;
pub mod bytes_and_times;
pub mod capacity;
pub mod claiming;
pub mod clocks;
pub mod directory_and_registry;
pub mod fairness;
pub mod histories;
pub mod history;
pub mod lanes_and_gates;
pub mod leases;
pub mod limiter;
pub mod next_due;
pub mod ordering;
pub mod pruning;
pub mod publishing;
pub mod queues;
pub mod recovering;
pub mod routing;
pub mod sequence;
pub mod settling;

mod scene;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::backend::Backend;
use crate::error::StoreError;

/// A violation of the contract. `Debug` prints the sentence, so a test that returns it fails with
/// a readable message.
pub struct Breach(String);

impl Breach {
    /// Creates a breach from a sentence that says what was expected and what was found.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Breach {}

impl From<StoreError> for Breach {
    fn from(error: StoreError) -> Self {
        Self(format!("the store failed: {error:?}"))
    }
}

/// The result of a case.
pub type CaseResult = Result<(), Breach>;

/// A running case.
type Running = Pin<Box<dyn Future<Output = CaseResult> + Send>>;

/// One case of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// The name: a topic and the sentence that must hold, as in `settling::a_stale_token_moves_nothing`.
    pub name: &'static str,
    run: fn(Arc<dyn Backend>) -> Running,
}

impl Case {
    /// Runs the case against a new, empty backend.
    #[must_use]
    pub fn run(&self, fresh: Arc<dyn Backend>) -> Running {
        (self.run)(fresh)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All cases. Each backend must pass every one.
pub const CASES: &[Case] = crate::__conformance_cases!(__conformance_table,);

/// Runs a case to its end on a runtime of its own, as the tests written by
/// [`conformance_tests!`](crate::conformance_tests) do.
///
/// # Errors
/// The breach that the case found, or a breach if the runtime could not be created.
pub fn run_to_end(case: impl Future<Output = CaseResult>) -> CaseResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Breach(format!("no runtime: {error}")))?;
    runtime.block_on(case)
}

/// Writes one `#[test]` per case of the suite. The argument is a future that returns an `Arc` of
/// a new, empty backend. It is evaluated again for each test.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:expr) => {
        $crate::__conformance_cases!(__conformance_tests, $fresh);
    };
}

/// Writes one `#[test]` per case of [`clocks`]. The argument is a future that returns an
/// [`Open`](clocks::Open), which opens one new store. It is evaluated again for each test.
#[macro_export]
macro_rules! conformance_tests_of_time {
    ($fresh:expr) => {
        $crate::__conformance_tests! { $fresh;
            clocks:
                a_wall_clock_that_is_wrong_for_minutes_moves_nothing
                a_wall_clock_that_nobody_contradicts_is_followed
                a_wall_clock_that_agrees_contradicts_one_that_does_not
                what_is_leased_stays_leased_when_the_time_moves
                a_claim_dated_before_the_time_moved_ahead_takes_nothing
                a_claim_dated_before_the_time_moved_back_takes_nothing
                what_waits_waits_as_long_as_before_when_the_time_moves
                what_was_granted_counts_as_long_as_before_when_the_time_moves
                a_time_that_goes_on_is_not_in_doubt;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($fresh:expr; $($topic:ident: $($case:ident)+;)+) => { $(
        mod $topic {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $case() -> $crate::conformance::CaseResult {
                    $crate::conformance::run_to_end(async {
                        let fresh = $fresh.await;
                        $crate::conformance::$topic::$case(fresh).await
                    })
                }
            )+
        }
    )+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_table {
    (; $($topic:ident: $($case:ident)+;)+) => {
        &[$($($crate::conformance::Case {
            name: concat!(stringify!($topic), "::", stringify!($case)),
            run: |fresh| Box::pin($topic::$case(fresh)),
        },)+)+]
    };
}

/// The only list of cases. A case that is not here is not run. A name here that is not a case is a
/// compile error.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($write:ident, $($fresh:expr)?) => { $crate::$write! { $($fresh)?;
        publishing:
            a_published_event_is_stored_and_read_back
            the_same_id_again_adds_nothing
            the_same_idempotency_key_again_answers_the_stored_id
            another_content_under_the_same_id_or_key_is_told_apart
            two_publishes_of_one_batch_collide_like_two_calls
            fifty_publishes_of_one_key_at_once_store_one_event
            ids_and_keys_are_per_tenant
            an_idempotency_key_lives_as_long_as_its_event
            a_publish_with_routes_needs_no_routing
            a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed
            a_publish_with_an_empty_list_of_routes_is_routed_and_unmatched
            a_claiming_publish_gives_what_a_claim_would_give
            a_claiming_publish_leaves_what_a_claim_would_leave
            a_claiming_publish_never_overtakes_older_due_work
            a_claiming_publish_keeps_to_what_its_request_allows
            a_test_ping_is_leased_by_its_own_publish_through_every_closed_gate
            a_test_ping_takes_no_part_of_its_lanes_width
            a_payload_is_stored_up_to_the_largest_size_that_the_store_states;
        claiming:
            only_due_work_is_claimed
            claimed_work_is_given_once
            claims_at_the_same_time_share_the_work
            a_claim_stays_within_its_numbers
            a_claim_tells_all_that_sending_needs
            the_oldest_due_of_a_lane_goes_first
            ready_lanes_are_served_in_turn
            a_lane_with_more_than_others_gives_what_they_leave
            a_tenant_that_has_its_share_in_flight_is_passed_over
            a_tenant_gets_at_most_its_share
            a_tenants_doubtful_lanes_get_at_most_their_share
            doubtful_lanes_share_their_part
            the_lanes_of_the_work_come_with_it;
        next_due:
            next_due_is_none_when_nothing_can_ever_be_due
            next_due_is_the_first_due_time
            next_due_is_the_end_of_a_lease
            next_due_of_a_held_lane_is_the_end_of_its_hold
            next_due_of_a_full_lane_is_its_first_lease_end
            next_due_knows_events_that_wait_for_their_routing
            settling_tells_when_room_in_a_full_lane_can_be_claimed
            settling_tells_when_what_it_put_off_is_due
            settling_tells_when_what_follows_it_is_due
            settling_tells_when_a_lane_that_it_opened_can_be_claimed
            following_next_due_alone_reaches_everything
            what_a_call_makes_due_after_it_was_given_up_is_hinted_at;
        leases:
            leased_work_is_invisible_until_its_lease_ends
            a_release_puts_the_due_time_back_and_counts_nothing
            a_silent_lease_is_counted_and_recorded
            a_silent_lease_stays_recorded_after_a_success
            only_a_recorded_attempt_ends_a_row_of_silent_leases
            a_late_settlement_applies_while_nobody_else_has_claimed
            a_suspect_is_passed_over_unless_the_caller_is_alone
            a_suspect_is_claimed_by_itself
            a_suspect_is_not_counted_again_by_being_passed_over
            a_suspect_of_a_tenant_whose_share_is_spent_is_passed_over
            an_event_whose_lease_ended_is_due_by_itself;
        settling:
            a_success_ends_a_delivery
            every_reason_to_fail_or_cancel_is_kept
            why_it_failed_comes_back
            a_retry_is_due_when_it_says
            a_stale_token_moves_nothing
            a_stale_success_ends_a_delivery_that_is_still_pending
            a_stale_success_leaves_a_terminal_delivery_alone
            the_attempt_of_a_stale_token_is_recorded
            attempts_are_numbered_and_recorded_once_per_lease
            settling_twice_is_settling_once
            a_terminal_delivery_never_becomes_pending_again
            the_items_of_a_batch_are_independent
            what_never_was_is_missing;
        lanes_and_gates:
            width_counts_leases_held_anywhere
            a_freed_slot_makes_a_full_lane_ready
            a_lapsed_lease_gives_its_slot_back
            a_held_lane_yields_nothing_before_its_end
            a_hold_is_never_shortened_by_another
            a_paused_lane_yields_nothing_until_it_is_resumed
            a_lift_ends_a_hold_and_never_a_pause
            a_held_or_paused_tenant_yields_nothing
            a_held_host_yields_nothing
            a_lane_remembers_a_gate_closed_before_its_first_delivery
            gates_that_make_no_sense_are_refused
            a_raise_applies_whatever_the_version
            outdated_health_changes_nothing
            a_success_that_began_before_a_hold_does_not_end_it
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint
            a_lowered_hold_makes_the_lane_ready;
        beginning_anew:
            a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record
            a_write_of_anything_else_keeps_the_record
            an_endpoint_that_is_registered_again_begins_with_a_clean_record
            what_was_learned_of_an_earlier_generation_changes_nothing
            an_earlier_registration_disables_nothing
            generations_grow;
        recovering:
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            a_lane_that_does_not_catch_up_keeps_its_due_times
            what_waits_for_anything_else_does_not_catch_up
            catching_up_leaves_the_gap_after_each_last_attempt
            catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released
            an_ordering_key_catches_up_one_by_one
            a_sick_lane_probes_with_what_was_tried_longest_ago
            a_delivery_that_waits_alone_in_a_sick_lane_keeps_its_due_time
            what_waits_in_a_lane_that_is_lifted_catches_up
            what_waits_for_an_endpoint_that_begins_anew_catches_up;
        fairness:
            a_flood_in_one_lane_delays_another_by_few_claims
            a_flood_of_one_tenant_delays_another_by_few_claims
            ten_thousand_lanes_of_one_tenant_delay_another_by_no_claim
            tenants_take_turns_however_many_lanes_they_have
            a_tenants_turn_goes_to_its_longest_waiting_lane
            a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits
            a_flood_of_unrouted_events_delays_another_tenants_by_few_claims
            a_lane_that_the_batch_did_not_reach_keeps_its_place
            lanes_behind_a_closed_gate_hide_nothing
            nothing_due_is_passed_over_for_ever;
        ordering:
            of_a_key_only_the_head_is_claimed
            the_next_of_a_key_follows_when_the_head_is_over
            a_head_that_waits_for_a_retry_keeps_its_place
            a_cancelled_head_lets_the_next_go
            a_stale_success_of_the_head_lets_the_next_go
            keys_and_endpoints_do_not_wait_for_each_other
            an_event_is_routed_after_the_earlier_ones_of_its_key
            known_routes_wait_behind_an_unrouted_event_of_the_key
            parked_events_do_not_hide_their_predecessor
            several_routers_keep_the_order;
        routing:
            an_unrouted_event_is_claimed_at_once
            routing_in_chunks_goes_on_where_it_stopped
            routing_twice_is_routing_once
            a_stale_router_moves_nothing
            a_released_event_is_due_as_before
            an_event_that_is_to_be_routed_later_is_due_then_at_the_same_place
            an_event_without_a_match_is_kept
            the_first_route_shapes_the_lane;
        sequence:
            numbers_follow_the_order_of_calls_when_clocks_step_back
            no_number_is_given_twice
            an_endpoint_begins_anew_when_it_is_enabled_and_only_then
            where_its_id_was_registered_stays_with_an_endpoint
            an_endpoint_is_removed_at_a_place_between_what_came_before_and_after
            a_delivery_is_born_with_its_event_or_with_its_replay;
        bytes_and_times:
            payloads_come_back_byte_for_byte
            every_field_of_an_event_comes_back
            times_keep_their_microseconds
            what_came_back_is_recorded_byte_for_byte;
        pruning:
            prune_takes_only_what_is_terminal_and_old_enough
            each_class_has_a_moment_of_its_own
            prune_takes_at_most_its_limit_and_says_whether_more_remain
            attempts_go_with_their_delivery
            an_event_goes_with_its_last_delivery
            an_event_without_a_match_goes_by_its_creation
            the_lane_of_a_removed_endpoint_goes_with_its_last_delivery
            a_lane_that_is_still_needed_stays
            gates_that_still_hold_something_back_stay;
        directory_and_registry:
            an_endpoint_comes_back_as_it_was_written
            versions_count_the_writes
            a_write_over_another_version_is_refused
            an_endpoint_id_is_unique_over_all_tenants
            a_url_is_unique_per_tenant_where_asked
            subscribers_are_the_enabled_endpoints_of_the_tenant_in_pages
            loading_answers_in_order
            disabling_needs_the_version_that_was_seen
            an_endpoint_is_switched_off_whatever_its_version
            a_removed_endpoint_is_gone
            the_pause_of_a_removed_endpoint_ends_with_it
            the_id_of_a_removed_endpoint_with_a_lane_stays_its_tenants
            a_lanes_width_follows_its_endpoint;
        history:
            pages_show_every_delivery_once_and_in_order
            a_page_looks_past_what_is_not_selected
            every_condition_of_a_selection_narrows
            another_tenants_ids_are_not_found_anywhere
            a_replay_makes_new_deliveries_once
            a_replay_leaves_test_pings_and_its_own_deliveries_out
            expediting_makes_work_due_and_lifts_the_hold
            expediting_never_ends_a_pause_nor_touches_a_lease
            expediting_leaves_followers_of_a_key_parked
            cancelling_ends_what_is_pending
            a_cancelled_lease_is_fenced_and_its_attempt_recorded
            cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer
            what_is_under_way_to_a_removed_endpoint_is_not_tried_again
            cancelling_leaves_what_came_after_the_place_that_is_named
            stats_count_one_tenant_or_all;
        queues:
            the_queue_of_a_new_endpoint_is_open_and_empty
            the_tenants_and_hosts_that_are_held_back_are_listed
            a_queue_says_who_is_paused
            a_queue_says_what_holds_it_longest
            a_queue_tells_its_lanes_health
            a_queue_says_who_disabled_its_endpoint_and_why
            a_queue_says_when_something_is_due
            another_tenants_queue_is_not_found
            a_lane_without_an_endpoint_has_a_queue;
        limiter:
            no_window_holds_more_starts_than_its_limit
            a_grant_counts_from_its_last_possible_start
            a_start_is_taken_from_every_limit_or_from_none
            a_refusal_names_the_limit_that_opens_last
            asks_of_one_endpoint_are_granted_in_order
            the_starts_of_a_shared_limit_go_to_tenants_in_turn_whatever_the_order
            whoever_asks_first_at_every_opening_leaves_others_their_turns
            what_is_kept_for_one_that_does_not_come_goes_to_whoever_asks
            who_waits_is_told_a_moment_at_which_its_turn_may_have_come
            a_call_that_comes_late_shortens_no_grant
            grants_of_a_clock_that_was_ahead_hold_nothing_for_longer_than_a_window
            limits_of_different_keys_count_apart
            two_windows_over_one_scope_count_apart
            takes_at_the_same_time_stay_within_the_limit;
        histories:
            random_histories_end_as_in_the_memory_store;
    } };
}
