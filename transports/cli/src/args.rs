//! The command line.

mod connection;
mod values;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

pub(crate) use self::connection::{Broker, Show};
use self::values::{duration, header};

/// Looks at the services of a broker, and talks to them.
///
/// The exit code tells whether a handler ran: 0 done, 2 wrong usage, 3 it did not run, 4 it may have,
/// 5 it ran and failed, 130 interrupted.
#[derive(Parser)]
#[command(name = "conduit", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) broker: Broker,
    #[command(flatten)]
    pub(crate) show: Show,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the services that are discoverable
    Services(Services),
    /// Describes the instances of a service: version, bindings, limits
    Info(Of),
    /// Counts what became of the messages of each binding of a service
    Stats(Stats),
    /// Measures how long the instances of a service, or all, take to answer
    Ping(Ping),
    /// Sends a one-way message
    Send(Send),
    /// Sends a request, and prints the reply
    Request(Request),
    /// Asks every plain binding, in every instance, and prints a line for each reply
    Ask(Ask),
    /// Binds to a subject as an instance of a service, and prints each message (broadcast)
    Listen(Listen),
    /// Binds to a subject as a member of its group, and prints each message (load balancing)
    Work(Listen),
    /// Stands in for a service: answers each message of a subject by a command, or with its body
    Serve(Serve),
    /// Sends a file, and waits until every receiver has read and verified it
    Put(Put),
    /// Requests a subject with an empty body, and stores the reply as a file
    Get(Get),
    /// Checks connection, permissions and limits, and says what to change
    Check,
    /// Measures this broker between two conduits of its own
    Bench(Bench),
    /// Shows the packets on the wire, decoded (NATS only)
    Tap(Tap),
    /// Prints the completions for a shell
    Completions(Completions),
}

#[derive(Args)]
pub(crate) struct Services {
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Args)]
pub(crate) struct Wait {
    /// How long to wait for answers, as in 500ms, 2s
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(crate) wait: Duration,
}

#[derive(Args)]
pub(crate) struct Of {
    /// The service
    pub(crate) service: String,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

#[derive(Args)]
pub(crate) struct Stats {
    #[command(flatten)]
    pub(crate) of: Of,
    /// Asks again and again
    #[arg(long)]
    pub(crate) watch: bool,
    /// How often
    #[arg(long, default_value = "2s", value_parser = duration, requires = "watch")]
    pub(crate) every: Duration,
    /// Ends after so many times
    #[arg(long, requires = "watch")]
    pub(crate) count: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Ping {
    /// The service; all that are discoverable if it is missing
    pub(crate) service: Option<String>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// A subject of a service.
#[derive(Args)]
pub(crate) struct To {
    /// The service
    pub(crate) service: String,
    /// The subject
    pub(crate) subject: String,
}

/// What is sent.
#[derive(Args)]
pub(crate) struct Content {
    /// The body: text, - for the standard input, @FILE for a file. If it is missing, the standard
    /// input, unless that is a terminal
    pub(crate) body: Option<String>,
    /// A header
    #[arg(long = "header", value_name = "KEY=VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// The media type of the body, as an encoder would set it. The body is then read into memory
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
}

#[derive(Args)]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) to: To,
    #[command(flatten)]
    pub(crate) content: Content,
    /// Waits until receivers have read and verified it
    #[arg(long)]
    pub(crate) confirm: bool,
    /// How many receivers there are: with --confirm, no time is spent on waiting for more
    #[arg(long, value_name = "COUNT")]
    pub(crate) expect: Option<usize>,
}

#[derive(Args)]
pub(crate) struct Request {
    #[command(flatten)]
    pub(crate) to: To,
    #[command(flatten)]
    pub(crate) content: Content,
    /// The time up to the last byte of the reply; 0 for no limit
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    pub(crate) to: To,
    #[command(flatten)]
    pub(crate) content: Content,
    /// The time for all replies
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Ends after so many replies
    #[arg(long, value_name = "COUNT")]
    pub(crate) expect: Option<usize>,
    /// Ends when nothing was heard for so long
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(crate) silence: Duration,
}

#[derive(Args)]
pub(crate) struct Listen {
    #[command(flatten)]
    pub(crate) to: To,
    /// Ends after so many messages
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// Prints nothing but the body
    #[arg(long, conflicts_with = "json")]
    pub(crate) raw: bool,
}

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) to: To,
    /// Replies with the body of the request
    #[arg(long, required_unless_present = "exec", conflicts_with = "exec")]
    pub(crate) echo: bool,
    /// Runs a command for each message, without a shell: the body is its standard input, its
    /// standard output the reply, and an exit code other than 0 a failure
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "CMD ARG")]
    pub(crate) exec: Vec<String>,
    /// How many messages are handled at the same time
    #[arg(long, default_value_t = 1)]
    pub(crate) concurrency: usize,
    /// Ends after so many messages
    #[arg(long)]
    pub(crate) count: Option<u64>,
    /// Binds plainly, instead of as a member of the group
    #[arg(long)]
    pub(crate) plain: bool,
    /// The version that it describes itself with
    #[arg(long = "service-version")]
    pub(crate) version: Option<String>,
}

#[derive(Args)]
pub(crate) struct Put {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) to: To,
    /// A header
    #[arg(long = "header", value_name = "KEY=VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// How many receivers there are
    #[arg(long, value_name = "COUNT")]
    pub(crate) expect: Option<usize>,
}

#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) to: To,
    /// The file. It is not replaced if the body does not arrive as a whole
    pub(crate) file: PathBuf,
    /// A header
    #[arg(long = "header", value_name = "KEY=VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// The time up to the last byte; 0 for no limit
    #[arg(long, default_value = "0s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// How long each of the three measurements takes
    #[arg(long = "for", default_value = "3s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// The bytes of each message and request
    #[arg(long, default_value_t = 128)]
    pub(crate) size: usize,
    /// How many requests are under way at the same time
    #[arg(long, default_value_t = 1)]
    pub(crate) concurrency: usize,
}

#[derive(Args)]
pub(crate) struct Tap {
    /// The service; all if it is missing
    pub(crate) service: Option<String>,
    /// Shows each packet field by field
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Ends after so many packets
    #[arg(long)]
    pub(crate) count: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Completions {
    pub(crate) shell: clap_complete::Shell,
}
