//! Whether a key is alive and what it may do, with the fewest reads.
//!
//! A denied call's message names all scopes of the key. So the first call is a read that almost no
//! key may make: `getEnrichmentHistory` asks for `supersearch_enrichments:read`, which no key can be
//! given, and only `all:read` or `all:all` stands in for. A key that may make it is asked for the
//! workspace's plan, to be sure, and then looked up in the list of API keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use doorward_catalog::limits::PAGE_MAX;
use doorward_catalog::wire::{ApiKey, Page};
use doorward_catalog::{Action, Op, Resource, Scope, ScopeSet};
use secrecy::{ExposeSecret, SecretString};

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::keys::Keys;
use crate::response::Response;

/// A well-formed id that nothing has.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
/// Pages of API keys that are searched.
const PAGES_MAX: usize = 10;
/// Fewest characters of a masked key that must agree with ours.
const SHOWN_MIN: usize = 6;

/// Whether a key is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Liveness {
    /// The API knows it.
    Alive,
    /// The API does not accept it: unknown, revoked or malformed.
    Dead,
    /// It can't be told.
    Unknown {
        /// Why.
        why: String,
    },
}

/// How far a probe's scopes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// They are all the key has.
    Exact,
    /// The key has at least these; it may have more.
    AtLeast,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whether the key is accepted.
    pub alive: Liveness,
    /// The key's scopes, as far as they are known to the catalog and could be found.
    pub scopes: Option<ScopeSet>,
    /// How far `scopes` goes.
    pub extent: Extent,
    /// The scopes as the API spells them, also those that the catalog does not know.
    pub raw_scopes: Vec<String>,
    /// The key's id at Instantly, when its own entry in the list of keys was found.
    pub key_id: Option<String>,
    /// Whether the workspace has no paid plan; scopes can't be found then.
    pub unpaid: bool,
    /// Whether the edge refused a call before the API saw it.
    pub edge_blocked: bool,
    /// Calls made, retries apart.
    pub calls: u32,
}

impl Client {
    /// Finds out whether the key is alive and which scopes it has. Reads only: one call for most
    /// keys, at most twelve for one that may read everything. A key that may read everything and is
    /// not to be told apart in the list of keys is reported with [`Extent::AtLeast`], since only a
    /// write could tell more.
    ///
    /// A pair has two keys: probe each through [`Client::with_key`].
    pub async fn probe(&self) -> Probe {
        let mut probe = Probe {
            alive: Liveness::Unknown {
                why: "nothing was asked".to_owned(),
            },
            scopes: None,
            extent: Extent::Exact,
            raw_scopes: Vec::new(),
            key_id: None,
            unpaid: false,
            edge_blocked: false,
            calls: 0,
        };
        let Keys::One(key) = &*self.keys else {
            probe.alive = Liveness::Unknown {
                why: "the client has two keys".to_owned(),
            };
            return probe;
        };
        // What is asked about is the key, whichever workspace this client acts on.
        let own = Client {
            workspace: None,
            ..self.clone()
        };
        own.run(&mut probe, key.expose()).await;
        probe
    }

    async fn run(&self, probe: &mut Probe, key: &str) {
        let history = Call::new(Op::GetEnrichmentHistory)
            .param(NOTHING)
            .query("limit", 1);
        // 404 and 400 are answered by what is behind the scope check, or by a server that has no
        // such path: neither proves anything yet.
        let first = self.ask(probe, &history).await;
        if first.is_final() {
            return;
        }
        let second = self
            .ask(probe, &Call::new(Op::GetWorkspacePlanDetails))
            .await;
        if second.is_final() {
            return;
        }
        let mut least = ScopeSet::EMPTY;
        if matches!(second, Step::Allowed(_)) {
            least.insert(Op::GetWorkspacePlanDetails.facts().scope);
            if matches!(first, Step::Allowed(_) | Step::Behind) {
                least = [Scope::new(Resource::All, Action::Read)]
                    .into_iter()
                    .collect();
            }
        }
        if self.look_up(probe, key, &mut least).await {
            return;
        }
        if !least.is_empty() {
            probe.extent = Extent::AtLeast;
            probe.raw_scopes = least.iter().map(|scope| scope.to_string()).collect();
            probe.scopes = Some(least);
        }
    }

