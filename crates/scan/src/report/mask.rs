//! What is shown of a secret.

use doorward_keys::ClientKey;

use super::fingerprint::is_word;

/// Stands for what is not shown.
const HIDDEN: char = '…';
/// Below so many characters nothing is shown.
const SHORTEST: usize = 16;
/// Most characters that are shown of a beginning and of an end.
const HEAD: usize = 4;
const TAIL: usize = 2;

/// A secret as it may be shown: its first four and last two characters at the most, never more than a
/// quarter of it, and nothing of a short one. A client key is shown by its id, which is no secret, and a
/// scope as it is.
pub fn mask(secret: &str) -> String {
    if is_word(secret) {
        return secret.to_owned();
    }
    if let Ok(key) = ClientKey::parse(secret) {
        let end = secret
            .find(key.id().as_str())
            .map(|at| at + key.id().as_str().len());
        if let Some(shown) = end.and_then(|end| secret.get(..end)) {
            return format!("{shown}_{HIDDEN}");
        }
    }
    let count = secret.chars().count();
    if count < SHORTEST {
        return HIDDEN.to_string();
    }
    let budget = count / 4;
    let tail = TAIL.min(budget / 3);
    let head = HEAD.min(budget - tail);
    let plain = |c: char| {
        if c.is_control() || c.is_whitespace() {
            '·'
        } else {
            c
        }
    };
    let begin = secret.chars().take(head).map(plain);
    let end = secret.chars().skip(count - tail).map(plain);
    begin.chain([HIDDEN]).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Environment;
    use proptest::prelude::*;

    #[test]
    fn little_is_shown() {
        assert_eq!(mask(""), "…");
        assert_eq!(mask("hunter2"), "…");
        assert_eq!(mask("all:all"), "all:all");
        assert_eq!(mask("0123456789abcde"), "…");
        assert_eq!(mask("0123456789abcdef"), "012…f");
        assert_eq!(mask(&"ab".repeat(34)), "abab…ab");
        assert_eq!(mask("-----BEGIN\nPRIVATE KEY-----\n"), "----…-·");
    }

    #[test]
    fn a_client_key_is_shown_by_its_id() {
        let random = [7; ClientKey::RANDOM_LEN];
        let key = ClientKey::generate(Environment::Production, &random);
        assert_eq!(mask(key.expose()), format!("dwk_p_{}_…", key.id()));
    }

    proptest! {
        #[test]
        fn never_more_than_a_quarter(secret in "\\PC{0,200}") {
            prop_assume!(!is_word(&secret));
            let shown = mask(&secret).chars().filter(|c| *c != HIDDEN).count();
            prop_assert!(shown * 4 <= secret.chars().count());
            prop_assert!(shown <= HEAD + TAIL);
        }
    }
}
