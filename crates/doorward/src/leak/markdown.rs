//! The report for people.

use std::fmt::Write as _;

use doorward_policy::Timestamp;

use super::deeds::{Address, Around, Through};
use super::incident::Incident;
use super::marks::{cell, code, prose};

/// Most rows of a table; the JSON has all.
const ROWS_MAX: usize = 50;

impl Incident {
    /// The report as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        writeln!(to, "# Leak of {}\n", cell(&self.subject.title))?;
        writeln!(to, "Incident {}, written {}.\n", self.id, self.written_at)?;
        match (
            self.proof.as_ref().filter(|_| self.dead),
            self.millis_to_401,
        ) {
            (Some(proof), Some(millis)) => writeln!(
                to,
                "**The key is dead.** It was refused {} s after its revocation, {} times in a row up \
                 to {}.",
                seconds(millis),
                proof.refusals,
                proof.last
            )?,
            (Some(proof), None) => writeln!(
                to,
                "**The key is dead.** It was refused {} times in a row from {} to {}.",
                proof.refusals, proof.first, proof.last
            )?,
            (None, _) if self.dead => writeln!(to, "**The key is dead.**")?,
            (None, _) => writeln!(to, "**The key is not proved dead.** Treat it as alive.")?,
        }
        if let Some(note) = &self.proof_note {
            writeln!(to, "{}", cell(note))?;
        }
        writeln!(to, "\n## What to do next\n")?;
        for (n, step) in self.next.iter().enumerate() {
            writeln!(to, "{}. {}", n + 1, prose(step))?;
        }
        writeln!(to, "\n## Timeline\n\n| when | what |\n|---|---|")?;
        for moment in &self.timeline {
            writeln!(to, "| {} | {} |", moment.at, cell(&moment.what))?;
        }
        self.write_radius(to)?;
        let deeds = &self.deeds;
        writeln!(
            to,
            "\n## What it did, {} to {}\n\n### Through Doorward, by the ledger\n",
            deeds.since, deeds.until
        )?;
        through(to, &deeds.through)?;
        if let Some(log) = &deeds.around {
            writeln!(to, "\n### Around Doorward, by Instantly's audit log\n")?;
            around(to, log)?;
        }
        if !deeds.unknown.is_empty() {
            writeln!(to, "\n### What can't be known\n")?;
            for gap in &deeds.unknown {
                writeln!(to, "- {}", cell(gap))?;
            }
        }
        Ok(())
    }

    fn write_radius(&self, to: &mut String) -> std::fmt::Result {
        writeln!(to, "\n## What it could have done\n")?;
        if self.radius.is_empty() {
            return writeln!(
                to,
                "Its scopes are not known: take it that it could do anything."
            );
        }
        writeln!(to, "| risk | why | operations |\n|---|---|---|")?;
        for reach in &self.radius {
            let names = reach.operations.join(", ");
            writeln!(
                to,
                "| {} | {} | {} |",
                reach.risk,
                cell(&reach.reason),
                cell(&names)
            )?;
        }
        Ok(())
    }
}

fn through(to: &mut String, through: &Through) -> std::fmt::Result {
    if through.calls == 0 {
        writeln!(to, "No calls.")?;
    } else {
        writeln!(
            to,
            "{} calls, {} of them refused or failed; {}.\n",
            through.calls,
            through.failed,
            from_to(through.first, through.last)
        )?;
        writeln!(
            to,
            "| operation | client | calls | failed | first | last |\n|---|---|---|---|---|---|"
        )?;
        for one in through.operations.iter().take(ROWS_MAX) {
            writeln!(
                to,
                "| {} | {} | {} | {} | {} | {} |",
                cell(&one.operation),
                cell(one.client.as_deref().unwrap_or("-")),
                one.calls,
                one.failed,
                one.first,
                one.last
            )?;
        }
        more(to, through.operations.len())?;
        addresses(to, "Their callers' addresses", &through.addresses)?;
    }
    addresses(
        to,
        "Addresses that presented the key itself at the gateway, and were refused",
        &through.presented,
    )
}

fn around(to: &mut String, log: &Around) -> std::fmt::Result {
    match log.read_to {
        Some(at) => writeln!(
            to,
            "The log was read up to {at}; it has no reads, writes alone.\n"
        )?,
        None => writeln!(
            to,
            "The log was never read: no key may (audit_logs:read).\n"
        )?,
    }
    writeln!(
        to,
        "{} acts of calls through Doorward, {} of others.",
        log.ours, log.others
    )?;
    if log.forged > 0 {
        writeln!(
            to,
            "\n**{} of those pretend to be Doorward's**: their user agent names a call that the ledger \
             does not have under this key at that time.",
            log.forged
        )?;
    }
    if !log.keys_made.is_empty() {
        let made: Vec<String> = log.keys_made.iter().map(|id| code(id)).collect();
        writeln!(to, "\nKeys that were made with it: {}.", made.join(", "))?;
    }
    addresses(to, "Addresses of the others", &log.addresses)?;
    if log.records.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "\n| when | what | address | touched |\n|---|---|---|---|"
    )?;
    for record in log.records.iter().take(ROWS_MAX) {
        let own = match (record.forged_mark, record.own_address) {
            (true, _) => " (forged mark)",
            (false, true) => " (Doorward's)",
            (false, false) => "",
        };
        writeln!(
            to,
            "| {} | {} | {}{own} | {} |",
            record.at,
            cell(&record.activity),
            code(&record.address),
            code(&record.touched.join(", "))
        )?;
    }
    more(to, log.records.len())
}

fn addresses(to: &mut String, title: &str, all: &[Address]) -> std::fmt::Result {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(
        to,
        "\n{title}:\n\n| address | times | first | last |\n|---|---|---|---|"
    )?;
    for one in all.iter().take(ROWS_MAX) {
        writeln!(
            to,
            "| {} | {} | {} | {} |",
            code(&one.address),
            one.calls,
            one.first,
            one.last
        )?;
    }
    more(to, all.len())
}

fn more(to: &mut String, count: usize) -> std::fmt::Result {
    match count.checked_sub(ROWS_MAX) {
        Some(rest) if rest > 0 => writeln!(to, "\nAnd {rest} more: the JSON has them."),
        _ => Ok(()),
    }
}

fn from_to(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => format!("the first at {first}, the last at {last}"),
        _ => "when is not known".to_owned(),
    }
}

fn seconds(millis: i64) -> String {
    format!("{}.{}", millis / 1_000, (millis % 1_000).abs() / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_tenths() {
        assert_eq!(seconds(12_345), "12.3");
    }
}