    /// Looks for the key in the list of keys; whether the probe is over.
    async fn look_up(&self, probe: &mut Probe, key: &str, least: &mut ScopeSet) -> bool {
        let mut fitting: Vec<ApiKey> = Vec::new();
        let mut after = None;
        let mut whole_list = false;
        for _ in 0..PAGES_MAX {
            let call = Call::new(Op::ListAPIKey)
                .query("limit", PAGE_MAX)
                .maybe_query("starting_after", after.take());
            let response = match self.ask(probe, &call).await {
                Step::Allowed(response) => response,
                step => return step.is_final(),
            };
            if !least.covers(Op::ListAPIKey) {
                least.insert(Op::ListAPIKey.facts().scope);
            }
            let Ok(page) = response.json::<Page<ApiKey>>() else {
                return false;
            };
            let more = page.next_starting_after.filter(|cursor| !cursor.is_empty());
            whole_list = page.items.is_empty() || more.is_none();
            fitting.extend(page.items.into_iter().filter(|entry| is_ours(entry, key)));
            if whole_list {
                break;
            }
            after = more;
        }
        let sure = fitting.iter().find(|entry| is_surely_ours(entry, key));
        let Some(ours) = sure.or_else(|| {
            let complete = whole_list.then_some(fitting.as_slice())?;
            alike(complete, *least)
        }) else {
            return false;
        };
        probe.key_id = (sure.is_some() || fitting.len() == 1).then(|| self.keys.clean(&ours.id));
        let scopes = ours.scopes.iter().map(|scope| self.keys.clean(scope));
        probe.set_scopes(scopes.collect());
        true
    }

    /// Makes one call and notes what it proves.
    async fn ask(&self, probe: &mut Probe, call: &Call) -> Step {
        probe.calls += 1;
        let error = match self.send(call).await {
            Ok(response) => {
                probe.alive = Liveness::Alive;
                return Step::Allowed(response);
            }
            Err(error) => error,
        };
        match error {
            Error::WrongScope {
                found: Some(found), ..
            } => {
                probe.alive = Liveness::Alive;
                probe.set_scopes(found);
                Step::Final
            }
            Error::WrongScope { found: None, .. } | Error::Forbidden { .. } => {
                probe.alive = Liveness::Alive;
                Step::Open
            }
            Error::NoPlan { .. } => {
                probe.alive = Liveness::Alive;
                probe.unpaid = true;
                Step::Final
            }
            Error::DeadKey { .. } => {
                probe.alive = Liveness::Dead;
                Step::Final
            }
            Error::NotFound { .. } | Error::Invalid { .. } => {
                probe.doubt(&error);
                Step::Behind
            }
            Error::Server { .. } | Error::BadAnswer { .. } | Error::Refused { .. } => {
                probe.doubt(&error);
                Step::Open
            }
            error => {
                probe.edge_blocked |= matches!(error, Error::EdgeBlocked { .. });
                probe.doubt(&error);
                Step::Final
            }
        }
    }
}

/// What a call of the probe came to.
enum Step {
    /// It was answered.
    Allowed(Response),
    /// It was refused by what lies behind the scope check, if the server is the API at all.
    Behind,
    /// It says nothing of the scopes; another call may.
    Open,
    /// Nothing more is to be asked.
    Final,
}

impl Step {
    fn is_final(&self) -> bool {
        matches!(self, Step::Final)
    }
}

impl Probe {
    fn set_scopes(&mut self, raw: Vec<String>) {
        self.scopes = Some(known(&raw));
        self.extent = Extent::Exact;
        self.raw_scopes = raw;
    }

    /// Notes why liveness is not known, unless an earlier call proved it.
    fn doubt(&mut self, error: &Error) {
        if self.alive != Liveness::Alive {
            self.alive = Liveness::Unknown {
                why: error.to_string(),
            };
        }
    }
}

/// Whether an entry of the list of keys is the key of this value beyond doubt: its value is shown, or
/// its id is the one inside. A masked value proves nothing.
pub fn is_entry_of(entry: &ApiKey, key: &SecretString) -> bool {
    is_surely_ours(entry, key.expose_secret())
}

/// Whether an entry of the list of keys is another key than that of this value beyond doubt: the ends
/// that are shown of its value do not agree. Where Instantly hides values, nothing can be told so.
pub fn is_no_entry_of(entry: &ApiKey, key: &SecretString) -> bool {
    let (listed, key) = (entry.key.expose_secret(), key.expose_secret());
    let (head, tail) = shown_ends(listed);
    let agrees = match head.len() == listed.len() {
        // All that is there is shown: the whole, or an end of it.
        true => key.starts_with(listed) || key.ends_with(listed),
        false => key.starts_with(head) && key.ends_with(tail),
    };
    !agrees && !is_surely_ours(entry, key)
}

