//! The conformance suite sees every kind of broken store: each store here is the
//! memory store with one fault, and exactly the cases that name the fault fail.
//! Together they make every case of the suite fail once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "conformance_has_teeth/broken/mod.rs"]
mod broken;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hookpost::Timestamp;
use hookpost::backend::Clock;
use hookpost::conformance::{self, CASES, clocks, histories, run_to_end};
use hookpost::stores::memory::MemoryStore;

use broken::{Broken, Fault};

/// The one case that may meet any fault or none.
const RANDOM: &str = "histories::random_histories_end_as_in_the_memory_store";

/// The cases that a store with that fault fails. A case that panics fails the test:
/// a broken store is told, not crashed into.
fn failures(fault: Fault) -> BTreeSet<&'static str> {
    let fails = |case: &&conformance::Case| run_to_end(case.run(Arc::new(Broken::by(fault)))).is_err();
    let named = CASES.iter().filter(|case| case.name != RANDOM);
    named.filter(fails).map(|case| case.name).collect()
}

/// One test per fault, and the table of all cases that some fault makes fail.
macro_rules! faults {
    ($($test:ident($fault:ident) { $($topic:ident: $($case:ident)+;)+ })+) => {
        $(
            #[test]
            fn $test() {
                let expected = BTreeSet::from([$($(concat!(stringify!($topic), "::", stringify!($case))),+),+]);
                assert_eq!(failures(Fault::$fault), expected);
            }
        )+

        const SEEN_RED: &[&str] = &[$($($(concat!(stringify!($topic), "::", stringify!($case))),+),+),+];
    };
}

#[test]
fn every_case_fails_for_some_fault() {
    let all: BTreeSet<_> = CASES.iter().map(|case| case.name).filter(|name| *name != RANDOM).collect();
    assert_eq!(SEEN_RED.iter().copied().collect::<BTreeSet<_>>(), all);
}

#[test]
fn random_histories_meet_the_faults_that_lose_or_double_work() {
    for fault in [
        Fault::FencesNothing,
        Fault::FencesSuccessToo,
        Fault::LosesAttemptsOfStaleTokens,
        Fault::LeasesForEver,
        Fault::CountsReleases,
        Fault::IgnoresWidth,
        Fault::IgnoresOrderingKeys,
        Fault::ServesPausedLanes,
        Fault::PrunesPending,
        Fault::RepeatsReplays,
    ] {
        let verdict = run_to_end(histories::history(1, 600, Arc::new(Broken::by(fault))));
        assert!(verdict.is_err(), "{fault:?} went unseen");
    }
}

