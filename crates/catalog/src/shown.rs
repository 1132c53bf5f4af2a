//! What an error may repeat of a text from outside.

/// Longer than every name, and shorter than every key: an upstream key has 56 characters or more.
const WHOLE_MAX: usize = 55;
/// Of a client key: its prefix and half of its public id.
const BEGINNING: usize = 12;

/// The text as an error may show it: without control characters, and of one that is longer than
/// any name of the API only the beginning, since it may be a key pasted into the wrong place.
pub fn shown(text: &str) -> String {
    let mut plain = text.chars().filter(|c| !c.is_control());
    let mut shown: String = plain.by_ref().take(WHOLE_MAX).collect();
    if plain.next().is_some() {
        shown = shown.chars().take(BEGINNING).collect();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_format::UpstreamKeyFormat;
    use crate::operation::Op;
    use crate::scope::Scope;

    #[test]
    fn names_are_shown_whole_and_keys_are_not() {
        for op in Op::ALL {
            assert_eq!(shown(op.id()), op.id());
        }
        for scope in Scope::known() {
            assert_eq!(shown(&scope.to_string()), scope.to_string());
        }
        // The shortest tail that counts as a key, without its padding.
        let key = UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5");
        let key = key.trim_end_matches('=');
        assert!(UpstreamKeyFormat::matches(key));
        assert_eq!(shown(key), format!("{}…", &key[..12]));
        assert_eq!(shown("a\u{1b}[2J\nb"), "a[2Jb");
        assert_eq!(shown(&"é".repeat(55)), "é".repeat(55));
    }
}
