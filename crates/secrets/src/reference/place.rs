//! What a reference says, in its parts, and how they are printed.

use std::fmt;
use std::path::PathBuf;

use super::argv;
use super::scheme::Scheme;

/// The parts of a reference. Only what was checked is ever put here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Env(String),
    Dotenv {
        path: PathBuf,
        name: String,
    },
    File(PathBuf),
    Age {
        path: PathBuf,
        name: String,
    },
    Keyring {
        service: String,
        name: String,
    },
    GcpSm {
        project: String,
        secret: String,
        version: Option<String>,
    },
    AwsSm {
        name: String,
        json_key: Option<String>,
        region: Option<String>,
    },
    Vault {
        mount: String,
        path: String,
        field: String,
    },
    Exec {
        program: String,
        args: Vec<String>,
    },
}

impl Place {
    pub(super) fn scheme(&self) -> Scheme {
        match self {
            Self::Env(_) => Scheme::Env,
            Self::Dotenv { .. } => Scheme::Dotenv,
            Self::File(_) => Scheme::File,
            Self::Age { .. } => Scheme::Age,
            Self::Keyring { .. } => Scheme::Keyring,
            Self::GcpSm { .. } => Scheme::GcpSm,
            Self::AwsSm { .. } => Scheme::AwsSm,
            Self::Vault { .. } => Scheme::Vault,
            Self::Exec { .. } => Scheme::Exec,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        match self {
            Self::Env(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Dotenv { path, name } | Self::Age { path, name } => {
                write!(f, "{}#{name}", path.display())
            }
            Self::Keyring { service, name } => write!(f, "{service}/{name}"),
            Self::GcpSm {
                project,
                secret,
                version,
            } => {
                write!(f, "{project}/{secret}")?;
                version
                    .iter()
                    .try_for_each(|version| write!(f, "/{version}"))
            }
            Self::AwsSm {
                name,
                json_key,
                region,
            } => {
                f.write_str(name)?;
                json_key.iter().try_for_each(|key| write!(f, "#{key}"))?;
                region
                    .iter()
                    .try_for_each(|region| write!(f, "?region={region}"))
            }
            Self::Vault { mount, path, field } => write!(f, "{mount}/{path}#{field}"),
            Self::Exec { program, args } => argv::print(f, program, args),
        }
    }
}
