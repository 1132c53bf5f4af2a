//! What a manifest says of how much is too much, on top of what is configured.

use super::types::Manifest;
use crate::{DeclaredMember, Thresholds};

impl Manifest {
    /// The thresholds for a workspace: those of `base`, with what is declared in their place.
    pub fn thresholds(&self, workspace: &str, base: Thresholds) -> Thresholds {
        let mut all = base;
        let declared = &self.thresholds;
        for (name, number) in &declared.numbers {
            set(&mut all, name, *number);
        }
        if let Some(domains) = &declared.email_domains {
            all.email_domains = domains.iter().cloned().collect();
        }
        if let Some(hosts) = &declared.webhook_hosts {
            all.webhook_hosts = hosts.iter().cloned().collect();
        }
        let Some(spec) = self.workspaces.get(workspace) else {
            return all;
        };
        if !spec.own_domains.is_empty() {
            all.own_domains = spec.own_domains.iter().cloned().collect();
        }
        if !spec.competitors.is_empty() {
            all.competitors = spec.competitors.iter().cloned().collect();
        }
        if let Some(blocked) = &spec.block_list {
            all.do_not_contact.clone_from(blocked);
        }
        if let Some(subs) = &spec.sub_workspaces {
            all.sub_workspaces.clone_from(subs);
        }
        if !spec.members.is_empty() {
            let members = spec.members.iter().map(|(email, member)| DeclaredMember {
                email: email.clone(),
                role: member.role.clone().into(),
                permissions: member.permissions.clone().unwrap_or_default(),
            });
            all.members = Some(members.collect());
        }
        all
    }
}

fn set(all: &mut Thresholds, name: &str, number: u64) {
    let size = usize::try_from(number).unwrap_or(usize::MAX);
    match name {
        "max_managers" => all.max_managers = size,
        "look_back_days" => all.look_back_days = size,
        "unused_days" => all.unused_days = size,
        "key_days" => all.key_days = size,
        "secret_days" => all.secret_days = size,
        "invitation_days" => all.invitation_days = size,
        "login_days" => all.login_days = size,
        "mfa_failures" => all.mfa_failures = number,
        "failing_percent" => all.failing_percent = number,
        "failing_of" => all.failing_of = number,
        "reconcile_hours" => all.reconcile_hours = size,
        "quarantine" => all.quarantine = number,
        "witness_leaves" => all.witness_leaves = number,
        "sink_minutes" => all.sink_minutes = size,
        "disk_percent" => all.disk_percent = number,
        "disk_mib" => all.disk_mib = number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::sections::NUMBERS;

    #[test]
    fn each_number_that_can_be_declared_counts() {
        let plain = Thresholds::default();
        for (name, _) in NUMBERS {
            let mut manifest = Manifest::default();
            manifest.thresholds.numbers.insert(name, 77);
            let with = manifest.thresholds("acme", plain.clone());
            assert_ne!(with, plain, "{name}");
        }
        let none = Manifest::default().thresholds("acme", plain.clone());
        assert_eq!(none, plain);
    }
}
