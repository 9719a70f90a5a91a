//! The checks, by what they hold a transport to.

mod bodies;
mod bodies_passed_on;
mod routing;

pub use self::{bodies::*, bodies_passed_on::*, routing::*};

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
        ]);
    };
    (@ $one:path, $rest:tt [$($check:ident)*]) => {
        $($crate::each_check!(@@ $one, $check, $rest);)*
    };
    (@@ $one:path, $check:ident, ($($rest:tt)*)) => {
        $one!($check, $($rest)*);
    };
}
