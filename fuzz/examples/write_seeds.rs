//! Writes each target's seeds to `CORPUS/<target>/`, for libFuzzer to start from.
//!
//! `write_seeds CORPUS` prints the names of the targets.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let corpus = std::env::args_os().nth(1).map(PathBuf::from);
    for target in doorward_fuzz::TARGETS {
        println!("{}", target.name);
        let Some(corpus) = &corpus else { continue };
        let folder = corpus.join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
