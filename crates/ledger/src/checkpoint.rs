//! Checkpoints (C2SP tlog-checkpoint): the tree head that a log signs and stands by.

use std::fmt;

use crate::note::{SignatureKind, VerifierKey, split_cosignature};
use crate::{Error, Hash, KeyName, MAX_TREE_SIZE, Note, Result, Signer, TreeHead};

/// The most extension lines that are read.
const MAX_EXTENSIONS: usize = 16;

/// Which log, how many leaves, which root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    extensions: Vec<String>,
}

/// A checkpoint whose log signature was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    /// With all its signatures, those of unknown keys too.
    pub note: Note,
    /// The log's keys that have signed it.
    pub signed_by: Vec<VerifierKey>,
    /// The known witnesses that have seen it.
    pub cosigned_by: Vec<Cosigned>,
}

/// A witness's word, verified, that it saw this checkpoint and no other history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cosigned {
    /// The witness's key name.
    pub witness: KeyName,
    /// When, in seconds since 1970, by the witness's clock.
    pub time: u64,
}

impl Checkpoint {
    /// A checkpoint of the log `origin`.
    ///
    /// # Errors
    ///
    /// When the origin is empty or holds a control character, or the tree is too large.
    pub fn new(origin: &str, head: TreeHead) -> Result<Self> {
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(Error::malformed(
                "the origin",
                "it must be one line of text",
            ));
        }
        if head.size > MAX_TREE_SIZE {
            return Err(Error::malformed("the checkpoint", "its tree is too large"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            head,
            extensions: Vec::new(),
        })
    }

    /// The log's unique name, a URL without its scheme.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Size and root.
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.head.size
    }

    /// Root hash.
    pub const fn root(&self) -> Hash {
        self.head.root
    }

    /// Lines after the root. Doorward writes none; they are kept when others' checkpoints are read.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the checkpoint with each signer: one, or the old key and the new while one takes over
    /// from the other.
    ///
    /// # Errors
    ///
    /// When a signer can't sign.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<Note> {
        Note::sign(self.to_string(), signers)
    }

    /// Parses a note's text.
    ///
    /// # Errors
    ///
    /// When it is no checkpoint in its only spelling.
    pub fn parse(text: &str) -> Result<Self> {
        let fault = |why| Error::malformed("the checkpoint", why);
        let mut lines = text
            .strip_suffix('\n')
            .ok_or(fault("it does not end in a newline"))?
            .split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(fault("it has fewer than three lines"));
        };
        let size = decimal(size).ok_or(fault("its size is not a decimal number"))?;
        let root = root.parse()?;
        let mut read = Self::new(origin, TreeHead { size, root })?;
        for line in lines {
            if line.is_empty() || read.extensions.len() >= MAX_EXTENSIONS {
                return Err(fault("it has an empty line or too many lines"));
            }
            read.extensions.push(line.to_owned());
        }
        if size == 0 && read.head != TreeHead::EMPTY {
            return Err(fault("its tree is empty but its root is not"));
        }
        Ok(read)
    }

    /// Parses a signed checkpoint and verifies it. `keys` are the log's, old and new, and those of
    /// the witnesses that are trusted; a witness alone can't speak for the log.
    ///
    /// # Errors
    ///
    /// When it is malformed, a signature of one of the keys is wrong, or none of the log's is there.
    pub fn open(bytes: &[u8], keys: &[VerifierKey]) -> Result<SignedCheckpoint> {
        let note = Note::parse(bytes)?;
        let checkpoint = Self::parse(note.text())?;
        let mut signed_by = Vec::new();
        let mut cosigned_by = Vec::new();
        for (key, signature) in note.verify(keys)? {
            match key.kind() {
                SignatureKind::Ed25519 => signed_by.push(key.clone()),
                SignatureKind::CosignatureV1 => {
                    if let Some((time, _)) = split_cosignature(signature) {
                        cosigned_by.push(Cosigned {
                            witness: key.name().clone(),
                            time,
                        });
                    }
                }
            }
        }
        if signed_by.is_empty() {
            return Err(Error::Unsigned);
        }
        Ok(SignedCheckpoint {
            checkpoint,
            note,
            signed_by,
            cosigned_by,
        })
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.head.size, self.head.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A decimal number below 2^63 in its only spelling: no sign, no leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let spelling = digits && (text == "0" || !text.starts_with('0'));
    let number = spelling.then(|| text.parse::<u64>().ok()).flatten()?;
    (number <= MAX_TREE_SIZE).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LocalSigner;

    fn signer(name: &str, seed: u8) -> LocalSigner {
        LocalSigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32]).unwrap()
    }

    fn head() -> TreeHead {
        TreeHead {
            size: 20_852_163,
            root: "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
                .parse()
                .unwrap(),
        }
    }

    #[test]
    fn both_keys_speak_while_one_takes_over() {
        let (old, new) = (signer("l.example/a", 1), signer("l.example/b", 2));
        let checkpoint = Checkpoint::new("l.example/a", head()).unwrap();
        let bytes = checkpoint.sign(&[&old, &new]).unwrap().to_bytes();
        for keys in [
            vec![old.verifier_key().clone()],
            vec![new.verifier_key().clone()],
            vec![old.verifier_key().clone(), new.verifier_key().clone()],
        ] {
            let opened = Checkpoint::open(&bytes, &keys).unwrap();
            assert_eq!(opened.checkpoint, checkpoint);
            assert_eq!(opened.signed_by, keys);
        }
        let stranger = signer("l.example/a", 3);
        assert!(matches!(
            Checkpoint::open(&bytes, &[stranger.verifier_key().clone()]),
            Err(Error::Unsigned)
        ));
    }

    #[test]
    fn a_changed_text_is_told_from_an_unknown_key() {
        let key = signer("l.example/a", 1);
        let note = Checkpoint::new("l.example/a", head())
            .unwrap()
            .sign(&[&key])
            .unwrap();
        let changed = note.to_string().replace("20852163", "20852164");
        assert!(matches!(
            Checkpoint::open(changed.as_bytes(), &[key.verifier_key().clone()]),
            Err(Error::BadSignature(_))
        ));
    }

    #[test]
    fn other_spellings_are_refused() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for text in [
            format!("o\n5\n{root}"),
            format!("o\n05\n{root}\n"),
            format!("o\n+5\n{root}\n"),
            format!("o\n-5\n{root}\n"),
            format!("o\n 5\n{root}\n"),
            format!("o\n9223372036854775808\n{root}\n"),
            format!("o\n0\n{root}\n"),
            format!("\n5\n{root}\n"),
            format!("o\n5\n{root}\n\n"),
            format!("o\n5\n{root}\n\nx\n"),
            "o\n5\nAAAA\n".to_owned(),
            "o\n5\n".to_owned(),
            String::new(),
        ] {
            assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
        }
        let extended = format!("o\n5\n{root}\nmore\n");
        assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
    }
}
