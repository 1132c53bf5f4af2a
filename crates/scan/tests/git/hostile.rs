//! Repositories that were made to break who reads them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use doorward_scan::{
    generate::Source,
    git::{HistoryOptions, open, scan_range, scan_staged},
};

use crate::repo::{Ears, Repo, Told, engine, key, path, scan};

/// Everything is asked of it; it is to end, and soon.
fn all_of(repo: &Path) -> Option<Told> {
    let begun = Instant::now();
    let told = open(repo).ok().map(|opened| {
        let ears = Ears::default();
        let _ = scan_staged(engine(), &opened, &ears);
        let _ = scan_range(engine(), &opened, "HEAD", &ears);
        let dangling = HistoryOptions {
            dangling: true,
            ..HistoryOptions::default()
        };
        scan(repo, &dangling)
    });
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "it took too long"
    );
    told
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    found.sort();
    found
}

fn writable(path: &Path) {
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[expect(
        clippy::permissions_set_readonly_false,
        reason = "a file of the test's own"
    )]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions).unwrap();
}

fn packed() -> Repo {
    let repo = Repo::new();
    let mut lines: Vec<String> = (0..300).map(|at| format!("line {at} of many")).collect();
    for at in 0..12u64 {
        lines[at as usize * 20] = format!("changed {at} {}", key(at));
        repo.write("a.txt", lines.join("\n"));
        repo.commit("Edit");
    }
    repo.git(&["tag", "-a", "-m", "a tag", "v1"]);
    repo.repack(50);
    repo
}

#[test]
fn bytes_that_rot_are_said_and_break_nothing() {
    let repo = packed();
    let pack = files(&repo.git_dir().join("objects/pack"), "pack").remove(0);
    let index = pack.with_extension("idx");
    for file in [pack, index, repo.git_dir().join("index")] {
        writable(&file);
        let whole = fs::read(&file).unwrap();
        let mut source = Source::new(whole.len() as u64);
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..1 + source.below(4) {
                let at = source.below(bytes.len());
                bytes[at] = source.number() as u8;
            }
            if source.below(5) == 0 {
                bytes.truncate(source.below(whole.len()));
            }
            fs::write(&file, &bytes).unwrap();
            all_of(repo.path());
        }
        fs::write(&file, &whole).unwrap();
    }
    let told = all_of(repo.path()).unwrap();
    assert_eq!(told.hits.len(), 12);
}

#[test]
fn a_pack_cut_off_is_said() {
    let repo = packed();
    let pack = files(&repo.git_dir().join("objects/pack"), "pack").remove(0);
    writable(&pack);
    let whole = fs::read(&pack).unwrap();
    fs::write(&pack, &whole[..whole.len() / 2]).unwrap();
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("broken"), "{:?}", told.skipped);
    fs::write(&pack, b"").unwrap();
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("cut off"), "{:?}", told.skipped);
    fs::remove_file(pack.with_extension("idx")).unwrap();
    fs::write(&pack, &whole).unwrap();
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("the pack has no index"), "{:?}", told.skipped);
}

/// A pack of our own making, of raw entries, with an index that says what it is told to.
struct Forged {
    pack: Vec<u8>,
    entries: Vec<([u8; 20], u32)>,
}

impl Forged {
    fn new(count: u32) -> Self {
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend(count.to_be_bytes());
        Self {
            pack,
            entries: Vec::new(),
        }
    }

    fn add(&mut self, id: u8, kind: u8, size: usize, base: &[u8], bytes: &[u8]) {
        self.entries.push(([id; 20], self.pack.len() as u32));
        let mut head = vec![kind << 4 | (size & 15) as u8];
        let mut left = size >> 4;
        while left > 0 {
            *head.last_mut().unwrap() |= 0x80;
            head.push((left & 0x7f) as u8);
            left >>= 7;
        }
        self.pack.extend(head);
        self.pack.extend(base);
        let mut deflate =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        deflate.write_all(bytes).unwrap();
        self.pack.extend(deflate.finish().unwrap());
    }

