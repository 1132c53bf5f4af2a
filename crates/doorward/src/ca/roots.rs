//! The certificates that a program is told to trust: the system's, those it was told of already, and
//! ours.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Most bytes of a file of certificates.
const SIZE_MAX: u64 = 16 * 1024 * 1024;
/// Characters of a line of PEM (RFC 7468, 2).
const LINE: usize = 64;

/// Certificates, each once.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    seen: BTreeSet<Vec<u8>>,
    text: String,
}

impl Roots {
    /// The system's.
    pub(crate) fn of_system() -> Self {
        let mut roots = Self::default();
        let found = rustls_native_certs::load_native_certs();
        for certificate in &found.certs {
            roots.add(certificate);
        }
        roots
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Adds those of a file; what can't be read is passed over.
    pub(crate) fn add_file(&mut self, path: &OsStr) {
        let mut bytes = Vec::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(SIZE_MAX).read_to_end(&mut bytes).map(drop));
        if read.is_ok() {
            self.add_pem(&bytes);
        }
    }

    /// Adds those of a text.
    pub(crate) fn add_pem(&mut self, text: &[u8]) {
        for certificate in CertificateDer::pem_slice_iter(text).flatten() {
            self.add(&certificate);
        }
    }

    fn add(&mut self, certificate: &CertificateDer<'_>) {
        if self.seen.insert(certificate.to_vec()) {
            self.text += &pem("CERTIFICATE", certificate);
        }
    }

    /// All of them in PEM form.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Bytes in PEM form.
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = STANDARD.encode(der);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text += line;
        text.push('\n');
        rest = more;
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_there_once() {
        let one = pem("CERTIFICATE", &[7; 100]);
        let mut roots = Roots::default();
        assert!(roots.is_empty());
        roots.add_pem(format!("{one}# words\n{one}{}", pem("CERTIFICATE", b"x")).as_bytes());
        roots.add_pem(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
        roots.add_file(OsStr::new("/nowhere"));
        assert_eq!(roots.text().matches("BEGIN CERTIFICATE").count(), 2);
        assert!(roots.text().starts_with(&one) && !roots.text().contains("PRIVATE"));
        assert!(roots.text().lines().all(|line| line.len() <= LINE));
    }
}
