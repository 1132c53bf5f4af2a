//! All witnesses, round after round.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use doorward_ledger::segment::Disk;
use doorward_ledger::{Checkpoint, Directory, Note, NoteSignature, TileSource, VerifierKey};
use tokio::task::JoinSet;

use super::ask::{Question, Unasked};
use super::kept::{Kept, Vouched};
use super::plan::{Asked, News, Next, Plan, Reply};
use super::{Refusal, Witness, WitnessOptions, WitnessStatus, WitnessWatch};
use crate::error::{AuditError, Result};
use crate::web::Web;

/// The most witnesses of one ledger.
const MOST: usize = 16;
/// A right answer is a few lines.
const ANSWER_MAX: usize = 16 * 1024;

/// The ledger's witnesses. Cheap to clone.
#[derive(Clone)]
pub struct Witnesses(Arc<Shared>);

struct Shared {
    folder: PathBuf,
    keys: Vec<VerifierKey>,
    kept: Kept,
    peers: Vec<Peer>,
    watch: Arc<dyn WitnessWatch>,
    options: WitnessOptions,
    web: Web,
    started: Instant,
    /// One round at a time.
    round: tokio::sync::Mutex<()>,
}

struct Peer {
    witness: Witness,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    vouched: Option<Vouched>,
    newest: u64,
    cosignatures: u64,
    failures: u64,
    trouble: Option<String>,
}

/// The checkpoint of a round.
#[derive(Clone)]
struct Newest {
    note: Note,
    size: u64,
}

type Cosigned = (VerifierKey, Vec<NoteSignature>);

impl Witnesses {
    /// The witnesses of the ledger in `folder`, which is there, whose checkpoints are signed with
    /// one of `keys`. Reads what was cosigned before. Blocks.
    ///
    /// # Errors
    /// When there are too many, one twice, or the folder can't be used.
    pub fn open(
        folder: &Path,
        keys: &[VerifierKey],
        witnesses: Vec<Witness>,
        watch: Arc<dyn WitnessWatch>,
        options: WitnessOptions,
    ) -> Result<Self> {
        let fault = |why| AuditError::Setting {
            what: "the witnesses",
            why,
        };
        if witnesses.len() > MOST {
            return Err(fault("there are more than 16"));
        }
        let mut ids: Vec<_> = witnesses.iter().map(|witness| witness.key.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < witnesses.len() {
            return Err(fault("one is there twice"));
        }
        let unusable = |source| doorward_ledger::log::LogError::Io {
            path: folder.display().to_string(),
            source,
        };
        let disk = Disk::existing(folder).map_err(unusable)?;
        let theirs: Vec<_> = witnesses
            .iter()
            .map(|witness| witness.key.clone())
            .collect();
        let kept = Kept::open(disk, keys, &theirs).map_err(unusable)?;
        let peers = witnesses.into_iter().map(|witness| {
            let vouched = kept.vouched(&witness.key);
            let state = State {
                plan: Plan::resume(vouched.map_or(0, |vouched| vouched.head.size)),
                vouched,
                ..State::default()
            };
            Peer {
                witness,
                state: Mutex::new(state),
            }
        });
        Ok(Self(Arc::new(Shared {
            folder: folder.to_owned(),
            keys: keys.to_vec(),
            peers: peers.collect(),
            kept,
            watch,
            options,
            web: Web::new(None, options.within, ANSWER_MAX)?,
            started: Instant::now(),
            round: tokio::sync::Mutex::new(()),
        })))
    }

    /// Asks whoever there is something to ask of, until `stop` is done.
    pub async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let mut rounds = tokio::time::interval(self.0.options.every);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = rounds.tick() => {}
            }
            tokio::select! {
                () = &mut stop => return,
                done = self.round() => if let Err(error) = done {
                    tracing::warn!(%error, "the witnesses could not be asked");
                },
            }
        }
    }

    /// One round: each witness is sent the newest checkpoint, if there is something to ask, and what
    /// comes back is kept. How many cosigned.
    ///
    /// # Errors
    /// When the checkpoint can't be read, or what came back can't be kept.
    pub async fn round(&self) -> Result<usize> {
        let _one = self.0.round.lock().await;
        let shared = Arc::clone(&self.0);
        let Some(newest) = blocking(move || shared.newest()).await?? else {
            return Ok(0);
        };
        let mut asking = JoinSet::new();
        for number in 0..self.0.peers.len() {
            let (shared, newest) = (Arc::clone(&self.0), newest.clone());
            asking.spawn(async move { shared.ask(number, newest).await });
        }
        let mut cosigned = Vec::new();
        while let Some(done) = asking.join_next().await {
            cosigned.extend(done.ok().flatten());
        }
        let count = cosigned.len();
        if count > 0 {
            let shared = Arc::clone(&self.0);
            blocking(move || shared.kept.keep(&newest.note, &cosigned))
                .await?
                .map_err(|source| doorward_ledger::log::LogError::Io {
                    path: super::COSIGNED_PATH.to_owned(),
                    source,
                })?;
        }
        Ok(count)
    }

    /// How each is doing.
    pub fn status(&self) -> Vec<WitnessStatus> {
        self.0.peers.iter().map(Peer::status).collect()
    }
}

