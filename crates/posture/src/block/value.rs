//! A value of the block list: an address or a domain, in one form alone.

use std::fmt;

use idna::AsciiDenyList;

/// Most bytes of a value as it is written.
const WRITTEN_MAX: usize = 1_024;
/// Most bytes of a domain, of one of its labels, and of what is before the `@`.
const DOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;
const LOCAL_MAX: usize = 64;

/// Domains that many people who have nothing to do with each other have addresses at.
const SHARED: [&str; 26] = [
    "163.com",
    "aol.com",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "qq.com",
    "web.de",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// An address or a domain that is never written to: lower case, a domain of other letters as it
/// stands in DNS (`xn--…`), nothing around it. Two values that mean the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockValue(String);

/// Why a text is no value of the block list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// Nothing is there.
    #[error("it is empty; write an address like ann@example.com or a domain like example.com")]
    Empty,
    /// It is a web address.
    #[error("it is a web address; write the domain alone, like example.com")]
    Url,
    /// It stands for many domains.
    #[error("'*' stands for nothing here; write each domain, like example.com")]
    Wildcard,
    /// It has no dot.
    #[error(
        "a domain has a dot in it, like example.com; a whole top-level domain can't be blocked"
    )]
    NoDot,
    /// It is an IP address.
    #[error("it is an IP address; the block list has domains and mail addresses")]
    Ip,
    /// It is too long.
    #[error(
        "it is too long: a domain has 253 characters at most, each part 63, and before the @ 64"
    )]
    Long,
    /// The part before the `@` is none.
    #[error("what is before the @ is no name of a mailbox")]
    Local,
    /// The domain is none.
    #[error("its domain has characters or parts that no domain has")]
    Domain,
    /// It has more than one `@`.
    #[error("it has more than one @; write one address a line")]
    At,
}

impl BlockValue {
    /// Reads a value as people write it. `@example.com` is the domain.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, BlockFault> {
        let text = text.trim().trim_end_matches('.');
        if text.is_empty() || text == "@" {
            return Err(BlockFault::Empty);
        }
        if text.len() > WRITTEN_MAX {
            return Err(BlockFault::Long);
        }
        if text.contains("://") || text.contains('/') {
            return Err(BlockFault::Url);
        }
        if text.contains('*') {
            return Err(BlockFault::Wildcard);
        }
        match text.split_once('@') {
            None | Some(("", _)) => Ok(Self(domain(text.trim_start_matches('@'))?)),
            Some((_, rest)) if rest.contains('@') => Err(BlockFault::At),
            Some((local, host)) => {
                let local = mailbox(local)?;
                let host = domain(host)?;
                Ok(Self(format!("{local}@{host}")))
            }
        }
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a domain rather than an address.
    pub fn is_domain(&self) -> bool {
        !self.0.contains('@')
    }

    /// Its domain: the value itself, or what is behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or(&self.0, |(_, host)| host)
    }

    /// Whether it is a domain where many people who have nothing to do with each other have
    /// addresses, like gmail.com: blocking it blocks them all.
    pub fn is_shared(&self) -> bool {
        SHARED.binary_search(&self.as_str()).is_ok()
    }

    /// The value as text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for BlockValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn mailbox(text: &str) -> Result<String, BlockFault> {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c) || is_letter_beyond(c)
    };
    if text.len() > LOCAL_MAX {
        return Err(BlockFault::Long);
    }
    let dots = text.starts_with('.') || text.ends_with('.') || text.contains("..");
    if text.is_empty() || dots || !text.chars().all(plain) {
        return Err(BlockFault::Local);
    }
    Ok(text.to_lowercase())
}

/// A letter or digit of another writing.
fn is_letter_beyond(c: char) -> bool {
    !c.is_ascii() && c.is_alphanumeric()
}

