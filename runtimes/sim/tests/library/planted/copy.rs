//! A copy of the sources that has the bugs.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::bugs::{BUGS, Bug, Edit};

/// Names the bug that is there, in the environment of a test of the copy.
const PLANTED: &str = "CONDUIT_PLANTED";

/// A workspace in which a variable of the environment says which bug it has, so that one build is
/// enough for all of them.
pub(super) struct Copy {
    sources: PathBuf,
    target: PathBuf,
}

impl Copy {
    pub(super) fn new() -> io::Result<Self> {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted");
        let copy = Self { sources: place.join("sources"), target: place.join("target") };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files = BTreeMap::new();
        read(&workspace, Path::new(""), &mut files)?;
        plant(&mut files);
        copy.write(&files)?;
        Ok(copy)
    }

    /// Runs tests of the simulation with one of the bugs, or none.
    pub(super) fn test(&self, bug: Option<&Bug>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["test", "-p", "conduit-sim", "--test", "library"]);
        command.arg("--manifest-path").arg(self.sources.join("Cargo.toml"));
        // Beside the other builds, so that it neither waits for them nor replaces them.
        command.arg("--target-dir").arg(&self.target);
        command.env_remove(PLANTED).envs(bug.map(|bug| (PLANTED, bug.name)));
        command
    }

    /// Writes what differs, so that only that is built again, and removes what is gone.
    fn write(&self, files: &BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
        fs::create_dir_all(&self.sources)?;
        let mut before = BTreeMap::new();
        read(&self.sources, Path::new(""), &mut before)?;
        for gone in before.keys().filter(|path| !files.contains_key(*path)) {
            fs::remove_file(self.sources.join(gone))?;
        }
        for (path, bytes) in files {
            if before.get(path) != Some(bytes) {
                let path = self.sources.join(path);
                fs::create_dir_all(path.parent().unwrap_or(&self.sources))?;
                fs::write(path, bytes)?;
            }
        }
        Ok(())
    }
}

/// All files below a directory, but for the history and what was built.
fn read(root: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        let path = below.join(name);
        if entry.file_type()?.is_dir() {
            read(root, &path, files)?;
        } else {
            files.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn plant(files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let mut change = |file: &str, change: &dyn Fn(&str) -> String| {
        let path = Path::new("core/src").join(file);
        let source = files.get_mut(&path).unwrap_or_else(|| panic!("there is no {file}"));
        let text = std::str::from_utf8(source).expect("a source is UTF-8");
        *source = change(text).into_bytes();
    };
    for bug in BUGS {
        for edit in bug.edits {
            change(edit.file, &|text| edit.apply(bug.name, text));
        }
    }
    change("lib.rs", &|text| {
        format!(
            "{text}
pub(crate) fn is_planted(bug: &str) -> bool {{
    static PLANTED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var(\"{PLANTED}\").ok());
    PLANTED.as_deref() == Some(bug)
}}
"
        )
    });
}

impl Edit {
    /// The text of the file with both, the expression and what may stand there instead.
    fn apply(&self, bug: &str, text: &str) -> String {
        let Self { file, at, instead } = self;
        let parts = at.split_once('«').and_then(|(before, rest)| {
            let (sound, after) = rest.split_once('»')?;
            Some((before, sound, after))
        });
        let (before, sound, after) = parts.expect("an expression between « and »");
        let original = format!("{before}{sound}{after}");
        let found = text.matches(&original).count();
        assert_eq!(found, 1, "{bug} does not apply any more: how often core/src/{file} has {at}");
        let both = format!("(if crate::is_planted(\"{bug}\") {{ {instead} }} else {{ {sound} }})");
        text.replace(&original, &format!("{before}{both}{after}"))
    }
}
