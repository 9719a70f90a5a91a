//! Files of any size, with bounded memory, while the server restarts.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    process::ChildStdout,
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use sha2::{Digest, Sha256};

use crate::{
    Server,
    running::{Run, conduit},
};

const LONG: u64 = 256 << 20;
const LONGER: u64 = 1 << 30;
/// In KiB.
const MOST_MEMORY: u64 = 64 << 10;

/// Makes a file that differs from place to place.
fn make(path: &Path, length: u64) {
    let mut file = File::create(path).expect("a file");
    file.set_len(length).expect("there is room");
    for number in 0..1000 {
        file.seek(SeekFrom::Start(number * (length / 1000))).expect("a place");
        file.write_all(&number.to_le_bytes()).expect("there is room");
    }
}

fn sha256(path: &Path) -> String {
    let (mut file, mut hash) = (File::open(path).expect("a file"), Sha256::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).expect("it can be read") {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a run prints.
struct Printed {
    begun: Receiver<()>,
    hashing: JoinHandle<(String, u64)>,
}

impl Printed {
    /// Hashes so many bytes of what a run prints, and counts all.
    fn read(mut out: ChildStdout, length: u64) -> Self {
        let (sender, begun) = channel();
        let hashing = thread::spawn(move || {
            let (mut hash, mut read_so_far, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
            loop {
                let read = out.read(&mut buffer).expect("it can be read");
                if read == 0 {
                    break;
                }
                let data = length.saturating_sub(read_so_far).min(read as u64);
                hash.update(&buffer[..usize::try_from(data).expect("it is short")]);
                read_so_far += read as u64;
                // Nobody listens after the first one.
                let _ = sender.send(());
            }
            (hex(hash), read_so_far)
        });
        Self { begun, hashing }
    }

    /// Waits for the first of it.
    fn begins(&self) {
        self.begun.recv().expect("it is under way");
    }

    /// Returns the hash, and how much there was in all.
    fn ends(self) -> (String, u64) {
        self.hashing.join().expect("it does not panic")
    }
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.map(|name| name.into_string().expect("it is UTF-8")).collect()
}

/// The most memory that a process has had so far, in KiB; `None` once it has ended.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

/// Watches the memory of processes until the first of them ends.
fn watch(processes: &[u32]) -> u64 {
    let mut most = 0;
    loop {
        for process in processes {
            match peak(*process) {
                Some(peak) => most = most.max(peak),
                None => return most,
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_long_file_is_sent_and_fetched_through_a_restart() {
    send_and_fetch(LONG);
}

#[test]
#[ignore = "it takes long: `.ci/nightly` runs it"]
fn a_longer_file_is_sent_and_fetched_through_a_restart() {
    send_and_fetch(LONGER);
}

#[test]
fn a_long_request_has_a_long_reply_through_a_restart() {
    ask(LONG / 2);
}

#[test]
#[ignore = "it takes long: `.ci/nightly` runs it"]
fn a_longer_request_has_a_longer_reply_through_a_restart() {
    ask(LONGER);
}

fn send_and_fetch(length: u64) {
    let mut server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    make(&from, length);
    let wanted = sha256(&from);
    let listen = ["listen", "store", "put", "--raw", "--count", "1"];
    let mut listener = Run::start(&server, &listen, "listening");
    let path = from.to_str().expect("a path");
    let putting = Run::start_now(&server, &["put", path, "store", "put", "--json"]);
    let processes = [listener.id(), putting.id()];
    let watching = thread::spawn(move || watch(&processes));
    let received = Printed::read(listener.output(), length);
    received.begins();
    server.start_again();
    let put = putting.ends();
    assert_eq!(put.code, Some(0), "{}", put.err);
    let told: serde_json::Value =
        serde_json::from_str(put.out.lines().next().expect("a line")).expect("it is JSON");
    assert_eq!((&told["sha256"], &told["bytes"]), (&wanted.clone().into(), &length.into()));
    assert_eq!(received.ends(), (wanted.clone(), length + 1), "with a line feed after it");
    let most = watching.join().expect("it does not panic");
    assert!(most < MOST_MEMORY, "{most} KiB");

    let serve = ["serve", "store", "get", "--exec", "cat", path];
    let serving = Run::start(&server, &serve, "serving");
    let target = to.to_str().expect("a path");
    let getting = Run::start_now(&server, &["get", "store", "get", target]);
    let processes = [getting.id(), serving.id()];
    let watching = thread::spawn(move || watch(&processes));
    let is_partial = |name: &str| name.ends_with(".part");
    while !names(folder.path()).iter().any(|name| is_partial(name)) {
        thread::yield_now();
    }
    server.start_again();
    let got = getting.ends();
    assert_eq!(got.code, Some(0), "{}", got.err);
    assert!(got.out.starts_with(&wanted), "{}", got.out);
    assert_eq!(sha256(&to), wanted);
    let most = watching.join().expect("it does not panic");
    assert!(most < MOST_MEMORY, "{most} KiB");
}

/// Asks with a long body for the same one.
fn ask(length: u64) {
    let mut server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let from = folder.path().join("from");
    make(&from, length);
    let wanted = sha256(&from);
    let serving = Run::start(&server, &["serve", "store", "echo", "--exec", "cat"], "serving");
    let input = File::open(&from).expect("a file").into();
    let request = ["request", "store", "echo", "-", "--timeout", "600s"];
    let mut asking = Run::start_with(&server, &request, input);
    let processes = [asking.id(), serving.id()];
    let watching = thread::spawn(move || watch(&processes));
    let replied = Printed::read(asking.output(), length);
    replied.begins();
    server.start_again();
    assert_eq!(replied.ends(), (wanted, length));
    let (code, errors) = asking.code();
    assert_eq!(code, Some(0), "{errors}");
    let most = watching.join().expect("it does not panic");
    assert!(most < MOST_MEMORY, "{most} KiB");
}

#[test]
fn a_file_that_does_not_arrive_leaves_the_old_one() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "old").expect("it can be written");
    let script = "head -c 1000000 /dev/zero; exit 1";
    let serve = ["serve", "store", "get", "--exec", "sh", "-c", script];
    let _running = Run::start(&server, &serve, "serving");
    let path = file.to_str().expect("a path");
    let got = conduit(&server, &["get", "store", "get", path]);
    assert_eq!(got.code, Some(5), "{}", got.err);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "old");
    assert_eq!(names(folder.path()), ["file"], "nothing is left beside it");
    let put = conduit(&server, &["put", "/no/such/file", "store", "put"]);
    assert_eq!(put.code, Some(3));
    let put = conduit(&server, &["put", path, "nobody", "put"]);
    assert_eq!(put.code, Some(3), "{}", put.err);
}
