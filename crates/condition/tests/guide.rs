//! The guide's policies are what it says they are.

#![cfg(test)]

use doorward_condition::{Kind, check, schema_text};

const GUIDE: &str = include_str!("../../../docs/guide/policies.md");

/// The blocks of a kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    let blocks = GUIDE.split(fence.as_str()).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn its_policies_fit() {
    let policies = blocks("cedar");
    assert!(policies.len() >= 6);
    for text in policies {
        if let Err(faults) = check("guide", text) {
            panic!("{text}\n{}", faults[0]);
        }
    }
}

#[test]
fn what_it_says_is_refused_is() {
    let refused = blocks("cedar-refused");
    assert!(refused.len() >= 2);
    for text in refused {
        assert!(check("guide", text).is_err(), "{text}");
    }
}

#[test]
fn it_names_every_set_and_every_group() {
    for kind in Kind::ALL {
        assert!(GUIDE.contains(&format!("`{}`", kind.field())), "{kind:?}");
    }
    let groups = schema_text()
        .lines()
        .filter_map(|line| line.strip_prefix("action \"")?.strip_suffix("\";"));
    for group in groups.filter(|group| !group.starts_with("tag:")) {
        assert!(GUIDE.contains(&format!("`{group}`")), "{group}");
    }
}
