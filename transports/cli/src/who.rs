//! Which services there are, and how they are.

use std::collections::{BTreeMap, BTreeSet};

use conduit::{BindingCounts, BoundAs, Conduit, ConduitState, Describing, InstanceInfo};

use crate::{
    args::{Broker, Of, Ping, Services, Show, Stats},
    broker::Raw,
    exit::Exit,
    show::{self, Table},
    until_interrupted,
};

const NOBODY: &str = "Is it running, in this namespace? `conduit services` lists those that are \
                      discoverable; one that was built with `describes(false)` stays silent.";

pub(crate) async fn services(broker: &Broker, show: &Show, args: &Services) -> Result<(), Exit> {
    let all = asked(broker, |conduit| conduit.services().brief().wait(args.wait.wait)).await?;
    let mut services = BTreeMap::<_, Vec<_>>::new();
    for info in &all {
        services.entry(info.service.as_str()).or_default().push(info);
    }
    if show.json {
        return services.iter().try_for_each(|(service, instances)| {
            show::json(&serde_json::json!({ "service": service, "instances": instances }))
        });
    }
    let mut table = Table::new(&["SERVICE", ">INSTANCES", "VERSION", "STATE", "DESCRIPTION"]);
    for (service, instances) in services {
        let versions = each(&instances, |info| info.version.clone());
        let states = each(&instances, |info| Some(state(info).to_owned()));
        let descriptions = each(&instances, |info| info.description.clone());
        let count = instances.len().to_string();
        table.row([service.to_owned(), count, versions, states, descriptions]);
    }
    table.print()?;
    if all.is_empty() {
        eprintln!("No service is discoverable: `conduit info SERVICE` asks one by its name.");
    }
    Ok(())
}

