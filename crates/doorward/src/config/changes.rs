//! What differs between two configurations, by the names of settings.

use std::time::Duration;

use doorward_gateway::{IdempotencySettings, Limits};

use super::idempotency::IdempotencyConfig;
use super::{Config, GatewayConfig, LogConfig};

impl Config {
    /// The settings that differ in another configuration. A table that is taken as a whole is
    /// named as one.
    ///
    /// A new setting has to be named here, or this does not compile: one that nobody takes while
    /// the server runs is then told as one that needs a restart.
    pub(crate) fn changed(&self, next: &Self) -> Vec<&'static str> {
        let Self {
            data_dir,
            pepper,
            secrets,
            audit,
            ledger,
            instantly,
            gateway,
            relay,
            pace,
            check,
            rotation,
            metrics,
            traces,
            approvals,
            idempotency,
            alerts,
            log,
        } = self;
        let mut changed = Changed::default();
        changed.note("data_dir", *data_dir != next.data_dir);
        changed.note("pepper", *pepper != next.pepper);
        changed.note("secrets", *secrets != next.secrets);
        changed.note("audit.key", audit.key != next.audit.key);
        changed.note(
            "audit.review_days",
            audit.review_days != next.audit.review_days,
        );
        changed.note("audit.sink", audit.sinks != next.audit.sinks);
        changed.note("ledger.pages", {
            let of = |config: &Self| (config.ledger.pages, config.ledger.pages_token.clone());
            of(self) != of(next)
        });
        changed.note("ledger", {
            let mut ledger = ledger.clone();
            ledger.pages = next.ledger.pages;
            ledger.pages_token.clone_from(&next.ledger.pages_token);
            ledger != next.ledger
        });
        changed.note("instantly", *instantly != next.instantly);
        gateway.changed(&next.gateway, &mut changed);
        changed.note("relay", *relay != next.relay);
        changed.note("pace", *pace != next.pace);
        changed.note("check", *check != next.check);
        changed.note(
            "rotation.seconds",
            rotation.seconds != next.rotation.seconds,
        );
        changed.note("rotation", {
            let mut rotation = rotation.clone();
            rotation.seconds = next.rotation.seconds;
            rotation != next.rotation
        });
        changed.note("metrics", *metrics != next.metrics);
        changed.note("traces", *traces != next.traces);
        changed.note("approvals", *approvals != next.approvals);
        idempotency.changed(&next.idempotency, &mut changed);
        changed.note("alerts", *alerts != next.alerts);
        log.changed(&next.log, &mut changed);
        changed.0
    }
}

impl GatewayConfig {
    fn changed(&self, next: &Self, changed: &mut Changed) {
        let Self {
            listen,
            plain_http,
            tls,
            instantly_host,
            limits,
            announce,
        } = self;
        changed.note("gateway.tls", *tls != next.tls);
        changed.note(
            "gateway.instantly_host",
            *instantly_host != next.instantly_host,
        );
        changed.note("gateway.listen", *listen != next.listen);
        changed.note("gateway.plain_http", *plain_http != next.plain_http);
        changed.note("gateway.seconds.announce", *announce != next.announce);
        let Limits {
            connections,
            calls,
            streams,
            head_bytes,
            headers,
            body_bytes,
            memory_bytes,
            json_depth,
            head_read,
            body_read,
            connect,
            response_head,
            response_idle,
            drain,
        } = limits;
        let next = &next.limits;
        let size = |one: &usize, other: usize| *one != other;
        let time = |one: &Duration, other: Duration| *one != other;
        for (name, differs) in [
            ("gateway.connections", size(connections, next.connections)),
            ("gateway.calls", size(calls, next.calls)),
            ("gateway.streams", size(streams, next.streams)),
            ("gateway.head_bytes", size(head_bytes, next.head_bytes)),
            ("gateway.headers", size(headers, next.headers)),
            ("gateway.body_bytes", size(body_bytes, next.body_bytes)),
            (
                "gateway.memory_bytes",
                size(memory_bytes, next.memory_bytes),
            ),
            ("gateway.json_depth", size(json_depth, next.json_depth)),
            ("gateway.seconds.head_read", time(head_read, next.head_read)),
            ("gateway.seconds.body_read", time(body_read, next.body_read)),
            ("gateway.seconds.connect", time(connect, next.connect)),
            (
                "gateway.seconds.response_head",
                time(response_head, next.response_head),
            ),
            (
                "gateway.seconds.response_idle",
                time(response_idle, next.response_idle),
            ),
            ("gateway.seconds.drain", time(drain, next.drain)),
        ] {
            changed.note(name, differs);
        }
    }
}

impl IdempotencyConfig {
    fn changed(&self, next: &Self, changed: &mut Changed) {
        let Self { enabled, settings } = self;
        let IdempotencySettings {
            keep,
            records,
            answer_bytes,
            client_bytes,
            settle,
        } = settings;
        let to = &next.settings;
        for (name, differs) in [
            ("idempotency.enabled", *enabled != next.enabled),
            ("idempotency.hours", *keep != to.keep),
            ("idempotency.records", *records != to.records),
            ("idempotency.answer_bytes", *answer_bytes != to.answer_bytes),
            ("idempotency.client_bytes", *client_bytes != to.client_bytes),
            ("idempotency.settle_seconds", *settle != to.settle),
        ] {
            changed.note(name, differs);
        }
    }
}

impl LogConfig {
    fn changed(&self, next: &Self, changed: &mut Changed) {
        let Self { level, format } = self;
        changed.note("log.level", *level != next.level);
        changed.note("log.format", *format != next.format);
    }
}

/// Names, in the order of the commented default.
#[derive(Default)]
struct Changed(Vec<&'static str>);

impl Changed {
    fn note(&mut self, name: &'static str, differs: bool) {
        if differs {
            self.0.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let default = Config::default();
        assert_eq!(default.changed(&default), Vec::<&str>::new());
        let next = Config::parse(
            "[ledger]\npages = \"open\"\n[gateway]\nlisten = \"[::1]:9\"\n[gateway.seconds]\ndrain = \
             7\n[log]\nlevel = \"debug\"",
        )
        .unwrap();
        assert_eq!(
            default.changed(&next),
            [
                "ledger.pages",
                "gateway.listen",
                "gateway.seconds.drain",
                "log.level"
            ]
        );
        let next = Config::parse("[ledger]\nreads = \"durable\"").unwrap();
        assert_eq!(default.changed(&next), ["ledger"]);
    }
}
