//! The events as this program opens them: where they are, and under which key.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_relay::{EventStore, RelayError, StoreOptions};
use doorward_secrets::Secrets;
use doorward_store::StoreError;

use crate::admin::{AdminError, now};
use crate::context::Context;
use crate::exit::Failure;

/// Opens the events of the data folder for reading and writing, made where there are none yet. Their
/// key is the audit key.
///
/// # Errors
/// When the key is missing, or the file can't be used; the text says what to do.
pub(crate) fn open_events(context: &Context, secrets: &Secrets) -> Result<EventStore, Failure> {
    let data = &context.data_dir;
    data.check_own()?;
    let key = secrets.read(&context.audit_key()?).map_err(|error| {
        Failure::usage(format_args!(
            "the audit key, that events are sealed under: {error}; `doorward init` makes one"
        ))
    })?;
    let opened = EventStore::open(
        &data.relay(),
        &key,
        &StoreOptions::default(),
        now().millis(),
    );
    opened.map_err(|error| match AdminError::from(error) {
        error if error.usage => Failure::usage(format_args!("the events: {error}")),
        error => Failure::failed(format_args!("the events can't be opened: {error}")),
    })
}

type Open = Box<dyn Fn() -> Result<Option<Arc<EventStore>>, AdminError> + Send + Sync>;

/// The events of a server, or of a command that opens them when it first needs them.
pub(crate) struct LateEvents {
    open: Open,
    opened: Mutex<Option<Arc<EventStore>>>,
}

impl LateEvents {
    /// Those that this gives; it is asked until there are any.
    pub(crate) fn of(
        open: impl Fn() -> Result<Option<Arc<EventStore>>, AdminError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            open: Box::new(open),
            opened: Mutex::default(),
        }
    }

    /// Those of the data folder, opened when they are first asked for and there are any.
    pub(crate) fn later(context: &Context) -> Self {
        let context = context.clone();
        Self::of(move || {
            if !context.data_dir.relay().exists() {
                return Ok(None);
            }
            let secrets = context.secrets.open()?;
            Ok(Some(Arc::new(open_events(&context, &secrets)?)))
        })
    }

    /// The events; none where none ever came in.
    ///
    /// # Errors
    /// When they can't be opened.
    pub(crate) fn get(&self) -> Result<Option<Arc<EventStore>>, AdminError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.is_none() {
            *opened = (self.open)()?;
        }
        Ok(opened.clone())
    }
}

impl From<RelayError> for AdminError {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Store(error @ StoreError::Locked { .. }) => error.into(),
            RelayError::WrongKey | RelayError::ShortKey(_) => Self::usage(error),
            RelayError::Store(error) => error.into(),
            error => Self::failed(error),
        }
    }
}
