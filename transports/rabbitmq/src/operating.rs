//! What an operator has to know. There is nothing to call here.
//!
//! # Names
//!
//! All that is published goes through one exchange of type `topic`, `conduit`, which is durable.
//!
//! | what | published with the key | bound to its queue with |
//! | --- | --- | --- |
//! | plain bindings of a subject | `<service>.s.1.0.<subject>` | `<service>.s.1.*.<subject>` |
//! | its group | `<service>.s.0.1.<subject>` | `<service>.s.*.1.<subject>` |
//! | both | `<service>.s.1.1.<subject>` | |
//! | an instance's inbox | `<service>.i.<instance>` | the same |
//! | all instances of a service | `<service>.c` | the same |
//! | instances that can be discovered | `directory` | the same |
//!
//! The queue of a group is `conduit.<service>.g.<subject>`: durable, so that a restart of the server leaves
//! it as it is, and deleted with its last consumer. All other subscriptions have exclusive queues,
//! `conduit.<service>.q.<id>`, with another id for each and for each connection. All are classic queues, and
//! hold 32 MiB; what comes then is dropped. A queue of a group that a restart has left without members
//! goes after a minute.
//!
//! In a [namespace](crate::RabbitMq::in_namespace) the exchange is `conduit-<namespace>`, and the names of
//! queues begin with that. A key or a name that would be longer than 255 bytes has `=` and SHA-256 of the
//! subject in place of the subject, and where that is not enough, of the namespace.
//!
//! # Permissions
//!
//! Everything that a service receives lies under its name. So `user-service` needs
//!
//! ```text
//! rabbitmqctl set_permissions user-service '^conduit\.user-service\.' \
//!   '^conduit$|^conduit\.user-service\.' '^conduit$|^conduit\.user-service\.'
//! rabbitmqctl set_topic_permissions user-service conduit '^[^.]+\.(s|i|c)' '^user-service\.'
//! ```
//!
//! where the first pattern of the second line is for sending. Where it may send to some services only, that
//! lists their names in place of `[^.]+`: for each that it sends to, and for each that asks it (for its
//! replies), and its own. The exchange has to be there, since such a user may not make it: any user who may,
//! such as an administrator, makes it by connecting once, or
//! `rabbitmqadmin declare exchange name=conduit type=topic durable=true` does. A conduit that can be
//! discovered, and one that looks for others, need `^directory$` besides, and the former
//! `^conduit\.=directory\.` in all three patterns of the first line. Without topic permissions, a user may
//! send to and hear everything in the exchange.
//!
//! The notice that a packet had no subscriber comes from the server itself, on the connection that sent
//! it: nobody else can make one.
//!
//! What is not permitted fails with `Denied`, and the error names the address: a `bind` always, and whatever
//! is sent to a service where it is the first thing sent to it on this connection, which waits for the
//! server's answer. Where a service is permitted and single subjects of it are not, the first message to such
//! a subject may be lost silently, and with it what is under way in that moment: the server closes the
//! channel. From then on sending there fails. Replies to a service that may ask but not be answered have a
//! channel of their own. Every violation is an event ([`RabbitMq::events`](crate::RabbitMq::events)) and an
//! error in the log. The server remembers for a connection what it has permitted: after a change,
//! `rabbitmqctl close_all_user_connections`.
//!
//! # Timeouts
//!
//! | what | how long | where it is set |
//! | --- | --- | --- |
//! | connecting to one server | 5 s | [`Options::timeout`](crate::Options::timeout) |
//! | noticing a server that says nothing any more | 10 s; heartbeats are asked for with 5 s | |
//! | between attempts to connect again | up to half a second | |
//! | a send without a connection, or to a server that takes nothing | 5 s | the conduit's `send_timeout` |
//! | the other side of an open body is silent | 10 s | `idle_limit`: 60 s where bodies are to outlive a restart of the server, which takes 10 s and more |
//! | a request | 30 s | `request_timeout` |
//! | closing, while the server does not answer | 5 s | |
//!
//! # Losing the server
//!
//! There are two connections: one publishes and one consumes. If one is lost, both are made again by
//! themselves, at the first of the servers that can be used. Meanwhile
//!
//! - bindings stay, and are in force again when it is back; nothing that is sent to them meanwhile
//!   arrives,
//! - a send waits for the connection up to the send timeout, then it is `Disconnected`, and nothing
//!   was sent. What was under way is never sent twice,
//! - a body that is open at both sides goes on where it was, if the connection is back within the idle
//!   limit,
//! - a request that is with its handler goes on, and its reply arrives if both sides are back by then.
//!
//! A member of a group that dies takes 16 packets with it at most, those that the server had sent to it.
//! They come to another member, marked as redelivered, and are dropped there: they may have been handled.
//!
//! A server that is short of memory or of disk space takes nothing that is published. That is a state of
//! its own, [`Blocked`](conduit::transport::ConnectionState::Blocked), and sends wait meanwhile.
//!
//! # Limits of the server
//!
//! | setting | what it means here |
//! | --- | --- |
//! | `channel_max` | 2,047 by default: each subscription has a channel. More need another connection, or a larger number |
//! | `frame_max` | 128 KiB are asked for; a smaller one works |
//! | `max_connections` | two a connection of this crate, which several conduits of a process may share by `RabbitMq::clone` |
//! | `consumer_timeout` | 30 minutes by default: a member of a group that takes nothing for so long is made again |
//! | policies | one that changes the length or the overflow of the queues above changes what is lost |
//!
//! A packet has at most 256 KiB.
//!
//! # Clusters
//!
//! Queues lie on one node, and are reached from all. When a node goes down, its queues are gone: members of
//! a group that are connected to it make them anew at another node, and those at other nodes do so when the
//! server cancels their consumers. A binding that was made at one node is in force at the others when the
//! call returns. A flush is confirmed by the nodes on which the queues lie.
//!
//! # What errors mean
//!
//! | error | at RabbitMQ it usually means | what to do |
//! | --- | --- | --- |
//! | `Disconnected` | no connection for the send timeout, or the server is `Blocked` | look at the server; sending again is safe unless `executed` says maybe |
//! | `Denied` | a permission, or a topic permission; the error names the address | permissions, above |
//! | `NoReceivers` | there is no subscriber | is the service running, and spelt like that? |
//! | `NoAnswer` | a subscriber does not answer an offer within the send timeout | it hangs, or may not publish to our inbox: look for `Denied` in its log |
//! | `Deadline` | the handler is slow, or the reply was lost with a connection | `executed` says whether it may have run |
//! | `Lost` | the other side has not been heard of for the idle limit | it crashed, or its network did |
//! | `Overloaded` | every receiver has its hands full | more instances, or larger limits |
//! | `Transport` | the server does not do what it was asked for; the error has its words | a queue or an exchange of the same name with other properties, or `channel_max` |
//!
//! # Logs
//!
//! What a conduit logs is listed in [`conduit::logging`]. With the target `conduit_rabbitmq`, a connection
//! logs its [events](crate::RabbitEvent), and at DEBUG `closed without the server's word on what was
//! published`. What comes again and again is logged once in 10 seconds; the next line says how many
//! there were before it. No secret is in any `Debug` output, error or log line.
