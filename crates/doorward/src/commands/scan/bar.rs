//! How far a scan is, for who watches: rate and time left.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less needs no bar.
const QUICK: Duration = Duration::from_millis(500);

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// Bytes.
    Bytes,
    /// Objects of a repository.
    Objects,
}

/// A bar on stderr, if that is a terminal.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    began: Instant,
    counted: Counted,
}

impl Bar {
    /// One that is drawn once it took a while.
    pub(super) fn new(counted: Counted) -> Self {
        Self {
            bar: None,
            began: Instant::now(),
            counted,
        }
    }

    /// So much of so much, if that is known; `found` secrets so far.
    pub(super) fn at(&mut self, done: u64, of: Option<u64>, found: usize) {
        if self.bar.is_none() && self.began.elapsed() < QUICK {
            return;
        }
        let counted = self.counted;
        let bar = self.bar.get_or_insert_with(|| {
            let bar = match of {
                Some(of) => ProgressBar::new(of),
                None => ProgressBar::no_length(),
            };
            bar.with_style(style(counted, of.is_some()))
        });
        if let Some(of) = of {
            if bar.length().is_none() {
                bar.set_style(style(counted, true));
            }
            bar.set_length(of.max(done));
        }
        bar.set_position(done);
        bar.set_message(format!("{found} found"));
    }
}

fn style(counted: Counted, whole: bool) -> ProgressStyle {
    let template = match (counted, whole) {
        (Counted::Bytes, true) => {
            "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left, {msg}"
        }
        (Counted::Bytes, false) => "{spinner} {bytes}, {bytes_per_sec}, {msg}",
        (Counted::Objects, true) => {
            "{wide_bar} {human_pos} of {human_len} objects, {per_sec}, {eta} left, {msg}"
        }
        (Counted::Objects, false) => "{spinner} {human_pos} objects, {per_sec}, {msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
