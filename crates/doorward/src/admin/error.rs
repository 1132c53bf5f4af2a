//! Why an administrative request was not carried out.

use doorward_store::{StoreError, What};
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, Fault};

/// A refusal or failure, the same over the socket as in process. The text says what to do next.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct AdminError {
    /// Whether what was asked does not fit, rather than that it failed.
    pub(crate) usage: bool,
    /// Whether it may have been carried out all the same. Whoever answers knows what was done.
    #[serde(skip)]
    pub(crate) lost: bool,
    /// Why, for people.
    pub(crate) message: String,
}

impl AdminError {
    /// It could not be done.
    pub(crate) fn failed(message: impl std::fmt::Display) -> Self {
        Self {
            usage: false,
            lost: false,
            message: message.to_string(),
        }
    }

    /// What was asked does not fit.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self {
            usage: true,
            lost: false,
            message: message.to_string(),
        }
    }

    /// Whether it was done is not known.
    pub(crate) fn lost(message: impl std::fmt::Display) -> Self {
        Self {
            lost: true,
            ..Self::failed(message)
        }
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        if error.lost {
            Self::lost(error.message)
        } else if error.usage {
            Self::usage(error.message)
        } else {
            Self::failed(error.message)
        }
    }
}

impl From<Failure> for AdminError {
    fn from(failure: Failure) -> Self {
        Self {
            usage: failure.fault == Fault::Usage,
            lost: failure.fault == Fault::Lost,
            message: failure.to_string(),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { what, .. } => {
                let list = match what {
                    What::Workspace => "doorward workspace list",
                    What::UpstreamKey => "doorward workspace show NAME",
                    What::Client => "doorward client list",
                    What::ClientKey => "doorward key list",
                    What::Policy => "doorward policy list",
                    What::Approval => "doorward approval list --all",
                    What::AdminToken => "doorward admin token list",
                    What::Rotation | What::Revocation => "doorward upstream history",
                    What::Source => "doorward webhook list",
                    What::Destination => "doorward destination list",
                    What::CheckMute => "doorward check mutes",
                    What::IdempotencyRecord => return Self::failed(error),
                };
                Self::failed(format_args!("{error}; `{list}` shows what there is"))
            }
            StoreError::Field { .. }
            | StoreError::Grant(_)
            | StoreError::NoKeyInForce { .. }
            | StoreError::EnvironmentNotAdmitted { .. }
            | StoreError::WrongPepper
            | StoreError::Locked { .. }
            | StoreError::NotOurs { .. }
            | StoreError::TooNew { .. } => Self::usage(error),
            StoreError::InUse {
                what: What::Workspace,
                ..
            } => Self::failed(format_args!(
                "{error} with `doorward client delete` or `doorward webhook delete`"
            )),
            _ => Self::failed(error),
        }
    }
}
