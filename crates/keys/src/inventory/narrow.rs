//! The scopes that a key was used for, and no others.

use std::collections::BTreeMap;

use doorward_catalog::{Op, OpSet, Scope, ScopeSet};
use serde::{Deserialize, Serialize};

use super::sources::{Act, Uses};

/// What is known of how a key is used.
#[derive(Debug, Clone, Default)]
pub struct Evidence<'a> {
    /// Calls through Doorward.
    pub uses: Uses,
    /// Acts that Instantly's log has and Doorward did not do.
    pub outside: BTreeMap<String, Act>,
    /// What Doorward itself needs the key for, and in words.
    pub own: Vec<(&'a str, OpSet)>,
    /// Scopes that the API asked for where the catalog knows others.
    pub asked: BTreeMap<Op, ScopeSet>,
}

/// A scope that is kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The scope.
    pub scope: Scope,
    /// Calls through Doorward that need it.
    pub calls: u64,
    /// Records of Instantly's log that may need it.
    pub records: u64,
    /// What Doorward itself needs it for.
    pub own: Vec<String>,
    /// Whether it is there to be safe: no catalogued scope covers what was called.
    pub to_be_safe: bool,
}

/// A narrower set of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// What is kept.
    pub kept: Vec<Kept>,
    /// What goes: of the scopes that the key has, those that are not kept as they are.
    pub dropped: ScopeSet,
    /// The scopes of the narrower key.
    pub scopes: ScopeSet,
    /// Acts of Instantly's log that may also have needed a wildcard, which is not kept for that.
    pub doubts: BTreeMap<String, Scope>,
}

/// Why there is no narrower set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNarrowed {
    /// Nothing is known to use it.
    #[error("it was used for nothing in that time: revoke it rather, or look back further")]
    Unused,
    /// It has just what it was used for.
    #[error("every scope that it has was used")]
    AllUsed,
}

/// The least scopes that cover what the key was used for. Each of them is covered by those that it has.
///
/// # Errors
/// When nothing used it, or nothing can go.
pub fn narrow(granted: ScopeSet, evidence: &Evidence<'_>) -> Result<Narrowed, NotNarrowed> {
    let mut found: BTreeMap<Scope, Kept> = BTreeMap::new();
    let mut keep = |scope: Scope, with: &dyn Fn(&mut Kept)| {
        let kept = found.entry(scope).or_insert(Kept {
            scope,
            calls: 0,
            records: 0,
            own: vec![],
            to_be_safe: false,
        });
        with(kept);
    };
    for (op, count) in evidence.uses.iter() {
        let calls = |kept: &mut Kept| kept.calls = kept.calls.saturating_add(count.calls);
        let asked = evidence.asked.get(&op).copied().unwrap_or_default();
        let asked: Vec<Scope> = asked
            .iter()
            .filter_map(|scope| least(granted, scope))
            .collect();
        match least(granted, op.facts().scope) {
            Some(scope) => keep(scope, &calls),
            // It was called, so the API takes another scope for it than is known.
            None if asked.is_empty() => {
                let near = |scope: &Scope| {
                    scope.is_wildcard() || scope.resource == op.facts().scope.resource
                };
                let mut safe: Vec<Scope> = granted.iter().filter(near).collect();
                if safe.is_empty() {
                    safe = granted.iter().collect();
                }
                for scope in safe {
                    keep(scope, &|kept| {
                        calls(kept);
                        kept.to_be_safe = true;
                    });
                }
            }
            None => {}
        }
        for scope in asked {
            keep(scope, &calls);
        }
    }
    let mut doubts = BTreeMap::new();
    for (what, act) in &evidence.outside {
        let mut scopes: Vec<Scope> = act
            .could
            .iter()
            .filter_map(|op| least(granted, op.facts().scope))
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        // What may have needed a wildcard, and a scope as well, is no reason to keep everything.
        if scopes.iter().any(|scope| !scope.is_wildcard()) {
            let wide = scopes.extract_if(.., |scope| scope.is_wildcard());
            doubts.extend(wide.map(|scope| (what.clone(), scope)));
        }
        for scope in scopes {
            keep(scope, &|kept| {
                kept.records = kept.records.saturating_add(act.count.calls);
            });
        }
    }
    for (what, ops) in &evidence.own {
        for op in ops.iter() {
            let Some(scope) = least(granted, op.facts().scope) else {
                continue;
            };
            keep(scope, &|kept| {
                if !kept.own.iter().any(|known| known == what) {
                    kept.own.push((*what).to_owned());
                }
            });
        }
    }
    finish(granted, found).map(|narrowed| Narrowed { doubts, ..narrowed })
}

/// Without those that a wider one covers that is kept too.
fn finish(granted: ScopeSet, mut found: BTreeMap<Scope, Kept>) -> Result<Narrowed, NotNarrowed> {
    let all: ScopeSet = found.keys().copied().collect();
    let wider = |scope: Scope| {
        let mut accepted = scope.accepted().into_iter();
        accepted.find(|other| *other != scope && all.contains(*other))
    };
    for scope in all.iter() {
        let Some(over) = wider(scope) else { continue };
        let Some(gone) = found.remove(&scope) else {
            continue;
        };
        // The one over it may be covered in its turn; what it counts is handed on then.
        let heir = found.get_mut(&over);
        match heir {
            Some(heir) => heir.take(gone),
            None => {
                let last = wider(over).and_then(|last| found.get_mut(&last));
                if let Some(last) = last {
                    last.take(gone);
                }
            }
        }
    }
    if found.is_empty() {
        return Err(NotNarrowed::Unused);
    }
    let scopes: ScopeSet = found.keys().copied().collect();
    if granted.iter().all(|scope| scopes.covers_scope(scope)) {
        return Err(NotNarrowed::AllUsed);
    }
    Ok(Narrowed {
        kept: found.into_values().collect(),
        dropped: granted.difference(scopes),
        scopes,
        doubts: BTreeMap::new(),
    })
}

impl Kept {
    fn take(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.records = self.records.saturating_add(other.records);
        for what in other.own {
            if !self.own.contains(&what) {
                self.own.push(what);
            }
        }
        self.to_be_safe |= other.to_be_safe;
    }
}

/// The narrowest scope that a key can be given, that covers what asks for `wanted`, and that is
/// covered by `granted`.
fn least(granted: ScopeSet, wanted: Scope) -> Option<Scope> {
    let mut accepted = wanted.accepted().into_iter();
    accepted.find(|scope| scope.is_assignable() && granted.covers_scope(*scope))
}
