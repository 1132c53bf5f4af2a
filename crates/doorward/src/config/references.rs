//! Every secret that the configuration names, and where it is.

use super::{
    AlertsConfig, AuditConfig, ChannelSettings, ChannelTo, Config, ConsumerSettings, GatewayConfig,
    HookSettings, LedgerConfig, MetricsConfig, RelayConfig, RelayTls, RotationConfig,
    SecretsConfig, SinkSettings, SinkTo, TlsConfig, TracesConfig, TransitConfig, VaultConfig,
};

/// A secret that a setting refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The setting, such as `ledger.key`.
    pub(crate) setting: String,
    /// What the secret is for.
    pub(crate) what: &'static str,
    /// Where it is: a reference as it is written, or the path of a file.
    pub(crate) place: String,
}

impl Config {
    /// Every secret that is named: what has to be kept from programs that are run, and what a backup
    /// can't be used without.
    ///
    /// A new setting has to be looked at here, or this does not compile.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let Self {
            data_dir: _,
            pepper,
            secrets,
            audit,
            ledger,
            // Upstream keys are the workspaces', in the store.
            instantly: _,
            gateway,
            relay,
            pace: _,
            check: _,
            rotation,
            metrics,
            traces,
            approvals: _,
            idempotency: _,
            alerts,
            log: _,
        } = self;
        let mut found = Found(Vec::new());
        found.note("pepper", "client keys are hashed with it", pepper);
        let SecretsConfig {
            allow_exec: _,
            // Names, which `doorward run` keeps from its command by itself.
            exec_environment: _,
            age_identity,
            // Public keys alone.
            age_recipients: _,
            settings: _,
            vault,
            gcp_endpoint: _,
        } = secrets;
        let what = "it opens the secrets that are encrypted with age";
        found.maybe("secrets.age_identity", what, age_identity.as_ref());
        if let Some(VaultConfig {
            address: _,
            namespace: _,
            ca: _,
            mount: _,
            token,
            role_id: _,
            secret_id,
            kubernetes_role: _,
            kubernetes_token: _,
        }) = vault
        {
            let what = "Vault knows Doorward by it";
            found.maybe("secrets.vault.token", what, token.as_ref());
            found.maybe("secrets.vault.secret_id", what, secret_id.as_ref());
        }
        audit.refer(&mut found);
        ledger.refer(&mut found);
        gateway.refer(&mut found);
        relay.refer(&mut found);
        alerts.refer(&mut found);
        rotation.refer(&mut found);
        let MetricsConfig { access: _, token } = metrics;
        found.maybe("metrics.token", "it opens the metrics", token.as_ref());
        let TracesConfig {
            endpoint: _,
            authorization,
            sample_percent: _,
            propagate: _,
        } = traces;
        let what = "the receiver of traces knows Doorward by it";
        found.maybe("traces.authorization", what, authorization.as_ref());
        found.0
    }
}

impl AuditConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            key,
            review_days: _,
            sinks,
        } = self;
        let what = "people in the record are found and read by it";
        found.note("audit.key", what, key);
        for sink in sinks {
            let SinkSettings {
                name,
                to,
                ocsf: _,
                people: _,
                from_now: _,
            } = sink;
            match to {
                SinkTo::Stdout | SinkTo::Stderr => {}
                SinkTo::File {
                    path: _,
                    max_mib: _,
                    daily: _,
                    keep: _,
                }
                | SinkTo::Syslog {
                    host: _,
                    port: _,
                    tls: _,
                    ca: _,
                } => {}
                SinkTo::Https {
                    url,
                    secret,
                    bearer,
                    ca: _,
                } => {
                    let setting = |field| format!("audit.sink.{field} of {name}");
                    found.address(setting("url"), "where the sink is", url);
                    let what = "batches are signed with it";
                    found.maybe(setting("secret"), what, secret.as_ref());
                    let what = "the sink knows Doorward by it";
                    found.maybe(setting("bearer"), what, bearer.as_ref());
                }
            }
        }
    }
}

impl LedgerConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            key,
            reads: _,
            reads_without: _,
            pages: _,
            pages_token,
            transit,
            // Public keys alone.
            witnesses: _,
        } = self;
        found.note("ledger.key", "it signs the ledger", key);
        let what = "it opens the ledger's pages";
        found.maybe("ledger.pages_token", what, pages_token.as_ref());
        if let Some(TransitConfig {
            url: _,
            mount: _,
            key: _,
            version: _,
            token,
            namespace: _,
            name: _,
        }) = transit
        {
            let what = "the service that signs the ledger knows Doorward by it";
            found.note("ledger.transit.token", what, token);
        }
    }
}

impl GatewayConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            listen: _,
            plain_http: _,
            tls,
            instantly_host: _,
            limits: _,
            announce: _,
        } = self;
        if let Some(TlsConfig {
            listen: _,
            cert: _,
            key,
        }) = tls
        {
            let what = "the key of the gateway's certificate";
            found.note("gateway.tls.key", what, &key.to_string_lossy());
        }
    }
}

