//! One spelling for each document: members by their names, no white space, each string written one
//! way, each number exactly as it was sent.
//!
//! RFC 8785 makes of a number the nearest double: `1.0` and `1` become one, 10^400 nothing. Two
//! payloads that differ so are two events, so a number's text is kept. Half of a UTF-16 pair, which
//! RFC 8785 refuses, is kept as its escape: programs that cut texts in the middle of an emoji send
//! such.

use super::text;
use super::view::Object;

/// What a document may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: usize,
    /// Arrays and objects within each other, 128 at the most.
    pub depth: usize,
    /// Values, whole and within others.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 5 * 1024 * 1024,
            depth: 32,
            values: 100_000,
        }
    }
}

/// The deepest that is gone whatever the limits say.
const DEEPEST: usize = 128;

/// Why a document has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More bytes than allowed.
    #[error("it is too long")]
    TooLong,
    /// It is no text in UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It is not JSON, at this byte.
    #[error("it is not JSON at byte {0}")]
    Syntax(usize),
    /// Arrays and objects nest deeper than allowed.
    #[error("it nests too deeply")]
    TooDeep,
    /// More values than allowed.
    #[error("it has too many values")]
    TooMany,
    /// An object names a member twice: readers differ in which one counts.
    #[error("an object in it has the same name twice")]
    SameName,
}

impl Fault {
    /// A name for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotUtf8 => "not_utf8",
            Self::Syntax(_) => "not_json",
            Self::TooDeep => "too_deep",
            Self::TooMany => "too_many",
            Self::SameName => "same_name",
        }
    }
}

/// A document in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canonical<'a>(&'a [u8]);

impl<'a> Canonical<'a> {
    /// Its bytes: JSON in UTF-8.
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Its members; none when it is no object.
    pub fn object(self) -> Option<Object<'a>> {
        Object::of(self.0)
    }
}

/// Brings documents into their one spelling, one after the other, in the same memory.
#[derive(Debug, Default)]
pub struct Canonicaliser {
    out: Vec<u8>,
    members: Vec<Member>,
    moved: Vec<u8>,
}

/// Memory above this is given back after a document.
const KEPT: usize = 256 * 1024;

/// Where a member was written.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// The first bytes of its name, as a number that compares as they do.
    first: u64,
    start: usize,
    name_end: usize,
    end: usize,
}

impl Canonicaliser {
    /// Brings one document into its one spelling.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn run(&mut self, document: &[u8], limits: &Limits) -> Result<Canonical<'_>, Fault> {
        if document.len() > limits.bytes {
            return Err(Fault::TooLong);
        }
        str::from_utf8(document).map_err(|_| Fault::NotUtf8)?;
        self.out.clear();
        self.members.clear();
        if self.out.capacity() > KEPT && document.len() <= KEPT {
            *self = Self::default();
        }
        self.out.reserve(document.len());
        let mut reading = Reading {
            rest: document,
            left: limits.values,
            to: self,
        };
        let read = reading.document(limits.depth.min(DEEPEST));
        let rest = reading.rest.len();
        read.map_err(|fault| match fault {
            Fault::Syntax(_) => Fault::Syntax(document.len() - rest),
            other => other,
        })?;
        Ok(Canonical(&self.out))
    }
}

/// What is wrong where the reading stands; the place is added at the end.
const HERE: Fault = Fault::Syntax(0);

struct Reading<'d, 'c> {
    rest: &'d [u8],
    left: usize,
    to: &'c mut Canonicaliser,
}

