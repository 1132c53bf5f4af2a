//! Checks of keys by what they are.

use doorward_catalog::{Op, Scope};
use doorward_finding::Severity;

use super::keys_of::{Key, held_of, keys_of, may_be};
use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::WorkspaceFacts;
use crate::thresholds::days;

/// What is said of keys that nobody holds and Instantly lists none of.
pub(super) const NO_KEYS: &str = "there is no key";
/// A revocation that goes well takes less, ms.
const OWED_FROM: i64 = 3_600_000;
/// Names that say nothing, without digits and what is between words.
const MEANINGLESS: [&str; 18] = [
    "",
    "a",
    "api",
    "apikey",
    "default",
    "foo",
    "instantly",
    "key",
    "mykey",
    "my",
    "new",
    "newkey",
    "notshown",
    "temp",
    "test",
    "testkey",
    "tmp",
    "untitled",
];

/// Judges each key of each workspace.
pub(super) fn each_key(
    look: &Look<'_>,
    mut judge: impl FnMut(&WorkspaceFacts, Key<'_>, &mut Verdict) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for key in keys_of(workspace, &mut verdict) {
            if let Some(fault) = judge(workspace, key, &mut verdict) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked(NO_KEYS)
}

impl Fault {
    /// The same, mended by narrowing a key that is held, or by revoking another.
    pub(super) fn narrow_or_revoke(self, key: Key<'_>, workspace: &WorkspaceFacts) -> Self {
        let workspace = workspace.name.as_str();
        match key.held {
            Some(held) => self.mend("shrink", [("name", &held.name), ("workspace", workspace)]),
            None => self.mend("revoke", [("id", key.id()), ("workspace", workspace)]),
        }
    }
}

pub(super) fn wildcard(look: &Look<'_>) -> Verdict {
    each_key(look, |workspace, key, verdict| {
        let Some(scopes) = key.scopes() else {
            let why = format!("the scopes of the key '{}' are not known", key.name());
            verdict.miss(&workspace.name, &why);
            return None;
        };
        let wide = |scope: &&String| match Scope::parse(scope) {
            Ok(scope) => scope.is_wildcard(),
            Err(_) => scope.starts_with("all:"),
        };
        let wide: Vec<&str> = scopes.iter().filter(wide).map(String::as_str).collect();
        if wide.is_empty() {
            return None;
        }
        let message = format!("the key '{}' has {}", key.name(), wide.join(", "));
        let fault = Fault::at(key.place(), message)
            .saw("scopes", wide.join(", "))
            .narrow_or_revoke(key, workspace);
        Some(match wide.contains(&"all:all") {
            true => fault.severity(Severity::Critical),
            false => fault,
        })
    })
}

pub(super) fn over_age(look: &Look<'_>) -> Verdict {
    each_key(look, |workspace, key, _| {
        let made = key.made_at()?;
        let most = match key.held {
            Some(held) => held.rotate_every?,
            None => days(look.thresholds.key_days),
        };
        let age = look.now.millis_since(made);
        if age < most {
            return None;
        }
        let (age, most) = (age / days(1), most / days(1));
        let message = format!(
            "the key '{}' is {age} days old; its schedule has {most}",
            key.name()
        );
        let fault = Fault::at(key.place(), message).saw("made", made);
        let workspace = workspace.name.as_str();
        Some(match key.held {
            Some(held) => fault.mend("rotate", [("name", &held.name), ("workspace", workspace)]),
            None => fault.mend("revoke", [("id", key.id()), ("workspace", workspace)]),
        })
    })
}

pub(super) fn unknown(look: &Look<'_>) -> Verdict {
    each_key(look, |workspace, key, verdict| {
        let (Some(listed), None) = (key.listed, key.held) else {
            return None;
        };
        if let Some(held) = may_be(workspace, listed) {
            let why = format!(
                "whether the listed key '{}' ({}) is '{}' can't be told: say so with `doorward \
                 upstream adopt {} --id ID --workspace {}`",
                listed.name, listed.id, held.name, held.name, workspace.name
            );
            verdict.miss("", &why);
            return None;
        }
        let message = format!(
            "Instantly lists the key '{}', which Doorward does not hold",
            listed.name
        );
        let fault = Fault::at(key.place(), message).saw("scopes", listed.scopes.join(", "));
        let fault = match listed.created_at {
            Some(made) => fault.saw("made", made),
            None => fault,
        };
        Some(fault.mend(
            "revoke",
            [("id", &listed.id), ("workspace", &workspace.name)],
        ))
    })
}

pub(super) fn no_owner(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for (held, _) in held_of(workspace, &mut verdict) {
            if held
                .owner
                .as_ref()
                .is_some_and(|owner| !owner.trim().is_empty())
            {
                continue;
            }
            let message = format!("nobody answers for the key '{}'", held.name);
            let place = thing("api_key", &held.id, Some(&held.name), &workspace.name);
            let with = [("name", held.name.as_str()), ("workspace", &workspace.name)];
            verdict.add(Fault::at(place, message).mend("adopt", with));
        }
    }
    verdict.unless_looked("Doorward holds no key")
}

