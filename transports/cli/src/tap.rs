//! Shows the packets on the wire.

use futures_lite::StreamExt;

use crate::{
    args::{Broker, Tap},
    asking::line,
    exit::Exit,
    show, until_interrupted,
    wire::Parts,
};

/// How much of a body a line shows.
const SHOWN: usize = 60;

pub(crate) async fn tap(broker: &Broker, args: &Tap) -> Result<(), Exit> {
    let root = broker.nats_root();
    let subject = match &args.service {
        Some(service) => format!("{root}.{service}.>"),
        None => format!("{root}.>"),
    };
    let client = broker.nats_client("tap").await?;
    let mut packets = client
        .subscribe(subject.clone())
        .await
        .map_err(|error| Exit::local(format!("{subject} cannot be subscribed: {error}")))?;
    client.flush().await.map_err(|error| Exit::local(error.to_string()))?;
    eprintln!(
        "While this listens on {subject}, the broker does not tell senders that nobody else does: \
         their requests to nobody end with NoAnswer instead of NoReceivers, and later."
    );
    let tapping = async {
        let mut left = args.count;
        while left != Some(0) {
            let Some(packet) = packets.next().await else {
                return Err(Exit::local("the connection has ended"));
            };
            show(&root, &packet.subject, &packet.payload, args.verbose)?;
            left = left.map(|left| left - 1);
        }
        Ok(())
    };
    until_interrupted(tapping).await
}

fn show(root: &str, subject: &str, packet: &[u8], is_verbose: bool) -> Result<(), Exit> {
    let to = subject.strip_prefix(root).unwrap_or(subject).trim_start_matches('.');
    let Some(parts) = Parts::of(packet) else {
        let what = if packet.is_empty() { "mark of a flush" } else { "no packet" };
        return show::print(&format!("{to} {what} ({} bytes)\n", packet.len()));
    };
    let fields: Vec<_> = parts.fields().collect();
    if is_verbose {
        show::print(&format!("{to} {} ({} bytes)\n", parts.name(), packet.len()))?;
        for (name, value) in fields {
            show::print(&format!("  {name:13} {value}\n"))?;
        }
        if !parts.body().is_empty() && parts.members().is_empty() {
            show::print(&format!("  {:13} {}\n", "body", line(parts.body())))?;
        }
    } else {
        let fields = fields.iter().map(|(name, value)| format!(" {name}={value}"));
        let fields: String = fields.collect();
        let body = match parts.body() {
            [] => String::new(),
            _ if !parts.members().is_empty() => format!(" {} packets", parts.members().len()),
            body if body.len() > SHOWN => format!(" body of {} bytes", body.len()),
            body => format!(" {}", line(body)),
        };
        show::print(&format!("{to} {}{fields}{body}\n", parts.name()))?;
    }
    parts.members().into_iter().try_for_each(|member| show(root, subject, member, is_verbose))
}
