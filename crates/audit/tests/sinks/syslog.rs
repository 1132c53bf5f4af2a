//! Syslog over TLS.

use std::time::Duration;

use doorward_audit::{SinkKind, SyslogSink};

use crate::receivers::{Certificate, SyslogReceiver};
use crate::support::{assert_all_in_order, config, fill, metrics, open, start, until};

#[test]
fn syslog_over_tls_gets_all_though_the_receiver_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let certificate = Certificate::new();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &certificate.pem).unwrap();
    let receiver = SyslogReceiver::start(Some(&certificate));
    let sink = SyslogSink {
        ca: Some(ca),
        ..SyslogSink::new("localhost", receiver.port)
    };
    let sinks = start(&audit, config("syslog", SinkKind::Syslog(sink)));
    let mut size = audit.reader().size();
    for round in 0..5 {
        size += 40;
        fill(&audit, size);
        until("messages", || receiver.seen().last() == Some(&(size - 1)));
        if round % 2 == 0 {
            // What comes next finds a connection that is gone, and does not know yet.
            receiver.hang_up();
        }
    }
    assert!(sinks.stop(Duration::from_secs(5)));
    assert_all_in_order(&receiver.seen(), 0..size);
    let message = receiver.messages().remove(0);
    assert!(message.starts_with("<110>1 "), "{message}");
}

#[test]
fn a_receiver_that_nobody_vouches_for_gets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let audit = open(dir.path());
    let receiver = SyslogReceiver::start(Some(&Certificate::new()));
    let other = dir.path().join("other.pem");
    std::fs::write(&other, Certificate::new().pem).unwrap();
    let sink = SyslogSink {
        ca: Some(other),
        ..SyslogSink::new("localhost", receiver.port)
    };
    let sinks = start(&audit, config("syslog", SinkKind::Syslog(sink)));
    until("failure", || metrics(&sinks).failures > 1);
    assert!(receiver.messages().is_empty());
    let error = metrics(&sinks).last_error.unwrap();
    assert!(error.contains("TLS"), "{error}");
}
