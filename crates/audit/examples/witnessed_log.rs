//! Appends to a ledger and has a witness cosign it. For `tests/ledger_oracle`, with a witness that is
//! not ours.
//!
//! `witnessed_log key` prints the log's verifier key. `witnessed_log FOLDER LEAVES TEXT URL KEY`
//! appends that many leaves that hold TEXT, asks the witness once, and prints how it stands.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use doorward_audit::{Refusal, Witness, WitnessOptions, WitnessWatch, Witnesses};
use doorward_ledger::log::{FileAnchor, Log, LogOptions};
use doorward_ledger::segment::Disk;
use doorward_ledger::{KeyName, LeafBytes, LocalSigner, Signer};

type Fallible<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "ledger.example/witnessed";

/// What is told stands in the status too.
struct Deaf;

impl WitnessWatch for Deaf {
    fn refused(&self, _: &KeyName, _: &Refusal) {}
    fn mended(&self, _: &KeyName) {}
}

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let signer = LocalSigner::from_seed(KeyName::new(ORIGIN)?, &[1; 32])?;
    let key = signer.verifier_key().clone();
    let mut out = std::io::stdout();
    if args == ["key"] {
        return Ok(writeln!(out, "{key}")?);
    }
    let [folder, leaves, text, url, witness] = args.as_slice() else {
        return Err("witnessed_log FOLDER LEAVES TEXT URL KEY".into());
    };
    let folder = Path::new(folder);
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor"))?));
    let options = LogOptions::new(ORIGIN, Arc::new(signer), Arc::new(anchor));
    let (log, _) = Log::open(Arc::new(Disk::new(folder.to_owned())?), options)?;
    for number in 0..leaves.parse::<u64>()? {
        let leaf = format!(r#"{{"at":"","kind":"{text}","number":{number},"v":1}}"#);
        log.append(&LeafBytes::from_canonical(leaf.into_bytes())?)?
            .wait()?;
    }
    log.close()?;

    let witness = Witness::new(url, witness)?;
    let witnesses = Witnesses::open(
        folder,
        &[key],
        vec![witness],
        Arc::new(Deaf),
        WitnessOptions::default(),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(witnesses.round())?;
    for status in witnesses.status() {
        let told = match (&status.refusal, &status.trouble) {
            (Some(refusal), _) => format!("refused: {}", refusal.code()),
            (None, Some(trouble)) => format!("trouble: {trouble}"),
            (None, None) => format!("cosigned: {}", status.cosigned.unwrap_or(0)),
        };
        writeln!(out, "{told}")?;
    }
    Ok(())
}
