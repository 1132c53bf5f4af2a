//! What Instantly's audit log has of people and keys.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::activity::Activity as Kind;
use doorward_catalog::wire::AuditLog;
use doorward_policy::Timestamp;

/// Most users, and most keys, that are told apart.
const MOST: usize = 20_000;
/// Most programs of a key that are told apart, and most characters of a name.
const AGENTS_MAX: usize = 16;
const AGENT_CHARS: usize = 64;

/// What Instantly's audit log has of people and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// From when on it was read.
    pub from: Timestamp,
    /// Whether all since then was read.
    pub whole: bool,
    /// How many entries were read.
    pub entries: u64,
    /// By Instantly's ids of users.
    pub users: BTreeMap<String, UserTraces>,
    /// By Instantly's ids of keys.
    pub keys: BTreeMap<String, KeyTraces>,
}

/// What the log has of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserTraces {
    /// The last login.
    pub last_login: Option<Timestamp>,
    /// The last sign that a second factor is in use.
    pub mfa_on: Option<Timestamp>,
    /// When the second factor was switched off last.
    pub mfa_off: Option<Timestamp>,
    /// How often a second factor was wrong.
    pub mfa_failed: u64,
    /// How often it was wrong too many times in a row.
    pub mfa_locked: u64,
}

/// What the log has of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyTraces {
    /// Entries.
    pub entries: u64,
    /// The last of them.
    pub last: Option<Timestamp>,
    /// The programs that used it, as they call themselves up to the first `/` or space; Doorward is none of
    /// them.
    pub programs: BTreeSet<String>,
}

impl Activity {
    /// A log of which nothing was read yet.
    pub fn since(from: Timestamp) -> Self {
        Self {
            from,
            whole: false,
            entries: 0,
            users: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Notes an entry. One whose time can't be read counts and says nothing.
    pub fn add(&mut self, entry: &AuditLog) {
        self.entries += 1;
        let Ok(at) = entry.timestamp.parse::<Timestamp>() else {
            return;
        };
        if let Some(user) = &entry.user_id
            && (self.users.len() < MOST || self.users.contains_key(user))
        {
            self.users
                .entry(user.clone())
                .or_default()
                .add(entry.activity_type, at);
        }
        if let Some(key) = &entry.api_key_id
            && (self.keys.len() < MOST || self.keys.contains_key(key))
        {
            let agent = entry.user_agent.as_deref().unwrap_or_default();
            self.keys.entry(key.clone()).or_default().add(agent, at);
        }
    }
}

fn later(known: &mut Option<Timestamp>, at: Timestamp) {
    *known = (*known).max(Some(at));
}

impl UserTraces {
    fn add(&mut self, kind: Kind, at: Timestamp) {
        match kind {
            Kind::UserLogin => later(&mut self.last_login, at),
            Kind::MfaLoginSucceeded => {
                later(&mut self.last_login, at);
                later(&mut self.mfa_on, at);
            }
            Kind::TotpEnabled | Kind::TotpReplaced | Kind::MfaRecoveryCodeUsed => {
                later(&mut self.mfa_on, at);
            }
            Kind::TotpDisabled => later(&mut self.mfa_off, at),
            Kind::MfaLoginChallengeFailed => {
                self.mfa_failed += 1;
                // Who is asked for one has one.
                later(&mut self.mfa_on, at);
            }
            Kind::MfaLoginChallengeFailedTooManyTimes => {
                self.mfa_locked += 1;
                later(&mut self.mfa_on, at);
            }
            _ => {}
        }
    }

    /// Whether the last that is known of the second factor is that it was switched off.
    pub fn is_mfa_off(&self) -> bool {
        self.mfa_off.is_some() && self.mfa_off >= self.mfa_on
    }
}

impl KeyTraces {
    fn add(&mut self, agent: &str, at: Timestamp) {
        self.entries += 1;
        later(&mut self.last, at);
        let program = agent.split(['/', ' ']).next().unwrap_or_default();
        let program: String = program
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(AGENT_CHARS)
            .collect();
        if !program.is_empty() && program != "doorward" && self.programs.len() < AGENTS_MAX {
            self.programs.insert(program);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(kind: i64, at: &str, agent: &str) -> AuditLog {
        serde_json::from_value(json!({
            "id": "e", "timestamp": at, "organization_id": "o", "activity_type": kind,
            "user_agent": agent, "user_id": "u", "ip_address": "192.0.2.1", "from_api": true,
            "api_key_id": "k",
        }))
        .unwrap()
    }

    #[test]
    fn people_and_programs_are_told_apart() {
        let mut seen = Activity::since(Timestamp::from_seconds(0));
        for (kind, at, agent) in [
            (23, "2026-01-01T00:00:00Z", "Mozilla/5.0 (X11)"),
            (1, "2026-01-02T00:00:00Z", "n8n/1.0"),
            (29, "2026-01-03T00:00:00Z", "doorward/0.1.0 req_1"),
            (26, "2026-01-04T00:00:00Z", ""),
            (1, "not a time", "curl/8"),
        ] {
            seen.add(&entry(kind, at, agent));
        }
        let user = &seen.users["u"];
        assert_eq!(seen.entries, 5);
        assert_eq!(user.last_login, "2026-01-02T00:00:00Z".parse().ok());
        assert_eq!((user.mfa_failed, user.mfa_locked), (1, 0));
        assert!(user.is_mfa_off());
        seen.add(&entry(31, "2026-01-05T00:00:00Z", ""));
        assert!(!seen.users["u"].is_mfa_off());
        let key = &seen.keys["k"];
        assert_eq!(key.entries, 5);
        assert_eq!(Vec::from_iter(&key.programs), ["Mozilla", "n8n"]);
    }
}
