//! Leaves: one record each, as bytes that are hashed and as what they say.

mod bytes;
mod event;
mod ids;
mod outcome;
mod parts;
mod record;
mod seal;

pub use bytes::LeafBytes;
pub use event::{Change, Door, Event, FindingState, RotationStep, Severity};
pub use ids::{LeafId, SubjectId};
pub use outcome::{OutcomeActor, OutcomeId, OutcomeLeaf, OutcomeResource};
pub use parts::{Act, Actor, ActorKind, Body, Decision, Metadata, Resource, Text, Verdict};
pub use record::{LEAF_VERSION, Leaf, ReadLeaf};
pub use seal::{Commitment, CommitmentKey, Sealed, SubjectKey};