fn domain(text: &str) -> Result<String, BlockFault> {
    let ascii = match is_plain(text) {
        true => text.to_ascii_lowercase(),
        false => idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::STD3)
            .map_err(|_| BlockFault::Domain)?
            .into_owned(),
    };
    if ascii.len() > DOMAIN_MAX {
        return Err(BlockFault::Long);
    }
    if ascii.parse::<std::net::Ipv4Addr>().is_ok() || ascii.starts_with('[') {
        return Err(BlockFault::Ip);
    }
    let (_, last) = ascii.rsplit_once('.').ok_or(BlockFault::NoDot)?;
    for label in ascii.split('.') {
        if label.len() > LABEL_MAX {
            return Err(BlockFault::Long);
        }
        let edges = label.starts_with('-') || label.ends_with('-');
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if label.is_empty() || edges || !label.bytes().all(fits) {
            return Err(BlockFault::Domain);
        }
    }
    match last.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Err(BlockFault::Domain),
        false => Ok(ascii),
    }
}

/// Whether nothing but the case is to be changed: of most domains.
fn is_plain(text: &str) -> bool {
    let beyond = |label: &str| label.get(2..4) == Some("--");
    text.is_ascii() && !text.split('.').any(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        for (written, is) in [
            (" Rival.COM ", "rival.com"),
            ("rival.com.", "rival.com"),
            ("@Rival.com", "rival.com"),
            ("Ann.Lee+x@Rival.COM", "ann.lee+x@rival.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("jörg@Bücher.example", "jörg@xn--bcher-kva.example"),
            ("ｒｉｖａｌ.example", "rival.example"),
            ("o'hara@a-b.co.uk", "o'hara@a-b.co.uk"),
        ] {
            assert_eq!(
                BlockValue::parse(written).map(BlockValue::into_string),
                Ok(is.to_owned()),
                "{written}"
            );
        }
    }

    #[test]
    fn what_is_none_is_told_why() {
        use BlockFault::*;
        let long = format!("{}.com", "a".repeat(64));
        let local = format!("{}@a.com", "a".repeat(65));
        for (written, why) in [
            ("", Empty),
            ("  ", Empty),
            ("@", Empty),
            (".", Empty),
            ("https://rival.com/x", Url),
            ("rival.com/", Url),
            ("*.rival.com", Wildcard),
            ("com", NoDot),
            ("ann@com", NoDot),
            ("10.0.0.1", Ip),
            (&long, Long),
            (&local, Long),
            ("a b@rival.com", Local),
            (".a@rival.com", Local),
            ("a\u{200b}@rival.com", Local),
            ("a..b@rival.com", Local),
            ("\"a b\"@rival.com", Local),
            ("ann@ri val.com", Domain),
            ("-rival.com", Domain),
            ("rival..com", Domain),
            ("rival_x.com", Domain),
            ("rival.123", Domain),
            ("a@b@c.com", At),
            ("a.com,b.com", Domain),
            ("rival.com\u{202e}", Domain),
        ] {
            assert_eq!(BlockValue::parse(written), Err(why), "{written}");
        }
    }

    #[test]
    fn shared_domains_are_known_and_in_order() {
        assert!(SHARED.is_sorted());
        let shared = |text| BlockValue::parse(text).unwrap().is_shared();
        assert!(shared("GMail.com") && shared("web.de"));
        assert!(!shared("ann@gmail.com") && !shared("rival.com"));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_a_value_stays_what_it_is(text in "\\PC{0,40}") {
            if let Ok(value) = BlockValue::parse(&text) {
                prop_assert_eq!(BlockValue::parse(value.as_str()), Ok(value.clone()));
                prop_assert!(!value.as_str().contains(char::is_whitespace));
            }
        }

        #[test]
        fn case_never_matters(text in "[a-zA-Z]{1,8}(@[a-zA-Z]{1,8})?\\.[a-zA-Z]{2,4}") {
            let upper = BlockValue::parse(&text.to_uppercase());
            prop_assert_eq!(upper, BlockValue::parse(&text.to_lowercase()));
        }
    }
}
