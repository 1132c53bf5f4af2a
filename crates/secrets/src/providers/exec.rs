//! Secrets that a program prints.

use std::process::Command;
use std::time::Duration;

use super::files::without_line_end;
use super::process::{Failed, run, scrubbed};
use crate::error::{Error, Result};
use crate::provider::{Found, MAX_SECRET_BYTES, Provider, Readers, Seen};
use crate::reference::{Place, SecretRef};

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Runs programs such as `op read …`, when that is allowed. There is no shell: the program gets
/// the arguments as they are written, `PATH`, `HOME` and the variables that were named, and nothing
/// to read.
#[derive(Debug)]
pub struct ExecProvider {
    allowed: bool,
    given: Vec<String>,
    limit: Duration,
}

impl ExecProvider {
    /// One that refuses every reference.
    pub fn off() -> Self {
        Self {
            allowed: false,
            given: Vec::new(),
            limit: LIMIT,
        }
    }

    /// One that runs what references name.
    pub fn allowed() -> Self {
        Self {
            allowed: true,
            given: Vec::new(),
            limit: LIMIT,
        }
    }

    /// The same with another time that a program may take.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The same, giving programs these variables too, as this process has them.
    #[must_use]
    pub fn giving(self, given: Vec<String>) -> Self {
        Self { given, ..self }
    }

    fn argv<'r>(&self, reference: &'r SecretRef) -> Result<(&'r str, &'r [String])> {
        let Place::Exec { program, args } = reference.place() else {
            return Err(Error::refused(reference, "it is no program"));
        };
        if !self.allowed {
            return Err(Error::refused(
                reference,
                "running programs for secrets is off; `allow_exec = true` in [secrets] of the \
                 configuration allows it",
            ));
        }
        Ok((program, args))
    }
}

