//! The checks, by what they hold a transport to.

mod bodies;
mod bodies_failing;
mod bodies_in_memory;
mod bodies_once;
mod bodies_passed_on;
mod flow;
mod flow_limits;
mod release;
mod release_bindings;
mod release_requests;
mod routing;

pub use self::{
    bodies::*, bodies_failing::*, bodies_in_memory::*, bodies_once::*, bodies_passed_on::*,
    flow::*, flow_limits::*, release::*, release_bindings::*, release_requests::*, routing::*,
};

/// Calls a macro with the name of each check.
#[doc(hidden)]
#[macro_export]
macro_rules! each_check {
    ($one:path, $($rest:tt)*) => {
        $crate::each_check!(@ $one, ($($rest)*) [
            every_bind_gets_every_message

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
        ]);
    };
    (@ $one:path, $rest:tt [$($check:ident)*]) => {
        $($crate::each_check!(@@ $one, $check, $rest);)*
    };
    (@@ $one:path, $check:ident, ($($rest:tt)*)) => {
        $one!($check, $($rest)*);
    };
}
