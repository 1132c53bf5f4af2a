//! What trying a key told of it.

use doorward_finding::{Finding, Severity};

/// Whether a key works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alive {
    /// It is taken.
    Yes,
    /// It is taken, and its workspace has no paid plan.
    Unpaid,
    /// It is not taken.
    No,
    /// It can't be told, and why.
    Unknown(String),
}

/// What trying a key told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whether it works.
    pub alive: Alive,
    /// Its scopes as they are spelled there; none where they can't be told.
    pub scopes: Vec<String>,
    /// Whether these are all.
    pub all_scopes: bool,
    /// Which known key it is: its name or id.
    pub key: Option<String>,
    /// When it was used last, as far as is known.
    pub last_used: Option<String>,
    /// What else there is to say.
    pub remarks: Vec<String>,
}

impl Proof {
    /// That it can't be told.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self {
            alive: Alive::Unknown(why.into()),
            scopes: Vec::new(),
            all_scopes: false,
            key: None,
            last_used: None,
            remarks: Vec::new(),
        }
    }

    /// Whether it is known to work.
    pub fn is_alive(&self) -> bool {
        matches!(self.alive, Alive::Yes | Alive::Unpaid)
    }

    /// In one line: `alive, campaigns:all leads:all, key dw-reader-1`.
    pub fn told(&self) -> String {
        let mut parts = vec![match &self.alive {
            Alive::Yes => "alive".to_owned(),
            Alive::Unpaid => "alive, unpaid".to_owned(),
            Alive::No => "dead".to_owned(),
            Alive::Unknown(why) => format!("unknown whether alive: {why}"),
        }];
        if !self.scopes.is_empty() {
            let least = if self.all_scopes { "" } else { "at least " };
            parts.push(format!("{least}{}", self.scopes.join(" ")));
        }
        if let Some(key) = &self.key {
            parts.push(format!("key {key}"));
        }
        if let Some(at) = &self.last_used {
            parts.push(format!("last used {at}"));
        }
        parts.join(", ")
    }

    /// Adds it to a finding. One that works is critical; one that is known to be dead is mild, and still
    /// there.
    pub fn add_to(&self, finding: &mut Finding) {
        finding.severity = match self.alive {
            Alive::Yes | Alive::Unpaid => Severity::Critical,
            Alive::No => Severity::Low,
            Alive::Unknown(_) => finding.severity,
        };
        finding.message.push_str(&format!(": {}", self.told()));
        let alive = match &self.alive {
            Alive::Yes => "alive",
            Alive::Unpaid => "alive, unpaid",
            Alive::No => "dead",
            Alive::Unknown(_) => "unknown",
        };
        let mut add = |name: &str, seen: String| finding.evidence.push((name.to_owned(), seen));
        add("state", alive.to_owned());
        if let Alive::Unknown(why) = &self.alive {
            add("why", why.clone());
        }
        if !self.scopes.is_empty() {
            let name = if self.all_scopes {
                "scopes"
            } else {
                "scopes_at_least"
            };
            add(name, self.scopes.join(" "));
        }
        if let Some(key) = &self.key {
            add("key", key.clone());
        }
        if let Some(at) = &self.last_used {
            add("last_used", at.clone());
        }
        for remark in &self.remarks {
            add("remark", remark.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_finding::{Remedy, Standing};

    #[test]
    fn a_living_key_is_critical_and_a_dead_one_mild() {
        let mut finding = Finding {
            rule: "instantly.upstream-key".to_owned(),
            severity: Severity::High,
            message: "an Instantly API key".to_owned(),
            places: Vec::new(),
            evidence: Vec::new(),
            remedy: Remedy::default(),
            fingerprint: String::new(),
            standing: Standing::Open,
        };
        let mut proof = Proof {
            alive: Alive::Yes,
            scopes: vec!["campaigns:all".to_owned(), "leads:all".to_owned()],
            all_scopes: true,
            key: Some("dw-reader-1".to_owned()),
            last_used: None,
            remarks: Vec::new(),
        };
        assert_eq!(
            proof.told(),
            "alive, campaigns:all leads:all, key dw-reader-1"
        );
        proof.add_to(&mut finding);
        assert_eq!(finding.severity, Severity::Critical);
        proof.alive = Alive::No;
        proof.add_to(&mut finding);
        assert_eq!(finding.severity, Severity::Low);
        Proof::unknown("no answer").add_to(&mut finding);
        assert_eq!(finding.severity, Severity::Low);
    }
}
