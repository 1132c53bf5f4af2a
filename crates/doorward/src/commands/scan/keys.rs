//! Trying keys that were found: through the data folder here, or by themselves.

use std::time::Duration;

use doorward_catalog::UpstreamKeyFormat;
use doorward_catalog::wire::SecretText;
use doorward_finding::{Finding, Place, Standing};
use doorward_keys::ClientKey;
use doorward_scan::report::{Alive, Proof, Secret, Settled};
use doorward_upstream::{Client, Extent, INSTANTLY, Liveness};
use secrecy::{ExposeSecret, SecretString};

use super::quoted;
use crate::admin::{ScanFinding, ScanRecord, ScanVerified, ScanVerify, Session};
use crate::cli::{Global, ScanRun};
use crate::context::Context;
use crate::exit::Failure;
use crate::leak::{Found, Way};
use crate::output::{Output, clean, note};
use crate::paths::{DEFAULT, DataDir};

/// Between two tries.
const BETWEEN: Duration = Duration::from_millis(200);
/// Longest time for one.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most keys that are tried, and most findings that are recorded.
const KEYS_MAX: usize = 500;
const RECORDED_MAX: usize = 1_000;
/// Digits of a fingerprint, and of a commit, that name it.
const NAMED: usize = 16;
const COMMIT: usize = 12;

/// The data folder here, if there is one: the one that is named, else `.doorward` in the current
/// folder. A configuration that only lies about is not heard: it may be what is being scanned.
///
/// # Errors
/// When one is named and can't be used.
pub(super) fn here(global: &Global, output: Output) -> Result<Option<Context>, Failure> {
    if global.data_dir.is_some() || global.config.is_some() {
        return Context::for_server(global, output).map(Some);
    }
    let default = DataDir::at(DEFAULT.as_ref())?;
    if !default.exists() || default.check().is_err() {
        return Ok(None);
    }
    let context = Context::for_server(global, output)?;
    Ok((context.data_dir == default).then_some(context))
}

/// Whether a secret is a key that can be tried.
pub(super) fn is_key(secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    UpstreamKeyFormat::matches(secret) || ClientKey::parse(secret).is_ok()
}

/// Whether a finding's key is tried: what is allowed is left alone.
pub(super) fn is_tried(one: &Secret) -> bool {
    is_key(&one.secret) && !matches!(one.finding.standing, Standing::Muted(_))
}

/// Tries keys one after another, adds what was told of them to their findings, and records findings
/// that are to be.
///
/// # Errors
/// When the data folder can't be asked though findings are to be recorded.
pub(super) async fn all(
    context: Option<&Context>,
    run: &ScanRun,
    typed: &Typed,
    settled: &mut Settled,
) -> Result<(), Failure> {
    let tries = run.verify || run.respond;
    let session = match context {
        Some(context) => Some(Session::open(context).await),
        None => None,
    };
    if run.record
        && let Some(Err(failure)) = &session
    {
        return Err(Failure::usage(format_args!(
            "nothing can be recorded: {failure}"
        )));
    }
    let mut tried = 0;
    for one in &mut settled.found {
        if !tries || !is_tried(one) {
            continue;
        }
        if tried > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        tried += 1;
        let (proof, command) = match &session {
            _ if tried > KEYS_MAX => (
                Proof::unknown("more keys were found than are tried at once"),
                None,
            ),
            Some(Ok(session)) => through(session, run, typed, one).await,
            Some(Err(failure)) => (Proof::unknown(failure.to_string()), None),
            None => (alone(run, &one.secret).await, None),
        };
        proof.add_to(&mut one.finding);
        one.finding.remedy.command = match (proof.is_alive(), command) {
            (true, command) => command.or_else(|| typed.respond(&one.finding)),
            (false, _) => None,
        };
        if proof.is_alive()
            && context.is_none()
            && UpstreamKeyFormat::matches(one.secret.expose_secret())
        {
            one.finding.remedy.text = BY_HAND.to_owned();
        } else if proof.alive == Alive::No {
            "It is not taken any more: there is nothing to revoke. Take it out of the code."
                .clone_into(&mut one.finding.remedy.text);
        }
    }
    if let (true, Some(Ok(session))) = (run.record, &session) {
        record(session, settled, tries).await?;
    }
    settled.sort();
    Ok(())
}

/// What a person without a data folder does.
const BY_HAND: &str = "Revoke it now: in Instantly under Settings, Integrations, API keys. With a data \
    folder (`doorward init`, `doorward workspace add`), Doorward replaces and revokes it, and proves it \
    dead.";

/// What was typed, to be typed again with another end.
pub(super) struct Typed {
    /// What was scanned; none where that can't be scanned twice.
    pub(super) source: Option<String>,
    /// The options that say where the data folder is.
    pub(super) global: String,
    /// Whether there is a data folder.
    pub(super) here: bool,
}

impl Typed {
    /// Of these options and this source.
    pub(super) fn of(global: &Global, source: Option<String>, here: bool) -> Self {
        let mut options = String::new();
        for (name, path) in [
            ("--data-dir", &global.data_dir),
            ("--config", &global.config),
        ] {
            if let Some(path) = path {
                options.push_str(&format!(" {name} {}", quoted(&path.to_string_lossy())));
            }
        }
        Self {
            source,
            global: options,
            here,
        }
    }

    /// The command that finds a secret once more and ends it: the secret itself is in no command.
    pub(super) fn respond(&self, finding: &Finding) -> Option<String> {
        let source = self.source.as_ref().filter(|_| self.here)?;
        let begin = finding.fingerprint.get(..NAMED)?;
        Some(format!(
            "doorward scan {source} --finding {begin} --respond{}",
            self.global
        ))
    }

