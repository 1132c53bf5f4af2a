//! Between what is remembered in a file and what a scan works with.

use std::collections::HashMap;

use gix::ObjectId;
use ring::digest::{Context, SHA256};

use super::{
    HistoryOptions, Repository,
    history::Found,
    memory::{Memory, PackMark, Spot, Told, hex, id, kind, letter},
    passes::{Passes, Past},
    report::{Job, Reporter},
    store::Objects,
    sweep::Seen,
    tips::Tips,
    trail::Trail,
};

/// What is remembered, with its secrets looked at again.
#[derive(Default)]
pub(crate) struct Recalled {
    past: Past,
    pub(crate) blobs: Vec<(ObjectId, Box<[Seen]>)>,
    pub(crate) messages: Vec<(ObjectId, Box<[Seen]>)>,
    pub(crate) skipped: Vec<(String, String)>,
    pub(crate) state: String,
    pub(crate) trail: Trail,
}

type Held = Vec<(ObjectId, Box<[Seen]>)>;

impl Recalled {
    /// Takes up a memory; `None` if it does not fit what is here.
    pub(crate) fn of(
        memory: Memory,
        objects: &Objects,
        reporter: &mut Reporter<'_>,
    ) -> Option<Self> {
        let is_here = |held: &Held| -> Held {
            let here = held.iter().filter(|(id, _)| objects.number(id).is_some());
            here.cloned().collect()
        };
        let groups = groups(&memory.groups, reporter)?;
        let held = |list: &[(String, Vec<u32>)]| -> Option<Held> {
            let one = |(hex, of): &(String, Vec<u32>)| {
                let of = of.iter().map(|group| groups.get(*group as usize).copied());
                Some((id(hex)?, of.collect::<Option<_>>()?))
            };
            list.iter().map(one).collect()
        };
        let (blobs, messages) = (held(&memory.blobs)?, held(&memory.messages)?);
        let (blobs, messages) = (is_here(&blobs), is_here(&messages));
        let loose = memory.loose.iter();
        let past = Past {
            packs: memory.packs.into_iter().collect(),
            loose: loose
                .map(|(hex, letter)| Some((id(hex)?, kind(*letter)?)))
                .collect::<Option<_>>()?,
            hits: blobs.iter().chain(&messages).map(|(id, _)| *id).collect(),
        };
        let job = |told: Told| {
            Some(Job {
                blob: id(&told.blob)?,
                secret: groups.get(told.group as usize).copied()?,
                path: told.path,
                name: told.name,
                introduced: told.introduced.as_deref().and_then(id),
                last: told.last.as_deref().and_then(id),
            })
        };
        let trail = Trail {
            messages: held(&memory.told_messages)?,
            jobs: memory.told.into_iter().map(job).collect::<Option<_>>()?,
            not_followed: memory.not_followed,
        };
        Some(Self {
            past,
            blobs,
            messages,
            skipped: memory.skipped,
            state: memory.state,
            trail,
        })
    }

    pub(crate) fn past(&mut self) -> Past {
        std::mem::take(&mut self.past)
    }
}

/// Which secret each group is now: its hit is looked at again.
fn groups(spots: &[Spot], reporter: &mut Reporter<'_>) -> Option<Vec<Seen>> {
    let mut groups = Vec::with_capacity(spots.len());
    // Those of one object follow each other.
    for of_object in spots.chunk_by(|a, b| a.id == b.id) {
        let first = of_object.first()?;
        let hits = reporter.hits_of(id(&first.id)?, first.message);
        for spot in of_object {
            let (seen, hit) = hits.get(spot.at)?;
            if (hit.range.start, hit.range.end) != (spot.start, spot.end) {
                return None;
            }
            groups.push(*seen);
        }
    }
    Some(groups)
}

/// All that decides on where what is found stands, as a digest.
pub(crate) fn state(
    repository: &Repository,
    objects: &Objects,
    passes: &Passes<'_>,
    tips: &Tips,
    options: &HistoryOptions,
) -> String {
    let mut context = Context::new(&SHA256);
    let mut add = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_le_bytes());
        context.update(bytes);
    };
    add(&[
        u8::from(options.dangling),
        u8::from(options.notes),
        u8::from(options.stashes),
    ]);
    for pack in objects.packs() {
        add(pack.checksum.as_bytes());
    }
    for (id, _) in &passes.loose {
        add(id.as_bytes());
    }
    let mut lines: Vec<(&str, ObjectId)> = tips
        .all
        .iter()
        .map(|tip| (tip.name.as_str(), tip.id))
        .collect();
    lines.sort_unstable();
    for (name, id) in lines {
        add(name.as_bytes());
        add(id.as_bytes());
    }
    add(tips.head.as_ref().map_or(&[], |head| head.as_bytes()));
    add(&std::fs::read(repository.common_dir.join("shallow")).unwrap_or_default());
    hex(context.finish().as_ref())
}

/// What is to be remembered. A secret that a look at the whole object does not find is none.
pub(crate) fn remember(
    passes: &Passes<'_>,
    objects: &Objects,
    found: &Found,
    trail: &Trail,
    skipped: Vec<(String, String)>,
    state: String,
    reporter: &mut Reporter<'_>,
) -> Memory {
    let mut groups: HashMap<Seen, u32> = HashMap::new();
    let mut spots = Vec::new();
    let held = found.blobs.iter().map(|held| (held, false));
    let held = held.chain(found.messages.iter().map(|held| (held, true)));
    for ((id, of), message) in held {
        if of.iter().all(|seen| groups.contains_key(seen)) {
            continue;
        }
        for (at, (seen, hit)) in reporter.hits_of(*id, message).iter().enumerate() {
            if of.contains(seen) && !groups.contains_key(seen) {
                groups.insert(*seen, spots.len() as u32);
                spots.push(Spot {
                    id: id.to_string(),
                    message,
                    at,
                    start: hit.range.start,
                    end: hit.range.end,
                });
            }
        }
    }
    let group = |seen: &Seen| groups.get(seen).copied();
    let list = |held: &Held| -> Vec<(String, Vec<u32>)> {
        let one = |(id, of): &(ObjectId, Box<[Seen]>)| {
            (id.to_string(), of.iter().filter_map(group).collect())
        };
        held.iter().map(one).collect()
    };
    let told = |job: &Job| {
        Some(Told {
            blob: job.blob.to_string(),
            group: group(&job.secret)?,
            path: job.path.clone(),
            name: job.name.clone(),
            introduced: job.introduced.map(|id| id.to_string()),
            last: job.last.map(|id| id.to_string()),
        })
    };
    let loose = passes.loose.iter();
    Memory {
        packs: objects.packs().iter().map(PackMark::of).collect(),
        loose: loose
            .map(|(id, kind)| (id.to_string(), letter(*kind)))
            .collect(),
        blobs: list(&found.blobs),
        messages: list(&found.messages),
        groups: spots,
        skipped,
        state,
        told: trail.jobs.iter().filter_map(told).collect(),
        told_messages: list(&trail.messages),
        not_followed: trail.not_followed.clone(),
    }
}
