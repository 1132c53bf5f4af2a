//! What an operation takes and answers.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::check::Violation;
use super::model::{Param, Shape};
use super::query;

/// The shape of an operation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OpShape {
    /// The `operationId`.
    pub id: Box<str>,
    /// Parameters in the path; all are required.
    pub path: Vec<Param>,
    /// Parameters in the query string.
    pub query: Vec<Param>,
    /// The request's body, if the operation takes one; it is always `application/json`.
    pub body: Option<BodyShape>,
    /// The documented statuses, ascending.
    pub responses: Vec<(u16, ResponseShape)>,
}

/// The shape of a request's body.
#[derive(Debug, Clone, PartialEq)]
pub struct BodyShape {
    /// Whether there must be one.
    pub required: bool,
    /// What it must be. An operation whose body must be empty has the kind `null` here.
    pub shape: Arc<Shape>,
}

/// The shape of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseShape {
    /// No body.
    Empty,
    /// `application/json`
    Json(Arc<Shape>),
    /// Another content type, taken as one string.
    Text(Box<str>),
}

impl ResponseShape {
    /// The shape of the JSON answer.
    pub fn json(&self) -> Option<&Shape> {
        match self {
            ResponseShape::Json(shape) => Some(shape),
            _ => None,
        }
    }
}

impl OpShape {
    /// Reads the decoded pairs of a query string into values of the parameters' types.
    ///
    /// A list is given by repeating the name; commas are part of a value. Names the operation does
    /// not have are left out, and parameters with a default get it.
    ///
    /// # Errors
    /// The first violation, under `querystring`.
    pub fn read_query<N: AsRef<str>, V: AsRef<str>>(
        &self,
        pairs: &[(N, V)],
    ) -> Result<Map<String, Value>, Violation> {
        query::read(&self.query, "querystring", pairs)
    }

    /// Reads the decoded parameters of the path, as `read_query` does.
    ///
    /// # Errors
    /// The first violation, under `params`.
    pub fn read_path<N: AsRef<str>, V: AsRef<str>>(
        &self,
        pairs: &[(N, V)],
    ) -> Result<Map<String, Value>, Violation> {
        query::read(&self.path, "params", pairs)
    }

    /// Checks the request's body; `None` is a request without one. An operation that documents no
    /// body takes any: what it is sent is not looked at.
    ///
    /// # Errors
    /// The first violation, under `body`.
    pub fn check_body(&self, body: Option<&Value>) -> Result<(), Violation> {
        match (&self.body, body) {
            (Some(expected), Some(value)) => expected.shape.check(value),
            (Some(expected), None) if expected.required => expected.shape.check(&Value::Null),
            _ => Ok(()),
        }
    }

    /// What an answer with this status looks like; `None` if the status is not documented.
    pub fn response(&self, status: u16) -> Option<&ResponseShape> {
        self.responses
            .iter()
            .find(|(known, _)| *known == status)
            .map(|(_, shape)| shape)
    }

    /// The documented success: status and shape.
    pub fn success(&self) -> Option<(u16, &ResponseShape)> {
        let (status, shape) = self
            .responses
            .iter()
            .find(|(status, _)| (200..300).contains(status))?;
        Some((*status, shape))
    }
}
