//! Completions for shells: the commands, and the options of each.

use clap::CommandFactory;

use crate::{
    args::{Cli, Shell},
    exit::Exit,
    show,
};

/// A command, and its options, each with the beginning of its help.
struct Completed {
    name: String,
    about: String,
    options: Vec<(String, String)>,
}

/// Prints the script for a shell.
pub(crate) fn print(shell: Shell) -> Result<(), Exit> {
    let commands = commands();
    show::print(&match shell {
        Shell::Bash => bash(&commands),
        Shell::Fish => fish(&commands),
        Shell::Zsh => format!("autoload -U +X bashcompinit && bashcompinit\n{}", bash(&commands)),
    })
}

fn commands() -> Vec<Completed> {
    let mut all = Cli::command();
    // Gives each command the options that all have.
    all.build();
    let completed = |command: &clap::Command| Completed {
        name: command.get_name().to_owned(),
        about: command.get_about().map(ToString::to_string).unwrap_or_default(),
        options: command
            .get_arguments()
            .filter_map(|option| {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                Some((option.get_long()?.to_owned(), help))
            })
            .collect(),
    };
    all.get_subcommands().map(completed).collect()
}

fn bash(commands: &[Completed]) -> String {
    let names: Vec<_> = commands.iter().map(|command| &*command.name).collect();
    let mut cases = String::new();
    for Completed { name, options, .. } in commands {
        let options: Vec<_> = options.iter().map(|(name, _)| format!("--{name}")).collect();
        cases += &format!("        {name}) words=\"{}\" ;;\n", options.join(" "));
    }
    format!(
        r#"_conduit() {{
    local word command="" words="{names}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " {names} " in *" $word "*) command=$word; break ;; esac
    done
    case $command in
{cases}    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _conduit conduit
"#,
        names = names.join(" "),
    )
}

fn fish(commands: &[Completed]) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let mut script = String::new();
    for Completed { name, about, options } in commands {
        let about = quoted(about);
        script +=
            &format!("complete -c conduit -n __fish_use_subcommand -f -a {name} -d {about}\n");
        for (option, help) in options {
            let help = quoted(help);
            script += &format!(
                "complete -c conduit -n '__fish_seen_subcommand_from {name}' -l {option} -d {help}\n"
            );
        }
    }
    script
}
