//! The signer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_ledger::{Error as LedgerError, KeyName, SignatureKind, Signer, VerifierKey};
use doorward_secrets::{SecretRef, Secrets};
use http::Method;
use http::header::HeaderValue;
use serde_json::json;

use super::answer;
use super::service::Service;
use crate::error::{AuditError, Result};
use crate::web::{Address, Answer, Web};

const WHAT: &str = "the transit signer";
/// A right answer is a few hundred bytes; a key with many versions, some thousand.
const ANSWER_MAX: usize = 256 * 1024;
/// Longest name of a mount or key.
const NAME_MAX: usize = 128;

/// Where the key is.
pub struct TransitOptions {
    /// `https://host[:port]` of OpenBao or Vault; plain http for this machine alone.
    pub url: String,
    /// Where the transit engine is mounted: `transit`.
    pub mount: String,
    /// Name of the key, of the type `ed25519`.
    pub key: String,
    /// Which version of the key signs; the latest one at the start if none is named. A ledger keeps
    /// to one, so that rotating the key there does not change who signs here: take two signers with
    /// two versions while one takes over from the other.
    pub version: Option<u32>,
    /// Name under which the key signs: the log's origin.
    pub name: KeyName,
    /// Where the token is. Read anew for each signature, so that an agent may renew it.
    pub token: SecretRef,
    /// Reads the token.
    pub secrets: Arc<Secrets>,
    /// The namespace, where there are namespaces.
    pub namespace: Option<String>,
    /// Certificates (PEM) to trust instead of those that this machine trusts.
    pub trust: Option<Vec<u8>>,
    /// The longest that an answer is waited for.
    pub within: Duration,
}

impl TransitOptions {
    /// The usual: the mount `transit`, the latest version, five seconds.
    pub fn new(
        url: &str,
        key: &str,
        name: KeyName,
        token: SecretRef,
        secrets: Arc<Secrets>,
    ) -> Self {
        Self {
            url: url.to_owned(),
            mount: "transit".to_owned(),
            key: key.to_owned(),
            version: None,
            name,
            token,
            secrets,
            namespace: None,
            trust: None,
            within: Duration::from_secs(5),
        }
    }
}

/// Signs with a key in the transit engine of OpenBao or Vault.
pub struct TransitSigner {
    service: Service,
    public: VerifierKey,
    mount: String,
    key: String,
    version: u32,
    token: SecretRef,
    secrets: Arc<Secrets>,
}

impl TransitSigner {
    /// Connects, and reads which key it is. Blocks.
    ///
    /// # Errors
    /// When a setting does not fit, or the service does not tell of the key.
    pub fn connect(options: TransitOptions) -> Result<Self> {
        let fault = |why| AuditError::Setting { what: WHAT, why };
        if !options.mount.split('/').all(is_name) || !is_name(&options.key) {
            return Err(fault(
                "mount and key are named with letters, digits, `-`, `_` and `.`",
            ));
        }
        let namespace = options
            .namespace
            .map(|name| HeaderValue::from_str(&name))
            .transpose()
            .map_err(|_| fault("its namespace is no name"))?;
        let web = Web::new(options.trust.as_deref(), options.within, ANSWER_MAX)?;
        let address = Address::parse(&options.url, WHAT)?;
        let service = Service::start(web, address, namespace, options.within)
            .map_err(|_| AuditError::NotRecorded("no thread could be started"))?;
        let mut signer = Self {
            service,
            public: VerifierKey::new(options.name, SignatureKind::Ed25519, [0; 32]),
            mount: options.mount,
            key: options.key,
            version: 0,
            token: options.token,
            secrets: options.secrets,
        };
        let found = signer.ask(Method::GET, "keys", Vec::new())?;
        let (version, public) =
            answer::public_key(&found.body, options.version).map_err(|why| signer.fault(why))?;
        signer.version = version;
        let name = signer.public.name().clone();
        signer.public = VerifierKey::new(name, SignatureKind::Ed25519, public);
        Ok(signer)
    }

    /// Which version of the key signs.
    pub const fn version(&self) -> u32 {
        self.version
    }

    fn ask(&self, method: Method, what: &str, body: Vec<u8>) -> doorward_ledger::Result<Answer> {
        let token = self
            .secrets
            .read(&self.token)
            .map_err(|error| self.fault(&error.to_string()))?;
        let path = format!("/v1/{}/{what}/{}", self.mount, self.key);
        let answer = self
            .service
            .ask(method, path, body, token)
            .map_err(|error| self.fault(&error.to_string()))?;
        if answer.status.as_u16() != 200 {
            let told = answer::refusal(answer.status.as_u16(), &answer.body);
            return Err(self.fault(&told));
        }
        Ok(answer)
    }

    fn fault(&self, why: &str) -> LedgerError {
        LedgerError::Signer(format!("{}/{}: {why}", self.mount, self.key))
    }
}

impl Signer for TransitSigner {
    fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> doorward_ledger::Result<[u8; 64]> {
        let body = json!({
            "input": STANDARD.encode(message),
            "key_version": self.version,
        });
        let answer = self.ask(Method::POST, "sign", body.to_string().into_bytes())?;
        // Whoever puts the signature into a note verifies it.
        answer::signature(&answer.body, self.version).map_err(|why| self.fault(why))
    }
}

impl fmt::Debug for TransitSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransitSigner")
            .field("key", &format_args!("{}/{}", self.mount, self.key))
            .field("version", &self.version)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !text.is_empty()
        && text.len() <= NAME_MAX
        && text.bytes().all(plain)
        && text.bytes().any(|b| b != b'.')
}
