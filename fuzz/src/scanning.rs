//! What the scanner reads: detector files, encoded text, archives.

use std::cell::RefCell;
use std::sync::OnceLock;

use doorward_scan::{Detectors, Engine, Limits, Scanned, Scratch};
use secrecy::ExposeSecret;

use crate::text;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let limits = Limits {
            expanded: 8 << 20,
            held: 1 << 20,
            ..Limits::default()
        };
        Engine::new(Detectors::builtin(), limits)
    })
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(engine().scratch());
}

fn scan(name: Option<&str>, data: &[u8]) -> Scanned {
    SCRATCH.with_borrow_mut(|scratch| engine().scan(scratch, name, data))
}

/// A detector's file. One that is read runs its examples, and has a reach that is bounded.
pub(crate) fn detector_file(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    match Detectors::load(&[("a.toml", text)]) {
        Ok(detectors) => {
            assert_eq!(detectors.len(), 1);
            let (detectors, _) = detectors.self_check();
            let engine = Engine::new(detectors, Limits::default());
            assert!(engine.reach() <= 3 * 1024 + 1);
            let _ = engine.scan(&mut engine.scratch(), None, data);
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            false
        }
    }
}

/// Text with encodings in it. What is found stands in it, in order, and is not shown.
pub(crate) fn decoded(data: &[u8]) -> bool {
    let scanned = scan(None, data);
    let mut last = (0, 0);
    for hit in &scanned.hits {
        if hit.inner.is_none() {
            assert!(hit.range.start < hit.range.end && hit.range.end <= data.len());
            assert!(
                last <= (hit.line, hit.column),
                "in the order in which they stand"
            );
            last = (hit.line, hit.column);
        }
        assert!(hit.line >= 1 && hit.column >= 1 && hit.end_column >= hit.column);
        let secret = hit.secret.expose_secret();
        assert!(secret.len() < 12 || !hit.excerpt.contains(secret));
        assert!(hit.excerpt.chars().all(|c| !c.is_control()));
    }
    // Regions that are all of it tell what stands in plain sight.
    let region = 0..data.len();
    let regional = SCRATCH.with_borrow_mut(|scratch| {
        engine().scan_regions(scratch, data, std::slice::from_ref(&region))
    });
    if !engine().is_container(None, data) {
        assert_eq!(regional.hits.len(), scanned.hits.len());
    }
    !scanned.hits.is_empty()
}

/// An archive. Whatever it claims, it is read to an end, and the same from a reader as from memory.
pub(crate) fn archive(data: &[u8]) -> bool {
    let whole = scan(Some("a.tar"), data);
    let read = SCRATCH
        .with_borrow_mut(|scratch| engine().scan_reader(scratch, Some("a.tar"), &mut &data[..]));
    let told = |scanned: &Scanned| -> Vec<(Option<String>, usize)> {
        let hits = scanned.hits.iter();
        hits.map(|hit| (hit.inner.clone(), hit.range.start))
            .collect()
    };
    assert_eq!(told(&whole), told(&read));
    !whole.hits.is_empty()
}
