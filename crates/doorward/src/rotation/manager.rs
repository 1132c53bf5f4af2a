//! The key that makes, lists and deletes a workspace's other keys.

use doorward_store::{KeyRole, UpstreamKey, UpstreamKeyState, Workspace};

use crate::admin::{AdminError, MANAGING};

/// The key under which a workspace's keys are managed, other than `but` by Doorward's id: one that is
/// there for that, else the narrowest that is known to cover what is needed.
///
/// # Errors
/// What to do where there is none.
pub(super) fn manager_of<'w>(
    workspace: &'w Workspace,
    but: Option<&str>,
) -> Result<&'w UpstreamKey, AdminError> {
    let able = |key: &&UpstreamKey| {
        let known = key.scope_set();
        let covers = known.map(|scopes| MANAGING.iter().all(|op| scopes.covers(*op)));
        key.state == UpstreamKeyState::Active
            && match key.role {
                KeyRole::Manages => covers.unwrap_or(true),
                KeyRole::Carries => covers.unwrap_or(false),
            }
    };
    let others = workspace.upstream_keys.iter().filter(able);
    let found = others
        .clone()
        .filter(|key| Some(key.id.as_str()) != but)
        .min_by_key(|key| {
            let breadth = key
                .scope_set()
                .map_or(usize::MAX, |scopes| scopes.allows().len());
            (key.role != KeyRole::Manages, breadth, key.name.clone())
        });
    found.ok_or_else(|| {
        let why = match others.count() {
            0 => "no upstream key of the workspace may make, list and delete keys",
            _ => {
                "the key that manages can't be the key that is rotated, and the workspace has no \
                 other that may make, list and delete keys"
            }
        };
        AdminError::usage(format_args!(
            "{why}: make one in Instantly's settings with exactly api_keys:create, api_keys:read \
             and api_keys:delete, and add it with `doorward workspace add {} --key-from REF \
             --manages`",
            workspace.name
        ))
    })
}