impl Reading<'_, '_> {
    fn document(&mut self, depth: usize) -> Result<(), Fault> {
        self.space();
        self.value(depth)?;
        self.space();
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(HERE)
        }
    }

    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or(Fault::TooMany)?;
        let deeper = || depth.checked_sub(1).ok_or(Fault::TooDeep);
        match self.rest.first() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(deeper()?),
            Some(b'[') => self.array(deeper()?),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => Err(HERE),
        }
    }

    /// So many bytes stay as they are.
    fn keep(&mut self, length: usize) -> Result<(), Fault> {
        let (own, rest) = self.rest.split_at_checked(length).ok_or(HERE)?;
        self.to.out.extend_from_slice(own);
        self.rest = rest;
        Ok(())
    }

    fn mark(&mut self, mark: u8) -> Result<(), Fault> {
        match self.rest {
            [first, rest @ ..] if *first == mark => {
                self.rest = rest;
                self.to.out.push(mark);
                Ok(())
            }
            _ => Err(HERE),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Fault> {
        if self.rest.starts_with(word) {
            self.keep(word.len())
        } else {
            Err(HERE)
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let digits = |from: usize| {
            let rest = self.rest.get(from..).unwrap_or_default();
            let other = rest.iter().position(|byte| !byte.is_ascii_digit());
            from + other.unwrap_or(rest.len())
        };
        let byte = |at: usize| self.rest.get(at).copied();
        let begin = usize::from(byte(0) == Some(b'-'));
        let mut end = match byte(begin) {
            Some(b'0') => begin + 1,
            Some(b'1'..=b'9') => digits(begin),
            _ => return Err(HERE),
        };
        if byte(end) == Some(b'.') {
            let fraction = digits(end + 1);
            if fraction == end + 1 {
                return Err(HERE);
            }
            end = fraction;
        }
        if matches!(byte(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(byte(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent == end + 1 + sign {
                return Err(HERE);
            }
            end = exponent;
        }
        self.keep(end)
    }

    fn string(&mut self) -> Result<(), Fault> {
        // Most are written so already, and go over in one piece.
        let text = self.rest.strip_prefix(b"\"").ok_or(HERE)?;
        let own = text::plain(text);
        if text.get(own) == Some(&b'"') {
            return self.keep(own + 2);
        }
        self.keep(own + 1)?;
        loop {
            self.keep(text::plain(self.rest))?;
            match self.rest.first() {
                Some(b'"') => return self.mark(b'"'),
                // Written so already.
                Some(b'\\')
                    if matches!(self.rest.get(1), Some(b'"' | b'\\' | b'n' | b'r' | b't')) =>
                {
                    self.keep(2)?;
                }
                Some(b'\\') => {
                    let (what, length) = text::escaped(self.rest).ok_or(HERE)?;
                    text::write(&mut self.to.out, what);
                    self.rest = self.rest.get(length..).ok_or(HERE)?;
                }
                _ => return Err(HERE),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        self.mark(b'[')?;
        self.space();
        if self.rest.first() == Some(&b']') {
            return self.mark(b']');
        }
        loop {
            self.space();
            self.value(depth)?;
            self.space();
            match self.rest.first() {
                Some(b',') => self.mark(b',')?,
                _ => return self.mark(b']'),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Fault> {
        self.mark(b'{')?;
        self.space();
        if self.rest.first() == Some(&b'}') {
            return self.mark(b'}');
        }
        let base = self.to.members.len();
        loop {
            self.space();
            let start = self.to.out.len();
            self.string()?;
            let name_end = self.to.out.len();
            self.space();
            self.mark(b':')?;
            self.space();
            self.value(depth)?;
            self.space();
            let end = self.to.out.len();
            let name = self.to.out.get(start + 1..name_end).unwrap_or_default();
            self.to.members.push(Member {
                first: first(name),
                start,
                name_end,
                end,
            });
            match self.rest.first() {
                Some(b',') => self.mark(b',')?,
                _ => break,
            }
        }
        self.to.sort(base)?;
        self.mark(b'}')
    }
}

/// The first eight bytes of a name as a number. What is after its end counts as zero, which no
/// name holds as it is.
fn first(name: &[u8]) -> u64 {
    if let Some(word) = name.first_chunk::<8>() {
        return u64::from_be_bytes(*word);
    }
    let word = name
        .iter()
        .fold(0, |word: u64, byte| (word << 8) | u64::from(*byte));
    word.checked_shl(8 * (8 - name.len().min(8)) as u32)
        .unwrap_or(0)
}

impl Canonicaliser {
    /// Puts the members of the object that was read last into their order, and forgets where they
    /// are. They are those from `base` on.
    fn sort(&mut self, base: usize) -> Result<(), Fault> {
        let out = &self.out;
        let name = |member: &Member| out.get(member.start..member.name_end).unwrap_or_default();
        let order = |one: &Member, other: &Member| {
            one.first
                .cmp(&other.first)
                .then_with(|| name(one).cmp(name(other)))
        };
        let members = self.members.get_mut(base..).unwrap_or_default();
        let begin = members.first().map_or(0, |member| member.start);
        let sorted =
            |members: &[Member]| members.is_sorted_by(|one, next| order(one, next).is_lt());
        if !sorted(members) {
            members.sort_unstable_by(order);
            if !sorted(members) {
                return Err(Fault::SameName);
            }
            self.moved.clear();
            self.moved
                .extend_from_slice(out.get(begin..).unwrap_or_default());
            self.out.truncate(begin);
            for (at, member) in members.iter().enumerate() {
                if at > 0 {
                    self.out.push(b',');
                }
                let place = member.start - begin..member.end - begin;
                self.out
                    .extend_from_slice(self.moved.get(place).unwrap_or_default());
            }
        }
        self.members.truncate(base);
        Ok(())
    }
}
