//! Who belongs to whom, when several could: an optimal assignment of two sides.
//!
//! Left vertices come in an order of importance, and right ones have a rank. The assignment found
//! covers the most important left vertices that any assignment can cover (so as many as possible
//! of the first kind, then of the second, and so on, and as many as possible in all); among those
//! it uses right vertices of high rank where it can. Augmenting paths in order of importance give
//! just that, since the sets that can be covered form a matroid.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Range;

/// Who could belong to whom. Both sides are numbered from zero.
pub(super) trait Candidates {
    /// Ranges that hold every right vertex that `left` could have.
    fn ranges(&self, left: usize) -> &[Range<usize>];
    /// Whether `left` could have `right`, which is in one of those ranges.
    fn fits(&self, left: usize, right: usize) -> bool;
    /// How much a right vertex looks like one that belongs to somebody.
    fn rank(&self, right: usize) -> u8;
    /// How far apart the two are; the nearest free one is tried first.
    fn distance(&self, left: usize, right: usize) -> u64;
}

/// Assigns; gives each left vertex's partner. `order` holds every left vertex once, the most
/// important first.
pub(super) fn assign(
    candidates: &impl Candidates,
    order: &[usize],
    lefts: usize,
    rights: usize,
) -> Vec<Option<usize>> {
    let mut search = Search {
        candidates,
        of_left: vec![None; lefts],
        of_right: vec![None; rights],
        seen: vec![false; rights],
        came_from: vec![0; rights],
    };
    for &left in order {
        if !search.take_nearest(left) {
            search.augment(left, None);
        }
    }
    search.raise_ranks(order);
    search.of_left
}

struct Search<'a, C> {
    candidates: &'a C,
    of_left: Vec<Option<usize>>,
    of_right: Vec<Option<usize>>,
    /// Right vertices that were reached. Those of a search in vain stay so: no later search gets
    /// from them to a free one either, so each is walked through once.
    seen: Vec<bool>,
    /// The left vertex that a right one was reached from.
    came_from: Vec<usize>,
}

