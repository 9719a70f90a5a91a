//! The oracle bites: whatever bug is planted in the library, a test of the simulation finds it.
//!
//! `--cfg conduit_planted` makes a build that has them, and `CONDUIT_PLANTED` names the one that is
//! there: see `core/src/plant.rs`.

/// Prints the names of all bugs, for the tests below, which are in a build without them.
#[cfg(conduit_planted)]
#[test]
fn print_bugs() {
    println!("bugs: {}", conduit::BUGS.join(" "));
}

#[cfg(not(conduit_planted))]
mod outside {
    use std::{
        env,
        path::Path,
        process::{Command, Output},
        sync::Mutex,
        thread,
    };

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

    /// Each bug, the test that finds it, and what that may say: which of it depends on the seed.
    const FINDINGS: [(&str, &str, &[&str]); 29] = [
        ("SkipChecksum", DAMAGING, &["the bytes are wrong"]),
        ("AckTooMuch", CALM, STUCK),
        ("ForgetRetransmit", GAPS, STUCK),
        ("ReleaseUnacked", GAPS, STUCK),
        ("LoseCredit", CALM, STUCK),
        ("IgnoreBudget", RELIABLE, &["beyond its limits"]),
        ("LeakBudget", CALM, &["a leak"]),
        ("ForgetEnd", GAPS, STUCK),
        ("CountUnverified", CALM, &["a wrong Ok"]),
        ("EndFailedSource", RELIABLE, &["a wrong end", "though its source failed"]),
        ("WaitForTheDead", EVERYTHING, &["it hangs", "a leak"]),
        ("IgnoreLag", RELIABLE, &["was held up"]),
        ("ForgetTombstone", GAPS, &["(Lost, executed"]),
        (
            "StartUnconfirmed",
            LOSSY,
            &["two members of the group got it", "ran, but", "ran twice", "but a handler ran"],
        ),
        ("ConfirmTwoMembers", LOSSY, TWO_MEMBERS),
        ("DeliverToAllMembers", RELIABLE, TWO_MEMBERS),
        ("Overtake", RELIABLE, &["it came out of order"]),
        ("ReplyToSibling", CALM, STUCK),
        ("AnswerAnother", RELIABLE, &["the bytes are wrong", "a wrong end", "no handler ran"]),
        ("DenyExecution", RELIABLE, &["but a handler ran", "ran, but"]),
        ("LoseReason", RELIABLE, &["(Other, executed"]),
        (
            "ForgetCancellation",
            "edges::a_request_that_comes_after_its_cancellation_is_not_handled",
            &["a cancelled request was handled"],
        ),
        ("LoseWakeup", CALM, STUCK),
        ("LeaveUnread", "edges::a_reader_that_naps_leaves_little_unread", &["lie unread"]),
        ("WaitUnbounded", "edges::what_waits_is_bounded_in_bytes", &["bytes wait"]),
        ("HoldUpOthers", "edges::a_silent_sender_holds_up_no_other", &["it was held up"]),
        ("TakeItAll", "edges::one_peer_does_not_take_it_all", &["it was kept out"]),
        (
            "SpeakForOthers",
            "beside::a_group_that_refuses_says_nothing_of_a_bind",
            &["(Overloaded, No"],
        ),
        ("LoseGivenBack", LEAVING, &["its group did not get it"]),
    ];

    /// Runs tests of the build with the bugs, with one of them or none.
    fn run(bug: Option<&str>, seeds: u32, tests: &[&str]) -> Output {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "-p", "conduit-sim", "--test", "library", "--target-dir"]);
        // Beside the other builds, so that it neither waits for them nor replaces them.
        command.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted"));
        command.args(["--", "--show-output", "--exact"]).args(tests);
        command.env("RUSTFLAGS", "--cfg conduit_planted").env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env("CONDUIT_SIM_SEEDS", seeds.to_string()).env_remove("CONDUIT_SIM_SEED");
        if let Some(bug) = bug {
            command.env("CONDUIT_PLANTED", bug);
        }
        command.output().expect("Cargo can be run")
    }

    fn text(output: &Output) -> String {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        text(&output.stdout) + &text(&output.stderr)
    }

    /// What is wrong with the way in which a bug was found, if something is.
    fn miss(bug: &str, test: &str, says: &[&str]) -> Option<String> {
        let output = run(Some(bug), 2_000, &[test]);
        let text = text(&output);
        let found = !output.status.success()
            && text.contains(&format!("{test} ... FAILED"))
            && (!test.starts_with("faults::")
                || text.contains("to run it again: CONDUIT_SIM_SEED="))
            && says.iter().any(|says| text.contains(says));
        (!found).then(|| format!("{bug}: {test} says none of {says:?}, but:\n{text}"))
    }

    #[test]
    fn every_planted_bug_is_found() {
        let listed = text(&run(None, 1, &["planted::print_bugs"]));
        let (_, bugs) = listed.split_once("bugs: ").expect(&listed);
        let bugs: Vec<_> = bugs.lines().next().unwrap_or_default().split_whitespace().collect();
        assert_eq!(bugs, FINDINGS.map(|(bug, ..)| bug), "all bugs of the library, in its order");

        let mut tests: Vec<_> = FINDINGS.iter().map(|(_, test, _)| *test).collect();
        tests.sort_unstable();
        tests.dedup();
        let sound = run(None, 20, &tests);
        assert!(sound.status.success(), "without a bug: {}", text(&sound));

        let (left, missed) = (Mutex::new(FINDINGS.iter()), Mutex::new(Vec::new()));
        let take = || left.lock().expect("no panic").next();
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some((bug, test, says)) = take() {
                        missed.lock().expect("no panic").extend(miss(bug, test, says));
                    }
                });
            }
        });
        let missed = missed.into_inner().expect("no panic");
        assert!(missed.is_empty(), "{}", missed.join("\n"));
    }
}
