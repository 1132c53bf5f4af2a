//! Requests counted in sliding windows: for limits, and to prove what pacing does.

use std::collections::{HashMap, VecDeque};

use doorward_catalog::Op;
use doorward_catalog::limits::LimitPer;

use crate::clock::Millis;
use crate::settings::Settings;

/// Most counters of operations that are kept.
const COUNTERS_MAX: usize = 10_000;

/// Hits within a width of time that slides. What it holds is bounded by the milliseconds of its
/// width and by the hits.
#[derive(Debug)]
pub(crate) struct Window {
    width: Millis,
    hits: VecDeque<(Millis, u32)>,
    total: u32,
    peak: u32,
}

impl Window {
    pub(crate) fn new(width: Millis) -> Window {
        Window {
            width,
            hits: VecDeque::new(),
            total: 0,
            peak: 0,
        }
    }

    /// Hits of the width that ends now.
    fn count(&mut self, now: Millis) -> u32 {
        while let Some((at, hits)) = self.hits.front().copied() {
            if at > now.saturating_sub(self.width) {
                break;
            }
            self.hits.pop_front();
            self.total = self.total.saturating_sub(hits);
        }
        self.total
    }

    pub(crate) fn hit(&mut self, now: Millis) {
        self.count(now);
        match self.hits.back_mut() {
            // A clock that went back a little must not unsort the hits.
            Some((at, hits)) if *at >= now => *hits = hits.saturating_add(1),
            _ => self.hits.push_back((now, 1)),
        }
        self.total = self.total.saturating_add(1);
        self.peak = self.peak.max(self.total);
    }

    /// The most hits any width ever held.
    pub(crate) fn peak(&self) -> u32 {
        self.peak
    }

    /// Seconds until the first hit leaves, at least 1.
    fn frees_in(&self, now: Millis) -> u32 {
        let frees = self.hits.front().map_or(0, |(at, _)| {
            at.saturating_add(self.width).saturating_sub(now)
        });
        u32::try_from(frees.max(1).saturating_add(999) / 1_000).unwrap_or(u32::MAX)
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Calls allowed.
    pub(crate) calls: u32,
    /// In so many seconds.
    pub(crate) seconds: u32,
    /// Whether it is one of the operation's own.
    pub(crate) own: bool,
    /// Seconds until a call is free.
    pub(crate) frees_in: u32,
}

/// The limits of all workspaces.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// The second's and the minute's.
    workspaces: HashMap<String, (Window, Window)>,
    /// By operation, the number of its limit, and whom it counts together.
    own: HashMap<(Op, usize, String), Window>,
}

impl Limiter {
    /// Counts a call, unless a limit is reached. A call that is refused counts nowhere.
    pub(crate) fn admit(
        &mut self,
        op: Op,
        workspace: &str,
        address: &str,
        settings: &Settings,
        now: Millis,
    ) -> Result<(), Reached> {
        if !self.workspaces.contains_key(workspace) {
            let windows = (Window::new(1_000), Window::new(60_000));
            self.workspaces.insert(workspace.to_owned(), windows);
        }
        let Some((second, minute)) = self.workspaces.get_mut(workspace) else {
            return Ok(());
        };
        for (window, calls) in [
            (&mut *second, settings.requests_per_second),
            (&mut *minute, settings.requests_per_minute),
        ] {
            if window.count(now) >= calls {
                return Err(Reached {
                    calls,
                    seconds: u32::try_from(window.width / 1_000).unwrap_or(0),
                    own: false,
                    frees_in: window.frees_in(now),
                });
            }
        }
        if self.own.len() > COUNTERS_MAX {
            self.own.retain(|_, window| window.count(now) > 0);
        }
        let limits = op.facts().limits;
        let key = |n: usize, per| {
            let whom = if per == LimitPer::Address {
                address
            } else {
                workspace
            };
            (op, n, whom.to_owned())
        };
        for (n, limit) in limits.iter().enumerate() {
            let width = Millis::from(limit.window_seconds) * 1_000;
            let window = self.own.entry(key(n, limit.per));
            let window = window.or_insert_with(|| Window::new(width));
            if window.count(now) >= limit.calls {
                return Err(Reached {
                    calls: limit.calls,
                    seconds: limit.window_seconds,
                    own: true,
                    frees_in: window.frees_in(now),
                });
            }
        }
        second.hit(now);
        minute.hit(now);
        for (n, limit) in limits.iter().enumerate() {
            if let Some(window) = self.own.get_mut(&key(n, limit.per)) {
                window.hit(now);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_and_no_minute_holds_more_than_its_limit() {
        let settings = Settings::default();
        let mut limiter = Limiter::default();
        let mut admit = |now| {
            limiter
                .admit(Op::ListLeads, "w", "127.0.0.1", &settings, now)
                .is_ok()
        };
        let start = 1_000_999;
        assert_eq!((0..150).filter(|_| admit(start)).count(), 100);
        // The next second of the clock, but within a second of the calls.
        assert!(!admit(start + 999));
        let mut admitted = vec![start; 100];
        for now in (start + 1_000..start + 130_000).step_by(5) {
            admitted.extend((0..3).filter(|_| admit(now)).map(|_| now));
        }
        let most = |width| {
            let within = |from: i64| {
                admitted
                    .iter()
                    .filter(move |at| (from..from + width).contains(*at))
            };
            (start..start + 130_000)
                .step_by(250)
                .map(|from| within(from).count())
                .max()
        };
        assert_eq!(most(1_000), Some(100));
        assert_eq!(most(60_000), Some(6_000));
    }

    #[test]
    fn a_limit_of_an_operation_is_its_own() {
        let settings = Settings::default();
        let mut limiter = Limiter::default();
        let mut admit =
            |op, workspace, address| limiter.admit(op, workspace, address, &settings, 5_000_000);
        for _ in 0..20 {
            assert_eq!(admit(Op::ListEmail, "w", "a"), Ok(()));
        }
        let reached = admit(Op::ListEmail, "w", "a").unwrap_err();
        assert_eq!(
            (reached.calls, reached.seconds, reached.own),
            (20, 60, true)
        );
        assert_eq!(reached.frees_in, 60);
        assert_eq!(admit(Op::GetEmail, "w", "a"), Ok(()));
        assert_eq!(admit(Op::ListEmail, "other", "a"), Ok(()));
        // The address's limit counts over workspaces.
        for n in 0..150 {
            let workspace = if n < 75 { "x" } else { "y" };
            assert_eq!(admit(Op::InitGoogleOAuth, workspace, "b"), Ok(()));
        }
        assert!(admit(Op::InitGoogleOAuth, "z", "b").unwrap_err().own);
        assert_eq!(admit(Op::InitGoogleOAuth, "z", "c"), Ok(()));
    }

    #[test]
    fn a_peak_is_kept() {
        let mut window = Window::new(1_000);
        for at in [0, 10, 10, 999, 1_000, 5_000] {
            window.hit(at);
        }
        assert_eq!(window.peak(), 4);
        assert_eq!(window.count(5_000), 1);
    }
}
