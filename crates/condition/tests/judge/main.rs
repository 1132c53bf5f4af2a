//! How requests are judged, and what tries to get by.

#![cfg(test)]

/// A text that lives as long as the tests.
macro_rules! text {
    ($($arg:tt)*) => {
        &*Box::leak(format!($($arg)*).into_boxed_str())
    };
}

mod context;
mod lists;
mod stored;
mod ways;

use doorward_catalog::{Environment, Op};
use doorward_condition::{Asked, Asker, Day, Policies, PolicyText, check, schema_digest};
use doorward_policy::{Judgement, Timestamp, WorkspaceKind};

const OWN: &str = "0195c1a0-0000-7000-8000-000000000001";
const OTHER: &str = "0195c1a0-0000-7000-8000-00000000000f";
/// A Friday, 08:00 UTC.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

const ASKER: Asker<'static> = Asker {
    name: "importer",
    environment: Environment::Production,
    owner: "Ann",
    purpose: "imports",
    workspace: "acme",
    workspace_kind: WorkspaceKind::Live,
};

fn asked(op: Op) -> Asked<'static> {
    Asked {
        op,
        parameter: None,
        query: "",
        body: b"",
        source: [10, 0, 0, 1].into(),
        as_workspace: None,
        now: NOW,
        today: Day::default(),
    }
}

fn policies(texts: &[(&str, &str)]) -> Policies {
    for (name, text) in texts {
        if let Err(faults) = check(name, text) {
            panic!("{name}: {}", faults[0]);
        }
    }
    let texts = texts.iter().map(|(name, text)| PolicyText {
        name,
        text,
        schema: schema_digest(),
    });
    Policies::read(texts, None)
}

fn own() -> Policies {
    let text = format!(
        "forbid (principal, action, resource) unless {{ [\"{OWN}\"].containsAll(context.campaigns) }};"
    );
    policies(&[("own", &text)])
}

fn verdict(policies: &Policies, asked: Asked<'_>) -> String {
    let asker = ASKER;
    match policies.judge(&asker, asked).judgement() {
        Judgement::Allow => "allow".to_owned(),
        Judgement::Deny(name) => format!("deny {name}"),
        Judgement::NeedsApproval(name) => format!("approval {name}"),
        Judgement::Failed(name) => format!("failed {name}"),
        other => panic!("{other:?}"),
    }
}

fn body(op: Op, text: &str) -> Asked<'_> {
    Asked {
        body: text.as_bytes(),
        ..asked(op)
    }
}
