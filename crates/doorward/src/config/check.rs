//! Settings of the checklist: how much is too much, and what is the team's own.

use std::collections::BTreeSet;

use doorward_catalog::people::{PERMISSIONS, Role};
use doorward_finding::Severity;
use doorward_posture::{DeclaredMember, Thresholds};

use super::non_empty;
use super::reader::TableReader;
use crate::duration::{Lasting, LastingOrNone};

/// Most members that are declared.
const MEMBERS_MAX: usize = 20_000;

/// What the team says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckConfig {
    /// How often a server runs it; never when it is none.
    pub(crate) every: Option<Lasting>,
    /// From which severity on people are told of what is new.
    pub(crate) alert_from: Severity,
    /// As the checks take it.
    pub(crate) thresholds: Thresholds,
}

impl Default for CheckConfig {
    fn default() -> Self {
        Self {
            every: Some(Lasting::DAY),
            alert_from: Severity::High,
            thresholds: Thresholds::default(),
        }
    }
}

impl CheckConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("every", &mut self.every, |text| {
            text.parse::<LastingOrNone>().map(|every| every.0)
        });
        table.text("alert_from", &mut self.alert_from, |text| {
            text.parse::<Severity>().map_err(|fault| fault.to_string())
        });
        let is = &mut self.thresholds;
        for (name, value, bounds) in [
            ("max_managers", &mut is.max_managers, 1..=20_000),
            ("look_back_days", &mut is.look_back_days, 1..=3_650),
            ("unused_days", &mut is.unused_days, 1..=3_650),
            ("key_days", &mut is.key_days, 1..=3_650),
            ("secret_days", &mut is.secret_days, 1..=3_650),
            ("invitation_days", &mut is.invitation_days, 1..=3_650),
            ("login_days", &mut is.login_days, 1..=3_650),
            ("reconcile_hours", &mut is.reconcile_hours, 1..=8_760),
            ("sink_minutes", &mut is.sink_minutes, 1..=525_600),
        ] {
            table.number(name, value, bounds);
        }
        for (name, value, bounds) in [
            ("mfa_failures", &mut is.mfa_failures, 1..=1_000_000),
            ("failing_percent", &mut is.failing_percent, 1..=100),
            ("failing_of", &mut is.failing_of, 1..=1_000_000),
            ("quarantine", &mut is.quarantine, 1..=1_000_000),
            ("witness_leaves", &mut is.witness_leaves, 1..=1_000_000_000),
            ("disk_percent", &mut is.disk_percent, 0..=99),
            ("disk_mib", &mut is.disk_mib, 0..=1_073_741_824),
        ] {
            let mut number = usize::try_from(*value).unwrap_or(usize::MAX);
            table.number(name, &mut number, bounds);
            *value = number as u64;
        }
        for (name, values) in [
            ("email_domains", &mut is.email_domains),
            ("own_domains", &mut is.own_domains),
            ("competitors", &mut is.competitors),
            ("webhook_hosts", &mut is.webhook_hosts),
        ] {
            table.texts(name, values, domain);
        }
        table.texts(
            "do_not_contact",
            &mut is.do_not_contact,
            |text| match text.rsplit_once('@') {
                Some((name, host)) if !name.is_empty() => {
                    domain(host).map(|host| format!("{}@{host}", name.trim().to_lowercase()))
                }
                _ => domain(text),
            },
        );
        let mut subs = Vec::new();
        table.texts("sub_workspaces", &mut subs, |text| {
            non_empty(text).map(str::to_owned)
        });
        is.sub_workspaces.extend(subs);
        let mut members = Vec::new();
        table.tables("member", MEMBERS_MAX, |table| members.push(member(table)));
        if !members.is_empty() {
            is.members = Some(members);
        }
    }
}

/// A domain or a host, in small letters.
fn domain(text: &str) -> Result<String, String> {
    let text = text.trim().trim_start_matches("*.").to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || "-._".contains(c);
    let label = |label: &str| !label.is_empty() && label.len() <= 63;
    match text.len() <= 253 && text.chars().all(plain) && text.split('.').all(label) {
        true => Ok(text),
        false => Err("write a domain like \"example.com\"".to_owned()),
    }
}

fn member(table: &mut TableReader<'_, '_>) -> DeclaredMember {
    let mut email = String::new();
    let mut role = Role::View;
    let mut permissions = Vec::new();
    table.text("email", &mut email, |text| match text.rsplit_once('@') {
        Some((name, host)) if !name.is_empty() => {
            domain(host).map(|host| format!("{}@{host}", name.to_lowercase()))
        }
        _ => Err("write an address like \"ann@example.com\"".to_owned()),
    });
    table.text("role", &mut role, |text| {
        let role = Role::from(text.to_owned());
        match Role::KNOWN.contains(&role) {
            true => Ok(role),
            false => {
                Err("choose \"owner\", \"admin\", \"editor\", \"view\" or \"client\"".to_owned())
            }
        }
    });
    table.texts("permissions", &mut permissions, |text| {
        match PERMISSIONS.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "that is no permission of Instantly's; there are {} and others",
                PERMISSIONS.get(..4).unwrap_or_default().join(", ")
            )),
        }
    });
    if email.is_empty() {
        table.missing("email", "say whose role it is");
    }
    DeclaredMember {
        email,
        role,
        permissions: permissions.into_iter().collect::<BTreeSet<_>>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_the_team_says_of_itself_is_read_in_one_form() {
        let config = Config::parse(
            "[check]\nmax_managers = 2\nown_domains = [\"*.Acme.example\"]\n\
             do_not_contact = [\"Ann@B.example\", \"c.example\"]\n\
             [[check.member]]\nemail = \"Ann@acme.example\"\nrole = \"admin\"\n\
             permissions = [\"campaigns.view\"]\n",
        );
        let is = config.unwrap().check.thresholds;
        assert_eq!((is.max_managers, is.look_back_days), (2, 90));
        assert_eq!(is.own_domains, ["acme.example"]);
        assert_eq!(is.do_not_contact, ["ann@b.example", "c.example"]);
        let members = is.members.unwrap();
        assert_eq!(
            (members[0].email.as_str(), &members[0].role),
            ("ann@acme.example", &Role::Admin)
        );
    }

    #[test]
    fn what_does_not_fit_is_told() {
        for (line, told) in [
            ("max_managers = 0", "from 1 to 20000"),
            ("email_domains = [\"a b\"]", "a domain like"),
            ("disk_percent = 100", "from 0 to 99"),
            ("[[check.member]]\nrole = \"view\"", "email is missing"),
            (
                "[[check.member]]\nemail = \"a@b.c\"\nrole = \"king\"",
                "choose \"owner\"",
            ),
            (
                "[[check.member]]\nemail = \"a@b.c\"\npermissions = [\"x\"]",
                "no permission",
            ),
        ] {
            let faults = Config::parse(&format!("[check]\n{line}"))
                .unwrap_err()
                .told("x");
            assert!(faults.contains(told), "{line}: {faults}");
        }
    }
}
