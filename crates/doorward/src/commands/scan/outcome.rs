//! One scan, from what is typed to how it ends.

use std::fs;
use std::time::Instant;

use doorward_finding::{Outcome as RuleOutcome, Report, Ruled, Severity, Tool};
use doorward_scan::Engine;
use doorward_scan::report::{Baseline, Day, Settings, Settled, settle};
use secrecy::ExposeSecret;

use super::keys::{self, Typed};
use super::look::{limits, look};
use super::source::Source;
use super::{allow, detect, respond, write};
use crate::cli::{Global, ScanRun};
use crate::commands::block_on;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, note};

/// Fewest digits of a fingerprint that name a finding.
const DIGITS_MIN: usize = 8;
/// Most notes of what was not looked at that people are shown.
const NOTES_MAX: usize = 20;

/// Runs it.
pub(super) fn run(run: &ScanRun, global: &Global, output: Output) -> Outcome {
    let began = Instant::now();
    let started = jiff::Timestamp::now();
    let source = Source::of(run)?;
    let context = keys_here(run, global, output)?;
    let (baseline, allowed) = (allow::baseline(run)?, allow::rules(run, &source)?);
    let engine = Engine::new(detect::wanted(run)?, limits(run));
    let looked = look(&engine, &source, run)?;
    let mut settled = settle(
        looked.gathered,
        &Settings {
            allow: &allowed,
            inline: !run.no_allow,
            baseline: &baseline,
            today: today(started)?,
        },
    );
    if let Some(begin) = &run.finding {
        only(&mut settled, begin)?;
    }
    let typed = Typed::of(global, source.typed(), context.is_some());
    suggest(&mut settled, &typed);
    if run.verify || run.respond || run.record {
        block_on(async {
            keys::all(context.as_ref(), run, &typed, &mut settled).await?;
            Ok(Exit::Done)
        })?;
    }
    if run.reveal {
        reveal(&mut settled);
    }
    let report = report(&engine, &settled, started, began);
    if let Some(path) = &run.write_baseline {
        let text = Baseline::written(report.findings.iter().filter(|one| counts_ever(one)));
        fs::write(path, text)
            .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))?;
    }
    write::write(&report, run, output)?;
    tell(&report, run, &looked.told, began);
    if run.respond
        && let Some(context) = &context
    {
        block_on(async {
            respond::all(context, run, &settled).await?;
            Ok(Exit::Done)
        })?;
    }
    ended(&report, run)
}

/// The data folder here, where the run may need it.
fn keys_here(run: &ScanRun, global: &Global, output: Output) -> Result<Option<Context>, Failure> {
    let needed = run.respond || run.record;
    let context = match keys::here(global, output) {
        Err(failure) if needed || run.verify => return Err(failure),
        Err(_) => None,
        Ok(context) => context,
    };
    if context.is_none() && needed {
        return Err(Failure::usage(
            "there is no data folder here, in which keys could be ended or findings recorded: name it \
             with --data-dir, or make one with `doorward init`",
        ));
    }
    if context.is_some() && run.verify_at.is_some() {
        return Err(Failure::usage(
            "a data folder says where keys are tried: leave --verify-at out, or run this in another \
             folder",
        ));
    }
    Ok(context)
}

fn today(now: jiff::Timestamp) -> Result<Day, Failure> {
    let zoned = now.to_zoned(jiff::tz::TimeZone::UTC);
    zoned.date().to_string().parse().map_err(Failure::usage)
}

/// Leaves the finding that is named.
fn only(settled: &mut Settled, begin: &str) -> Result<(), Failure> {
    let begin = begin.to_ascii_lowercase();
    if begin.len() < DIGITS_MIN || !begin.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(format_args!(
            "a finding is named by at least {DIGITS_MIN} digits of its fingerprint, as a scan tells it"
        )));
    }
    settled
        .found
        .retain(|one| one.finding.fingerprint.starts_with(&begin));
    match settled.found.is_empty() {
        true => Err(Failure::usage(format_args!(
            "no finding has the fingerprint {begin}… here any more"
        ))),
        false => Ok(()),
    }
}

/// What to type next for each key.
fn suggest(settled: &mut Settled, typed: &Typed) {
    for one in &mut settled.found {
        if keys::is_tried(one) {
            let finding = &mut one.finding;
            finding.remedy.command = typed.respond(finding).or_else(|| typed.verify(finding));
        }
    }
}

fn reveal(settled: &mut Settled) {
    for one in &mut settled.found {
        let secret = one.secret.expose_secret().to_owned();
        one.finding.evidence.push(("revealed".to_owned(), secret));
    }
}

fn counts_ever(finding: &doorward_finding::Finding) -> bool {
    !matches!(finding.standing, doorward_finding::Standing::Muted(_))
}

fn report(engine: &Engine, settled: &Settled, started: jiff::Timestamp, began: Instant) -> Report {
    let rules = engine.detectors().rules().map(|detector| {
        let rule = detector.rule().clone();
        let open = settled
            .found
            .iter()
            .any(|one| one.finding.is_open() && one.finding.rule == rule.id);
        Ruled {
            rule,
            outcome: match open {
                true => RuleOutcome::Failed,
                false => RuleOutcome::Passed,
            },
        }
    });
    Report {
        tool: Tool {
            name: "doorward scan".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started: started.to_string(),
        milliseconds: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        rules: rules.collect(),
        findings: settled
            .found
            .iter()
            .map(|one| one.finding.clone())
            .collect(),
        not_looked_at: settled.not_looked_at.clone(),
    }
}

/// What is said beside the report.
fn tell(report: &Report, run: &ScanRun, looked_at: &str, began: Instant) {
    if run.quiet {
        return;
    }
    for what in report.not_looked_at.iter().take(NOTES_MAX) {
        note(format_args!(
            "not looked at: {}",
            crate::output::clean(what)
        ));
    }
    if report.not_looked_at.len() > NOTES_MAX {
        note(format_args!(
            "not looked at: {} more; --format json tells them all",
            report.not_looked_at.len() - NOTES_MAX
        ));
    }
    note(format_args!(
        "{looked_at} in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
}

fn ended(report: &Report, run: &ScanRun) -> Outcome {
    if run.strict && !report.not_looked_at.is_empty() {
        return Err(Failure::usage(format_args!(
            "{} things could not be looked at, and --strict asks for all",
            report.not_looked_at.len()
        )));
    }
    if run.write_baseline.is_some() {
        return Ok(Exit::Done);
    }
    let least = run.fail_on.unwrap_or(Severity::Info);
    Ok(match report.worst().is_some_and(|worst| worst >= least) {
        true => Exit::Findings,
        false => Exit::Done,
    })
}
