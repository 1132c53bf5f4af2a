//! What a workspace's upstream keys are found to be: alive, of which workspace, with which reach.

use doorward_catalog::{Op, ScopeSet};
use doorward_secrets::{SecretRef, Secrets};
use doorward_upstream::wire::GroupStatus;
use doorward_upstream::{BaseUrl, Client, Error, Extent, Liveness};
use secrecy::SecretString;
use tokio::runtime::Handle;

use super::error::AdminError;
use super::types::SubWorkspace;
use crate::output::clean;
use crate::scrubbed::{known_secrets, scrub};
use crate::server::OwnPace;

/// Most sub-workspaces that are listed.
const SUB_WORKSPACES_MAX: usize = 10_000;

/// What the key that manages a workspace's others is asked for.
pub(crate) const MANAGING: [Op; 3] = [Op::CreateAPIKey, Op::ListAPIKey, Op::DeleteAPIKey];

/// What Doorward itself would do with a workspace's keys, and the operations it takes.
pub(super) const OWN_NEEDS: [(&str, &[Op]); 5] = [
    ("tell which workspace a key is of", &[Op::GetWorkspace]),
    (
        "list the sub-workspaces it reaches",
        &[Op::ListWorkspaceGroupMember],
    ),
    ("rotate the upstream keys", &MANAGING),
    ("read the workspace's audit log", &[Op::ListAuditLog]),
    (
        "fetch back webhook events that were missed",
        &[Op::ListWebhook, Op::ListWebhookEvent],
    ),
];

/// Who is asked about keys.
pub(super) struct Asked<'a> {
    /// Where the API is.
    pub(super) base_url: &'a str,
    /// Whether that may be another machine without TLS.
    pub(super) plain_http: bool,
    /// Whether the host must have public addresses alone.
    pub(super) public_only: bool,
    /// The pace that is kept, when a server runs in this process.
    pub(super) pace: Option<OwnPace>,
}

/// What probing found.
pub(super) struct Found {
    /// Each key, in the order given.
    pub(super) keys: Vec<FoundKey>,
    /// Instantly's id of the workspace, when a key may read it.
    pub(super) instantly_id: Option<String>,
    /// The sub-workspaces, when a key may list them.
    pub(super) sub_workspaces: Option<Vec<SubWorkspace>>,
}

/// A key that is alive.
pub(super) struct FoundKey {
    pub(super) reference: SecretRef,
    /// Its scopes, when they could be found.
    pub(super) scopes: Option<Vec<String>>,
    /// Instantly's id of it, when it is certain.
    pub(super) api_key_id: Option<String>,
    /// One line for people.
    pub(super) detail: String,
}

/// Reads the keys and asks the API about them: harmless reads only.
///
/// When a server runs, its pace is kept. Blocks; to be called off the runtime's own threads.
///
/// # Errors
/// When a key can't be read, is not accepted, can't be judged, or the keys are of different
/// workspaces.
pub(super) fn probe_keys(
    secrets: &Secrets,
    asked: &Asked<'_>,
    references: &[SecretRef],
    said: Option<ScopeSet>,
) -> Result<Found, AdminError> {
    BaseUrl::parse_allowing(asked.base_url, asked.plain_http).map_err(AdminError::usage)?;
    // What is there now, and not what was read before.
    let read = |reference: &SecretRef| {
        let found = secrets.find(reference).map_err(AdminError::usage)?;
        Ok::<_, AdminError>(found.secret)
    };
    let keys: Vec<SecretString> = references.iter().map(read).collect::<Result<_, _>>()?;
    // Whoever is at the base URL may answer with the key that it is sent, and what it says is kept
    // and told.
    known_secrets()
        .set("keys being tried", keys.clone())
        .map_err(AdminError::failed)?;
    let found = ask(asked, references.iter().zip(keys), said);
    match found {
        Ok(found) => Ok(found.scrubbed()),
        Err(error) => Err(AdminError {
            message: scrub(error.message),
            ..error
        }),
    }
}

fn ask<'r>(
    asked: &Asked<'_>,
    keys: impl Iterator<Item = (&'r SecretRef, SecretString)>,
    said: Option<ScopeSet>,
) -> Result<Found, AdminError> {
    let mut found = Found {
        keys: vec![],
        instantly_id: None,
        sub_workspaces: None,
    };
    for (reference, key) in keys {
        let client = Client::builder()
            .base_url(asked.base_url)
            .allow_plain_http(asked.plain_http)
            .public_only(asked.public_only)
            .key(key);
        let client = match &asked.pace {
            Some(pace) => client.pace(pace.clone()),
            None => client,
        };
        let client = client
            .build()
            .map_err(|error| AdminError::usage(format_args!("{reference}: {error}")))?;
        Handle::current().block_on(found.probe(reference, &client, said))?;
    }
    Ok(found)
}

