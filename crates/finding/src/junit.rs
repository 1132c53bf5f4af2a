//! A report as JUnit XML: a suite an area, a case a rule.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::{Finding, Outcome, Report, Ruled};

/// The report as JUnit XML. A rule that could not look is an error, so that nobody takes it for
/// passed; one that does not apply is skipped.
pub fn junit(report: &Report) -> String {
    let mut suites: Vec<TestSuite> = Vec::new();
    for ruled in &report.rules {
        let area = ruled.rule.area();
        let case = case(report, ruled);
        match suites.iter_mut().find(|suite| suite.name.as_str() == area) {
            Some(suite) => {
                suite.add_test_case(case);
            }
            None => {
                let mut suite = TestSuite::new(area);
                suite.add_test_case(case);
                suites.push(suite);
            }
        }
    }
    let mut all = quick_junit::Report::new(report.tool.name.as_str());
    all.add_test_suites(suites);
    // Writing into memory fails for nothing but a fault of the writer's own.
    all.to_string().unwrap_or_default()
}

fn case(report: &Report, ruled: &Ruled) -> TestCase {
    let status = match &ruled.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::NotApplicable(why) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
        Outcome::NotLooked(why) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("not_looked").set_message(why.as_str());
            status
        }
        Outcome::Failed => {
            let found: Vec<&Finding> = report
                .open()
                .filter(|finding| finding.rule == ruled.rule.id)
                .collect();
            let text: Vec<String> = found.iter().map(|finding| line(finding)).collect();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(ruled.rule.severity.name())
                .set_message(format!("{} found", found.len()))
                .set_description(XmlString::new(text.join("\n")));
            status
        }
    };
    let mut case = TestCase::new(ruled.rule.title.as_str(), status);
    case.set_classname(ruled.rule.id.as_str());
    case
}

fn line(finding: &Finding) -> String {
    let place = finding
        .places
        .first()
        .map_or_else(String::new, crate::Place::shown);
    let mut text = format!("{}: {place}: {}", finding.severity, finding.message);
    if let Some(command) = &finding.remedy.command {
        text.push_str(&format!("\n    {command}"));
    }
    text
}
