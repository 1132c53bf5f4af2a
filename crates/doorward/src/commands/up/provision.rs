//! What the demo is made of: a workspace bound to the sandbox, upstream keys as narrow as each use
//! case allows, a client for each.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use doorward_catalog::wire::{ApiKey, SecretText};
use doorward_catalog::{Environment, OpSet, ScopeSet, UseCase, plan_scopes};
use doorward_keys::ClientKey;
use doorward_policy::{Grant, WorkspaceKind};
use doorward_sandbox::{Sandbox, Summary, WorkspaceSummary};
use doorward_secrets::{Overwrite, SecretRef, Secrets};
use doorward_store::{
    KeyRole, NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, Probe, ProbeOutcome,
    SqliteStore, Store, StoreError, UpstreamKeyChange, Workspace, WorkspaceChange,
};
use doorward_upstream::Client;
use doorward_upstream::resources::NewApiKey;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::spawn_blocking;

use crate::admin::{AdminError, MANAGING, now};
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::Failure;
use crate::secret::{random, read_pepper};
use crate::server::WATCHED;

/// Name of the demo's workspace.
const WORKSPACE: &str = "demo";

/// The demo's clients, each named after its use case. The last is as wide as can be: that is
/// granted here because the workspace is emulated.
pub(super) const USE_CASES: [UseCase; 5] = [
    UseCase::AnalyticsDashboard,
    UseCase::LeadImport,
    UseCase::CampaignLauncher,
    UseCase::WebhookHandler,
    UseCase::FullAutomation,
];

/// Makes what is missing of the demo and leaves the rest as it is.
pub(super) async fn provision(
    context: &Context,
    demo: &mut Demo,
    store: &Arc<SqliteStore>,
    sandbox: &Sandbox,
    url: &str,
) -> Result<(), Failure> {
    let summary = sandbox.summary(url);
    let admin = summary.workspaces.first().ok_or_else(broken)?;
    let folder = context.data_dir.make_secrets()?;
    let workspace = workspace(store.as_ref(), demo, admin, url)?;
    demo.workspace_id.clone_from(&workspace.id);
    upstream_keys(store.as_ref(), &workspace, admin, url, &folder).await?;

    let pepper = read_pepper(&context.secrets.open()?, &context.pepper()?)?;
    store
        .confirm_pepper(&pepper.check_value())
        .map_err(AdminError::from)?;
    let subs = sub_workspaces(&summary);
    let missing = USE_CASES
        .into_iter()
        .filter(|case| !demo.keys.contains_key(case.as_str()));
    for case in missing.collect::<Vec<_>>() {
        let key = {
            let (store, workspace, subs) = (Arc::clone(store), workspace.id.clone(), subs.clone());
            let pepper = pepper.clone();
            spawn_blocking(move || client(store.as_ref(), &workspace, case, subs, &pepper)).await
        };
        demo.keys
            .insert(case.as_str().to_owned(), key.map_err(Failure::failed)??);
        // At once: a key that is issued and not noted is lost.
        demo.write(&context.data_dir)?;
    }
    Ok(())
}

fn broken() -> Failure {
    Failure::failed("the sandbox's state holds no workspace; delete the data folder to begin anew")
}

