//! Which commits are reachable, and in which order they came.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Commits, commits::MISSING};

/// The reachable commits, parents before children, older before newer.
pub(crate) struct Order {
    /// Places among the commits, in order.
    pub(crate) commits: Vec<u32>,
    /// The rank of each commit in that order; `u32::MAX` for those not reachable.
    rank: Vec<u32>,
    /// Commits with a parent that the store does not have.
    pub(crate) cut: u32,
}

impl Order {
    /// The commits that can be reached from `tips`.
    pub(crate) fn from(commits: &Commits, tips: impl IntoIterator<Item = u32>) -> Self {
        let count = commits.count();
        let mut reached = vec![false; count];
        let mut left: Vec<u32> = Vec::new();
        for tip in tips {
            visit(&mut reached, &mut left, tip);
        }
        // How many parents of a commit are still to come; and who waits for whom.
        let mut waits = vec![0u32; count];
        let mut edges: Vec<(u32, u32)> = Vec::new();
        let mut all = Vec::new();
        let mut cut = 0;
        while let Some(place) = left.pop() {
            all.push(place);
            let mut missing = false;
            for parent in commits.parents(place) {
                match (*parent != MISSING)
                    .then(|| commits.find(*parent))
                    .flatten()
                {
                    Some(parent) => {
                        edges.push((parent, place));
                        if let Some(waits) = waits.get_mut(place as usize) {
                            *waits += 1;
                        }
                        visit(&mut reached, &mut left, parent);
                    }
                    None => missing = true,
                }
            }
            cut += u32::from(missing);
        }
        edges.sort_unstable();
        let mut ready: BinaryHeap<Reverse<(i64, u32)>> = all
            .iter()
            .filter(|place| waits.get(**place as usize) == Some(&0))
            .map(|place| Reverse((commits.time(*place), *place)))
            .collect();
        let mut order = Vec::with_capacity(all.len());
        let mut rank = vec![u32::MAX; count];
        while let Some(Reverse((_, place))) = ready.pop() {
            if let Some(rank) = rank.get_mut(place as usize) {
                *rank = order.len() as u32;
            }
            order.push(place);
            let first = edges.partition_point(|(parent, _)| *parent < place);
            let children = edges.get(first..).unwrap_or_default();
            for (_, child) in children.iter().take_while(|(parent, _)| *parent == place) {
                if let Some(waits) = waits.get_mut(*child as usize) {
                    *waits -= 1;
                    if *waits == 0 {
                        ready.push(Reverse((commits.time(*child), *child)));
                    }
                }
            }
        }
        Self {
            commits: order,
            rank,
            cut,
        }
    }

    /// A commit's rank: higher is later.
    pub(crate) fn rank(&self, place: u32) -> Option<u32> {
        let rank = self.rank.get(place as usize).copied();
        rank.filter(|rank| *rank != u32::MAX)
    }
}

fn visit(reached: &mut [bool], left: &mut Vec<u32>, place: u32) {
    if let Some(seen) = reached.get_mut(place as usize)
        && !*seen
    {
        *seen = true;
        left.push(place);
    }
}
