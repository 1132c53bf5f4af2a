//! The authority's key and certificate: made once, kept for its owner alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use doorward_policy::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::output::note;
use crate::paths::{DataDir, write_private};

/// Where the Instantly API is.
pub(crate) const INSTANTLY_HOST: &str = "api.instantly.ai";

const DAY: i64 = 24 * 60 * 60;
/// How long the authority lasts.
const LASTS: i64 = 5 * 365 * DAY;
/// It is made anew so long before its end.
const RENEWED: i64 = 30 * DAY;
/// How long a server's certificate lasts.
pub(super) const LEAF_LASTS: i64 = DAY;
/// Clocks of other programs may be so far behind.
const CLOCKS: i64 = 60 * 60;
/// Most bytes of the file.
const SIZE_MAX: u64 = 64 * 1024;
const FILE: &str = "authority.json";

/// What is kept. No `Debug`: it holds the private key.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    name: String,
    hosts: BTreeSet<String>,
    not_before: i64,
    not_after: i64,
    certificate: String,
    key: Zeroizing<String>,
}

/// The authority.
pub(crate) struct Authority {
    kept: Kept,
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("name", &self.kept.name)
            .field("hosts", &self.kept.hosts)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// The data folder's authority, made when there is none, and made anew when it ends soon or may
    /// not speak for one of the hosts.
    ///
    /// # Errors
    /// When it can't be made or read, or others may read its key.
    pub(crate) fn open(
        data: &DataDir,
        hosts: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let now = now.millis().div_euclid(1_000);
        let folder = data.make_ca()?;
        let path = folder.join(FILE);
        let mut wanted = hosts.clone();
        wanted.insert(INSTANTLY_HOST.to_owned());
        let fail = |error: io::Error| {
            Failure::failed(format_args!("can't write {}: {error}", path.display()))
        };
        let kept = match read(&path)? {
            Some(kept) if wanted.is_subset(&kept.hosts) && kept.not_after - now > RENEWED => kept,
            Some(old) => {
                wanted.extend(old.hosts);
                let kept = make(&wanted, now)?;
                write_private(&path, &serialized(&kept)?).map_err(fail)?;
                note(
                    "the local certificate authority was made anew, since it ended or there is a \
                     new host to speak for; where it was installed, install it again (`doorward ca \
                     export`)",
                );
                kept
            }
            None => {
                let kept = make(&wanted, now)?;
                if write_new(&path, &serialized(&kept)?).map_err(fail)? {
                    kept
                } else {
                    // Another process was faster.
                    read(&path)?.ok_or_else(|| fail(io::ErrorKind::NotFound.into()))?
                }
            }
        };
        let public = folder.join("ca.pem");
        if fs::read(&public).ok().as_deref() != Some(kept.certificate.as_bytes()) {
            write_private(&public, kept.certificate.as_bytes()).map_err(fail)?;
        }
        let key = KeyPair::from_pem(&kept.key).map_err(|_| unusable(&path))?;
        let issuer = Issuer::new(params(&kept)?, key);
        Ok(Self {
            kept,
            issuer,
            folder,
        })
    }

    /// Its certificate in PEM form.
    pub(crate) fn certificate(&self) -> &str {
        &self.kept.certificate
    }

    /// The file that its certificate is in.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.kept.name
    }

    /// What it may speak for.
    pub(crate) fn hosts(&self) -> &BTreeSet<String> {
        &self.kept.hosts
    }

    /// When it ends.
    pub(crate) fn not_after(&self) -> Timestamp {
        Timestamp::from_seconds(self.kept.not_after)
    }

    /// A certificate for a host that begins now, in seconds since 1970, and its key.
    ///
    /// # Errors
    /// When the host is no name that it may speak for.
    pub(super) fn leaf(
        &self,
        host: &str,
        now: i64,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), Failure> {
        if !self.kept.hosts.contains(host) {
            return Err(Failure::failed(format_args!(
                "the local authority does not speak for {host}"
            )));
        }
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(Failure::failed)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, host);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_before = time(now - CLOCKS)?;
        params.not_after = time(now + LEAF_LASTS)?;
        let key = KeyPair::generate().map_err(Failure::failed)?;
        let leaf = params
            .signed_by(&key, &self.issuer)
            .map_err(Failure::failed)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Ok((leaf.der().clone(), key.into()))
    }
}

fn unusable(path: &Path) -> Failure {
    Failure::failed(format_args!(
        "{} holds no certificate authority; take it away, and a new one is made",
        path.display()
    ))
}

