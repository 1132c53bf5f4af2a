//! Checks of how members log in, by Instantly's own audit log.

use doorward_policy::Timestamp;

use super::people::place;
use super::registry::Look;
use super::verdict::{Fault, Verdict};
use crate::here::WorkspaceFacts;
use crate::live::{Activity, Member, UserTraces};
use crate::thresholds::days;

/// Judges each member who is in, with what the log has of them.
fn each(
    look: &Look<'_>,
    mut judge: impl FnMut(&WorkspaceFacts, &Member, &Activity, Option<&UserTraces>) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(all) = verdict.see(&workspace.name, &workspace.live.members) else {
            continue;
        };
        let Some(log) = verdict.see(&workspace.name, &workspace.live.activity) else {
            continue;
        };
        if log.entries == 0 {
            // Nobody seen doing anything is not nobody doing anything.
            verdict.miss(&workspace.name, "the audit log is empty");
            continue;
        }
        if !log.whole {
            verdict.miss(
                &workspace.name,
                "the audit log has more entries than are looked at: say a shorter time",
            );
        }
        for member in all.iter().filter(|member| member.accepted) {
            if let Some(fault) = judge(workspace, member, log, log.users.get(&member.user_id)) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked("there is no member")
}

pub(super) fn no_login(look: &Look<'_>) -> Verdict {
    let since = look.now.plus_millis(-days(look.thresholds.login_days));
    each(look, |workspace, member, log, traces| {
        let last = traces.and_then(|traces| traces.last_login);
        if last.is_some_and(|last| last >= since) {
            return None;
        }
        // Only a log that goes so far back, whole, tells that there was none.
        let told = last.is_some() || (log.whole && log.from <= since.plus_millis(days(1)));
        let young = member.created_at.is_none_or(|made| made > since);
        if !told || (last.is_none() && young) {
            return None;
        }
        let message = format!(
            "{} did not log in for {} days",
            member.email, look.thresholds.login_days
        );
        let fault = Fault::at(place(workspace, member), message).saw("role", &member.role);
        let fault = match last {
            Some(last) => fault.saw("last login", last),
            None => fault.saw("last login", format!("none since {}", log.from)),
        };
        Some(fault.remove(workspace, member))
    })
}

pub(super) fn mfa_missing(look: &Look<'_>) -> Verdict {
    each(look, |workspace, member, log, traces| {
        let traces = traces?;
        let login = traces.last_login?;
        // That it was switched off is another check's.
        if traces.mfa_on.is_some() || traces.mfa_off.is_some() || !log.whole {
            return None;
        }
        let message = format!("{} logs in without a second factor", member.email);
        let fault = Fault::at(place(workspace, member), message)
            .saw("role", &member.role)
            .saw("last login", login)
            .saw("no sign of a second factor since", log.from);
        Some(fault)
    })
}

pub(super) fn mfa_disabled(look: &Look<'_>) -> Verdict {
    each(look, |workspace, member, _, traces| {
        let traces = traces.filter(|traces| traces.is_mfa_off())?;
        let off: Timestamp = traces.mfa_off?;
        let message = format!("{} switched the second factor off", member.email);
        let fault = Fault::at(place(workspace, member), message)
            .saw("role", &member.role)
            .saw("when", off);
        let since = off.to_string();
        Some(fault.mend("search", [("since", &since)]))
    })
}

pub(super) fn mfa_failing(look: &Look<'_>) -> Verdict {
    each(look, |workspace, member, log, traces| {
        let traces = traces?;
        if traces.mfa_locked == 0 && traces.mfa_failed < look.thresholds.mfa_failures {
            return None;
        }
        let message = format!(
            "the second factor of {} was wrong {} times",
            member.email, traces.mfa_failed
        );
        let fault = Fault::at(place(workspace, member), message)
            .saw("role", &member.role)
            .saw("since", log.from);
        Some(match traces.mfa_locked {
            0 => fault,
            times => fault.saw("too many times in a row", times),
        })
    })
}
