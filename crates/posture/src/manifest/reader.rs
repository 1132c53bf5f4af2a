//! Takes settings out of TOML and gathers what is wrong on the way.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::Fault;

/// Most items of a list.
const ITEMS_MAX: usize = 200_000;

/// A table being read: what is asked for is taken out, and what is left at the end is unknown.
pub(super) struct Table<'r, 't> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
    table: DeTable<'t>,
    /// Name of the table with a dot behind it; empty for the document.
    prefix: String,
    /// Where the table is.
    at: Range<usize>,
    known: Vec<&'static str>,
    /// What was asked for and is there, whether it fits or not.
    said: Vec<&'static str>,
    pub(super) faults: &'r mut Vec<Fault>,
}

/// Reads a document.
pub(super) fn document<'t>(
    file: &'t str,
    text: &'t str,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Table<'_, 't>),
) {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    // After a syntax error what was recovered would be judged unfairly.
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let why = format!("not TOML: {}", error.message().replace('\n', " "));
        faults.push(Fault::at(file, text, span, &why, ""));
    }
    if errors.is_empty() {
        let table = std::mem::take(root.get_mut());
        enter((file, text), table, String::new(), 0..0, faults, read);
    }
}

fn enter<'t>(
    (file, text): (&'t str, &'t str),
    table: DeTable<'t>,
    prefix: String,
    at: Range<usize>,
    faults: &mut Vec<Fault>,
    read: impl FnOnce(&mut Table<'_, 't>),
) {
    let mut reader = Table {
        file,
        text,
        table,
        prefix,
        at,
        known: Vec::new(),
        said: Vec::new(),
        faults,
    };
    read(&mut reader);
    let Table {
        table,
        prefix,
        known,
        faults,
        ..
    } = reader;
    for (key, _) in table.iter() {
        let name: &str = key.get_ref();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let help = match known.iter().find(|known| near(known, name)) {
            Some(known) => format!("did you mean {known}?"),
            None => format!("there are {}", known.join(", ")),
        };
        let why = format!("{prefix}{shown} is nothing that can be declared");
        faults.push(Fault::at(file, text, key.span(), &why, &help));
    }
}

