//! Secrets that are held on to: tried again, never overtaken, and used in trouble wherever they are.

use super::*;
use std::time::Instant;

fn held_on(rig: &Rig) -> Held {
    let references = std::slice::from_ref(&rig.reference);
    rig.secrets.hold_on(references).pop().unwrap().unwrap()
}

/// A rig whose secret is one of this machine.
fn of_this_machine() -> Rig {
    let rig = rig(Settings::default());
    let reference: SecretRef = "keyring://doorward/key".parse().unwrap();
    let fake = Fake {
        reads: Arc::clone(&rig.reads),
        answer: Arc::clone(&rig.answer),
    };
    Rig {
        secrets: rig.secrets.with(Scheme::Keyring, fake),
        reference,
        ..rig
    }
}

#[test]
fn what_can_not_be_read_at_first_is_tried_again_and_told() {
    for rig in [rig(Settings::default()), of_this_machine()] {
        rig.answers(|_| trouble());
        let held = held_on(&rig);
        rig.settle();
        let error = held.get().err().unwrap().to_string();
        assert!(error.contains("the service is away"), "{error}");
        assert_eq!(rig.told(), ["unread: exec://fake: the service is away"]);
        rig.clock.forward(6);
        rig.tick();
        assert_eq!((rig.reads(), rig.told().len()), (2, 0), "told once");
        rig.answers(|_| value("there"));
        rig.clock.forward(11);
        rig.tick();
        assert_eq!(held.get().unwrap().expose_secret(), "there");
        assert_eq!(rig.told(), [format!("over: {}", rig.reference)]);
    }
}

#[test]
fn a_secret_of_this_machine_has_a_last_good_value_too() {
    let rig = of_this_machine();
    let held = held_on(&rig);
    // It is not read on and on, and grows no older by that.
    rig.clock.forward(30 * 24 * 3600);
    rig.tick();
    assert_eq!(rig.reads(), 1);
    rig.answers(|_| trouble());
    assert_eq!(rig.secrets.refresh().len(), 1);
    assert_eq!(rig.told(), ["begun: exec://fake: the service is away"]);
    // Whoever holds it next gets the same, and waits for nothing.
    let again = rig.secrets.hold(&rig.reference).unwrap();
    assert_eq!(again.get().unwrap().expose_secret(), "v1");
    assert_eq!(rig.reads(), 2);
    rig.clock.forward(24 * 3600);
    rig.tick();
    assert_eq!(held.get().unwrap().expose_secret(), "v1");
    rig.clock.forward(1);
    rig.tick();
    assert!(matches!(held.get(), Err(Error::Stale { hours: 24, .. })));
    assert_eq!(rig.told().len(), 1, "that it is lost");
    rig.answers(|_| value("new"));
    rig.clock.forward(301);
    rig.tick();
    assert_eq!(held.get().unwrap().expose_secret(), "new");
}

#[test]
fn what_is_written_is_not_overtaken_by_who_looks_for_it() {
    let rig = rig(Settings::default());
    let held = held_on(&rig);
    let (go, gate) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let gate = Mutex::new(gate);
    rig.answers(move |_| {
        begun.send(()).unwrap();
        let _ = gate.lock().unwrap().recv();
        value("old")
    });
    std::thread::scope(|scope| {
        let finding = scope.spawn(|| rig.secrets.find(&rig.reference).unwrap());
        begins.recv().unwrap();
        rig.secrets
            .put(&rig.reference, &"written".into(), &Expect::Any)
            .unwrap();
        drop(go);
        assert_eq!(finding.join().unwrap().secret.expose_secret(), "old");
    });
    assert_eq!(held.get().unwrap().expose_secret(), "written");
    // What is looked for later is taken.
    rig.answers(|_| value("later"));
    rig.secrets.find(&rig.reference).unwrap();
    assert_eq!(held.get().unwrap().expose_secret(), "later");
}

#[test]
fn many_that_hang_are_waited_for_together() {
    let limit = Duration::from_millis(300);
    let rig = rig(Settings {
        limit,
        ..Settings::default()
    });
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    rig.answers(move |_| {
        let _ = gate.lock().unwrap().recv();
        trouble()
    });
    let many: Vec<SecretRef> = (0..12)
        .map(|nth| format!("exec://fake?arg={nth}").parse().unwrap())
        .collect();
    let secrets = rig.secrets.changed(|setup| setup.ahead = true);
    let began = Instant::now();
    let held = secrets.hold_on(&many);
    assert!(
        held.iter()
            .all(|held| held.as_ref().unwrap().get().is_err())
    );
    assert_eq!(secrets.refresh().len(), 12);
    assert!(began.elapsed() < limit * 6, "{:?}", began.elapsed());
    drop(go);
}

#[test]
fn what_is_erased_on_purpose_is_no_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let file = SecretRef::file(&dir.path().join("it")).unwrap();
    let rig = rig(Settings::default());
    rig.secrets.put(&file, &"one".into(), &Expect::Any).unwrap();
    drop(rig.secrets.hold(&file).unwrap());
    rig.secrets.erase(&file).unwrap();
    assert_eq!(rig.told(), [""; 0]);
    assert!(rig.secrets.refresh().is_empty());
    rig.secrets.put(&file, &"two".into(), &Expect::Any).unwrap();
    let held = rig.secrets.hold(&file).unwrap();
    rig.secrets.erase(&file).unwrap();
    assert!(matches!(held.get(), Err(Error::Missing { .. })));
    assert_eq!(rig.told().len(), 1);
}
