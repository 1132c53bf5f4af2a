//! What the team says of itself: how much is too much, and what is its own.

use std::collections::BTreeSet;

use doorward_catalog::people::Role;

/// What the team says of itself. The default says nothing of it, and common measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Most owners and admins of a workspace.
    pub max_managers: usize,
    /// Domains that members' addresses may be of; any when there are none.
    pub email_domains: Vec<String>,
    /// The team's own domains, beside those that the workspace sends from.
    pub own_domains: Vec<String>,
    /// Competitors' domains.
    pub competitors: Vec<String>,
    /// Addresses and domains that are never to be written to.
    pub do_not_contact: Vec<String>,
    /// Hosts that webhooks may be sent to, their sub-domains among them.
    pub webhook_hosts: Vec<String>,
    /// Instantly's ids of the sub-workspaces that belong to the group.
    pub sub_workspaces: BTreeSet<String>,
    /// The members as they are declared; none when they are not.
    pub members: Option<Vec<DeclaredMember>>,
    /// Days that use is looked back at.
    pub look_back_days: usize,
    /// Days after which a key that nobody used is unused.
    pub unused_days: usize,
    /// Age in days of a key that Doorward does not hold.
    pub key_days: usize,
    /// Age in days of a webhook's secret.
    pub secret_days: usize,
    /// Days that an invitation may be pending.
    pub invitation_days: usize,
    /// Days after which somebody who did not log in is away.
    pub login_days: usize,
    /// How often a second factor may be wrong in the time that is looked back at.
    pub mfa_failures: u64,
    /// Share of deliveries that may fail, in percent, and of how many on that is judged.
    pub failing_percent: u64,
    /// From how many deliveries on their share of failures is judged.
    pub failing_of: u64,
    /// Hours within which what was missed is looked for.
    pub reconcile_hours: usize,
    /// Events a day in quarantine that are nothing to look at.
    pub quarantine: u64,
    /// Leaves that a witness may be behind.
    pub witness_leaves: u64,
    /// Minutes that a sink may be behind.
    pub sink_minutes: usize,
    /// Percent of a disk, and MiB, that are to be free.
    pub disk_percent: u64,
    /// MiB of a disk that are to be free.
    pub disk_mib: u64,
}

/// A member as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredMember {
    /// The address, in small letters.
    pub email: String,
    /// The role.
    pub role: Role,
    /// The permissions beside the role.
    pub permissions: BTreeSet<String>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            max_managers: 3,
            email_domains: Vec::new(),
            own_domains: Vec::new(),
            competitors: Vec::new(),
            do_not_contact: Vec::new(),
            webhook_hosts: Vec::new(),
            sub_workspaces: BTreeSet::new(),
            members: None,
            look_back_days: 90,
            unused_days: 30,
            key_days: 90,
            secret_days: 90,
            invitation_days: 14,
            login_days: 90,
            mfa_failures: 5,
            failing_percent: 5,
            failing_of: 20,
            reconcile_hours: 24,
            quarantine: 10,
            witness_leaves: 1_000,
            sink_minutes: 15,
            disk_percent: 10,
            disk_mib: 1_024,
        }
    }
}

/// Milliseconds of so many days.
pub(crate) fn days(days: usize) -> i64 {
    i64::try_from(days)
        .unwrap_or(i64::MAX)
        .saturating_mul(86_400_000)
}

/// Whether a host or a domain is this domain or within it.
pub(crate) fn domain_is_within(host: &str, domain: &str) -> bool {
    let plain = |text: &str| text.trim().trim_matches('.').to_lowercase();
    let (host, domain) = (plain(host), plain(domain));
    !domain.is_empty()
        && match host.strip_suffix(&domain) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::domain_is_within;

    #[test]
    fn a_domain_is_within_itself_and_those_above() {
        for host in ["acme.example", "Hooks.ACME.example.", "a.b.acme.example"] {
            assert!(domain_is_within(host, "acme.example"), "{host}");
        }
        for host in ["notacme.example", "example", "acme.example.evil", ""] {
            assert!(!domain_is_within(host, "acme.example"), "{host}");
        }
        assert!(!domain_is_within("acme.example", ""));
    }
}
