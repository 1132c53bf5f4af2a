//! Short texts that people and clients write: keys, references, paths, scopes, times.

use std::path::Path;

use doorward_catalog::{Scope, ScopeSet};
use doorward_keys::{ClientKey, KeyId};
use doorward_policy::Timestamp;
use doorward_secrets::SecretRef;

use crate::text;

pub(crate) fn client_key(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    if let Ok(id) = text.parse::<KeyId>() {
        assert_eq!(id.to_string(), text);
    }
    match ClientKey::parse(text) {
        Ok(_) => {
            assert_eq!(text.len(), doorward_keys::CLIENT_KEY_LEN);
            // One changed character is a mistyped key: the checksum finds it.
            let mut changed = data.to_vec();
            let last = changed.len() - 1;
            changed[last] = if changed[last] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(ClientKey::parse(&changed).is_err());
            true
        }
        Err(error) => {
            assert!(text.len() < 24 || !error.to_string().contains(text));
            false
        }
    }
}

pub(crate) fn secret_ref(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    match SecretRef::parse_in(text, Path::new("/etc/doorward")) {
        Ok(reference) => {
            let again = reference.to_string().parse::<SecretRef>();
            assert!(again.is_ok_and(|again| again == reference), "{text:?}");
            if let Some(path) = reference.as_file() {
                assert!(path.is_absolute());
                assert!(path.components().all(|part| part.as_os_str() != ".."));
            }
            true
        }
        Err(error) => {
            // Text that is no reference may be a secret in the wrong place.
            assert!(text.len() < 24 || !error.to_string().contains(text));
            false
        }
    }
}

/// A method, a space, a path.
pub(crate) fn route(data: &[u8]) -> bool {
    let Some((method, path)) = text(data).and_then(|text| text.split_once(' ')) else {
        return false;
    };
    let Ok(found) = doorward_catalog::route(method, path) else {
        return false;
    };
    // The path that goes out is made of what was understood, and is understood the same way.
    let value = found.params.value();
    let made = found.op.path_with(value.as_deref());
    let made = made.expect("it was a path");
    let again = doorward_catalog::route(method, &made).expect("it is one still");
    assert_eq!((again.op, again.params.value()), (found.op, value));
    true
}

pub(crate) fn scopes(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    if let Ok(scope) = Scope::parse(text) {
        assert_eq!(scope.to_string(), text, "one spelling only");
    }
    let Ok(set) = text.parse::<ScopeSet>() else {
        return false;
    };
    assert_eq!(set.to_string().parse(), Ok(set));
    true
}

pub(crate) fn timestamp(data: &[u8]) -> bool {
    let Some(time) = text(data).and_then(|text| text.parse::<Timestamp>().ok()) else {
        return false;
    };
    assert_eq!(time.to_string().parse(), Ok(time));
    true
}
