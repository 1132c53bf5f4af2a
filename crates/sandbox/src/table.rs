//! Tables of JSON entities and their pages.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::reply::{Answer, Refusal, Reply};

/// Entities by id, in the order they were made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    rows: IndexMap<String, Value>,
}

impl Table {
    /// Puts an entity under its id, over the one that is there.
    pub(crate) fn put(&mut self, id: &str, entity: Value) {
        self.rows.insert(id.to_owned(), entity);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.rows.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.rows.get_mut(id)
    }

    /// The entity, or 404 with the kind's name.
    pub(crate) fn find(&self, id: &str, kind: &str) -> Result<&Value, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found(kind))
    }

    /// The entity to change, or 404 with the kind's name.
    pub(crate) fn find_mut(&mut self, id: &str, kind: &str) -> Result<&mut Value, Refusal> {
        self.get_mut(id).ok_or_else(|| Refusal::not_found(kind))
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Value> {
        self.rows.shift_remove(id)
    }

    /// Removes those for which `gone` holds; how many.
    pub(crate) fn remove_where(&mut self, mut gone: impl FnMut(&Value) -> bool) -> usize {
        let before = self.rows.len();
        self.rows.retain(|_, entity| !gone(entity));
        before - self.rows.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.rows.values()
    }

    /// Oldest first, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.rows.values_mut()
    }

    /// Puts them in another order.
    pub(crate) fn sort_by<K: Ord>(&mut self, key: impl Fn(&Value) -> K) {
        self.rows
            .sort_by(|_, one, _, other| key(one).cmp(&key(other)));
    }

    /// A page of the entities that `wanted` takes, newest first, with the id as cursor.
    pub(crate) fn page(&self, call: &Call, wanted: impl FnMut(&Value) -> bool) -> Answer {
        let mut wanted = wanted;
        page(
            self.iter().rev().filter(|entity| wanted(entity)),
            call,
            |entity| {
                entity
                    .get("id")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            },
        )
    }
}

/// A page in the order given: `limit` (query or body, 10 when absent) items after the one whose
/// cursor is `starting_after`. A cursor is given whenever there are items, on the last page too; one
/// that names nothing brings an empty page.
pub(crate) fn page<'a>(
    entities: impl Iterator<Item = &'a Value>,
    call: &Call,
    cursor: impl Fn(&Value) -> String,
) -> Answer {
    let asked = |name: &str| call.query.get(name).or_else(|| call.field(name));
    let limit = asked("limit")
        .and_then(Value::as_f64)
        .map_or(10, |n| n.max(0.0) as usize);
    let after = asked("starting_after")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let mut entities = entities.peekable();
    if let Some(after) = after {
        for entity in entities.by_ref() {
            if cursor(entity) == after {
                break;
            }
        }
    }
    let items: Vec<Value> = entities.take(limit).cloned().collect();
    let next = items.last().map(cursor);
    Ok(page_of(items, next))
}

/// The answer that shows a page of items and the cursor after them.
pub(crate) fn page_of(items: Vec<Value>, next: Option<String>) -> Reply {
    // Not `json!`, which would copy the items once more.
    let mut body = Map::new();
    body.insert("items".to_owned(), Value::Array(items));
    if let Some(next) = next {
        body.insert("next_starting_after".to_owned(), Value::String(next));
    }
    Reply::Json(200, Value::Object(body))
}
