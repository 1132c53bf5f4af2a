//! The configuration: read with all its faults told at once, by file and line.

mod alerts;
mod approvals;
mod audit;
mod changes;
mod check;
mod despite;
mod faults;
mod idempotency;
mod instantly;
mod ledger;
mod metrics;
mod pace;
mod reader;
mod references;
mod relay;
mod rotation;
mod secrets;
#[cfg(test)]
mod tests;
mod tls;
mod traces;
mod vault;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_gateway::Limits;

pub(crate) use alerts::{AlertsConfig, ChannelSettings, ChannelTo};
pub(crate) use approvals::ApprovalsConfig;
pub(crate) use audit::{AuditConfig, SinkSettings, SinkTo};
pub(crate) use check::CheckConfig;
pub(crate) use faults::Faults;
pub(crate) use idempotency::IdempotencyConfig;
pub(crate) use instantly::InstantlyConfig;
pub(crate) use ledger::{LedgerConfig, TransitConfig};
pub(crate) use metrics::MetricsConfig;
pub(crate) use pace::PaceConfig;
use reader::Reader;
pub(crate) use relay::{RelayConfig, RelayTls};
pub(crate) use rotation::{
    Acknowledge, ConsumerSettings, HookSettings, RotationConfig, RotationSeconds,
};
pub(crate) use secrets::SecretsConfig;
pub(crate) use tls::TlsConfig;
pub(crate) use traces::TracesConfig;
pub(crate) use vault::VaultConfig;

use crate::exit::Failure;

/// The default configuration with its comments, as `init` writes it.
pub(crate) const DEFAULT: &str = include_str!("default.toml");

/// The configuration file that is read when none is named, if it is there.
pub(crate) const FILE: &str = "doorward.toml";

/// Most bytes of a configuration file.
const SIZE_MAX: u64 = 1024 * 1024;

/// All that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// Folder that the state is kept in; relative to the file's folder.
    pub(crate) data_dir: PathBuf,
    /// Reference of the pepper; `file:name` is relative to the data folder.
    pub(crate) pepper: String,
    /// How secrets are read.
    pub(crate) secrets: SecretsConfig,
    /// The record of acts.
    pub(crate) audit: AuditConfig,
    /// The ledger.
    pub(crate) ledger: LedgerConfig,
    /// The watch over Instantly's own audit log.
    pub(crate) instantly: InstantlyConfig,
    /// The gateway.
    pub(crate) gateway: GatewayConfig,
    /// The relay.
    pub(crate) relay: RelayConfig,
    /// What waits for a person.
    pub(crate) approvals: ApprovalsConfig,
    /// Safe writes.
    pub(crate) idempotency: IdempotencyConfig,
    /// Where alerts go.
    pub(crate) alerts: AlertsConfig,
    /// The pace of calls.
    pub(crate) pace: PaceConfig,
    /// When upstream keys are rotated.
    pub(crate) rotation: RotationConfig,
    /// The metrics page.
    pub(crate) metrics: MetricsConfig,
    /// Spans of calls.
    pub(crate) traces: TracesConfig,
    /// The checklist.
    pub(crate) check: CheckConfig,
    /// What is logged.
    pub(crate) log: LogConfig,
}

/// The gateway's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayConfig {
    /// Address to listen on.
    pub(crate) listen: SocketAddr,
    /// Whether workspaces may be on other machines without TLS.
    pub(crate) plain_http: bool,
    /// A listener with TLS beside the plain one.
    pub(crate) tls: Option<TlsConfig>,
    /// Where the Instantly host is answered for, with a certificate of the local authority.
    pub(crate) instantly_host: Option<SocketAddr>,
    /// Bounds on what comes from outside.
    pub(crate) limits: Limits,
    /// How long `/readyz` says that the server ends before it takes no more connections.
    pub(crate) announce: Duration,
}

/// What the server tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// A filter of `tracing-subscriber`.
    pub(crate) level: String,
    /// How lines are written.
    pub(crate) format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: crate::paths::DEFAULT.into(),
            pepper: "file:secrets/pepper".to_owned(),
            secrets: SecretsConfig::default(),
            audit: AuditConfig::default(),
            ledger: LedgerConfig::default(),
            instantly: InstantlyConfig::default(),
            gateway: GatewayConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 4180)),
                plain_http: false,
                tls: None,
                instantly_host: None,
                limits: Limits::default(),
                announce: Duration::ZERO,
            },
            relay: RelayConfig::default(),
            approvals: ApprovalsConfig::default(),
            idempotency: IdempotencyConfig::default(),
            alerts: AlertsConfig::default(),
            pace: PaceConfig::default(),
            check: CheckConfig::default(),
            rotation: RotationConfig::default(),
            metrics: MetricsConfig::default(),
            traces: TracesConfig::default(),
            log: LogConfig {
                level: "info".to_owned(),
                format: LogFormat::Text,
            },
        }
    }
}

