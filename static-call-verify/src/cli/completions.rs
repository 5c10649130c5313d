//! `cargo static-call completions`.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use clap_complete::{Shell, generate};

use super::output;
use crate::policy::{FindingKey, Level};

/// The program that the shell runs.
const NAME: &str = "cargo-static-call";
/// The same name as used in function names. The script for bash derives function names from those
/// of subcommands, and cannot tell their parts from those of a name with dashes.
const PLAIN: &str = "cargo_static_call";

/// How to install the script. Cargo's own completions must be there already, or are loaded later on
/// demand.
const HELP: &str = "\
The script completes `cargo-static-call` and, in bash, zsh and fish, `cargo static-call`:
  bash   in ~/.bashrc, after cargo's own completions:
         source <(cargo static-call completions bash)
  zsh    cargo static-call completions zsh > DIRECTORY_OF_FPATH/_cargo-static-call
  fish   cargo static-call completions fish > ~/.config/fish/conf.d/cargo-static-call.fish";

pub(super) fn command() -> Command {
    let shell = Arg::new("shell").value_name("SHELL").required(true);
    Command::new("completions")
        .about("Print the completion script of a shell")
        .after_help(HELP)
        .arg(shell.value_parser(value_parser!(Shell)))
}

/// Prints the completion script of a shell for the `whole` command.
pub(super) fn main(whole: Command, matches: &ArgMatches) -> ExitCode {
    let Some(shell) = matches.get_one::<Shell>("shell") else { return ExitCode::SUCCESS };
    output::finish(&script(whole, *shell))
}

fn script(whole: Command, shell: Shell) -> String {
    let name = if shell == Shell::Bash { PLAIN } else { NAME };
    let mut command = with_values(whole.name(name).bin_name(name));
    let mut text = Vec::new();
    generate(shell, &mut command, name, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        Shell::Bash => {
            let registered = format!("-o default {PLAIN}\n");
            text.replace(&registered, &format!("-o default {NAME}\n")) + BASH
        }
        // Cargo's own script for zsh calls the function `_cargo-static-call`.
        Shell::Fish => text + &fish_findings() + FISH,
        _ => text,
    }
}

/// Returns the command with the values that a shell proposes. The command itself accepts more:
/// patterns of findings.
fn with_values(command: Command) -> Command {
    let proposed = |command: Command| {
        command.mut_args(|arg| {
            let name = arg.get_id().as_str();
            let is_level = Level::ALL.iter().any(|level| level.as_str() == name);
            match name {
                "image" | "output" | "manifest-path" => arg.value_hint(ValueHint::FilePath),
                _ if is_level || name == "finding" => {
                    let names = FindingKey::ALL.iter().map(|key| key.as_str());
                    arg.value_parser(PossibleValuesParser::new(names))
                }
                _ => arg,
            }
        })
    };
    proposed(command).mut_subcommands(proposed)
}

/// Completes `cargo static-call` in bash. Everything else is completed by whatever completed cargo
/// before or, if bash-completion loads that on first use, by what it finds.
const BASH: &str = r#"
_cargo_static_call_in_cargo() {
    local at=1 before=$3
    [[ ${COMP_WORDS[1]} == +* ]] && at=2
    if [[ ${COMP_WORDS[at]} == static-call && $COMP_CWORD -gt $at ]]; then
        local -a words=("${COMP_WORDS[@]:at + 1}")
        local -a COMP_WORDS=(cargo-static-call "${words[@]}")
        local COMP_CWORD=$((COMP_CWORD - at))
        [[ $COMP_CWORD -eq 1 ]] && before=cargo-static-call
        _cargo_static_call cargo-static-call "$2" "$before"
        return
    fi
    if [[ -z $_cargo_static_call_other ]]; then
        complete -r cargo 2>/dev/null
        if declare -F _comp_load >/dev/null; then
            _comp_load -- cargo
        elif declare -F _completion_loader >/dev/null; then
            _completion_loader cargo
        fi >/dev/null 2>&1
        _cargo_static_call_join
    fi
    if [[ -n $_cargo_static_call_other ]]; then
        "$_cargo_static_call_other" "$@"
    fi
}

_cargo_static_call_join() {
    local other
    other=$(complete -p cargo 2>/dev/null)
    if [[ $other == *" -F "* ]]; then
        other=${other#* -F }
        other=${other%% *}
        [[ $other != _cargo_static_call_in_cargo ]] && _cargo_static_call_other=$other
    fi
    complete -F _cargo_static_call_in_cargo -o bashdefault -o default cargo
}
_cargo_static_call_join
"#;

/// Completes the names of findings in fish after `explain`, because the generated script has values
/// only for options, and after a level before the subcommand, where the script's own condition
/// fails because a value is missing.
fn fish_findings() -> String {
    let names: Vec<&str> = FindingKey::ALL.iter().map(|key| key.as_str()).collect();
    let levels = Level::ALL.map(|level| format!("--{level}")).join(" ");
    let places = [
        "__fish_cargo_static_call_using_subcommand explain".to_owned(),
        format!("__fish_prev_arg_in {levels}"),
    ];
    let names = names.join(" ");
    places.map(|place| format!("complete -c {NAME} -n \"{place}\" -x -a \"{names}\"\n")).concat()
}

/// Completes `cargo static-call` in fish.
const FISH: &str = r#"
function __fish_cargo_static_call_words
    set -l words (commandline -opc)
    set -e words[1]
    string match -q -- '+*' $words[1]; and set -e words[1]
    test "$words[1]" = static-call; or return 1
    set -e words[1]
    string escape -- $words
    return 0
end
function __fish_cargo_static_call_in_cargo
    set -l words cargo-static-call (__fish_cargo_static_call_words)
    set -l last (commandline -ct)
    complete -C "$words $last"
end
complete -c cargo -n "__fish_cargo_static_call_words >/dev/null" -x \
    -a "(__fish_cargo_static_call_in_cargo)"
"#;
