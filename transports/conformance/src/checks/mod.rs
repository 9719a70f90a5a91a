//! The checks, by what they hold a transport to.

mod addresses;
mod binding;
mod bodies;
mod bodies_passed_on;
mod errors;
mod isolation;
mod leaving;
mod order;
mod packets;
mod requests;
mod routing;
mod subscriptions;

pub use self::{
    addresses::*, binding::*, bodies::*, bodies_passed_on::*, errors::*, isolation::*, leaving::*,
    order::*, packets::*, requests::*, routing::*, subscriptions::*,
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
            one_member_gets_a_packet
            an_inbox_is_private
            control_reaches_every_instance
            subjects_are_apart
            a_missing_subscriber_is_noticed
            a_flushed_subscription_is_in_force
            a_flushed_packet_is_routed
            leaving_loses_nothing
            a_left_subscription_ends
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
        ]);
    };
    (@ $one:path, $rest:tt [$($check:ident)*]) => {
        $($crate::each_check!(@@ $one, $check, $rest);)*
    };
    (@@ $one:path, $check:ident, ($($rest:tt)*)) => {
        $one!($check, $($rest)*);
    };
}
