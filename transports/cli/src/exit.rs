//! How the program ends: a code that tells whether a handler ran, and a sentence with what to do.

use std::{fmt::Display, process::ExitCode};

use conduit::{Error, ErrorKind, Executed};

/// Why the program ends other than well.
#[derive(Debug)]
pub(crate) struct Exit {
    code: u8,
    /// What has happened.
    text: String,
    /// What to do about it.
    hint: Option<&'static str>,
    kind: Option<ErrorKind>,
}

const USAGE: u8 = 2;
const NOT_EXECUTED: u8 = 3;
const MAYBE_EXECUTED: u8 = 4;
const FAILED: u8 = 5;
const INTERRUPTED: u8 = 130;

impl Exit {
    /// An argument makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { code: USAGE, text: text.into(), hint: None, kind: None }
    }

    /// Something failed here, before anything was sent.
    pub(crate) fn local(text: impl Into<String>) -> Self {
        Self { code: NOT_EXECUTED, text: text.into(), hint: None, kind: None }
    }

    /// Something failed here, after a handler had answered.
    pub(crate) fn late(text: impl Into<String>) -> Self {
        Self { code: FAILED, text: text.into(), hint: None, kind: None }
    }

    /// There is no instance to talk to.
    pub(crate) fn nobody(text: impl Into<String>, hint: &'static str) -> Self {
        Self { code: NOT_EXECUTED, text: text.into(), hint: Some(hint), kind: None }
    }

    /// The user has interrupted it.
    pub(crate) fn interrupted() -> Self {
        Self { code: INTERRUPTED, text: "interrupted".into(), hint: None, kind: None }
    }

    /// How much may have happened at the other side: the greater the worse.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Prints why, and returns the code of the process.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if json {
            let kind = self.kind.map(|kind| format!("{kind:?}"));
            let object = serde_json::json!({
                "error": self.text,
                "hint": self.hint,
                "kind": kind,
                "code": self.code,
            });
            eprintln!("{object}");
        } else {
            eprintln!("conduit: {}", self.text);
            if let Some(hint) = self.hint {
                eprintln!("  {hint}");
            }
        }
        ExitCode::from(self.code)
    }
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        let kind = error.kind();
        let code = match (kind, error.executed()) {
            (ErrorKind::InvalidName | ErrorKind::InvalidHeader | ErrorKind::InvalidLimit, _) => {
                USAGE
            }
            (_, Executed::No) => NOT_EXECUTED,
            (_, Executed::Maybe) => MAYBE_EXECUTED,
            (_, Executed::Yes) => FAILED,
        };
        Self { code, text: format!("{error:#}"), hint: hint(kind), kind: Some(kind) }
    }
}

/// What to do about an error.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NoReceivers => {
            "Is the service running, and spelt like that? `conduit services` and `conduit info` \
             show what there is; a namespace hides it from other namespaces (--namespace)."
        }
        ErrorKind::NoAnswer => {
            "A wire tap hides that nobody listens (`conduit tap`); else the receiver hangs, or may \
             not publish to this inbox: look for `Denied` in its log."
        }
        ErrorKind::Overloaded => {
            "Every receiver has its hands full: `conduit stats` shows what waits. Start more \
             instances, raise `concurrency`, or try again later."
        }
        ErrorKind::Draining => "The receiver is shutting down. Try again.",
        ErrorKind::Disconnected => {
            "There is no connection: `conduit check` says more. Is --url right, and the broker up?"
        }
        ErrorKind::Denied => {
            "The broker does not permit it: `conduit check` compares the permissions of this user \
             with those that are needed."
        }
        ErrorKind::Deadline => {
            "Give it more time with --timeout. `conduit stats` shows how long the handlers take."
        }
        ErrorKind::Lost => "The other side crashed, or its network did: look at its log.",
        ErrorKind::HandlerFailed | ErrorKind::HandlerPanicked | ErrorKind::NoReply => {
            "The handler ran and failed: its log has the cause."
        }
        ErrorKind::NotDecoded => {
            "The handler expects another body: `conduit info` shows its type, and --content-type \
             names the format."
        }
        ErrorKind::TooLarge => "The body is longer than the receiver takes into memory.",
        ErrorKind::Unsupported => "The receiver speaks another version of the protocol.",
        _ => return None,
    })
}

/// An I/O error, with what it is about.
pub(crate) fn local(what: impl Display) -> impl FnOnce(std::io::Error) -> Exit {
    move |error| Exit::local(format!("{what}: {error}"))
}
