//! The bugs, each with the test that finds it.

const CALM: &str = "faults::all_is_well_without_faults";
const GAPS: &str = "faults::all_is_well_where_what_is_repeated_gets_lost";
const RELIABLE: &str = "faults::nobody_waits_for_those_who_stall_or_give_up";
const LEAVING: &str = "faults::an_instance_that_leaves_loses_no_work_of_its_group";
const LOSSY: &str = "faults::bodies_are_whole_or_fail_where_packets_are_lost_repeated_and_late";
const DAMAGING: &str = "faults::bodies_are_whole_or_fail_where_bytes_are_damaged";
const EVERYTHING: &str = "faults::bodies_are_whole_or_fail_where_everything_breaks";

/// Bodies or requests that get no further, now or when all has to work again.
const STUCK: &[&str] = &["it hangs", "where all has to succeed", "afterwards:"];
const TWO_MEMBERS: &[&str] = &["two members of the group got it"];

pub(super) struct Bug {
    pub(super) name: &'static str,
    pub(super) edits: &'static [Edit],
    pub(super) found_by: &'static str,
    /// What that test says. Which of these depends on the seed.
    pub(super) says: &'static [&'static str],
}

/// A change of one expression of the library.
pub(super) struct Edit {
    /// Below `core/src`.
    pub(super) file: &'static str,
    /// Text that the file has once, with the expression between `«` and `»`.
    pub(super) at: &'static str,
    /// What stands there instead.
    pub(super) instead: &'static str,
}

const fn edit(file: &'static str, at: &'static str, instead: &'static str) -> Edit {
    Edit { file, at, instead }
}

