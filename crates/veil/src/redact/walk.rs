//! Goes over a document once, and copies what may pass.

use std::borrow::Cow;

use super::cover::cover;
use super::json::Cursor;
use super::rules::Action;
use super::{DEPTH_MAX, Redactor};
use crate::VeilError;

pub(super) struct Walk<'a> {
    redactor: &'a Redactor,
    never: &'static [&'static str],
    json: Cursor<'a>,
    out: Vec<u8>,
    /// Up to where the document was copied or left out.
    done: usize,
    /// Within a value that is left out nothing is written.
    is_quiet: bool,
    /// The places of pointers that the values being gone over are at, innermost last.
    active: Vec<u32>,
}

enum Step<'n> {
    Name(&'n [u8]),
    Item(usize),
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        redactor: &'a Redactor,
        never: &'static [&'static str],
        text: &'a str,
    ) -> Walk<'a> {
        Walk {
            redactor,
            never,
            json: Cursor { text, at: 0 },
            out: Vec::with_capacity(text.len()),
            done: 0,
            is_quiet: false,
            // Without pointers there is nothing to follow.
            active: if redactor.nodes.len() > 1 {
                vec![0]
            } else {
                Vec::new()
            },
        }
    }

    pub(super) fn run(mut self) -> Result<Vec<u8>, VeilError> {
        let action = self.redactor.nodes.first().and_then(|root| root.action);
        self.json.space();
        if action == Some(Action::Drop) {
            self.leave_out(0)?;
            self.skip_from(0);
            self.out.extend_from_slice(b"null");
        } else {
            self.value(0, action, 0)?;
        }
        self.json.space();
        if self.json.peek().is_some() {
            return Err(self.json.fault());
        }
        self.copy_to(self.json.at);
        Ok(self.out)
    }

    fn copy_to(&mut self, to: usize) {
        if !self.is_quiet {
            let part = self.json.text.get(self.done..to).unwrap_or("");
            self.out.extend_from_slice(part.as_bytes());
            self.done = to;
        }
    }

    /// Leaves the part up to here out.
    fn skip_from(&mut self, from: usize) {
        self.copy_to(from);
        if !self.is_quiet {
            self.done = self.json.at;
        }
    }

    /// Goes over a value of which nothing passes, not even what stands before it from there.
    fn leave_out(&mut self, depth: usize) -> Result<(), VeilError> {
        let was = std::mem::replace(&mut self.is_quiet, true);
        let from = self.active.len();
        self.value(depth, None, from)?;
        self.is_quiet = was;
        Ok(())
    }

    /// Goes over a value; `from` is where its places begin in `active`.
    fn value(
        &mut self,
        depth: usize,
        action: Option<Action>,
        from: usize,
    ) -> Result<(), VeilError> {
        if depth > DEPTH_MAX {
            return Err(VeilError::TooDeep(DEPTH_MAX));
        }
        let start = self.json.at;
        match self.json.peek() {
            Some(b'{') => self.object(depth, action, from),
            Some(b'[') => self.list(depth, action, from),
            Some(b'"') => {
                self.json.string()?;
                self.replace(start, action, true)
            }
            Some(b'-' | b'0'..=b'9') => {
                self.json.number()?;
                self.replace(start, action, false)
            }
            Some(b'n') => self.json.literal("null"),
            Some(first) => {
                let word = if first == b't' { "true" } else { "false" };
                self.json.literal(word)?;
                if action.is_some() {
                    self.skip_from(start);
                    self.write_null();
                }
                Ok(())
            }
            None => Err(self.json.fault()),
        }
    }

    fn replace(
        &mut self,
        start: usize,
        action: Option<Action>,
        is_string: bool,
    ) -> Result<(), VeilError> {
        let (Some(action), false) = (action, self.is_quiet) else {
            return Ok(());
        };
        let raw = self.json.text.get(start..self.json.at).unwrap_or("");
        let text = if is_string {
            self.plain(start, raw, raw.contains('\\'))?
        } else {
            Cow::Borrowed(raw)
        };
        self.skip_from(start);
        cover(&text, is_string, action, &self.redactor.key, &mut self.out);
        Ok(())
    }

    fn write_null(&mut self) {
        if !self.is_quiet {
            self.out.extend_from_slice(b"null");
        }
    }

    /// What a string with its quotes means.
    fn plain(&self, start: usize, raw: &'a str, escaped: bool) -> Result<Cow<'a, str>, VeilError> {
        if escaped {
            // A lone surrogate is JSON by the grammar, and means no text: refused.
            return serde_json::from_str(raw)
                .map(Cow::Owned)
                .map_err(|_| VeilError::NotJson(start));
        }
        Ok(Cow::Borrowed(raw.get(1..raw.len() - 1).unwrap_or("")))
    }

    /// What the name of a member means, that ends here.
    #[inline]
    fn name(&self, start: usize, escaped: bool) -> Result<Cow<'a, [u8]>, VeilError> {
        let end = self.json.at;
        if escaped {
            let raw = self.json.text.get(start..end).unwrap_or("");
            let plain = self.plain(start, raw, true)?;
            return Ok(Cow::Owned(plain.into_owned().into_bytes()));
        }
        let bytes = self.json.text.as_bytes().get(start + 1..end - 1);
        Ok(Cow::Borrowed(bytes.unwrap_or(&[])))
    }

    /// The places a step leads to, added to `active`, and what is done there.
    fn step(&mut self, from: usize, step: &Step<'_>) -> Option<Action> {
        let (to, mut action) = (self.active.len(), None);
        for at in from..to {
            let node = self
                .active
                .get(at)
                .and_then(|node| self.redactor.nodes.get(*node as usize));
            let Some(node) = node else { continue };
            let named = node.named.iter().find(|(name, _)| match step {
                Step::Name(wanted) => name.as_bytes() == *wanted,
                Step::Item(item) => {
                    name.parse() == Ok(*item) && (**name == *"0" || !name.starts_with(['0', '+']))
                }
            });
            for child in named.map(|(_, child)| *child).into_iter().chain(node.any) {
                let reached = self.redactor.nodes.get(child as usize);
                action = action.max(reached.and_then(|node| node.action));
                self.active.push(child);
            }
        }
        action
    }

    #[inline]
    fn by_name(&self, name: &[u8]) -> Option<Action> {
        let always = self.never.iter().any(|never| never.as_bytes() == name);
        always
            .then_some(Action::Blank)
            .max(self.redactor.names.get(name))
    }

    fn object(
        &mut self,
        depth: usize,
        action: Option<Action>,
        from: usize,
    ) -> Result<(), VeilError> {
        self.json.expect(b'{')?;
        let mut before = self.json.at;
        self.json.space();
        if self.json.peek() == Some(b'}') {
            self.json.at += 1;
            return Ok(());
        }
        let (mut is_first, mut has_kept) = (true, false);
        loop {
            self.json.space();
            let start = self.json.at;
            let escaped = self.json.string()?;
            let name = self.name(start, escaped)?;
            self.json.space();
            self.json.expect(b':')?;
            self.json.space();
            let inner = self.active.len();
            let step = if self.is_quiet {
                None
            } else {
                self.step(from, &Step::Name(&name))
            };
            let doing = action.max(step).max(self.by_name(&name));
            if doing == Some(Action::Drop) {
                self.leave_out(depth + 1)?;
                self.skip_from(before);
            } else {
                if !has_kept && !is_first {
                    // The comma before it parted it from a member that was left out.
                    self.copy_to(before);
                    if !self.is_quiet {
                        self.done = before + 1;
                    }
                }
                has_kept = true;
                self.value(depth + 1, doing, inner)?;
            }
            self.active.truncate(inner);
            is_first = false;
            self.json.space();
            match self.json.peek() {
                Some(b',') => before = self.json.at,
                Some(b'}') => {
                    self.json.at += 1;
                    return Ok(());
                }
                _ => return Err(self.json.fault()),
            }
            self.json.at += 1;
        }
    }

    fn list(&mut self, depth: usize, action: Option<Action>, from: usize) -> Result<(), VeilError> {
        self.json.expect(b'[')?;
        self.json.space();
        if self.json.peek() == Some(b']') {
            self.json.at += 1;
            return Ok(());
        }
        for item in 0.. {
            self.json.space();
            let (start, inner) = (self.json.at, self.active.len());
            let step = if self.is_quiet {
                None
            } else {
                self.step(from, &Step::Item(item))
            };
            let doing = action.max(step);
            if doing == Some(Action::Drop) {
                self.leave_out(depth + 1)?;
                self.skip_from(start);
                self.write_null();
            } else {
                self.value(depth + 1, doing, inner)?;
            }
            self.active.truncate(inner);
            self.json.space();
            match self.json.peek() {
                Some(b',') => self.json.at += 1,
                Some(b']') => break,
                _ => return Err(self.json.fault()),
            }
        }
        self.json.at += 1;
        Ok(())
    }
}
