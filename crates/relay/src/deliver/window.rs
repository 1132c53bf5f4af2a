//! What of a lane has been read, and how far it is done.

use std::collections::{BTreeSet, HashSet};

/// The events between the cursor and what was read last.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Number of the last event that was read.
    read: i64,
    /// Events that were read and have no outcome on disk.
    open: BTreeSet<i64>,
    /// Events after the cursor that have an outcome on disk since before this began.
    settled: HashSet<i64>,
    /// Where the cursor on disk is.
    cursor: i64,
}

impl Window {
    /// After that event, but for some that have an outcome already.
    pub(super) fn new(cursor: i64, settled: impl IntoIterator<Item = i64>) -> Self {
        Self {
            read: cursor,
            cursor,
            settled: settled.into_iter().collect(),
            open: BTreeSet::new(),
        }
    }

    pub(super) fn read(&self) -> i64 {
        self.read
    }

    /// Whether nothing that was read is without an outcome.
    pub(super) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes note of an event that was read: whether it is to be sent, if it is wanted.
    pub(super) fn admit(&mut self, seq: i64, wanted: bool) -> bool {
        self.read = self.read.max(seq);
        let send = wanted && !self.settled.remove(&seq);
        if send {
            self.open.insert(seq);
        }
        send
    }

    /// Everything up to there was read: there may be no event of that number.
    pub(super) fn read_to(&mut self, seq: i64) {
        self.read = self.read.max(seq);
    }

    /// How far the lane is done once these have an outcome; `None` where the cursor is already.
    pub(super) fn done_with(&self, seqs: &BTreeSet<i64>) -> Option<i64> {
        let first = self.open.iter().find(|seq| !seqs.contains(seq));
        let done = first.map_or(self.read, |first| first - 1);
        (done > self.cursor).then_some(done)
    }

    /// These have an outcome on disk, and the cursor is there.
    pub(super) fn settled(&mut self, seqs: &BTreeSet<i64>, cursor: Option<i64>) {
        self.open.retain(|seq| !seqs.contains(seq));
        self.cursor = cursor.unwrap_or(self.cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cursor_moves_over_what_has_an_outcome_without_a_gap() {
        let mut window = Window::new(10, [12]);
        let of = |seqs: &[i64]| seqs.iter().copied().collect::<BTreeSet<_>>();
        assert!(window.admit(11, true));
        assert!(!window.admit(12, true), "it has an outcome");
        assert!(!window.admit(13, false), "nobody wants it");
        assert!(window.admit(14, true));
        assert_eq!(window.done_with(&of(&[])), None);
        assert_eq!(window.done_with(&of(&[14])), None);
        assert_eq!(window.done_with(&of(&[11])), Some(13));
        window.settled(&of(&[11]), Some(13));
        assert_eq!(window.done_with(&of(&[])), None);
        assert_eq!(window.done_with(&of(&[14])), Some(14));
        window.settled(&of(&[14]), Some(14));
        assert!(window.is_done());
        window.read_to(20);
        assert_eq!(window.done_with(&of(&[])), Some(20));
    }

    proptest! {
        /// Whatever is settled in whatever order, the cursor is never past an event that is open.
        #[test]
        fn nothing_open_is_left_behind(wanted in prop::collection::vec(any::<bool>(), 1..60), seed: u64) {
            let mut window = Window::new(0, []);
            let mut open: Vec<i64> = Vec::new();
            for (seq, wanted) in (1..).zip(&wanted) {
                if window.admit(seq, *wanted) {
                    open.push(seq);
                }
            }
            let (mut luck, mut cursor) = (seed, 0);
            while !open.is_empty() {
                luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let seq = open.swap_remove((luck >> 33) as usize % open.len());
                let batch = BTreeSet::from([seq]);
                let moved = window.done_with(&batch);
                cursor = moved.unwrap_or(cursor);
                prop_assert!(open.iter().all(|left| *left > cursor));
                window.settled(&batch, moved);
            }
            prop_assert_eq!(window.done_with(&BTreeSet::new()).unwrap_or(cursor), wanted.len() as i64);
        }
    }
}
