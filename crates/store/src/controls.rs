//! What is set for a client beside its grant: how fast, from where, what it sees.

use std::collections::BTreeSet;

use doorward_pace::Class;
use doorward_veil::{Redactor, Rule};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};

/// Most networks that a client may call from.
const SOURCES_MAX: usize = 64;
/// Greatest weight of a client.
const WEIGHT_MAX: u32 = 1_000;

/// What is set for a client beside its grant. The default sets nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Controls {
    /// How urgent its calls are.
    #[serde(skip_serializing_if = "is_default")]
    pub class: Class,
    /// Its share of the pace among the clients of its class, 1 to 1,000.
    #[serde(skip_serializing_if = "is_one")]
    pub weight: u32,
    /// Most calls in any second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
    /// Most calls in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
    /// Most leads written in a day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_per_day: Option<u32>,
    /// Most calls under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// The networks that it may call from; with none, from anywhere.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub sources: BTreeSet<IpNet>,
    /// What is redacted of the answers to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Rule>,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            class: Class::Default,
            weight: 1,
            per_second: None,
            per_day: None,
            leads_per_day: None,
            concurrency: None,
            sources: BTreeSet::new(),
            redact: Vec::new(),
        }
    }
}

impl Controls {
    /// Whether the values fit.
    ///
    /// # Errors
    /// [`StoreError::Field`], with what would be right.
    pub(crate) fn check(&self) -> Result<()> {
        let limits = [
            self.per_second,
            self.per_day,
            self.leads_per_day,
            self.concurrency,
        ];
        let (field, fault) = if !(1..=WEIGHT_MAX).contains(&self.weight) {
            ("weight", "must be from 1 to 1000")
        } else if limits.contains(&Some(0)) {
            ("limits", "must be 1 or more; to stop a client, disable it")
        } else if self.sources.len() > SOURCES_MAX {
            ("sources", "are more than 64 networks")
        } else if Redactor::new(&self.redact, &[0; 32]).is_err() {
            (
                "redaction rules",
                "have a JSON pointer that is none, or are too many",
            )
        } else {
            return Ok(());
        };
        Err(StoreError::Field {
            field: format!("the client's {field}"),
            fault,
        })
    }
}

fn is_default(class: &Class) -> bool {
    *class == Class::Default
}

fn is_one(weight: &u32) -> bool {
    *weight == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_short_and_strict() {
        assert_eq!(serde_json::to_string(&Controls::default()).unwrap(), "{}");
        let text = r#"{"class":"batch","weight":5,"per_second":3,"sources":["10.0.0.0/8"],"redact":[{"class":"email","action":"mask"},{"pointer":"/items/*/phone","action":"drop"}]}"#;
        let controls: Controls = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&controls).unwrap(), text);
        controls.check().unwrap();
        assert!(serde_json::from_str::<Controls>(r#"{"per_sec":3}"#).is_err());
        for bad in [
            r#"{"weight":0}"#,
            r#"{"weight":1001}"#,
            r#"{"per_day":0}"#,
            r#"{"redact":[{"pointer":"items","action":"drop"}]}"#,
        ] {
            let controls: Controls = serde_json::from_str(bad).unwrap();
            assert!(controls.check().is_err(), "{bad}");
        }
    }
}
