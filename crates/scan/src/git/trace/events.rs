//! Where and when each secret came and went.

use std::{collections::HashMap, rc::Rc};

use super::{
    Commits, Order, Reduced,
    reduced::{EMPTY, Shape},
};
use crate::git::sweep::Seen;

/// How many changes are followed in all; a tree that holds itself many times over has no end of paths.
const ROOM: usize = 1_000_000;
/// How many are followed between two trees.
const ROOM_EACH: usize = 200_000;

/// A secret at a path: when it came there, and when it went.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) secret: Seen,
    pub(crate) path: String,
    /// The commit that brought it, among the commits, and the blob it did so in.
    pub(crate) introduced: u32,
    pub(crate) blob: u32,
    /// The last commit that has it.
    pub(crate) last: u32,
    /// Whether the commit of `HEAD` has it.
    pub(crate) present: bool,
}

/// Where and when each secret came and went.
pub(crate) struct Events {
    pub(crate) all: Vec<Standing>,
    /// Whether there was more than is followed.
    pub(crate) cut: bool,
}

struct Span {
    introduced: u32,
    blob: u32,
    last: u32,
    present: bool,
}

impl Events {
    /// Goes through the commits in order; `seen` gives the secrets of a blob by its place.
    pub(crate) fn of<'a>(
        commits: &Commits,
        order: &Order,
        reduced: &Reduced,
        tips: &[u32],
        head: Option<u32>,
        seen: impl Fn(u32) -> &'a [Seen],
    ) -> Self {
        let mut spans: HashMap<(Seen, Rc<[u32]>), Span> = HashMap::new();
        let mut room = ROOM;
        let mut cut = false;
        let shape = |place: u32| reduced.shape(commits.tree(place));
        for place in &order.commits {
            let mine = shape(*place);
            let parents: Vec<(u32, Shape)> = commits
                .parents(*place)
                .iter()
                .filter_map(|parent| commits.find(*parent))
                .map(|parent| (parent, shape(parent)))
                .collect();
            if parents.is_empty() && mine == EMPTY
                || !parents.is_empty() && parents.iter().all(|(_, theirs)| *theirs == mine)
            {
                continue;
            }
            let nothing = [(*place, EMPTY)];
            let compared = if parents.is_empty() {
                &nothing[..]
            } else {
                &parents
            };
            for (at, (parent, theirs)) in compared.iter().enumerate() {
                let mut each = ROOM_EACH.min(room);
                let before = each;
                let changes = reduced.changes(*theirs, mine, &mut each);
                room -= before - each;
                cut |= each == 0;
                for change in changes {
                    let old = change.old.map_or(&[][..], &seen);
                    let new = change.new.map_or(&[][..], &seen);
                    for secret in old.iter().filter(|secret| !new.contains(secret)) {
                        if let Some(span) = spans.get_mut(&(*secret, change.path.clone())) {
                            later(&mut span.last, *parent, order);
                        }
                    }
                    // Brought by a commit is what none of its parents has: the first stands for all.
                    if at > 0 {
                        continue;
                    }
                    for secret in new.iter().filter(|secret| !old.contains(secret)) {
                        let others = compared.iter().skip(1);
                        let elsewhere = others
                            .filter_map(|(_, theirs)| reduced.at(*theirs, &change.path))
                            .any(|blob| seen(blob).contains(secret));
                        if elsewhere {
                            continue;
                        }
                        let blob = change.new.unwrap_or_default();
                        let key = (*secret, change.path.clone());
                        spans.entry(key).or_insert(Span {
                            introduced: *place,
                            blob,
                            last: *place,
                            present: false,
                        });
                    }
                }
            }
        }
        let mut newest: HashMap<Shape, u32> = HashMap::new();
        for tip in tips.iter().chain(&head) {
            let last = newest.entry(shape(*tip)).or_insert(*tip);
            later(last, *tip, order);
        }
        let head = head.map(shape);
        let mut newest: Vec<_> = newest.into_iter().collect();
        newest.sort_unstable();
        for (shape, tip) in newest {
            let mut each = ROOM_EACH.min(room);
            let before = each;
            for change in reduced.changes(EMPTY, shape, &mut each) {
                for secret in change.new.map_or(&[][..], &seen) {
                    if let Some(span) = spans.get_mut(&(*secret, change.path.clone())) {
                        later(&mut span.last, tip, order);
                        span.present |= head == Some(shape);
                    }
                }
            }
            room -= before - each;
            cut |= each == 0;
        }
        let standing = spans.into_iter().map(|((secret, path), span)| Standing {
            secret,
            path: reduced.path(&path),
            introduced: span.introduced,
            blob: span.blob,
            last: span.last,
            present: span.present,
        });
        let mut all: Vec<Standing> = standing.collect();
        all.sort_by(|a, b| {
            let by = |one: &Standing| (one.secret, order.rank(one.introduced));
            by(a).cmp(&by(b)).then_with(|| a.path.cmp(&b.path))
        });
        Self { all, cut }
    }
}

fn later(last: &mut u32, place: u32, order: &Order) {
    if order.rank(place) > order.rank(*last) {
        *last = place;
    }
}
