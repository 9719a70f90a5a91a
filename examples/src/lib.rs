//! What the examples `hello` and `nats` share; each other example is whole in its own file.
//!
//! The index is the README beside this crate's manifest.

pub mod tour;

/// The code of the README at the top of the repository and of the book, compiled and run with the tests.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident: $path:literal;)+) => {
            $(
                #[doc = include_str!($path)]
                mod $name {}
            )+
        };
    }

    pages! {
        readme: "../../README.md";
        getting_started: "../book/src/getting-started.md";
        talking: "../book/src/talking.md";
        errors: "../book/src/errors.md";
        sizing: "../book/src/sizing.md";
        shutdown: "../book/src/shutdown.md";
        testing: "../book/src/testing.md";
        production: "../book/src/production.md";
        command_line: "../book/src/command-line.md";
        transports: "../book/src/transports.md";
        extending: "../book/src/extending.md";
        moving: "../book/src/moving.md";
        protocol: "../book/src/protocol.md";
    }
}
