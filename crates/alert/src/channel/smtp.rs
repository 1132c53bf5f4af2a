//! Alerts by mail.

use std::fmt::Write;
use std::time::Duration;

use doorward_catalog::reach::is_this_machine;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use crate::post::{Message, Missed};

/// Most recipients.
const RECIPIENTS_MAX: usize = 32;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From its first byte on; port 465 is the usual one.
    Tls,
    /// By `STARTTLS`, without which nothing is sent; port 587.
    StartTls,
    /// Not at all: to this machine alone, for a local relay.
    Off,
}

/// A mail server, and who gets mail from it.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// User and password, if it wants them.
    pub credentials: Option<(String, SecretString)>,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca: Option<Vec<u8>>,
}

pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    host: String,
    timeout: Duration,
}

impl Mailer {
    pub(super) fn new(config: Smtp, timeout: Duration) -> Result<Self, String> {
        let mailbox = |address: &String| {
            let mailbox = address.parse::<Mailbox>();
            mailbox.map_err(|_| "its addresses are not all written name@host".to_owned())
        };
        if config.to.is_empty() || config.to.len() > RECIPIENTS_MAX {
            return Err("it needs 1 to 32 recipients".to_owned());
        }
        if config.tls == SmtpTls::Off && !is_this_machine(&config.host) {
            return Err(
                "without TLS it must be on this machine: 127.0.0.1, ::1 or localhost".to_owned(),
            );
        }
        let tls = || tls(&config).map_err(|_| "its TLS can't be set up".to_owned());
        let tls = match config.tls {
            SmtpTls::Tls => Tls::Wrapper(tls()?),
            SmtpTls::StartTls => Tls::Required(tls()?),
            SmtpTls::Off => Tls::None,
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
                .port(config.port)
                .timeout(Some(timeout))
                .tls(tls);
        if let Some((user, password)) = &config.credentials {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(Self {
            transport: builder.build(),
            from: mailbox(&config.from)?,
            to: config.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            host: config.host.chars().filter(|c| !c.is_control()).collect(),
            timeout,
        })
    }

    pub(super) async fn send(&self, message: &Message) -> Result<String, Missed> {
        let mail = self.mail(message)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail)).await;
        let sent = sent.map_err(|_| {
            Missed::later(format_args!(
                "no answer within {} s",
                self.timeout.as_secs()
            ))
        })?;
        match sent {
            Ok(response) => Ok(format!("answered {}", response.code())),
            // What the server says may repeat addresses: its code is enough.
            Err(error) => Err(match error.status() {
                Some(code) if error.is_permanent() => {
                    Missed::for_good(format_args!("the mail server answered {code}"))
                }
                Some(code) => Missed::later(format_args!("the mail server answered {code}")),
                None if error.is_timeout() => Missed::later("the mail server was too slow"),
                None if error.is_tls() => Missed::later("no TLS with the mail server"),
                None => Missed::later("no connection to the mail server, or it broke"),
            }),
        }
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, Missed> {
        let told = &message.told;
        let subject = format!("[Doorward] {}: {}", told.alert.severity, told.headline());
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(subject)
            // The same however often it is tried, so that one who gets it twice sees it once.
            .message_id(Some(format!("<{}@{}>", told.id, self.host)))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
            .body(text(message))
            .map_err(|_| Missed::for_good("the mail can't be made"))
    }
}

fn tls(config: &Smtp) -> Result<TlsParameters, lettre::transport::smtp::Error> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(pem) = &config.ca {
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(pem)?);
    }
    builder.build()
}

fn text(message: &Message) -> String {
    let alert = &message.told.alert;
    let mut text = format!("{}\n", message.told.headline());
    if !alert.text.is_empty() {
        let _ = write!(text, "\n{}\n", alert.text);
    }
    text.push('\n');
    for (name, value) in &alert.facts {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "kind: {}\nseverity: {}", alert.kind, alert.severity);
    let _ = writeln!(text, "at: {}\nalert: {}", alert.at, message.told.id);
    if let Some(note) = message.withheld_note() {
        let _ = write!(text, "\n{note}\n");
    }
    text
}