    fn write(mut self, repo: &Repo) {
        self.pack.extend([7; 20]);
        self.entries.sort();
        let mut index = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
        for byte in 0..=255u8 {
            let below = self.entries.iter().filter(|(id, _)| id[0] <= byte).count() as u32;
            index.extend(below.to_be_bytes());
        }
        for (id, _) in &self.entries {
            index.extend(id);
        }
        index.extend(vec![0; 4 * self.entries.len()]);
        for (_, offset) in &self.entries {
            index.extend(offset.to_be_bytes());
        }
        index.extend([7; 20]);
        index.extend([8; 20]);
        let folder = repo.git_dir().join("objects/pack");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("pack-forged.pack"), self.pack).unwrap();
        fs::write(folder.join("pack-forged.idx"), index).unwrap();
    }
}

#[test]
fn deltas_in_a_circle_end() {
    let repo = Repo::new();
    let mut pack = Forged::new(3);
    let delta = [4, 4, 0x90, 4];
    pack.add(0x11, 7, delta.len(), &[0x22; 20], &delta);
    pack.add(0x22, 7, delta.len(), &[0x11; 20], &delta);
    pack.add(0x33, 7, delta.len(), &[0x33; 20], &delta);
    pack.write(&repo);
    // Not by git, which would follow the circle without end.
    fs::write(
        repo.git_dir().join("refs/heads/main"),
        "11".repeat(20) + "\n",
    )
    .unwrap();
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("circle"), "{:?}", told.skipped);
}

#[test]
fn deltas_that_lie_are_said_and_what_is_whole_is_found() {
    let repo = Repo::new();
    let text = format!("a {} b", key(77));
    let size = text.len() as u8;
    let mut pack = Forged::new(7);
    pack.add(0x10, 3, text.len(), &[], text.as_bytes());
    let lies: [&[u8]; 6] = [
        // Copies from behind the base; makes too much, too little; has a base of another size.
        &[size, 9, 0x91, 250, 9],
        &[size, 3, 0x90, 9],
        &[size, 200, 1, 0x90, 9],
        &[1, 9, 0x90, 1],
        // Claims to become 2^62 bytes.
        &[
            size, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0x90, 1,
        ],
        &[],
    ];
    for (at, lie) in lies.iter().enumerate() {
        pack.add(0x40 + at as u8, 7, lie.len(), &[0x10; 20], lie);
    }
    pack.write(&repo);
    let told = all_of(repo.path()).unwrap();
    told.one(&key(77));
    let said = told
        .skipped
        .iter()
        .filter(|(what, _)| what.starts_with("object 4"));
    assert_eq!(said.count(), lies.len(), "{:?}", told.skipped);
}

#[test]
fn sizes_that_lie_take_no_memory() {
    let repo = Repo::new();
    let mut pack = Forged::new(3);
    pack.add(0x10, 3, 100 << 20, &[], b"short");
    pack.add(0x20, 3, 1 << 60, &[], b"short");
    pack.add(0x30, 3, 2, &[], b"longer than it says");
    pack.write(&repo);
    let told = all_of(repo.path()).unwrap();
    assert_eq!(told.skipped.len(), 3, "{:?}", told.skipped);
}

