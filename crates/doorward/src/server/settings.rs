//! Settings that are taken while the server runs.
//!
//! On SIGHUP and `doorward reload` the configuration is read again. It is taken whole or not at
//! all: first every part gets ready for it, and may say why it can't; only when none objects is it
//! put in force everywhere. What differs and is no part's to take needs a restart, and is told.
//!
//! A part of the server that can take settings while it runs says so once, where it is made:
//!
//! ```ignore
//! let pacer = Arc::clone(&pacer);
//! settings.on(&["pace"], move |next: &Context| {
//!     // Get ready: read secrets and files, check, build. An error refuses the whole reload.
//!     let limits = next.config.pace.limits();
//!     let pacer = Arc::clone(&pacer);
//!     // Put in force: may not fail, may not block for long.
//!     Ok(Box::new(move || pacer.set_limits(limits)))
//! });
//! ```
//!
//! The names are those of [`Config::changed`](crate::config::Config::changed), where each new
//! setting is listed: a name stands for the setting, or for the table and all that is in it. Parts
//! get ready at every reload, whether their settings differ or not, so that files and secrets that
//! they name are read again too.

use std::sync::{Mutex, PoisonError};

use crate::admin::Reloaded;
use crate::context::Context;
use crate::exit::Failure;

/// Puts new settings in force.
pub(crate) type Change = Box<dyn FnOnce() + Send>;

type Prepare = Box<dyn Fn(&Context) -> Result<Change, Failure> + Send + Sync>;

/// The settings in force, and the parts that take new ones.
pub(crate) struct Settings {
    /// What the server was started with: what needs a restart is still so.
    started: Context,
    parts: Mutex<Vec<Part>>,
    in_force: Mutex<Context>,
}

struct Part {
    takes: &'static [&'static str],
    prepare: Prepare,
}

impl Settings {
    /// Those that the server is started with.
    pub(crate) fn new(context: &Context) -> Self {
        Self {
            started: context.clone(),
            parts: Mutex::default(),
            in_force: Mutex::new(context.clone()),
        }
    }

    /// Looks at the settings in force.
    pub(crate) fn in_force<T>(&self, look: impl FnOnce(&Context) -> T) -> T {
        look(&self.in_force.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Registers a part: the settings it takes, and how it gets ready for others.
    pub(crate) fn on(
        &self,
        takes: &'static [&'static str],
        prepare: impl Fn(&Context) -> Result<Change, Failure> + Send + Sync + 'static,
    ) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.push(Part {
            takes,
            prepare: Box::new(prepare),
        });
    }

    /// Reads the configuration again and puts it in force. `state` is what else is read again,
    /// once all parts are ready and before any has changed; when it fails, nothing is changed.
    /// Blocks.
    ///
    /// # Errors
    /// All faults of the file, with their lines, or all that parts object to. What was in force
    /// stays.
    pub(crate) fn reload<E: From<Failure>>(
        &self,
        state: impl FnOnce() -> Result<(), E>,
    ) -> Result<Reloaded, E> {
        // One at a time.
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let next = in_force.reread()?;
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Vec::with_capacity(parts.len());
        let mut faults = Vec::new();
        for part in parts.iter() {
            match (part.prepare)(&next) {
                Ok(change) => changes.push(change),
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        if !faults.is_empty() {
            let told = faults.join("\n");
            return Err(Failure::usage(told).into());
        }
        state()?;
        for change in changes {
            change();
        }
        let taken = |name: &str| {
            let mut all = parts.iter().flat_map(|part| part.takes);
            all.any(|takes| covers(takes, name))
        };
        let names = |names: Vec<&'static str>, wanted: bool| -> Vec<String> {
            let wanted = names.into_iter().filter(|name| taken(name) == wanted);
            wanted.map(str::to_owned).collect()
        };
        let reloaded = Reloaded {
            changed: names(in_force.config.changed(&next.config), true),
            restart_needed: names(self.started.config.changed(&next.config), false),
            unread: Vec::new(),
        };
        *in_force = next;
        Ok(reloaded)
    }
}

/// Whether a setting or table that is taken is this one, or has it in it.
fn covers(takes: &str, name: &str) -> bool {
    name.strip_prefix(takes)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::cli::Global;
    use crate::output::Output;

    fn settings(path: PathBuf) -> Settings {
        let global = Global {
            data_dir: path.parent().map(ToOwned::to_owned),
            config: Some(path),
            json: false,
        };
        Settings::new(&Context::new(&global, Output::new(false)).unwrap())
    }

    fn reload(settings: &Settings) -> Result<Reloaded, Failure> {
        settings.reload(|| Ok(()))
    }

    #[test]
    fn a_table_has_its_settings_in_it() {
        assert!(covers("gateway", "gateway.seconds.drain"));
        assert!(covers("gateway.seconds", "gateway.seconds.drain"));
        assert!(covers("log.level", "log.level"));
        assert!(!covers("log.level", "log"));
        assert!(!covers("ledger.pages", "ledger.pages_token"));
    }

    #[test]
    fn it_is_taken_whole_or_not_at_all_and_what_needs_a_restart_is_told_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.toml");
        fs::write(&path, "").unwrap();
        let settings = settings(path.clone());
        let drain = Arc::new(AtomicUsize::new(0));
        let set = Arc::clone(&drain);
        settings.on(&["gateway.seconds"], move |next| {
            let seconds = next.config.gateway.limits.drain.as_secs() as usize;
            let set = Arc::clone(&set);
            Ok(Box::new(move || set.store(seconds, Ordering::SeqCst)))
        });
        settings.on(&["log.level"], |next| {
            match next.config.log.level.as_str() {
                "trace" => Err(Failure::usage("no room for a trace")),
                _ => Ok(Box::new(|| ())),
            }
        });

        // The file has faults.
        fs::write(&path, "[gateway]\nlisten = 7\nheaders = 1\n").unwrap();
        let told = reload(&settings).unwrap_err().to_string();
        assert!(
            told.contains("d.toml:2:") && told.contains("d.toml:3:"),
            "{told}"
        );
        // A part objects.
        fs::write(
            &path,
            "[gateway.seconds]\ndrain = 5\n[log]\nlevel = \"trace\"",
        )
        .unwrap();
        assert_eq!(
            reload(&settings).unwrap_err().to_string(),
            "no room for a trace"
        );
        // The state can't be read.
        fs::write(&path, "[gateway.seconds]\ndrain = 6\n").unwrap();
        let failed = settings.reload(|| Err(Failure::failed("no store")));
        assert_eq!(failed.unwrap_err().to_string(), "no store");
        assert_eq!(drain.load(Ordering::SeqCst), 0, "nothing was changed");

        let text = "pepper = \"env://P\"\n[gateway.seconds]\ndrain = 6\n";
        fs::write(&path, text).unwrap();
        let reloaded = reload(&settings).unwrap();
        assert_eq!(reloaded.changed, ["gateway.seconds.drain"]);
        assert_eq!(reloaded.restart_needed, ["pepper"]);
        assert_eq!(drain.load(Ordering::SeqCst), 6);
        let again = reload(&settings).unwrap();
        assert!(again.changed.is_empty());
        assert_eq!(again.restart_needed, ["pepper"]);
    }
}
