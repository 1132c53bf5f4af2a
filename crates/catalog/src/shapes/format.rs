//! Formats and patterns of strings. The patterns are few, so each is a function; its source in the
//! vendor's notation is kept for the message.

/// A format of a string, by its JSON Schema name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 9562, hyphenated, either case.
    Uuid,
    /// `name@domain.tld` of ASCII, as ajv has it.
    Email,
    /// RFC 3339 full-date.
    Date,
    /// RFC 3339 date-time: with an offset.
    DateTime,
    /// RFC 3986 URI: with a scheme.
    Uri,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [
        Format::Uuid,
        Format::Email,
        Format::Date,
        Format::DateTime,
        Format::Uri,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Uuid => "uuid",
            Format::Email => "email",
            Format::Date => "date",
            Format::DateTime => "date-time",
            Format::Uri => "uri",
        }
    }

    /// The format of that name.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
    }

    /// Whether the text is of the format.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Format::Uuid => is_uuid(text),
            Format::Email => is_email(text),
            Format::Date => is_date(text),
            Format::DateTime => is_date_time(text).unwrap_or(false),
            Format::Uri => is_uri(text),
        }
    }

    /// A text of the format that stands for nothing.
    pub const fn blank(self) -> &'static str {
        match self {
            Format::Uuid => "00000000-0000-0000-0000-000000000000",
            Format::Email => "nobody@example.com",
            Format::Date => "1970-01-01",
            Format::DateTime => "1970-01-01T00:00:00.000Z",
            Format::Uri => "https://example.com/",
        }
    }
}

/// A pattern of a string that the vendor's document states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A time of day, `HH:MM`.
    Clock,
    /// Something else than white space.
    NotBlank,
    /// An `http` or `https` address.
    WebAddress,
    /// A uuid, stated by pattern.
    Uuid,
    /// The id of a prompt template.
    PromptId,
    /// The same, its prefix optional, or nothing.
    PromptIdOrBlank,
}

impl Pattern {
    /// Every pattern.
    pub const ALL: [Pattern; 6] = [
        Pattern::Clock,
        Pattern::NotBlank,
        Pattern::WebAddress,
        Pattern::Uuid,
        Pattern::PromptId,
        Pattern::PromptIdOrBlank,
    ];

    /// The name in the text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pattern::Clock => "clock",
            Pattern::NotBlank => "not-blank",
            Pattern::WebAddress => "web-address",
            Pattern::Uuid => "uuid",
            Pattern::PromptId => "prompt-id",
            Pattern::PromptIdOrBlank => "prompt-id-or-blank",
        }
    }

    /// The pattern of that name.
    pub fn parse(name: &str) -> Option<Pattern> {
        Pattern::ALL
            .into_iter()
            .find(|pattern| pattern.as_str() == name)
    }

    /// The regular expression (ECMA-262) of the vendor's document.
    pub const fn source(self) -> &'static str {
        match self {
            Pattern::Clock => r"^([01][0-9]|2[0-3]):([0-5][0-9])$",
            Pattern::NotBlank => r".*\S.*",
            Pattern::WebAddress => "^https?://",
            Pattern::Uuid => {
                "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
            }
            Pattern::PromptId => "^ptid_(?!ptid_)[A-Za-z0-9_-]{1,45}$",
            Pattern::PromptIdOrBlank => r"^\s*$|^(ptid_)?(?!ptid_)[A-Za-z0-9_-]{1,45}$",
        }
    }

    /// Whether the text matches.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Pattern::Clock => match text.as_bytes() {
                [h, i, b':', m, n] => {
                    let hour = matches!((h, i), (b'0' | b'1', b'0'..=b'9') | (b'2', b'0'..=b'3'));
                    hour && (b'0'..=b'5').contains(m) && n.is_ascii_digit()
                }
                _ => false,
            },
            Pattern::NotBlank => !text.chars().all(is_space),
            Pattern::WebAddress => text.starts_with("http://") || text.starts_with("https://"),
            Pattern::Uuid => is_uuid(text),
            Pattern::PromptId => text.strip_prefix("ptid_").is_some_and(is_prompt_name),
            Pattern::PromptIdOrBlank => {
                text.chars().all(is_space)
                    || is_prompt_name(text.strip_prefix("ptid_").unwrap_or(text))
            }
        }
    }

    /// A text that matches.
    pub const fn blank(self) -> &'static str {
        match self {
            Pattern::Clock => "00:00",
            Pattern::NotBlank => "-",
            Pattern::WebAddress => Format::Uri.blank(),
            Pattern::Uuid => Format::Uuid.blank(),
            Pattern::PromptId => "ptid_0",
            Pattern::PromptIdOrBlank => "",
        }
    }
}

