//! What the program tells about itself passes through here, and known secrets and client keys stay
//! behind.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::LazyLock;

use doorward_gateway::KnownSecrets;
use doorward_veil::MARKER;

static KNOWN: LazyLock<KnownSecrets> = LazyLock::new(KnownSecrets::new);

/// The secrets that are known in this process.
pub(crate) fn known_secrets() -> KnownSecrets {
    KNOWN.clone()
}

/// A text that came from outside, without known secrets.
pub(crate) fn scrub(text: String) -> String {
    match KNOWN.scrubber() {
        Some(scrubber) => match scrubber.scrub(text.as_bytes()) {
            Cow::Borrowed(_) => text,
            Cow::Owned(clean) => String::from_utf8_lossy(&clean).into_owned(),
        },
        None => MARKER.to_owned(),
    }
}

/// A writer to stderr for one event of the log, which goes out when it is dropped.
pub(crate) fn stderr() -> Scrubbed<io::Stderr> {
    Scrubbed {
        to: io::stderr(),
        known: known_secrets(),
        held: Vec::new(),
    }
}

/// Holds what is written until it is dropped, so that no secret passes in parts.
pub(crate) struct Scrubbed<W: Write> {
    to: W,
    known: KnownSecrets,
    held: Vec<u8>,
}

impl<W: Write> Write for Scrubbed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> Drop for Scrubbed<W> {
    fn drop(&mut self) {
        // A log that can't be written stops nothing; one that can't be scrubbed is not written.
        let _ = match self.known.scrubber() {
            Some(scrubber) => self.to.write_all(&scrubber.scrub(&self.held)),
            None => self
                .to
                .write_all(b"a line is left out: it can't be scrubbed\n"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Environment;
    use doorward_keys::ClientKey;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_key_is_logged_in_any_format() {
        let known = KnownSecrets::new();
        let upstream = "MDE5NWYzYTI+canary/of-an-upstream-key==";
        known.set("test", vec![upstream.into()]).unwrap();
        let random = [7; ClientKey::RANDOM_LEN];
        let client = ClientKey::generate(Environment::Production, &random);
        let page = Page::default();
        let (to, secrets) = (page.clone(), known);
        let writer = move || Scrubbed {
            to: to.clone(),
            known: secrets.clone(),
            held: Vec::new(),
        };
        let log = || {
            tracing::info!(key = upstream, "said {:?}", client.expose());
            tracing::info!(body = ?format!("{{\"k\":\"{upstream}\"}}"), "answer");
        };
        let text = fmt().with_writer(writer.clone()).finish();
        tracing::subscriber::with_default(text, log);
        let json = fmt().json().with_writer(writer).finish();
        tracing::subscriber::with_default(json, log);
        let page = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(page.matches("[removed]").count(), 6, "{page}");
        assert!(!page.contains("canary") && !page.contains(&client.expose()[6..]));
        assert_eq!(page.lines().count(), 4);
    }
}
