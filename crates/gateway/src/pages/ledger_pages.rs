//! The ledger's tiles and checkpoints, read-only, as C2SP tlog-tiles prescribes.
//!
//! ```text
//! /ledger/checkpoint                     the newest signed checkpoint
//! /ledger/cosigned                       the newest that witnesses cosigned
//! /ledger/tile/<level>/<index>[.p/<width>]
//! /ledger/tile/entries/<index>[.p/<width>]
//! ```
//!
//! No more of a tile is given than a signed checkpoint covers. Leaves tell whose act is whose, so
//! entry bundles always take the admin token.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_audit::{Audit, COSIGNED_PATH};
use doorward_ledger::segment::{Disk, read_all};
use doorward_ledger::{
    Checkpoint, Directory, Door, HASH_LEN, MAX_NOTE_BYTES, Note, Tile, TileKind, TileSource,
    bundle_leaves,
};
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Response, StatusCode};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::clients::auth::bearer;
use crate::pages::beside::{Beside, BesideAnswer, BesideRequest};

/// What all the paths begin with.
const ROOT: &str = "/ledger/";
/// Entry bundles held in memory at once; one may have 16 MiB.
const BUNDLES: usize = 8;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Who may read the ledger over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LedgerAccess {
    /// Nobody: there are no such paths.
    #[default]
    Off,
    /// Everybody the checkpoints and hash tiles, which tell nothing but how many leaves there are;
    /// with the admin token the leaves, too.
    Open,
    /// All of it with the admin token alone.
    Token,
}

/// Serves the ledger's folder below `/ledger/`.
pub struct LedgerPages {
    audit: Arc<Audit>,
    files: Directory,
    access: LedgerAccess,
    /// SHA-256 of the admin token.
    token: Option<[u8; 32]>,
    bundles: Arc<Semaphore>,
}

/// What a path below [`ROOT`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Checkpoint,
    Cosigned,
    Tile(Tile),
}

/// What was read.
enum Found {
    Note(Vec<u8>),
    Tile(Vec<u8>, Tile),
}

impl LedgerPages {
    /// Serves the ledger in `folder`, which `audit` writes. With no admin token, what takes it is
    /// refused to everybody.
    pub fn new(
        audit: Arc<Audit>,
        folder: &Path,
        access: LedgerAccess,
        admin_token: Option<&SecretString>,
    ) -> Self {
        Self {
            audit,
            files: Directory::new(folder),
            access,
            token: admin_token.map(|token| sha256(token.expose_secret().as_bytes())),
            bundles: Arc::new(Semaphore::new(BUNDLES)),
        }
    }

    async fn page(&self, path: &str, query: Option<&str>, headers: &HeaderMap) -> Response<Bytes> {
        let Some(page) = Page::parse(path).filter(|_| query.is_none()) else {
            return plain(StatusCode::NOT_FOUND);
        };
        let leaves = matches!(page, Page::Tile(tile) if tile.kind() == TileKind::Entries);
        let open = self.access == LedgerAccess::Open && !leaves;
        if !open && let Err(reason) = self.authenticate(headers) {
            self.audit.stranger(Door::Out, self.audit.now(), reason);
            let mut response = plain(StatusCode::UNAUTHORIZED);
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            return response;
        }
        let turn = if leaves {
            let turn = Arc::clone(&self.bundles).acquire_owned();
            match timeout(PATIENCE, turn).await {
                Ok(Ok(turn)) => Some(turn),
                _ => return unavailable(),
            }
        } else {
            None
        };
        let files = self.files.clone();
        let read = tokio::task::spawn_blocking(move || page.read(&files)).await;
        match read {
            Ok(Ok(Some(found))) => found.response(turn, open),
            Ok(Ok(None)) => plain(StatusCode::NOT_FOUND),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the ledger can't be read for a page");
                unavailable()
            }
            Err(_) => unavailable(),
        }
    }

    /// Whether the admin token is presented, in the same time whatever is.
    fn authenticate(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let presented = bearer(headers);
        let hash = sha256(presented.unwrap_or_default().as_bytes());
        let same = bool::from(self.token.unwrap_or_default().ct_eq(&hash));
        match presented {
            None => Err("admin_token_missing"),
            Some(_) if same && self.token.is_some() => Ok(()),
            Some(_) => Err("admin_token_unknown"),
        }
    }
}

impl Beside for LedgerPages {
    fn serves(&self, path: &str) -> bool {
        self.access != LedgerAccess::Off && path.starts_with(ROOT)
    }

    fn answer<'a>(&'a self, request: BesideRequest<'a>) -> BesideAnswer<'a> {
        Box::pin(self.page(request.path, request.query, request.headers))
    }
}

