//! Reports in each form, with text in them that would like to be markup.

#![cfg(test)]

use doorward_finding::{
    FilePlace, Finding, Introduced, Mute, Outcome, Place, Remedy, Report, Rule, Ruled, Severity,
    Standing, Thing, Tool, junit, markdown, sarif,
};
use proptest::prelude::*;

fn rule(id: &str, severity: Severity, outcome: Outcome) -> Ruled {
    Ruled {
        rule: Rule {
            id: id.to_owned(),
            title: format!("what {id} finds"),
            severity,
            why: "because".to_owned(),
            help: "mend it".to_owned(),
            references: vec!["https://owasp.org/API-Security/".to_owned()],
            tags: vec!["owasp-api:API2".to_owned()],
        },
        outcome,
    }
}

fn finding(rule: &str, severity: Severity, message: &str, path: &str) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        message: message.to_owned(),
        places: vec![Place::File(Box::new(FilePlace {
            path: path.to_owned(),
            line: Some(3),
            column: Some(7),
            end_column: Some(75),
            excerpt: Some(message.to_owned()),
            introduced: Some(Introduced::default()),
            last_seen: None,
        }))],
        evidence: vec![("seen".to_owned(), message.to_owned())],
        remedy: Remedy {
            text: message.to_owned(),
            command: Some(format!("doorward leak respond {message}")),
        },
        fingerprint: "00ff".to_owned(),
        standing: Standing::Open,
    }
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        tool: Tool {
            name: "doorward scan".to_owned(),
            version: "0.1.0".to_owned(),
        },
        started: "2026-11-01T10:00:00Z".to_owned(),
        milliseconds: 12,
        rules: vec![
            rule("keys.wildcard", Severity::High, Outcome::Failed),
            rule("keys.idle", Severity::Low, Outcome::Passed),
            rule(
                "people.mfa",
                Severity::Medium,
                Outcome::NotLooked("the key lacks audit_logs:read".to_owned()),
            ),
            rule(
                "group.undeclared",
                Severity::Medium,
                Outcome::NotApplicable("no group".to_owned()),
            ),
        ],
        findings,
        not_looked_at: vec!["big.bin is larger than 64 MiB".to_owned()],
    }
}

#[test]
fn what_does_not_count_is_suppressed_and_what_was_not_looked_at_is_said() {
    let mut known = finding("keys.wildcard", Severity::High, "known", "a");
    known.standing = Standing::Known;
    let mut muted = finding("keys.wildcard", Severity::High, "muted", "b");
    muted.standing = Standing::Muted(Mute {
        reason: "a demo".to_owned(),
        ..Mute::default()
    });
    let open = finding("keys.wildcard", Severity::Critical, "open", "c d/ü.txt");
    let mut report = report(vec![known, muted, open]);
    report.sort();
    assert_eq!(report.open().count(), 1);
    assert_eq!(report.worst(), Some(Severity::Critical));
    assert_eq!(report.findings[0].message, "open");

    let log = sarif(&report);
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    assert!(results[0].get("suppressions").is_none());
    assert_eq!(results[0]["level"], "error");
    assert_eq!(results[0]["ruleIndex"], 0);
    let uri = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "c%20d/%C3%BC.txt");
    let suppressed: Vec<_> = results[1..]
        .iter()
        .map(|result| result["suppressions"].as_array().unwrap().len())
        .collect();
    assert_eq!(suppressed, [1, 1]);
    let told = run["invocations"][0]["toolExecutionNotifications"]
        .as_array()
        .unwrap();
    assert_eq!(told.len(), 2, "{told:?}");

    let xml = junit(&report);
    assert!(xml.contains("<error") && xml.contains("<skipped") && xml.contains("<failure"));
    assert!(xml.contains("audit_logs:read"), "{xml}");
    let text = markdown(&report);
    assert!(text.contains("1 critical") && text.contains("Not looked at"));
    assert!(!text.contains("known |"), "{text}");
}

#[test]
fn a_place_is_one_line() {
    let thing = Place::Thing(Thing {
        kind: "api_key".to_owned(),
        id: "k1".to_owned(),
        name: Some("CRM sync".to_owned()),
        workspace: Some("acme".to_owned()),
    });
    assert_eq!(thing.shown(), "api key CRM sync (k1) in acme");
    let whole = Place::File(Box::new(FilePlace {
        path: "a.zip!/b".to_owned(),
        ..FilePlace::default()
    }));
    assert_eq!(whole.shown(), "a.zip!/b");
}

#[test]
fn a_severity_reads_as_it_is_written() {
    for severity in Severity::ALL {
        assert_eq!(severity.name().parse(), Ok(severity));
    }
    assert!("worst".parse::<Severity>().is_err());
}

/// What Markdown reads as text: no spans between backticks, no escaped characters.
fn outside_of_code(text: &str) -> String {
    let (mut out, mut code) = (String::new(), false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if !code => {
                characters.next();
            }
            '`' => code = !code,
            other if !code => out.push(other),
            _ => {}
        }
    }
    assert!(!code, "a span of code is not closed: {text}");
    out
}

proptest! {
    /// A row of the table stays a row, and nothing of a message is taken for markup.
    #[test]
    fn no_message_breaks_out(message in "\\PC{0,40}|[<>|`\\[\\]()!&@\n\r\t\\\\]{0,40}", path in "\\PC{1,30}") {
        let report = report(vec![finding("keys.wildcard", Severity::High, &message, &path)]);
        let text = markdown(&report);
        let rows = text.lines().filter(|line| line.starts_with("| high |")).count();
        prop_assert_eq!(rows, 1);
        let text = outside_of_code(&text);
        prop_assert!(!text.contains('<'), "{}", text);
        prop_assert!(!text.contains("]("), "{}", text);
        let xml = junit(&report);
        let suites = xml.matches("<testsuite ").count();
        prop_assert_eq!(suites, 3);
        let log = sarif(&report).to_string();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&log).is_ok());
        let back: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        prop_assert_eq!(back, report);
    }
}
