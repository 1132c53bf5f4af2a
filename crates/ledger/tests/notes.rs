//! Signed notes, held against the published examples of C2SP and of Go's `sumdb/note`.

#![cfg(test)]

use doorward_ledger::{
    Checkpoint, Error, KeyName, LocalSigner, MAX_SIGNATURES, Note, SignatureKind, Signer,
    VerifierKey,
};
use proptest::prelude::*;

const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

#[test]
fn a_published_key_signs_as_published() {
    let signer = LocalSigner::from_secret(&PETER_SECRET.into()).unwrap();
    assert_eq!(signer.verifier_key().to_string(), PETER);
    let note = Note::sign(TEXT.to_owned(), &[&signer]).unwrap();
    assert_eq!(note.to_string(), format!("{TEXT}\n{PETER_LINE}"));
}

#[test]
fn mangled_keys_are_refused() {
    for at in 0..PETER.len() {
        let mut mangled = PETER.as_bytes().to_vec();
        mangled[at] += 1;
        let mangled = String::from_utf8(mangled).unwrap();
        assert!(mangled.parse::<VerifierKey>().is_err(), "{mangled}");
        assert!(PETER[at + 1..].parse::<VerifierKey>().is_err());
        assert!(PETER[..at].parse::<VerifierKey>().is_err());
    }
    for at in 0..PETER_SECRET.len() {
        let mut mangled = PETER_SECRET.as_bytes().to_vec();
        mangled[at] += 1;
        let mangled = String::from_utf8(mangled).unwrap();
        assert!(LocalSigner::from_secret(&mangled.into()).is_err(), "{at}");
    }
    for key in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(key.parse::<VerifierKey>().is_err(), "{key}");
    }
}

#[test]
fn a_signer_shows_no_secret() {
    let signer = LocalSigner::from_secret(&PETER_SECRET.into()).unwrap();
    assert!(!format!("{signer:?}").contains("AYEKFALVFGyN"));
    let text = LocalSigner::secret_text(&KeyName::new("n").unwrap(), &[5; 32]).unwrap();
    let again = LocalSigner::from_secret(&text).unwrap();
    let first = LocalSigner::from_seed(KeyName::new("n").unwrap(), &[5; 32]).unwrap();
    assert_eq!(again.verifier_key(), first.verifier_key());
}

#[test]
fn known_signatures_count_and_unknown_ones_are_passed_over() {
    let bytes = format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}");
    let note = Note::parse(bytes.as_bytes()).unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(note.to_string(), bytes);
    assert_eq!(note.verify(&[key(PETER)]).unwrap().len(), 1);
    assert_eq!(note.verify(&[key(PETER), key(ENOCH)]).unwrap().len(), 2);
    assert!(matches!(note.verify(&[]), Err(Error::Unsigned)));

    // A wrong signature of a known key spoils the note, whoever else has signed it.
    let wrong = bytes.replacen("rwz+eBzm", "rwz+eCzm", 1);
    let note = Note::parse(wrong.as_bytes()).unwrap();
    assert!(note.verify(&[key(PETER)]).is_ok());
    assert!(matches!(
        note.verify(&[key(PETER), key(ENOCH)]),
        Err(Error::BadSignature(_))
    ));
}

#[test]
fn what_is_no_note_is_refused() {
    for bad in [
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}\n{}", PETER_LINE.trim_end()),
        format!("\x01{TEXT}\n{PETER_LINE}"),
        format!("{TEXT}\r\n{PETER_LINE}"),
        format!("{TEXT}\n— Bad Name x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pA=\n"),
        format!("{TEXT}\n{PETER_LINE}Unexpected line.\n"),
        format!("{TEXT}\n{PETER_LINE}\n"),
        format!("{TEXT}\n{}", PETER_LINE.repeat(MAX_SIGNATURES + 1)),
        format!("{}\n{PETER_LINE}", TEXT.repeat(10_000)),
        String::new(),
    ] {
        assert!(Note::parse(bad.as_bytes()).is_err());
    }
    assert!(
        Note::parse(&[b"\xff", TEXT.as_bytes(), b"\n", PETER_LINE.as_bytes()].concat()).is_err()
    );
}

/// The example of C2SP tlog-cosignature: one log signature, one witness's.
#[test]
fn a_published_checkpoint_is_read() {
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(text.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!(checkpoint.size(), 20_852_163);
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(note.to_string(), text);
}

#[test]
fn a_witness_alone_cannot_speak_for_the_log() {
    let signer = LocalSigner::from_seed(KeyName::new("w.example").unwrap(), &[3; 32]).unwrap();
    let checkpoint = Checkpoint::new("l.example", doorward_ledger::TreeHead::EMPTY).unwrap();
    let witness = VerifierKey::new(
        signer.verifier_key().name().clone(),
        SignatureKind::CosignatureV1,
        *signer.verifier_key().public_key(),
    );
    let message = format!("cosignature/v1\ntime 1700000000\n{checkpoint}");
    let mut signature = 1_700_000_000_u64.to_be_bytes().to_vec();
    signature.extend(signer.sign(message.as_bytes()).unwrap());

    let log = LocalSigner::from_seed(KeyName::new("l.example").unwrap(), &[4; 32]).unwrap();
    let mut note = checkpoint.sign(&[&log]).unwrap();
    note.add(doorward_ledger::NoteSignature {
        name: witness.name().clone(),
        id: witness.id(),
        signature,
    })
    .unwrap();
    let both = [log.verifier_key().clone(), witness.clone()];
    let opened = Checkpoint::open(&note.to_bytes(), &both).unwrap();
    assert_eq!(opened.cosigned_by[0].time, 1_700_000_000);
    assert!(matches!(
        Checkpoint::open(&note.to_bytes(), &[witness]),
        Err(Error::Unsigned)
    ));
}

proptest! {
    #[test]
    fn parsers_never_panic_and_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_bytes(), bytes.clone());
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = Checkpoint::parse(&text);
        let _ = text.parse::<VerifierKey>();
    }

    #[test]
    fn notes_like_ours_round_trip(
        text in "([ -~é—]{0,12}\n){1,5}",
        lines in prop::collection::vec("— [a-z/.]{1,9} [A-Za-z0-9+/]{8}([A-Za-z0-9+/]{4}){0,9}\n", 1..5),
    ) {
        let bytes = format!("{text}\n{}", lines.concat());
        let note = Note::parse(bytes.as_bytes()).unwrap();
        prop_assert_eq!(note.to_string(), bytes);
    }

    #[test]
    fn checkpoints_round_trip(text in "[a-z./]{1,10}\n(0|[1-9][0-9]{0,20})\n[A-Za-z0-9+/]{43}=\n([a-z ]{1,5}\n){0,3}") {
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }
}
