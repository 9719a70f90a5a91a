//! What an operator has to know. There is nothing to call here.
//!
//! # Channels and keys
//!
//! Channels are those of sharded pub/sub (`SPUBLISH`, `SSUBSCRIBE`), of a single server too.
//!
//! | what | channel or key |
//! | --- | --- |
//! | plain bindings of a subject | channel `conduit.{<service>}.s.p.<subject>` |
//! | a member of its group | channel `conduit.{<service>}.s.g.<subject>.<member>` |
//! | the group: members by turn | key `conduit.{<service>}.t.<subject>`, a sorted set |
//! | the group: when members were last seen | key `conduit.{<service>}.m.<subject>`, a sorted set |
//! | an instance's inbox | channel `conduit.{<service>}.i.<instance>` |
//! | all instances of a service | channel `conduit.{<service>}.c` |
//! | instances that can be discovered | channel `conduit.directory` |
//!
//! In a [namespace](crate::Redis::in_namespace) they begin with `conduit-<namespace>` instead of
//! `conduit`, and so do those in the permissions.
//!
//! A message to a group goes to the member that has had the fewest: a script of the server's
//! publishes it, and tries the next where there is no subscriber. Members note every 2 seconds that they are
//! there, and are skipped after 6 seconds without it, which is how a host that vanished is noticed
//! before its connection is. The keys expire a minute after the last member has left, and hold
//! nothing else: what flushes them costs 2 seconds at most, in which a group seems to be empty.
//!
//! # Permissions
//!
//! Everything that a service receives lies under its name. So `user-service` needs
//!
//! ```text
//! ACL SETUSER user-service on >secret resetkeys resetchannels -@all
//!   +hello +auth +ping +script|load +evalsha +time +ssubscribe +sunsubscribe +spublish
//!   +zrange +zscore +zincrby +zrem +zadd +zremrangebyscore +expire
//!   ~conduit.{user-service}.* &conduit.{user-service}.*
//!   (+spublish +evalsha +time +zrange +zscore +zincrby +zrem ~conduit.{*}.t.* %R~conduit.{*}.m.*
//!    &conduit.{*}.s.* &conduit.{*}.i.* &conduit.{*}.c)
//! ```
//!
//! where the part in parentheses, a selector, is for sending: it has no `+ssubscribe`, so that one
//! service hears nothing of another. Where it may send to some services only, the selector lists
//! their names in place of `{*}`: for each that it sends to, and for each that asks it (for its
//! replies). A conduit that can be discovered, and one that looks for others, need `&conduit.directory`
//! besides. In a [cluster](#clusters), each also needs `+cluster|slots`, and the rules are those of every
//! server. Without ACLs, as without permissions anywhere, everybody may do everything.
//!
//! A sender has to write to the turns of a group. It can remove members from them, who come back
//! within 2 seconds, and change whose turn it is. It cannot read what others send, take part in the
//! group, or make a member seem alive.
//!
//! What is not permitted fails with `Denied`, and the error names the channel or key: a `bind` always,
//! and whatever is sent to a service where it is the first thing sent to it on this connection, which
//! waits for the server's answer. Where a service is permitted and single subjects of it are not, the
//! first message to such a subject may be lost silently; from then on sending there fails. The same
//! holds for the replies to a service that may ask but not be answered, where many such begin within
//! a second. Every violation is an event ([`Redis::events`](crate::Redis::events)) and an error in the
//! log.
//!
//! # Timeouts
//!
//! | what | how long | where it is set |
//! | --- | --- | --- |
//! | connecting to one server | 5 s | [`Options::timeout`](crate::Options::timeout) |
//! | noticing a server that says nothing any more | 15 s | |
//! | between attempts to connect again | up to half a second | |
//! | between questions where the slots of a cluster are, while that is not settled | 0.25 s | |
//! | a member of a group that says nothing any more is skipped | 6 s | |
//! | a send without a connection, an answer to an offer | 5 s | the conduit's `send_timeout` |
//! | the other side of an open body is silent | 10 s | `idle_limit` |
//! | a request | 30 s | `request_timeout` |
//! | closing, while the server does not answer | 5 s | |
//!
//! # Losing the server
//!
//! A lost connection is made again by itself, at the first of the servers that can be used. Meanwhile
//!
//! - bindings stay, and are in force again when it is back; nothing that is sent to them meanwhile
//!   arrives,
//! - a send waits for the connection up to the send timeout, then it is `Disconnected`, and nothing
//!   was sent. What was under way is never sent twice,
//! - a body that is open at both sides goes on where it was, if the connection is back within the idle
//!   limit,
//! - a request that is with its handler goes on, and its reply arrives if both sides are back by then.
//!
//! # Limits of the server
//!
//! | setting | what it means here |
//! | --- | --- |
//! | `client-output-buffer-limit pubsub` | 32 MiB, or 8 MiB for 60 s, by default. A client that is so far behind is disconnected, and connects again. Open bodies cannot get there: those of all conduits on one connection have 6 MiB together ([`Options::body_budget`](crate::Options::body_budget)). Small messages can |
//! | `maxmemory` | scripts write to the sorted sets of groups. At the limit they fail, and what is sent to a group is lost; an eviction policy may remove the sets, which costs 2 seconds as above |
//! | `maxclients` | one a connection (to each primary that is needed), which several conduits of a process may share by `Redis::clone` |
//! | databases | channels are the same in all, and keys lie in database 0 |
//! | `SCRIPT FLUSH` | the scripts are loaded again at once. What was sent to a group in that moment is lost, and its sender is told that it was not delivered |
//!
//! A packet has at most 1 MiB.
//!
//! # Replicas
//!
//! Packets are not stored, so there is nothing to replicate. A replica is refused, since what is
//! published there stays there. Where another server takes over, list both in
//! [`Redis::connect_with`](crate::Redis::connect_with), or give the URLs of the sentinels and the name of
//! the [`primary`](crate::Options::primary).
//!
//! # Clusters
//!
//! A server that is of a cluster is asked where the primaries are; any one of it will do in the URL, a
//! replica too, and several are better, in case one is away. All that is of one service is in the slot of
//! its name, so one primary does the work of a service, and several services share it out. A connection to
//! each primary that is needed is opened when it is: to that of the own service, and to those of the
//! services that are sent to or answered. Each has a thread of its own. Replicas are not used.
//!
//! - Clients connect to what `CLUSTER SLOTS` lists: `cluster-announce-ip`, `cluster-announce-port`, or, with
//!   `cluster-preferred-endpoint-type hostname`, `cluster-announce-hostname`. With TLS these have to be what
//!   certificates are for. A server that says no host is where the server that was asked is.
//! - When a primary is lost, everything goes on once its replica has taken its place, which takes the
//!   cluster `cluster-node-timeout` (15 s by default) and a second or two. For bodies to survive it, set
//!   `idle_limit` above that. Meanwhile what is sent to services there waits as without a connection; with
//!   `cluster-require-full-coverage`, the other primaries may refuse for a moment, which is told as
//!   `NoReceivers`, and no handler has run.
//! - When a slot moves, its subscriptions are made again where it is then. What is sent meanwhile is lost,
//!   or told as `NoReceivers`. While its keys are on the way (`ASK`, `TRYAGAIN`), its groups seem to be
//!   empty: what the server refuses is not executed, and not sent again.
//! - A primary that hands over to its replica (`CLUSTER FAILOVER`) holds what it gets meanwhile, and passes
//!   it on behind. That may come after what was sent next; otherwise the order holds.
//! - The [events](crate::RedisEvent) and the state of the connection are those of all connections
//!   together: connected means that none is missing.
//!
//! # What errors mean
//!
//! | error | at Redis it usually means | what to do |
//! | --- | --- | --- |
//! | `Disconnected` | no connection for the send timeout | look at the server; sending again is safe unless `executed` says maybe |
//! | `Denied` | an ACL; the error names the channel or key | permissions, above |
//! | `NoReceivers` | there is no subscriber, or a group's keys were flushed less than 2 s ago | is the service running, and spelt like that? |
//! | `NoAnswer` | a subscriber does not answer an offer within the send timeout | it hangs, or may not publish to our inbox: look for `Denied` in its log |
//! | `Deadline` | the handler is slow, or the reply was lost with a connection | `executed` says whether it may have run |
//! | `Lost` | the other side has not been heard of for the idle limit | it crashed, or its network did |
//! | `Overloaded` | every receiver has its hands full | more instances, or larger limits |
//!
//! # Logs
//!
//! What a conduit logs is listed in [`conduit::logging`]. With the target `conduit_redis`, a connection
//! logs its [events](crate::RedisEvent), and at DEBUG `closed without the server's word on what was
//! published`. What comes again and again is logged once in 10 seconds; the next line says how many
//! there were before it. No secret is in any `Debug` output, error or log line.
