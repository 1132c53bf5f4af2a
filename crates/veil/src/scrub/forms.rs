//! The forms of a secret that are looked for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::index::WINDOW;
use super::view::{View, has_escapes};

/// A form of a secret, wiped when dropped.
pub(super) type Form = Zeroizing<Vec<u8>>;

/// The secret itself, itself as a view shows it where it holds what reads as an escape, and the characters of
/// its base64 that the secret alone decides, for each place it may have in a group of three bytes.
pub(super) fn forms(secret: &str, into: &mut Vec<Form>) {
    into.push(Zeroizing::new(secret.as_bytes().to_vec()));
    if has_escapes(secret.as_bytes()) {
        let mut view = View::default();
        view.fill(secret.as_bytes(), true);
        push(into, view.bytes().to_vec());
    }
    for before in 0..3_usize {
        let mut padded = Zeroizing::new(Vec::with_capacity(before + secret.len()));
        padded.resize(before, 0);
        padded.extend_from_slice(secret.as_bytes());
        // Six bits a character: the first and the last may hold bits of a neighbour.
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = Zeroizing::new(engine.encode(&*padded));
            if let Some(core) = text.as_bytes().get(first..end) {
                push(into, core.to_vec());
            }
        }
    }
}

/// Which bytes can be within a form: of a secret, of base64, or of an escape.
pub(super) fn can_be_within(forms: &[Form]) -> [bool; 256] {
    let mut within = [false; 256];
    let mut allow = |bytes: &[u8]| {
        for byte in bytes {
            if let Some(within) = within.get_mut(usize::from(*byte)) {
                *within = true;
            }
        }
    };
    let base64: Vec<u8> = (0..=127_u8).filter(u8::is_ascii_alphanumeric).collect();
    allow(&base64);
    allow(b"+/-_%\\");
    for form in forms {
        allow(form);
    }
    within
}

fn push(into: &mut Vec<Form>, form: Vec<u8>) {
    let form = Zeroizing::new(form);
    if form.len() >= WINDOW {
        into.push(form);
    }
}
