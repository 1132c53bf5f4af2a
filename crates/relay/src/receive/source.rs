//! Sources, as the door knows them.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use doorward_webhook::{SchemeFault, Schemes};
use ipnet::IpNet;

use super::observe::Counts;
use crate::intake::Of;

/// What a source is made of.
#[derive(Debug, Clone)]
pub struct SourceParts {
    /// What its path ends with.
    pub name: String,
    /// What events know it by.
    pub number: i64,
    /// Instantly's id of its workspace.
    pub workspace: String,
    /// How a delivery proves itself. Not empty: that is a type of its own.
    pub schemes: Schemes,
    /// The networks that deliveries may come from; any when there are none.
    pub allow: Vec<IpNet>,
}

/// Where deliveries of a subscription come in.
pub struct Source {
    pub(super) parts: SourceParts,
    pub(super) counts: Arc<Counts>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.parts.name)
    }
}

impl Source {
    /// Whose its events are.
    pub(super) fn of(&self) -> Of<'_> {
        Of {
            source: self.parts.number,
            workspace: &self.parts.workspace,
        }
    }

    /// Whether deliveries may come from there.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let allow = &self.parts.allow;
        allow.is_empty() || allow.iter().any(|network| network.contains(&address))
    }
}

/// A source that takes nothing for now: whoever sends to it is asked to send again later.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClosedSource {
    /// What its path ends with.
    pub name: String,
    /// What events know it by.
    pub number: i64,
}

/// All sources, by the names in their paths.
#[derive(Debug, Default)]
pub struct Sources {
    open: HashMap<String, Arc<Source>>,
    closed: HashMap<String, Arc<Counts>>,
}

impl Sources {
    /// Those that there are from now on. What was counted of a source that stays goes on.
    pub(super) fn follow(&self, parts: Vec<SourceParts>, closed: Vec<ClosedSource>) -> Self {
        let by_number: HashMap<i64, &Arc<Source>> = self
            .open
            .values()
            .map(|source| (source.parts.number, source))
            .collect();
        let counts_of = |number: i64, name: &str| {
            let known = by_number.get(&number).map(|known| &known.counts);
            let known = known.or_else(|| self.closed.get(name));
            known.map(Arc::clone).unwrap_or_default()
        };
        let open = parts.into_iter().map(|parts| {
            let counts = counts_of(parts.number, &parts.name);
            (parts.name.clone(), Arc::new(Source { parts, counts }))
        });
        let closed = closed.into_iter().map(|one| {
            let counts = counts_of(one.number, &one.name);
            (one.name, counts)
        });
        Self {
            open: open.collect(),
            closed: closed.collect(),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<Source>> {
        self.open.get(name)
    }

    /// What is counted of one that is closed.
    pub(super) fn closed(&self, name: &str) -> Option<&Arc<Counts>> {
        self.closed.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.open.values()
    }
}

/// What is asked when there is no such source, so that it takes the same time.
pub(super) fn decoy(random: &[u8; 32]) -> Result<Schemes, SchemeFault> {
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let way = doorward_webhook::Way::Header {
        name: "x-webhook-secret".to_owned(),
    };
    Schemes::new(vec![doorward_webhook::Scheme::new(&way, &[digits.into()])?])
}
