//! All the text, read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::Shape;
use super::op::{BodyShape, OpShape, ResponseShape};
use super::read::{Reader, leaf};
use super::text::{Node, TextError, Tokens, outline};

/// Every operation and every entity.
#[derive(Debug, Default)]
pub struct Book {
    ops: BTreeMap<Box<str>, OpShape>,
    entities: BTreeMap<Box<str>, Arc<Shape>>,
}

impl Book {
    /// Reads files, each a name and a text. A name declared in one may be used in all.
    ///
    /// # Errors
    /// The first fault, with its file and line.
    pub fn read(files: &[(&str, &str)]) -> Result<Book, TextError> {
        let mut outlines = Vec::new();
        for (file, text) in files {
            outlines.extend(outline(file, text)?);
        }
        let mut reader = Reader::default();
        let (mut ops, mut named) = (Vec::new(), Vec::new());
        for node in &outlines {
            match node.text.split_once(' ') {
                Some(("enum", name)) => reader.declare_enum(name, node)?,
                Some(("type", head)) => named.push((node, reader.declare(head, node)?, false)),
                Some(("entity", head)) => named.push((node, reader.declare(head, node)?, true)),
                Some(("op", id)) => ops.push((node, id)),
                _ => {
                    return Err(node
                        .place
                        .error("`enum`, `type`, `entity` or `op` expected"));
                }
            }
        }
        let mut book = Book::default();
        for (node, name, is_entity) in named {
            let shape = reader.named(node.place, name)?;
            if is_entity {
                book.entities.insert(name.into(), shape);
            }
        }
        for (node, id) in ops {
            if book
                .ops
                .insert(id.into(), read_op(&mut reader, node, id)?)
                .is_some()
            {
                return Err(node.place.error(format!("`{id}` is there twice")));
            }
        }
        Ok(book)
    }

    /// The operation with this `operationId`.
    pub fn op(&self, id: &str) -> Option<&OpShape> {
        self.ops.get(id)
    }

    /// Every operation, by `operationId`.
    pub fn ops(&self) -> impl Iterator<Item = &OpShape> {
        self.ops.values()
    }

    /// The entity of that name.
    pub fn entity(&self, name: &str) -> Option<&Shape> {
        self.entities.get(name).map(|shape| &**shape)
    }

    /// Every entity, by name.
    pub fn entities(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.entities
            .iter()
            .map(|(name, shape)| (&**name, &**shape))
    }
}

fn read_op(reader: &mut Reader<'_>, node: &Node<'_>, id: &str) -> Result<OpShape, TextError> {
    let mut op = OpShape {
        id: id.into(),
        ..OpShape::default()
    };
    for line in &node.children {
        let (head, text) = line.text.split_once(": ").unwrap_or((line.text, ""));
        match head {
            "path" | "query" if text.is_empty() => {
                let params: Result<Vec<_>, _> = line
                    .children
                    .iter()
                    .map(|param| reader.field(param))
                    .collect();
                *(if head == "path" {
                    &mut op.path
                } else {
                    &mut op.query
                }) = params?;
            }
            "body" | "body?" => {
                let shape = Arc::new(reader.shape(line, text)?);
                op.body = Some(BodyShape {
                    required: head == "body",
                    shape,
                });
            }
            _ if head.starts_with("fails ") => {
                leaf(line)?;
                let mut tokens = Tokens::of(line.place, head)?;
                tokens.next();
                while tokens.peek().is_some() {
                    let status = tokens.word("a status")?;
                    let shape = reader.named(line.place, &format!("Error{status}"))?;
                    respond(&mut op, line, status, ResponseShape::Json(shape))?;
                }
            }
            _ => {
                let (status, content) = match head.split_once(' ') {
                    Some((status, content)) => (status, Some(content)),
                    None => (head, None),
                };
                let response = match (content, text) {
                    (None, "") => ResponseShape::Empty,
                    (None, text) => ResponseShape::Json(Arc::new(reader.shape(line, text)?)),
                    (Some(content), "string") => ResponseShape::Text(content.into()),
                    _ => return Err(line.place.error("`STATUS CONTENT-TYPE: string` expected")),
                };
                if !matches!(response, ResponseShape::Json(_)) {
                    leaf(line)?;
                }
                respond(&mut op, line, status, response)?;
            }
        }
    }
    op.responses.sort_by_key(|(status, _)| *status);
    Ok(op)
}

fn respond(
    op: &mut OpShape,
    line: &Node<'_>,
    status: &str,
    response: ResponseShape,
) -> Result<(), TextError> {
    let Some(status) = status
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
    else {
        return Err(line
            .place
            .error(format!("`{status}` is no part of an operation")));
    };
    if op.response(status).is_some() {
        return Err(line.place.error(format!("{status} is there twice")));
    }
    op.responses.push((status, response));
    Ok(())
}
