//! People: random subject ids, their keys, and how they are found and forgotten.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_ledger::{LeafId, Sealed, SubjectId, SubjectKey};
use doorward_policy::Timestamp;
use doorward_store::{Store, SubjectRow};

use crate::error::Result;
use crate::keyring::Keyring;
use crate::random::random;

/// Most keys held in memory; the store has them all.
const CACHED: usize = 20_000;
/// Most people whose keys are found at once.
const NEAR: usize = 4_096;
/// Most bytes of a value that stands for a person.
pub const PERSON_MAX: usize = 320;

const MAILTO: &str = "mailto:";

/// What kind of value stands for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonKind {
    /// An e-mail address: in lower case, without the name beside it.
    Email,
    /// An IP address.
    Ip,
    /// Somebody who administers Doorward, by the account of the operating system.
    Admin,
    /// A user of a client, as the client names it.
    Actor,
    /// A client: for what is sealed and about nobody in particular.
    Client,
}

impl PersonKind {
    /// Its name, as in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Ip => "ip",
            Self::Admin => "admin",
            Self::Actor => "actor",
            Self::Client => "client",
        }
    }
}

/// A value that stands for a person. It never gets into the ledger in clear.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Person {
    kind: PersonKind,
    value: Value,
}

/// The value. An address is kept as such: each call has one, and it is seldom needed as text.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Value {
    Text(String),
    Address(IpAddr),
}

impl Person {
    /// A value of a known kind; what is beyond [`PERSON_MAX`] bytes is cut off.
    pub fn new(kind: PersonKind, value: &str) -> Self {
        let value = match kind {
            PersonKind::Email => address_in(value).unwrap_or(value.trim()),
            _ => value,
        };
        let mut end = value.len().min(PERSON_MAX);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = value.get(..end).unwrap_or_default();
        let value = match kind {
            PersonKind::Email => Value::Text(value.to_lowercase()),
            // Whoever was recorded at an address is found by its text.
            PersonKind::Ip => match value.parse::<IpAddr>() {
                Ok(address) if address.to_canonical().to_string() == value => {
                    Value::Address(address.to_canonical())
                }
                _ => Value::Text(value.to_owned()),
            },
            _ => Value::Text(value.to_owned()),
        };
        Self { kind, value }
    }

    /// A user's name as somebody gives it: an e-mail address when there is one in it, so that
    /// `Ann <ann@example.com>` is forgotten when `ann@example.com` is.
    pub fn named(text: &str) -> Self {
        match address_in(text) {
            Some(address) => Self::new(PersonKind::Email, address),
            None => Self::new(PersonKind::Actor, text.trim()),
        }
    }

    /// Whoever calls from an address.
    pub fn at(address: IpAddr) -> Self {
        Self {
            kind: PersonKind::Ip,
            value: Value::Address(address.to_canonical()),
        }
    }

    /// The value, in clear.
    pub fn value(&self) -> Cow<'_, str> {
        match &self.value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Address(address) => Cow::Owned(address.to_string()),
        }
    }

    /// What `use_it` makes of the value, in clear.
    pub(crate) fn with_value<T>(&self, use_it: impl FnOnce(&str) -> T) -> T {
        let mut room = [0; 15];
        match &self.value {
            Value::Text(text) => use_it(text),
            Value::Address(IpAddr::V4(address)) => use_it(quad(*address, &mut room)),
            Value::Address(address) => use_it(&address.to_string()),
        }
    }
}

/// An address as the library writes it, which takes several times as long.
fn quad(address: Ipv4Addr, room: &mut [u8; 15]) -> &str {
    let mut rest = room.as_mut_slice();
    for (at, part) in address.octets().into_iter().enumerate() {
        let digits = [part / 100, part / 10 % 10, part % 10].map(|digit| b'0' + digit);
        let from = usize::from(part < 100) + usize::from(part < 10);
        let dot = if at > 0 { &b"."[..] } else { &[] };
        for byte in dot.iter().chain(digits.get(from..).unwrap_or_default()) {
            if let Some((first, others)) = std::mem::take(&mut rest).split_first_mut() {
                *first = *byte;
                rest = others;
            }
        }
    }
    let length = 15 - rest.len();
    str::from_utf8(room.get(..length).unwrap_or_default()).unwrap_or_default()
}

