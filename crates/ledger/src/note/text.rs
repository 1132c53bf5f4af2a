//! The note itself: making, parsing, verifying.

use std::fmt;

use super::{KeyId, KeyName, SignatureKind, Signer, VerifierKey};
use crate::{Error, Result, base64};

/// The most bytes a note may have.
pub const MAX_NOTE_BYTES: usize = 262_144;

/// The most signatures a note may have.
pub const MAX_SIGNATURES: usize = 64;

/// A signature line begins with an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// One signature of a note.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: KeyName,
    /// Id of the key.
    pub id: KeyId,
    /// What comes after the id; its form is the key's affair.
    pub signature: Vec<u8>,
}

impl NoteSignature {
    /// Whether `key` is the key that is said to have made this.
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.id == key.id() && self.name == *key.name()
    }

    /// Parses one signature line, without its newline.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let fault = |why| Error::malformed("a note's signature", why);
        let (name, text) = line
            .strip_prefix(LINE_START)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(fault("it is not a dash, a name and base64"))?;
        let bytes = base64::decode(text).ok_or(fault("it is not in base64"))?;
        let (id, signature) = bytes
            .split_first_chunk::<{ KeyId::LEN }>()
            .filter(|(_, signature)| !signature.is_empty())
            .ok_or(fault("it has no more than four bytes"))?;
        Ok(Self {
            name: KeyName::new(name)?,
            id: KeyId::from_bytes(*id),
            signature: signature.to_vec(),
        })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend(&self.signature);
        writeln!(f, "{LINE_START}{} {}", self.name, base64::encode(&bytes))
    }
}

/// Text that ends in a newline, and signatures of it. What is parsed is not yet verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Signs `text` with each signer, in this order. Each signature is verified before it is used,
    /// since a signer may be a service elsewhere.
    ///
    /// # Errors
    ///
    /// When the text is no note's text, there is no signer, or one can't sign.
    pub fn sign(text: String, signers: &[&dyn Signer]) -> Result<Self> {
        check_text(&text)?;
        if signers.is_empty() {
            return Err(Error::Unsigned);
        }
        let mut note = Self {
            text,
            signatures: Vec::with_capacity(signers.len()),
        };
        for signer in signers {
            let key = signer.verifier_key();
            let signature = signer.sign(note.text.as_bytes())?;
            if key.kind() != SignatureKind::Ed25519 || !key.verifies(&note.text, &signature) {
                return Err(Error::BadSignature(key.name().clone()));
            }
            note.add(NoteSignature {
                name: key.name().clone(),
                id: key.id(),
                signature: signature.to_vec(),
            })?;
        }
        Ok(note)
    }

    /// Parses a note and verifies nothing.
    ///
    /// # Errors
    ///
    /// When it is no note, or too large.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(Error::TooLarge {
                what: "the note",
                limit: MAX_NOTE_BYTES,
            });
        }
        let fault = |why| Error::malformed("the note", why);
        let note = std::str::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
        let split = note
            .rfind("\n\n")
            .ok_or(fault("it has no empty line before its signatures"))?;
        let (text, rest) = note.split_at(split + 1);
        check_text(text)?;
        let lines = rest
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(fault("it does not end in a signature and a newline"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(fault("it has too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: lines
                .split('\n')
                .map(NoteSignature::parse)
                .collect::<Result<_>>()?,
        })
    }

    /// The signed text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, verified or not.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature; the same one twice counts once.
    ///
    /// # Errors
    ///
    /// When there are [`MAX_SIGNATURES`] already.
    pub fn add(&mut self, signature: NoteSignature) -> Result<()> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(Error::malformed("the note", "it has too many signatures"));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The keys among `keys` that have signed, and their signatures. Signatures of other keys are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`Error::BadSignature`] when a signature under the name and id of one of the keys is wrong;
    /// [`Error::Unsigned`] when none of them has signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<(&'k VerifierKey, &[u8])>> {
        let mut found = Vec::new();
        for line in &self.signatures {
            for key in keys.iter().filter(|key| line.is_by(key)) {
                if !key.verifies(&self.text, &line.signature) {
                    return Err(Error::BadSignature(key.name().clone()));
                }
                found.push((key, line.signature.as_slice()));
            }
        }
        if found.is_empty() {
            return Err(Error::Unsigned);
        }
        Ok(found)
    }

    /// The note as it is stored and sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

fn check_text(text: &str) -> Result<()> {
    let fault = |why| Error::malformed("the note", why);
    if !text.ends_with('\n') {
        return Err(fault("its text does not end in a newline"));
    }
    if text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return Err(fault("it holds a control character"));
    }
    Ok(())
}
