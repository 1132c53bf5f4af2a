//! Writes a ledger whose signing key is in a transit engine. For `tests/remote_signer`, with the real
//! one.
//!
//! `remote_log FOLDER URL TOKEN_FILE VERSIONS LEAVES [outage]` appends, closes, and leaves the
//! verifier keys of the versions (`1,2`) in `FOLDER/key-1` and so on. With `outage` it says `ready`
//! and waits for a line while the service is stopped; it then appends, says `durable` and why nothing
//! is signed, waits for a line while the service is started again, and says `signed` when it is.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_audit::{TransitOptions, TransitSigner};
use doorward_ledger::log::{FileAnchor, Log, LogOptions};
use doorward_ledger::segment::Disk;
use doorward_ledger::{KeyName, LeafBytes, Signer};
use doorward_secrets::{SecretRef, Secrets};

type Fallible<T> = Result<T, Box<dyn Error>>;

const ORIGIN: &str = "ledger.example/remote";

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url, token, versions, leaves, rest @ ..] = args.as_slice() else {
        return Err("remote_log FOLDER URL TOKEN_FILE VERSIONS LEAVES [outage]".into());
    };
    let folder = PathBuf::from(folder);
    let token = SecretRef::file(Path::new(token))?;
    let secrets = Arc::new(Secrets::new());
    let mut signers: Vec<Arc<dyn Signer>> = Vec::new();
    for version in versions.split(',') {
        let name = KeyName::new(ORIGIN)?;
        let secrets = Arc::clone(&secrets);
        let mut options = TransitOptions::new(url, "ledger", name, token.clone(), secrets);
        options.version = Some(version.parse()?);
        options.within = Duration::from_secs(2);
        let signer = TransitSigner::connect(options)?;
        std::fs::create_dir_all(&folder)?;
        let key = signer.verifier_key().to_string();
        std::fs::write(folder.join(format!("key-{version}")), key)?;
        signers.push(Arc::new(signer));
    }
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor"))?));
    let first = signers.first().cloned().ok_or("no version")?;
    let mut options = LogOptions::new(ORIGIN, first, Arc::new(anchor));
    options.signers = signers;
    let (log, _) = Log::open(Arc::new(Disk::new(folder)?), options)?;
    append(&log, leaves.parse()?)?;
    if rest.first().is_some_and(|word| word == "outage") {
        outage(&log)?;
    }
    Ok(log.close()?)
}

fn append(log: &Log, leaves: u64) -> Fallible<()> {
    for number in 0..leaves {
        let leaf = format!(r#"{{"at":"","kind":"x","number":{number},"v":1}}"#);
        log.append(&LeafBytes::from_canonical(leaf.into_bytes())?)?
            .wait()?;
    }
    Ok(())
}

fn outage(log: &Log) -> Fallible<()> {
    let mut out = std::io::stdout();
    let mut lines = std::io::stdin().lock().lines();
    log.checkpoint()?;
    writeln!(out, "ready")?;
    lines.next().ok_or("no line")??;
    let began = Instant::now();
    append(log, 20)?;
    let last = log.status().durable.saturating_sub(1);
    if began.elapsed() > Duration::from_secs(2) {
        return Err("appending waited for the signer".into());
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let why = loop {
        let status = log.status();
        if let Some(why) = status.unsigned {
            break why;
        }
        if status.signed > last || Instant::now() > deadline {
            return Err("it was signed by a service that is stopped".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    writeln!(out, "durable; {why}")?;
    lines.next().ok_or("no line")??;
    if !log.wait_signed(last, Duration::from_secs(20)) {
        return Err("it is not signed though the service is back".into());
    }
    Ok(writeln!(out, "signed")?)
}