/// The one e-mail address in a text, however it is written beside a name (RFC 5322, 3.4).
fn address_in(text: &str) -> Option<&str> {
    let beside = |c: char| c.is_whitespace() || "<>()[],;\"'".contains(c);
    let mut addresses = text.split(beside).filter_map(|word| {
        let word = match word.split_at_checked(MAILTO.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(MAILTO) => rest,
            _ => word,
        };
        let word = word.trim_end_matches('.');
        let (name, host) = word.rsplit_once('@')?;
        (!name.is_empty() && host.contains('.')).then_some(word)
    });
    let address = addresses.next()?;
    addresses.next().is_none().then_some(address)
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.kind.as_str())
    }
}

/// What a sealed value says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsealed {
    /// The value.
    Value(Vec<u8>),
    /// The person was erased: nobody can read it any more.
    Erased,
    /// It does not open, though there is a key: it was not made for this place.
    Unreadable,
}

impl Cache {
    /// Keeps the key of somebody in memory where it is found at once.
    fn brings_near(&mut self, person: &Person, key: &Arc<SubjectKey>) {
        if self.near.len() >= NEAR {
            self.near.clear();
        }
        self.near.insert(person.clone(), Arc::clone(key));
    }
}

/// Finds people's keys and makes new ones. Keys are durable in the store before anything is sealed
/// under them.
pub(crate) struct People {
    store: Arc<dyn Store>,
    keyring: Keyring,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    by_index: HashMap<[u8; 32], Arc<SubjectKey>>,
    /// The keys of those of late: a keyed hash, by which the others are found, takes longer than to
    /// look here. Forgotten with each erasure.
    near: HashMap<Person, Arc<SubjectKey>>,
    /// Somebody whose key is about to be made.
    expected: HashSet<[u8; 32]>,
    /// Moves with each erasure: a key read from the store before one is not cached after it.
    erasures: u64,
}

impl People {
    pub(crate) fn new(store: Arc<dyn Store>, keyring: Keyring) -> Self {
        Self {
            store,
            keyring,
            cache: Mutex::default(),
        }
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self, person: &Person) -> [u8; 32] {
        let kind = person.kind.as_str();
        person.with_value(|value| self.keyring.index(kind, value))
    }

    /// The person's key if it is in memory.
    pub(crate) fn at_hand(&self, person: &Person) -> Option<Arc<SubjectKey>> {
        if let Some(key) = self.cache().near.get(person) {
            return Some(Arc::clone(key));
        }
        let index = self.index(person);
        let mut cache = self.cache();
        let key = Arc::clone(cache.by_index.get(&index)?);
        cache.brings_near(person, &key);
        Some(key)
    }

    /// Whether the person's key is in memory or about to be.
    pub(crate) fn is_at_hand(&self, person: &Person) -> bool {
        if self.cache().near.contains_key(person) {
            return true;
        }
        let index = self.index(person);
        let mut cache = self.cache();
        match cache.by_index.get(&index).map(Arc::clone) {
            Some(key) => {
                cache.brings_near(person, &key);
                true
            }
            None => cache.expected.contains(&index),
        }
    }

    /// Takes note that the person's key is about to be made.
    pub(crate) fn expect(&self, person: &Person) {
        let index = self.index(person);
        let mut cache = self.cache();
        if cache.expected.len() >= CACHED {
            // Those whose acts came to nothing.
            cache.expected.clear();
        }
        cache.expected.insert(index);
    }