/// Whether an entry is this key beyond doubt: its value is the key, or its id is the one inside.
pub(crate) fn is_surely_ours(entry: &ApiKey, key: &str) -> bool {
    entry.key.expose_secret() == key || uuid_inside(key).is_some_and(|uuid| uuid == entry.id)
}

/// Whether an entry can be this key: also when what a masked value shows agrees with it.
fn is_ours(entry: &ApiKey, key: &str) -> bool {
    is_surely_ours(entry, key) || mask_fits(entry.key.expose_secret(), key)
}

/// Of the entries that fit, one of those that may do what was seen, if these all have its scopes.
fn alike(fitting: &[ApiKey], seen: ScopeSet) -> Option<&ApiKey> {
    let mut able = fitting.iter().filter(|entry| {
        let scopes: ScopeSet = known(&entry.scopes);
        seen.iter().all(|scope| scopes.covers_scope(scope))
    });
    let first = able.next()?;
    able.all(|other| known(&other.scopes) == known(&first.scopes))
        .then_some(first)
}

/// The scopes the catalog knows.
fn known(raw: &[String]) -> ScopeSet {
    let known = raw.iter().filter_map(|scope| Scope::parse(scope).ok());
    known.collect()
}

/// Whether a character can be a key's own, and not a mask's.
fn is_shown(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Whether a masked key, such as `MDE5…x9==` or `****x9==`, is the mask of this one.
pub(crate) fn mask_fits(masked: &str, key: &str) -> bool {
    let (head, tail) = shown_ends(masked);
    if head.len() == masked.len() {
        return false;
    }
    head.len() + tail.len() >= SHOWN_MIN
        && head.len() + tail.len() < key.len()
        && key.starts_with(head)
        && key.ends_with(tail)
}

/// What a masked value shows before its mask, and after it; all of one that has no mask, twice.
fn shown_ends(masked: &str) -> (&str, &str) {
    let head = masked.find(|c| !is_shown(c)).unwrap_or(masked.len());
    let last = masked.rfind(|c| !is_shown(c)).unwrap_or(0);
    let tail = masked.get(last..).unwrap_or_default();
    let tail = tail.trim_start_matches(|c| !is_shown(c));
    (masked.get(..head).unwrap_or_default(), tail)
}

/// The uuid that begins a decoded key.
fn uuid_inside(key: &str) -> Option<String> {
    let decoded = STANDARD_NO_PAD.decode(key.trim_end_matches('=')).ok()?;
    let uuid = decoded.get(..36)?;
    (decoded.get(36) == Some(&b':')).then(|| String::from_utf8_lossy(uuid).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_fit_by_what_they_show() {
        let key = "MDE5YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==";
        for fits in [
            "MDE5YW…dg==",
            "****R1dg==",
            "MDE5YWJj****",
            "MDE5***…***dg==",
        ] {
            assert!(mask_fits(fits, key), "{fits}");
        }
        for other in ["", "****", "…dg==", "MDE5YX…dg==", "****R2dg==", key] {
            assert!(!mask_fits(other, key), "{other}");
        }
    }

    #[test]
    fn a_mask_that_shows_another_key_is_no_entry_of_it() {
        let key = SecretString::from("MDE5YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==");
        let entry = |shown: &str| ApiKey {
            id: "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f".to_owned(),
            name: "reader".to_owned(),
            scopes: Vec::new(),
            key: doorward_catalog::wire::SecretText::new(shown.to_owned()),
            organization_id: String::new(),
            timestamp_created: String::new(),
            timestamp_updated: String::new(),
            extra: Default::default(),
        };
        for may in [
            "",
            "****",
            "MDE5YW****",
            "MDE5…dg==",
            "…dg==",
            "MDE5YW",
            "***YWJj***",
            "R1dg==",
        ] {
            assert!(!is_no_entry_of(&entry(may), &key), "{may}");
        }
        for other in ["MDE5YX****", "MDE5…dh==", "…R2dg==", "MDE5YX", "QUJD"] {
            assert!(is_no_entry_of(&entry(other), &key), "{other}");
        }
    }

    #[test]
    fn the_uuid_inside_a_key_is_found() {
        let uuid = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
        let key = doorward_catalog::UpstreamKeyFormat::compose(uuid, "aB3dE5gH7jK9");
        assert_eq!(uuid_inside(&key).as_deref(), Some(uuid));
        assert_eq!(uuid_inside("short"), None);
        assert_eq!(uuid_inside(&"A".repeat(68)), None);
    }
}
