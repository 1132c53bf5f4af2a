//! The commands that the checks have for what they find are commands that there are.

use clap::Parser;
use doorward_posture::checks::all;

use super::Cli;

/// What placeholders stand for.
const FILLED: [(&str, &str); 14] = [
    ("client", "dashboard"),
    ("email", "ann@example.com"),
    ("id", "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f"),
    ("name", "reader"),
    ("names", ".env '*.key'"),
    ("path", "/srv/app/.env"),
    ("reference", "file:///run/secrets/reader"),
    ("role", "view"),
    ("since", "2027-01-15T08:00:00Z"),
    ("source", "replies"),
    ("type", "reply_received"),
    ("values", "rival.example ann@example.com"),
    ("workspace", "acme"),
    ("", ""),
];
/// Programs of others that a remedy may run.
const OTHERS: [&str; 3] = ["chmod", "git", "printf"];

#[test]
fn every_remedy_is_a_command_that_there_is() {
    for check in all() {
        for (action, command) in &check.commands {
            let about = format!("{}, {action}: {command}", check.id);
            let mut filled = command.clone();
            for (name, value) in FILLED {
                filled = filled.replace(&format!("{{{name}}}"), value);
            }
            assert!(!filled.contains('{'), "{about}");
            for part in filled.split(" | ") {
                let words: Vec<&str> = part.split(' ').collect();
                if words.first() == Some(&"doorward") {
                    if let Err(error) = Cli::try_parse_from(words) {
                        panic!("{about}\n{error}");
                    }
                } else {
                    let program = words.first().copied().unwrap_or_default();
                    assert!(OTHERS.contains(&program), "{about}");
                }
            }
        }
    }
}