    /// The command that tells whether it is alive.
    pub(super) fn verify(&self, finding: &Finding) -> Option<String> {
        let source = self.source.as_ref()?;
        let begin = finding.fingerprint.get(..NAMED)?;
        Some(format!(
            "doorward scan {source} --finding {begin} --verify{}",
            self.global
        ))
    }

    /// The command that answers the leak of a key that is known.
    fn leak(&self, found: &Found) -> Option<String> {
        let (id, workspace) = match found {
            Found::ClientKey(key) => (&key.id, None),
            Found::UpstreamKey(key) => {
                let id = match (&key.name, &key.api_key_id) {
                    (Some(name), _) => name,
                    (None, Some(id)) if key.sure && key.way == Way::Revoke => id,
                    _ => return None,
                };
                (id, Some(&key.workspace))
            }
        };
        let mut command = format!("doorward leak respond --key {}", quoted(id));
        if let Some(workspace) = workspace {
            command.push_str(&format!(" --workspace {}", quoted(workspace)));
        }
        command.push_str(&self.global);
        Some(command)
    }
}

/// Through the data folder: it knows its keys, its ledger has their last use, and a server that runs
/// gives the call its turn.
async fn through(
    session: &Session,
    run: &ScanRun,
    typed: &Typed,
    one: &Secret,
) -> (Proof, Option<String>) {
    let call = ScanVerify {
        value: SecretText::new(one.secret.expose_secret().to_owned()),
        workspace: run.workspace.clone(),
        finding: recorded(&one.finding),
    };
    match session.call(call).await {
        Ok(told) => {
            let command = told.found.as_ref().and_then(|found| typed.leak(found));
            (proof(told), command)
        }
        Err(failure) => (Proof::unknown(clean(&failure.to_string())), None),
    }
}

fn proof(told: ScanVerified) -> Proof {
    let last_used = told
        .last_used
        .map(|at| super::super::whole_seconds(at).to_string());
    let mut proof = match told.found {
        None => Proof::unknown(told.why.unwrap_or_else(|| "nothing was told".to_owned())),
        Some(Found::ClientKey(key)) => Proof {
            alive: match key.status.as_str() {
                "active" => Alive::Yes,
                _ => Alive::No,
            },
            key: Some(format!("{} of client {}", key.id, key.client)),
            remarks: match key.status.as_str() {
                "active" => Vec::new(),
                status => vec![format!("it is {status}")],
            },
            ..Proof::unknown("")
        },
        Some(Found::UpstreamKey(key)) => Proof {
            alive: match key.alive {
                Some(true) if key.unpaid => Alive::Unpaid,
                Some(true) => Alive::Yes,
                Some(false) => Alive::No,
                None => Alive::Unknown("Instantly gave no clear answer".to_owned()),
            },
            key: key
                .name_there
                .clone()
                .or_else(|| key.name.clone())
                .or_else(|| key.api_key_id.clone()),
            scopes: key.scopes.clone().unwrap_or_default(),
            all_scopes: true,
            remarks: key.remarks.clone(),
            last_used: None,
        },
    };
    proof.last_used = last_used;
    proof
}

/// By itself: one read, or a few, at the host of Instantly's.
async fn alone(run: &ScanRun, secret: &SecretString) -> Proof {
    if !UpstreamKeyFormat::matches(secret.expose_secret()) {
        return Proof::unknown(
            "a client key is known to the Doorward that issued it: name its data folder with --data-dir",
        );
    }
    let url = run.verify_at.as_deref().unwrap_or(INSTANTLY);
    let client = Client::builder()
        .base_url(url)
        .public_only(run.verify_at.is_none())
        .timeout(PATIENCE)
        .key(secret.clone())
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Proof::unknown(error.to_string()),
    };
    let probe = client.probe().await;
    Proof {
        alive: match probe.alive {
            Liveness::Alive if probe.unpaid => Alive::Unpaid,
            Liveness::Alive => Alive::Yes,
            Liveness::Dead => Alive::No,
            Liveness::Unknown { why } => Alive::Unknown(clean(&why)),
        },
        scopes: probe.raw_scopes.iter().map(|scope| clean(scope)).collect(),
        all_scopes: probe.extent == Extent::Exact,
        key: probe.key_id.map(|id| clean(&id)),
        last_used: None,
        remarks: Vec::new(),
    }
}

/// A finding as it is recorded.
fn recorded(finding: &Finding) -> ScanFinding {
    let first = finding.places.first();
    let commit = match first {
        Some(Place::File(file)) => file.introduced.as_ref(),
        _ => None,
    };
    ScanFinding {
        rule: finding.rule.clone(),
        severity: finding.severity,
        fingerprint: finding.fingerprint.clone(),
        place: first.map(Place::shown).unwrap_or_default(),
        commit: commit
            .and_then(|by| by.commit.get(..COMMIT))
            .map(str::to_owned),
        places: finding.places.len() as u64,
    }
}

/// Records the findings that count; those that were tried are in the ledger.
async fn record(session: &Session, settled: &Settled, tried: bool) -> Result<(), Failure> {
    let open = settled.found.iter().filter(|one| one.finding.is_open());
    let left: Vec<&Secret> = open.filter(|one| !(tried && is_tried(one))).collect();
    for one in left.iter().take(RECORDED_MAX) {
        let finding = recorded(&one.finding);
        session.call(ScanRecord { finding }).await?;
    }
    if left.len() > RECORDED_MAX {
        note(format_args!(
            "{} findings are not recorded: the first {RECORDED_MAX} are",
            left.len() - RECORDED_MAX
        ));
    }
    Ok(())
}