    /// The person's key, a new one if there is none. Blocks.
    pub(crate) fn key(&self, person: &Person, now: Timestamp) -> Result<Arc<SubjectKey>> {
        if let Some(key) = self.at_hand(person) {
            return Ok(key);
        }
        let index = self.index(person);
        let erasures = {
            let cache = self.cache();
            if let Some(key) = cache.by_index.get(&index) {
                return Ok(Arc::clone(key));
            }
            cache.erasures
        };
        let row = match self.store.subject_by_index(&index)? {
            Some(row) => row,
            None => {
                let id: [u8; 16] = random()?;
                let wrapped_key = self.keyring.wrap(&id, &random()?)?;
                let kind = person.kind.as_str().to_owned();
                let new = SubjectRow {
                    id,
                    index,
                    kind,
                    wrapped_key,
                };
                self.store.add_subject(&new, now)?
            }
        };
        let key = Arc::new(self.unwrapped(&row)?);
        let mut cache = self.cache();
        cache.expected.remove(&index);
        if cache.erasures == erasures {
            if cache.by_index.len() >= CACHED {
                // Seldom, and the store has them.
                cache.by_index.clear();
                cache.near.clear();
            }
            cache.by_index.insert(index, Arc::clone(&key));
        }
        Ok(key)
    }

    fn unwrapped(&self, row: &SubjectRow) -> Result<SubjectKey> {
        let key = self.keyring.unwrap(&row.id, &row.wrapped_key)?;
        Ok(SubjectKey::new(SubjectId::from_random(row.id), &key))
    }

    /// The subject that stands for a person, if there is one. Blocks.
    pub(crate) fn find(&self, person: &Person) -> Result<Option<SubjectId>> {
        let row = self.store.subject_by_index(&self.index(person))?;
        Ok(row.map(|row| SubjectId::from_random(row.id)))
    }

    /// Opens a sealed value. Blocks.
    pub(crate) fn open(&self, leaf: LeafId, field: &str, sealed: &Sealed) -> Result<Unsealed> {
        let Some(row) = self.store.subject(sealed.subject.as_bytes())? else {
            return Ok(Unsealed::Erased);
        };
        Ok(match self.unwrapped(&row)?.open(leaf, field, sealed) {
            Ok(value) => Unsealed::Value(value.to_vec()),
            Err(_) => Unsealed::Unreadable,
        })
    }

    /// Destroys a subject's key and index entry; whether there was one. Blocks.
    pub(crate) fn erase(&self, subject: SubjectId) -> Result<bool> {
        let erased = self.store.erase_subject(subject.as_bytes());
        let mut cache = self.cache();
        cache.erasures += 1;
        cache.by_index.retain(|_, key| key.subject() != subject);
        cache.near.clear();
        Ok(erased?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_one_person_however_it_is_written() {
        let ann = Person::named("ann@example.com");
        for text in [
            " Ann@Example.COM ",
            "Ann <ann@example.com>",
            "<ann@example.com>",
            "\"Ann\" <ann@example.com>",
            "ann@example.com (Ann)",
            "MAILTO:ann@example.com",
            "ann@example.com.",
        ] {
            assert!(Person::named(text) == ann, "{text}");
            assert!(Person::new(PersonKind::Email, text) == ann, "{text}");
        }
        for text in ["Ann", "ann@", "@example.com", "a@b", "a@b.org c@d.org", "@"] {
            let person = Person::named(text);
            assert_eq!((person.kind, &*person.value()), (PersonKind::Actor, text));
        }
    }

    proptest! {
        #[test]
        fn what_was_found_is_found_again(text in ".{0,40}@?.{0,40}") {
            let person = Person::named(&text);
            let again = Person::new(person.kind, &person.value());
            prop_assert!(again == person);
        }

        #[test]
        fn an_address_is_one_person_as_such_and_as_text(bits in any::<u32>(), wide in any::<u128>()) {
            for address in [
                IpAddr::from(Ipv4Addr::from(bits)),
                IpAddr::from(Ipv4Addr::from(bits & 0x0f00_6301)),
                IpAddr::from(std::net::Ipv6Addr::from(wide)),
                IpAddr::from(Ipv4Addr::from(bits).to_ipv6_mapped()),
            ] {
                let text = address.to_canonical().to_string();
                let person = Person::at(address);
                prop_assert!(person == Person::new(PersonKind::Ip, &text));
                prop_assert_eq!(&*person.value(), text.as_str());
                person.with_value(|value| assert_eq!(value, text));
            }
        }
    }
}