/// What some instances say, each once.
fn each(instances: &[&InstanceInfo], of: impl Fn(&InstanceInfo) -> Option<String>) -> String {
    let all: BTreeSet<_> = instances.iter().filter_map(|info| of(info)).collect();
    let all: Vec<_> = all.into_iter().collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

pub(crate) async fn info(broker: &Broker, show: &Show, args: &Of) -> Result<(), Exit> {
    let all = instances(broker, args).await?;
    if show.json {
        return all.iter().try_for_each(show::json);
    }
    for (at, info) in all.iter().enumerate() {
        let gap = if at == 0 { "" } else { "\n" };
        show::print(&format!("{gap}{} {}\n", info.service, info.instance))?;
        let mut about = vec![
            ("state", format!("{} for {}", state(info), show::age(info.uptime_ms))),
            ("runs on", format!("{}, {}, {}", info.runtime, info.transport, info.content_type)),
        ];
        about.extend(info.version.clone().map(|version| ("version", version)));
        about.extend(info.description.clone().map(|text| ("description", text)));
        let changed = info.limits.iter().map(|(name, value)| format!("{name}={value}"));
        about.push(("limits", changed.collect::<Vec<_>>().join(" ")));
        for (name, value) in about {
            show::print(&format!("  {name:12}{value}\n"))?;
        }
        let mut table = Table::new(&["  SUBJECT", "KIND", ">CONCURRENCY", "TAKES", "REPLIES"]);
        for binding in &info.bindings {
            let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
            table.row([
                format!("  {}", binding.subject),
                kind(binding.kind).to_owned(),
                binding.concurrency.to_string(),
                name(&binding.takes),
                name(&binding.replies),
            ]);
        }
        table.print()?;
        if info.more_bindings > 0 {
            show::print(&format!("  and {} more\n", info.more_bindings))?;
        }
    }
    Ok(())
}

pub(crate) async fn stats(broker: &Broker, show: &Show, args: &Stats) -> Result<(), Exit> {
    let conduit = broker.asker(None).await?;
    let mut rounds = if args.watch { args.count } else { Some(1) };
    let watching = async {
        while rounds != Some(0) {
            let all = conduit.instances(&*args.of.service).wait(args.of.wait.wait).await?;
            some(&args.of.service, &all)?;
            show_stats(show, &all)?;
            rounds = rounds.map(|rounds| rounds - 1);
            if rounds != Some(0) {
                tokio::time::sleep(args.every).await;
            }
        }
        Ok(())
    };
    let watched = until_interrupted(watching).await;
    conduit.close().await;
    watched
}

fn show_stats(show: &Show, all: &[InstanceInfo]) -> Result<(), Exit> {
    if show.json {
        return all.iter().try_for_each(show::json);
    }
    let mut table = Table::new(&[
        "INSTANCE",
        "STATE",
        "SUBJECT",
        "KIND",
        ">MESSAGES",
        ">HANDLED",
        ">ERRORS",
        ">RUNNING",
        ">WAITING",
        ">LOST",
        ">MISSED",
        ">REFUSED",
        ">BYTES",
        ">AVERAGE",
        ">LONGEST",
        "FAILED",
    ]);
    for info in all {
        let instance = short(info);
        for binding in &info.bindings {
            let row = counts(&binding.counts);
            let (subject, kind) = (binding.subject.to_string(), kind(binding.kind).to_owned());
            let begin = [instance.clone(), state(info).to_owned(), subject, kind];
            table.row(begin.into_iter().chain(row));
        }
        if info.bindings.len() != 1 {
            let begin = [instance.clone(), state(info).to_owned(), "all".into(), "-".into()];
            table.row(begin.into_iter().chain(counts(&info.total)));
        }
    }
    table.print()
}

fn counts(counts: &BindingCounts) -> impl Iterator<Item = String> + use<> {
    let BindingCounts { messages, handled, errors, in_flight, waiting, .. } = *counts;
    let BindingCounts { lost, missed, refused, bytes, requests, time_us, longest_us, .. } = *counts;
    let numbers = [messages, handled, errors, in_flight, waiting, lost, missed, refused];
    let average = time_us.checked_div(requests).map_or_else(|| "-".to_owned(), show::micros);
    let longest = if requests == 0 { "-".to_owned() } else { show::micros(longest_us) };
    let failed = counts.failed.iter().map(|(kind, count)| format!("{kind} {count}"));
    let failed: Vec<_> = failed.collect();
    let failed = if failed.is_empty() { "-".to_owned() } else { failed.join(", ") };
    let numbers = numbers.map(|number| number.to_string()).into_iter();
    numbers.chain([show::bytes(bytes), average, longest, failed])
}

pub(crate) async fn ping(broker: &Broker, show: &Show, args: &Ping) -> Result<(), Exit> {
    let wait = args.wait.wait;
    let all = match &args.service {
        Some(service) => {
            let all = asked(broker, |conduit| conduit.instances(&**service).brief().wait(wait));
            let all = all.await?;
            some(service, &all)?;
            all
        }
        None => asked(broker, |conduit| conduit.services().brief().wait(wait)).await?,
    };
    if all.is_empty() {
        return Err(Exit::nobody("no service is discoverable", NOBODY));
    }
    let mut table = Table::new(&["SERVICE", "INSTANCE", "STATE", ">ROUND TRIP"]);
    for info in &all {
        if show.json {
            let InstanceInfo { service, instance, state, round_trip_us, .. } = info;
            show::json(&serde_json::json!({
                "service": service,
                "instance": instance,
                "state": state,
                "round_trip_us": round_trip_us,
            }))?;
        }
        let (service, instance) = (info.service.to_string(), info.instance.to_string());
        let trip = show::micros(info.round_trip_us.unwrap_or_default());
        table.row([service, instance, state(info).to_owned(), trip]);
    }
    if show.json { Ok(()) } else { table.print() }
}

async fn instances(broker: &Broker, of: &Of) -> Result<Vec<InstanceInfo>, Exit> {
    let all = asked(broker, |conduit| conduit.instances(&*of.service).wait(of.wait.wait)).await?;
    some(&of.service, &all)?;
    Ok(all)
}

fn some(service: &str, all: &[InstanceInfo]) -> Result<(), Exit> {
    if all.is_empty() {
        return Err(Exit::nobody(format!("no instance of {service:?} answered"), NOBODY));
    }
    Ok(())
}

async fn asked(
    broker: &Broker,
    ask: impl FnOnce(&Conduit<Raw>) -> Describing,
) -> Result<Vec<InstanceInfo>, Exit> {
    let conduit = broker.asker(None).await?;
    let answers = async { Ok(ask(&conduit).await?) };
    let answers = until_interrupted(answers).await;
    conduit.close().await;
    answers
}

/// The beginning of an id, which is enough to tell some instances apart.
fn short(info: &InstanceInfo) -> String {
    info.instance.to_string().chars().take(8).collect()
}

fn state(info: &InstanceInfo) -> &'static str {
    match info.state {
        ConduitState::Running => "running",
        ConduitState::Draining => "draining",
        ConduitState::Closing => "closing",
        _ => "closed",
    }
}

fn kind(kind: BoundAs) -> &'static str {
    match kind {
        BoundAs::Bind => "bind",
        BoundAs::BindOnce => "bind_once",
        BoundAs::QueueBind => "queue_bind",
        _ => "?",
    }
}
