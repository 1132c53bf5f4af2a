//! Checks of where secrets are kept, and of what stands where none belongs.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::Environment;
use doorward_finding::{FilePlace, Place};

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::{FileFacts, Folder};

fn file(folder: &Folder, path: &str, line: Option<u64>) -> Place {
    let root = folder.path.trim_end_matches('/');
    Place::File(
        FilePlace {
            path: format!("{root}/{path}"),
            line,
            ..FilePlace::default()
        }
        .into(),
    )
}

/// Judges each configuration file of the folder.
fn each_file(look: &Look<'_>, mut judge: impl FnMut(&Folder, &FileFacts) -> Vec<Fault>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(folder) = verdict.see("", &look.facts.folder) {
        for one in &folder.files {
            for fault in judge(folder, one) {
                verdict.add(fault);
            }
        }
        if let Some(why) = &folder.cut_short {
            verdict.miss(&folder.path, why);
        }
    }
    verdict
}

pub(super) fn plain_configuration(look: &Look<'_>) -> Verdict {
    each_file(look, |folder, one| {
        // A .env file is where values may stand.
        let secrets = one.secrets.iter().filter(|_| !one.is_env);
        let faults = secrets.map(|secret| {
            let message = format!("{} stands in {}", secret.kind, one.path);
            Fault::at(file(folder, &one.path, Some(secret.line)), message)
                .saw("what", &secret.kind)
                .mend("set", [])
        });
        faults.collect()
    })
}

pub(super) fn world_readable(look: &Look<'_>) -> Verdict {
    let mut verdict = each_file(look, |folder, one| {
        if !one.read_by_all || one.secrets.is_empty() {
            return vec![];
        }
        let message = format!(
            "everybody on the machine can read {}, which holds a secret",
            one.path
        );
        let place = file(folder, &one.path, None);
        let path = format!("{}/{}", folder.path.trim_end_matches('/'), one.path);
        vec![Fault::at(place, message).mend("chmod", [("path", &path)])]
    });
    if let Some(secrets) = verdict.see("", &look.facts.secrets) {
        for secret in secrets {
            let Some(path) = &secret.read_by_all else {
                continue;
            };
            let message = format!("everybody on the machine can read {}", secret.reference);
            let place = thing("secret", &secret.reference, None, "");
            verdict.add(
                Fault::at(place, message)
                    .saw("used by", secret.used_by.join(", "))
                    .mend("chmod", [("path", path)]),
            );
        }
    }
    verdict
}

pub(super) fn tracked_env(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(folder) = verdict.see("", &look.facts.folder) else {
        return verdict;
    };
    let Some(repository) = verdict.see(&folder.path, &folder.repository) else {
        return verdict;
    };
    let Some(repository) = repository else {
        return Verdict::not_applicable("the folder is in no repository");
    };
    for path in &repository.tracked {
        let message = format!("{path} is in the repository");
        let place = file(folder, path, None);
        verdict.add(Fault::at(place, message).mend("untrack", [("path", path)]));
    }
    verdict
}

pub(super) fn gitignore(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(folder) = verdict.see("", &look.facts.folder) else {
        return verdict;
    };
    let Some(repository) = verdict.see(&folder.path, &folder.repository) else {
        return verdict;
    };
    let Some(repository) = repository else {
        return Verdict::not_applicable("the folder is in no repository");
    };
    if !repository.not_ignored.is_empty() {
        let names = &repository.not_ignored;
        let message = format!("the repository does not ignore {}", names.join(", "));
        let place = file(folder, ".gitignore", None);
        let names = names.join(" ");
        verdict.add(Fault::at(place, message).mend("ignore", [("names", &names)]));
    }
    verdict
}

pub(super) fn provider_unreachable(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(secrets) = verdict.see("", &look.facts.secrets) {
        for secret in secrets {
            let Some(fault) = &secret.fault else { continue };
            let message = format!("{} can't be read", secret.reference);
            let place = thing("secret", &secret.reference, None, "");
            verdict.add(
                Fault::at(place, message)
                    .saw("why", fault)
                    .saw("used by", secret.used_by.join(", "))
                    .mend("check", [("reference", &secret.reference)]),
            );
        }
    }
    verdict
}

/// Whether every use is of some environments and none is of another's: two that share none.
fn apart(one: &BTreeSet<Environment>, other: &BTreeSet<Environment>) -> bool {
    !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
}

pub(super) fn across_environments(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(secrets) = verdict.see("", &look.facts.secrets) else {
        return verdict;
    };
    let mut same: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for secret in secrets {
        if let Some(fingerprint) = &secret.fingerprint {
            same.entry(fingerprint).or_default().push(secret);
        } else if secret.fault.is_some() {
            verdict.miss(
                &secret.reference,
                "it can't be read, so that nothing is known of its value",
            );
        }
    }
    for all in same.into_values() {
        let Some((first, rest)) = all.split_first() else {
            continue;
        };
        let other = rest
            .iter()
            .find(|other| apart(&first.environments, &other.environments));
        let Some(other) = other else { continue };
        let named = |environments: &BTreeSet<Environment>| {
            let names = environments.iter().map(|it| it.as_str());
            names.collect::<Vec<_>>().join(" and ")
        };
        let message = format!(
            "{} of {} and {} of {} are one key",
            first.reference,
            named(&first.environments),
            other.reference,
            named(&other.environments)
        );
        let place = thing("secret", &first.reference, None, "");
        verdict.add(
            Fault::at(place, message)
                .saw("used by", first.used_by.join(", "))
                .saw("and by", other.used_by.join(", "))
                .mend("check", []),
        );
    }
    verdict
}

pub(super) fn production_in_development(look: &Look<'_>) -> Verdict {
    let production: BTreeSet<&str> = production(look);
    let mut verdict = each_file(look, |folder, one| {
        if one.environment != Some(Environment::Development) {
            return vec![];
        }
        let secrets = one.secrets.iter().filter(|secret| {
            secret.environment == Some(Environment::Production)
                || production.contains(secret.fingerprint.as_str())
        });
        let faults = secrets.map(|secret| {
            let message = format!("{} of production stands in {}", secret.kind, one.path);
            let place = file(folder, &one.path, Some(secret.line));
            Fault::at(place, message).mend("sandbox", [])
        });
        faults.collect()
    });
    let _ = verdict.see("", &look.facts.secrets);
    verdict
}

/// What is known of production's secrets: those that production alone uses, and those in its files.
fn production<'a>(look: &Look<'a>) -> BTreeSet<&'a str> {
    let secrets = look.facts.secrets.looked().into_iter().flatten();
    let used = secrets
        .filter(|secret| secret.environments.contains(&Environment::Production))
        .filter_map(|secret| secret.fingerprint.as_deref());
    let files = look.facts.folder.looked().into_iter();
    let files = files.flat_map(|folder| &folder.files);
    let files = files.filter(|one| one.environment == Some(Environment::Production));
    let written = files.flat_map(|one| &one.secrets);
    used.chain(written.map(|secret| secret.fingerprint.as_str()))
        .collect()
}
