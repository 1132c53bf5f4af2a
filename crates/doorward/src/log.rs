//! What the program tells about itself, on stderr, without secrets.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogConfig, LogFormat};

/// Names the filter that goes before the configured one.
const VARIABLE: &str = "DOORWARD_LOG";

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
    let _ = match config.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Some(why) = fault {
        tracing::warn!("{VARIABLE} is no filter and is passed over: {why}");
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
