//! What can be typed about upstream keys.

mod inventory;
mod rotations;

use clap::Subcommand;

pub(crate) use inventory::{
    AdoptUpstream, ListUpstream, MintUpstream, ProbeUpstream, RevokeUpstream, ShrinkUpstream,
};
pub(crate) use rotations::{RotateUpstream, RotationCommand, Waiting};

/// `doorward upstream …`
#[derive(Debug, Subcommand)]
pub(crate) enum UpstreamCommand {
    /// List every key of the workspaces: those that are held, and those that Instantly lists beside
    List(ListUpstream),
    /// Take in a key that is there already, or say more of one that is held
    Adopt(AdoptUpstream),
    /// Try a key that is held: is it alive, has it the scopes it should, is a read answered
    Probe(ProbeUpstream),
    /// Make a key with the least scopes of what it is for
    Mint(MintUpstream),
    /// Replace a key by one with only what it was used for
    Shrink(ShrinkUpstream),
    /// Delete a key at Instantly, by its id, and prove it dead
    Revoke(RevokeUpstream),
    #[command(flatten)]
    Rotation(RotationCommand),
}
