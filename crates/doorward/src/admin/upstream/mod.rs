//! Requests about upstream keys.

mod acts;
mod adopt;
mod identify;
mod list;
mod mint;
mod probe;
mod revoke;
mod shrink;
mod target;
mod types;

use crate::rotation::RotationView;

pub(in crate::admin) use list::{own_use, read_log, those_before};
pub(crate) use types::{
    Inventory, MintAsked, MintPlan, ShrinkAsked, ShrinkPlan, Target, UpstreamAdopt,
    UpstreamAdopted, UpstreamList, UpstreamMint, UpstreamMintPlan, UpstreamProbe, UpstreamProbed,
    UpstreamRevoke, UpstreamRevoked, UpstreamShrink, UpstreamShrinkPlan, UpstreamTarget, WhichKey,
};

routed_calls! {
    UpstreamList, "upstream/list" => Vec<Inventory>;
    UpstreamAdopt, "upstream/adopt" => UpstreamAdopted;
    UpstreamProbe, "upstream/probe" => UpstreamProbed;
    UpstreamTarget, "upstream/target" => Target;
    UpstreamRevoke, "upstream/revoke" => UpstreamRevoked;
    UpstreamMintPlan, "upstream/mint/plan" => MintPlan;
    UpstreamMint, "upstream/mint" => RotationView;
    UpstreamShrinkPlan, "upstream/shrink/plan" => ShrinkPlan;
    UpstreamShrink, "upstream/shrink" => RotationView;
}
