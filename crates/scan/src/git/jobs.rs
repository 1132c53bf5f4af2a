//! What is to be told of, and what leads to it.

use std::collections::{HashMap, HashSet};

use super::{
    history::Found,
    report::Job,
    store::{Number, Objects},
    tips::Tips,
    trace::{Commits, Events, Reduced, TagRow},
};

/// What is to be told.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) all: Vec<Job>,
    /// Secrets that are told of already: what leads to them next is not told.
    told: HashSet<super::sweep::Seen>,
}

impl Jobs {
    /// Secrets at paths of commits.
    pub(crate) fn standing(
        &mut self,
        events: &Events,
        commits: &Commits,
        objects: &Objects,
        found: &Found,
    ) {
        let before = self.told.clone();
        for standing in &events.all {
            let blob = found.blobs.get(standing.blob as usize);
            let (Some((blob, _)), false) = (blob, before.contains(&standing.secret)) else {
                continue;
            };
            let last = (!standing.present).then(|| objects.id(commits.number(standing.last)));
            self.told.insert(standing.secret);
            self.all.push(Job {
                blob: *blob,
                secret: standing.secret,
                path: Some(standing.path.clone()),
                name: None,
                introduced: objects.id(commits.number(standing.introduced)),
                last: last.flatten(),
            });
        }
    }

    /// Secrets that a ref leads to without a commit.
    pub(crate) fn of_refs(
        &mut self,
        ends: &Ends,
        reduced: &Reduced,
        objects: &Objects,
        found: &Found,
    ) {
        /// How many blobs of one such tree are told.
        const ROOM: usize = 10_000;
        for (number, name) in &ends.others {
            if let Some(id) = objects.id(*number)
                && let Ok(at) = found.blobs.binary_search_by_key(&id, |(id, _)| *id)
            {
                self.blob(found, at, None, Some(name.clone()));
            }
            for change in reduced.whole(reduced.shape(*number), ROOM) {
                let path = reduced.path(&change.path);
                self.blob(
                    found,
                    change.new.unwrap_or_default() as usize,
                    Some(path),
                    None,
                );
            }
        }
    }

    /// Secrets in blobs that nothing leads to.
    pub(crate) fn by_themselves(&mut self, found: &Found) {
        for at in 0..found.blobs.len() {
            self.blob(found, at, None, None);
        }
    }

    fn blob(&mut self, found: &Found, at: usize, path: Option<String>, name: Option<String>) {
        let Some((blob, secrets)) = found.blobs.get(at) else {
            return;
        };
        for secret in secrets {
            if self.told.insert(*secret) {
                self.all.push(Job {
                    blob: *blob,
                    secret: *secret,
                    path: path.clone(),
                    name: name.clone(),
                    introduced: None,
                    last: None,
                });
            }
        }
    }
}

/// What the tips lead to.
pub(crate) struct Ends {
    /// Places among the commits.
    pub(crate) commits: Vec<u32>,
    /// Tags that are objects.
    pub(crate) tags: Vec<Number>,
    /// Other objects, with the ref that leads to them.
    pub(crate) others: Vec<(Number, String)>,
}

impl Ends {
    pub(crate) fn of(tips: &Tips, objects: &Objects, commits: &Commits, tags: &[TagRow]) -> Self {
        /// The most tags of tags that are followed.
        const TAGS: usize = 64;
        let targets: HashMap<Number, Number> =
            tags.iter().map(|row| (row.tag, row.target)).collect();
        let mut ends = Self {
            commits: Vec::new(),
            tags: Vec::new(),
            others: Vec::new(),
        };
        for tip in &tips.all {
            let Some(mut number) = objects.number(&tip.id) else {
                continue;
            };
            for _ in 0..TAGS {
                match targets.get(&number) {
                    Some(target) => {
                        ends.tags.push(number);
                        number = *target;
                    }
                    None => break,
                }
            }
            match commits.find(number) {
                Some(place) => ends.commits.push(place),
                None => ends.others.push((number, tip.name.clone())),
            }
        }
        ends.commits.sort_unstable();
        ends.commits.dedup();
        ends.tags.sort_unstable();
        ends
    }
}