impl Shared {
    fn newest(&self) -> Result<Option<Newest>> {
        let Some(bytes) = Directory::new(&self.folder).checkpoint()? else {
            return Ok(None);
        };
        let opened = Checkpoint::open(&bytes, &self.keys)?;
        Ok(Some(Newest {
            size: opened.checkpoint.size(),
            note: opened.note,
        }))
    }

    /// Asks one witness until there is nothing more to ask this round.
    async fn ask(self: Arc<Self>, number: usize, newest: Newest) -> Option<Cosigned> {
        let peer = self.peers.get(number)?;
        {
            let mut state = peer.state();
            state.newest = newest.size;
            state.plan.begin();
        }
        let mut cosigned = None;
        loop {
            let (next, vouched) = {
                let state = peer.state();
                let now = self.started.elapsed();
                let next = state.plan.next(newest.size, now, self.options.refresh);
                (next, state.vouched)
            };
            let old = match next {
                Next::Rest => return cosigned,
                Next::Behind(_) => {
                    let now = self.started.elapsed();
                    let news = peer.state().plan.behind(newest.size, now);
                    self.tell(peer, news);
                    return cosigned;
                }
                Next::Ask(old) => old,
            };
            let (folder, note) = (self.folder.clone(), newest.note.clone());
            let known = vouched.map(|vouched| vouched.head);
            let question =
                blocking(move || Question::make(&Directory::new(folder), &note, old, known)).await;
            let question = match question {
                Ok(question) => question,
                Err(error) => Err(Unasked::Trouble(error.to_string())),
            };
            let asked = Asked {
                old,
                size: newest.size,
            };
            let (reply, result) = match question {
                Ok(question) => question.send(&self.web, &peer.witness, &newest.note).await,
                Err(Unasked::OtherHistory) => {
                    let refusal = Refusal::OtherHistory { size: old };
                    let why = refusal.to_string();
                    (Reply::Refused(refusal), Err(why))
                }
                Err(Unasked::Trouble(why)) => (Reply::Failed, Err(why)),
            };
            let now = self.started.elapsed();
            let news = peer.take(asked, reply, result, &newest.note, now, &mut cosigned);
            self.tell(peer, news);
        }
    }

    fn tell(&self, peer: &Peer, news: Option<News>) {
        let name = peer.witness.key.name();
        match news {
            Some(News::Refused(refusal)) => self.watch.refused(name, &refusal),
            Some(News::Mended) => self.watch.mended(name),
            None => {}
        }
    }
}

impl Peer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(
        &self,
        asked: Asked,
        reply: Reply,
        result: std::result::Result<Vec<NoteSignature>, String>,
        note: &Note,
        now: std::time::Duration,
        cosigned: &mut Option<Cosigned>,
    ) -> Option<News> {
        let mut state = self.state();
        match result {
            Ok(lines) => {
                state.cosignatures += 1;
                state.trouble = None;
                state.vouched = vouched(note, &self.witness.key, &lines).or(state.vouched);
                *cosigned = Some((self.witness.key.clone(), lines));
            }
            Err(why) => {
                state.failures += 1;
                state.trouble = Some(why);
            }
        }
        state.plan.answered(asked, reply, now)
    }

    fn status(&self) -> WitnessStatus {
        let state = self.state();
        let cosigned = state.vouched.map(|vouched| vouched.head.size);
        WitnessStatus {
            name: self.witness.key.name().to_string(),
            url: self.witness.url().to_owned(),
            cosigned,
            cosigned_at: state.vouched.map(|vouched| vouched.time),
            lag: state.newest.saturating_sub(cosigned.unwrap_or(0)),
            cosignatures: state.cosignatures,
            failures: state.failures,
            refusal: state.plan.refusal().cloned(),
            trouble: state.trouble.clone(),
        }
    }
}

/// What these lines vouch for.
fn vouched(note: &Note, key: &VerifierKey, lines: &[NoteSignature]) -> Option<Vouched> {
    let line = lines.iter().find(|line| line.is_by(key))?;
    let time = line.signature.first_chunk::<8>()?;
    Some(Vouched {
        head: Checkpoint::parse(note.text()).ok()?.head(),
        time: u64::from_be_bytes(*time),
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| AuditError::NotRecorded("the program is ending"))
}
