//! Signed notes, and what is built of them.

use doorward_ledger::{
    AddCheckpoint, Checkpoint, KeyId, KeyName, LocalSigner, LogProof, Note, Signer, VerifierKey,
    cosignatures, witness_size,
};

use crate::{seeds, text};

pub(crate) fn note(data: &[u8]) -> bool {
    let Ok(note) = Note::parse(data) else {
        return false;
    };
    assert_eq!(note.to_bytes(), data, "one spelling only");
    // Verifying what was not signed is refused, not a panic.
    let _ = note.verify(&seeds::keys());
    true
}

pub(crate) fn checkpoint(data: &[u8]) -> bool {
    if let Ok(opened) = Checkpoint::open(data, &seeds::keys()) {
        // Only what was signed opens.
        assert!(
            seeds::signed_texts().contains(&opened.checkpoint.to_string()),
            "a checkpoint opened that nobody signed"
        );
        assert!(!opened.signed_by.is_empty());
    }
    let Some(read) = text(data).and_then(|text| Checkpoint::parse(text).ok()) else {
        return Checkpoint::open(data, &seeds::keys()).is_ok();
    };
    assert_eq!(read.to_string().as_bytes(), data, "one spelling only");
    true
}

pub(crate) fn proof_file(data: &[u8]) -> bool {
    let Ok(proof) = LogProof::parse(data) else {
        return false;
    };
    assert_eq!(proof.to_string().as_bytes(), data, "one spelling only");
    if let Ok(proved) = proof.verify(None, &seeds::keys()) {
        let leaf = usize::try_from(proved.index).expect("few leaves");
        assert_eq!(seeds::leaves()[leaf], proved.leaf, "another leaf is proved");
    }
    true
}

pub(crate) fn add_checkpoint(data: &[u8]) -> bool {
    let Ok(request) = AddCheckpoint::parse(data) else {
        return false;
    };
    assert_eq!(request.to_bytes(), data, "one spelling only");
    true
}

pub(crate) fn witness_answer(data: &[u8]) -> bool {
    if let Some(size) = witness_size(data) {
        assert_eq!(format!("{size}\n").as_bytes(), data);
        return true;
    }
    let note = seeds::signed_note();
    let Ok(found) = cosignatures(data, &note, &seeds::witness()) else {
        return false;
    };
    let known = seeds::cosignature();
    assert!(found.iter().all(|line| line.to_string() == known));
    true
}

pub(crate) fn verifier_key(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.to_string(), text);
    }
    let _ = KeyName::new(text);
    let Ok(key) = text.parse::<VerifierKey>() else {
        return false;
    };
    assert_eq!(key.to_string(), text, "one spelling only");
    true
}

pub(crate) fn signing_key(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    match LocalSigner::from_secret(&text.to_owned().into()) {
        Ok(signer) => {
            signer.sign(data).expect("a key at hand signs");
            true
        }
        Err(error) => {
            // A refused secret is not repeated.
            let told = error.to_string();
            assert!(text.len() < 24 || !told.contains(text));
            false
        }
    }
}
