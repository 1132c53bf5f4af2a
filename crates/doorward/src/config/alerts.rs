//! Settings of alerts: where they go, and which of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use doorward_alert::{AlertKind, Route, Severity, SmtpTls};

use super::reader::TableReader;
use super::{non_empty, reference};

/// Most channels.
const CHANNELS_MAX: usize = 32;

/// Settings of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlertsConfig {
    /// Minutes within which the same alert is told once.
    pub(crate) window_minutes: usize,
    /// Where they go.
    pub(crate) channels: Vec<ChannelSettings>,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelSettings {
    /// Its name.
    pub(crate) name: String,
    /// Where it leads.
    pub(crate) to: ChannelTo,
    /// Which alerts.
    pub(crate) route: Route,
    /// Most messages in an hour.
    pub(crate) per_hour: usize,
    /// Certificate authorities to trust instead of the system's.
    pub(crate) ca: Option<PathBuf>,
}

/// Where a channel leads. Addresses may be references, since they may be secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChannelTo {
    /// An endpoint that takes signed messages.
    Webhook { url: String, secret: String },
    /// Slack, or what takes its webhooks.
    Slack { url: String },
    /// Mail.
    Smtp {
        host: String,
        port: u16,
        tls: SmtpTls,
        user: Option<String>,
        /// A reference.
        password: Option<String>,
        from: String,
        recipients: Vec<String>,
    },
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            window_minutes: 15,
            channels: Vec::new(),
        }
    }
}

impl AlertsConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.number("window_minutes", &mut self.window_minutes, 1..=1_440);
        let channels = &mut self.channels;
        table.tables("channel", CHANNELS_MAX, |table| {
            let channel = read_channel(table);
            if channels
                .iter()
                .any(|other: &ChannelSettings| other.name == channel.name)
            {
                table.missing("name", "two channels have the same name; give each its own");
            }
            channels.push(channel);
        });
    }
}

fn read_channel(table: &mut TableReader<'_, '_>) -> ChannelSettings {
    const KINDS: &str = "choose \"webhook\", \"slack\" or \"smtp\"";
    let mut kind = String::new();
    table.text("to", &mut kind, |text| match text {
        "webhook" | "slack" | "smtp" => Ok(text.to_owned()),
        _ => Err(KINDS.to_owned()),
    });
    let (mut name, mut route) = (kind.clone(), Route::default());
    let (mut per_hour, mut ca) = (60, None);
    table.text("name", &mut name, |text| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
            Ok(text.to_owned())
        } else {
            Err("write 1 to 64 lower-case letters, digits and dashes".to_owned())
        }
    });
    table.text("severity", &mut route.from, str::parse::<Severity>);
    let mut kinds: Vec<AlertKind> = Vec::new();
    table.texts("kinds", &mut kinds, str::parse::<AlertKind>);
    route.kinds = kinds.into_iter().collect::<BTreeSet<_>>();
    table.number("per_hour", &mut per_hour, 1..=10_000);
    table.text("ca", &mut ca, |text| {
        non_empty(text).map(|text| Some(PathBuf::from(text)))
    });
    let to = match kind.as_str() {
        "webhook" => read_webhook(table),
        "slack" => ChannelTo::Slack {
            url: read_secret_url(table),
        },
        "smtp" => read_smtp(table),
        _ => {
            table.missing("to", KINDS);
            ChannelTo::Slack { url: String::new() }
        }
    };
    ChannelSettings {
        name,
        to,
        route,
        per_hour,
        ca,
    }
}

fn read_url(table: &mut TableReader<'_, '_>) -> String {
    let mut url = String::new();
    table.text("url", &mut url, |text| {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(text.to_owned());
        }
        reference(text).map_err(|_| {
            "write https://… or, when the address is a secret, a reference to it".to_owned()
        })
    });
    if url.is_empty() {
        table.missing("url", "say where messages are sent");
    }
    url
}

/// Of an address that lets whoever knows it post: it is never written out.
fn read_secret_url(table: &mut TableReader<'_, '_>) -> String {
    const WHY: &str = "whoever has this address can post: keep it as a secret, and write a reference \
                       to it like \"file:secrets/slack-webhook-url\"";
    let mut url = String::new();
    let mut said = false;
    table.text("url", &mut url, |text| {
        said = true;
        reference(text).map_err(|_| WHY.to_owned())
    });
    if !said {
        table.missing("url", WHY);
    }
    url
}

