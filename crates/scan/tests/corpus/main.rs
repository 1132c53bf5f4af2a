//! A generated corpus: every kind of credential in every hiding place, and decoys beside them.
//!
//! The credentials are made when the tests run; no file holds one.
#![cfg(test)]

mod archives;
mod decoys;
mod detectors;
mod hiding;
mod keys;
mod regions;
mod registry;
mod trees;

use doorward_scan::{Detectors, Engine, Limits, Scanned};

/// An engine with all detectors.
fn engine() -> Engine {
    Engine::new(Detectors::builtin(), Limits::default())
}

/// Ids and values of what was found.
fn found(engine: &Engine, scanned: &Scanned) -> Vec<(String, String)> {
    use secrecy::ExposeSecret;
    scanned
        .hits
        .iter()
        .map(|hit| {
            let id = engine.detector(hit).expect("its detector").id().to_owned();
            (id, hit.secret.expose_secret().to_owned())
        })
        .collect()
}

fn scan(engine: &Engine, name: &str, bytes: &[u8]) -> Scanned {
    engine.scan(&mut engine.scratch(), Some(name), bytes)
}
