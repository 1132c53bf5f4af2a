//! A call that passed authentication, scope check and validation.

use doorward_catalog::Op;
use serde_json::{Map, Value};

/// A validated call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Which operation.
    pub(crate) op: Op,
    /// The path parameter, decoded; empty when the path has none.
    pub(crate) param: String,
    /// The query, each value coerced to its documented type.
    pub(crate) query: Map<String, Value>,
    /// The body; `null` when there is none.
    pub(crate) body: Value,
    /// The caller's address.
    pub(crate) address: String,
    /// The caller's user agent.
    pub(crate) user_agent: Option<String>,
}

impl Call {
    /// A text of the query.
    pub(crate) fn query_text(&self, name: &str) -> Option<&str> {
        self.query.get(name)?.as_str()
    }

    /// A flag of the query.
    pub(crate) fn query_flag(&self, name: &str) -> Option<bool> {
        self.query.get(name)?.as_bool()
    }

    /// A number of the query.
    pub(crate) fn query_number(&self, name: &str) -> Option<f64> {
        self.query.get(name)?.as_f64()
    }

    /// Texts of the query: an array, or a text parted by commas.
    pub(crate) fn query_list(&self, name: &str) -> Option<Vec<String>> {
        texts(self.query.get(name)?)
    }

    /// A field of the body; `null` counts as absent.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    /// A text of the body.
    pub(crate) fn field_text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// A flag of the body.
    pub(crate) fn field_flag(&self, name: &str) -> Option<bool> {
        self.field(name)?.as_bool()
    }

    /// Texts of the body.
    pub(crate) fn field_list(&self, name: &str) -> Option<Vec<String>> {
        texts(self.field(name)?)
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => Some(
            items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
        ),
        Value::String(text) => Some(
            text.split(',')
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        _ => None,
    }
}
