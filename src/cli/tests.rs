use clap::{Command, CommandFactory as _};

use super::Arguments;

/// The narrowest terminal on which no example is broken.
const WIDTH: usize = 80;

/// What is wrong with the text below the options of a command, and of those below it.
fn faults(command: &Command, found: &mut Vec<String>) {
    let texts = [command.get_after_help(), command.get_after_long_help()];
    let texts = texts.into_iter().flatten().map(ToString::to_string);
    for text in texts {
        let lines: Vec<&str> = text.lines().collect();
        let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
        for pair in lines.windows(2) {
            if pair.iter().all(|line| is_prose(line)) {
                found.push(format!("{}: {pair:?}", command.get_name()));
            }
        }
        let examples = lines.iter().filter(|line| line.starts_with(' '));
        let wide = examples.filter(|line| line.chars().count() >= WIDTH);
        found.extend(wide.map(|line| format!("{}: {line}", command.get_name())));
    }
    for below in command.get_subcommands() {
        faults(below, found);
    }
}

/// One way to choose a format: what prints JSON has `--format`, and `--json` as its short form.
#[test]
fn formats_are_chosen_in_one_way() {
    let mut waiting = vec![Arguments::command()];
    let mut found = 0;
    while let Some(command) = waiting.pop() {
        let has = |name: &str| {
            command
                .get_arguments()
                .any(|one| one.get_long() == Some(name))
        };
        assert_eq!(has("format"), has("json"), "{}", command.get_name());
        found += usize::from(has("format"));
        waiting.extend(command.get_subcommands().cloned());
    }
    assert!(found > 10, "{found}");
}

/// A paragraph is one line, which is broken to the width of the terminal. With breaks of its own it would have both.
#[test]
fn help_is_broken_once() {
    let mut found = Vec::new();
    faults(&Arguments::command(), &mut found);
    assert!(found.is_empty(), "{found:#?}");
}
