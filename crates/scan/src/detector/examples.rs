//! Detectors held against their own examples.

use crate::engine::{Engine, Limits};
use crate::generate::{Source, fill};

use super::{Detectors, RuleFault};

/// How often each template is filled.
const ROUNDS: u64 = 8;

impl Detectors {
    /// Runs every example and every negative of every detector, each filled a few times; what does
    /// not come out as it should is returned. No detector but the example's own is asked.
    pub fn self_check(self) -> (Self, Vec<RuleFault>) {
        let engine = Engine::new(self, Limits::default());
        let mut scratch = engine.scratch();
        let mut faults = Vec::new();
        for (number, detector) in engine.detectors().rules().enumerate() {
            let mut fault = |what: String| {
                let file = detector.id().to_owned();
                faults.push(RuleFault { file, what });
            };
            for round in 0..ROUNDS {
                let mut source = Source::new(round);
                for template in detector.examples() {
                    let text = fill(template, &mut source);
                    if !engine.alone(&mut scratch, number, text.as_bytes()) {
                        fault(format!("finds nothing in its example {template:?}"));
                    }
                }
                for template in detector.negatives() {
                    let text = fill(template, &mut source);
                    if engine.alone(&mut scratch, number, text.as_bytes()) {
                        fault(format!("finds something in its negative {template:?}"));
                    }
                }
            }
        }
        faults.sort_by(|one, other| (&one.file, &one.what).cmp(&(&other.file, &other.what)));
        faults.dedup();
        (engine.into_detectors(), faults)
    }
}
