//! What the program tells about itself, on stderr, without secrets.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};

/// Names the filter that goes before the configured one.
const VARIABLE: &str = "DOORWARD_LOG";

/// Puts another filter in force, once logging has begun.
static FILTER: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Begins to log. Only the first call in a process counts.
pub(crate) fn begin(config: &LogConfig) {
    let named = std::env::var(VARIABLE)
        .ok()
        .filter(|filter| !filter.is_empty());
    let (chosen, fault) = match named.as_deref().map(check_filter) {
        Some(Err(why)) => (None, Some(why)),
        _ => (named.as_deref(), None),
    };
    let filter = EnvFilter::new(chosen.unwrap_or(&config.level));
    let stderr = std::io::stderr();
    let ansi = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never
        && stderr.is_terminal();
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(crate::scrubbed::stderr)
        .with_ansi(ansi);
    let begun = match config.format {
        LogFormat::Text => {
            let builder = builder.with_target(false).with_filter_reloading();
            let handle = builder.reload_handle();
            let swap = move |filter| drop(handle.reload(filter));
            builder.try_init().map(|()| FILTER.set(Box::new(swap)))
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            let swap = move |filter| drop(handle.reload(filter));
            builder.try_init().map(|()| FILTER.set(Box::new(swap)))
        }
    };
    // Somebody else in this process has begun already.
    let _ = begun;
    if let Some(why) = fault {
        tracing::warn!("{VARIABLE} is no filter and is passed over: {why}");
    }
}

/// Logs by another level from now on. The environment's goes before it.
pub(crate) fn set_level(level: &str) {
    let named = std::env::var(VARIABLE).is_ok_and(|filter| check_filter(&filter).is_ok());
    if let Some(swap) = FILTER.get().filter(|_| !named) {
        swap(EnvFilter::new(level));
    }
}

/// Whether a text is a filter.
///
/// # Errors
/// What would be one.
pub(crate) fn check_filter(text: &str) -> Result<(), String> {
    EnvFilter::try_new(text)
        .map(drop)
        .map_err(|_| "choose error, warn, info, debug or trace, or a filter of these".to_owned())
}
