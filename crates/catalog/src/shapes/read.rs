//! From the outline to shapes: the grammar of a shape, and names resolved.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::format::{Format, Pattern};
use super::model::{Bounds, Field, Kind, Range, Rest, Shape};
use super::text::{Node, Place, TextError, Token, Tokens, json};

/// Reads shapes, knowing the names that all files declare.
#[derive(Default)]
pub(super) struct Reader<'a> {
    enums: HashMap<&'a str, Arc<[Value]>>,
    /// Each named shape: the rest of its line, and its node.
    named: HashMap<&'a str, (&'a str, &'a Node<'a>)>,
    done: HashMap<&'a str, Arc<Shape>>,
    /// The names being read right now, to find a shape that holds itself.
    busy: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Takes in `enum NAME` and the values below it.
    pub(super) fn declare_enum(
        &mut self,
        name: &'a str,
        node: &'a Node<'a>,
    ) -> Result<(), TextError> {
        let mut values = Vec::new();
        for line in &node.children {
            let mut tokens = Tokens::of(line.place, line.text)?;
            while tokens.peek().is_some() {
                values.push(tokens.value()?);
            }
            leaf(line)?;
        }
        let fresh = self
            .enums
            .insert(type_name(node.place, name)?, values.into())
            .is_none();
        if fresh {
            Ok(())
        } else {
            Err(node.place.error(format!("`{name}` is declared twice")))
        }
    }

    /// Takes in `type NAME: SHAPE` or `entity NAME: SHAPE`; it is read when it is first needed.
    pub(super) fn declare(
        &mut self,
        head: &'a str,
        node: &'a Node<'a>,
    ) -> Result<&'a str, TextError> {
        let Some((name, rest)) = head.split_once(": ") else {
            return Err(node.place.error("`NAME: SHAPE` expected"));
        };
        match self
            .named
            .insert(type_name(node.place, name)?, (rest, node))
        {
            None => Ok(name),
            Some(_) => Err(node.place.error(format!("`{name}` is declared twice"))),
        }
    }

    /// The shape declared under a name.
    pub(super) fn named(&mut self, place: Place<'_>, name: &str) -> Result<Arc<Shape>, TextError> {
        if let Some(shape) = self.done.get(name) {
            return Ok(shape.clone());
        }
        let Some((&name, &(text, node))) = self.named.get_key_value(name) else {
            return Err(place.error(format!("no shape is named `{name}`")));
        };
        if self.busy.contains(&name) {
            return Err(place.error(format!("`{name}` holds itself")));
        }
        self.busy.push(name);
        let mut shape = self.shape(node, text)?;
        self.busy.pop();
        shape.name = Some(name.into());
        let shape = Arc::new(shape);
        self.done.insert(name, shape.clone());
        Ok(shape)
    }

    /// Reads the shape that the rest of a line and the lines below it state.
    pub(super) fn shape(&mut self, node: &Node<'_>, text: &str) -> Result<Shape, TextError> {
        let place = node.place;
        let mut tokens = Tokens::of(place, text)?;
        let shape = self.words(place, &mut tokens, &node.children)?;
        if let Some(default) = &shape.default
            && !shape.fits(default)
        {
            return Err(place.error("the default does not fit"));
        }
        Ok(shape)
    }

    fn words(
        &mut self,
        place: Place<'_>,
        tokens: &mut Tokens<'_>,
        children: &[Node<'_>],
    ) -> Result<Shape, TextError> {
        let mut shape = self.kinds(place, tokens)?;
        while let Some(token) = tokens.next() {
            let Token::Word(word) = token else {
                return Err(place.error(format!("unexpected {token:?}")));
            };
            let on = |kind| match shape.allows(kind) {
                true => Ok(()),
                false => Err(place.error(format!("`{word}` needs the kind {}", kind.as_str()))),
            };
            match word {
                "range" => {
                    on(Kind::Integer)?;
                    let (min, max) = span(place, tokens)?;
                    shape.range = Range { min, max };
                }
                "length" => {
                    on(Kind::String)?;
                    shape.length = bounds(place, tokens)?;
                }
                "items" => {
                    on(Kind::List)?;
                    shape.items = bounds(place, tokens)?;
                }
                "fields" => {
                    on(Kind::Object)?;
                    shape.size = bounds(place, tokens)?;
                }
                "closed" => {
                    on(Kind::Object)?;
                    shape.rest = Rest::Closed;
                }
                "pattern" => {
                    on(Kind::String)?;
                    let name = tokens.word("a pattern's name")?;
                    let Some(pattern) = Pattern::parse(name) else {
                        return Err(place.error(format!("no pattern is named `{name}`")));
                    };
                    shape.pattern = Some(pattern);
                }
                "in" => shape.choices = Some(self.choices(place, tokens)?),
                "having" => {
                    on(Kind::List)?;
                    shape.having = Some(self.named(place, tokens.word("a name")?)?);
                }
                "read-only" => shape.read_only = true,
                "default" => shape.default = Some(tokens.value()?),
                "of" => {
                    on(Kind::List)?;
                    shape.item = Some(Arc::new(self.words(place, tokens, children)?));
                    return Ok(shape);
                }
                _ => return Err(place.error(format!("`{word}` means nothing here"))),
            }
        }
        self.below(&mut shape, children)?;
        Ok(shape)
    }

    /// `KIND | KIND`, or `NAME`, or `NAME | null`.
    fn kinds(&mut self, place: Place<'_>, tokens: &mut Tokens<'_>) -> Result<Shape, TextError> {
        let mut shape = Shape::default();
        let mut any = false;
        loop {
            let word = tokens.word("a kind")?;
            let kind = match word {
                "boolean" => Some(Kind::Boolean),
                "integer" => Some(Kind::Integer),
                "number" => Some(Kind::Number),
                "string" => Some(Kind::String),
                "list" => Some(Kind::List),
                "object" => Some(Kind::Object),
                "null" => Some(Kind::Null),
                "any" => {
                    any = true;
                    None
                }
                _ if word.starts_with(|c: char| c.is_ascii_uppercase()) => {
                    if shape != Shape::default() || any {
                        return Err(place.error(format!("`{word}` stands first or alone")));
                    }
                    shape = Shape::clone(&*self.named(place, word)?);
                    any = shape.kinds.is_empty();
                    None
                }
                _ => {
                    let Some(format) = Format::parse(word) else {
                        return Err(place.error(format!("no kind is named `{word}`")));
                    };
                    if shape.format.replace(format).is_some() {
                        return Err(place.error("one format at a time"));
                    }
                    Some(Kind::String)
                }
            };
            if let Some(kind) = kind {
                let null_for_named = shape.name.is_none() || kind == Kind::Null;
                if any || shape.kinds.contains(&kind) || !null_for_named {
                    return Err(place.error(format!("`{word}` adds nothing, or too much")));
                }
                shape.kinds.push(kind);
            }
            if tokens.peek() != Some(&Token::Bar) {
                return Ok(shape);
            }
            tokens.next();
        }
    }

    /// `@NAME`, or `( … )` with values and `@NAME`s.
    fn choices(
        &self,
        place: Place<'_>,
        tokens: &mut Tokens<'_>,
    ) -> Result<Arc<[Value]>, TextError> {
        let shared = |word: &str| {
            let name = word.strip_prefix('@').unwrap_or_default();
            let found = self.enums.get(name).cloned();
            found.ok_or_else(|| place.error(format!("no enum is named `{name}`")))
        };
        if let Some(Token::Word(word)) = tokens.peek() {
            let word = *word;
            tokens.next();
            return shared(word);
        }
        if tokens.next() != Some(Token::Open) {
            return Err(place.error("`@NAME` or `(` expected"));
        }
        let mut values = Vec::new();
        loop {
            match tokens.peek() {
                Some(Token::Close) if !values.is_empty() => {
                    tokens.next();
                    return Ok(values.into());
                }
                Some(Token::Word(word)) if word.starts_with('@') => {
                    let word = *word;
                    tokens.next();
                    values.extend(shared(word)?.iter().cloned());
                }
                _ => values.push(tokens.value()?),
            }
        }
    }

    /// The lines below a shape: fields, `*`, and alternatives.
    fn below(&mut self, shape: &mut Shape, children: &[Node<'_>]) -> Result<(), TextError> {
        for node in children {
            if shape.name.is_some() {
                return Err(node.place.error("a named shape is taken as it is"));
            }
            match node.text {
                "any of" => shape.any_of = self.alternatives(node)?,
                "one of" => shape.one_of = self.alternatives(node)?,
                "none of" => shape.none_of = self.alternatives(node)?,
                _ if !shape.allows(Kind::Object) => {
                    return Err(node.place.error("only an object has fields"));
                }
                _ => {
                    let field = self.field(node)?;
                    if &*field.name == "*" {
                        if !field.required || shape.rest != Rest::Open {
                            return Err(node.place.error("one `*:`, and on an open object"));
                        }
                        shape.rest = Rest::Each(field.shape);
                    } else if shape.field(&field.name).is_some() {
                        return Err(node.place.error(format!("`{}` is there twice", field.name)));
                    } else {
                        shape.fields.push(field);
                    }
                }
            }
        }
        Ok(())
    }

    fn alternatives(&mut self, node: &Node<'_>) -> Result<Vec<Arc<Shape>>, TextError> {
        if node.children.is_empty() {
            return Err(node.place.error("`- SHAPE` expected below"));
        }
        let each = |line: &Node<'_>| match line.text.strip_prefix("- ") {
            Some(text) => Ok(Arc::new(self.shape(line, text)?)),
            None => Err(line.place.error("`- SHAPE` expected")),
        };
        node.children.iter().map(each).collect()
    }

    /// `NAME: SHAPE`, or `NAME?: SHAPE` if it may be left out.
    pub(super) fn field(&mut self, node: &Node<'_>) -> Result<Field, TextError> {
        let (name, rest) = field_name(node)?;
        let (required, rest) = match rest.strip_prefix('?') {
            Some(rest) => (false, rest),
            None => (true, rest),
        };
        let Some(text) = rest.strip_prefix(": ") else {
            return Err(node.place.error("`NAME: SHAPE` or `NAME?: SHAPE` expected"));
        };
        Ok(Field {
            name,
            required,
            shape: Arc::new(self.shape(node, text)?),
        })
    }
}