/// `\s` of ECMA-262, which differs from Unicode's white space in two characters.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

fn is_prompt_name(text: &str) -> bool {
    let named = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-');
    (1..=45).contains(&text.len()) && text.bytes().all(named) && !text.starts_with("ptid_")
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_hexdigit(),
        })
}

fn is_email(text: &str) -> bool {
    let atom = |part: &str| {
        let of_atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&c);
        !part.is_empty() && part.bytes().all(of_atom)
    };
    let label = |part: &str| {
        let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
        !part.is_empty()
            && part.bytes().all(inner)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.split_once('@').is_some_and(|(local, domain)| {
        local.split('.').all(atom) && domain.contains('.') && domain.split('.').all(label)
    })
}

/// A decimal number of exactly so many digits.
fn digits(text: Option<&str>, count: usize) -> Option<u32> {
    let text = text?;
    let plain = text.len() == count && text.bytes().all(|c| c.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn is_date(text: &str) -> bool {
    let read = || {
        let year = digits(text.get(..4), 4)?;
        let month = digits(text.get(5..7), 2)?;
        let day = digits(text.get(8..), 2)?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let hyphens = text.get(4..5)? == "-" && text.get(7..8)? == "-";
        Some(hyphens && (1..=days).contains(&day))
    };
    read().unwrap_or(false)
}

fn is_date_time(text: &str) -> Option<bool> {
    let time = text.get(11..)?;
    let clock = |from: usize, text: &str| {
        let hour = digits(text.get(from..from + 2), 2)?;
        let minute = digits(text.get(from + 3..from + 5), 2)?;
        (text.get(from + 2..from + 3)? == ":" && hour < 24 && minute < 60)
            .then_some(hour * 60 + minute)
    };
    let minutes = clock(0, time)?;
    let second = digits(time.get(6..8), 2)?;
    let mut zone = time.get(8..)?;
    if let Some(fraction) = zone.strip_prefix('.') {
        zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if zone.len() == fraction.len() {
            return None;
        }
    }
    let offset = match (zone, zone.as_bytes().first()?) {
        ("Z" | "z", _) => 0,
        (_, b'+') if zone.len() == 6 => clock(1, zone)?,
        (_, b'-') if zone.len() == 6 => 24 * 60 - clock(1, zone)?,
        _ => return None,
    };
    // A leap second is the last of a day of UTC.
    let utc = (minutes + 24 * 60 - offset % (24 * 60)) % (24 * 60);
    let second_holds = second < 60 || (second == 60 && utc == 24 * 60 - 1);
    let separated = matches!(text.get(10..11)?, "T" | "t") && time.get(5..6)? == ":";
    Some(is_date(text.get(..10)?) && separated && second_holds)
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let of_scheme = |c: u8| c.is_ascii_alphanumeric() || b"+-.".contains(&c);
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    if !named || !scheme.bytes().all(of_scheme) {
        return false;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    is_authority(authority)
        && of_uri(path, b":@/")
        && of_uri(query, b":@/?")
        && of_uri(fragment, b":@/?")
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    let (host, port) = match host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("", port),
            _ => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port_holds = match port.strip_prefix(':') {
        Some(port) => port.bytes().all(|c| c.is_ascii_digit()),
        None => port.is_empty(),
    };
    of_uri(user, b":") && of_uri(host, b"") && port_holds
}

/// Unreserved characters, sub-delimiters, whole percent escapes and those named.
fn of_uri(text: &str, also: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(c) = bytes.next() {
        let plain = c.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&c);
        let mut escape = || {
            let mut hex = || bytes.next().is_some_and(|c| c.is_ascii_hexdigit());
            hex() && hex()
        };
        if !(plain || also.contains(&c) || (c == b'%' && escape())) {
            return false;
        }
    }
    true
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
