//! Witnesses that really hold each checkpoint against what they saw before, by their own reading of
//! the specifications and none of the ledger's code.

#![cfg(test)]

mod doubles;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_audit::{
    Audit, AuditOptions, COSIGNED_PATH, Filter, Refusal, Witness, WitnessOptions, WitnessWatch,
    Witnesses, find,
};
use doorward_ledger::log::{FileAnchor, Log, LogOptions};
use doorward_ledger::segment::Disk;
use doorward_ledger::{Checkpoint, KeyName, LeafBytes, LocalSigner, Signer, VerifierKey};
use doorward_store::{SqliteStore, Store};
use doubles::{Asked, Told, serve};
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

const ORIGIN: &str = "ledger.example/witnessed";

/// A witness: RFC 9162, section 2.1.4.2, and C2SP tlog-witness.
struct Double {
    name: String,
    key: Ed25519KeyPair,
    log: [u8; 32],
    seen: Mutex<Option<(u64, Vec<u8>)>>,
    asked: AtomicU64,
    down: AtomicBool,
    /// Signs something else.
    lies: AtomicBool,
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

fn consistent(old: u64, root: &[u8], size: u64, new: &[u8], path: &[Vec<u8>]) -> bool {
    let node = |left: &[u8], right: &[u8]| sha256(&[&[1], left, right]);
    let mut path = path.to_vec();
    if old.is_power_of_two() {
        path.insert(0, root.to_vec());
    }
    let (mut fnode, mut snode) = (old - 1, size - 1);
    while fnode & 1 == 1 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    let Some(first) = path.first() else {
        return false;
    };
    let (mut fr, mut sr) = (first.clone(), first.clone());
    for hash in &path[1..] {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            fr = node(hash, &fr);
            sr = node(hash, &sr);
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            sr = node(&sr, hash);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    fr == root && sr == new && snode == 0
}

impl Double {
    fn start(name: &str, seed: u8, log: &VerifierKey) -> (Arc<Self>, SocketAddr) {
        let double = Arc::new(Self {
            name: name.to_owned(),
            key: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap(),
            log: *log.public_key(),
            seen: Mutex::default(),
            asked: AtomicU64::new(0),
            down: AtomicBool::new(false),
            lies: AtomicBool::new(false),
        });
        let serving = Arc::clone(&double);
        let address = serve(move |asked| serving.answer(&asked));
        (double, address)
    }

    fn id(&self) -> Vec<u8> {
        let public = self.key.public_key().as_ref();
        sha256(&[self.name.as_bytes(), b"\n\x04", public])[..4].to_vec()
    }

    fn verifier(&self) -> String {
        let public = self.key.public_key().as_ref();
        let id: String = self.id().iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "{}+{id}+{}",
            self.name,
            STANDARD.encode([b"\x04", public].concat())
        )
    }

    fn answer(&self, asked: &Asked) -> Told {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return (503, Vec::new());
        }
        assert_eq!(
            (&*asked.method, &*asked.path),
            ("POST", "/w/add-checkpoint")
        );
        assert!(asked.head.contains("\r\nhost: 127.0.0.1:"));
        let body = String::from_utf8(asked.body.clone()).unwrap();
        let (proof, note) = body.split_once("\n\n").unwrap();
        let mut lines = proof.split('\n');
        let old: u64 = lines
            .next()
            .unwrap()
            .strip_prefix("old ")
            .unwrap()
            .parse()
            .unwrap();
        let path: Vec<Vec<u8>> = lines.map(|line| STANDARD.decode(line).unwrap()).collect();
        let (text, signatures) = note.split_once("\n\n").unwrap();
        let text = format!("{text}\n");
        let head: Vec<&str> = text.split('\n').collect();
        if head[0] != ORIGIN {
            return (404, Vec::new());
        }
        let size: u64 = head[1].parse().unwrap();
        let root = STANDARD.decode(head[2]).unwrap();
        let trusted = signatures.lines().any(|line| {
            let bytes = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
            UnparsedPublicKey::new(&ED25519, self.log)
                .verify(text.as_bytes(), &bytes[4..])
                .is_ok()
        });
        if !trusted {
            return (403, Vec::new());
        }
        if old > size {
            return (400, Vec::new());
        }
        let mut seen = self.seen.lock().unwrap();
        let known = seen.as_ref().map_or(0, |seen| seen.0);
        if old != known {
            return (409, format!("{known}\n").into_bytes());
        }
        if let Some((known, before)) = &*seen {
            if *known == size && *before != root {
                return (409, format!("{known}\n").into_bytes());
            }
            if *known < size && !consistent(*known, before, size, &root, &path) {
                return (422, Vec::new());
            }
        }
        *seen = Some((size, root));
        let time: u64 = 1_800_000_000 + self.asked.load(Ordering::SeqCst);
        let lie = if self.lies.load(Ordering::SeqCst) {
            "x"
        } else {
            ""
        };
        let message = format!("cosignature/v1\ntime {time}\n{text}{lie}");
        let mut line = self.id();
        line.extend(time.to_be_bytes());
        line.extend(self.key.sign(message.as_bytes()).as_ref());
        let line = format!("\u{2014} {} {}\n", self.name, STANDARD.encode(line));
        (200, line.into_bytes())
    }
}

