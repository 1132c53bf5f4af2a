//! Carrying a request out so that it is recorded: before it is done, and how it ended.

use doorward_audit::{Draft, Person, PersonKind};
use doorward_ledger::Verdict;
use secrecy::SecretString;

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::service::{Admin, Handle};

/// Longest name that an operator gives.
const OPERATOR_MAX: usize = 64;

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The user of the process at the other end, as the system says.
    uid: Option<u32>,
    /// Who that process says it works for, such as the user behind `sudo`; not checked.
    operator: Option<String>,
    /// The admin token that was presented.
    token: Option<SecretString>,
    /// Whose admin token it is, once that is found out.
    holder: Option<String>,
}

impl Who {
    /// Somebody with this user id, working for the operator named, if any.
    pub(crate) fn new(uid: Option<u32>, operator: Option<&str>) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        let operator = operator
            .filter(|name| !name.is_empty() && name.len() <= OPERATOR_MAX)
            .filter(|name| name.chars().all(plain));
        Self {
            uid,
            operator: operator.map(str::to_owned),
            token: None,
            holder: None,
        }
    }

    /// Whoever runs this process.
    pub(crate) fn here() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        Self::new(Some(uid), operator().as_deref())
    }

    /// The same, with an admin token that is not looked at yet.
    pub(crate) fn presenting(self, token: Option<SecretString>) -> Self {
        Self { token, ..self }
    }

    /// The same, known to hold that token.
    pub(super) fn held_by(self, holder: String) -> Self {
        Self {
            holder: Some(holder),
            ..self
        }
    }

    pub(super) fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// Whose admin token was presented.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.holder.as_deref()
    }

    /// All names that whoever asks is known by.
    pub(super) fn names(&self) -> Vec<String> {
        self.holder.iter().chain(&self.operator).cloned().collect()
    }

    /// As it is sealed in the ledger.
    pub(crate) fn person(&self) -> Person {
        let uid = self
            .uid
            .map_or_else(|| "an unknown user".to_owned(), |uid| format!("uid {uid}"));
        let name = match (&self.holder, &self.operator) {
            (Some(holder), _) => format!("{holder} (token, {uid})"),
            (None, Some(operator)) => format!("{operator} ({uid})"),
            (None, None) => uid,
        };
        Person::new(PersonKind::Admin, &name)
    }
}

/// Who works at this terminal, by the environment.
pub(crate) fn operator() -> Option<String> {
    ["SUDO_USER", "DOAS_USER", "LOGNAME", "USER"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
}

/// The admin token of who works at this terminal, if they have one.
///
/// # Errors
/// When the file that holds it can't be read.
pub(crate) fn token() -> Result<Option<SecretString>, std::io::Error> {
    use std::io::Read;
    if let Ok(token) = std::env::var("DOORWARD_ADMIN_TOKEN") {
        return Ok(Some(token.into()));
    }
    let Some(path) = std::env::var_os("DOORWARD_ADMIN_TOKEN_FILE") else {
        return Ok(None);
    };
    let mut text = zeroize::Zeroizing::new(String::new());
    let file = std::fs::File::open(&path).map_err(|error| {
        let path = std::path::Path::new(&path).display();
        std::io::Error::new(error.kind(), format!("the admin token in {path}: {error}"))
    })?;
    file.take(4_096).read_to_string(&mut text)?;
    Ok(Some(text.trim().to_owned().into()))
}

impl Admin {
    /// Carries a request out. One that changes something is recorded before it is done, and is not
    /// done when it can't be.
    ///
    /// # Errors
    /// As the request says, and when it can't be recorded.
    pub(crate) fn carry_out<C: Acts>(&self, mut call: C, who: &Who) -> Result<C::Answer, AdminError>
    where
        Self: Handle<C>,
    {
        let who = &self.recognise(who)?;
        call.done_by(who);
        let Some(mut deed) = call.deed() else {
            return self.handle(call);
        };
        let audit = self.parts.audit.get()?;
        let draft = |deed: &Deed, verdict| {
            let mut act = deed.act.clone();
            act.result = verdict;
            let draft = Draft::new(audit.now(), act, deed.event.clone()).person(who.person());
            let about = deed.about.iter();
            about.fold(draft, |draft, (name, value)| draft.id(name, value))
        };
        let pending = audit
            .record_blocking(draft(&deed, Verdict::Pending))
            .map_err(|error| {
                AdminError::failed(format_args!(
                    "nothing was done, since it can't be recorded: {error}"
                ))
            })?;
        let metadata = &mut deed.act.metadata;
        metadata.insert("pending".to_owned(), pending.leaf.to_string().into());
        let noted = call.gives_to().map(|gives| self.note_maker(gives, who));
        let outcome = noted.unwrap_or(Ok(())).and_then(|()| self.handle(call));
        let verdict = match &outcome {
            Ok(answer) => {
                C::complete(&mut deed, answer);
                Verdict::Success
            }
            // What was asked did not fit: nothing was done.
            Err(error) if error.usage => Verdict::Refused,
            Err(_) => Verdict::Failure,
        };
        match (audit.record_blocking(draft(&deed, verdict)), outcome) {
            (Ok(_), outcome) => outcome,
            (Err(_), Err(error)) => Err(error),
            (Err(error), Ok(_)) => Err(AdminError::failed(format_args!(
                "it was done, and the ledger has that it was begun, but not how it ended: {error}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_only_if_it_can_be_a_name() {
        let named = |name| Who::new(Some(0), Some(name)).person();
        assert_eq!(named("ann").value(), "ann (uid 0)");
        for name in ["", "a b", "a\nb", &"x".repeat(65)] {
            assert_eq!(named(name).value(), "uid 0");
        }
        assert_eq!(Who::new(None, None).person().value(), "an unknown user");
    }
}
