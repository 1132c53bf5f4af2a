//! How long ago something was, by a clock that nobody sets: the time since the machine started.

use std::fmt;
use std::time::Duration;

/// A moment, by the machine's start and the time since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Since {
    boot: String,
    millis: u64,
}

/// Now; of no use where the system does not tell.
pub(crate) fn now() -> Since {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let boot = read("/proc/sys/kernel/random/boot_id").trim().to_owned();
    let uptime = read("/proc/uptime");
    let seconds = uptime.split(' ').next().unwrap_or_default();
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let hundredths: u64 = part.parse().unwrap_or(0);
    let millis = whole.parse::<u64>().ok().and_then(|whole| {
        let millis = whole.checked_mul(1_000)?;
        millis.checked_add(hundredths.checked_mul(10)?)
    });
    Since {
        boot,
        millis: millis.unwrap_or(0),
    }
}

impl Since {
    /// Reads what was written.
    pub(crate) fn read(text: &str) -> Self {
        let (boot, millis) = text.split_once(' ').unwrap_or_default();
        Self {
            boot: boot.to_owned(),
            millis: millis.parse().unwrap_or(u64::MAX),
        }
    }

    /// How long ago it was at the least; zero where that is not known.
    pub(crate) fn ago(&self) -> Duration {
        self.until(&now())
    }

    fn until(&self, now: &Self) -> Duration {
        if self.boot.is_empty() || self.boot != now.boot {
            return Duration::ZERO;
        }
        // The clock counts hundredths: rounded the safe way at both ends.
        let passed = now.millis.saturating_sub(self.millis);
        Duration::from_millis(passed.saturating_sub(10))
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.boot, self.millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_within_one_start_of_the_machine() {
        let since = |boot: &str, millis| Since {
            boot: boot.to_owned(),
            millis,
        };
        let then = since("a", 1_000);
        assert_eq!(Since::read(&then.to_string()), then);
        assert_eq!(then.until(&since("a", 3_000)), Duration::from_millis(1_990));
        for other in [since("b", 3_000), since("a", 500), since("", 3_000)] {
            assert_eq!(then.until(&other), Duration::ZERO);
        }
        for text in ["", "a", "a b", "a -1", "a 99999999999999999999999"] {
            assert_eq!(
                Since::read(text).until(&since("a", 3_000)),
                Duration::ZERO,
                "{text}"
            );
        }
        assert!(Since::default().until(&Since::default()).is_zero());
        assert!(now().ago() < Duration::from_secs(5));
    }
}
