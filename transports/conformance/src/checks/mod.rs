//! The checks, by what they hold a transport to.

mod addresses;
mod amplification;
mod asking_all;
mod beside_a_group;
mod binding;
mod bodies;
mod bodies_failing;
mod bodies_in_memory;
mod bodies_once;
mod bodies_passed_on;
mod cancelling;
mod closing;
mod concurrency;
mod confirming;
mod draining;
mod errors;
mod failures;
mod flow;
mod flow_limits;
mod garbage;
mod given_back;
mod gone;
mod isolation;
mod leaving;
mod namespaces;
mod order;
mod packets;
mod refusals;
mod release;
mod release_bindings;
mod release_requests;
mod requests;
mod restarting;
mod routing;
mod runtime_gone;
mod serving;
mod sharing;
mod subscriptions;
mod unsupported;

pub use self::{
    addresses::*, amplification::*, asking_all::*, beside_a_group::*, binding::*, bodies::*,
    bodies_failing::*, bodies_in_memory::*, bodies_once::*, bodies_passed_on::*, cancelling::*,
    closing::*, concurrency::*, confirming::*, draining::*, errors::*, failures::*, flow::*,
    flow_limits::*, garbage::*, given_back::*, gone::*, isolation::*, leaving::*, namespaces::*,
    order::*, packets::*, refusals::*, release::*, release_bindings::*, release_requests::*,
    requests::*, restarting::*, routing::*, runtime_gone::*, serving::*, sharing::*,
    subscriptions::*, unsupported::*,
};

/// Calls a macro with the name of each check.
#[doc(hidden)]
#[macro_export]
macro_rules! each_check {
    ($one:path, $($rest:tt)*) => {
        $crate::each_check!(@ $one, ($($rest)*) [
            packets_keep_their_order
            a_packet_comes_once
            packets_of_every_length_arrive
            a_packet_is_handed_over_or_kept
            one_member_gets_a_packet
            an_inbox_is_private
            control_reaches_every_instance
            the_directory_reaches_instances_of_all_services
            subjects_are_apart
            namespaces_never_meet
            namespaces_are_apart_for_conduits
            a_missing_subscriber_is_noticed
            a_flushed_subscription_is_in_force
            a_flushed_packet_is_routed
            leaving_loses_nothing
            a_left_subscription_ends
            a_dropped_member_takes_nothing
            a_later_subscriber_gets_nothing_old
            a_closed_transport_refuses
            every_bind_gets_every_message
            both_kinds_get_the_same_message
            local_queue_bindings_share_the_work
            local_binds_each_get_the_body
            bind_once_takes_one
            replies_reach_their_askers
            a_reply_may_come_before_the_body_is_read
            a_reply_may_come_while_the_body_is_sent
            mixed_sizes_keep_their_order
            waiting_messages_keep_their_order
            what_is_sent_after_bind_arrives
            what_a_full_binding_loses_is_counted
            what_a_full_bind_refuses_is_counted
            what_a_napping_reader_loses_is_counted
            an_unbound_binding_ends
            members_leave_without_loss
            a_dropped_member_hands_on
            a_dropped_member_gives_requests_back
            what_waits_outlives_unbind
            a_stuck_handler_delays_nothing
            a_request_to_nobody_fails_at_once
            a_body_to_nobody_has_no_receivers
            a_closed_conduit_says_so
            askers_of_a_closed_conduit_are_told
            bodies_arrive_whole_when_sent
            bodies_arrive_whole_in_requests
            bodies_arrive_whole_in_replies
            a_large_body_arrives_whole_when_sent
            a_large_body_arrives_whole_in_a_request
            a_large_body_arrives_whole_in_a_reply
            one_body_reaches_binds_and_a_group_whole
            a_source_that_waits_holds_nothing_back
            many_bodies_at_once_arrive_whole
            a_body_can_be_echoed
            a_body_can_be_passed_on
            closing_cancels_its_requests
            a_source_that_fails_is_an_error_at_both_sides
            a_source_that_fails_at_once_is_an_error
            a_source_of_another_length_is_an_error_at_both_sides
            a_short_source_of_another_length_is_an_error
            the_limit_for_bodies_in_memory_is_exact
            without_the_limit_a_large_body_is_decoded
            another_content_type_is_named
            text_has_to_be_utf8
            headers_and_length_arrive
            a_body_is_taken_once
            a_request_is_answered_once
            a_reader_that_takes_nothing_stops_its_sender
            a_slow_reader_limits_a_fast_source
            many_readers_stay_within_the_budget
            offers_without_room_are_refused
            a_group_gets_what_it_had_no_room_for
            broadcasts_that_cross_both_end
            the_end_of_the_join_window_lets_the_source_go_on
            a_message_dropped_unread_is_released
            a_body_read_in_half_is_released
            a_sending_that_is_dropped_is_released
            what_nobody_is_bound_to_is_released
            a_dropped_binding_releases_what_waits
            an_unbound_binding_gives_what_waits
            a_dropped_request_cancels_its_handler
            a_dropped_reply_ends_its_sources
            closing_amid_requests_answers_all
            closing_amid_bodies_answers_all
            forged_packets_are_counted
            garbage_is_survived
            what_is_not_understood_is_refused
            a_runtime_that_is_gone_ends_everything
            failures_of_handlers_are_told_apart
            a_full_group_is_overloaded
            a_lone_member_that_drains_refuses
            a_passed_deadline_is_a_deadline
            a_request_amid_which_one_closes_is_closed
            a_bind_does_not_spoil_what_the_group_answers
            a_bind_runs_once_where_the_group_is_asked_again
            served_values_are_answered
            a_served_value_comes_with_its_message
            time_left_shrinks_hop_by_hop
            a_dropped_request_ends_three_hops
            a_deadline_ends_three_hops
            members_run_as_many_as_they_may
            handlers_begin_in_order
            a_panic_fails_one_message
            draining_lets_handlers_finish
            draining_cuts_off_at_its_limit
            draining_handles_what_waits
            draining_hands_on_what_nobody_reads
            draining_gives_bodies_back
            a_dropped_member_gives_bodies_back
            a_body_that_nobody_got_was_refused
            what_is_handed_on_arrives
            a_handler_that_is_cut_off_takes_no_other
            handlers_are_gone_when_a_conduit_is_closed
            made_up_receivers_cost_little
            one_peer_cannot_take_it_all
            made_up_names_shut_nobody_out
            a_rolling_restart_fails_nothing
            everybody_answers_a_request_to_all
            silence_ends_a_request_to_all
            one_failure_does_not_end_a_request_to_all
            a_request_to_all_of_nobody_says_so
            bodies_go_to_all_and_come_back
            a_confirmed_message_was_read
            a_confirmed_message_names_all_readers
            a_confirmed_message_to_nobody_fails
        ]);
    };
    (@ $one:path, $rest:tt [$($check:ident)*]) => {
        $($crate::each_check!(@@ $one, $check, $rest);)*
    };
    (@@ $one:path, $check:ident, ($($rest:tt)*)) => {
        $one!($check, $($rest)*);
    };
}
