//! Everything that is let out but to the API, and the search for keys in it.

use std::io::Write;
use std::sync::Mutex;

use base64::Engine as _;
use tracing_subscriber::fmt::MakeWriter;

static LOGS: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logs;

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGS.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct ToLogs;

impl<'a> MakeWriter<'a> for ToLogs {
    type Writer = Logs;

    fn make_writer(&'a self) -> Logs {
        Logs
    }
}

/// Keeps all that this process logs, down to the last detail.
pub(crate) fn keep_logs() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(ToLogs)
        .finish();
    // Another test of this binary may have done it.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The logs since the last time.
pub(crate) fn take_logs() -> Vec<u8> {
    std::mem::take(&mut LOGS.lock().unwrap())
}

/// Texts that must be in no output, with whose they are.
#[derive(Debug, Default)]
pub(crate) struct Needles(Vec<(String, String)>);

impl Needles {
    /// An upstream key, in the forms that a careless program would let out.
    pub(crate) fn upstream(&mut self, name: &str, value: &str, tail: &str) {
        let coded = base64::engine::general_purpose::STANDARD.encode(value);
        // Without what is padding, or written in another way in a URL.
        for form in [
            value.trim_end_matches('='),
            coded.trim_end_matches('='),
            tail,
        ] {
            self.0
                .push((form.to_owned(), format!("upstream key {name}")));
        }
    }

    /// A client key: what of it is secret.
    pub(crate) fn client(&mut self, text: &str) {
        let secret = &text[text.len() - 49..];
        self.0.push((secret.to_owned(), "a client key".to_owned()));
    }

    /// Fails if one of them is there.
    pub(crate) fn absent_from(&self, bytes: &[u8], place: &str) -> Result<(), String> {
        let text = String::from_utf8_lossy(bytes);
        match self.0.iter().find(|(needle, _)| text.contains(needle)) {
            Some((needle, whose)) => {
                let at = text.find(needle).unwrap();
                let from = text[..at]
                    .char_indices()
                    .rev()
                    .nth(200)
                    .map_or(0, |(at, _)| at);
                let around = &text[from..at];
                Err(format!("{whose} is in {place}, after: {around}"))
            }
            None => Ok(()),
        }
    }
}
