//! Steps that concern upstream keys: rotations are followed until they are over.

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_catalog::{Scope, ScopeSet};
use doorward_posture::manifest::KeySpec;

use crate::admin::{
    KeyMake, KeyNote, RotationAsked, RotationBegin, RotationList, RotationShow, Session,
    UpstreamRevoke, UpstreamTarget, WhichKey,
};
use crate::exit::Failure;
use crate::rotation::RotationView;

/// How often a rotation is asked how far it is.
const EVERY: Duration = Duration::from_millis(200);

fn set(scopes: &BTreeSet<String>) -> Result<ScopeSet, Failure> {
    let parse = |text: &String| Scope::parse(text).map_err(Failure::usage);
    scopes.iter().map(parse).collect()
}

/// Follows a rotation until it is over.
async fn follow(session: &Session, mut rotation: RotationView) -> Result<String, Failure> {
    while rotation.open && !rotation.is_stuck() {
        tokio::time::sleep(EVERY).await;
        let id = rotation.id.clone();
        rotation = session.call(RotationShow { id }).await?;
    }
    if rotation.is_done() {
        return Ok("in force".to_owned());
    }
    let why = rotation.trouble.or(rotation.back).unwrap_or_default();
    Err(Failure::failed(format_args!(
        "rotation {} ended as {}: {why}; see `doorward upstream status {0}`",
        rotation.id, rotation.step
    )))
}

/// A rotation of this key that is under way already, such as one that an apply before has begun.
async fn under_way(
    session: &Session,
    workspace: &str,
    key: &str,
) -> Result<Option<RotationView>, Failure> {
    let call = RotationList {
        workspace: Some(workspace.to_owned()),
        key: None,
        open_only: true,
    };
    let open = session.call(call).await?;
    Ok(open.into_iter().find(|one| one.key == key))
}

/// Makes a key, or follows one that is being made.
pub(super) async fn make(
    session: &Session,
    workspace: String,
    name: String,
    spec: &KeySpec,
) -> Result<String, Failure> {
    let rotation = match under_way(session, &workspace, &name).await? {
        Some(rotation) => rotation,
        None => {
            let scopes = set(spec.scopes.as_ref().unwrap_or(&BTreeSet::new()))?;
            let call = KeyMake {
                workspace: workspace.clone(),
                name: name.clone(),
                scopes,
                to: spec.kept_at.clone(),
            };
            session.call(call).await?
        }
    };
    let made = follow(session, rotation).await?;
    if spec.owner.is_some() || spec.rotate_every.is_some() {
        note(session, workspace, name, spec).await?;
    }
    Ok(made)
}

/// Replaces a key by one with other scopes.
pub(super) async fn replace(
    session: &Session,
    workspace: String,
    name: String,
    scopes: &BTreeSet<String>,
) -> Result<String, Failure> {
    if let Some(rotation) = under_way(session, &workspace, &name).await? {
        follow(session, rotation).await?;
        return Err(Failure::failed(
            "a rotation of the key was under way, and is over; apply again",
        ));
    }
    let asked = RotationAsked {
        workspace: Some(workspace),
        key: name,
        api_key_id: None,
        scopes: Some(set(scopes)?),
        to: None,
        at_once: false,
    };
    let rotation = session.call(RotationBegin(asked)).await?;
    follow(session, rotation).await
}

/// Notes what a key is for.
pub(super) async fn note(
    session: &Session,
    workspace: String,
    name: String,
    spec: &KeySpec,
) -> Result<String, Failure> {
    let call = KeyNote {
        workspace,
        name,
        owner: spec.owner.clone(),
        rotate_every: spec.rotate_every,
        manages: spec.manages,
    };
    session.call(call).await?;
    Ok("noted".to_owned())
}

/// Revokes a key at Instantly.
pub(super) async fn revoke(
    session: &Session,
    workspace: String,
    name: String,
    id: Option<String>,
) -> Result<String, Failure> {
    let api_key_id = match id {
        Some(id) => id,
        None => {
            let target = UpstreamTarget {
                workspace: Some(workspace.clone()),
                which: WhichKey::Name(name),
                force: false,
            };
            session.call(target).await?.api_key_id
        }
    };
    let call = UpstreamRevoke {
        workspace,
        api_key_id,
        force: false,
    };
    session.call(call).await?;
    Ok("revoked".to_owned())
}