impl Page {
    fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix(ROOT)? {
            "checkpoint" => Some(Self::Checkpoint),
            "cosigned" => Some(Self::Cosigned),
            // One spelling each, and no way out of the folder.
            tile => tile.parse().ok().map(Self::Tile),
        }
    }

    /// Blocks.
    fn read(self, files: &Directory) -> doorward_ledger::Result<Option<Found>> {
        Ok(match self {
            Self::Checkpoint => files.checkpoint()?.map(Found::Note),
            Self::Cosigned => cosigned(files.path())?.map(Found::Note),
            Self::Tile(tile) => {
                let Some(size) = signed_size(files)? else {
                    return Ok(None);
                };
                let covered = Tile::in_tree(tile.kind(), tile.index(), size);
                if covered.is_none_or(|covered| covered.width() < tile.width()) {
                    return Ok(None);
                }
                read_tile(files, &tile)?.map(|bytes| Found::Tile(bytes, tile))
            }
        })
    }
}

impl Found {
    fn response(self, turn: Option<OwnedSemaphorePermit>, open: bool) -> Response<Bytes> {
        let (bytes, kind, caching) = match self {
            Self::Note(bytes) => (bytes, TEXT, "no-cache"),
            Self::Tile(bytes, tile) => {
                let caching = match (tile.is_full(), open) {
                    (true, true) => "public, max-age=31536000, immutable",
                    (true, false) => "private, max-age=31536000, immutable",
                    // It is soon followed by a wider one.
                    (false, true) => "public, max-age=60",
                    (false, false) => "private, max-age=60",
                };
                (bytes, BYTES, caching)
            }
        };
        // The turn is over when the answer is sent.
        let bytes = match turn {
            Some(turn) => Bytes::from_owner(Held { bytes, _turn: turn }),
            None => Bytes::from(bytes),
        };
        let mut response = Response::new(bytes);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}

struct Held {
    bytes: Vec<u8>,
    _turn: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// How many leaves the newest checkpoint covers. Our own file: whoever reads it from us verifies.
fn signed_size(files: &Directory) -> doorward_ledger::Result<Option<u64>> {
    let Some(bytes) = files.checkpoint()? else {
        return Ok(None);
    };
    let note = Note::parse(&bytes)?;
    Ok(Some(Checkpoint::parse(note.text())?.size()))
}

fn cosigned(folder: &Path) -> doorward_ledger::Result<Option<Vec<u8>>> {
    let read =
        Disk::existing(folder).and_then(|disk| read_all(&disk, COSIGNED_PATH, MAX_NOTE_BYTES));
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(doorward_ledger::Error::Io {
            path: folder.join(COSIGNED_PATH),
            source,
        }),
    }
}

/// A tile, or its beginning where only the full one is kept any more.
fn read_tile(files: &Directory, tile: &Tile) -> doorward_ledger::Result<Option<Vec<u8>>> {
    if let Some(bytes) = files.tile(tile)? {
        return Ok(Some(bytes));
    }
    if tile.is_full() {
        return Ok(None);
    }
    let Some(mut bytes) = files.tile(&tile.full())? else {
        return Ok(None);
    };
    let width = usize::from(tile.width());
    let end = match tile.kind() {
        TileKind::Hashes { .. } => width * HASH_LEN,
        TileKind::Entries => bundle_leaves(&bytes)
            .take(width)
            .map_while(Result::ok)
            .map(|leaf| leaf.len() + 2)
            .sum(),
    };
    bytes.truncate(end);
    Ok(Some(bytes))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest(&SHA256, bytes);
    hash.as_ref().try_into().unwrap_or_default()
}

fn plain(status: StatusCode) -> Response<Bytes> {
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = Response::new(Bytes::from(format!("{text}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unavailable() -> Response<Bytes> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    let soon = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, soon);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_name_pages_in_one_spelling() {
        let tile = |path: &str| Some(Page::Tile(path.parse().unwrap()));
        for (path, page) in [
            ("/ledger/checkpoint", Some(Page::Checkpoint)),
            ("/ledger/cosigned", Some(Page::Cosigned)),
            ("/ledger/tile/0/x001/234", tile("tile/0/x001/234")),
            (
                "/ledger/tile/entries/000.p/17",
                tile("tile/entries/000.p/17"),
            ),
            ("/ledger/", None),
            ("/ledger/segments/0", None),
            ("/ledger/tile/0/../checkpoint", None),
            ("/ledger//checkpoint", None),
            ("/ledger/checkpoint/", None),
            ("/ledger/tile/0/0", None),
            ("/ledger/%74ile/0/000", None),
            ("/ledger/witness/checkpoint", None),
        ] {
            assert_eq!(Page::parse(path), page, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_a_page_or_none(path in "/ledger/(tile/)?[0-9a-z./%x]{0,20}") {
            if let Some(Page::Tile(tile)) = Page::parse(&path) {
                prop_assert_eq!(format!("/ledger/{tile}"), path);
            }
        }
    }
}
