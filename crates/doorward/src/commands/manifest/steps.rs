//! What each step is, as requests to the admin API: each is recorded there.

use std::collections::{BTreeMap, BTreeSet};

use doorward_posture::manifest::{
    ClientSpec, ControlsSpec, DestinationSpec, MemberSpec, SubscriptionSpec, rule,
};
use doorward_posture::plan::{Act, Step};

use super::keys;
use crate::admin::{
    BULK_MAX, BlockRemove, ClientCreate, ClientDelete, ClientSet, ControlsChange, DestinationAdd,
    DestinationAsked, DestinationRemove, DestinationSet, DoorAsked, GroupInvite, GroupRemove,
    Limit, MemberInvite, MemberRemove, MemberSet, Nickname, Session, Switch, Wanted, WebhookAlign,
    WebhookCreate, WebhookDelete, WebhookEnd, WebhookSet,
};
use crate::commands::blocklist::add_all;
use crate::exit::Failure;
use crate::relay::Form;

/// Carries a step out. What was done, in words.
///
/// # Errors
/// Why not.
pub(super) async fn carry_out(session: &Session, step: &Step) -> Result<String, Failure> {
    let name = step.name.clone();
    let workspace = step.workspace.clone().unwrap_or_default();
    match &step.act {
        Act::KeyMake(spec) => keys::make(session, workspace, name, spec).await,
        Act::KeyReplace { scopes } => keys::replace(session, workspace, name, scopes).await,
        Act::KeyNote(spec) => keys::note(session, workspace, name, spec).await,
        Act::KeyRevoke { api_key_id } => {
            keys::revoke(session, workspace, name, api_key_id.clone()).await
        }
        Act::ClientCreate(spec) => {
            let call = ClientCreate {
                workspace: Some(workspace.clone()),
                name: name.clone(),
                environment: spec.environment,
                owner: spec.owner.clone().unwrap_or_default(),
                purpose: spec.purpose.clone().unwrap_or_default(),
                grant: spec.grant.clone(),
                controls: controls(&spec.controls)?,
                expires_at: None,
                by: Vec::new(),
            };
            session.call(call).await?;
            if spec.disabled == Some(true) {
                let off = ClientSet {
                    workspace: Some(workspace),
                    name,
                    disabled: Some(true),
                    ..ClientSet::default()
                };
                session.call(off).await?;
            }
            said("created")
        }
        Act::ClientChange { spec, grant } => {
            session.call(changed(workspace, name, spec, grant)?).await?;
            said("changed")
        }
        Act::ClientDelete => {
            let workspace = Some(workspace);
            session.call(ClientDelete { workspace, name }).await?;
            said("deleted")
        }
        Act::SubscriptionMake(spec) => {
            let call = WebhookCreate {
                workspace: Some(workspace),
                name,
                wanted: wanted(spec),
                door: DoorAsked {
                    public_url: spec.public_url.clone(),
                    proofs: vec![
                        spec.proof
                            .clone()
                            .unwrap_or_else(|| SubscriptionSpec::PROOF.to_owned()),
                    ],
                    allow: spec.allow.iter().flatten().cloned().collect(),
                    to: spec.kept_at.clone(),
                },
            };
            let made = session.call(call).await?;
            match made.tested {
                Some(tested) if !tested.success => said("made; its test did not arrive"),
                _ => said("made"),
            }
        }
        Act::SubscriptionAlign(spec) => {
            let wanted = wanted(spec);
            let source = name;
            session.call(WebhookAlign { source, wanted }).await?;
            said("as declared")
        }
        Act::SubscriptionAllow { allow } => {
            let call = WebhookSet {
                source: name,
                allow: Some(allow.iter().cloned().collect()),
                proofs: None,
            };
            session.call(call).await?;
            said("changed")
        }
        Act::SubscriptionRemove => {
            let call = WebhookDelete {
                source: name,
                keep_subscription: false,
            };
            session.call(call).await?;
            said("removed")
        }
        Act::SubscriptionEnd { id } => {
            let call = WebhookEnd {
                workspace,
                subscription: id.clone(),
            };
            session.call(call).await?;
            said("ended")
        }
        Act::DestinationAdd(spec) => {
            let call = DestinationAdd {
                name: name.clone(),
                asked: asked(spec)?,
                secret: spec.kept_at.clone(),
            };
            session.call(call).await?;
            if spec.paused == Some(true) {
                session.call(switched(name, spec)?).await?;
            }
            said("added")
        }
        Act::DestinationSet(spec) => {
            session.call(switched(name, spec)?).await?;
            said("changed")
        }
        Act::DestinationRemove => {
            let call = DestinationRemove { destination: name };
            session.call(call).await?;
            said("removed")
        }
        Act::MemberInvite(spec) => {
            session.call(invite(workspace, name, spec)).await?;
            said("invited")
        }
        Act::MemberSet(spec) => {
            let call = MemberSet {
                workspace: Some(workspace),
                member: name,
                role: Some(spec.role.clone()).filter(|role| role != "owner"),
                nickname: spec
                    .nickname
                    .clone()
                    .map(|nickname| match nickname.is_empty() {
                        true => Nickname::None,
                        false => Nickname::Is(nickname),
                    }),
            };
            session.call(call).await?;
            said("changed")
        }
        Act::MemberAnew { id, spec } => {
            let gone = MemberRemove {
                workspace: Some(workspace.clone()),
                member: id.clone(),
            };
            session.call(gone).await?;
            session.call(invite(workspace, name, spec)).await?;
            said("removed, and invited again")
        }
        Act::MemberRemove { id } => {
            let gone = MemberRemove {
                workspace: Some(workspace),
                member: id.clone(),
            };
            session.call(gone).await?;
            said("removed")
        }
        Act::SubWorkspaceInvite => {
            let sub_workspace = name;
            let call = GroupInvite {
                workspace,
                sub_workspace,
            };
            session.call(call).await?;
            said("invited")
        }
        Act::SubWorkspaceRemove { id } => {
            let membership = id.clone();
            let call = GroupRemove {
                workspace,
                membership,
            };
            session.call(call).await?;
            said("removed")
        }
        Act::Block { values } => {
            let added = add_all(session, Some(&workspace), values).await?;
            match added.refused {
                0 => Ok(format!("{} blocked", added.added)),
                refused => Err(Failure::failed(format_args!(
                    "Instantly did not take {refused} of the values; {} are blocked",
                    added.added
                ))),
            }
        }
        Act::Unblock { ids } => {
            let mut removed = 0;
            for bulk in ids.chunks(BULK_MAX) {
                let call = BlockRemove {
                    workspace: Some(workspace.clone()),
                    ids: bulk.to_vec(),
                };
                removed += session.call(call).await?.removed;
            }
            Ok(format!("{removed} entries removed"))
        }
    }
}

