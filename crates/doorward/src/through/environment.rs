//! What a command's environment says, so that it goes through the proxy and trusts the local
//! authority.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::ca::{Authority, Roots};
use crate::exit::Failure;
use crate::output::note;

/// Sends what Node itself would not through a proxy.
const PRELOAD: &str = include_str!("preload.cjs");

/// Variables by which programs are told of certificates to trust in place of the system's.
const BUNDLES: [&str; 5] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
];
/// The variable by which Node is told of certificates to trust beside its own.
const NODE_EXTRA: &str = "NODE_EXTRA_CA_CERTS";

/// Files that the command is pointed to. They last as long as this.
pub(crate) struct Surroundings {
    folder: TempDir,
}

impl Surroundings {
    /// Writes the files, for this user alone: certificates and a script, no secret.
    ///
    /// # Errors
    /// When they can't be written.
    pub(crate) fn prepare(authority: &Authority) -> Result<Self, Failure> {
        let mut bundle = Roots::of_system();
        if bundle.is_empty() {
            note("the system has no certificate authorities: the command trusts Instantly's alone");
        }
        for path in BUNDLES.iter().skip(1).filter_map(std::env::var_os) {
            bundle.add_file(&path);
        }
        let mut extra = Roots::default();
        if let Some(path) = std::env::var_os(NODE_EXTRA) {
            extra.add_file(&path);
        }
        for roots in [&mut bundle, &mut extra] {
            roots.add_pem(authority.certificate().as_bytes());
        }
        Self::write(bundle.text(), extra.text()).map_err(|error| {
            Failure::failed(format_args!("can't write the command's files: {error}"))
        })
    }

    fn write(bundle: &str, extra: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("doorward-run-").tempdir()?;
        let surroundings = Self { folder };
        fs::write(surroundings.bundle(), bundle)?;
        fs::write(surroundings.extra(), extra)?;
        fs::write(surroundings.preload(), PRELOAD)?;
        Ok(surroundings)
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle.pem")
    }

    fn extra(&self) -> PathBuf {
        self.folder.path().join("extra.pem")
    }

    fn preload(&self) -> PathBuf {
        self.folder.path().join("preload.cjs")
    }

    /// What the command's variables are to be; `None` takes one away. `NODE_OPTIONS` as it is now is kept.
    pub(crate) fn variables(
        &self,
        proxy: &str,
        node_options: Option<&OsStr>,
    ) -> Vec<(&'static str, Option<OsString>)> {
        let mut given: Vec<(&'static str, Option<OsString>)> = vec![
            ("NO_PROXY", None),
            ("no_proxy", None),
            ("HTTPS_PROXY", Some(proxy.into())),
            ("https_proxy", Some(proxy.into())),
            ("NODE_USE_ENV_PROXY", Some("1".into())),
            (NODE_EXTRA, Some(self.extra().into())),
        ];
        let bundle = self.bundle();
        given.extend(BUNDLES.map(|name| (name, Some(bundle.clone().into()))));
        let mut options = node_options.map(OsStr::to_owned).unwrap_or_default();
        if !options.is_empty() {
            options.push(" ");
        }
        options.push("--require ");
        options.push(quoted(&self.preload().to_string_lossy()));
        given.push(("NODE_OPTIONS", Some(options)));
        given
    }
}

/// As `NODE_OPTIONS` takes a value with spaces in it.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_pointed_to_proxy_and_certificates() {
        let files = Surroundings::write("bundle", "extra").unwrap();
        let given = files.variables(
            "http://run:x@127.0.0.1:1",
            Some(OsStr::new("--no-warnings")),
        );
        let of = |name: &str| {
            let found = given.iter().find(|(known, _)| *known == name).unwrap();
            found
                .1
                .as_ref()
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(
            of("HTTPS_PROXY").as_deref(),
            Some("http://run:x@127.0.0.1:1")
        );
        assert_eq!((of("NO_PROXY"), of("no_proxy")), (None, None));
        assert_eq!(
            fs::read_to_string(of("SSL_CERT_FILE").unwrap()).unwrap(),
            "bundle"
        );
        assert_eq!(
            fs::read_to_string(of(NODE_EXTRA).unwrap()).unwrap(),
            "extra"
        );
        let options = of("NODE_OPTIONS").unwrap();
        assert!(
            options.starts_with("--no-warnings --require \"/"),
            "{options}"
        );
        let path = files.folder.path().to_owned();
        drop(files);
        assert!(!path.exists());
    }
}