impl<'t> Table<'_, 't> {
    fn take(&mut self, name: &'static str) -> Option<(Range<usize>, DeValue<'t>)> {
        self.known.push(name);
        let value: Spanned<DeValue<'t>> = self.table.remove(name)?;
        self.said.push(name);
        Some((value.span(), value.into_inner()))
    }

    /// Tells a fault at a span.
    pub(super) fn fault(&mut self, span: Range<usize>, why: &str, help: &str) {
        let fault = Fault::at(self.file, self.text, span, why, help);
        self.faults.push(fault);
    }

    /// Tells that something is missing in this table; what is there and does not fit was told.
    pub(super) fn missing(&mut self, name: &str, help: &str) {
        if self.said.contains(&name) {
            return;
        }
        let why = format!("{}{name} is missing", self.prefix);
        self.fault(self.at.clone(), &why, help);
    }

    fn unfit(&mut self, name: &str, span: Range<usize>, help: &str) {
        let why = format!("{}{name} does not fit", self.prefix);
        self.fault(span, &why, help);
    }

    /// Where this table is, like `workspace.toml:3`.
    pub(super) fn place(&self) -> String {
        let fault = Fault::at(self.file, self.text, self.at.clone(), "", "");
        format!("{}:{}", fault.file, fault.line)
    }

    /// Where this table is in the text.
    pub(super) fn span(&self) -> Range<usize> {
        self.at.clone()
    }

    /// A text, made into what it stands for.
    pub(super) fn text<T>(
        &mut self,
        name: &'static str,
        make: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (span, value) = self.take(name)?;
        let made = match value.as_str() {
            Some(text) => make(text),
            None => Err("write text in quotes".to_owned()),
        };
        made.map_err(|help| self.unfit(name, span, &help)).ok()
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let (span, value) = self.take(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.unfit(name, span, "write true or false");
        }
        flag
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<u64>,
    ) -> Option<u64> {
        let (span, value) = self.take(name)?;
        let number = value
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| bounds.contains(number));
        if number.is_none() {
            let (least, most) = bounds.into_inner();
            self.unfit(
                name,
                span,
                &format!("write a whole number from {least} to {most}"),
            );
        }
        number
    }

    /// Any number.
    pub(super) fn float(&mut self, name: &'static str) -> Option<f64> {
        let (span, value) = self.take(name)?;
        let number = match &value {
            DeValue::Integer(number) => number.as_str().parse::<f64>().ok(),
            DeValue::Float(number) => number.as_str().parse::<f64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.unfit(name, span, "write a number");
        }
        number
    }

    /// A list of texts, each made into what it stands for, each once.
    pub(super) fn texts<T, L: FromIterator<T>>(
        &mut self,
        name: &'static str,
        make: impl Fn(&str) -> Result<T, String>,
    ) -> Option<L> {
        let (span, value) = self.take(name)?;
        let DeValue::Array(items) = value else {
            self.unfit(name, span, "write a list like [\"one\", \"two\"]");
            return None;
        };
        if items.len() > ITEMS_MAX {
            self.unfit(name, span, "there are too many; put them into files");
            return None;
        }
        let mut made = Vec::with_capacity(items.len());
        for item in &items {
            let text = item.get_ref().as_str();
            let text = text.ok_or_else(|| "write text in quotes".to_owned());
            match text.and_then(&make) {
                Ok(one) => made.push(one),
                Err(help) => self.unfit(name, item.span(), &help),
            }
        }
        Some(made.into_iter().collect())
    }

    /// Texts by names: an inline table.
    pub(super) fn named_texts(&mut self, name: &'static str) -> Option<Vec<(String, String)>> {
        let (span, value) = self.take(name)?;
        let DeValue::Table(table) = value else {
            self.unfit(name, span, "write a table like { name = \"value\" }");
            return None;
        };
        let mut found = Vec::new();
        for (key, value) in table.iter() {
            match value.get_ref().as_str() {
                Some(text) => found.push((key.get_ref().to_string(), text.to_owned())),
                None => self.unfit(name, value.span(), "write text in quotes"),
            }
        }
        Some(found)
    }

    /// `true` for all, or a list of names: what of.
    pub(super) fn flag_or_texts<T>(
        &mut self,
        name: &'static str,
        all: impl FnOnce() -> Vec<T>,
        make: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let flag = self
            .table
            .get(name)
            .and_then(|value| value.get_ref().as_bool());
        match flag {
            Some(flag) => {
                self.take(name);
                Some(if flag { all() } else { Vec::new() })
            }
            None => self.texts(name, make),
        }
    }

    /// A table below this one.
    pub(super) fn table(&mut self, name: &'static str, read: impl FnOnce(&mut Table<'_, 't>)) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        match value {
            DeValue::Table(table) => {
                let prefix = format!("{}{name}.", self.prefix);
                enter(
                    (self.file, self.text),
                    table,
                    prefix,
                    span,
                    self.faults,
                    read,
                );
            }
            _ => self.unfit(
                name,
                span,
                &format!("write it as a table [{}{name}]", self.prefix),
            ),
        }
    }

    /// Tables of the same kind, each written as `[[name]]`.
    pub(super) fn tables(&mut self, name: &'static str, mut read: impl FnMut(&mut Table<'_, 't>)) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        let help = format!("write each as a table [[{}{name}]]", self.prefix);
        let DeValue::Array(items) = value else {
            self.unfit(name, span, &help);
            return;
        };
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => {
                    let prefix = format!("{}{name}.", self.prefix);
                    enter(
                        (self.file, self.text),
                        table,
                        prefix,
                        span,
                        self.faults,
                        &mut read,
                    );
                }
                _ => self.unfit(name, span, &help),
            }
        }
    }
}

/// Whether one name is likely a slip for the other: the same but for a letter or two, or for dashes.
fn near(known: &str, typed: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    let (one, other) = (plain(known), plain(typed));
    one == other
        || one.trim_end_matches('s') == other.trim_end_matches('s')
        || slips(&one, &other) <= 2
}

/// How many letters are to be changed, added or left out (Levenshtein).
fn slips(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, letter) in one.chars().enumerate() {
        let mut left = n + 1;
        let mut above_left = n;
        let mut next = vec![left];
        for (above, there) in row.iter().skip(1).zip(&other) {
            let change = above_left + usize::from(letter != *there);
            left = change.min(left + 1).min(above + 1);
            above_left = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
