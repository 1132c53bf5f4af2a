//! Mutes: findings that somebody answers for, until a day.

use doorward_policy::Timestamp;
use doorward_posture::checks::all;
use doorward_posture::report::Muting;
use doorward_store::{KeptMute, StoreError, What};
use jiff::civil::Date;

use super::kept::{Held, remembered};
use super::types::{CheckMute, CheckMutes, CheckUnmute, MuteView};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle, now};

/// Least characters of a fingerprint that name it.
const PRINT_MIN: usize = 8;

/// The day of a time, in UTC.
pub(super) fn day(at: Timestamp) -> Date {
    let at = jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default();
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The mutes that are kept. One that can't be read mutes nothing.
pub(super) fn mutings(kept: &[KeptMute]) -> Vec<Muting> {
    kept.iter().filter_map(muting).collect()
}

fn muting(kept: &KeptMute) -> Option<Muting> {
    Some(Muting {
        what: kept.what.clone(),
        reason: kept.reason.clone(),
        owner: kept.owner.clone(),
        until: kept.until.parse().ok()?,
    })
}

fn view(kept: &KeptMute, held: &[Held], today: Date) -> Option<MuteView> {
    let muting = muting(kept)?;
    let there = held
        .iter()
        .rev()
        .find(|one| one.brief.fingerprint == muting.what);
    let check = || all().iter().find(|check| check.id == muting.what);
    Some(MuteView {
        made_at: kept.made_at,
        over: !muting.holds(today),
        finding: there
            .map(|one| one.brief.message.clone())
            .or_else(|| check().map(|check| check.title.clone())),
        muting,
    })
}

impl Admin {
    /// What is meant: a check's id, or the one fingerprint that begins so.
    fn meant(&self, typed: &str, held: &[Held]) -> Result<String, AdminError> {
        if all().iter().any(|check| check.id == typed) {
            return Ok(typed.to_owned());
        }
        let mut prints: Vec<&str> = held
            .iter()
            .map(|one| one.brief.fingerprint.as_str())
            .filter(|print| typed.len() >= PRINT_MIN && print.starts_with(typed))
            .collect();
        prints.dedup();
        match prints.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(AdminError::usage(
                "there is no such check and no finding whose fingerprint begins so: `doorward check \
                 list` has the checks, `doorward check` shows each finding's fingerprint",
            )),
            _ => Err(AdminError::usage(
                "several findings have a fingerprint that begins so; write more of it",
            )),
        }
    }
}

impl Handle<CheckMute> for Admin {
    fn handle(&self, call: CheckMute) -> Result<MuteView, AdminError> {
        let now = now();
        let held = remembered(self.store())?;
        let mut muting = call.muting;
        muting.what = self.meant(&muting.what, &held)?;
        muting.check(day(now)).map_err(AdminError::usage)?;
        let kept = KeptMute {
            what: muting.what,
            reason: muting.reason.trim().to_owned(),
            owner: muting.owner.trim().to_owned(),
            until: muting.until.to_string(),
            made_at: now,
        };
        self.store().keep_check_mute(&kept)?;
        view(&kept, &held, day(now)).ok_or_else(|| AdminError::failed("the mute can't be read"))
    }
}

impl Handle<CheckUnmute> for Admin {
    fn handle(&self, call: CheckUnmute) -> Result<MuteView, AdminError> {
        let kept = self.store().check_mutes()?;
        let typed = call.what.as_str();
        let mut found = kept.iter().filter(|mute| {
            mute.what == typed || (typed.len() >= PRINT_MIN && mute.what.starts_with(typed))
        });
        let what = match (found.next(), found.next()) {
            (Some(one), None) => one.what.clone(),
            (Some(_), Some(_)) => {
                return Err(AdminError::usage(
                    "several mutes begin so; write more of it",
                ));
            }
            (None, _) => {
                return Err(StoreError::NotFound {
                    what: What::CheckMute,
                    name: doorward_catalog::shown(typed),
                }
                .into());
            }
        };
        let gone = self.store().delete_check_mute(&what)?;
        let held = remembered(self.store())?;
        view(&gone, &held, day(now())).ok_or_else(|| AdminError::failed("the mute can't be read"))
    }
}

impl Handle<CheckMutes> for Admin {
    fn handle(&self, _: CheckMutes) -> Result<Vec<MuteView>, AdminError> {
        let kept = self.store().check_mutes()?;
        let held = remembered(self.store())?;
        let today = day(now());
        Ok(kept
            .iter()
            .filter_map(|mute| view(mute, &held, today))
            .collect())
    }
}
