//! The checks, by what they hold a transport to.

mod routing;

pub use self::routing::*;

/// Calls a macro with the name of each check.
#[doc(hidden)]
#[macro_export]
macro_rules! each_check {
    ($one:path, $($rest:tt)*) => {
        $crate::each_check!(@ $one, ($($rest)*) [
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
