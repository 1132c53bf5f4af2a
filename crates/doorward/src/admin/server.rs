//! The socket that a running server takes requests on: HTTP over a Unix socket that only the
//! server's own user can open.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::IncomingStream;
use bytes::Bytes;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::spawn_blocking;

use super::audit_types::{
    AuditAnchor, AuditErase, AuditEraseMonth, AuditFind, AuditPrune, AuditReconcile, AuditReview,
    AuditRotate, AuditShow,
};
use super::carry::Who;
use super::deeds::Acts;
use super::error::AdminError;
use super::explain::PolicyExplain;
use super::inputs::PolicyInputs;
use super::key_rotation::KeyRotate;
use super::learning::ClientLearn;
use super::policies::{PolicyAdd, PolicyList, PolicyRemove, PolicyShow};
use super::runs::{RunStart, TunnelRefused};
use super::service::{Admin, Handle};
use super::types::{
    AskReady, BackupTake, ClientCreate, ClientDelete, ClientList, ClientSet, ClientShow, KeyIssue,
    KeyList, KeyRevoke, Reload, Status, WorkspaceAdd, WorkspaceKeyRemove, WorkspaceList,
    WorkspaceRemove, WorkspaceShow,
};

/// Most bytes of a request.
pub(super) const REQUEST_MAX: usize = 1024 * 1024;

/// Names who a caller works for.
pub(super) const OPERATOR: &str = "doorward-operator";

/// Holds the admin token of who asks.
pub(super) const TOKEN: &str = "doorward-admin-token";

/// What every path of the admin API begins with.
pub(super) const PREFIX: &str = "/v1/";

/// The socket, taken and not yet served.
pub(crate) struct AdminServer {
    listener: UnixListener,
    path: PathBuf,
}

impl AdminServer {
    /// Takes the socket at `path`, mode 0600. Whoever calls holds the store's lock, so a socket
    /// that is there already is one that a server left behind.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn take(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
        })
    }

    /// Serves requests until `shutdown` is done, then removes the socket.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) async fn serve(
        self,
        admin: Arc<Admin>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let Self { listener, path } = self;
        let served = axum::serve(
            OwnUserOnly(listener),
            router(admin).into_make_service_with_connect_info::<PeerUser>(),
        )
        .with_graceful_shutdown(shutdown)
        .await;
        let _ = fs::remove_file(&path);
        served
    }
}

/// Lets in only processes of the same user, or root's.
struct OwnUserOnly(UnixListener);

impl axum::serve::Listener for OwnUserOnly {
    type Io = UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let us = rustix::process::geteuid().as_raw();
        loop {
            let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == us || peer.uid() == 0 => return (stream, address),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user was turned away"),
                Err(error) => {
                    tracing::warn!(%error, "a caller without credentials was turned away")
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// The user at the other end.
#[derive(Debug, Clone, Copy)]
struct PeerUser(Option<u32>);

impl Connected<IncomingStream<'_, OwnUserOnly>> for PeerUser {
    fn connect_info(stream: IncomingStream<'_, OwnUserOnly>) -> Self {
        Self(stream.io().peer_cred().ok().map(|peer| peer.uid()))
    }
}

fn router(admin: Arc<Admin>) -> Router {
    let router = Router::new();
    let router = on::<Status>(router);
    let router = on::<Reload>(router);
    let router = on::<AskReady>(router);
    let router = on::<BackupTake>(router);
    let router = on::<WorkspaceList>(router);
    let router = on::<WorkspaceShow>(router);
    let router = on::<WorkspaceAdd>(router);
    let router = on::<WorkspaceRemove>(router);
    let router = on::<WorkspaceKeyRemove>(router);
    let router = on::<ClientCreate>(router);
    let router = on::<ClientList>(router);
    let router = on::<ClientShow>(router);
    let router = on::<ClientSet>(router);
    let router = on::<ClientLearn>(router);
    let router = on::<ClientDelete>(router);
    let router = on::<KeyIssue>(router);
    let router = on::<KeyRotate>(router);
    let router = on::<KeyList>(router);
    let router = on::<KeyRevoke>(router);
    let router = on::<PolicyAdd>(router);
    let router = on::<PolicyList>(router);
    let router = on::<PolicyShow>(router);
    let router = on::<PolicyRemove>(router);
    let router = on::<PolicyExplain>(router);
    let router = on::<PolicyInputs>(router);
    let router = on::<AuditFind>(router);
    let router = on::<AuditShow>(router);
    let router = on::<AuditAnchor>(router);
    let router = on::<AuditErase>(router);
    let router = on::<AuditEraseMonth>(router);
    let router = on::<AuditPrune>(router);
    let router = on::<AuditReview>(router);
    let router = on::<AuditRotate>(router);
    let router = on::<AuditReconcile>(router);
    let router = on::<RunStart>(router);
    let router = on::<TunnelRefused>(router);
    let router = super::manifest::routes(super::members::routes(router));
    let router = super::check::routes(super::block_list::routes(router));
    let router = super::alerts::routes(super::leak::routes(router));
    let router = super::scan::routes(router);
    let router = super::approvals::routes(super::tokens::routes(router));
    let router = super::revocations::routes(super::rotations::routes(router));
    let router = super::deliveries::routes(super::events::routes(router));
    let router = super::secrets::routes(super::idempotency::routes(router));
    let router =
        super::destinations::routes(super::webhooks::routes(super::upstream::routes(router)));
    router
        .fallback(|| async {
            answer(Err::<(), _>(AdminError::usage(
                "this server knows no such request; use the same version of Doorward as it has",
            )))
        })
        .layer(DefaultBodyLimit::max(REQUEST_MAX))
        .with_state(admin)
}

pub(super) fn on<C: Acts>(router: Router<Arc<Admin>>) -> Router<Arc<Admin>>
where
    Admin: Handle<C>,
{
    router.route(
        &format!("{PREFIX}{}", C::NAME),
        post(
            |admin: State<Arc<Admin>>,
             ConnectInfo(PeerUser(uid)): ConnectInfo<PeerUser>,
             headers: HeaderMap,
             body: Bytes| async move {
                let operator = headers.get(OPERATOR).and_then(|name| name.to_str().ok());
                let token = headers.get(TOKEN).and_then(|token| token.to_str().ok());
                let who = Who::new(uid, operator).presenting(token.map(Into::into));
                answer(carry_out::<C>(Arc::clone(&admin), who, &body).await)
            },
        ),
    )
}

async fn carry_out<C: Acts>(
    admin: Arc<Admin>,
    who: Who,
    body: &[u8],
) -> Result<C::Answer, AdminError>
where
    Admin: Handle<C>,
{
    let call: C = serde_json::from_slice(body)
        .map_err(|error| AdminError::usage(format_args!("the request can't be read: {error}")))?;
    tracing::debug!(request = C::NAME, "administration");
    spawn_blocking(move || admin.carry_out(call, &who))
        .await
        .map_err(|_| AdminError::failed("the server failed at this request; its log says more"))?
}

/// 200 with the answer, 400 for what does not fit, 409 for what could not be done.
fn answer<T: serde::Serialize>(outcome: Result<T, AdminError>) -> Response {
    let (status, body) = match &outcome {
        Ok(answer) => (StatusCode::OK, serde_json::to_vec(answer)),
        Err(error) if error.usage => (StatusCode::BAD_REQUEST, serde_json::to_vec(error)),
        Err(error) => (StatusCode::CONFLICT, serde_json::to_vec(error)),
    };
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    match body {
        Ok(body) => (status, headers, body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
