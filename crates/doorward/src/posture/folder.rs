//! The folder of a project: its configuration files, and the repository that it is in.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use doorward_catalog::{Environment, UpstreamKeyFormat};
use doorward_keys::ClientKey;
use doorward_posture::here::{FileFacts, Folder, PlainSecret};
use doorward_posture::live::{Cause, Seen};

use super::fingerprint::Fingerprints;
use super::repository::repository;
use crate::output::clean;

/// How deep folders are looked into, and most entries and files that are.
const DEPTH: usize = 4;
const ENTRIES_MAX: usize = 20_000;
const FILES_MAX: usize = 1_000;
/// Most bytes of a file.
const SIZE_MAX: u64 = 1024 * 1024;
/// Everybody may read.
const BY_ALL: u32 = 0o004;
/// Folders of others' files.
const OTHERS: [&str; 7] = [
    ".git",
    ".venv",
    "node_modules",
    "target",
    "vendor",
    "venv",
    "__pycache__",
];
const ENDINGS: [&str; 9] = [
    "cfg",
    "conf",
    "env",
    "ini",
    "json",
    "properties",
    "toml",
    "yaml",
    "yml",
];

/// Looks at a folder; not at the data folder, where Doorward's own secrets are.
pub(crate) fn look_at(path: &Path, data: &Path, fingerprints: &Fingerprints) -> Seen<Folder> {
    let root = match fs::canonicalize(path) {
        Ok(root) if root.is_dir() => root,
        Ok(_) => return Seen::not(Cause::Failed, format!("{} is no folder", path.display())),
        Err(error) => {
            let told = format!("{} can't be read: {error}", path.display());
            return Seen::not(Cause::Failed, told);
        }
    };
    let mut walk = Walk {
        data: fs::canonicalize(data).ok(),
        root: &root,
        fingerprints,
        entries: 0,
        folder: Folder {
            path: clean(&root.display().to_string()),
            ..Folder::default()
        },
    };
    walk.descend(&root, 0);
    let mut folder = walk.folder;
    folder.files.sort_by(|a, b| a.path.cmp(&b.path));
    folder.repository = repository(&root);
    folder.into()
}

struct Walk<'a> {
    root: &'a Path,
    data: Option<PathBuf>,
    fingerprints: &'a Fingerprints,
    entries: usize,
    folder: Folder,
}

impl Walk<'_> {
    fn descend(&mut self, path: &Path, depth: usize) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.cut(&format!("{} can't be read: {error}", path.display())),
        };
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > ENTRIES_MAX || self.folder.files.len() >= FILES_MAX {
                return self.cut("there is more in it than is looked at");
            }
            let (path, name) = (entry.path(), entry.file_name());
            let (Ok(kind), Some(name)) = (entry.file_type(), name.to_str()) else {
                continue;
            };
            // Links lead to what is elsewhere.
            if kind.is_dir() {
                let own = self.data.as_deref() == Some(path.as_path());
                if depth < DEPTH && !own && !OTHERS.contains(&name) {
                    self.descend(&path, depth + 1);
                }
            } else if kind.is_file() && is_configuration(name) {
                self.file(&path, name);
            }
        }
    }

    fn cut(&mut self, why: &str) {
        self.folder.cut_short.get_or_insert_with(|| clean(why));
    }

    fn file(&mut self, path: &Path, name: &str) {
        let shown = path.strip_prefix(self.root).unwrap_or(path);
        let shown = clean(&shown.display().to_string());
        let read = || -> std::io::Result<(u32, Vec<u8>)> {
            let file = File::open(path)?;
            let mode = file.metadata()?.permissions().mode();
            let mut bytes = Vec::new();
            file.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
            Ok((mode, bytes))
        };
        let (mode, bytes) = match read() {
            Ok(read) => read,
            Err(error) => return self.cut(&format!("{shown} can't be read: {error}")),
        };
        if bytes.len() as u64 > SIZE_MAX {
            return self.cut(&format!("{shown} is larger than 1 MiB"));
        }
        let text = zeroize::Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
        drop(zeroize::Zeroizing::new(bytes));
        self.folder.files.push(FileFacts {
            is_env: is_env(name),
            read_by_all: mode & BY_ALL != 0,
            environment: environment(&shown),
            secrets: secrets(&text, self.fingerprints),
            path: shown,
        });
    }
}