fn said(what: &str) -> Result<String, Failure> {
    Ok(what.to_owned())
}

fn changed(
    workspace: String,
    name: String,
    spec: &ClientSpec,
    grant: &Option<doorward_policy::Grant>,
) -> Result<ClientSet, Failure> {
    Ok(ClientSet {
        workspace: Some(workspace),
        name,
        disabled: spec.disabled,
        grant: grant.clone(),
        controls: controls(&spec.controls)?,
        owner: spec.owner.clone(),
        purpose: spec.purpose.clone(),
        end: None,
    })
}

fn controls(spec: &ControlsSpec) -> Result<ControlsChange, Failure> {
    let limit = |limit: Option<u32>| {
        limit.map(|most| match most {
            0 => Limit::None,
            most => Limit::Most(most),
        })
    };
    let class = spec.class.as_deref().map(|class| {
        let class = serde_json::from_value(class.into());
        class.map_err(Failure::usage)
    });
    let sources = spec.sources.as_ref().map(|all| {
        let nets = all.iter().map(|text| text.parse::<ipnet::IpNet>());
        nets.collect::<Result<BTreeSet<_>, _>>()
            .map_err(Failure::usage)
    });
    let redact = spec.redact.as_ref().map(|all| {
        let rules = all.iter().map(|text| rule(text));
        rules.collect::<Result<Vec<_>, _>>().map_err(Failure::usage)
    });
    Ok(ControlsChange {
        class: class.transpose()?,
        weight: spec.weight,
        per_second: limit(spec.per_second),
        per_day: limit(spec.per_day),
        leads_per_day: limit(spec.leads_per_day),
        concurrency: limit(spec.concurrency),
        sources: sources.transpose()?,
        redact: redact.transpose()?,
    })
}

fn wanted(spec: &SubscriptionSpec) -> Wanted {
    let campaign = spec.campaign.clone();
    match (&spec.event, spec.label) {
        (Some(event), _) => Wanted::Event {
            event: event.clone(),
            campaign,
        },
        (None, Some(value)) => Wanted::Label { value, campaign },
        (None, None) => Wanted::Nothing,
    }
}

fn asked(spec: &DestinationSpec) -> Result<DestinationAsked, Failure> {
    let list = |set: &Option<BTreeSet<String>>| {
        set.as_ref()
            .map(|set| set.iter().cloned().collect::<Vec<_>>())
    };
    let form = spec.form.as_deref().map(|form| {
        let form = serde_json::from_value::<Form>(form.into());
        form.map_err(Failure::usage)
    });
    let headers = spec.headers.as_ref().map(|all: &BTreeMap<String, String>| {
        let typed = all.iter().map(|(name, value)| format!("{name}: {value}"));
        typed.collect::<Vec<_>>()
    });
    Ok(DestinationAsked {
        url: Some(spec.url.clone()),
        events: list(&spec.events),
        campaigns: list(&spec.campaigns),
        workspaces: list(&spec.workspaces),
        form: form.transpose()?,
        headers,
        in_order: spec.in_order,
        concurrency: spec.concurrency,
        rate: spec.rate,
        timeout_ms: spec.timeout_ms,
        ..DestinationAsked::default()
    })
}

fn switched(name: String, spec: &DestinationSpec) -> Result<DestinationSet, Failure> {
    Ok(DestinationSet {
        destination: name,
        asked: asked(spec)?,
        switch: spec.paused.map(|paused| match paused {
            true => Switch::Off,
            false => Switch::On,
        }),
    })
}

fn invite(workspace: String, email: String, spec: &MemberSpec) -> MemberInvite {
    MemberInvite {
        workspace: Some(workspace),
        email,
        role: spec.role.clone(),
        permissions: spec.permissions.iter().flatten().cloned().collect(),
        nickname: spec.nickname.clone().filter(|name| !name.is_empty()),
    }
}
