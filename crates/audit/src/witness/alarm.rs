//! What a witness's refusal means, and who is told.

use doorward_ledger::{Actor, ActorKind, Event, FindingState, KeyName, Severity, Verdict};

use crate::audit::Audit;
use crate::draft::Draft;

/// Id of the check that findings about witnesses bear.
const CHECK: &str = "ledger.witness";

/// Why a witness does not cosign, when trying again would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The checkpoint does not go on from what the witness has seen, though our proof is sound.
    #[error(
        "it was shown another history of the first {size} leaves, signed with this ledger's key: \
         find out who else signs with the key, or when the ledger's folder was replaced"
    )]
    SplitView {
        /// Leaves that the witness has seen.
        size: u64,
    },
    /// The witness has seen more leaves than the ledger has.
    #[error(
        "it has seen {seen} leaves and the ledger has {have}: the ledger was turned back, by an old \
         copy or on purpose"
    )]
    TurnedBack {
        /// Leaves that the witness has seen.
        seen: u64,
        /// Leaves of the ledger.
        have: u64,
    },
    /// The ledger's own files no longer hold what this witness cosigned.
    #[error(
        "the ledger's first {size} leaves are not those that it cosigned before: run `audit verify`"
    )]
    OtherHistory {
        /// Leaves that the witness cosigned.
        size: u64,
    },
    /// The witness knows the log, but none of the keys that signed.
    #[error("it does not trust the key that signs the ledger: give it the new verifier key")]
    UnknownKey,
    /// The witness does not know the log.
    #[error("it does not know this ledger: give it the origin and the verifier key")]
    UnknownLog,
    /// It answered 200 with what is not its cosignature.
    #[error("its cosignature does not hold: {0}")]
    NotCosigned(String),
}

impl Refusal {
    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::SplitView { .. } | Self::TurnedBack { .. } | Self::OtherHistory { .. } => {
                Severity::Critical
            }
            Self::UnknownKey | Self::NotCosigned(_) => Severity::High,
            Self::UnknownLog => Severity::Medium,
        }
    }

    /// A code for filters and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SplitView { .. } => "split_view",
            Self::TurnedBack { .. } => "turned_back",
            Self::OtherHistory { .. } => "other_history",
            Self::UnknownKey => "unknown_key",
            Self::UnknownLog => "unknown_log",
            Self::NotCosigned(_) => "not_cosigned",
        }
    }
}

/// Is told when a witness refuses, and when it cosigns again. Once each; it must not block.
pub trait WitnessWatch: Send + Sync {
    /// The witness refuses, or refuses for another reason than before.
    fn refused(&self, witness: &KeyName, refusal: &Refusal);
    /// The witness cosigns again.
    fn mended(&self, witness: &KeyName);
}

/// Records findings, and writes them to the program's own log.
impl WitnessWatch for Audit {
    fn refused(&self, witness: &KeyName, refusal: &Refusal) {
        tracing::error!(%witness, code = refusal.code(), "a witness refuses the ledger: {refusal}");
        let mut draft = self.finding(witness, refusal.severity(), FindingState::Open);
        draft.act.reason = Some(refusal.code().to_owned());
        let why = refusal.to_string();
        draft.act.metadata.insert("why".to_owned(), why.into());
        self.note(draft);
    }

    fn mended(&self, witness: &KeyName) {
        tracing::info!(%witness, "the witness cosigns again");
        self.note(self.finding(witness, Severity::Info, FindingState::Mended));
    }
}

impl Audit {
    fn finding(&self, witness: &KeyName, severity: Severity, state: FindingState) -> Draft {
        let result = match state {
            FindingState::Open => Verdict::Failure,
            FindingState::Mended | FindingState::Accepted => Verdict::Success,
        };
        let mut act = doorward_ledger::Act::new("ledger.witness", result);
        act.actor = Some(Actor::of(ActorKind::Doorward));
        act.metadata
            .insert("witness".to_owned(), witness.as_str().into());
        let event = Event::Finding {
            check: CHECK.to_owned(),
            severity,
            state,
        };
        Draft::new(self.now(), act, event)
    }
}
