//! Archives of good and of hostile make.

use std::time::{Duration, Instant};

use doorward_scan::generate::{Source, fill};
use doorward_scan::{Cut, Detectors, Engine, Limits};

use crate::hiding::{gzip, tar, zip};
use crate::{engine, scan};

fn key() -> String {
    fill("{upstream_key}", &mut Source::new(77))
}

fn cuts(scanned: &doorward_scan::Scanned) -> Vec<Cut> {
    scanned.skipped.iter().map(|skipped| skipped.cut).collect()
}

#[test]
fn members_are_named_and_their_own_lines_told() {
    let engine = engine();
    let text = format!("a\nb {}\n", key());
    let inner = zip(&[("deep/c.txt", text.as_bytes())]);
    let bytes = gzip(&tar(&[("x/inner.zip", &inner), ("y.txt", text.as_bytes())]));
    let scanned = scan(&engine, "backup.tgz", &bytes);
    let told: Vec<_> = scanned
        .hits
        .iter()
        .map(|hit| {
            let via: Vec<_> = hit.via.iter().map(|via| via.name()).collect();
            (hit.inner.as_deref(), hit.line, hit.column, via.join(" "))
        })
        .collect();
    let expected = [
        (
            Some("x/inner.zip!/deep/c.txt"),
            2,
            3,
            "gzip tar zip".to_owned(),
        ),
        (Some("y.txt"), 2, 3, "gzip tar".to_owned()),
    ];
    assert_eq!(told, expected);
    let alone = scan(&engine, "logs/app.log.gz", &gzip(text.as_bytes()));
    assert_eq!(alone.hits[0].inner.as_deref(), Some("app.log"));
}

#[test]
fn archives_a_thousand_deep_end() {
    let engine = engine();
    let mut bytes = key().into_bytes();
    for depth in 0..1000 {
        bytes = if depth % 2 == 0 {
            gzip(&bytes)
        } else {
            tar(&[("a", &bytes)])
        };
    }
    let scanned = scan(&engine, "a.gz", &bytes);
    assert_eq!(cuts(&scanned), [Cut::Depth]);
}

#[test]
fn bombs_are_cut() {
    let zeros = vec![0; 64 << 20];
    let once = gzip(&zeros);
    let engine = engine();
    let started = Instant::now();
    for bytes in [
        once.clone(),
        zip(&[("a", &zeros)]),
        gzip(&gzip(&zeros)),
        tar(&[("a.gz", &once)]),
    ] {
        let scanned = scan(&engine, "a", &bytes);
        assert_eq!(cuts(&scanned), [Cut::Expanded]);
    }
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_comes_before_a_fault_is_looked_at() {
    let engine = engine();
    let filling: String = (0..20_000)
        .map(|n| format!("line {n} of the log\n"))
        .collect();
    let whole = gzip(format!("{}\n{filling}", key()).as_bytes());
    let cut = scan(&engine, "a.gz", &whole[..whole.len() / 2]);
    assert_eq!((cut.hits.len(), cuts(&cut)), (1, vec![Cut::Broken]));
    let archive = tar(&[("a.txt", key().as_bytes()), ("b.txt", filling.as_bytes())]);
    let cut = scan(&engine, "a.tar", &archive[..archive.len() / 2]);
    assert_eq!((cut.hits.len(), cuts(&cut)), (1, vec![Cut::Broken]));
}

#[test]
fn sizes_that_lie_are_not_believed() {
    let engine = engine();
    // A member that says it has 8 EiB.
    let mut archive = tar(&[("a.txt", key().as_bytes())]);
    let size = archive[124..136].to_vec();
    archive[124..136].copy_from_slice(&[
        0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ]);
    let sum: u32 = (0..512)
        .map(|at| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(archive[at])
            }
        })
        .sum();
    archive[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let scanned = scan(&engine, "a.tar", &archive);
    assert_eq!((scanned.hits.len(), cuts(&scanned)), (1, vec![Cut::Broken]));
    archive[124..136].copy_from_slice(&size);
    // Now its checksum does not fit: it is no archive, but text that is looked at.
    assert_eq!(scan(&engine, "a.tar", &archive).hits.len(), 1);
}

#[test]
fn members_and_hits_are_counted() {
    let limits = Limits {
        members: 3,
        hits: 5,
        ..Limits::default()
    };
    let engine = Engine::new(Detectors::builtin(), limits);
    let text = key();
    let members: Vec<(&str, &[u8])> = vec![("a", text.as_bytes()); 10];
    let scanned = scan(&engine, "a.tar", &tar(&members));
    assert_eq!(
        (scanned.hits.len(), cuts(&scanned)),
        (3, vec![Cut::Members])
    );
    let many: String = (0..50)
        .map(|n| fill("{upstream_key}\n", &mut Source::new(n)))
        .collect();
    let scanned = scan(&engine, "a", many.as_bytes());
    assert_eq!((scanned.hits.len(), cuts(&scanned)), (5, vec![Cut::Hits]));
}

#[test]
fn what_cannot_be_opened_is_said() {
    let engine = engine();
    let scanned = scan(&engine, "a.xz", b"\xfd7zXZ\0\0\x04 and so on");
    assert_eq!(cuts(&scanned), [Cut::Unknown]);
    let scanned = scan(&engine, "a.zip", b"PK\x03\x04 is how zips begin");
    assert_eq!(cuts(&scanned), [Cut::Broken]);
}

#[test]
fn what_is_larger_than_memory_is_read_in_pieces() {
    let limits = Limits {
        held: 1 << 20,
        ..Limits::default()
    };
    let engine = Engine::new(Detectors::builtin(), limits);
    let line = "a line of a log that says nothing of interest, over and over\n";
    let mut text = String::new();
    let mut places = Vec::new();
    // At the borders of pieces too, of which the first is at 4 MiB.
    let marks = [
        0,
        1 << 20,
        (4 << 20) - 40,
        4 << 20,
        (4 << 20) + 70,
        9 << 20,
        12 << 20,
    ];
    let mut source = Source::new(1);
    for mark in marks {
        while text.len() < mark {
            text.push_str(line);
        }
        places.push((text.len(), text.lines().count() as u64 + 1));
        text.push_str(&fill("{upstream_key}\n", &mut source));
    }
    text.push_str(line);
    let mut scratch = engine.scratch();
    let scanned = engine.scan_reader(&mut scratch, Some("a.log"), &mut text.as_bytes());
    let told: Vec<_> = scanned
        .hits
        .iter()
        .map(|hit| (hit.range.start, hit.line))
        .collect();
    assert_eq!(told, places);
    // The same within an archive.
    let scanned = scan(&engine, "a.log.gz", &gzip(text.as_bytes()));
    assert_eq!(scanned.hits.len(), places.len());
    assert_eq!(
        scanned.hits.last().map(|hit| hit.line),
        places.last().map(|place| place.1)
    );
}