pub(super) fn management_rotated(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for (held, key) in held_of(workspace, &mut verdict) {
            let scopes = key.scope_set();
            if held.manages || !(scopes.covers(Op::CreateAPIKey) && scopes.covers(Op::DeleteAPIKey))
            {
                continue;
            }
            let message = format!(
                "calls go out under '{}', which can make and delete the workspace's keys",
                held.name
            );
            let with = [("name", held.name.as_str()), ("workspace", &workspace.name)];
            verdict.add(Fault::at(key.place(), message).mend("shrink", with));
        }
    }
    verdict.unless_looked("Doorward holds no key")
}

pub(super) fn meaningless_name(look: &Look<'_>) -> Verdict {
    each_key(look, |workspace, key, _| {
        let name = key
            .listed
            .map_or_else(|| key.name(), |key| key.name.as_str());
        if !says_nothing(name) {
            return None;
        }
        let message = format!("the name of the key '{name}' does not say what it is for");
        let fault = Fault::at(key.place(), message);
        let workspace = workspace.name.as_str();
        Some(match key.held {
            Some(held) => fault.mend("rotate", [("name", &held.name), ("workspace", workspace)]),
            None => fault.mend("revoke", [("id", key.id()), ("workspace", workspace)]),
        })
    })
}

fn says_nothing(name: &str) -> bool {
    let letters = name.chars().filter(|c| c.is_alphabetic());
    let letters = letters.flat_map(char::to_lowercase).collect::<String>();
    MEANINGLESS.contains(&letters.as_str())
}

pub(super) fn revocation_owed(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        verdict.looked();
        for owed in &workspace.owed {
            let since = look.now.millis_since(owed.since);
            if since < OWED_FROM && owed.tries == 0 {
                continue;
            }
            let by = if owed.rotation {
                "rotation"
            } else {
                "revocation"
            };
            let message = format!(
                "a {by} is at `{}` for {} hours, and the key is not dead yet",
                owed.step,
                since / 3_600_000
            );
            let id = owed.api_key_id.as_deref().unwrap_or(&owed.id);
            let fault = Fault::at(thing("api_key", id, None, &workspace.name), message)
                .saw(by, &owed.id)
                .saw("failed tries", owed.tries);
            verdict.add(fault.mend("resume", [("id", &owed.id)]));
        }
    }
    verdict.unless_looked("there is no workspace")
}

#[cfg(test)]
mod tests {
    use super::says_nothing;

    #[test]
    fn names_that_say_nothing_are_told_from_those_that_do() {
        for name in [
            "",
            "Key 2",
            "test-1",
            "API KEY",
            "new_key",
            "(not shown)",
            "17",
            "My Key",
        ] {
            assert!(says_nothing(name), "{name}");
        }
        for name in [
            "crm",
            "lead-import",
            "key-rotation",
            "zapier",
            "Schlüssel fürs CRM",
        ] {
            assert!(!says_nothing(name), "{name}");
        }
    }
}
