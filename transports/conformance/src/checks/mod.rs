//! The checks, by what they hold a transport to.

mod addresses;
mod packets;
mod routing;
mod subscriptions;

pub use self::{addresses::*, packets::*, routing::*, subscriptions::*};

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
        ]);
    };
    (@ $one:path, $rest:tt [$($check:ident)*]) => {
        $($crate::each_check!(@@ $one, $check, $rest);)*
    };
    (@@ $one:path, $check:ident, ($($rest:tt)*)) => {
        $one!($check, $($rest)*);
    };
}
