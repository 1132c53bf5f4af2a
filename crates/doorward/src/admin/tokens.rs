//! Requests about admin tokens.

use std::sync::Arc;

use axum::Router;
use doorward_catalog::wire::SecretText;
use doorward_ledger::Event;
use doorward_policy::Timestamp;
use doorward_store::AdminToken;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::holder::make;
use super::server::on;
use super::service::{Admin, Handle, now};
use super::types::Call;
use crate::secret;

/// Makes a token for somebody.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdminTokenCreate {
    /// Whose it is.
    pub(crate) name: String,
    /// When it ends, if it does.
    pub(crate) expires_at: Option<Timestamp>,
}

/// A token that was just made; the only time that it is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MadeToken {
    /// What is kept of it.
    #[serde(flatten)]
    pub(crate) record: AdminTokenView,
    /// The token itself.
    pub(crate) token: SecretText,
}

/// A token: never the token itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AdminTokenView {
    pub(crate) name: String,
    pub(crate) id: String,
    /// `active`, `expired` or `revoked`.
    pub(crate) status: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Every token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdminTokenList {}

/// Revokes a token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdminTokenRevoke {
    /// Its holder's name, or its id.
    pub(crate) name: String,
}

impl Call for AdminTokenCreate {
    const NAME: &'static str = "admin/token/create";
    type Answer = MadeToken;
}

impl Call for AdminTokenList {
    const NAME: &'static str = "admin/token/list";
    type Answer = Vec<AdminTokenView>;
}

impl Call for AdminTokenRevoke {
    const NAME: &'static str = "admin/token/revoke";
    type Answer = AdminTokenView;
}

impl Acts for AdminTokenCreate {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("admin_token.create", "admin_token", Event::Admin);
        Some(
            deed.id("name", &self.name)
                .with("expires_at", &self.expires_at),
        )
    }

    fn complete(deed: &mut Deed, answer: &MadeToken) {
        deed.set_id("token_id", &answer.record.id);
    }
}

impl Acts for AdminTokenList {}

impl Acts for AdminTokenRevoke {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("admin_token.revoke", "admin_token", Event::Admin);
        Some(deed.id("name", &self.name))
    }

    fn complete(deed: &mut Deed, answer: &AdminTokenView) {
        deed.set_id("token_id", &answer.id);
    }
}

/// Takes the requests in.
pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    let router = on::<AdminTokenCreate>(router);
    on::<AdminTokenRevoke>(on::<AdminTokenList>(router))
}

impl AdminTokenView {
    fn of(token: AdminToken, now: Timestamp) -> Self {
        let status = match token.revoked_at {
            Some(_) => "revoked",
            None if token.is_good(now) => "active",
            None => "expired",
        };
        Self {
            name: token.name,
            id: token.id,
            status: status.to_owned(),
            created_at: token.created_at,
            expires_at: token.expires_at,
        }
    }
}

impl Handle<AdminTokenCreate> for Admin {
    fn handle(&self, call: AdminTokenCreate) -> Result<MadeToken, AdminError> {
        let now = now();
        if call.expires_at.is_some_and(|at| at <= now) {
            return Err(AdminError::usage(
                "the token would have expired already; choose a later end",
            ));
        }
        let pepper = secret::read_pepper(&self.parts.own_secrets, &self.parts.pepper)?;
        self.store().confirm_pepper(&pepper.check_value())?;
        let (record, token) = make(&call.name, call.expires_at, &pepper)?;
        self.store().add_admin_token(&record)?;
        Ok(MadeToken {
            record: AdminTokenView::of(record, now),
            token: SecretText::new(token.expose_secret().to_owned()),
        })
    }
}

impl Handle<AdminTokenList> for Admin {
    fn handle(&self, _: AdminTokenList) -> Result<Vec<AdminTokenView>, AdminError> {
        let (tokens, now) = (self.store().admin_tokens()?, now());
        let views = tokens
            .into_iter()
            .map(|token| AdminTokenView::of(token, now));
        Ok(views.collect())
    }
}

impl Handle<AdminTokenRevoke> for Admin {
    fn handle(&self, call: AdminTokenRevoke) -> Result<AdminTokenView, AdminError> {
        let now = now();
        let token = self.store().revoke_admin_token(&call.name, now)?;
        Ok(AdminTokenView::of(token, now))
    }
}
