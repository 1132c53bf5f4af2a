//! Regions of a change: hits that the base had and those that the regions give are those of a whole
//! scan.

use std::ops::Range;

use doorward_scan::generate::{Source, fill};
use doorward_scan::{Detectors, Engine, Limits, Scanned};
use proptest::prelude::*;
use secrecy::ExposeSecret;

type Told = (u16, Range<usize>, String);

fn told(scanned: &Scanned) -> Vec<Told> {
    scanned
        .hits
        .iter()
        .map(|hit| {
            (
                hit.detector,
                hit.range.clone(),
                hit.secret.expose_secret().to_owned(),
            )
        })
        .collect()
}

/// Text of words, names, keys and encodings.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z ]{1,60}\n?",
        2 => Just("INSTANTLY_API_KEY=".to_owned()),
        1 => Just("https://mcp.instantly.ai/mcp/".to_owned()),
        1 => Just("Authorization: Bearer ".to_owned()),
        2 => any::<u64>().prop_map(|seed| fill("{upstream_key}\n", &mut Source::new(seed))),
        2 => any::<u64>().prop_map(|seed| fill("\"{rand:base62:40}\"\n", &mut Source::new(seed))),
        2 => any::<u64>().prop_map(|seed| fill("ghp_{github_token} ", &mut Source::new(seed))),
        1 => any::<u64>().prop_map(|seed| fill("{b64:{upstream_key}}\n", &mut Source::new(seed))),
    ];
    prop::collection::vec(piece, 1..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn inherited_and_regional_hits_are_all_there_are(
        base in text(),
        inserted in text(),
        from in any::<prop::sample::Index>(),
        removed in 0_usize..120,
    ) {
        let engine = engine();
        let mut scratch = engine.scratch();
        let from = from.index(base.len() + 1);
        let to = (from + removed).min(base.len());
        let changed = [&base.as_bytes()[..from], inserted.as_bytes(), &base.as_bytes()[to..]].concat();
        let whole = told(&engine.scan(&mut scratch, None, &changed));
        let region = from..from + inserted.len().max(1);
        let regional = told(&engine.scan_regions(&mut scratch, &changed, std::slice::from_ref(&region)));
        // What the regions tell stands in the whole scan.
        for hit in &regional {
            prop_assert!(whole.contains(hit), "regional {hit:?} of {whole:#?}");
        }
        // What they do not tell was in the base.
        let before = told(&engine.scan(&mut scratch, None, base.as_bytes()));
        for hit in whole.iter().filter(|hit| !regional.contains(hit)) {
            let shift = |at: usize| if at < from { at } else { at + (to - from) - inserted.len() };
            let old = (hit.0, shift(hit.1.start)..shift(hit.1.end), hit.2.clone());
            prop_assert!(before.contains(&old), "inherited {old:?} of {before:#?}");
        }
    }
}

/// Detectors of a few kinds, read once.
fn engine() -> &'static Engine {
    static ENGINE: std::sync::LazyLock<Engine> = std::sync::LazyLock::new(|| {
        let detectors = Detectors::builtin().only(&["instantly", "github"]);
        Engine::new(detectors.expect("they are there"), Limits::default())
    });
    &ENGINE
}