impl<C: Candidates> Search<'_, C> {
    fn is_free(&self, right: usize) -> bool {
        self.of_right.get(right).is_some_and(Option::is_none)
    }

    fn pair(&mut self, left: usize, right: usize) {
        if let (Some(l), Some(r)) = (self.of_left.get_mut(left), self.of_right.get_mut(right)) {
            *l = Some(right);
            *r = Some(left);
        }
    }

    /// Takes a free partner: of the highest rank, then the nearest.
    fn take_nearest(&mut self, left: usize) -> bool {
        let c = self.candidates;
        let best = c
            .ranges(left)
            .iter()
            .flat_map(Range::clone)
            .filter(|right| self.is_free(*right) && c.fits(left, *right))
            .min_by_key(|right| (Reverse(c.rank(*right)), c.distance(left, *right), *right));
        if let Some(right) = best {
            self.pair(left, right);
        }
        best.is_some()
    }

    /// Finds a partner for `start` by giving others another one. With `above`, `start` has one
    /// already, and looks for a free one of a rank above that.
    fn augment(&mut self, start: usize, above: Option<u8>) -> bool {
        let c = self.candidates;
        let mut queue = VecDeque::from([start]);
        let mut reached = Vec::new();
        while let Some(left) = queue.pop_front() {
            for right in c.ranges(left).iter().flat_map(Range::clone) {
                if self.seen.get(right).copied().unwrap_or(true) || !c.fits(left, right) {
                    continue;
                }
                if let (Some(seen), Some(from)) =
                    (self.seen.get_mut(right), self.came_from.get_mut(right))
                {
                    *seen = true;
                    *from = left;
                }
                reached.push(right);
                match self.of_right.get(right).copied().flatten() {
                    Some(holder) => queue.push_back(holder),
                    None if above.is_some_and(|rank| c.rank(right) <= rank) => {}
                    None => {
                        self.flip(start, right);
                        for right in reached {
                            if let Some(seen) = self.seen.get_mut(right) {
                                *seen = false;
                            }
                        }
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Hands partners on along the path that was found, back to its start.
    fn flip(&mut self, start: usize, end: usize) {
        let mut right = end;
        // A path passes each right vertex once.
        for _ in 0..self.of_right.len() {
            let Some(left) = self.came_from.get(right).copied() else {
                return;
            };
            let before = self.of_left.get(left).copied().flatten();
            self.pair(left, right);
            match before {
                Some(before) if left == start => {
                    if let Some(slot) = self.of_right.get_mut(before) {
                        *slot = None;
                    }
                    return;
                }
                Some(before) => right = before,
                None => return,
            }
        }
    }

    /// Swaps partners of low rank for free ones of a higher rank, covering the same left vertices.
    fn raise_ranks(&mut self, order: &[usize]) {
        let c = self.candidates;
        let ranked = |right: &usize| c.rank(*right);
        let mut ranks: Vec<u8> = (0..self.of_right.len()).map(|r| ranked(&r)).collect();
        ranks.sort_unstable();
        ranks.dedup();
        // The lowest first: what is freed of it is never wanted again.
        let highest = ranks.pop();
        for rank in ranks.into_iter().filter(|rank| Some(*rank) != highest) {
            self.seen.fill(false);
            for &left in order {
                let own = self.of_left.get(left).copied().flatten();
                if own.is_some_and(|right| c.rank(right) == rank) {
                    self.augment(left, Some(rank));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(end: usize) -> [Range<usize>; 1] {
        let all = 0..end;
        [all]
    }

    struct Table {
        fits: Vec<Vec<bool>>,
        ranks: Vec<u8>,
        all: [Range<usize>; 1],
    }

    impl Candidates for Table {
        fn ranges(&self, _: usize) -> &[Range<usize>] {
            &self.all
        }
        fn fits(&self, left: usize, right: usize) -> bool {
            self.fits[left][right]
        }
        fn rank(&self, right: usize) -> u8 {
            self.ranks[right]
        }
        fn distance(&self, left: usize, right: usize) -> u64 {
            left.abs_diff(right) as u64
        }
    }

    /// Which left vertices each assignment covers, most important first, and its ranks' sum; the
    /// best of all assignments there are.
    fn best(table: &Table, left: usize, used: &mut Vec<bool>) -> (Vec<bool>, u32) {
        if left == table.fits.len() {
            return (Vec::new(), 0);
        }
        let mut options = Vec::new();
        let (rest, sum) = best(table, left + 1, used);
        options.push(([vec![false], rest].concat(), sum));
        for right in 0..used.len() {
            if table.fits[left][right] && !used[right] {
                used[right] = true;
                let (rest, sum) = best(table, left + 1, used);
                used[right] = false;
                let sum = sum + u32::from(table.ranks[right]);
                options.push(([vec![true], rest].concat(), sum));
            }
        }
        options.into_iter().max().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_assignment_is_better(
            fits in (1_usize..6, 1_usize..6).prop_flat_map(|(lefts, rights)| {
                prop::collection::vec(prop::collection::vec(prop::bool::weighted(0.4), rights), lefts)
            }),
            ranks in prop::collection::vec(0_u8..3, 6),
        ) {
            let rights = fits[0].len();
            let table = Table { ranks: ranks[..rights].to_vec(), fits, all: to(rights) };
            let lefts = table.fits.len();
            let order: Vec<usize> = (0..lefts).collect();
            let found = assign(&table, &order, lefts, rights);
            let mut used = vec![false; rights];
            let mut sum = 0;
            for (left, right) in found.iter().enumerate() {
                if let Some(right) = *right {
                    prop_assert!(table.fits[left][right]);
                    prop_assert!(!used[right], "one partner each");
                    used[right] = true;
                    sum += u32::from(table.ranks[right]);
                }
            }
            let covered: Vec<bool> = found.iter().map(Option::is_some).collect();
            let (want, want_sum) = best(&table, 0, &mut vec![false; rights]);
            prop_assert_eq!(covered, want);
            prop_assert_eq!(sum, want_sum);
        }
    }

    /// Everybody fits everybody: no path is walked twice, so this ends at once.
    #[test]
    fn a_crowd_at_one_place_is_quickly_told_apart() {
        struct Crowd([Range<usize>; 1]);
        impl Candidates for Crowd {
            fn ranges(&self, _: usize) -> &[Range<usize>] {
                &self.0
            }
            fn fits(&self, _: usize, _: usize) -> bool {
                true
            }
            fn rank(&self, right: usize) -> u8 {
                (right % 3) as u8
            }
            fn distance(&self, left: usize, right: usize) -> u64 {
                left.abs_diff(right) as u64
            }
        }
        let order: Vec<usize> = (0..2_000).collect();
        let found = assign(&Crowd(to(1_000)), &order, 2_000, 1_000);
        assert_eq!(found.iter().flatten().count(), 1_000);
    }
}
