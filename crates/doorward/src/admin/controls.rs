//! Changes to what is set for a client beside its grant.

use std::collections::BTreeSet;
use std::str::FromStr;

use doorward_pace::Class;
use doorward_store::Controls;
use doorward_veil::Rule;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A limit, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Limit {
    /// As much as the workspace has.
    None,
    /// This many.
    Most(u32),
}

impl Limit {
    fn most(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Most(most) => Some(most),
        }
    }
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "none" => Ok(Self::None),
            Ok(most) if most > 0 => Ok(Self::Most(most)),
            _ => Err("write a number from 1 on, or none; to stop a client, disable it"),
        }
    }
}

/// What to set; what is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ControlsChange {
    /// How urgent its calls are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<Class>,
    /// Its share of the pace among the clients of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<u32>,
    /// Calls in any second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_second: Option<Limit>,
    /// Calls in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_day: Option<Limit>,
    /// Leads written in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) leads_per_day: Option<Limit>,
    /// Calls under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency: Option<Limit>,
    /// The networks it may call from, all of them; with none, from anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sources: Option<BTreeSet<IpNet>>,
    /// What is redacted of the answers to it, all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redact: Option<Vec<Rule>>,
}

impl ControlsChange {
    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The controls with what is said set.
    pub(super) fn of(&self, mut controls: Controls) -> Controls {
        let set = |limit: &mut Option<u32>, said: Option<Limit>| {
            if let Some(said) = said {
                *limit = said.most();
            }
        };
        set(&mut controls.per_second, self.per_second);
        set(&mut controls.per_day, self.per_day);
        set(&mut controls.leads_per_day, self.leads_per_day);
        set(&mut controls.concurrency, self.concurrency);
        controls.class = self.class.unwrap_or(controls.class);
        controls.weight = self.weight.unwrap_or(controls.weight);
        if let Some(sources) = &self.sources {
            controls.sources.clone_from(sources);
        }
        if let Some(redact) = &self.redact {
            controls.redact.clone_from(redact);
        }
        controls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_changes_and_none_clears() {
        let before: Controls = serde_json::from_str(
            r#"{"class":"batch","weight":5,"per_second":3,"per_day":9,"sources":["10.0.0.0/8"],"redact":[{"class":"email","action":"mask"}]}"#,
        )
        .unwrap();
        assert_eq!(ControlsChange::default().of(before.clone()), before);
        let change = ControlsChange {
            per_second: Some("none".parse().unwrap()),
            concurrency: Some("4".parse().unwrap()),
            sources: Some(BTreeSet::new()),
            ..ControlsChange::default()
        };
        let wire = serde_json::to_string(&change).unwrap();
        assert_eq!(
            wire,
            r#"{"per_second":"none","concurrency":{"most":4},"sources":[]}"#
        );
        let after = serde_json::from_str::<ControlsChange>(&wire)
            .unwrap()
            .of(before);
        assert_eq!(
            serde_json::to_string(&after).unwrap(),
            r#"{"class":"batch","weight":5,"per_day":9,"concurrency":4,"redact":[{"class":"email","action":"mask"}]}"#
        );
        for bad in ["0", "-1", "", "all", "5000000000"] {
            assert!(bad.parse::<Limit>().is_err(), "{bad}");
        }
    }
}
