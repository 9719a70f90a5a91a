//! Completions for shells.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{args::Cli, exit::Exit, show};

/// Prints the script for a shell.
pub(crate) fn print(shell: Shell) -> Result<(), Exit> {
    let mut command = Cli::command();
    let (name, mut script) = (command.get_name().to_owned(), Vec::new());
    generate(shell, &mut command, name, &mut script);
    show::print(&String::from_utf8_lossy(&script))
}