/// What was told.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl WitnessWatch for Heard {
    fn refused(&self, witness: &KeyName, refusal: &Refusal) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{witness} {}", refusal.code()));
    }

    fn mended(&self, witness: &KeyName) {
        self.0.lock().unwrap().push(format!("{witness} mended"));
    }
}

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn signer() -> LocalSigner {
    LocalSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[9; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().verifier_key().clone()
}

/// Appends leaves that say `what` and signs; how many leaves there are.
fn grow(folder: &Path, leaves: u64, what: &str) -> u64 {
    let anchor = FileAnchor::new(Arc::new(Disk::new(folder.join("anchor")).unwrap()));
    let mut options = LogOptions::new(ORIGIN, Arc::new(signer()), Arc::new(anchor));
    options.tuning.background = false;
    let disk = Arc::new(Disk::new(folder.to_owned()).unwrap());
    let (log, _) = Log::open(disk, options).unwrap();
    for number in 0..leaves {
        let leaf = format!(r#"{{"at":"","kind":"{what}","n":{number},"v":1}}"#);
        let leaf = LeafBytes::from_canonical(leaf.into_bytes()).unwrap();
        log.append(&leaf).unwrap().wait().unwrap();
    }
    log.close().unwrap();
    log.status().signed
}

fn open(folder: &Path, peers: &[(&Arc<Double>, SocketAddr)], told: &Arc<Heard>) -> Witnesses {
    let peers = peers.iter().map(|(double, address)| {
        Witness::new(&format!("http://{address}/w"), &double.verifier()).unwrap()
    });
    let options = WitnessOptions {
        within: Duration::from_millis(1500),
        ..WitnessOptions::default()
    };
    let watch = Arc::clone(told) as Arc<dyn WitnessWatch>;
    Witnesses::open(folder, &[key()], peers.collect(), watch, options).unwrap()
}

/// Size, and the names of those who cosigned, of the cosigned checkpoint that is kept.
fn kept(folder: &Path, doubles: &[&Arc<Double>]) -> (u64, Vec<String>) {
    let bytes = fs::read(folder.join(COSIGNED_PATH)).unwrap();
    let mut keys = vec![key()];
    keys.extend(
        doubles
            .iter()
            .map(|double| double.verifier().parse().unwrap()),
    );
    let opened = Checkpoint::open(&bytes, &keys).unwrap();
    let names = opened.cosigned_by.iter().map(|by| by.witness.to_string());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    (opened.checkpoint.size(), names)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let at = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &at);
        } else {
            fs::copy(entry.path(), at).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn witnesses_follow_the_ledger_and_go_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (one, at_one) = Double::start("w.example/one", 1, &key());
    let (two, at_two) = Double::start("w.example/two", 2, &key());
    let told = Arc::new(Heard::default());
    let peers = [(&one, at_one), (&two, at_two)];

    let mut size = grow(folder, 5, "a");
    let witnesses = open(folder, &peers, &told);
    assert_eq!(witnesses.round().await.unwrap(), 2);
    let names = vec!["w.example/one".to_owned(), "w.example/two".to_owned()];
    assert_eq!(kept(folder, &[&one, &two]), (5, names.clone()));
    // Nothing is new: nobody is asked.
    assert_eq!(witnesses.round().await.unwrap(), 0);
    assert_eq!(one.asked.load(Ordering::SeqCst), 1);

    for more in [1, 300, 700] {
        size = grow(folder, more, "a");
        assert_eq!(witnesses.round().await.unwrap(), 2);
    }
    assert_eq!(kept(folder, &[&one, &two]), (size, names.clone()));
    let status = witnesses.status();
    assert!(
        status
            .iter()
            .all(|one| one.cosigned == Some(size) && one.lag == 0)
    );
    assert!(
        status
            .iter()
            .all(|one| one.cosignatures == 4 && one.failures == 0)
    );

    // After a restart it goes on from what is kept: no witness has to correct it.
    size = grow(folder, 3, "a");
    let witnesses = open(folder, &peers, &told);
    assert_eq!(witnesses.round().await.unwrap(), 2);
    assert_eq!(one.asked.load(Ordering::SeqCst), 5);

    // Without it, the witnesses tell.
    fs::remove_dir_all(folder.join("witness")).unwrap();
    let witnesses = open(folder, &peers, &told);
    assert_eq!(witnesses.round().await.unwrap(), 2);
    assert_eq!(one.asked.load(Ordering::SeqCst), 7);
    assert_eq!(kept(folder, &[&one, &two]), (size, names));
    assert_eq!(told.all(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_turned_back_is_found_whatever_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (now, old) = (folder.path().join("now"), folder.path().join("old"));
    let (one, at) = Double::start("w.example/one", 1, &key());
    let peers = [(&one, at)];
    let told = Arc::new(Heard::default());
    grow(&now, 5, "a");
    copy(&now, &old);
    grow(&now, 4, "a");
    assert_eq!(open(&now, &peers, &told).round().await.unwrap(), 1);

    // The whole folder from before: the witness tells.
    let back = open(&old, &peers, &told);
    assert_eq!(back.round().await.unwrap(), 0);
    assert_eq!(told.all(), ["w.example/one turned_back"]);
    let status = &back.status()[0];
    assert_eq!(
        status.refusal,
        Some(Refusal::TurnedBack { seen: 9, have: 5 })
    );
    assert!(!old.join(COSIGNED_PATH).exists());
    // It is told once, not each round.
    assert_eq!(back.round().await.unwrap(), 0);
    assert_eq!(told.all().len(), 1);

    // Grown past it with other leaves: the proof is sound and leads elsewhere.
    grow(&old, 8, "b");
    assert_eq!(open(&old, &peers, &told).round().await.unwrap(), 0);
    assert_eq!(told.all()[1..], ["w.example/one split_view"]);

    // With what was cosigned at hand, nobody has to be asked.
    copy(&now.join("witness"), &old.join("witness"));
    let asked = one.asked.load(Ordering::SeqCst);
    assert_eq!(open(&old, &peers, &told).round().await.unwrap(), 0);
    assert_eq!(told.all()[2..], ["w.example/one other_history"]);
    let tail = folder.path().join("tail");
    grow(&tail, 2, "a");
    copy(&now.join("witness"), &tail.join("witness"));
    assert_eq!(open(&tail, &peers, &told).round().await.unwrap(), 0);
    assert_eq!(told.all()[3..], ["w.example/one turned_back"]);
    assert_eq!(one.asked.load(Ordering::SeqCst), asked);
    // What it vouched for stays.
    assert_eq!(kept(&tail, &[&one]).0, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_cosignature_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (one, at) = Double::start("w.example/one", 1, &key());
    one.lies.store(true, Ordering::SeqCst);
    grow(folder.path(), 3, "a");
    let told = Arc::new(Heard::default());
    let witnesses = open(folder.path(), &[(&one, at)], &told);
    assert_eq!(witnesses.round().await.unwrap(), 0);
    assert_eq!(told.all(), ["w.example/one not_cosigned"]);
    assert!(!folder.path().join(COSIGNED_PATH).exists());

    // A ledger that the witness does not know, and a key that it does not.
    let told = Arc::new(Heard::default());
    let (other, at) = Double::start("w.example/two", 2, &key());
    let stranger = LocalSigner::from_seed(KeyName::new(ORIGIN).unwrap(), &[3; 32]).unwrap();
    let (third, at_third) = Double::start("w.example/three", 3, stranger.verifier_key());
    *other.seen.lock().unwrap() = Some((3, vec![0; 32]));
    let witnesses = open(folder.path(), &[(&other, at), (&third, at_third)], &told);
    assert_eq!(witnesses.round().await.unwrap(), 0);
    let mut all = told.all();
    all.sort_unstable();
    assert_eq!(
        all,
        ["w.example/three unknown_key", "w.example/two split_view"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_away_holds_nobody_up_and_no_line_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (one, at_one) = Double::start("w.example/one", 1, &key());
    let (two, at_two) = Double::start("w.example/two", 2, &key());
    let (three, _) = Double::start("w.example/three", 3, &key());
    let (four, _) = Double::start("w.example/four", 4, &key());
    let hangs = serve(|_| {
        std::thread::sleep(Duration::from_secs(60));
        (200, Vec::new())
    });
    let floods = serve(|_| (200, vec![b'x'; 1 << 20]));
    let told = Arc::new(Heard::default());
    let peers = [
        (&one, at_one),
        (&two, at_two),
        (&three, hangs),
        (&four, floods),
    ];

    let size = grow(folder, 3, "a");
    two.down.store(true, Ordering::SeqCst);
    let began = Instant::now();
    assert_eq!(open(folder, &peers, &told).round().await.unwrap(), 1);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(
        kept(folder, &[&one, &two]),
        (size, vec!["w.example/one".into()])
    );

    // The same checkpoint, cosigned by the other: both lines are kept.
    two.down.store(false, Ordering::SeqCst);
    one.down.store(true, Ordering::SeqCst);
    let witnesses = open(folder, &peers[..2], &told);
    assert_eq!(witnesses.round().await.unwrap(), 1);
    let both = vec!["w.example/one".to_owned(), "w.example/two".to_owned()];
    assert_eq!(kept(folder, &[&one, &two]), (size, both));
    // To be away is no refusal.
    assert_eq!(told.all(), Vec::<String>::new());
    let status = witnesses.status();
    assert!(status[0].trouble.as_deref().unwrap().contains("503"));

    // A kept file that was changed is passed over, and the witness asked.
    one.down.store(false, Ordering::SeqCst);
    for entry in fs::read_dir(folder.join("witness")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 6;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(open(folder, &peers[..2], &told).round().await.unwrap(), 2);
    assert_eq!(kept(folder, &[&one, &two]).1.len(), 2);
}

#[test]
fn a_refusal_is_a_finding_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("doorward.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&database).unwrap());
    let key = "an audit key of thirty-two bytes and more";
    let ledger = folder.path().join("ledger");
    let options = AuditOptions::new(ledger, Arc::new(signer()), key.into(), store);
    let (audit, _) = Audit::open(options).unwrap();
    let name = KeyName::new("w.example/one").unwrap();
    audit.refused(&name, &Refusal::SplitView { size: 7 });
    audit.mended(&name);
    audit.flush();
    let found = find(&audit.reader(), &Filter::default(), 0, 100, 100).unwrap();
    let texts: Vec<String> = found
        .records
        .iter()
        .map(|record| String::from_utf8(record.leaf.clone()).unwrap())
        .filter(|leaf| leaf.contains(r#""check":"ledger.witness""#))
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(texts[0].contains(r#""reason":"split_view""#) && texts[0].contains("critical"));
    assert!(texts[0].contains("w.example/one") && texts[0].contains(r#""state":"open""#));
    assert!(texts[1].contains(r#""state":"mended""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_runs_in_the_background_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (one, at) = Double::start("w.example/one", 1, &key());
    grow(folder.path(), 3, "a");
    let witnesses = open(folder.path(), &[(&one, at)], &Arc::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(witnesses.clone().run(async {
        let _ = stopped.await;
    }));
    let deadline = Instant::now() + Duration::from_secs(20);
    while witnesses.status()[0].cosigned != Some(3) {
        assert!(Instant::now() < deadline, "it never cosigned");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stop);
    running.await.unwrap();
}