faults! {
    a_store_that_ignores_idempotency_keys_fails(IgnoresIdempotencyKeys) {
        publishing:
            an_idempotency_key_lives_as_long_as_its_event
            another_content_under_the_same_id_or_key_is_told_apart
            fifty_publishes_of_one_key_at_once_store_one_event
            the_same_idempotency_key_again_answers_the_stored_id
            two_publishes_of_one_batch_collide_like_two_calls;
    }

    a_store_that_shares_ids_between_tenants_fails(SharesIdsBetweenTenants) {
        publishing: ids_and_keys_are_per_tenant;
    }

    a_store_that_claims_at_publish_as_at_any_time_fails(ClaimsAtPublishAsAtAnyTime) {
        fairness: a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits;
        publishing:
            a_claiming_publish_keeps_to_what_its_request_allows
            a_claiming_publish_never_overtakes_older_due_work
            a_test_ping_is_leased_by_its_own_publish_through_every_closed_gate
            a_test_ping_takes_no_part_of_its_lanes_width;
    }

    a_store_that_leases_nothing_at_publish_fails(LeasesNothingAtPublish) {
        publishing:
            a_claiming_publish_gives_what_a_claim_would_give
            a_claiming_publish_keeps_to_what_its_request_allows
            a_test_ping_is_leased_by_its_own_publish_through_every_closed_gate
            a_test_ping_takes_no_part_of_its_lanes_width;
    }

    a_store_that_treats_test_pings_as_any_other_fails(TreatsTestPingsAsAnyOther) {
        history: a_replay_leaves_test_pings_and_its_own_deliveries_out;
        publishing:
            a_test_ping_is_leased_by_its_own_publish_through_every_closed_gate
            a_test_ping_takes_no_part_of_its_lanes_width;
    }

    a_store_that_gives_work_twice_fails(GivesWorkTwice) {
        claiming:
            a_claim_stays_within_its_numbers
            claimed_work_is_given_once
            claims_at_the_same_time_share_the_work
            only_due_work_is_claimed;
        lanes_and_gates:
            a_freed_slot_makes_a_full_lane_ready
            a_held_or_paused_tenant_yields_nothing
            a_lapsed_lease_gives_its_slot_back
            a_raise_applies_whatever_the_version
            outdated_health_changes_nothing
            width_counts_leases_held_anywhere;
        leases: leased_work_is_invisible_until_its_lease_ends;
        next_due: next_due_is_the_end_of_a_lease;
        ordering:
            a_stale_success_of_the_head_lets_the_next_go
            an_event_is_routed_after_the_earlier_ones_of_its_key
            of_a_key_only_the_head_is_claimed
            several_routers_keep_the_order;
        publishing:
            a_claiming_publish_gives_what_a_claim_would_give
            a_claiming_publish_keeps_to_what_its_request_allows;
        recovering:
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            a_delivery_that_waits_alone_in_a_sick_lane_keeps_its_due_time;
        settling: a_stale_token_moves_nothing;
    }

    a_store_that_forgets_what_is_in_flight_fails(ForgetsWhatIsInFlight) {
        claiming:
            a_tenant_that_has_its_share_in_flight_is_passed_over
            a_tenants_doubtful_lanes_get_at_most_their_share;
        leases: a_suspect_of_a_tenant_whose_share_is_spent_is_passed_over;
        publishing: a_claiming_publish_keeps_to_what_its_request_allows;
    }

    a_store_that_shares_nothing_fails(SharesNothing) {
        claiming: a_tenant_gets_at_most_its_share;
        publishing: a_claiming_publish_keeps_to_what_its_request_allows;
    }

    a_store_that_shares_no_doubtful_lanes_fails(SharesNoDoubtfulLanes) {
        claiming: a_tenants_doubtful_lanes_get_at_most_their_share;
    }

    a_store_that_trusts_doubtful_lanes_fails(TrustsDoubtfulLanes) {
        claiming:
            a_tenants_doubtful_lanes_get_at_most_their_share
            doubtful_lanes_share_their_part;
        publishing: a_claiming_publish_keeps_to_what_its_request_allows;
    }

    a_store_that_forgets_the_lanes_fails(ForgetsTheLanes) {
        beginning_anew:
            a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record
            a_write_of_anything_else_keeps_the_record
            an_endpoint_that_is_registered_again_begins_with_a_clean_record
            what_was_learned_of_an_earlier_generation_changes_nothing;
        claiming: the_lanes_of_the_work_come_with_it;
        directory_and_registry: a_lanes_width_follows_its_endpoint;
        lanes_and_gates:
            a_freed_slot_makes_a_full_lane_ready
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint
            a_lapsed_lease_gives_its_slot_back
            a_lowered_hold_makes_the_lane_ready
            a_raise_applies_whatever_the_version
            a_success_that_began_before_a_hold_does_not_end_it
            outdated_health_changes_nothing
            width_counts_leases_held_anywhere;
        next_due: settling_tells_when_a_lane_that_it_opened_can_be_claimed;
        publishing: a_claiming_publish_gives_what_a_claim_would_give;
        queues: a_queue_tells_its_lanes_health;
        recovering:
            a_lane_that_does_not_catch_up_keeps_its_due_times
            an_ordering_key_catches_up_one_by_one
            catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released
            catching_up_leaves_the_gap_after_each_last_attempt
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            what_waits_for_anything_else_does_not_catch_up
            a_delivery_that_waits_alone_in_a_sick_lane_keeps_its_due_time
            a_sick_lane_probes_with_what_was_tried_longest_ago
            what_waits_for_an_endpoint_that_begins_anew_catches_up
            what_waits_in_a_lane_that_is_lifted_catches_up;
    }

    a_store_that_says_next_due_too_late_fails(SaysNextDueTooLate) {
        next_due:
            next_due_is_the_end_of_a_lease
            next_due_is_the_first_due_time
            next_due_knows_events_that_wait_for_their_routing
            next_due_of_a_full_lane_is_its_first_lease_end
            next_due_of_a_held_lane_is_the_end_of_its_hold;
        recovering: catching_up_leaves_the_gap_after_each_last_attempt;
    }

    a_store_that_hides_what_settling_makes_due_fails(HidesWhatSettlingMakesDue) {
        next_due:
            settling_tells_when_room_in_a_full_lane_can_be_claimed
            settling_tells_when_what_it_put_off_is_due
            settling_tells_when_what_follows_it_is_due
            settling_tells_when_a_lane_that_it_opened_can_be_claimed;
    }

    a_store_that_never_says_next_due_fails(NeverSaysNextDue) {
        next_due:
            following_next_due_alone_reaches_everything
            next_due_is_the_end_of_a_lease
            next_due_is_the_first_due_time
            next_due_knows_events_that_wait_for_their_routing
            next_due_of_a_full_lane_is_its_first_lease_end
            next_due_of_a_held_lane_is_the_end_of_its_hold;
        publishing:
            a_claiming_publish_keeps_to_what_its_request_allows
            a_claiming_publish_never_overtakes_older_due_work;
        recovering: catching_up_leaves_the_gap_after_each_last_attempt;
    }

    a_store_that_leases_for_ever_fails(LeasesForEver) {
        bytes_and_times: times_keep_their_microseconds;
        history:
            cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer
            what_is_under_way_to_a_removed_endpoint_is_not_tried_again;
        lanes_and_gates: a_lapsed_lease_gives_its_slot_back;
        leases:
            a_silent_lease_is_counted_and_recorded
            a_silent_lease_stays_recorded_after_a_success
            a_suspect_is_claimed_by_itself
            a_suspect_is_not_counted_again_by_being_passed_over
            a_suspect_is_passed_over_unless_the_caller_is_alone
            a_suspect_of_a_tenant_whose_share_is_spent_is_passed_over
            an_event_whose_lease_ended_is_due_by_itself
            leased_work_is_invisible_until_its_lease_ends
            only_a_recorded_attempt_ends_a_row_of_silent_leases;
        next_due:
            next_due_is_the_end_of_a_lease
            next_due_knows_events_that_wait_for_their_routing
            next_due_of_a_full_lane_is_its_first_lease_end;
        ordering:
            a_stale_success_of_the_head_lets_the_next_go
            of_a_key_only_the_head_is_claimed;
        pruning: attempts_go_with_their_delivery;
        publishing: a_claiming_publish_gives_what_a_claim_would_give;
        queues:
            a_queue_says_when_something_is_due
            a_queue_tells_its_lanes_health;
        routing: a_stale_router_moves_nothing;
        settling:
            a_stale_success_ends_a_delivery_that_is_still_pending
            a_stale_success_leaves_a_terminal_delivery_alone
            a_stale_token_moves_nothing
            the_attempt_of_a_stale_token_is_recorded
            the_items_of_a_batch_are_independent;
    }

    a_store_that_counts_releases_fails(CountsReleases) {
        leases: a_release_puts_the_due_time_back_and_counts_nothing;
        recovering: catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released;
    }

    a_store_that_forgets_silent_leases_fails(ForgetsSilentLeases) {
        leases: a_silent_lease_stays_recorded_after_a_success;
    }

    a_store_that_lets_deferrals_end_silence_fails(LetsDeferralsEndSilence) {
        leases: only_a_recorded_attempt_ends_a_row_of_silent_leases;
        recovering: what_waits_for_anything_else_does_not_catch_up;
    }

    a_store_that_gives_suspects_to_anybody_fails(GivesSuspectsToAnybody) {
        leases:
            a_suspect_is_not_counted_again_by_being_passed_over
            a_suspect_is_passed_over_unless_the_caller_is_alone;
    }

    a_store_that_fences_nothing_fails(FencesNothing) {
        ordering: a_stale_success_of_the_head_lets_the_next_go;
        routing: a_stale_router_moves_nothing;
        settling:
            a_stale_success_ends_a_delivery_that_is_still_pending
            a_stale_token_moves_nothing
            settling_twice_is_settling_once
            the_attempt_of_a_stale_token_is_recorded
            the_items_of_a_batch_are_independent;
    }

    a_store_that_fences_success_too_fails(FencesSuccessToo) {
        ordering: a_stale_success_of_the_head_lets_the_next_go;
        settling: a_stale_success_ends_a_delivery_that_is_still_pending;
    }

    a_store_that_loses_attempts_of_stale_tokens_fails(LosesAttemptsOfStaleTokens) {
        settling:
            a_stale_success_ends_a_delivery_that_is_still_pending
            the_attempt_of_a_stale_token_is_recorded;
    }

    a_store_that_stops_a_batch_at_the_first_stale_item_fails(StopsABatchAtTheFirstStaleItem) {
        settling: the_items_of_a_batch_are_independent;
    }

    a_store_that_revives_terminal_deliveries_fails(RevivesTerminalDeliveries) {
        settling: a_terminal_delivery_never_becomes_pending_again;
    }

    a_store_that_ignores_width_fails(IgnoresWidth) {
        beginning_anew:
            a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record
            an_endpoint_that_is_registered_again_begins_with_a_clean_record
            what_was_learned_of_an_earlier_generation_changes_nothing;
        claiming:
            a_lane_with_more_than_others_gives_what_they_leave
            the_lanes_of_the_work_come_with_it;
        directory_and_registry: a_lanes_width_follows_its_endpoint;
        lanes_and_gates:
            a_freed_slot_makes_a_full_lane_ready
            a_lapsed_lease_gives_its_slot_back
            width_counts_leases_held_anywhere;
        next_due:
            next_due_of_a_full_lane_is_its_first_lease_end
            settling_tells_when_room_in_a_full_lane_can_be_claimed;
        publishing: a_claiming_publish_keeps_to_what_its_request_allows;
        queues:
            a_lane_without_an_endpoint_has_a_queue
            the_queue_of_a_new_endpoint_is_open_and_empty;
        recovering: catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released;
        routing: the_first_route_shapes_the_lane;
    }

    a_store_that_serves_paused_lanes_fails(ServesPausedLanes) {
        directory_and_registry: the_pause_of_a_removed_endpoint_ends_with_it;
        fairness: lanes_behind_a_closed_gate_hide_nothing;
        history: expediting_never_ends_a_pause_nor_touches_a_lease;
        lanes_and_gates:
            a_lane_remembers_a_gate_closed_before_its_first_delivery
            a_lift_ends_a_hold_and_never_a_pause
            a_paused_lane_yields_nothing_until_it_is_resumed
            gates_that_make_no_sense_are_refused;
        next_due: next_due_is_none_when_nothing_can_ever_be_due;
        pruning: a_lane_that_is_still_needed_stays;
        publishing: a_claiming_publish_leaves_what_a_claim_would_leave;
        queues:
            a_lane_without_an_endpoint_has_a_queue
            a_queue_says_when_something_is_due
            a_queue_says_who_is_paused;
    }

    a_store_that_forgets_held_lanes_fails(ForgetsHeldLanes) {
        lanes_and_gates:
            a_held_lane_yields_nothing_before_its_end
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint
            a_success_that_began_before_a_hold_does_not_end_it;
        next_due: next_due_of_a_held_lane_is_the_end_of_its_hold;
        publishing: a_claiming_publish_leaves_what_a_claim_would_leave;
        queues:
            a_queue_says_what_holds_it_longest
            a_queue_says_when_something_is_due;
    }

    a_store_that_shortens_holds_fails(ShortensHolds) {
        lanes_and_gates:
            a_hold_is_never_shortened_by_another
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint;
    }

    a_store_that_lifts_pauses_fails(LiftsPauses) {
        lanes_and_gates: a_lift_ends_a_hold_and_never_a_pause;
        queues: a_queue_says_who_is_paused;
    }

    a_store_that_ignores_tenant_gates_fails(IgnoresTenantGates) {
        lanes_and_gates:
            a_held_or_paused_tenant_yields_nothing
            a_hold_is_never_shortened_by_another
            a_lift_ends_a_hold_and_never_a_pause;
        pruning: gates_that_still_hold_something_back_stay;
        publishing: a_claiming_publish_leaves_what_a_claim_would_leave;
        queues:
            a_queue_says_what_holds_it_longest
            a_queue_says_who_is_paused
            the_queue_of_a_new_endpoint_is_open_and_empty
            the_tenants_and_hosts_that_are_held_back_are_listed;
    }

    a_store_that_ignores_host_gates_fails(IgnoresHostGates) {
        lanes_and_gates:
            a_held_host_yields_nothing
            a_hold_is_never_shortened_by_another;
        pruning: gates_that_still_hold_something_back_stay;
        publishing: a_claiming_publish_leaves_what_a_claim_would_leave;
        queues:
            a_queue_says_what_holds_it_longest
            the_queue_of_a_new_endpoint_is_open_and_empty
            the_tenants_and_hosts_that_are_held_back_are_listed;
    }

    a_store_that_loses_raises_fails(LosesRaises) {
        beginning_anew: a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record;
        lanes_and_gates: a_raise_applies_whatever_the_version;
        recovering:
            a_sick_lane_probes_with_what_was_tried_longest_ago;
    }

    a_store_that_cancels_what_is_under_way_fails(CancelsWhatIsUnderWay) {
        history:
            cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer
            what_is_under_way_to_a_removed_endpoint_is_not_tried_again;
    }

    a_store_that_ignores_generations_fails(IgnoresGenerations) {
        beginning_anew: what_was_learned_of_an_earlier_generation_changes_nothing;
    }

    a_store_that_counts_no_generations_fails(CountsNoGenerations) {
        beginning_anew:
            a_write_of_anything_else_keeps_the_record
            an_earlier_registration_disables_nothing
            generations_grow;
        directory_and_registry: disabling_needs_the_version_that_was_seen;
        queues: a_queue_says_who_disabled_its_endpoint_and_why;
        sequence: where_its_id_was_registered_stays_with_an_endpoint;
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }

    a_store_that_holds_what_begins_anew_fails(HoldsWhatBeginsAnew) {
        beginning_anew:
            a_new_url_a_new_secret_and_enabling_begin_with_a_clean_record
            a_write_of_anything_else_keeps_the_record
            an_endpoint_that_is_registered_again_begins_with_a_clean_record
            what_was_learned_of_an_earlier_generation_changes_nothing;
        directory_and_registry:
            a_lanes_width_follows_its_endpoint
            a_url_is_unique_per_tenant_where_asked
            a_write_over_another_version_is_refused
            the_pause_of_a_removed_endpoint_ends_with_it;
        lanes_and_gates: a_lane_remembers_a_gate_closed_before_its_first_delivery;
        pruning:
            a_lane_that_is_still_needed_stays
            the_lane_of_a_removed_endpoint_goes_with_its_last_delivery;
        queues:
            a_queue_says_what_holds_it_longest
            a_queue_says_when_something_is_due
            a_queue_tells_its_lanes_health
            the_queue_of_a_new_endpoint_is_open_and_empty;
        sequence: a_delivery_is_born_with_its_event_or_with_its_replay;
        recovering:
            what_waits_for_an_endpoint_that_begins_anew_catches_up;
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }

    a_store_that_lifts_holds_at_every_write_fails(LiftsHoldsAtEveryWrite) {
        beginning_anew: a_write_of_anything_else_keeps_the_record;
        directory_and_registry:
            a_lanes_width_follows_its_endpoint
            a_url_is_unique_per_tenant_where_asked
            a_write_over_another_version_is_refused;
    }

    a_store_that_disables_whatever_the_registration_fails(DisablesWhateverTheRegistration) {
        beginning_anew: an_earlier_registration_disables_nothing;
    }

    a_store_that_never_catches_up_fails(NeverCatchesUp) {
        recovering:
            an_ordering_key_catches_up_one_by_one
            catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released
            catching_up_leaves_the_gap_after_each_last_attempt
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            what_waits_for_anything_else_does_not_catch_up
            a_sick_lane_probes_with_what_was_tried_longest_ago;
    }

    a_store_that_catches_up_unasked_fails(CatchesUpUnasked) {
        next_due: settling_tells_when_a_lane_that_it_opened_can_be_claimed;
        recovering:
            a_lane_that_does_not_catch_up_keeps_its_due_times
            catching_up_leaves_the_gap_after_each_last_attempt;
    }

    a_store_that_catches_up_without_its_gap_fails(CatchesUpWithoutItsGap) {
        recovering: catching_up_leaves_the_gap_after_each_last_attempt;
    }

    a_store_that_catches_up_with_what_fails_later_fails(CatchesUpWithWhatFailsLater) {
        recovering: what_waits_for_anything_else_does_not_catch_up;
    }

    a_store_that_applies_outdated_health_fails(AppliesOutdatedHealth) {
        lanes_and_gates: outdated_health_changes_nothing;
    }

    a_store_that_ends_every_hold_fails(EndsEveryHold) {
        lanes_and_gates:
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint
            a_success_that_began_before_a_hold_does_not_end_it;
    }

    a_store_that_learns_nothing_across_a_hold_fails(LearnsNothingAcrossAHold) {
        lanes_and_gates:
            a_hold_that_came_between_leaves_what_a_success_says_of_the_endpoint
            a_lowered_hold_makes_the_lane_ready;
        next_due: settling_tells_when_a_lane_that_it_opened_can_be_claimed;
    }

    a_store_that_starves_other_tenants_fails(StarvesOtherTenants) {
        claiming:
            a_tenant_gets_at_most_its_share
            a_tenants_doubtful_lanes_get_at_most_their_share;
        fairness:
            a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits
            a_flood_of_one_tenant_delays_another_by_few_claims
            ten_thousand_lanes_of_one_tenant_delay_another_by_no_claim
            tenants_take_turns_however_many_lanes_they_have;
        lanes_and_gates: a_held_host_yields_nothing;
        ordering: keys_and_endpoints_do_not_wait_for_each_other;
        publishing: a_claiming_publish_leaves_what_a_claim_would_leave;
    }

    a_store_that_routes_one_tenant_only_fails(RoutesOneTenantOnly) {
        fairness: a_flood_of_unrouted_events_delays_another_tenants_by_few_claims;
        publishing: ids_and_keys_are_per_tenant;
    }

    a_store_that_ignores_ordering_keys_fails(IgnoresOrderingKeys) {
        history: expediting_leaves_followers_of_a_key_parked;
        next_due: settling_tells_when_what_follows_it_is_due;
        ordering:
            a_cancelled_head_lets_the_next_go
            a_head_that_waits_for_a_retry_keeps_its_place
            a_stale_success_of_the_head_lets_the_next_go
            an_event_is_routed_after_the_earlier_ones_of_its_key
            keys_and_endpoints_do_not_wait_for_each_other
            known_routes_wait_behind_an_unrouted_event_of_the_key
            of_a_key_only_the_head_is_claimed
            several_routers_keep_the_order
            the_next_of_a_key_follows_when_the_head_is_over;
        pruning: prune_takes_only_what_is_terminal_and_old_enough;
        recovering: an_ordering_key_catches_up_one_by_one;
    }

    a_store_that_routes_chunks_from_the_start_fails(RoutesChunksFromTheStart) {
        routing:
            an_event_that_is_to_be_routed_later_is_due_then_at_the_same_place
            routing_in_chunks_goes_on_where_it_stopped;
    }

    a_store_that_reads_payloads_as_text_fails(ReadsPayloadsAsText) {
        bytes_and_times: payloads_come_back_byte_for_byte;
    }

    a_store_that_cuts_times_to_milliseconds_fails(CutsTimesToMilliseconds) {
        bytes_and_times:
            times_keep_their_microseconds
            what_came_back_is_recorded_byte_for_byte;
    }

    a_store_that_prunes_pending_fails(PrunesPending) {
        pruning:
            a_lane_that_is_still_needed_stays
            an_event_goes_with_its_last_delivery
            gates_that_still_hold_something_back_stay
            prune_takes_only_what_is_terminal_and_old_enough;
    }

    a_store_that_prunes_without_limit_fails(PrunesWithoutLimit) {
        pruning:
            prune_takes_at_most_its_limit_and_says_whether_more_remain
            the_lane_of_a_removed_endpoint_goes_with_its_last_delivery;
    }

    a_store_that_prunes_nothing_unmatched_fails(PrunesNothingUnmatched) {
        pruning: an_event_without_a_match_goes_by_its_creation;
        publishing: a_publish_with_an_empty_list_of_routes_is_routed_and_unmatched;
    }

    a_store_that_switches_nothing_off_fails(SwitchesNothingOff) {
        directory_and_registry: an_endpoint_is_switched_off_whatever_its_version;
    }

    a_store_that_routes_at_once_what_is_to_wait_fails(RoutesAtOnceWhatIsToWait) {
        routing: an_event_that_is_to_be_routed_later_is_due_then_at_the_same_place;
    }

    a_store_that_ignores_versions_fails(IgnoresVersions) {
        directory_and_registry: a_write_over_another_version_is_refused;
    }

    a_store_that_ignores_urls_fails(IgnoresUrls) {
        directory_and_registry: a_url_is_unique_per_tenant_where_asked;
    }

    a_store_that_disables_whatever_the_version_fails(DisablesWhateverTheVersion) {
        beginning_anew: an_earlier_registration_disables_nothing;
        directory_and_registry: disabling_needs_the_version_that_was_seen;
        queues: a_queue_says_who_disabled_its_endpoint_and_why;
    }

    a_store_that_shows_disabled_endpoints_fails(ShowsDisabledEndpoints) {
        directory_and_registry:
            disabling_needs_the_version_that_was_seen
            an_endpoint_is_switched_off_whatever_its_version
            subscribers_are_the_enabled_endpoints_of_the_tenant_in_pages;
    }

    a_store_that_reads_other_tenants_fails(ReadsOtherTenants) {
        history: another_tenants_ids_are_not_found_anywhere;
        queues: another_tenants_queue_is_not_found;
    }

    a_store_that_repeats_replays_fails(RepeatsReplays) {
        history:
            a_replay_leaves_test_pings_and_its_own_deliveries_out
            a_replay_makes_new_deliveries_once;
    }

    a_store_that_ends_pauses_by_expediting_fails(EndsPausesByExpediting) {
        history: expediting_never_ends_a_pause_nor_touches_a_lease;
    }

    a_store_that_cancels_only_what_waits_fails(CancelsOnlyWhatWaits) {
        history:
            a_cancelled_lease_is_fenced_and_its_attempt_recorded
            cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer
            what_is_under_way_to_a_removed_endpoint_is_not_tried_again
            every_condition_of_a_selection_narrows
            stats_count_one_tenant_or_all;
        pruning: each_class_has_a_moment_of_its_own;
    }

    a_store_that_counts_all_for_each_fails(CountsAllForEach) {
        history:
            another_tenants_ids_are_not_found_anywhere
            stats_count_one_tenant_or_all;
    }

    a_store_that_limits_by_fixed_windows_fails(LimitsByFixedWindows) {
        limiter:
            a_call_that_comes_late_shortens_no_grant
            a_grant_counts_from_its_last_possible_start
            a_refusal_names_the_limit_that_opens_last
            grants_of_a_clock_that_was_ahead_hold_nothing_for_longer_than_a_window
            no_window_holds_more_starts_than_its_limit
            the_starts_of_a_shared_limit_go_to_tenants_in_turn_whatever_the_order
            whoever_asks_first_at_every_opening_leaves_others_their_turns;
    }

    a_store_that_counts_grants_from_their_asking_fails(CountsGrantsFromTheirAsking) {
        limiter:
            a_call_that_comes_late_shortens_no_grant
            a_grant_counts_from_its_last_possible_start
            a_refusal_names_the_limit_that_opens_last
            no_window_holds_more_starts_than_its_limit;
    }

    a_store_that_limits_by_the_first_limit_alone_fails(LimitsByTheFirstLimitAlone) {
        limiter:
            a_refusal_names_the_limit_that_opens_last
            a_start_is_taken_from_every_limit_or_from_none
            grants_of_a_clock_that_was_ahead_hold_nothing_for_longer_than_a_window
            two_windows_over_one_scope_count_apart;
    }

    a_store_that_serves_in_the_order_of_names_fails(ServesInTheOrderOfNames) {
        claiming:
            a_lane_with_more_than_others_gives_what_they_leave
            a_tenant_gets_at_most_its_share
            ready_lanes_are_served_in_turn;
        fairness:
            a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits
            a_flood_in_one_lane_delays_another_by_few_claims
            a_flood_of_one_tenant_delays_another_by_few_claims
            a_lane_that_the_batch_did_not_reach_keeps_its_place
            nothing_due_is_passed_over_for_ever
            ten_thousand_lanes_of_one_tenant_delay_another_by_no_claim
            tenants_take_turns_however_many_lanes_they_have;
    }

    a_store_that_serves_the_newest_first_fails(ServesTheNewestFirst) {
        claiming:
            a_tenant_gets_at_most_its_share
            the_oldest_due_of_a_lane_goes_first;
        fairness:
            a_lane_that_the_batch_did_not_reach_keeps_its_place
            a_tenants_turn_goes_to_its_longest_waiting_lane;
        lanes_and_gates: a_paused_lane_yields_nothing_until_it_is_resumed;
        pruning: prune_takes_only_what_is_terminal_and_old_enough;
        recovering:
            catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            a_sick_lane_probes_with_what_was_tried_longest_ago
            what_waits_for_an_endpoint_that_begins_anew_catches_up;
        history: cancelling_leaves_what_came_after_the_place_that_is_named;
    }

    a_store_that_serves_lanes_before_tenants_fails(ServesLanesBeforeTenants) {
        claiming:
            a_lane_with_more_than_others_gives_what_they_leave
            a_tenant_gets_at_most_its_share
            ready_lanes_are_served_in_turn;
        fairness:
            a_claiming_publish_leaves_its_turn_to_a_doubtful_lane_that_waits
            a_flood_in_one_lane_delays_another_by_few_claims
            a_flood_of_one_tenant_delays_another_by_few_claims
            a_lane_that_the_batch_did_not_reach_keeps_its_place
            nothing_due_is_passed_over_for_ever
            ten_thousand_lanes_of_one_tenant_delay_another_by_no_claim
            tenants_take_turns_however_many_lanes_they_have;
    }

    a_store_that_serves_lane_after_lane_fails(ServesLaneAfterLane) {
        claiming:
            a_lane_with_more_than_others_gives_what_they_leave
            a_tenant_gets_at_most_its_share
            ready_lanes_are_served_in_turn;
        fairness: tenants_take_turns_however_many_lanes_they_have;
    }

    a_store_that_takes_missing_for_fenced_fails(TakesMissingForFenced) {
        settling:
            the_items_of_a_batch_are_independent
            what_never_was_is_missing;
    }

    a_store_that_forgets_why_a_delivery_failed_fails(ForgetsWhyItFailed) {
        settling: why_it_failed_comes_back;
    }

    a_store_that_confirms_everything_fails(ConfirmsEverything) {
        settling: every_reason_to_fail_or_cancel_is_kept;
    }

    a_store_that_refuses_late_settlements_fails(RefusesLateSettlements) {
        leases:
            a_late_settlement_applies_while_nobody_else_has_claimed
            a_suspect_is_claimed_by_itself;
    }

    a_store_that_retries_at_once_fails(RetriesAtOnce) {
        bytes_and_times: times_keep_their_microseconds;
        claiming: a_claim_tells_all_that_sending_needs;
        history:
            expediting_makes_work_due_and_lifts_the_hold
            stats_count_one_tenant_or_all;
        leases: a_release_puts_the_due_time_back_and_counts_nothing;
        next_due: settling_tells_when_a_lane_that_it_opened_can_be_claimed;
        ordering: a_head_that_waits_for_a_retry_keeps_its_place;
        recovering:
            a_lane_that_does_not_catch_up_keeps_its_due_times
            an_ordering_key_catches_up_one_by_one
            catching_up_keeps_to_the_lanes_width_and_gives_again_what_was_released
            catching_up_leaves_the_gap_after_each_last_attempt
            what_waits_for_a_retry_catches_up_in_the_order_of_its_due_times
            what_waits_for_anything_else_does_not_catch_up
            a_delivery_that_waits_alone_in_a_sick_lane_keeps_its_due_time
            a_sick_lane_probes_with_what_was_tried_longest_ago
            what_waits_for_an_endpoint_that_begins_anew_catches_up;
        settling:
            a_retry_is_due_when_it_says
            the_items_of_a_batch_are_independent;
    }

    a_store_that_numbers_every_attempt_one_fails(NumbersEveryAttemptOne) {
        settling:
            attempts_are_numbered_and_recorded_once_per_lease
            the_attempt_of_a_stale_token_is_recorded;
    }

    a_store_that_routes_only_from_not_before_fails(RoutesOnlyFromNotBefore) {
        bytes_and_times: every_field_of_an_event_comes_back;
        routing: an_unrouted_event_is_claimed_at_once;
    }

    a_store_that_routes_existing_again_fails(RoutesExistingAgain) {
        routing: routing_twice_is_routing_once;
    }

    a_store_that_keeps_released_events_fails(KeepsReleasedEvents) {
        routing:
            a_released_event_is_due_as_before
            a_stale_router_moves_nothing;
    }

    a_store_that_drops_unmatched_events_fails(DropsUnmatchedEvents) {
        pruning: an_event_without_a_match_goes_by_its_creation;
        routing: an_event_without_a_match_is_kept;
    }

    a_store_that_routes_the_newest_first_fails(RoutesTheNewestFirst) {
        fairness: a_flood_of_unrouted_events_delays_another_tenants_by_few_claims;
        history: expediting_leaves_followers_of_a_key_parked;
        next_due: settling_tells_when_what_follows_it_is_due;
        ordering:
            a_cancelled_head_lets_the_next_go
            a_head_that_waits_for_a_retry_keeps_its_place
            a_stale_success_of_the_head_lets_the_next_go
            an_event_is_routed_after_the_earlier_ones_of_its_key
            keys_and_endpoints_do_not_wait_for_each_other
            known_routes_wait_behind_an_unrouted_event_of_the_key
            of_a_key_only_the_head_is_claimed
            parked_events_do_not_hide_their_predecessor
            several_routers_keep_the_order
            the_next_of_a_key_follows_when_the_head_is_over;
        pruning: prune_takes_only_what_is_terminal_and_old_enough;
        recovering: an_ordering_key_catches_up_one_by_one;
    }

    a_store_that_forgets_progress_fails(ForgetsProgress) {
        claiming: a_claim_tells_all_that_sending_needs;
        history: expediting_makes_work_due_and_lifts_the_hold;
        leases: a_release_puts_the_due_time_back_and_counts_nothing;
    }

    a_store_that_forgets_when_it_ended_fails(ForgetsWhenItEnded) {
        bytes_and_times: times_keep_their_microseconds;
        history: cancelling_ends_what_is_pending;
        settling:
            a_success_ends_a_delivery
            why_it_failed_comes_back;
    }

    a_store_that_loses_scopes_fails(LosesScopes) {
        bytes_and_times: every_field_of_an_event_comes_back;
    }

    a_store_that_loses_headers_fails(LosesHeaders) {
        directory_and_registry: an_endpoint_comes_back_as_it_was_written;
    }

    a_store_that_never_counts_versions_fails(NeverCountsVersions) {
        directory_and_registry:
            a_url_is_unique_per_tenant_where_asked
            an_endpoint_is_switched_off_whatever_its_version
            versions_count_the_writes;
    }

    a_store_that_gives_ids_to_any_tenant_fails(GivesIdsToAnyTenant) {
        directory_and_registry: an_endpoint_id_is_unique_over_all_tenants;
    }

    a_store_that_gives_removed_ids_to_any_tenant_fails(GivesRemovedIdsToAnyTenant) {
        directory_and_registry: the_id_of_a_removed_endpoint_with_a_lane_stays_its_tenants;
        pruning: the_lane_of_a_removed_endpoint_goes_with_its_last_delivery;
    }

    a_store_that_loads_in_reverse_fails(LoadsInReverse) {
        directory_and_registry: loading_answers_in_order;
    }

    a_store_that_only_disables_what_is_removed_fails(OnlyDisablesWhatIsRemoved) {
        beginning_anew:
            an_earlier_registration_disables_nothing
            an_endpoint_that_is_registered_again_begins_with_a_clean_record
            generations_grow;
        directory_and_registry:
            a_removed_endpoint_is_gone
            the_id_of_a_removed_endpoint_with_a_lane_stays_its_tenants
            the_pause_of_a_removed_endpoint_ends_with_it;
        pruning: the_lane_of_a_removed_endpoint_goes_with_its_last_delivery;
        sequence:
            where_its_id_was_registered_stays_with_an_endpoint
            an_endpoint_is_removed_at_a_place_between_what_came_before_and_after;
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }

    a_store_that_removes_endpoints_at_no_place_fails(RemovesEndpointsAtNoPlace) {
        sequence: an_endpoint_is_removed_at_a_place_between_what_came_before_and_after;
    }

    a_store_that_takes_every_route_fails(TakesEveryRoute) {
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }

    a_store_that_finishes_in_silence_what_was_given_up_fails(FinishesInSilence) {
        next_due: what_a_call_makes_due_after_it_was_given_up_is_hinted_at;
    }

    a_store_that_states_a_limit_that_it_does_not_hold_fails(StatesALimitThatItDoesNotHold) {
        publishing: a_payload_is_stored_up_to_the_largest_size_that_the_store_states;
    }

    a_store_that_refuses_the_largest_payload_that_it_states_fails(RefusesTheLargestThatItStates) {
        publishing: a_payload_is_stored_up_to_the_largest_size_that_the_store_states;
    }

    a_store_that_cancels_whatever_its_place_fails(CancelsWhateverItsPlace) {
        history: cancelling_leaves_what_came_after_the_place_that_is_named;
    }

    a_store_that_keeps_pauses_of_removed_endpoints_fails(KeepsPausesOfRemovedEndpoints) {
        beginning_anew: an_endpoint_that_is_registered_again_begins_with_a_clean_record;
        directory_and_registry: the_pause_of_a_removed_endpoint_ends_with_it;
        pruning: the_lane_of_a_removed_endpoint_goes_with_its_last_delivery;
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }

    a_store_that_forgets_the_last_of_a_page_fails(ForgetsTheLastOfAPage) {
        history: pages_show_every_delivery_once_and_in_order;
    }

    a_store_that_expedites_nothing_fails(ExpeditesNothing) {
        history:
            a_page_looks_past_what_is_not_selected
            expediting_leaves_followers_of_a_key_parked
            expediting_makes_work_due_and_lifts_the_hold
            expediting_never_ends_a_pause_nor_touches_a_lease;
    }

    a_store_that_says_it_cancelled_everything_fails(SaysItCancelledEverything) {
        history:
            cancelling_ends_what_is_pending
            cancelling_for_a_removed_endpoint_leaves_what_is_leased_to_its_answer
            what_is_under_way_to_a_removed_endpoint_is_not_tried_again
            cancelling_leaves_what_came_after_the_place_that_is_named;
    }

    a_store_that_grants_from_the_back_fails(GrantsFromTheBack) {
        limiter: asks_of_one_endpoint_are_granted_in_order;
    }

    a_store_that_grants_to_whoever_asks_first_fails(GrantsToWhoeverAsksFirst) {
        limiter:
            the_starts_of_a_shared_limit_go_to_tenants_in_turn_whatever_the_order
            whoever_asks_first_at_every_opening_leaves_others_their_turns;
    }

    a_store_that_takes_a_tenants_endpoints_for_one_fails(TakesATenantsEndpointsForOne) {
        limiter:
            the_starts_of_a_shared_limit_go_to_tenants_in_turn_whatever_the_order
            whoever_asks_first_at_every_opening_leaves_others_their_turns;
    }

    a_store_that_keeps_one_log_for_all_fails(KeepsOneLogForAll) {
        limiter:
            a_grant_counts_from_its_last_possible_start
            a_refusal_names_the_limit_that_opens_last
            limits_of_different_keys_count_apart;
    }

    a_store_that_forgets_grants_fails(ForgetsGrants) {
        limiter:
            a_call_that_comes_late_shortens_no_grant
            a_grant_counts_from_its_last_possible_start
            a_refusal_names_the_limit_that_opens_last
            a_start_is_taken_from_every_limit_or_from_none
            grants_of_a_clock_that_was_ahead_hold_nothing_for_longer_than_a_window
            no_window_holds_more_starts_than_its_limit
            takes_at_the_same_time_stay_within_the_limit
            two_windows_over_one_scope_count_apart
            what_is_kept_for_one_that_does_not_come_goes_to_whoever_asks
            who_waits_is_told_a_moment_at_which_its_turn_may_have_come
            whoever_asks_first_at_every_opening_leaves_others_their_turns;
    }

    a_store_that_stores_ids_again_fails(StoresIdsAgain) {
        publishing:
            another_content_under_the_same_id_or_key_is_told_apart
            the_same_id_again_adds_nothing
            two_publishes_of_one_batch_collide_like_two_calls;
    }

    a_store_that_reads_no_events_fails(ReadsNoEvents) {
        bytes_and_times:
            every_field_of_an_event_comes_back
            payloads_come_back_byte_for_byte;
        pruning:
            an_event_goes_with_its_last_delivery
            an_event_without_a_match_goes_by_its_creation;
        publishing:
            a_publish_with_an_empty_list_of_routes_is_routed_and_unmatched
            a_published_event_is_stored_and_read_back
            another_content_under_the_same_id_or_key_is_told_apart;
        routing: an_event_without_a_match_is_kept;
    }

    a_store_that_routes_what_is_routed_fails(RoutesWhatIsRouted) {
        claiming:
            a_claim_stays_within_its_numbers
            claimed_work_is_given_once
            the_lanes_of_the_work_come_with_it;
        leases: a_suspect_is_claimed_by_itself;
        next_due: next_due_knows_events_that_wait_for_their_routing;
        ordering:
            an_event_is_routed_after_the_earlier_ones_of_its_key
            known_routes_wait_behind_an_unrouted_event_of_the_key
            several_routers_keep_the_order;
        pruning: prune_takes_only_what_is_terminal_and_old_enough;
        publishing:
            a_publish_with_routes_needs_no_routing
            a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
        routing:
            an_event_that_is_to_be_routed_later_is_due_then_at_the_same_place
            routing_in_chunks_goes_on_where_it_stopped
            routing_twice_is_routing_once;
    }

    a_store_that_lists_gates_that_have_opened_fails(ListsGatesThatHaveOpened) {
        queues: the_tenants_and_hosts_that_are_held_back_are_listed;
    }

    a_store_that_shows_every_queue_as_new_fails(ShowsEveryQueueAsNew) {
        queues:
            a_lane_without_an_endpoint_has_a_queue
            a_queue_says_what_holds_it_longest
            a_queue_says_when_something_is_due
            a_queue_says_who_disabled_its_endpoint_and_why
            a_queue_says_who_is_paused
            a_queue_tells_its_lanes_health
            the_queue_of_a_new_endpoint_is_open_and_empty;
    }

    a_store_that_forgets_why_it_disabled_fails(ForgetsWhyItDisabled) {
        queues: a_queue_says_who_disabled_its_endpoint_and_why;
    }

    a_store_that_numbers_events_by_their_creation_fails(NumbersByCreation) {
        history: cancelling_leaves_what_came_after_the_place_that_is_named;
        sequence:
            a_delivery_is_born_with_its_event_or_with_its_replay
            an_endpoint_begins_anew_when_it_is_enabled_and_only_then
            no_number_is_given_twice
            numbers_follow_the_order_of_calls_when_clocks_step_back
            where_its_id_was_registered_stays_with_an_endpoint
            an_endpoint_is_removed_at_a_place_between_what_came_before_and_after;
    }

    a_store_whose_endpoints_all_begin_first_fails(BeginsEndpointsFirst) {
        sequence:
            a_delivery_is_born_with_its_event_or_with_its_replay
            an_endpoint_begins_anew_when_it_is_enabled_and_only_then
            no_number_is_given_twice
            numbers_follow_the_order_of_calls_when_clocks_step_back
            where_its_id_was_registered_stays_with_an_endpoint
            an_endpoint_is_removed_at_a_place_between_what_came_before_and_after;
    }

    a_store_that_numbers_registrations_by_themselves_fails(NumbersRegistrationsByThemselves) {
        beginning_anew:
            an_earlier_registration_disables_nothing
            generations_grow;
        sequence: where_its_id_was_registered_stays_with_an_endpoint;
        publishing: a_route_to_an_id_that_was_registered_again_leaves_its_event_to_be_routed;
    }
}

