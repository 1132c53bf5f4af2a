//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10), which Instantly's
//! own answers lack.

use std::time::Duration;

/// How one window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    /// `second`, `minute`, or the operation's own `op-1`, `op-2`; a second workspace's are
    /// `sub-second`, `sub-minute`, `sub-op-1`, `sub-op-2`.
    pub name: &'static str,
    /// Calls the window allows.
    pub quota: usize,
    /// Its length.
    pub window: Duration,
    /// Calls that it counts now.
    pub used: usize,
    /// Calls that would still fit in it now.
    pub remaining: usize,
    /// When the next call leaves it and makes room; zero when none is in it.
    pub frees_in: Duration,
}

/// How every window stands that one call is counted in. Shared by all clients of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimits {
    /// The windows.
    pub windows: Vec<WindowState>,
}

/// How a workspace's budget stands, for whoever looks after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Calls that its windows allow when nothing is cut, the short one first.
    pub budget: [usize; 2],
    /// The windows as they are.
    pub limits: RateLimits,
    /// Calls that wait for it.
    pub waiting: usize,
    /// Thousandths of the budget in use: less than 1,000 after complaints of the upstream.
    pub pace: u32,
    /// How much longer nothing goes, as the upstream asked for.
    pub shut_for: Duration,
}

impl RateLimits {
    /// The value of `RateLimit-Policy`: every window's quota and length in seconds.
    pub fn policy_header(&self) -> String {
        self.list(|out, state| {
            push(out, ";q=", state.quota as u64);
            push(out, ";w=", state.window.as_secs().max(1));
        })
    }

    /// The value of `RateLimit`: what is left in every window, and the seconds until more is.
    pub fn header(&self) -> String {
        self.list(|out, state| {
            push(out, ";r=", state.remaining as u64);
            if !state.frees_in.is_zero() {
                let whole = state.frees_in.as_secs();
                let part = u64::from(state.frees_in.subsec_nanos() > 0);
                push(out, ";t=", whole.saturating_add(part));
            }
        })
    }

    fn list(&self, item: impl Fn(&mut String, &WindowState)) -> String {
        let mut out = String::with_capacity(96);
        for (at, state) in self.windows.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push('"');
            out.push_str(state.name);
            out.push('"');
            item(&mut out, state);
        }
        out
    }
}

/// A parameter: every answer has several, and the usual way to write a number takes longer.
fn push(out: &mut String, name: &str, number: u64) {
    out.push_str(name);
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        // Below ten.
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
        used += 1;
        if left == 0 {
            break;
        }
    }
    let number = digits.get(digits.len() - used..).unwrap_or_default();
    out.push_str(str::from_utf8(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_as_the_draft_has_them() {
        let state = |name, quota, secs, remaining, frees| WindowState {
            name,
            quota,
            window: Duration::from_secs(secs),
            used: quota - remaining,
            remaining,
            frees_in: Duration::from_millis(frees),
        };
        let limits = RateLimits {
            windows: vec![
                state("second", 90, 1, 50, 300),
                state("minute", 5_400, 60, 5_400, 0),
            ],
        };
        assert_eq!(
            limits.policy_header(),
            "\"second\";q=90;w=1, \"minute\";q=5400;w=60"
        );
        assert_eq!(limits.header(), "\"second\";r=50;t=1, \"minute\";r=5400");
    }
}
