use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::clock::Clock;
use crate::provider::{Expect, Provider, Readers, Seen, Version};
use crate::reference::Scheme;
use crate::secrets::Secrets;
use crate::settings::Settings;

mod held;

/// A clock that is moved by hand.
#[derive(Default)]
struct Hand(AtomicU64);

impl Hand {
    fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

type Answer = Box<dyn Fn(usize) -> Result<Found> + Send + Sync>;

/// A provider that counts its readings and answers as the test says.
struct Fake {
    reads: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
}

impl Provider for Fake {
    fn describe(&self) -> &'static str {
        "a fake"
    }

    fn read(&self, _: &SecretRef) -> Result<Found> {
        let nth = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        (self.answer.lock().unwrap())(nth)
    }

    fn write(&self, _: &SecretRef, _: &SecretString, _: &Expect) -> Result<Version> {
        Ok(Version::new("written"))
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        Ok(Seen {
            place: reference.to_string(),
            changed_at: None,
            version: None,
            readers: Readers::Process,
            writable: true,
            warning: None,
        })
    }
}

struct Rig {
    secrets: Secrets,
    clock: Arc<Hand>,
    reads: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
    told: mpsc::Receiver<String>,
    reference: SecretRef,
}

fn value(text: &str) -> Result<Found> {
    Ok(Found::only(text.into()))
}

fn reference() -> SecretRef {
    "exec://fake".parse().unwrap()
}

fn trouble() -> Result<Found> {
    Err(Error::trouble(&reference(), "the service is away"))
}

fn missing() -> Result<Found> {
    Err(Error::missing(&reference()))
}

fn rig(settings: Settings) -> Rig {
    let (clock, reads) = (Arc::new(Hand::default()), Arc::new(AtomicUsize::new(0)));
    let answer: Answer = Box::new(|nth| value(&format!("v{nth}")));
    let answer = Arc::new(Mutex::new(answer));
    let (tell, told) = mpsc::channel();
    let secrets = Secrets::timed(settings)
        .with(
            Scheme::Exec,
            Fake {
                reads: Arc::clone(&reads),
                answer: Arc::clone(&answer),
            },
        )
        .by(Arc::clone(&clock) as Arc<dyn Clock>)
        .troubled(move |trouble| {
            let told = match trouble {
                Trouble::Begun(error) => format!("begun: {error}"),
                Trouble::Lost(error) => format!("lost: {error}"),
                Trouble::Unread(error) => format!("unread: {error}"),
                Trouble::Over(reference) => format!("over: {reference}"),
            };
            tell.send(told).unwrap();
        })
        .changed(|setup| setup.ahead = false);
    Rig {
        secrets,
        clock,
        reads,
        answer,
        told,
        reference: reference(),
    }
}