impl LogConfig {
    /// Warnings alone, for what people look at.
    pub(crate) fn quiet() -> Self {
        Self {
            level: "warn".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl Config {
    /// Reads the configuration that holds: of `named`, or of `doorward.toml` in the current folder
    /// if there is one, or the default. The data folder is then relative to the current one.
    ///
    /// # Errors
    /// When a named file can't be read, and all faults in it at once.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = file(named) else {
            return Ok(Self::default());
        };
        let text = read(path).map_err(|error| {
            Failure::usage(format_args!(
                "can't read the configuration {}: {error}; `doorward init` writes one",
                path.display()
            ))
        })?;
        let mut config = Self::parse(&text)
            .map_err(|faults| Failure::usage(faults.told(&path.display().to_string())))?;
        if let Some(folder) = path.parent() {
            config.data_dir = folder.join(config.data_dir);
            if let Some(tls) = &mut config.gateway.tls {
                tls.below(folder);
            }
            if let Some(tls) = &mut config.relay.tls {
                tls.below(folder);
            }
        }
        Ok(config)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(text);
        let mut config = Self::default();
        let Self {
            data_dir,
            pepper,
            secrets,
            audit,
            ledger,
            instantly,
            gateway,
            relay,
            approvals,
            idempotency,
            alerts,
            pace,
            check,
            rotation,
            metrics,
            traces,
            log,
        } = &mut config;
        reader.root(|root| {
            root.text("data_dir", data_dir, |text| {
                non_empty(text).map(PathBuf::from)
            });
            root.text("pepper", pepper, reference);
            root.table("secrets", |table| secrets.read(table));
            root.table("audit", |table| audit.read(table));
            root.table("ledger", |table| ledger.read(table));
            root.table("instantly", |table| instantly.read(table));
            root.table("gateway", |table| {
                table.text("listen", &mut gateway.listen, |text| {
                    text.parse()
                        .map_err(|_| "write an address like 127.0.0.1:4180".to_owned())
                });
                table.flag("plain_http", &mut gateway.plain_http);
                let Limits {
                    connections,
                    calls,
                    streams,
                    head_bytes,
                    headers,
                    body_bytes,
                    memory_bytes,
                    json_depth,
                    head_read,
                    body_read,
                    connect,
                    response_head,
                    response_idle,
                    drain,
                } = &mut gateway.limits;
                gateway.tls = tls::read(table);
                gateway.instantly_host = tls::read_instantly_host(table);
                table.number("connections", connections, 1..=1_000_000);
                table.number("calls", calls, 1..=1_000_000);
                table.number("streams", streams, 1..=10_000);
                table.number("head_bytes", head_bytes, 8_192..=1_048_576);
                table.number("headers", headers, 16..=1_000);
                table.number("body_bytes", body_bytes, 1..=1_073_741_824);
                table.number("memory_bytes", memory_bytes, 1..=1_099_511_627_776);
                table.number("json_depth", json_depth, 1..=120);
                table.table("seconds", |table| {
                    for (name, value) in [
                        ("head_read", head_read),
                        ("body_read", body_read),
                        ("connect", connect),
                        ("response_head", response_head),
                        ("response_idle", response_idle),
                        ("drain", drain),
                    ] {
                        let mut seconds = usize::try_from(value.as_secs()).unwrap_or(usize::MAX);
                        table.number(name, &mut seconds, 1..=86_400);
                        *value = Duration::from_secs(seconds as u64);
                    }
                    let mut seconds = usize::try_from(gateway.announce.as_secs()).unwrap_or(0);
                    table.number("announce", &mut seconds, 0..=3_600);
                    gateway.announce = Duration::from_secs(seconds as u64);
                });
            });
            root.table("approvals", |table| approvals.read(table));
            root.table("relay", |table| relay.read(table));
            root.table("idempotency", |table| idempotency.read(table));
            root.table("alerts", |table| alerts.read(table));
            root.table("pace", |table| pace.read(table));
            root.table("check", |table| check.read(table));
            root.table("rotation", |table| rotation.read(table));
            root.table("metrics", |table| metrics.read(table));
            root.table("traces", |table| traces.read(table));
            root.table("log", |table| {
                table.text("level", &mut log.level, |text| {
                    crate::log::check_filter(text).map(|()| text.to_owned())
                });
                table.text("format", &mut log.format, |text| match text {
                    "text" => Ok(LogFormat::Text),
                    "json" => Ok(LogFormat::Json),
                    _ => Err("choose \"text\" or \"json\"".to_owned()),
                });
            });
        });
        reader.finish()?;
        if config.gateway.limits.memory_bytes < config.gateway.limits.body_bytes {
            let why = "memory_bytes is less than body_bytes, so that no largest body would fit; \
                       raise it";
            return Err(Faults::one(text, "memory_bytes", why));
        }
        if let Some((target, why)) = rotation::overwritten(&config) {
            return Err(Faults::one(text, &target, &why));
        }
        Ok(config)
    }
}

/// The file that is read: the one that is named, or the usual one if it is there.
fn file(named: Option<&Path>) -> Option<&Path> {
    named.or_else(|| Some(Path::new(FILE)).filter(|path| path.exists()))
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let file = fs::File::open(path)?;
    let mut text = String::new();
    file.take(SIZE_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SIZE_MAX {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn non_empty(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        Err("it must not be empty".to_owned())
    } else {
        Ok(text)
    }
}

fn access(text: &str) -> Result<doorward_gateway::LedgerAccess, String> {
    use doorward_gateway::LedgerAccess;
    match text {
        "off" => Ok(LedgerAccess::Off),
        "open" => Ok(LedgerAccess::Open),
        "token" => Ok(LedgerAccess::Token),
        _ => Err("choose \"off\", \"open\" or \"token\"".to_owned()),
    }
}

fn reference(text: &str) -> Result<String, String> {
    crate::secret::check_reference(text).map(|()| text.to_owned())
}