#[test]
fn a_delta_of_a_few_bytes_that_becomes_very_large_is_bounded() {
    let repo = Repo::new();
    let mut pack = Forged::new(60);
    let block = vec![b' '; 0xffff];
    pack.add(0x10, 3, block.len(), &[], &block);
    // Each ten times its base: the seventh would be over 600 GB.
    let mut size = block.len() as u64;
    for at in 0..59u8 {
        let times = if at < 7 { 10 } else { 1 };
        let mut delta = Vec::new();
        for mut left in [size, size * times] {
            while left > 0x7f {
                delta.push(left as u8 | 0x80);
                left >>= 7;
            }
            delta.push(left as u8);
        }
        let whole = 0xff_ffffu64.min(size);
        for _ in 0..times {
            delta.push(0xf0);
            delta.extend(&whole.to_le_bytes()[..3]);
        }
        let base = [0x10 + at; 20];
        pack.add(0x11 + at, 7, delta.len(), &base, &delta);
        size *= times;
    }
    pack.write(&repo);
    let told = all_of(repo.path()).unwrap();
    assert!(
        told.says("too large") || told.says("less than it says"),
        "{:?}",
        told.skipped
    );
}

#[test]
fn a_chain_of_many_thousand_deltas_is_walked() {
    let repo = Repo::new();
    let count = 12_000u32;
    let mut pack = Forged::new(count);
    let text = format!("{} and more", key(78));
    pack.add(0, 3, text.len(), &[], text.as_bytes());
    let mut last = 12u32;
    for at in 1..count {
        let here = pack.pack.len() as u32;
        let size = text.len() as u8;
        let delta = [size, size, 0x90, size];
        // Built on the one before, by its distance.
        let mut left = here - last;
        let mut distance = vec![(left & 0x7f) as u8];
        while left > 0x7f {
            left = (left >> 7) - 1;
            distance.insert(0, (left & 0x7f) as u8 | 0x80);
        }
        last = here;
        pack.add(0, 6, delta.len(), &distance, &delta);
        let entry = pack.entries.last_mut().unwrap();
        entry.0[16..].copy_from_slice(&at.to_be_bytes());
    }
    pack.write(&repo);
    let told = all_of(repo.path()).unwrap();
    assert!(!told.of(&key(78)).is_empty());
}

#[test]
fn a_tree_that_holds_itself_many_times_over_ends() {
    let repo = Repo::new();
    repo.write("a.txt", key(79));
    let blob = repo.git(&["hash-object", "-w", "a.txt"]);
    let mut lines: String = (0..10)
        .map(|at| format!("100644 blob {blob}\tf{at}\n"))
        .collect();
    let mut tree = String::new();
    for level in 0..10 {
        let input = repo.path().join(".git/tree");
        fs::write(&input, &lines).unwrap();
        let out = std::process::Command::new("git")
            .arg("-C")
            .arg(repo.path())
            .arg("mktree")
            .stdin(fs::File::open(&input).unwrap())
            .output()
            .unwrap();
        tree = String::from_utf8(out.stdout).unwrap().trim().to_owned();
        lines = (0..10)
            .map(|at| format!("040000 tree {tree}\td{level}{at}\n"))
            .collect();
    }
    let commit = repo.git(&["commit-tree", &tree, "-m", "A bomb"]);
    repo.git(&["update-ref", "refs/heads/main", &commit]);
    let begun = Instant::now();
    let told = repo.scan();
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(!told.of(&key(79)).is_empty());
    assert!(told.says("more paths"), "{:?}", told.skipped);
}

#[test]
fn folders_in_folders_without_end_are_said() {
    let repo = Repo::new();
    repo.write("a.txt", key(80));
    let blob = repo.git(&["hash-object", "-w", "a.txt"]);
    // Straight into loose objects: git would be asked 3,000 times.
    let mut id = write_tree(&repo, b"100644 a.txt\0", &blob);
    for _ in 0..3000 {
        id = write_tree(&repo, b"40000 d\0", &id);
    }
    let commit = repo.git(&["commit-tree", &id, "-m", "Deep"]);
    repo.git(&["update-ref", "refs/heads/main", &commit]);
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("deeper than are followed"), "{:?}", told.skipped);
    // It is found all the same, though not its path.
    assert!(!told.of(&key(80)).is_empty());
}

