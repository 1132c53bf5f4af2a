//! The parts of a commit or a tag.

/// The message of a commit or a tag: what follows the first empty line.
pub(crate) fn message(bytes: &[u8]) -> &[u8] {
    if bytes.first() == Some(&b'\n') {
        return bytes.get(1..).unwrap_or_default();
    }
    memchr::memmem::find(bytes, b"\n\n")
        .and_then(|at| bytes.get(at + 2..))
        .unwrap_or_default()
}

/// The lines of the head, each as its word and what follows it.
pub(crate) fn head(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    bytes
        .split(|byte| *byte == b'\n')
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let at = memchr::memchr(b' ', line)?;
            Some((line.get(..at)?, line.get(at + 1..)?))
        })
}

/// Who and when, of an `author`, `committer` or `tagger` line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Signature {
    /// The name.
    pub(crate) name: String,
    /// The address.
    pub(crate) email: String,
    /// Seconds since 1970.
    pub(crate) seconds: i64,
    /// Minutes east of Greenwich.
    pub(crate) offset: i32,
}

impl Signature {
    /// Reads `name <address> seconds +hhmm`; what is missing is empty.
    pub(crate) fn parse(line: &[u8]) -> Self {
        let (who, when) = match memchr::memrchr(b'>', line) {
            Some(at) => (
                line.get(..at).unwrap_or_default(),
                line.get(at + 1..).unwrap_or_default(),
            ),
            None => (line, &[][..]),
        };
        let (name, email) = match memchr::memchr(b'<', who) {
            Some(at) => (
                who.get(..at).unwrap_or_default(),
                who.get(at + 1..).unwrap_or_default(),
            ),
            None => (who, &[][..]),
        };
        let (seconds, offset) = time(when);
        Self {
            name: text(name),
            email: text(email),
            seconds,
            offset,
        }
    }

    /// The time as RFC 3339.
    pub(crate) fn date(&self) -> String {
        let offset = self.offset.clamp(-(23 * 60 + 59), 23 * 60 + 59);
        let local = self
            .seconds
            .saturating_add(i64::from(offset) * 60)
            .clamp(-62_135_596_800, 253_402_300_799);
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let sign = if offset < 0 { '-' } else { '+' };
        let zone = match offset.abs() {
            0 => "Z".to_owned(),
            minutes => format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        };
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    }
}

/// Seconds and zone at a line's end.
pub(crate) fn time(bytes: &[u8]) -> (i64, i32) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let mut words = text.split_ascii_whitespace();
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let zone: i32 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    (seconds, zone / 100 * 60 + zone % 100)
}

/// Year, month and day of a count of days since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Text of any encoding, bounded, with what cannot be read replaced.
pub(crate) fn text(bytes: &[u8]) -> String {
    /// The most bytes that are taken.
    const MOST: usize = 512;
    let bytes = bytes.trim_ascii();
    let kept = bytes.get(..MOST.min(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_told_in_the_zone_they_were_made_in() {
        let who = Signature::parse(b"A U Thor <a@example.com> 1112911993 -0700");
        assert_eq!(who.name, "A U Thor");
        assert_eq!(who.email, "a@example.com");
        assert_eq!(who.date(), "2005-04-07T15:13:13-07:00");
        let leap = Signature::parse(b"x <> 951782400 +0000");
        assert_eq!(leap.date(), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn nonsense_is_no_panic() {
        for line in [
            &b""[..],
            b"<",
            b">",
            b"><",
            b"a <b> 99999999999999999999 +9999",
            b"a <b> -9223372036854775808 -9999",
            b"a <b> 9223372036854775807 +2147483647",
            b"\xff <\xfe> x y",
        ] {
            Signature::parse(line).date();
        }
    }

    #[test]
    fn the_message_follows_the_head() {
        assert_eq!(message(b"tree x\n\nhello\n\nmore"), b"hello\n\nmore");
        assert_eq!(message(b"tree x\n"), b"");
        assert_eq!(message(b"\nhello"), b"hello");
    }
}
