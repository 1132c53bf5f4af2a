//! Settings of Vault and OpenBao.

use super::reader::TableReader;
use super::reference;

/// How Vault or OpenBao is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct VaultConfig {
    /// Its address.
    pub(crate) address: Option<String>,
    /// The namespace.
    pub(crate) namespace: Option<String>,
    /// A file of certificates that are trusted besides the system's.
    pub(crate) ca: Option<String>,
    /// Where the way to log in is mounted.
    pub(crate) mount: Option<String>,
    /// Reference of a token.
    pub(crate) token: Option<String>,
    /// The role's id, of AppRole.
    pub(crate) role_id: Option<String>,
    /// Reference of the role's secret id.
    pub(crate) secret_id: Option<String>,
    /// The role, of Kubernetes.
    pub(crate) kubernetes_role: Option<String>,
    /// The file with the service account's token.
    pub(crate) kubernetes_token: Option<String>,
}

impl VaultConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("address", &mut self.address, |text| {
            address(text).map(|()| Some(text.to_owned()))
        });
        for (name, setting) in [
            ("namespace", &mut self.namespace),
            ("ca", &mut self.ca),
            ("mount", &mut self.mount),
            ("role_id", &mut self.role_id),
            ("kubernetes_role", &mut self.kubernetes_role),
            ("kubernetes_token", &mut self.kubernetes_token),
        ] {
            table.text(name, setting, |text| plain(text).map(Some));
        }
        for (name, setting) in [
            ("token", &mut self.token),
            ("secret_id", &mut self.secret_id),
        ] {
            table.text(name, setting, |text| {
                if text.starts_with("vault:") {
                    return Err("what opens Vault can't be in Vault".to_owned());
                }
                reference(text).map(Some)
            });
        }
        if self.address.is_none() {
            table.missing("address", "write address = \"https://vault.example:8200\"");
        }
        let ways = [&self.token, &self.role_id, &self.kubernetes_role];
        if ways.iter().filter(|way| way.is_some()).count() != 1
            || self.role_id.is_some() != self.secret_id.is_some()
        {
            let why = "choose one way to log in: token; role_id and secret_id; or kubernetes_role";
            table.missing("token", why);
        }
    }
}

#[cfg(feature = "vault")]
fn address(text: &str) -> Result<(), String> {
    doorward_secrets::VaultSettings::check_address(text).map_err(str::to_owned)
}

#[cfg(not(feature = "vault"))]
fn address(_: &str) -> Result<(), String> {
    Err("this build has no Vault; build it with --features vault".to_owned())
}

/// A name or path that is sent or opened as it stands.
fn plain(text: &str) -> Result<String, String> {
    let fits = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
        .ok_or_else(|| "write 1 to 256 letters, digits and signs".to_owned())
}

#[cfg(test)]
#[cfg(feature = "vault")]
mod tests {
    use crate::config::Config;

    #[test]
    fn one_way_to_log_in_is_chosen() {
        let read = |text: &str| {
            let text = format!("[secrets.vault]\naddress = \"https://v:8200\"\n{text}\n");
            Config::parse(&text).map_err(|faults| faults.told("it"))
        };
        for good in [
            "token = \"file:vault-token\"",
            "role_id = \"r\"\nsecret_id = \"env://SECRET_ID\"",
            "kubernetes_role = \"doorward\"\nmount = \"k8s\"",
        ] {
            assert!(read(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "choose one way"),
            ("role_id = \"r\"", "choose one way"),
            (
                "token = \"env://A\"\nkubernetes_role = \"r\"",
                "choose one way",
            ),
            ("token = \"hvs.canary\"", "not a secret reference"),
            ("token = \"vault://secret/a#b\"", "can't be in Vault"),
            ("kubernetes_role = \"a b\"", "letters, digits and signs"),
        ] {
            let told = read(bad).unwrap_err();
            assert!(
                told.contains(why) && !told.contains("canary"),
                "{bad}: {told}"
            );
        }
        let plain = "[secrets.vault]\naddress = \"http://vault.example\"\ntoken = \"env://A\"\n";
        assert!(Config::parse(plain).is_err());
    }
}