/// Whether a name is of an `.env` file.
pub(super) fn is_env(name: &str) -> bool {
    name == ".env" || name.starts_with(".env.")
}

fn is_configuration(name: &str) -> bool {
    is_env(name)
        || name
            .rsplit_once('.')
            .is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The environment that a path names.
fn environment(path: &str) -> Option<Environment> {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let mut named = words.filter_map(|word| match word.to_ascii_lowercase().as_str() {
        "dev" | "development" | "local" | "test" | "testing" => Some(Environment::Development),
        "staging" | "stage" | "preview" => Some(Environment::Staging),
        "prod" | "production" | "live" => Some(Environment::Production),
        _ => None,
    });
    named.next_back()
}

/// The keys in a text, each with its line.
fn secrets(text: &str, fingerprints: &Fingerprints) -> Vec<PlainSecret> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let word = |c: char| !(c.is_ascii_alphanumeric() || "+/_".contains(c));
        for token in line.split(word).filter(|token| token.len() >= 56) {
            let (kind, environment) = if UpstreamKeyFormat::matches(token) {
                ("an upstream key", None)
            } else if let Ok(key) = ClientKey::parse(token) {
                ("a client key", Some(key.environment()))
            } else {
                continue;
            };
            found.push(PlainSecret {
                kind: kind.to_owned(),
                line: number,
                fingerprint: fingerprints.of(token),
                environment,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        UpstreamKeyFormat::compose("019b76da-a800-7e55-b2fb-eea293f80bc9", "abcDEF123456")
    }

    fn put(root: &Path, path: &str, text: &str, mode: u32) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn configuration_files_are_looked_at_and_others_are_not() {
        let root = tempfile::tempdir().unwrap();
        let print = Fingerprints::new().unwrap();
        let client = ClientKey::generate(Environment::Production, &[7; ClientKey::RANDOM_LEN]);
        let plain = format!("# mine\nkey: '{}'\n", key());
        put(root.path(), "app/settings.yaml", &plain, 0o644);
        put(
            root.path(),
            ".env.development",
            &format!("A={}\n", client.expose()),
            0o600,
        );
        put(root.path(), "doorward.toml", "pepper = \"file:x\"\n", 0o644);
        put(root.path(), "node_modules/x/config.json", &key(), 0o644);
        put(root.path(), "data/ledger.toml", &key(), 0o644);
        put(root.path(), "notes.txt", &key(), 0o644);
        let data = root.path().join("data");
        let seen = look_at(root.path(), &data, &print);
        let folder = seen.looked().unwrap();
        let paths: Vec<&str> = folder.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            [".env.development", "app/settings.yaml", "doorward.toml"]
        );
        let env = &folder.files[0];
        assert!(env.is_env && !env.read_by_all);
        assert_eq!(env.environment, Some(Environment::Development));
        assert_eq!(env.secrets[0].environment, Some(Environment::Production));
        let settings = &folder.files[1];
        assert!(settings.read_by_all && !settings.is_env);
        assert_eq!((settings.secrets.len(), settings.secrets[0].line), (1, 2));
        assert_eq!(
            settings.secrets[0].fingerprint,
            print.of(key().trim_end_matches('='))
        );
        assert!(folder.files[2].secrets.is_empty());
        assert_eq!(folder.repository, None.into());
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let print = Fingerprints::new().unwrap();
        let none = Path::new("/no/such/folder");
        assert!(look_at(none, none, &print).looked().is_none());
    }
}
