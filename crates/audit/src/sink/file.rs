//! A file that is rotated, and may be moved away by others.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use doorward_policy::Timestamp;

use super::config::{FileSink, SinkFormat};
use super::line::{Deliver, Failure, Limits, Line};
use super::stop::Stop;
use crate::entry::Entry;

/// No line is longer.
const LINE_MAX: u64 = 256 * 1024;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Appends lines of JSON.
pub(super) struct Appender {
    config: FileSink,
    format: SinkFormat,
    open: Option<OpenFile>,
}

/// The file as this sink knows it.
struct OpenFile {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// The day, since 1970, of what was written last.
    day: i64,
    synced: bool,
}

impl Appender {
    pub(super) const fn new(config: FileSink, format: SinkFormat) -> Self {
        Self {
            config,
            format,
            open: None,
        }
    }

    /// The file that has the name now.
    fn current(&mut self) -> io::Result<&mut OpenFile> {
        if let Some(open) = self.open.take() {
            if is_at(&open.file, &self.config.path)? {
                return Ok(self.open.insert(open));
            }
            // Somebody took it away with what is in it: that must be safe before the place moves.
            open.file.sync_data()?;
        }
        let open = open_at(&self.config.path)?;
        Ok(self.open.insert(open))
    }

    fn append(&mut self, lines: &[Line], day: i64) -> io::Result<()> {
        let (max, daily) = (self.config.max_bytes, self.config.daily);
        let mut lines = lines;
        while !lines.is_empty() {
            let open = self.current()?;
            let mut text = Vec::new();
            let mut taken = 0;
            let other_day = daily && open.length > 0 && open.day != day;
            for line in lines {
                let length = open.length + text.len() as u64;
                let full = max > 0 && length > 0 && length + line.text.len() as u64 > max;
                if full || other_day {
                    break;
                }
                text.extend_from_slice(&line.text);
                taken += 1;
            }
            if taken == 0 {
                self.rotate()?;
                continue;
            }
            let written = open.file.write_all(&text);
            if let Err(error) = written {
                // What was written of it would be a broken line.
                let _ = open.file.set_len(open.length);
                return Err(error);
            }
            open.length += text.len() as u64;
            open.day = day;
            open.synced = false;
            lines = lines.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Gives the file its next name, the others theirs, and lets the oldest go.
    fn rotate(&mut self) -> io::Result<()> {
        let path = &self.config.path;
        if let Some(open) = self.open.take() {
            open.file.sync_data()?;
        }
        if self.config.keep == 0 {
            std::fs::remove_file(path)?;
        } else {
            for number in (1..self.config.keep).rev() {
                match std::fs::rename(numbered(path, number), numbered(path, number + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            std::fs::rename(path, numbered(path, 1))?;
        }
        sync_folder(path)
    }
}

impl Deliver for Appender {
    fn limits(&self) -> Limits {
        Limits {
            entries: 1024,
            bytes: 1024 * 1024,
            linger: Duration::ZERO,
        }
    }

    fn text(&self, entry: &Entry) -> Vec<u8> {
        let mut text = self.format.json(entry);
        text.push(b'\n');
        text
    }

    fn deliver(&mut self, lines: &[Line], now: Timestamp, _: &Stop) -> Result<(), Failure> {
        let day = now.millis().div_euclid(DAY_MS);
        self.append(lines, day).map_err(|error| {
            self.open = None;
            Failure::later(format!("the file can't be written: {error}"))
        })
    }

    fn check(&mut self, _: &Stop) -> Result<(), Failure> {
        let Some(open) = self.open.as_mut().filter(|open| !open.synced) else {
            return Ok(());
        };
        open.file
            .sync_data()
            .map_err(|error| Failure::later(format!("the file can't be synced: {error}")))?;
        open.synced = true;
        Ok(())
    }
}

/// Opens the file, or makes it for its owner alone, and mends a line that a crash left broken.
fn open_at(path: &Path) -> io::Result<OpenFile> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if is_new {
        sync_folder(path)?;
    }
    let written = metadata.modified()?.duration_since(UNIX_EPOCH);
    let written = written.unwrap_or_default().as_millis();
    let length = mend(&mut file, metadata.len())?;
    Ok(OpenFile {
        file,
        length,
        day: i64::try_from(written).unwrap_or(0).div_euclid(DAY_MS),
        synced: false,
    })
}

/// Cuts off the beginning of a line of ours that has no end; its entry comes again. What is not
/// ours gets an end. The length after that.
fn mend(file: &mut File, length: u64) -> io::Result<u64> {
    let begin = length.saturating_sub(LINE_MAX);
    let mut tail = vec![0; usize::try_from(length - begin).unwrap_or(0)];
    file.read_exact_at(&mut tail, begin)?;
    if tail.last().is_none_or(|last| *last == b'\n') {
        return Ok(length);
    }
    let line = tail
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    if tail.get(line) == Some(&b'{') {
        let whole = begin + line as u64;
        file.set_len(whole)?;
        return Ok(whole);
    }
    file.write_all(b"\n")?;
    Ok(length + 1)
}

/// Whether the name still leads to this file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const MONDAY: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn lines(numbers: std::ops::Range<u64>) -> Vec<Line> {
        numbers
            .map(|sequence| Line {
                sequence,
                at: None,
                name: String::new(),
                text: format!("{{\"seq\":{}}}\n", 100 + sequence).into_bytes(),
            })
            .collect()
    }

    fn appender(path: &Path, max_bytes: u64, keep: u32) -> Appender {
        let config = FileSink {
            max_bytes,
            daily: keep == 2,
            keep,
            ..FileSink::new(path)
        };
        Appender::new(config, SinkFormat::Json)
    }

    fn numbers(path: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let values = text.lines().map(serde_json::from_str::<serde_json::Value>);
        values
            .map(|value| value.unwrap()["seq"].as_u64().unwrap() - 100)
            .collect()
    }

    #[test]
    fn is_rotated_by_size_and_day_and_keeps_so_many() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let mut file = appender(&path, 30, 2);
        let stop = Stop::new();
        // Twelve bytes a line: two fit.
        file.deliver(&lines(0..7), MONDAY, &stop).unwrap();
        assert_eq!(numbers(&path), [6]);
        assert_eq!(numbers(&numbered(&path, 1)), [4, 5]);
        assert_eq!(numbers(&numbered(&path, 2)), [2, 3]);
        assert!(!numbered(&path, 3).exists());
        file.deliver(&lines(7..8), MONDAY.plus_millis(DAY_MS), &stop)
            .unwrap();
        assert_eq!(numbers(&path), [7]);
        assert_eq!(numbers(&numbered(&path, 1)), [6]);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_line_larger_than_a_file_is_written_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let mut file = appender(&path, 5, 1);
        file.deliver(&lines(0..3), MONDAY, &Stop::new()).unwrap();
        assert_eq!(numbers(&path), [2]);
        assert_eq!(numbers(&numbered(&path, 1)), [1]);
    }

    #[test]
    fn goes_on_in_a_new_file_when_it_is_moved_or_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let mut file = appender(&path, 0, 1);
        let stop = Stop::new();
        file.deliver(&lines(0..2), MONDAY, &stop).unwrap();
        let moved = dir.path().join("moved");
        std::fs::rename(&path, &moved).unwrap();
        file.deliver(&lines(2..3), MONDAY, &stop).unwrap();
        assert_eq!((numbers(&moved), numbers(&path)), (vec![0, 1], vec![2]));
        std::fs::remove_file(&path).unwrap();
        file.deliver(&lines(3..4), MONDAY, &stop).unwrap();
        assert_eq!(numbers(&path), [3]);
        file.check(&stop).unwrap();
    }

    #[test]
    fn a_line_that_a_crash_broke_is_cut_off_and_foreign_text_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        std::fs::write(&path, "{\"seq\":100}\n{\"seq\":1").unwrap();
        let stop = Stop::new();
        appender(&path, 0, 1)
            .deliver(&lines(1..2), MONDAY, &stop)
            .unwrap();
        assert_eq!(numbers(&path), [0, 1]);
        std::fs::write(&path, "note").unwrap();
        appender(&path, 0, 1)
            .deliver(&lines(2..3), MONDAY, &stop)
            .unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "note\n{\"seq\":102}\n"
        );
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let failed = appender(dir.path(), 0, 1).deliver(&lines(0..1), MONDAY, &Stop::new());
        assert!(matches!(failed, Err(Failure::Later { .. })));
    }
}
