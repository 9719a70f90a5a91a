//! The conversations of `vectors/conversations`: the machines say exactly these packets, at these
//! times.

#[path = "../support/hex.rs"]
mod hex;
mod party;
mod play;
mod script;

use self::{play::Play, script::Script};

fn replay(text: &str) {
    let script: Script = serde_json::from_str(text).expect("the file can be read");
    Play::new(script).run();
}

macro_rules! conversations {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(include_str!(concat!(
                    "../vectors/conversations/",
                    stringify!($name),
                    ".json"
                )));
            }
        )*
    };
}

conversations! {
    request
    streamed_reply
    refusal_and_reoffer
    two_receivers
    loss_and_resend
    late_and_taken
    deadline_and_cancel
}
