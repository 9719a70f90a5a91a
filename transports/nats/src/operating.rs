//! What an operator has to know. There is nothing to call here.
//!
//! # Subjects
//!
//! | what | published to | subscribed as |
//! | --- | --- | --- |
//! | plain bindings of a subject | `conduit.<service>.s.1.0.<subject>` | `conduit.<service>.s.1.*.<subject>` |
//! | its queue group | `conduit.<service>.s.0.1.<subject>` | `conduit.<service>.s.*.1.<subject>`, queue `conduit` |
//! | both | `conduit.<service>.s.1.1.<subject>` | |
//! | an instance's inbox | `conduit.<service>.i.<instance>.p` | `conduit.<service>.*.<instance>.*` |
//! | notices that there is no subscriber | `conduit.<service>.n.<instance>.<token>`, by the server | with the inbox |
//! | marks of a flush, to itself | `conduit.<service>.f.<instance>-<mark>` | the same |
//! | all instances of a service | `conduit.<service>.c` | the same |
//! | those of all services that are discoverable | `conduit.directory` | the same |
//!
//! In a [namespace](crate::Nats::in_namespace) they begin with `conduit-<namespace>` instead of
//! `conduit`, and so do those in the permissions. A permission for `conduit.>` permits nothing there.
//!
//! # Permissions
//!
//! Everything that a service receives lies under its name. So `user-service` needs
//!
//! ```text
//! permissions {
//!   publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
//!   subscribe: "conduit.user-service.>"
//! }
//! ```
//!
//! and where it may send to some services only, its publish permission lists `conduit.<service>.>`
//! for each, for each service that asks it (for its replies), and for itself. Replies go to the
//! inbox of who asked as ordinary packets, so `allow_responses` is neither needed nor enough, and
//! `_INBOX.>` is not used. NATS' own reply subject is set on offers and requests alone, for the
//! server's notice that there is no subscriber (503, no responders). The server needs no permission to
//! send it. Everybody else is denied `conduit.*.n.>`, so that no receiver of a request can claim that
//! it had no receiver; without that rule, one can, until the first sign of life from a handler.
//!
//! An instance that is [discoverable](conduit::Builder::discoverable) also subscribes to
//! `conduit.directory`, and one that [the tools of NATS see](crate::Nats::as_nats_service) to `$SRV.>`,
//! with answers to `_INBOX.>`. Without these permissions it logs a warning and does without.
//!
//! What is not permitted fails with `Denied`, and the error names the subject: a `bind` always, and
//! whatever is sent to a service where it is the first thing sent to it on this connection (the
//! first waits for the server's word: some 0.1 ms, and on a busy connection up to 50 ms). Where a service is permitted and single subjects
//! of it are not, the first message to such a subject may be lost silently; from then on sending
//! there fails. The same holds for the replies to a service that may ask but not be answered, where
//! many such begin within a second. Every violation is an event ([`Nats::events`](crate::Nats::events)) and an error in
//! the log. A client that was handed in tells of none: there it all looks like a missing answer.
//!
//! # Connecting
//!
//! [`Nats::connect`](crate::Nats::connect) takes one URL or several, with a user and a password, or a
//! token, in them. Everything else is an option of async-nats:
//!
//! | what | how |
//! | --- | --- |
//! | user and password, token | `Nats::options().user_and_password(..)`, `.token(..)` |
//! | nkey | `.nkey(seed)` |
//! | credentials file (JWT) | `.credentials(&std::fs::read_to_string(path)?)?` |
//! | a private authority | `.add_root_certificates(path)`, and a `tls://` URL or `.require_tls(true)` |
//! | a client certificate | `.add_client_certificate(certificate, key)` |
//! | a name, for the server's `/connz` | `.name("billing-1")` |
//!
//! No secret is in any `Debug` output, error or log line. A connection that cannot be made fails with
//! a [`ConnectError`](crate::ConnectError) whose kind says why, within five seconds for each address.
//!
//! # Timeouts
//!
//! | what | how long | where it is set |
//! | --- | --- | --- |
//! | connecting to one address | 5 s | `Nats::options().connection_timeout(..)` |
//! | noticing a server that says nothing any more | 20 to 30 s | `.ping_interval(..)`, 10 s: the third ping without an answer ends the connection |
//! | between attempts to connect again | up to half a second | `.reconnect_delay_callback(..)` |
//! | a send without a connection, an answer to an offer | 5 s | the conduit's `send_timeout` |
//! | the other side of an open body is silent | 10 s | `idle_limit` |
//! | a request | 30 s | `request_timeout` |
//! | closing, while the server does not answer | 5 s | |
//!
//! # Losing the server
//!
//! A lost connection is made again by itself, at the same server or at any other that the servers
//! have told of, after pauses that grow to half a second. Meanwhile
//!
//! - bindings stay, and are in force again when it is back; nothing that is sent to them meanwhile
//!   arrives,
//! - a send waits for the connection up to the send timeout (5 s), then it is `Disconnected`, and
//!   nothing was sent,
//! - a body that is open at both sides goes on where it was, if the connection is back within the idle
//!   limit (10 s),
//! - a request that is with its handler goes on, and its reply arrives if both sides are back by then.
//!   A reply that was under way when the connection broke is lost, and the request ends with
//!   `Deadline`, executed maybe.
//!
//! A connection that has ended for good closes its conduit: `max_reconnects` attempts have failed (they
//! are not limited by default), the client was drained, or the runtime that it runs in is gone.
//!
//! [`Conduit::connection_changes`](conduit::Conduit::connection_changes) shows each of these states
//! once: `Connected`, `Disconnected`, `Reconnecting` where an attempt to connect again has failed, and
//! `Connected`. [`Conduit::ready`](conduit::Conduit::ready) asks the server, for a check of readiness.
//!
//! A server in lame duck mode ends its connections one after the other, so that its clients do not all
//! come to the next one at once. [`Nats::events`](crate::Nats::events) tells of each of these; all are in the log too, of
//! `conduit_nats`:
//!
//! | event | level | what to do |
//! | --- | --- | --- |
//! | `Connected` | info | |
//! | `Disconnected` | warn | look at the server, if it lasts |
//! | `ConnectFailed` | warn | the text says why; after a change of passwords it is here that it shows |
//! | `LameDuck` | warn | nothing |
//! | `SlowConsumer` | warn | packets were dropped in this process: it has too little CPU, or a runtime thread is blocked |
//! | `Denied` | error | permissions: the text names the subject |
//! | `ServerError` | error | the text is the server's |
//! | `Closed` | debug | |
//!
//! # Clusters
//!
//! Servers of a cluster tell each other who is interested in what. So when `bind` has returned, what
//! is sent through the same server arrives; what is sent through another one may be lost for some
//! milliseconds more, and a request there may end with `NoReceivers`. The same holds for a moment
//! after a client has moved to another server. Programs that start together should ask again on
//! `NoReceivers`.
//!
//! # Limits of the server
//!
//! | setting | what it means here |
//! | --- | --- |
//! | `max_payload` | at least 16 KiB, or the connection is refused. Where it is less than 28 KiB, chunks are smaller than 16 KiB. Servers of one cluster should have the same: a message of one packet that waits while a conduit moves to a server that takes less fails with `TooLarge`, and one that the client had taken already makes that server end the connection once |
//! | `max_subscriptions` | each subject that an instance binds takes one for its `bind`s and one for its queue bindings; two more are the instance's own, and one is for a flush |
//! | `max_pending` | 64 MiB by default. A client that is so far behind is disconnected, and connects again. Open bodies cannot get there (48 MiB a conduit), small messages can |
//! | `max_connections` | one a connection, which several conduits of a process may share by `Nats::clone` |
//!
//! # Losses
//!
//! NATS delivers at most once. Small one-way messages may be lost where a connection breaks or a
//! buffer is full, and each place counts:
//!
//! - `Binding::lost`: the binding was full, its handler is too slow.
//! - `Binding::missed`: lost on the way here, seen when a later message of the same sender comes.
//! - [`SlowConsumer`](crate::NatsEvent::SlowConsumer): the client's subscription was full.
//! - `slow_consumers` in the server's `/varz`: the client took nothing for too long.
//!
//! # Logs
//!
//! What a conduit logs is listed in [`conduit::logging`]. With the target `conduit_nats`, a connection
//! logs its [events](crate::NatsEvent), and three things besides:
//!
//! | level | message |
//! | --- | --- |
//! | INFO | connected to NATS |
//! | WARN | the connection to NATS is lost |
//! | WARN | connecting to NATS failed |
//! | WARN | the NATS server is about to shut down |
//! | WARN | a subscription is full and drops packets |
//! | ERROR | the NATS server does not permit it |
//! | ERROR | the NATS server reports an error |
//! | WARN | the tools of NATS do not see this conduit: $SRV.> cannot be subscribed |
//! | DEBUG | the connection to NATS is closed |
//! | DEBUG | closed without the broker's word on what was published |
//! | DEBUG | ignored what is no packet |
//!
//! What comes again and again (a failed attempt to connect, a full subscription, what is not permitted,
//! another error) is logged once in 10 seconds; the next line says how many there were before it, in
//! words and in the field `more`. A line has less than 2 KiB, and no control characters.
//!
//! # What errors mean
//!
//! | error | at NATS it usually means | what to do |
//! | --- | --- | --- |
//! | `Disconnected` | no connection for the send timeout | look at the server; sending again is safe unless `executed` says maybe |
//! | `Denied` | a permission, or `max_subscriptions`; the error names the subject | permissions, above |
//! | `NoReceivers` | there is no subscriber | is the service running, and spelt like that? In a cluster, ask again a moment later |
//! | `NoAnswer` | a subscriber does not answer an offer within the send timeout | a wire tap (a subscription to `conduit.>`) hides that nobody else is; else the receiver hangs, or may not publish to our inbox: look for `Denied` in its log |
//! | `Deadline` | the handler is slow, or the reply was lost with a connection | `executed` says whether it may have run |
//! | `Lost` | the other side has not been heard of for the idle limit | it crashed, or its network did |
//! | `TooLarge` | a packet is above `max_payload` | a server takes less than 16 KiB, or less than the one before |
//! | `Overloaded` | every receiver has its hands full | more instances, or larger limits |
//! | `Transport` | the client cannot be used; the cause says why | `no_echo` is set, or `max_payload` is too small |