fn write_tree(repo: &Repo, head: &[u8], child: &str) -> String {
    let mut body = head.to_vec();
    let bytes = (0..20).map(|at| u8::from_str_radix(&child[at * 2..at * 2 + 2], 16).unwrap());
    body.extend(bytes);
    let mut object = format!("tree {}\0", body.len()).into_bytes();
    object.extend(body);
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &object);
    let id: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let file = repo.git_dir().join("objects").join(&id[..2]).join(&id[2..]);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(&object).unwrap();
    fs::write(file, deflate.finish().unwrap()).unwrap();
    id
}

#[test]
fn names_of_any_bytes_are_told_readably() {
    let repo = Repo::new();
    repo.write("a.txt", key(81));
    let blob = repo.git(&["hash-object", "-w", "a.txt"]);
    let tree = write_tree(&repo, b"100644 caf\xe9 \x1b[31m\0", &blob);
    let body = format!(
        "tree {tree}\nauthor \u{1}Z\n <<>> 99999999999999999999 +9999\ncommitter\nencoding x\n\n\n"
    );
    let file = repo.path().join(".git/commit");
    let mut bytes = body.into_bytes();
    bytes.extend(b"\xff\xfe not text");
    fs::write(&file, bytes).unwrap();
    let arguments = [
        "hash-object",
        "-w",
        "-t",
        "commit",
        "--literally",
        ".git/commit",
    ];
    let commit = repo.git(&arguments);
    fs::write(
        repo.git_dir().join("refs/heads/main"),
        format!("{commit}\n"),
    )
    .unwrap();
    let told = repo.scan();
    let found = told.one(&key(81));
    assert!(path(found).starts_with("caf\u{fffd}"), "{}", path(found));
    assert_eq!(found.introduced.as_ref().unwrap().commit, commit);
}

#[test]
fn objects_that_are_missing_are_said() {
    let repo = Repo::new();
    repo.write("a.txt", key(82));
    repo.commit("One");
    repo.write("a.txt", "two\n");
    repo.write("b/c.txt", key(83));
    repo.commit("Two");
    let tree = repo.git(&["rev-parse", "HEAD:b"]);
    let first = repo.git(&["rev-parse", "HEAD^"]);
    for gone in [tree, first] {
        let file = repo
            .git_dir()
            .join("objects")
            .join(&gone[..2])
            .join(&gone[2..]);
        fs::remove_file(file).unwrap();
    }
    let told = all_of(repo.path()).unwrap();
    assert!(told.says("parents that are not here"), "{:?}", told.skipped);
    told.one(&key(82));
    told.one(&key(83));
}

#[test]
fn alternates_in_a_circle_or_nowhere_are_said() {
    let repo = Repo::new();
    repo.write("a.txt", key(84));
    repo.commit("One");
    let info = repo.git_dir().join("objects/info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("alternates"), "/nowhere/at/all\n").unwrap();
    let told = all_of(repo.path()).unwrap();
    told.one(&key(84));
    assert!(told.says("/nowhere/at/all"), "{:?}", told.skipped);
    fs::write(info.join("alternates"), "../objects\n").unwrap();
    let error = open(repo.path()).err().unwrap().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn settings_of_a_repository_run_nothing() {
    let repo = Repo::new();
    repo.write("a.txt", "one\n");
    repo.commit("One");
    let mark = repo.path().join("ran");
    let command = format!("touch {}", mark.display());
    let hook = format!("!{command}");
    for (name, value) in [
        ("core.fsmonitor", &command),
        ("core.sshCommand", &command),
        ("core.pager", &command),
        ("alias.log", &hook),
        ("filter.x.clean", &command),
        ("filter.x.process", &command),
        ("diff.external", &command),
        ("core.hooksPath", &repo.path().display().to_string()),
    ] {
        repo.git(&["config", name, value]);
    }
    repo.write(".gitattributes", "* filter=x diff=x\n");
    fs::write(repo.git_dir().join("info/attributes"), "* filter=x\n").unwrap();
    all_of(repo.path()).unwrap();
    assert!(!mark.exists());
}