impl Found {
    /// The same without what secrets the API put into it.
    fn scrubbed(self) -> Self {
        let keys = self.keys.into_iter().map(|key| FoundKey {
            scopes: key
                .scopes
                .map(|scopes| scopes.into_iter().map(scrub).collect()),
            ..key
        });
        let sub_workspaces = self.sub_workspaces.map(|all| {
            all.into_iter()
                .map(|sub| SubWorkspace {
                    id: scrub(sub.id),
                    name: sub.name.map(scrub),
                    status: scrub(sub.status),
                })
                .collect()
        });
        Self {
            keys: keys.collect(),
            instantly_id: self.instantly_id.map(scrub),
            sub_workspaces,
        }
    }

    async fn probe(
        &mut self,
        reference: &SecretRef,
        client: &Client,
        said: Option<ScopeSet>,
    ) -> Result<(), AdminError> {
        let probe = client.probe().await;
        match &probe.alive {
            Liveness::Alive => {}
            Liveness::Dead => {
                return Err(AdminError::failed(format_args!(
                    "{} does not accept the key {reference}; make a new one there and put it in \
                     its place",
                    client.base_url()
                )));
            }
            Liveness::Unknown { why } => {
                return Err(AdminError::failed(format_args!(
                    "the key {reference} could not be tried: {}; try again when {} answers",
                    clean(why),
                    client.base_url()
                )));
            }
        }
        let exact = probe.scopes.is_some() && probe.extent == Extent::Exact;
        let named = |scopes: ScopeSet| scopes.iter().map(|scope| scope.to_string()).collect();
        let (scopes, detail) = match said {
            // As the API spells them, so that those the catalog does not know are kept too.
            _ if exact && !probe.raw_scopes.is_empty() => (Some(probe.raw_scopes), "alive"),
            _ if exact => (probe.scopes.map(named), "alive"),
            Some(said) => (Some(named(said)), "alive; its scopes are as its owner says"),
            // The gateway takes a key of unknown scopes where no other will do.
            None if probe.unpaid => (None, "alive; the workspace has no paid plan"),
            None => (
                None,
                "alive; which scopes it has can't be found out: say them with --scopes",
            ),
        };
        let detail = detail.to_owned();
        self.keys.push(FoundKey {
            reference: reference.clone(),
            scopes,
            api_key_id: probe.key_id,
            detail,
        });
        let scopes = probe.scopes.unwrap_or_default();
        if scopes.covers(Op::GetWorkspace) {
            self.identify(reference, client).await?;
        }
        if self.sub_workspaces.is_none() && scopes.covers(Op::ListWorkspaceGroupMember) {
            self.sub_workspaces = sub_workspaces(client).await?;
        }
        Ok(())
    }

    async fn identify(&mut self, reference: &SecretRef, client: &Client) -> Result<(), AdminError> {
        let workspace = client.workspace().get().await.map_err(|error| {
            AdminError::failed(format_args!(
                "the workspace of {reference} can't be read: {error}"
            ))
        })?;
        match &self.instantly_id {
            Some(id) if *id != workspace.id => Err(AdminError::usage(format_args!(
                "the keys are of different Instantly workspaces ({id} and {}); add each under a \
                 name of its own",
                clean(&workspace.id)
            ))),
            _ => {
                self.instantly_id = Some(workspace.id);
                Ok(())
            }
        }
    }
}

async fn sub_workspaces(client: &Client) -> Result<Option<Vec<SubWorkspace>>, AdminError> {
    let members = match client.group_members().list().all(SUB_WORKSPACES_MAX).await {
        Ok(members) => members,
        // A workspace that is in no group has none to list.
        Err(Error::NotFound { .. } | Error::Forbidden { .. } | Error::WrongScope { .. }) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(AdminError::failed(format_args!(
                "the sub-workspaces can't be listed: {error}; try again"
            )));
        }
    };
    Ok(Some(
        members
            .into_iter()
            .map(|member| SubWorkspace {
                id: member.sub_workspace_id,
                name: member.sub_workspace_name,
                status: match member.status {
                    GroupStatus::Pending => "pending".to_owned(),
                    GroupStatus::Accepted => "accepted".to_owned(),
                    GroupStatus::Rejected => "rejected".to_owned(),
                    GroupStatus::Other(other) => clean(&other),
                },
            })
            .collect(),
    ))
}
