//! What alerts are about, and how bad they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody should look now.
    High,
    /// Something is broken, or somebody is inside.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::High, Self::Critical];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|each| each.as_str() == text);
        found.ok_or_else(|| "choose \"info\", \"warning\", \"high\" or \"critical\"".to_owned())
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident, $name:literal, $severity:ident;)*) => {
        /// What an alert is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum AlertKind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl AlertKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name, as in routes.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// How bad it is when nothing else is said.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$kind => Severity::$severity,)*
                }
            }
        }
    };
}

kinds! {
    /// A call waits for somebody to say yes.
    ApprovalAsked, "approval_asked", High;
    /// A client was granted more than its environment's ceiling, for a while.
    BreakGlass, "break_glass", High;
    /// A policy was removed, or forbids less than it did.
    PolicyLoosened, "policy_loosened", High;
    /// Instantly does not take an upstream key any more.
    KeyDead, "key_dead", Critical;
    /// An upstream key is older than it should be, or was not rotated when it was due.
    KeyOld, "key_old", Warning;
    /// A program presented an upstream key instead of a client key.
    KeyPresented, "key_presented", High;
    /// The API failed so often that calls are not sent for a while.
    BreakerOpen, "breaker_open", High;
    /// Nothing can be recorded.
    LedgerHalted, "ledger_halted", Critical;
    /// A sink does not take what is recorded.
    SinkLagging, "sink_lagging", Warning;
    /// A witness refuses what it is shown.
    WitnessRefuses, "witness_refuses", Critical;
    /// Instantly's own log has acts that went around Doorward.
    TrafficAround, "traffic_around", Critical;
    /// Keys or members of a workspace were changed.
    WorkspaceChanged, "workspace_changed", Warning;
    /// The checklist found something that it had not found before.
    CheckFound, "check_found", High;
    /// A certificate ends soon, or could not be read again.
    Certificate, "certificate", Warning;
    /// A new configuration was refused.
    ConfigurationRefused, "configuration_refused", Warning;
    /// A part of the server ended before its time, and the server with it.
    ServerEnded, "server_ended", Critical;
    /// A secret that is kept by another machine or program can't be read, or is lost.
    SecretTrouble, "secret_trouble", High;
    /// A rotation could not be done and went back, or needs somebody to go on.
    RotationTrouble, "rotation_trouble", High;
    /// A key that is to be dead lives still: its revocation fails and is tried again.
    RotationDebt, "rotation_debt", Critical;
    /// A source or a destination can't be used, fails, or has lost something.
    WebhookTrouble, "webhook_trouble", High;
    /// The server was started on a backup that was put back.
    Restored, "restored", High;
    /// Somebody tries whether alerts arrive.
    Test, "test", Info;
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AlertKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|each| each.as_str() == text);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|each| each.as_str()).collect();
            format!(
                "there is no such kind of alert; there are {}",
                names.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json_and_are_read_back() {
        for kind in AlertKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
        assert!(
            "fire"
                .parse::<AlertKind>()
                .unwrap_err()
                .contains("key_dead")
        );
    }
}
