//! How long the steps of a rotation take.

use std::time::Duration;

use doorward_keys::rotation::Timing;

use crate::config::reader::TableReader;

/// Times of rotations that depend on how fast Instantly is, and how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RotationSeconds {
    /// How long a call of a rotation's to Instantly may take.
    pub(crate) call: Duration,
    /// For how long a key may still come to be whose making got no answer.
    pub(crate) lost: Duration,
    /// The refusals that prove a key dead are spread over at least so long.
    pub(crate) proof: Duration,
}

impl Default for RotationSeconds {
    fn default() -> Self {
        let timing = Timing::default();
        let of = |ms: i64| Duration::from_millis(ms.unsigned_abs());
        Self {
            call: Duration::from_secs(30),
            lost: of(timing.late),
            proof: of(timing.proof),
        }
    }
}

impl RotationSeconds {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        let Self { call, lost, proof } = self;
        for (name, value, range) in [
            ("call", call, 1..=300),
            ("lost", lost, 5..=86_400),
            ("proof", proof, 10..=86_400),
        ] {
            let mut seconds = usize::try_from(value.as_secs()).unwrap_or(usize::MAX);
            table.number(name, &mut seconds, range);
            *value = Duration::from_secs(seconds as u64);
        }
    }

    /// The same times with these in them.
    pub(crate) fn in_place(&self, timing: Timing) -> Timing {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Timing {
            late: millis(self.lost),
            proof: millis(self.proof),
            ..timing
        }
    }
}
