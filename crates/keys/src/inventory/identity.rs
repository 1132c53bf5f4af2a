//! Which of the listed keys one is.

use std::collections::BTreeSet;

use super::sources::{Listed, Listing};

/// A key whose id at Instantly is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// All its scopes, as Instantly spells them, where they are known for sure.
    pub scopes: Option<&'a [String]>,
    /// Whether it was seen to be a key of the workspace whose keys are listed.
    pub same_workspace: bool,
    /// Instantly's id of it, as a person says.
    pub said: Option<&'a str>,
    /// Instantly's ids of keys that are known to be others.
    pub others: &'a BTreeSet<String>,
}

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which<'a> {
    /// It is this one.
    This(&'a Listed),
    /// It may be any of these: somebody must say which.
    OneOf(Vec<&'a Listed>),
    /// None that is listed has its scopes.
    None,
    /// What was said can't be.
    NotThat(&'static str),
}

/// Singles a key out among those that are listed, by what is certain alone: it is the only one that has
/// just these scopes, the list is whole, and the key is of that workspace; or a person says so, and
/// nothing speaks against it. Names are not asked: they are not unique, and say what anybody wrote.
pub fn single_out<'a>(wanted: &Wanted<'_>, listing: &'a Listing) -> Which<'a> {
    let scopes: Option<BTreeSet<&String>> = wanted.scopes.map(|scopes| scopes.iter().collect());
    let fits = |key: &Listed| {
        let theirs: BTreeSet<&String> = key.scopes.iter().collect();
        scopes.as_ref().is_none_or(|scopes| *scopes == theirs)
    };
    if let Some(said) = wanted.said {
        if wanted.others.contains(said) {
            return Which::NotThat("that is the id of another key that Doorward holds");
        }
        return match listing.keys.iter().find(|key| key.api_key_id == said) {
            None if listing.whole => Which::NotThat("Instantly lists no key of that id"),
            None => Which::NotThat("that id was not found in the part of the list that was read"),
            Some(key) if !fits(key) => {
                Which::NotThat("the key of that id has other scopes than this one")
            }
            Some(key) => Which::This(key),
        };
    }
    let free = |key: &&Listed| !wanted.others.contains(&key.api_key_id) && fits(key);
    let candidates: Vec<&Listed> = listing.keys.iter().filter(free).collect();
    match candidates.as_slice() {
        [] => Which::None,
        [only] if listing.whole && wanted.same_workspace && scopes.is_some() => Which::This(only),
        _ => Which::OneOf(candidates),
    }
}
