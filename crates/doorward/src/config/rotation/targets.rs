//! Whether what consumers are given would be written over something else, as far as the file tells.

use std::path::Path;

use doorward_secrets::SecretRef;

use super::ConsumerSettings;
use crate::config::Config;

/// The first reference that a consumer's key must not be written to, and why.
pub(in crate::config) fn overwritten(config: &Config) -> Option<(String, String)> {
    let named = config.references();
    let named: Vec<_> = named
        .iter()
        .filter_map(|one| Some((place(&one.place)?, &one.setting)))
        .collect();
    let all = &config.rotation.consumers;
    for consumer in all {
        for text in &consumer.write {
            let there = place(text);
            if let Some((_, setting)) = named
                .iter()
                .find(|(place, _)| Some(place) == there.as_ref())
            {
                let why = format!(
                    "the key for {} would be written over the secret of {setting}; say another place",
                    consumer.name
                );
                return Some((text.clone(), why));
            }
            let other = all.iter().find(|other| {
                let here = |text: &String| place(text) == there;
                !same_key(consumer, other) && other.write.iter().any(here)
            });
            if let Some(other) = other {
                let why = format!(
                    "two keys would be written to one place, for {} and for {}; say another for one",
                    consumer.name, other.name
                );
                return Some((text.clone(), why));
            }
        }
    }
    None
}

fn same_key(one: &ConsumerSettings, other: &ConsumerSettings) -> bool {
    let workspaces = one.workspace.as_ref().zip(other.workspace.as_ref());
    one.key == other.key && workspaces.is_none_or(|(one, other)| one == other)
}

/// A reference, whatever it is relative to: all of the file's are relative to the same.
fn place(text: &str) -> Option<SecretRef> {
    SecretRef::parse_in(text, Path::new("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_written_over_a_secret_of_the_file_nor_over_another_key() {
        let consumer = |name: &str, key: &str, write: &str| {
            format!(
                "[[rotation.consumer]]\nname = \"{name}\"\nkey = \"{key}\"\nwrite = [\"{write}\"]\n"
            )
        };
        let pepper = "pepper = \"file:secrets/pepper\"\n";
        let told = |text: &str| Config::parse(text).unwrap_err().told("doorward.toml");
        let over = format!(
            "{pepper}{}",
            consumer("crm", "reader", "file:./secrets/pepper")
        );
        let why = told(&over);
        assert!(
            why.contains(":5:") && why.contains("the secret of pepper"),
            "{why}"
        );
        let one = consumer("crm", "reader", "file:///run/crm");
        let why = told(&format!(
            "{one}{}",
            consumer("sync", "writer", "file:///run/crm")
        ));
        assert!(why.contains("two keys") && why.contains("crm"), "{why}");
        // One key may be written where two of its holders read it.
        let both = format!("{one}{}", consumer("sync", "reader", "file:///run/crm"));
        assert!(Config::parse(&both).is_ok());
    }
}