/// The demo's workspace, pointing at where the sandbox is now.
fn workspace(
    store: &dyn Store,
    demo: &Demo,
    admin: &WorkspaceSummary,
    url: &str,
) -> Result<Workspace, AdminError> {
    let name = if demo.workspace_id.is_empty() {
        WORKSPACE
    } else {
        &demo.workspace_id
    };
    match store.workspace(name) {
        Ok(known) => {
            let change = WorkspaceChange {
                base_url: Some(url.to_owned()),
                instantly_id: Some(admin.id.clone()),
                ..WorkspaceChange::default()
            };
            Ok(store.change_workspace(&known.id, &change)?)
        }
        Err(StoreError::NotFound { .. }) => {
            let new = NewWorkspace {
                instantly_id: Some(admin.id.clone()),
                ..NewWorkspace::new(WORKSPACE, WorkspaceKind::Sandbox, url)
            };
            Ok(store.create_workspace(&new, now())?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The upstream keys by name, with the operations each is there for: one that reads, one that writes
/// leads, one that writes campaigns, one that Doorward itself watches Instantly's audit log with, a
/// wide one for what is left, and one under which Doorward rotates the others. The gateway sends each
/// call out under the narrowest that covers it, and none under the last.
fn key_plan() -> [(&'static str, OpSet, KeyRole); 6] {
    let narrow = [
        UseCase::AnalyticsDashboard,
        UseCase::LeadImport,
        UseCase::CampaignLauncher,
        UseCase::WebhookHandler,
    ];
    let all = narrow
        .iter()
        .fold(OpSet::EMPTY, |all, case| all.union(case.operations()));
    let reads: OpSet = all.iter().filter(|op| !op.facts().writes()).collect();
    let leads = UseCase::LeadImport.operations().difference(reads);
    let campaigns = all.difference(reads).difference(leads);
    let covered = [reads, leads, campaigns].map(|operations| plan_scopes(operations).scopes());
    let covered = covered.into_iter().fold(ScopeSet::EMPTY, ScopeSet::union);
    let rest = UseCase::FullAutomation
        .operations()
        .difference(covered.allows());
    [
        ("reader", reads, KeyRole::Carries),
        ("lead-writer", leads, KeyRole::Carries),
        ("campaign-writer", campaigns, KeyRole::Carries),
        ("watcher", WATCHED.into_iter().collect(), KeyRole::Carries),
        ("wide", rest, KeyRole::Carries),
        ("manager", MANAGING.into_iter().collect(), KeyRole::Manages),
    ]
}

/// Makes the upstream keys that are missing, or that the sandbox does not know any more.
async fn upstream_keys(
    store: &dyn Store,
    workspace: &Workspace,
    admin: &WorkspaceSummary,
    url: &str,
    folder: &Path,
) -> Result<(), Failure> {
    let secrets = Secrets::new();
    for (name, operations, role) in key_plan() {
        let scopes = plan_scopes(operations).scopes();
        let known = workspace.upstream_keys.iter().find(|key| key.name == name);
        // A key that was rotated is where its rotation put it.
        let reference = match known {
            Some(known) => known.reference.parse(),
            None => SecretRef::file(&folder.join(format!("upstream-{name}.key"))),
        };
        let reference: SecretRef = reference.map_err(Failure::usage)?;
        let kept = secrets.read(&reference).ok();
        let works = kept.and_then(|kept| {
            let mut keys = admin.keys.iter();
            keys.find(|known| known.key == kept.expose_secret())
        });
        let api_key_id = match works {
            Some(works) => works.id.clone(),
            None => {
                let made = mint(admin, url, name, scopes).await?;
                let value = SecretString::from(made.key.expose_secret());
                secrets
                    .write(&reference, &value, Overwrite::Replace)
                    .map_err(Failure::failed)?;
                made.id
            }
        };
        if let Some(known) = known {
            let change = UpstreamKeyChange {
                api_key_id: Some(api_key_id),
                role: Some(role),
                ..UpstreamKeyChange::default()
            };
            let changed = store.change_upstream_key(&known.id, &change);
            changed.map_err(AdminError::from)?;
            continue;
        }
        let place = reference.to_string();
        let texts: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
        let new = NewUpstreamKey {
            scopes: Some(texts.clone()),
            role,
            api_key_id: Some(api_key_id),
            made_at: Some(now()),
            ..NewUpstreamKey::new(name, &place)
        };
        let key = store
            .add_upstream_key(&workspace.id, &new, now())
            .map_err(AdminError::from)?;
        let probe = Probe {
            at: now(),
            outcome: ProbeOutcome::Alive,
            detail: "made for the demo".to_owned(),
        };
        store
            .record_probe(&key.id, &probe, Some(&texts))
            .map_err(AdminError::from)?;
    }
    Ok(())
}

/// Makes a key at the sandbox, with its widest one.
async fn mint(
    admin: &WorkspaceSummary,
    url: &str,
    name: &str,
    scopes: ScopeSet,
) -> Result<ApiKey, Failure> {
    let widest = admin.keys.first().ok_or_else(broken)?;
    let client = Client::builder()
        .base_url(url)
        .key(widest.key.clone().into())
        .build();
    let name = format!("doorward {name}");
    let client = client.map_err(Failure::failed)?;
    client
        .api_keys()
        .create(&NewApiKey { name, scopes })
        .await
        .map_err(|error| {
            Failure::failed(format_args!(
                "the sandbox makes no key: {error}; delete the data folder to begin anew"
            ))
        })
}

fn sub_workspaces(summary: &Summary) -> BTreeSet<String> {
    let subs = summary
        .workspaces
        .iter()
        .filter(|workspace| workspace.role == "sub");
    subs.map(|workspace| workspace.id.clone()).collect()
}

/// Makes a client, if it is not there, and issues a key to it.
fn client(
    store: &dyn Store,
    workspace_id: &str,
    case: UseCase,
    subs: BTreeSet<String>,
    pepper: &doorward_keys::Pepper,
) -> Result<SecretText, Failure> {
    let sub_workspaces = if case.is_break_glass() {
        subs
    } else {
        BTreeSet::new()
    };
    let grant = Grant {
        sub_workspaces,
        ..Grant::for_use_case(case.as_str())
    };
    let new = NewClient {
        owner: "demo".to_owned(),
        purpose: case.purpose().to_owned(),
        source: "demo".to_owned(),
        ..NewClient::new(workspace_id, case.as_str(), Environment::Production, grant)
    };
    let client = match store.client(workspace_id, case.as_str()) {
        Err(StoreError::NotFound { .. }) => store.create_client(&new, now()),
        found => found,
    };
    let client = client.map_err(AdminError::from)?;
    let key = ClientKey::generate(client.environment, &*random()?);
    store
        .add_client_key(&client.id, &NewClientKey::of(&key, pepper), now())
        .map_err(AdminError::from)?;
    Ok(SecretText::new(key.expose().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_keys_cover_what_the_clients_may_do_and_none_is_wide_without_need() {
        let plan = key_plan().map(|(_, operations, _)| plan_scopes(operations).scopes());
        let all = plan.into_iter().fold(ScopeSet::EMPTY, ScopeSet::union);
        for case in USE_CASES {
            assert!(case.operations().is_subset(all.allows()), "{case}");
        }
        let [reader, leads, campaigns, watcher, wide, manager] = plan;
        assert_eq!(
            manager.to_string(),
            "api_keys:create, api_keys:read, api_keys:delete"
        );
        assert!(reader.allows().iter().all(|op| !op.facts().writes()));
        assert_eq!(leads.to_string(), "lead_lists:create, leads:create");
        assert_eq!(campaigns.to_string(), "campaigns:create, campaigns:update");
        assert!(WATCHED.into_iter().all(|op| watcher.covers(op)));
        assert!(watcher.allows().iter().all(|op| !op.facts().writes()));
        assert!(!wide.contains(doorward_catalog::Scope::ALL_ALL), "{wide}");
    }
}
