//! One question to a witness: the proof, the request, the answer.

use bytes::Bytes;
use doorward_ledger::{
    AddCheckpoint, Checkpoint, Directory, Error, Hash, Note, NoteSignature, TileNodes, TreeHead,
    cosignatures, root_at, verify_consistency, witness_size,
};
use http::{Method, Request};
use http_body_util::Full;

use super::plan::Reply;
use super::{Refusal, Witness};
use crate::web::{Answer, Web, WebError};

/// A question that is ready to be sent.
pub(super) struct Question {
    body: Vec<u8>,
}

/// Why there is no question.
pub(super) enum Unasked {
    /// The ledger's own leaves are not what this witness cosigned.
    OtherHistory,
    /// The tiles can't be read, or don't lead to the checkpoint.
    Trouble(String),
}

impl Question {
    /// Makes the question from the ledger's tiles, and holds the proof against the checkpoint before
    /// it is sent: a witness must not be the one to find our own damage. `cosigned` is what the
    /// witness is known to have cosigned. Blocks.
    pub(super) fn make(
        source: &Directory,
        note: &Note,
        old: u64,
        cosigned: Option<TreeHead>,
    ) -> Result<Self, Unasked> {
        let read = || {
            let head = Checkpoint::parse(note.text())?.head();
            let request = AddCheckpoint::make(source, old, note.clone())?;
            let root = root_at(&mut TileNodes::new(source, head.size), old)?;
            Ok::<_, Error>((head, request, root))
        };
        let (head, request, root) = read().map_err(|error| Unasked::Trouble(error.to_string()))?;
        if let Some(known) = cosigned.filter(|known| known.size == old)
            && known.root != root
        {
            return Err(Unasked::OtherHistory);
        }
        if !leads(old, root, &head, request.path()) {
            let why = "the tiles do not lead to the checkpoint";
            return Err(Unasked::Trouble(why.to_owned()));
        }
        Ok(Self {
            body: request.to_bytes(),
        })
    }

    /// Sends it. With the reply come the cosignatures that hold, or what to tell of a failure.
    pub(super) async fn send(
        self,
        web: &Web,
        witness: &Witness,
        note: &Note,
    ) -> (Reply, Result<Vec<NoteSignature>, String>) {
        let request = witness.address.at("/add-checkpoint").and_then(|uri| {
            Request::builder()
                .method(Method::POST)
                .uri(uri)
                .header("content-type", "text/plain; charset=utf-8")
                .body(Full::new(Bytes::from(self.body)))
                .map_err(|_| WebError::Request)
        });
        let answer = match request {
            Ok(request) => web.send(request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => understand(&answer, witness, note),
            Err(error) => (Reply::Failed, Err(error.to_string())),
        }
    }
}

fn leads(old: u64, root: Hash, head: &TreeHead, path: &[Hash]) -> bool {
    // From nothing there is nothing to prove.
    old == 0 || verify_consistency(&TreeHead { size: old, root }, head, path).is_ok()
}

fn understand(
    answer: &Answer,
    witness: &Witness,
    note: &Note,
) -> (Reply, Result<Vec<NoteSignature>, String>) {
    let status = answer.status.as_u16();
    let reply = match status {
        200 => match cosignatures(&answer.body, note, &witness.key) {
            Ok(lines) => return (Reply::Cosigned, Ok(lines)),
            Err(error) => Reply::Refused(Refusal::NotCosigned(error.to_string())),
        },
        403 => Reply::Refused(Refusal::UnknownKey),
        404 => Reply::Refused(Refusal::UnknownLog),
        409 => Reply::Seen(witness_size(&answer.body)),
        422 => Reply::NotConsistent,
        _ => Reply::Failed,
    };
    let why = match &reply {
        Reply::Refused(refusal) => refusal.to_string(),
        _ => format!("it answers with status {status}"),
    };
    (reply, Err(why))
}