impl Provider for ExecProvider {
    fn describe(&self) -> &'static str {
        "a program"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let (program, args) = self.argv(reference)?;
        let trouble = |why: String| Error::trouble(reference, why);
        let ran = run(
            Command::new(program).args(args),
            &self.given,
            self.limit,
            MAX_SECRET_BYTES,
        );
        let ran = ran.map_err(|failed| match failed {
            Failed::Start(error) => trouble(format!("{program} can't be started: {error}")),
            Failed::Time => Error::TimedOut {
                reference: reference.clone(),
                millis: self.limit.as_millis(),
            },
            Failed::Size => Error::refused(reference, "it printed more than 65536 bytes"),
        })?;
        if !ran.status.success() {
            let said = scrubbed(&ran.err, &ran.out);
            return Err(trouble(match said.as_str() {
                "" => format!("{program} failed ({})", ran.status),
                said => format!("{program} failed ({}): {said}", ran.status),
            }));
        }
        let text = str::from_utf8(&ran.out)
            .map_err(|_| Error::refused(reference, "what it printed is not UTF-8"))?;
        match without_line_end(text) {
            "" => Err(Error::refused(reference, "it printed nothing")),
            secret => Ok(Found::only(secret.into())),
        }
    }

    /// The program is not run: that it is there says nothing of the secret.
    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let (program, _) = self.argv(reference)?;
        Ok(Seen {
            place: format!("what {program} prints"),
            changed_at: None,
            version: None,
            readers: Readers::Elsewhere("whoever the program serves"),
            writable: false,
            warning: None,
        })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn sh(script: &str) -> SecretRef {
        let mut text = String::from("exec:///bin/sh?arg=-c&arg=");
        for byte in script.bytes() {
            text.push_str(&format!("%{byte:02x}"));
        }
        text.parse().unwrap()
    }

    fn read(script: &str) -> Result<String> {
        ExecProvider::allowed()
            .read(&sh(script))
            .map(|found| found.secret.expose_secret().to_owned())
    }

    #[test]
    fn what_it_prints_is_the_secret() {
        assert_eq!(read("printf 'a b\\n\\n'").unwrap(), "a b\n");
        let plain: SecretRef = "exec://echo?arg=%24HOME%3B%20id&arg=%2A".parse().unwrap();
        let found = ExecProvider::allowed().read(&plain).unwrap();
        assert_eq!(found.secret.expose_secret(), "$HOME; id *");
    }

    #[test]
    fn it_is_off_unless_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("made");
        let reference = sh(&format!("touch {}; echo x", made.display()));
        let error = ExecProvider::off().read(&reference).err().unwrap();
        assert!(error.to_string().contains("allow_exec"), "{error}");
        assert!(ExecProvider::off().inspect(&reference).is_err());
        assert!(!made.exists());
    }

    #[test]
    fn only_path_and_home_are_given() {
        let names = read("env | cut -d= -f1 | grep -vE '^(PATH|HOME|PWD|OLDPWD|SHLVL|_)$'; echo .");
        assert_eq!(names.unwrap(), ".");
        // Which every cargo has for its tests.
        let given = vec![
            "CARGO_MANIFEST_DIR".to_owned(),
            "DOORWARD_NO_SUCH".to_owned(),
        ];
        let provider = ExecProvider::allowed().giving(given);
        let names = provider
            .read(&sh("env | cut -d= -f1 | grep -E '^(CARGO|DOORWARD)'"))
            .unwrap();
        assert_eq!(names.secret.expose_secret(), "CARGO_MANIFEST_DIR");
        assert_eq!(read("cat; echo end").unwrap(), "end");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for script in [
            "true",
            "echo",
            "printf '\\377'",
            "head -c 65537 /dev/zero | tr '\\0' x",
            "yes",
        ] {
            assert!(
                matches!(read(script), Err(Error::Refused { .. })),
                "{script}"
            );
        }
        assert_eq!(
            read("head -c 65536 /dev/zero | tr '\\0' x").unwrap().len(),
            65536
        );
        let nothing: SecretRef = "exec://doorward-no-such-program".parse().unwrap();
        let error = ExecProvider::allowed().read(&nothing).err().unwrap();
        assert!(error.is_trouble() && error.to_string().contains("can't be started"));
    }

    #[test]
    fn a_failure_is_told_without_what_was_printed() {
        let key = "ZGVhZGJlZWYtMDAwMC00MDAw";
        let script = format!(
            "echo short; printf 'denied:\\n\\033[1m key=%s and short\\n' {key} >&2; exit 3"
        );
        let error = read(&script).unwrap_err().to_string();
        let (_, error) = error.split_once(" failed ").unwrap();
        assert!(
            error.contains("exit status: 3") && error.contains("denied:"),
            "{error}"
        );
        assert!(!error.contains(key) && !error.contains("short"), "{error}");
        assert!(
            !error.contains('\u{1b}') && !error.contains('\n'),
            "{error}"
        );
        let error = read("yes 'ab cd' | head -c 900000 >&2; exit 1")
            .unwrap_err()
            .to_string();
        assert!(error.chars().count() < 400, "{error}");
    }

    #[test]
    fn it_is_ended_with_all_it_started() {
        let provider = ExecProvider::allowed().within(Duration::from_millis(300));
        let timed_out = |script: &str, pid: &std::path::Path| {
            let script = script.replace("PID", &pid.display().to_string());
            let error = provider.read(&sh(&script)).err().unwrap();
            assert!(
                matches!(error, Error::TimedOut { millis: 300, .. }),
                "{error}"
            );
        };
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("waits");
        timed_out("sleep 1000 & echo $! > PID; wait", &pid);
        is_gone(&pid);
        // It has ended itself, and what it started keeps the pipe.
        let pid = dir.path().join("keeps");
        timed_out("sleep 1000 & echo $! > PID", &pid);
        is_gone(&pid);
        let pid = dir.path().join("stays");
        let script = format!(
            "sleep 1000 >/dev/null 2>&1 & echo $! > {}; echo secret",
            pid.display()
        );
        assert_eq!(read(&script).unwrap(), "secret");
        is_gone(&pid);
    }

    #[track_caller]
    fn is_gone(pid: &std::path::Path) {
        let pid: i32 = std::fs::read_to_string(pid)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        // It is a zombie at the most, until its new parent looks.
        let gone = (0..500).any(|_| {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            let gone = status.map_or(true, |text| text.contains(") Z"));
            if !gone {
                std::thread::yield_now();
                std::thread::sleep(Duration::from_millis(2));
            }
            gone
        });
        assert!(gone);
    }
}
