//! How long things take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::prometheus::Text;

/// Upper bounds of the buckets in microseconds: from what a call takes here to what one may wait.
const BOUNDS: [u64; 18] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000, 60_000_000,
];

/// Counts of durations, by their size.
#[derive(Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    sum_nanos: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub(super) fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| bound.saturating_mul(1_000) < nanos);
        let bucket = self.buckets.get(bucket).unwrap_or(&self.beyond);
        bucket.fetch_add(1, Ordering::Relaxed);
        self.sum_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Adds it to a page, in seconds.
    pub(super) fn show(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        text: &mut Text,
    ) {
        let counts = self.buckets.iter().map(|each| each.load(Ordering::Relaxed));
        let buckets = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).zip(counts);
        let beyond = self.beyond.load(Ordering::Relaxed);
        let sum = self.sum_nanos.load(Ordering::Relaxed) as f64 / 1e9;
        text.histogram(name, help, labels, buckets, beyond, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_where_they_belong() {
        let histogram = Histogram::default();
        for micros in [25, 26, 60_000_000, 61_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut text = Text::default();
        histogram.show("t", "T", &[], &mut text);
        let page = text.page();
        for line in [
            "doorward_t_bucket{le=\"0.000025\"} 1\n",
            "doorward_t_bucket{le=\"0.00005\"} 2\n",
            "doorward_t_bucket{le=\"10\"} 2\n",
            "doorward_t_bucket{le=\"60\"} 3\n",
            "doorward_t_bucket{le=\"+Inf\"} 4\n",
            "doorward_t_count 4\n",
        ] {
            assert!(page.contains(line), "{line}{page}");
        }
    }
}
