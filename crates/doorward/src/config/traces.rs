//! Settings of traces.

use doorward_audit::web::target;

use super::reader::TableReader;
use super::reference;

/// Where spans of calls are sent to, by OpenTelemetry's protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TracesConfig {
    /// Where the receiver is; no traces without it.
    pub(crate) endpoint: Option<String>,
    /// Reference of what is sent as `Authorization`.
    pub(crate) authorization: Option<String>,
    /// Of a hundred calls that belong to no trace yet, how many are kept.
    pub(crate) sample_percent: usize,
    /// Whether the API is told of the trace.
    pub(crate) propagate: bool,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            authorization: None,
            sample_percent: 100,
            propagate: false,
        }
    }
}

impl TracesConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("endpoint", &mut self.endpoint, |text| {
            let url: http::Uri = text.parse().map_err(|_| "write https://host:4318")?;
            if url.query().is_some() {
                return Err("write https://host:4318".to_owned());
            }
            // What is sent names clients, and `authorization` goes with it.
            target(text).map_err(|why| format!("{why}; write https://host:4318"))?;
            if !cfg!(feature = "otel") {
                return Err("this build has no traces; build it with --features otel".to_owned());
            }
            Ok(Some(match url.path() {
                "" | "/" => format!("{}/v1/traces", text.trim_end_matches('/')),
                _ => text.to_owned(),
            }))
        });
        table.text("authorization", &mut self.authorization, |text| {
            reference(text).map(Some)
        });
        table.number("sample_percent", &mut self.sample_percent, 0..=100);
        table.flag("propagate", &mut self.propagate);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[cfg(feature = "otel")]
    #[test]
    fn spans_go_in_clear_to_this_machine_alone() {
        let read = |url: &str| Config::parse(&format!("[traces]\nendpoint = \"{url}\"\n"));
        for good in ["https://otel.example:4318", "http://127.0.0.1:4318"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "http://otel.example:4318",
            "http://10.0.0.1:4318",
            "https://u:p@otel.example",
            "https://otel.example/?x",
            "ftp://otel.example",
        ] {
            let told = read(bad).unwrap_err().told("it");
            assert!(told.contains("it:2:12: traces.endpoint:"), "{told}");
        }
    }
}
