//! Client keys for the commands that call: found, or issued for the moment.

use doorward_keys::ClientKey;
use secrecy::SecretString;

use crate::admin::{ClientShow, KeyIssue, KeyRevoke, Session, Status, now};
use crate::caller::GatewayUrl;
use crate::context::Context;
use crate::demo::Demo;
use crate::duration::Lasting;
use crate::exit::Failure;
use doorward_catalog::UpstreamKeyFormat;

/// Variables that a client key is looked for in.
const VARIABLES: [&str; 2] = ["DOORWARD_CLIENT_KEY", "INSTANTLY_API_KEY"];
/// A client key to call with.
pub(crate) struct Credential {
    /// The key.
    pub(crate) key: SecretString,
    /// Id of the key, when it was issued for the moment.
    issued: Option<String>,
}

impl Credential {
    /// The client key of the environment.
    ///
    /// # Errors
    /// When there is none, or what there is, is none.
    pub(crate) fn of_environment() -> Result<Self, Failure> {
        let found = VARIABLES
            .into_iter()
            .find_map(|name| Some((name, std::env::var(name).ok().filter(|v| !v.is_empty())?)));
        let Some((name, text)) = found else {
            return Err(Failure::usage(
                "no client key: set DOORWARD_CLIENT_KEY, or say --as CLIENT",
            ));
        };
        if UpstreamKeyFormat::matches(&text) {
            return Err(Failure::usage(format_args!(
                "{name} holds a real Instantly key, which is not sent to the gateway; set \
                 DOORWARD_CLIENT_KEY to a client key, or say --as CLIENT"
            )));
        }
        ClientKey::parse(&text).map_err(|error| {
            Failure::usage(format_args!(
                "{name}: {error}; set it to a client key (dwk_…)"
            ))
        })?;
        Ok(Self {
            key: text.into(),
            issued: None,
        })
    }

    /// A key of a client: the demo's, else one issued now, which lasts so long if it is not released.
    ///
    /// # Errors
    /// When there is no such client, or it can't be issued a key.
    pub(crate) async fn of_client(
        context: &Context,
        session: &Session,
        workspace: Option<&str>,
        name: &str,
        lasting: Lasting,
    ) -> Result<Self, Failure> {
        let call = ClientShow {
            workspace: workspace.map(str::to_owned),
            name: name.to_owned(),
        };
        let client = session.call(call).await?;
        if let Some(key) = demo_key(context, &client)? {
            return Ok(Self { key, issued: None });
        }
        // Should this process be killed, the key is not revoked, but it ends.
        let expires_at = lasting.after(now());
        let issued = session
            .call(KeyIssue {
                workspace: Some(client.workspace_id),
                client: client.id,
                expires_at: Some(expires_at),
            })
            .await?;
        Ok(Self {
            key: issued.key.expose_secret().to_owned().into(),
            issued: Some(issued.record.id),
        })
    }

    /// Id of the key, when it was issued for the moment.
    pub(crate) fn issued(&self) -> Option<&str> {
        self.issued.as_deref()
    }

    /// Revokes the key if it was issued for the moment.
    ///
    /// # Errors
    /// When it can't be.
    pub(crate) async fn release(self, session: &Session) -> Result<(), Failure> {
        let Some(key_id) = self.issued else {
            return Ok(());
        };
        session.call(KeyRevoke { key_id: key_id.clone() }).await.map(drop).map_err(|failure| {
            Failure::failed(format_args!(
                "the key {key_id} issued for this could not be revoked: {failure}; revoke it with \
                 `doorward key revoke {key_id}`"
            ))
        })
    }
}

/// The key of a client of the demo, if it is one.
///
/// # Errors
/// When the demo's notes can't be read.
pub(crate) fn demo_key(
    context: &Context,
    client: &crate::admin::ClientView,
) -> Result<Option<SecretString>, Failure> {
    let demo = Demo::read(&context.data_dir)?;
    let demo = demo.filter(|demo| demo.workspace_id == client.workspace_id);
    let key = demo.and_then(|mut demo| demo.keys.remove(&client.name));
    Ok(key.map(|key| key.expose_secret().to_owned().into()))
}

/// The gateway that is named, or the one that runs on the data folder.
///
/// # Errors
/// When none is named and none runs.
pub(crate) async fn find_gateway(
    context: &Context,
    named: Option<&str>,
) -> Result<GatewayUrl, Failure> {
    if let Some(named) = named {
        return GatewayUrl::parse(named);
    }
    let running = match Session::running(context).await? {
        Some(session) => session.call(Status {}).await?.gateway_url,
        None => None,
    };
    match running {
        Some(url) => GatewayUrl::parse(&url),
        None => Err(Failure::failed(format_args!(
            "no gateway runs on {}; start one with `doorward up` or `doorward serve`, or say where \
             it is with --gateway",
            context.data_dir.path().display()
        ))),
    }
}