fn read_webhook(table: &mut TableReader<'_, '_>) -> ChannelTo {
    let (url, mut secret) = (read_url(table), String::new());
    table.text("secret", &mut secret, reference);
    if secret.is_empty() {
        let why = "messages are signed: write a reference to whsec_ and base64 of 24 to 64 bytes";
        table.missing("secret", why);
    }
    ChannelTo::Webhook { url, secret }
}

fn read_smtp(table: &mut TableReader<'_, '_>) -> ChannelTo {
    let (mut host, mut tls) = (String::new(), SmtpTls::StartTls);
    let (mut user, mut password) = (None, None);
    let (mut from, mut recipients) = (String::new(), Vec::new());
    let address = |text: &str| {
        let fits = text.len() <= 320 && text.contains('@') && !text.chars().any(char::is_control);
        if fits {
            Ok(text.to_owned())
        } else {
            Err("write an address like ops@example.com".to_owned())
        }
    };
    table.text("host", &mut host, |text| non_empty(text).map(str::to_owned));
    table.text("tls", &mut tls, |text| match text {
        "tls" => Ok(SmtpTls::Tls),
        "starttls" => Ok(SmtpTls::StartTls),
        "off" => Ok(SmtpTls::Off),
        _ => Err("choose \"tls\", \"starttls\" or, on this machine, \"off\"".to_owned()),
    });
    let mut port = match tls {
        SmtpTls::Tls => 465,
        SmtpTls::StartTls => 587,
        SmtpTls::Off => 25,
    };
    table.number("port", &mut port, 1..=65_535);
    table.text("user", &mut user, |text| {
        non_empty(text).map(|text| Some(text.to_owned()))
    });
    table.text("password", &mut password, |text| reference(text).map(Some));
    table.text("from", &mut from, address);
    table.texts("recipients", &mut recipients, address);
    for (name, missing) in [("host", host.is_empty()), ("from", from.is_empty())] {
        if missing {
            table.missing(name, "mail can't be sent without it");
        }
    }
    if recipients.is_empty() {
        table.missing(
            "recipients",
            "say who gets mail, like [\"ops@example.com\"]",
        );
    }
    if user.is_some() != password.is_some() {
        table.missing("password", "user and password go together");
    }
    ChannelTo::Smtp {
        host,
        port: u16::try_from(port).unwrap_or(587),
        tls,
        user,
        password,
        from,
        recipients,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn faults_are_told_with_what_would_be_right() {
        let text = "\
[alerts]
window_minutes = 0
[[alerts.channel]]
to = \"pager\"
[[alerts.channel]]
to = \"webhook\"
url = \"https://alerts.example/in\"
severity = \"loud\"
kinds = [\"key_dead\", \"fire\"]
[[alerts.channel]]
to = \"smtp\"
host = \"mail.example\"
user = \"doorward\"
from = \"nobody\"
";
        let told = Config::parse(text).unwrap_err().told("doorward.toml");
        for part in [
            ":2:18: alerts.window_minutes: it must be a whole number from 1 to 1440",
            ":4:6: alerts.channel.to: choose \"webhook\", \"slack\" or \"smtp\"",
            "alerts.channel.secret is missing",
            ":8:12: alerts.channel.severity: choose",
            ":9:22: alerts.channel.kinds: there is no such kind of alert",
            "alerts.channel.from: write an address",
            "alerts.channel.recipients is missing",
            "alerts.channel.password is missing",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }

    #[test]
    fn an_address_that_is_a_secret_is_never_written_out() {
        let text =
            "[[alerts.channel]]\nto = \"slack\"\nurl = \"https://hooks.example/T0/B0/canary\"\n";
        let told = Config::parse(text).unwrap_err().told("doorward.toml");
        assert!(
            told.contains("doorward.toml:3:7: alerts.channel.url:"),
            "{told}"
        );
        assert!(told.contains("write a reference"), "{told}");
        assert!(
            !told.contains("canary") && !told.contains("is missing"),
            "{told}"
        );
    }

    #[test]
    fn names_are_unique() {
        let channel = "[[alerts.channel]]\nto = \"slack\"\nurl = \"file:secrets/slack\"\n";
        assert_eq!(Config::parse(channel).unwrap().alerts.channels.len(), 1);
        let told = Config::parse(&channel.repeat(2)).unwrap_err().told("it");
        assert!(told.contains("two channels have the same name"), "{told}");
    }
}
