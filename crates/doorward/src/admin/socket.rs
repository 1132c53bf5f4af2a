//! The other end of the socket: asking a running server.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::carry;
use super::error::AdminError;
use super::server::{OPERATOR, PREFIX, TOKEN};
use super::types::Call;

/// Most bytes of an answer: a list of some hundred thousand keys.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// Connects to the server of a socket, and to nobody else: whoever listens there is told a token.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    use std::os::unix::fs::MetadataExt;
    let stream = UnixStream::connect(path).await?;
    let peer = stream.peer_cred()?.uid();
    let folder = path.parent().unwrap_or(Path::new("."));
    believed(peer, std::fs::metadata(folder)?.uid())?;
    Ok(stream)
}

/// Whether a process of this user may be the server of a folder with this owner.
fn believed(peer: u32, owner: u32) -> io::Result<()> {
    if peer == owner || peer == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("user {peer} listens there, and the folder belongs to user {owner}"),
    ))
}

/// A server that answers on its socket.
#[derive(Debug, Clone)]
pub(crate) struct SocketClient {
    path: PathBuf,
}

impl SocketClient {
    /// The server of a socket, or none when nobody listens there.
    ///
    /// # Errors
    /// When there is one and it may not be asked.
    pub(super) async fn find(path: &Path) -> Result<Option<Self>, AdminError> {
        match connect(path).await {
            Ok(_) => Ok(Some(Self {
                path: path.to_owned(),
            })),
            Err(error) => match error.kind() {
                // Refused: a server that was killed left the socket behind.
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(AdminError::usage(format_args!(
                    "the server's admin socket {} can't be opened: {error}; run this as the \
                     server's user",
                    path.display()
                ))),
            },
        }
    }

    /// Asks the server.
    ///
    /// # Errors
    /// What it refuses, and when it can't be asked.
    pub(super) async fn call<C: Call>(&self, call: &C) -> Result<C::Answer, AdminError> {
        let lost = |why: &dyn std::fmt::Display| {
            AdminError::lost(format_args!(
                "the server at {} gave no answer ({why}); whether it did what was asked is not \
                 known: look before you ask again",
                self.path.display()
            ))
        };
        let body = serde_json::to_vec(call).map_err(AdminError::failed)?;
        let asked = timeout(C::PATIENCE, self.ask(C::NAME, body)).await;
        let (status, body) = asked
            .map_err(|error| lost(&error))?
            .map_err(|error| lost(&error))?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map_err(|error| lost(&error));
        }
        Err(serde_json::from_slice(&body).unwrap_or_else(|_| {
            AdminError::lost(format_args!(
                "the server answered {status}; its log says more"
            ))
        }))
    }

    async fn ask(&self, name: &str, body: Vec<u8>) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = connect(&self.path).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::post(format!("{PREFIX}{name}"))
            .header(HOST, "doorward")
            .header(CONTENT_TYPE, "application/json");
        if let Some(operator) = carry::operator() {
            request = request.header(OPERATOR, operator);
        }
        if let Some(token) = carry::token()? {
            let mut value = http::HeaderValue::try_from(token.expose_secret().trim())?;
            value.set_sensitive(true);
            request = request.header(TOKEN, value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?;
        Ok((status, body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_somebody_else_is_not_told_a_token() {
        for (peer, owner, may) in [
            (1000, 1000, true),
            (0, 1000, true),
            (0, 0, true),
            (1001, 1000, false),
            (1000, 0, false),
        ] {
            assert_eq!(believed(peer, owner).is_ok(), may, "{peer} {owner}");
        }
    }
}