impl RelayConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            listen: _,
            tls,
            public_url: _,
            trusted_proxies: _,
            allow_private: _,
            body_bytes: _,
            keep_days: _,
            keep_mib: _,
        } = self;
        if let Some(RelayTls {
            cert: _,
            key,
            // Certificates of others.
            client_ca: _,
        }) = tls
        {
            let what = "the key of the relay's certificate";
            found.note("relay.tls.key", what, &key.to_string_lossy());
        }
    }
}

impl AlertsConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            window_minutes: _,
            channels,
        } = self;
        for channel in channels {
            let ChannelSettings {
                name,
                to,
                route: _,
                per_hour: _,
                ca: _,
            } = channel;
            let setting = |field| format!("alerts.channel.{field} of {name}");
            match to {
                ChannelTo::Webhook { url, secret } => {
                    found.address(setting("url"), "where alerts go", url);
                    found.note(setting("secret"), "alerts are signed with it", secret);
                }
                ChannelTo::Slack { url } => {
                    found.address(setting("url"), "where alerts go", url);
                }
                ChannelTo::Smtp {
                    host: _,
                    port: _,
                    tls: _,
                    user: _,
                    password,
                    from: _,
                    recipients: _,
                } => {
                    let what = "the mail server knows Doorward by it";
                    found.maybe(setting("password"), what, password.as_ref());
                }
            }
        }
    }
}

impl RotationConfig {
    fn refer(&self, found: &mut Found) {
        let Self {
            every: _,
            jitter: _,
            windows: _,
            overlap: _,
            seconds: _,
            age_alert: _,
            keys: _,
            consumers,
        } = self;
        for consumer in consumers {
            let ConsumerSettings {
                name,
                workspace: _,
                key: _,
                // They are written, and may not be there yet.
                write: _,
                webhook,
                command: _,
                command_stdin: _,
                acknowledge: _,
                reads_unseen: _,
                wait: _,
            } = consumer;
            if let Some(HookSettings {
                url,
                secret,
                send_key: _,
            }) = webhook
            {
                let setting = |field| format!("rotation.consumer.webhook.{field} of {name}");
                found.address(setting("url"), "where rotations are told", url);
                found.note(setting("secret"), "rotations are signed with it", secret);
            }
        }
    }
}

/// What was found, in the order of the settings.
struct Found(Vec<Reference>);

impl Found {
    fn note(&mut self, setting: impl Into<String>, what: &'static str, place: &str) {
        self.0.push(Reference {
            setting: setting.into(),
            what,
            place: place.to_owned(),
        });
    }

    fn maybe(&mut self, setting: impl Into<String>, what: &'static str, place: Option<&String>) {
        if let Some(place) = place {
            self.note(setting, what, place);
        }
    }

    /// An address may be written out, and is no secret then.
    fn address(&mut self, setting: impl Into<String>, what: &'static str, place: &str) {
        let plain = place.starts_with("https://") || place.starts_with("http://");
        if !plain {
            self.note(setting, what, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting that takes a reference is given one of its own.
    #[test]
    fn none_is_forgotten() {
        let text = r#"
pepper = "env://R01"
[audit]
key = "env://R02"
[[audit.sink]]
to = "https"
url = "env://R03"
secret = "env://R04"
bearer = "env://R05"
[ledger]
key = "env://R06"
pages_token = "env://R07"
[ledger.transit]
url = "https://vault.example"
key = "k"
token = "env://R08"
[[alerts.channel]]
to = "webhook"
url = "env://R09"
secret = "env://R10"
[[alerts.channel]]
to = "slack"
url = "env://R11"
[[alerts.channel]]
to = "smtp"
host = "mail.example"
from = "a@example.com"
recipients = ["b@example.com"]
user = "a"
password = "env://R12"
[metrics]
token = "env://R13"
[traces]
authorization = "env://R14"
[secrets]
age_identity = "env://R15"
[[rotation.consumer]]
name = "crm"
key = "reader"
webhook = { url = "env://R16", secret = "env://R17" }
"#;
        let config = Config::parse(text).unwrap_or_else(|faults| panic!("{}", faults.told("it")));
        let found = config.references();
        let mut places: Vec<&str> = found.iter().map(|one| one.place.as_str()).collect();
        places.sort_unstable();
        let wanted: Vec<String> = (1..=17).map(|n| format!("env://R{n:02}")).collect();
        assert_eq!(places, wanted);
    }

    #[test]
    fn an_address_that_is_written_out_is_no_reference() {
        let text = "[[audit.sink]]\nto = \"https\"\nurl = \"https://siem.example/in\"\n";
        let found = Config::parse(text).unwrap().references();
        assert!(found.iter().all(|one| !one.place.starts_with("http")));
    }
}
