//! Failures and empty logs, in words that say what to do.

use doorward_upstream::Error;

/// What is said of a log that has no record at all.
pub(super) const EMPTY: &str = "the workspace's audit log is empty: audit logs may not be in its \
plan, they may be switched off in its settings, or nothing that they record has happened yet";

/// Why something could not be read, with its likely cause.
pub(super) fn tell(what: &str, scope: &str, error: &Error) -> String {
    let why = match error {
        Error::WrongScope { .. } => {
            format!("no upstream key of the workspace has the scope {scope}; make one that has")
        }
        Error::NoPlan { .. } => "the workspace has no active paid plan".to_owned(),
        Error::Forbidden { .. } | Error::NotFound { .. } => {
            format!("Instantly refuses it ({error}); it may not be in the workspace's plan")
        }
        Error::DeadKey { .. } => "the upstream key is not accepted any more".to_owned(),
        other => other.to_string(),
    };
    format!("{what} can't be read: {why}")
}

/// Whether trying again soon may help.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::Limit { .. }
            | Error::Server { .. }
            | Error::NotSent { .. }
            | Error::Broken { .. }
            | Error::TimedOut { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_upstream::Op;

    #[test]
    fn causes_are_told() {
        let op = Op::ListAuditLog;
        let message = String::new;
        let told = |error: Error| tell("the audit log", "audit_logs:read", &error);
        let wrong = Error::WrongScope {
            op,
            required: Vec::new(),
            found: None,
        };
        assert!(!is_passing(&wrong));
        assert!(told(wrong).ends_with("has the scope audit_logs:read; make one that has"));
        assert!(
            told(Error::NoPlan {
                op,
                message: message()
            })
            .contains("no active paid plan")
        );
        assert!(
            told(Error::Forbidden {
                op,
                message: message()
            })
            .contains("workspace's plan")
        );
        let limit = Error::Limit {
            op,
            retry_after: None,
            message: message(),
        };
        assert!(is_passing(&limit));
        assert!(told(limit).contains("over the rate limit"));
    }
}
