//! Folders: what is looked at and what is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use doorward_scan::generate::{Source, fill};
use doorward_scan::tree::{Counters, Sink, TreeOptions, scan};
use doorward_scan::{Cut, Scanned};

use crate::engine;

#[derive(Default)]
struct Told(Mutex<BTreeMap<PathBuf, (usize, Vec<Cut>)>>);

impl Sink for Told {
    fn file(&self, path: &Path, scanned: Scanned) {
        let cuts = scanned.skipped.iter().map(|skipped| skipped.cut).collect();
        let told = (scanned.hits.len(), cuts);
        self.0
            .lock()
            .expect("no panic")
            .insert(path.to_owned(), told);
    }

    fn fault(&self, path: Option<&Path>, why: String) {
        panic!("{path:?}: {why}");
    }
}

fn told(root: &Path, options: &TreeOptions) -> (BTreeMap<String, usize>, Vec<(String, Cut)>) {
    let told = Told::default();
    let counters = Counters::default();
    scan(&engine(), &[root.to_owned()], options, &counters, &told).expect("options");
    let told = told.0.into_inner().expect("no panic");
    assert_eq!(counters.files(), told.len() as u64);
    let name = |path: &Path| {
        let path = path.strip_prefix(root).expect("below");
        path.to_string_lossy().into_owned()
    };
    let cuts = told
        .iter()
        .flat_map(|(path, (_, cuts))| cuts.iter().map(|cut| (name(path), *cut)))
        .collect();
    let hits = told
        .iter()
        .map(|(path, (hits, _))| (name(path), *hits))
        .collect();
    (hits, cuts)
}

fn write(root: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, bytes).expect("a file");
}

#[test]
fn ignore_files_hidden_files_and_excludes_are_heeded_as_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let key = fill("{upstream_key}", &mut Source::new(1));
    for name in [
        "a.txt",
        ".env",
        "dist/b.js",
        "src/c.rs",
        "src/d.min.js",
        ".git/config",
    ] {
        write(root, name, &key);
    }
    write(root, ".gitignore", "dist/\n.env\n");
    let all = |options: TreeOptions| -> Vec<String> {
        let (hits, _) = told(root, &options);
        hits.into_iter()
            .filter(|(_, hits)| *hits == 1)
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(
        all(TreeOptions::default()),
        ["a.txt", "src/c.rs", "src/d.min.js"]
    );
    let every = TreeOptions {
        respect_ignores: false,
        ..TreeOptions::default()
    };
    assert_eq!(
        all(every.clone()),
        [".env", "a.txt", "dist/b.js", "src/c.rs", "src/d.min.js"]
    );
    let shown = TreeOptions {
        hidden: false,
        ..every.clone()
    };
    assert_eq!(
        all(shown),
        ["a.txt", "dist/b.js", "src/c.rs", "src/d.min.js"]
    );
    let without = TreeOptions {
        excludes: vec!["*.min.js".into(), "dist/".into()],
        ..every
    };
    assert_eq!(all(without), [".env", "a.txt", "src/c.rs"]);
    let wrong = TreeOptions {
        excludes: vec!["a[".into()],
        ..TreeOptions::default()
    };
    let counters = Counters::default();
    let said = scan(
        &engine(),
        &[root.to_owned()],
        &wrong,
        &counters,
        &Told::default(),
    );
    assert!(said.is_err_and(|said| said.contains("a[")));
}

#[test]
fn a_single_file_is_looked_at_though_it_is_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), ".gitignore", "*\n");
    write(
        folder.path(),
        ".env",
        fill("{upstream_key}", &mut Source::new(1)),
    );
    let path = folder.path().join(".env");
    let found = Told::default();
    let counters = Counters::default();
    scan(
        &engine(),
        std::slice::from_ref(&path),
        &TreeOptions::default(),
        &counters,
        &found,
    )
    .expect("options");
    assert_eq!(found.0.into_inner().expect("no panic")[&path].0, 1);
}

#[cfg(unix)]
#[test]
fn links_pipes_and_large_files_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let key = fill("{upstream_key}", &mut Source::new(1));
    write(root, "a.txt", &key);
    std::os::unix::fs::symlink(root, root.join("again")).expect("a link");
    std::os::unix::fs::symlink("a.txt", root.join("b.txt")).expect("a link");
    let pipe = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), pipe, mode, 0).expect("a pipe");
    write(root, "large.txt", vec![b'x'; 3000]);
    let options = TreeOptions {
        max_file: 2000,
        ..TreeOptions::default()
    };
    let (hits, cuts) = told(root, &options);
    let looked: Vec<&str> = hits.keys().map(String::as_str).collect();
    assert_eq!(looked, ["a.txt", "large.txt"]);
    assert_eq!(cuts, [("large.txt".to_owned(), Cut::Size)]);
}
