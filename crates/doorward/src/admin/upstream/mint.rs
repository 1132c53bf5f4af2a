//! Making a key with the least scopes: a rotation without an old key.

use doorward_catalog::ScopePlan;
use doorward_keys::inventory::mint_plan;
use doorward_keys::rotation::{Timing, Why};
use doorward_policy::WorkspaceKind;
use doorward_secrets::SecretRef;
use doorward_store::check_name;
use tokio::runtime::Handle as Runtime;

use super::types::{MintAsked, MintChoice, MintPlan, UpstreamMint, UpstreamMintPlan};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::rotation::{Asked, RotationView};

impl Handle<UpstreamMintPlan> for Admin {
    fn handle(&self, call: UpstreamMintPlan) -> Result<MintPlan, AdminError> {
        let (plan, asked) = self.minting(&call.0)?;
        let rotations = (self.parts.rotations)()?;
        let prepared = Runtime::current().block_on(rotations.prepare(&asked))?;
        let choices = plan.choices.into_iter().map(|choice| MintChoice {
            scope: choice.scope.to_string(),
            operations: choice.operations.iter().map(|&id| id.to_owned()).collect(),
            wider_because: choice.wider_because,
        });
        Ok(MintPlan {
            choices: choices.collect(),
            rotation: prepared.view,
        })
    }
}

impl Handle<UpstreamMint> for Admin {
    fn handle(&self, call: UpstreamMint) -> Result<RotationView, AdminError> {
        let (_, asked) = self.minting(&call.0)?;
        let rotations = (self.parts.rotations)()?;
        Runtime::current().block_on(rotations.begin(&asked))
    }
}

impl Admin {
    fn minting(&self, asked: &MintAsked) -> Result<(ScopePlan, Asked), AdminError> {
        check_name("the upstream key", &asked.name)?;
        let workspace = self.workspace(asked.workspace.as_deref())?;
        let ceiling = workspace.kind == WorkspaceKind::Live;
        let plan = mint_plan(&asked.use_cases, asked.environment, ceiling);
        let plan = plan.map_err(AdminError::usage)?;
        let setup = &self.parts.secret_setup;
        let reference: SecretRef = match &asked.to {
            Some(text) => setup
                .reference(text)
                .map_err(|error| AdminError::usage(format_args!("--to: {error}")))?,
            None => setup
                .kept(&format!("upstream/{}/{}", workspace.name, asked.name))
                .map_err(AdminError::usage)?,
        };
        let asked = Asked {
            workspace: workspace.id,
            key: asked.name.clone(),
            why: Why::Mint,
            scopes: Some(plan.scopes()),
            api_key_id: None,
            reference: Some(reference),
            consumers: Vec::new(),
            timing: Timing::at_once(),
        };
        Ok((plan, asked))
    }
}