impl Rig {
    fn answers(&self, answer: impl Fn(usize) -> Result<Found> + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn read(&self) -> Result<String> {
        let read = self.secrets.read(&self.reference);
        read.map(|secret| secret.expose_secret().to_owned())
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn told(&self) -> Vec<String> {
        self.told.try_iter().collect()
    }

    /// Lets what is due be done, and waits for the readings that it began.
    fn tick(&self) -> Option<Duration> {
        let next = self.secrets.cache().tick();
        self.settle();
        next
    }

    /// Waits for the end of all readings.
    fn settle(&self) {
        while self.secrets.cache().air.under_way() > 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn it_is_read_once_within_its_time() {
    let rig = rig(Settings::default());
    assert_eq!(rig.read().unwrap(), "v1");
    rig.clock.forward(299);
    assert_eq!(rig.read().unwrap(), "v1");
    rig.clock.forward(1);
    assert_eq!(rig.read().unwrap(), "v2");
    assert_eq!(
        rig.secrets
            .find(&rig.reference)
            .unwrap()
            .secret
            .expose_secret(),
        "v3"
    );
    assert_eq!(rig.read().unwrap(), "v3");
    assert_eq!(rig.reads(), 3);
}

#[test]
fn many_at_once_are_one_reading() {
    let rig = rig(Settings::default());
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    rig.answers(move |nth| {
        gate.lock().unwrap().recv().unwrap();
        value(&format!("v{nth}"))
    });
    let (secrets, reference) = (&rig.secrets, &rig.reference);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..32)
            .map(|_| scope.spawn(|| secrets.read(reference).unwrap()))
            .collect();
        go.send(()).unwrap();
        for reader in readers {
            assert_eq!(reader.join().unwrap().expose_secret(), "v1");
        }
    });
    assert_eq!(rig.reads(), 1);
}

#[test]
fn what_is_held_is_read_ahead() {
    let rig = rig(Settings::default());
    let held = rig.secrets.hold(&rig.reference).unwrap();
    rig.clock.forward(239);
    assert_eq!(rig.tick(), Some(Duration::from_secs(240)));
    assert_eq!(held.get().unwrap().expose_secret(), "v1");
    rig.clock.forward(1);
    rig.tick();
    assert_eq!(held.get().unwrap().expose_secret(), "v2");
    assert_eq!(rig.reads(), 2);
    // Held by nobody and asked for by nobody: not read again, and forgotten.
    drop(held);
    rig.clock.forward(300);
    rig.tick();
    assert_eq!(rig.reads(), 2);
    rig.clock.forward(301);
    rig.tick();
    assert!(rig.secrets.cache().entries().is_empty());
}

#[test]
fn what_is_asked_for_is_read_ahead_too() {
    let rig = rig(Settings::default());
    rig.read().unwrap();
    rig.clock.forward(100);
    rig.read().unwrap();
    rig.clock.forward(140);
    rig.tick();
    assert_eq!(rig.reads(), 2);
    rig.clock.forward(240);
    rig.tick();
    assert_eq!(rig.reads(), 2);
}

#[test]
fn the_last_good_value_is_used_in_trouble_for_so_long() {
    let rig = rig(Settings::default());
    let held = rig.secrets.hold(&rig.reference).unwrap();
    rig.answers(|_| trouble());
    rig.clock.forward(240);
    rig.tick();
    let begun = "begun: exec://fake: the service is away";
    assert_eq!(rig.told(), [begun]);
    assert_eq!(rig.read().unwrap(), "v1");
    // Told once, tried less and less.
    let before = rig.reads();
    for _ in 0..600 {
        rig.clock.forward(1);
        rig.tick();
    }
    assert_eq!(rig.told(), [""; 0]);
    assert!(rig.reads() - before < 10, "{}", rig.reads() - before);
    rig.clock.forward(24 * 3600 - 840);
    rig.tick();
    assert_eq!(held.get().unwrap().expose_secret(), "v1");
    rig.clock.forward(1);
    rig.tick();
    let lost = "could not be read for more than 24 hours";
    assert!(
        rig.told()
            .iter()
            .any(|told| told.starts_with("lost:") && told.contains(lost))
    );
    assert!(matches!(held.get(), Err(Error::Stale { hours: 24, .. })));
    assert!(rig.read().unwrap_err().is_trouble());

    rig.answers(|_| value("new"));
    rig.clock.forward(301);
    rig.tick();
    assert_eq!(held.get().unwrap().expose_secret(), "new");
    assert_eq!(rig.told(), ["over: exec://fake"]);
}

#[test]
fn a_secret_that_was_taken_away_is_not_used() {
    let rig = rig(Settings::default());
    let held = rig.secrets.hold(&rig.reference).unwrap();
    rig.answers(|_| missing());
    rig.clock.forward(240);
    rig.tick();
    assert_eq!(rig.told(), ["lost: exec://fake does not exist"]);
    assert!(matches!(held.get(), Err(Error::Missing { .. })));
    assert!(matches!(rig.read(), Err(Error::Missing { .. })));
    rig.answers(|_| value("back"));
    rig.clock.forward(5);
    assert_eq!(rig.read().unwrap(), "back");
    rig.settle();
    assert_eq!(rig.told(), ["over: exec://fake"]);
}

#[test]
fn a_failure_is_remembered_for_a_moment() {
    for failing in [trouble as fn() -> Result<Found>, missing] {
        let rig = rig(Settings::default());
        rig.answers(move |_| failing());
        for _ in 0..10 {
            assert!(rig.read().is_err());
        }
        assert_eq!(rig.reads(), 1);
        rig.clock.forward(5);
        assert!(rig.read().is_err());
        assert_eq!(rig.reads(), 2);
        rig.settle();
        assert_eq!(rig.told(), [""; 0]);
    }
}

#[test]
fn a_provider_that_hangs_is_not_waited_for() {
    let rig = rig(Settings {
        limit: Duration::from_millis(20),
        ..Settings::default()
    });
    assert_eq!(rig.read().unwrap(), "v1");
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let (done, ended) = mpsc::channel();
    rig.answers(move |nth| {
        let _ = gate.lock().unwrap().recv();
        done.send(()).unwrap();
        value(&format!("late {nth}"))
    });
    rig.clock.forward(300);
    assert_eq!(rig.read().unwrap(), "v1");
    assert!(rig.told()[0].contains("no answer within 20 ms"));
    let error = rig.secrets.find(&rig.reference).err().unwrap();
    assert!(matches!(error, Error::TimedOut { millis: 20, .. }));
    // What comes too late is not taken.
    drop(go);
    ended.recv().unwrap();
    ended.recv().unwrap();
    rig.answers(|_| value("new"));
    rig.clock.forward(6);
    assert_eq!(rig.read().unwrap(), "new");
}

#[test]
fn hanging_readings_are_bounded() {
    let rig = rig(Settings {
        limit: Duration::from_millis(1),
        ..Settings::default()
    });
    let (go, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    rig.answers(move |_| {
        let _ = gate.lock().unwrap().recv();
        trouble()
    });
    // The provider's own lock makes the rest hang as well.
    for _ in 0..200 {
        assert!(rig.secrets.find(&rig.reference).is_err());
    }
    let error = rig.secrets.find(&rig.reference).err().unwrap();
    assert!(error.to_string().contains("too many"), "{error}");
    assert!(rig.reads() <= 64);
    drop(go);
}

#[test]
fn what_is_written_is_not_overtaken_by_an_older_reading() {
    let rig = rig(Settings::default());
    let held = rig.secrets.hold(&rig.reference).unwrap();
    let (go, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let gate = Mutex::new(gate);
    rig.answers(move |_| {
        begun.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
        value("old")
    });
    rig.clock.forward(240);
    rig.secrets.cache().tick();
    begins.recv().unwrap();
    rig.secrets
        .put(&rig.reference, &"written".into(), &Expect::Any)
        .unwrap();
    drop(go);
    rig.settle();
    assert_eq!(held.get().unwrap().expose_secret(), "written");
    assert_eq!(
        held.get().unwrap().version(),
        Some(&Version::new("written"))
    );
}

#[test]
fn a_provider_that_panics_is_trouble() {
    let rig = rig(Settings::default());
    rig.answers(|_| panic!("as the test wants"));
    let error = rig.read().unwrap_err();
    assert!(
        error.is_trouble() && error.to_string().contains("fault of Doorward"),
        "{error}"
    );
}

#[test]
fn the_thread_reads_ahead_and_ends_with_the_secrets() {
    let rig = rig(Settings::default());
    let secrets = rig.secrets.changed(|setup| setup.ahead = true);
    let held = secrets.hold(&rig.reference).unwrap();
    rig.clock.forward(240);
    // The clock does not wake it; that something is held does.
    let _again = secrets.hold(&rig.reference).unwrap();
    while held.get().unwrap().expose_secret() == "v1" {
        std::thread::yield_now();
    }
    let weak = Arc::downgrade(secrets.cache());
    drop(secrets);
    // Only a reading under way may keep it, and that ends.
    while weak.upgrade().is_some() {
        std::thread::yield_now();
    }
    assert_eq!(held.get().unwrap().expose_secret(), "v2");
}
