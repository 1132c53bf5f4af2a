//! Which checks are looked at.

use doorward_finding::Report;

/// Which checks are looked at: ids, or areas, such as `keys.wildcard` or `keys`. With none said, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These alone.
    pub only: Vec<String>,
    /// All but these.
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether a check is looked at.
    pub fn takes(&self, id: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|name| covers(name, id));
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }

    /// Whether all checks are looked at.
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// The names that are no check's and no area's.
    pub fn unknown<'a>(&'a self, ids: &[&str]) -> Vec<&'a str> {
        let names = self.only.iter().chain(&self.skip);
        let unknown = names.filter(|name| !ids.iter().any(|id| covers(name, id)));
        unknown.map(String::as_str).collect()
    }

    /// Leaves the other checks, and what they found, out of a report.
    pub fn narrow(&self, report: &mut Report) {
        if self.is_whole() {
            return;
        }
        report.rules.retain(|ruled| self.takes(&ruled.rule.id));
        report.findings.retain(|finding| self.takes(&finding.rule));
    }
}

/// Whether a name is the check's, or its area's.
fn covers(name: &str, id: &str) -> bool {
    id.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(only: &[&str], skip: &[&str]) -> Selection {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Selection {
            only: owned(only),
            skip: owned(skip),
        }
    }

    #[test]
    fn a_check_is_named_by_its_id_or_its_area() {
        let all = selection(&[], &[]);
        assert!(all.is_whole() && all.takes("keys.wildcard"));
        let keys = selection(&["keys", "people.owners"], &["keys.unused"]);
        assert!(keys.takes("keys.wildcard") && keys.takes("people.owners"));
        assert!(!keys.takes("keys.unused") && !keys.takes("people.mfa") && !keys.takes("keyset.x"));
        assert_eq!(
            selection(&["keys", "kees"], &["people.owners"]).unknown(&["keys.wildcard"]),
            ["kees", "people.owners"]
        );
    }
}
