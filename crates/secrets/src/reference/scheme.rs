//! The kinds of places a secret can be in.

use std::fmt;

/// The kinds of places a secret can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scheme {
    /// `env://NAME`: an environment variable.
    Env,
    /// `dotenv://PATH#NAME`: a line of a `.env` file.
    Dotenv,
    /// `file://PATH`: a file with one secret.
    File,
    /// `age://PATH#name`: an entry of a file encrypted with age.
    Age,
    /// `keyring://service/name`: the keyring of the operating system.
    Keyring,
    /// `gcp-sm://project/secret[/version]`: Google Cloud's Secret Manager.
    GcpSm,
    /// `aws-sm://name[#json-key][?region=…]`: AWS Secrets Manager.
    AwsSm,
    /// `vault://mount/path#field`: version 2 of the key-value engine of Vault and OpenBao.
    Vault,
    /// `exec://PROGRAM?arg=…`: what a program prints.
    Exec,
}

impl Scheme {
    /// Every scheme, in the order they are explained in.
    pub const ALL: [Self; 9] = [
        Self::Env,
        Self::Dotenv,
        Self::File,
        Self::Age,
        Self::Keyring,
        Self::GcpSm,
        Self::AwsSm,
        Self::Vault,
        Self::Exec,
    ];

    /// The scheme as it is written in a reference.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Dotenv => "dotenv",
            Self::File => "file",
            Self::Age => "age",
            Self::Keyring => "keyring",
            Self::GcpSm => "gcp-sm",
            Self::AwsSm => "aws-sm",
            Self::Vault => "vault",
            Self::Exec => "exec",
        }
    }

    /// How a reference of this scheme is written.
    pub fn form(self) -> &'static str {
        match self {
            Self::Env => "write env://NAME",
            Self::Dotenv => "write dotenv://.env#NAME or dotenv:///absolute/path#NAME",
            Self::File => "write file:///absolute/path or file:name",
            Self::Age => "write age://secrets.age#name or age:///absolute/path#name",
            Self::Keyring => "write keyring://service/name",
            Self::GcpSm => "write gcp-sm://project/secret or gcp-sm://project/secret/version",
            Self::AwsSm => "write aws-sm://name, with #json-key and then ?region=… where needed",
            Self::Vault => "write vault://mount/path#field",
            Self::Exec => {
                "write exec://program?arg=…&arg=…, with %20 for a space and %XX for other signs"
            }
        }
    }

    /// The cargo feature that its provider is behind, if it is behind one.
    pub fn feature(self) -> Option<&'static str> {
        match self {
            Self::Env | Self::Dotenv | Self::File | Self::Age | Self::Exec => None,
            Self::Keyring => Some("keyring"),
            Self::GcpSm => Some("gcp"),
            Self::AwsSm => Some("aws"),
            Self::Vault => Some("vault"),
        }
    }

    /// Whether this build has its provider.
    pub fn is_built(self) -> bool {
        match self {
            Self::Env | Self::Dotenv | Self::File | Self::Age | Self::Exec => true,
            Self::Keyring => cfg!(feature = "keyring"),
            Self::GcpSm => cfg!(feature = "gcp"),
            Self::AwsSm => cfg!(feature = "aws"),
            Self::Vault => cfg!(feature = "vault"),
        }
    }

    /// Whether reading asks another program or machine, so that what was read is kept for a while.
    pub fn is_remote(self) -> bool {
        match self {
            Self::Env | Self::Dotenv | Self::File | Self::Age | Self::Keyring => false,
            Self::GcpSm | Self::AwsSm | Self::Vault | Self::Exec => true,
        }
    }

    pub(super) fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