/// The clock of a process as a wrong store takes it.
struct Taken {
    clock: Arc<dyn Clock>,
    follows: bool,
}

/// A store that reads this clock believes its wall clock, or never does after the first time.
impl Clock for Taken {
    fn now(&self) -> Timestamp {
        if self.follows { self.clock.now() } else { Timestamp::EPOCH + self.clock.elapsed() }
    }

    fn elapsed(&self) -> Duration {
        if self.follows { self.clock.now().since(Timestamp::EPOCH) } else { self.clock.elapsed() }
    }
}

fn opens_with_a_wrong_time(follows: bool) -> clocks::Open {
    let store = OnceLock::<MemoryStore>::new();
    Arc::new(move |clock| {
        let clock = Arc::new(Taken { clock, follows });
        Arc::new(store.get_or_init(|| MemoryStore::with_clock(clock.clone())).beside(clock))
    })
}

#[test]
fn a_store_that_follows_every_wall_clock_at_once_fails() {
    let wrong = || opens_with_a_wrong_time(true);
    assert!(run_to_end(clocks::a_wall_clock_that_is_wrong_for_minutes_moves_nothing(wrong())).is_err());
    assert!(run_to_end(clocks::a_wall_clock_that_agrees_contradicts_one_that_does_not(wrong())).is_err());
    assert!(run_to_end(clocks::what_is_leased_stays_leased_when_the_time_moves(wrong())).is_err());
}

#[test]
fn a_store_that_never_follows_a_wall_clock_fails() {
    let wrong = opens_with_a_wrong_time(false);
    assert!(run_to_end(clocks::a_wall_clock_that_nobody_contradicts_is_followed(wrong)).is_err());
}
