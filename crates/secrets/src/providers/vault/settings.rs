//! Where the service is, and how this program is let in.

use std::path::PathBuf;

use crate::reference::SecretRef;

/// How Vault or OpenBao is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultSettings {
    /// The address: `https://host:port`, or `http://` for this machine.
    pub address: Option<String>,
    /// The namespace, if the service has such.
    pub namespace: Option<String>,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// How this program is let in.
    pub login: VaultLogin,
}

/// How this program is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultLogin {
    /// By a token, which is read again when it is refused.
    Token(Option<SecretRef>),
    /// As a role of AppRole.
    AppRole {
        /// Where the method is mounted, `approle` as a rule.
        mount: String,
        /// The role's id.
        role_id: String,
        /// The role's secret id.
        secret_id: SecretRef,
    },
    /// As a service account of Kubernetes.
    Kubernetes {
        /// Where the method is mounted, `kubernetes` as a rule.
        mount: String,
        /// The role.
        role: String,
        /// The file with the account's token.
        token: PathBuf,
    },
}

impl VaultLogin {
    /// The secret that it needs.
    pub(crate) fn credential(&self) -> Option<&SecretRef> {
        match self {
            Self::Token(token) => token.as_ref(),
            Self::AppRole { secret_id, .. } => Some(secret_id),
            Self::Kubernetes { .. } => None,
        }
    }
}

impl VaultSettings {
    /// What the variables say that Vault's and OpenBao's own tools go by: `VAULT_ADDR`,
    /// `VAULT_TOKEN`, `VAULT_NAMESPACE` and `VAULT_CACERT`, and the same with `BAO_`.
    pub fn from_environment() -> Self {
        let name = |rest: &str| {
            let names = [format!("VAULT_{rest}"), format!("BAO_{rest}")];
            names
                .into_iter()
                .find(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        };
        let text = |rest: &str| name(rest).and_then(|name| std::env::var(name).ok());
        Self {
            address: text("ADDR"),
            namespace: text("NAMESPACE"),
            ca: text("CACERT").map(PathBuf::from),
            login: VaultLogin::Token(name("TOKEN").and_then(|name| SecretRef::env(&name).ok())),
        }
    }

    /// Whether an address can be used: plain HTTP would show the token to the network.
    ///
    /// # Errors
    /// Why not.
    pub fn check_address(address: &str) -> Result<(), &'static str> {
        let why = "write https://host:8200, or http:// for this machine alone";
        let (https, rest) = match address.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(why),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port),
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let port = match port {
            "" => true,
            port => port
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok()),
        };
        let address: Option<std::net::IpAddr> = host.parse().ok();
        let named = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
        let here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        match port && (named || address.is_some()) && (https || here) {
            true => Ok(()),
            false => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_in_clear_to_this_machine_alone() {
        for good in [
            "https://vault.example",
            "https://vault.example:8200/",
            "https://10.0.0.1:8200",
            "https://[fd00::1]:8200",
            "http://127.0.0.1:8200",
            "http://localhost:8200",
            "http://[::1]:8200",
        ] {
            assert_eq!(VaultSettings::check_address(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "vault.example",
            "http://vault.example",
            "http://10.0.0.1:8200",
            "http://localhost.example",
            "https://",
            "https://u:p@vault.example",
            "https://vault.example/path",
            "https://vault.example:port",
            "https://vault.example?x",
            "https://vault example",
            "https://[fd00::1",
            "ftp://127.0.0.1",
        ] {
            assert!(VaultSettings::check_address(bad).is_err(), "{bad}");
        }
    }
}