fn read(path: &Path) -> Result<Option<Kept>, Failure> {
    use std::io::Read;
    let fail =
        |error: io::Error| Failure::failed(format_args!("can't read {}: {error}", path.display()));
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let mode = file.metadata().map_err(fail)?.mode();
    if mode & 0o077 != 0 {
        return Err(Failure::usage(format_args!(
            "others may read the authority's key in {} (mode {:04o}); if nobody did, run `chmod \
             600 {}`, else take it away, and a new one is made",
            path.display(),
            mode & 0o7777,
            path.display()
        )));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SIZE_MAX)
        .read_to_string(&mut text)
        .map_err(fail)?;
    // The error would quote what it stumbled over.
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| unusable(path))
}

fn serialized(kept: &Kept) -> Result<Zeroizing<Vec<u8>>, Failure> {
    serde_json::to_vec(kept)
        .map(Zeroizing::new)
        .map_err(Failure::failed)
}

/// Writes a file if there is none; whether it did.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".doorward-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

fn make(hosts: &BTreeSet<String>, now: i64) -> Result<Kept, Failure> {
    let random = crate::secret::random::<4>()?;
    let suffix: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = KeyPair::generate().map_err(Failure::failed)?;
    let mut kept = Kept {
        name: format!("Doorward local authority {suffix}"),
        hosts: hosts.clone(),
        not_before: now - CLOCKS,
        not_after: now + LASTS,
        certificate: String::new(),
        key: Zeroizing::new(key.serialize_pem()),
    };
    let certificate = params(&kept)?.self_signed(&key).map_err(Failure::failed)?;
    kept.certificate = certificate.pem();
    Ok(kept)
}

/// The authority's certificate, less its key. The same for the same kept values, since what it signs
/// refers to it by these.
fn params(kept: &Kept) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, kept.name.as_str());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let permitted = kept.hosts.iter().cloned().map(GeneralSubtree::DnsName);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted.collect(),
        // What is not named at all would be allowed.
        excluded_subtrees: vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ],
    });
    params.not_before = time(kept.not_before)?;
    params.not_after = time(kept.not_after)?;
    Ok(params)
}

fn time(seconds: i64) -> Result<OffsetDateTime, Failure> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(Failure::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn folder() -> (tempfile::TempDir, DataDir) {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(&dir.path().join("data")).unwrap();
        (dir, data)
    }

    #[test]
    fn it_is_made_once_and_for_its_owner_alone() {
        let (_dir, data) = folder();
        let none = BTreeSet::new();
        let first = Authority::open(&data, &none, NOW).unwrap();
        let again = Authority::open(&data, &none, NOW).unwrap();
        assert_eq!(first.certificate(), again.certificate());
        let key = data.path().join("ca").join(FILE);
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_to_string(first.path()).unwrap(),
            first.certificate()
        );
        assert!(!format!("{first:?}").contains("PRIVATE"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Authority::open(&data, &none, NOW).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn it_is_made_anew_for_a_new_host_and_before_its_end() {
        let (_dir, data) = folder();
        let none = BTreeSet::new();
        let first = Authority::open(&data, &none, NOW).unwrap();
        let other = BTreeSet::from(["api.example.org".to_owned()]);
        let wider = Authority::open(&data, &other, NOW).unwrap();
        assert_ne!(first.certificate(), wider.certificate());
        let same = Authority::open(&data, &none, NOW).unwrap();
        assert_eq!(same.certificate(), wider.certificate());
        assert_eq!(same.hosts().len(), 2);
        let late = Timestamp::from_seconds(NOW.millis() / 1_000 + LASTS - RENEWED);
        let renewed = Authority::open(&data, &none, late).unwrap();
        assert_ne!(renewed.certificate(), wider.certificate());
    }

    #[test]
    fn it_speaks_for_its_hosts_alone() {
        let (_dir, data) = folder();
        let authority = Authority::open(&data, &BTreeSet::new(), NOW).unwrap();
        assert!(authority.leaf(INSTANTLY_HOST, 1_800_000_000).is_ok());
        assert!(authority.leaf("example.org", 1_800_000_000).is_err());
    }

    #[test]
    fn what_is_no_authority_is_not_quoted() {
        let (_dir, data) = folder();
        let path = data.make_ca().unwrap().join(FILE);
        write_private(&path, b"{\"key\":\"canary").unwrap();
        let told = Authority::open(&data, &BTreeSet::new(), NOW)
            .unwrap_err()
            .to_string();
        assert!(!told.contains("canary"), "{told}");
    }
}