fn field_name<'n>(node: &Node<'n>) -> Result<(Box<str>, &'n str), TextError> {
    if node.text.starts_with('"') {
        return match json(node.place, node.text)? {
            (Value::String(name), rest) => Ok((name.into(), rest)),
            _ => Err(node.place.error("a name expected")),
        };
    }
    let stop = |c| matches!(c, ':' | '?');
    let (name, rest) = node
        .text
        .split_at(node.text.find(stop).unwrap_or(node.text.len()));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name == "*" || (!name.is_empty() && name.chars().all(plain)) {
        Ok((name.into(), rest))
    } else {
        Err(node
            .place
            .error("a name expected; quote it if it is not of letters, digits, _ and -"))
    }
}

fn type_name<'n>(place: Place<'_>, name: &'n str) -> Result<&'n str, TextError> {
    let named = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    if named {
        Ok(name)
    } else {
        Err(place.error("a name of letters and digits, capital first"))
    }
}

/// Refuses lines below one that takes none.
pub(super) fn leaf(node: &Node<'_>) -> Result<(), TextError> {
    match node.children.first() {
        None => Ok(()),
        Some(child) => Err(child.place.error("nothing goes below the line above")),
    }
}

/// `A..B`, either end may be left out.
fn span<N: std::str::FromStr + PartialOrd>(
    place: Place<'_>,
    tokens: &mut Tokens<'_>,
) -> Result<(Option<N>, Option<N>), TextError> {
    let word = tokens.word("`A..B`")?;
    let end = |text: &str| match text {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| place.error(format!("`{text}` is no bound"))),
    };
    let Some((min, max)) = word.split_once("..") else {
        return Err(place.error("`A..B` expected"));
    };
    let (min, max): (Option<N>, Option<N>) = (end(min)?, end(max)?);
    let ordered = match (&min, &max) {
        (Some(min), Some(max)) => min <= max,
        (min, max) => min.is_some() || max.is_some(),
    };
    if ordered {
        Ok((min, max))
    } else {
        Err(place.error("a range that bounds nothing"))
    }
}

fn bounds(place: Place<'_>, tokens: &mut Tokens<'_>) -> Result<Bounds, TextError> {
    let (min, max) = span(place, tokens)?;
    Ok(Bounds { min, max })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