pub(super) const BUGS: &[Bug] = &[
    // A body is whole whatever its checksum.
    Bug {
        name: "SkipChecksum",
        edits: &[edit("proto/inbound/assembly.rs", "Some(«expected == self.checksum»)", "true")],
        found_by: DAMAGING,
        says: &["the bytes are wrong"],
    },
    // A receiver acknowledges what it was granted instead of what it has.
    Bug {
        name: "AckTooMuch",
        edits: &[edit(
            "proto/inbound/speaking.rs",
            "have: «self.body.have()»,\n                credit",
            "self.granted",
        )],
        found_by: CALM,
        says: STUCK,
    },
    // What a receiver lacks is not sent again.
    Bug {
        name: "ForgetRetransmit",
        edits: &[edit("proto/outbound/resumption.rs", "self.sent = «self.acked»;", "self.sent")],
        found_by: GAPS,
        says: STUCK,
    },
    // What some receiver has is let go, though another lacks it.
    Bug {
        name: "ReleaseUnacked",
        edits: &[edit(
            "proto/outbound/timers.rs",
            "active().map(«Peer::lacks»).min()",
            "(|peer: &Peer| peer.sent) as fn(&Peer) -> u64",
        )],
        found_by: GAPS,
        says: STUCK,
    },
    // A receiver grants nothing beyond its first credit.
    Bug {
        name: "LoseCredit",
        edits: &[edit(
            "proto/inbound/reading.rs",
            "if goal > self.granted && «worth_it» {",
            "false",
        )],
        found_by: CALM,
        says: STUCK,
    },
    // A receiver grants more than its conduit can hold.
    Bug {
        name: "IgnoreBudget",
        edits: &[edit(
            "proto/inbound/reading.rs",
            "let affordable = «budget.allowance(&self.claim)»;",
            "u64::MAX",
        )],
        found_by: RELIABLE,
        says: &["beyond its limits"],
    },
    // A body that was reset or stopped stays charged to the budget.
    Bug {
        name: "LeakBudget",
        edits: &[
            edit("proto/inbound/mod.rs", "«budget.close(&self.claim)»;", "()"),
            edit("proto/inbound/mod.rs", "«self.charge = 0»;", "()"),
            edit("proto/inbound/mod.rs", "«budget.end(&self.claim)»;", "()"),
        ],
        found_by: CALM,
        says: &["a leak"],
    },
    // A lost end is not said again.
    Bug {
        name: "ForgetEnd",
        edits: &[
            edit(
                "proto/outbound/transmit.rs",
                "(!peer.end_sent || «now >= peer.ping_at(limits)»)",
                "false",
            ),
            edit("proto/outbound/resumption.rs", "«self.end_sent = false»;", "()"),
            edit("proto/outbound/resumption.rs", "«!std::mem::take(&mut self.end_sent)»", "true"),
        ],
        found_by: GAPS,
        says: STUCK,
    },
    // A receiver that has every byte counts as done, before it has verified them.
    Bug {
        name: "CountUnverified",
        edits: &[edit("proto/outbound/answers.rs", "if «done» && self.ended", "true")],
        found_by: CALM,
        says: &["a wrong Ok"],
    },
    // A producer that fails looks like one that ends.
    Bug {
        name: "EndFailedProducer",
        edits: &[edit(
            "driver/streams/outbound.rs",
            "return «self.abort(reason)»;",
            "self.with(Outbound::finish)",
        )],
        found_by: RELIABLE,
        says: &["a wrong end", "though its producer failed"],
    },
    // A dead receiver is waited for.
    Bug {
        name: "WaitForTheDead",
        edits: &[
            edit(
                "proto/outbound/peer.rs",
                "Some(self.silence.ends_at(«limits.idle»))",
                "std::time::Duration::MAX",
            ),
            edit(
                "proto/outbound/resumption.rs",
                "if now >= self.silence.ends_at(«limits.idle»)",
                "std::time::Duration::MAX",
            ),
        ],
        found_by: EVERYTHING,
        says: &["it hangs", "a leak"],
    },
    // A receiver that holds up the others is waited for.
    Bug {
        name: "IgnoreLag",
        edits: &[edit(
            "proto/outbound/peer.rs",
            "«self.mark».map(|(_, since)| later(since, limits.lag))",
            "None",
        )],
        found_by: RELIABLE,
        says: &["was held up"],
    },
    // What goes to all goes to a receiver that was cut off too.
    Bug {
        name: "FloodTheCutOff",
        edits: &[edit(
            "proto/outbound/transmit.rs",
            "self.plain.is_open() || «self.peers.values().any(Peer::is_cut_off)»",
            "false",
        )],
        found_by: "edges::who_is_cut_off_gets_nothing_more",
        says: &["lie unread"],
    },
    // Nothing is remembered of a body that was received.
    Bug {
        name: "ForgetLastWord",
        edits: &[edit(
            "driver/streams/last_words.rs",
            "let until = «now + self.ground.config.idle_limit»;",
            "now",
        )],
        found_by: GAPS,
        says: &["(Lost, executed"],
    },
    // A handler starts before the sender has confirmed.
    Bug {
        name: "StartUnconfirmed",
        edits: &[edit(
            "driver/streams/inbound.rs",
            "(true, _) => «Readiness::Waiting»,",
            "Readiness::Ready",
        )],
        found_by: LOSSY,
        says: &["two members of the group got it", "ran, but", "ran twice", "but a handler ran"],
    },
    // A second member of the group is confirmed.
    Bug {
        name: "ConfirmTwoMembers",
        edits: &[edit(
            "proto/outbound/answers.rs",
            "Target::Group => «self.group.is_open()»,\n        };",
            "true",
        )],
        found_by: LOSSY,
        says: TWO_MEMBERS,
    },
    // Every queue binding of an instance gets what one of them should.
    Bug {
        name: "DeliverToAllMembers",
        edits: &[edit(
            "driver/deliver.rs",
            "«self.message_to(last, head, body)»;",
            "{
                // Each that took it goes to the end.
                for _ in 1..self.members.all().len() * usize::from(target == Target::Group) {
                    self.message_to(0, head.clone(), body.clone());
                }
                self.message_to(last, head, body)
            }",
        )],
        found_by: RELIABLE,
        says: TWO_MEMBERS,
    },
    // A message overtakes those that wait for a binding.
    Bug {
        name: "Overtake",
        edits: &[edit("proto/queue.rs", "let entry = «queue.pop_front()»?;", "queue.pop_back()")],
        found_by: LEAVING,
        says: &["it came out of order"],
    },
    // What is on the way is not limited: it waits in a slow link.
    Bug {
        name: "WindowUnbounded",
        edits: &[
            edit(
                "proto/paths/path.rs",
                "self.in_flight.saturating_add(length) <= «self.window.size()»",
                "u64::MAX",
            ),
            edit("proto/paths/path.rs", "in_flight > «self.window.size()»", "u64::MAX"),
        ],
        found_by: "slow_links::bodies_reach_a_receiver_behind_a_very_slow_link",
        says: &["the other side is gone"],
    },
    // A reply goes to an instance that did not ask.
    Bug {
        name: "ReplyToSibling",
        edits: &[edit("call/reply.rs", "get(&«replier.asker.inbox()»)", "shared.source.inbox()")],
        found_by: CALM,
        says: STUCK,
    },
    // An answer is given to whichever request waits first.
    Bug {
        name: "AnswerAnother",
        edits: &[edit(
            "driver/requests.rs",
            "«lock(&self.pending).get(&message).cloned()»",
            "lock(&self.pending).values().next().cloned()",
        )],
        found_by: RELIABLE,
        says: &["the bytes are wrong", "a wrong end", "no handler ran"],
    },
    // A receiver that dropped a body is said not to have been executed.
    Bug {
        name: "DenyExecution",
        edits: &[edit(
            "proto/outbound/outcome.rs",
            "Err(reason) => «reason.code.executed().max(Executed::Maybe)»,",
            "match reason.code {
                crate::proto::ReasonCode::Dropped => Executed::No,
                code => code.executed().max(Executed::Maybe),
            }",
        )],
        found_by: RELIABLE,
        says: &["but a handler ran", "ran, but"],
    },
    // Nobody is told that a producer has failed, only that something has.
    Bug {
        name: "LoseReason",
        edits: &[edit("error/kind.rs", "ReasonCode::BodyFailed => «K::BodyFailed»,", "K::Other")],
        found_by: RELIABLE,
        says: &["(Other, executed"],
    },
    // A request is handled though it was cancelled before it came.
    Bug {
        name: "ForgetCancellation",
        edits: &[edit("driver/serving.rs", "if «same.is_none()» {", "false")],
        found_by: "edges::a_request_that_comes_after_its_cancellation_is_not_handled",
        says: &["a cancelled request was handled"],
    },
    // A reader is not woken when there is something to read.
    Bug {
        name: "LoseWakeup",
        edits: &[edit(
            "driver/streams/inbound.rs",
            "let wanted = «machine.is_readable()»;",
            "false",
        )],
        found_by: CALM,
        says: STUCK,
    },
    // A reader that comes back now and then is not looked after.
    Bug {
        name: "LeaveUnread",
        edits: &[edit("driver/watch.rs", "if !waits && «was_at_end» {", "true")],
        found_by: "edges::a_reader_that_naps_leaves_little_unread",
        says: &["lie unread"],
    },
    // Any number of bytes may wait.
    Bug {
        name: "WaitUnbounded",
        edits: &[
            edit(
                "driver/ground.rs",
                "Arc::new(WaitingBytes::new(«config.waiting_bytes»))",
                "u64::MAX",
            ),
            edit(
                "driver/mailbox.rs",
                "Queue::new(config.waiting, «config.waiting_bytes_per_binding»)",
                "u64::MAX",
            ),
        ],
        found_by: "edges::what_waits_is_bounded_in_bytes",
        says: &["bytes wait"],
    },
    // What one sender does not confirm holds up all that came after it.
    Bug {
        name: "HoldUpOthers",
        edits: &[edit(
            "proto/queue.rs",
            "let Label { sender, bytes, request, offered } = «label»;",
            "Label { sender: InstanceId::from_bytes([0; InstanceId::LEN]), ..label }",
        )],
        found_by: "edges::a_silent_sender_holds_up_no_other",
        says: &["it was held up"],
    },
    // An offer is taken whatever its source holds already.
    Bug {
        name: "TakeItAll",
        edits: &[edit(
            "proto/budget/shares.rs",
            "«service.amount.saturating_add(instance.amount) <= free»\n",
            "true",
        )],
        found_by: "edges::one_peer_does_not_take_it_all",
        says: &["it was kept out"],
    },
    // A group that refuses speaks for the plain bindings beside it.
    Bug {
        name: "SpeakForOthers",
        edits: &[edit(
            "proto/asker/absent.rs",
            "if «self.no_plain_has_it()» { Executed::No } else { Executed::Maybe }",
            "true",
        )],
        found_by: "beside::a_group_that_refuses_says_nothing_of_a_bind",
        says: &["(Overloaded, No"],
    },
    // What a member gives back before its handler has started is not offered to another.
    Bug {
        name: "LoseGivenBack",
        edits: &[edit(
            "proto/outbound/peer.rs",
            "self.is_active() && self.target == Target::Group && «!self.started»",
            "false",
        )],
        found_by: LEAVING,
        says: &["its group did not get it"],
    },
];
