//! How far a long look through the ledger is, for who watches.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// What takes less needs no bar.
const QUICK: Duration = Duration::from_millis(500);

/// A bar on stderr, if that is a terminal.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    began: Instant,
    what: &'static str,
}

impl Bar {
    /// One that is drawn once it took a while.
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            bar: None,
            began: Instant::now(),
            what,
        }
    }

    /// So many of so many.
    pub(crate) fn at(&mut self, done: u64, of: u64) {
        if self.bar.is_none() && self.began.elapsed() < QUICK {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
            let style = ProgressStyle::with_template(style)
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            // On stderr; nothing is drawn when that is no terminal.
            ProgressBar::new(of)
                .with_style(style)
                .with_message(self.what)
        });
        bar.set_length(of);
        bar.set_position(done);
    }

    /// So many, where nobody tells of how many.
    pub(crate) fn so_far(&mut self, done: u64) {
        if self.bar.is_none() && self.began.elapsed() < QUICK {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} {human_pos} {per_sec}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner()
                .with_style(style)
                .with_message(self.what)
        });
        bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
