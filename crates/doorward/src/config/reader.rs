//! Takes settings out of TOML and gathers what is wrong on the way.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::Faults;

/// A document being read.
pub(super) struct Reader<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    faults: Faults,
}

/// A table being read: what is asked for is taken out, and what is left at the end is unknown.
pub(super) struct TableReader<'r, 't> {
    text: &'t str,
    table: DeTable<'t>,
    /// Name of the table with a dot behind it; empty for the document.
    prefix: String,
    /// Where the table is.
    at: Range<usize>,
    known: Vec<&'static str>,
    faults: &'r mut Faults,
}

impl<'t> Reader<'t> {
    /// Parses the text; what is no TOML is the first of the faults.
    pub(super) fn new(text: &'t str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut faults = Faults::none();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            faults.add(
                text,
                span,
                format!("not TOML: {}", error.message().replace('\n', " ")),
            );
        }
        Self { text, root, faults }
    }

    /// Reads the document's own table.
    pub(super) fn root(&mut self, read: impl FnOnce(&mut TableReader<'_, 't>)) {
        // After a syntax error what was recovered would be judged unfairly.
        if !self.faults.is_empty() {
            return;
        }
        let table = std::mem::take(self.root.get_mut());
        TableReader::read(
            self.text,
            table,
            String::new(),
            0..0,
            &mut self.faults,
            read,
        );
    }

    /// The end.
    ///
    /// # Errors
    /// All faults that were found.
    pub(super) fn finish(self) -> Result<(), Faults> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(self.faults)
        }
    }
}

impl<'t> TableReader<'_, 't> {
    fn read(
        text: &'t str,
        table: DeTable<'t>,
        prefix: String,
        at: Range<usize>,
        faults: &mut Faults,
        read: impl FnOnce(&mut TableReader<'_, 't>),
    ) {
        let mut reader = TableReader {
            text,
            table,
            prefix,
            at,
            known: vec![],
            faults,
        };
        read(&mut reader);
        let TableReader {
            table,
            prefix,
            known,
            faults,
            ..
        } = reader;
        for (key, _) in table.iter() {
            let name: &str = key.get_ref();
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let hint = match known.iter().find(|known| near(known, name)) {
                Some(known) => format!("did you mean {prefix}{known}?"),
                None => format!("known are {}", known.join(", ")),
            };
            faults.add(
                text,
                key.span(),
                format!("{prefix}{shown} is no setting; {hint}"),
            );
        }
    }

    /// A setting that is text, made into what it stands for.
    pub(super) fn text<T>(
        &mut self,
        name: &'static str,
        into: &mut T,
        make: impl FnOnce(&str) -> Result<T, String>,
    ) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        let made = match value.as_str() {
            Some(text) => make(text),
            None => Err("it must be text in quotes".to_owned()),
        };
        match made {
            Ok(made) => *into = made,
            Err(why) => self.fault(name, span, &why),
        }
    }

    /// A setting that is true or false.
    pub(super) fn flag(&mut self, name: &'static str, into: &mut bool) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        match value.as_bool() {
            Some(flag) => *into = flag,
            None => self.fault(name, span, "it must be true or false"),
        }
    }

    /// A setting that is a whole number within bounds.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        into: &mut usize,
        bounds: RangeInclusive<usize>,
    ) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        let number = value
            .as_integer()
            .and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| bounds.contains(number));
        match number {
            Some(number) => *into = number,
            None => {
                let (least, most) = bounds.into_inner();
                let why = format!("it must be a whole number from {least} to {most}");
                self.fault(name, span, &why);
            }
        }
    }

    /// A table below this one; whether it is there.
    pub(super) fn table(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut TableReader<'_, 't>),
    ) -> bool {
        let Some((span, value)) = self.take(name) else {
            return false;
        };
        match value {
            DeValue::Table(table) => {
                let prefix = format!("{}{name}.", self.prefix);
                TableReader::read(self.text, table, prefix, span, self.faults, read);
            }
            _ => self.fault(name, span, "it must be a table of settings"),
        }
        true
    }

    /// Tables of the same kind, each written as `[[name]]`; at most `most`.
    pub(super) fn tables(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&mut TableReader<'_, 't>),
    ) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        let DeValue::Array(items) = value else {
            let why = format!("write each as a table [[{}{name}]]", self.prefix);
            self.fault(name, span, &why);
            return;
        };
        if items.len() > most {
            self.fault(name, span, &format!("there may be {most} of them"));
            return;
        }
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => {
                    let prefix = format!("{}{name}.", self.prefix);
                    TableReader::read(self.text, table, prefix, span, self.faults, &mut read);
                }
                _ => self.fault(name, span, "it must be a table of settings"),
            }
        }
    }

    /// A list of texts, each made into what it stands for.
    pub(super) fn texts<T>(
        &mut self,
        name: &'static str,
        into: &mut Vec<T>,
        make: impl Fn(&str) -> Result<T, String>,
    ) {
        let Some((span, value)) = self.take(name) else {
            return;
        };
        let DeValue::Array(items) = value else {
            self.fault(name, span, "it must be a list like [\"one\", \"two\"]");
            return;
        };
        into.clear();
        for item in items {
            let made = match item.get_ref().as_str() {
                Some(text) => make(text),
                None => Err("it must be text in quotes".to_owned()),
            };
            match made {
                Ok(made) => into.push(made),
                Err(why) => self.fault(name, item.span(), &why),
            }
        }
    }

    /// A setting that was read does not fit with another.
    pub(super) fn wrong(&mut self, name: &str, why: &str) {
        let at = self.at.clone();
        self.fault(name, at, why);
    }

    /// A setting that the table can't do without is not there.
    pub(super) fn missing(&mut self, name: &str, why: &str) {
        let why = format!("{}{name} is missing: {why}", self.prefix);
        self.faults.add(self.text, self.at.clone(), why);
    }

    fn take(&mut self, name: &'static str) -> Option<(Range<usize>, DeValue<'t>)> {
        self.known.push(name);
        let value = self.table.remove(name)?;
        Some((value.span(), value.into_inner()))
    }

    fn fault(&mut self, name: &str, span: Range<usize>, why: &str) {
        let why = format!("{}{name}: {why}", self.prefix);
        self.faults.add(self.text, span, why);
    }
}

/// Whether one name is likely a slip of the pen for the other: at most two letters differ.
fn near(known: &str, typed: &str) -> bool {
    if known.len().abs_diff(typed.len()) > 2 || typed.len() > 64 {
        return false;
    }
    let typed: Vec<char> = typed.chars().collect();
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (i, a) in known.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in typed.iter().enumerate() {
            let at = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX - 1);
            let swap = at(&row, j) + usize::from(a != *b);
            next.push(swap.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().is_some_and(|distance| *distance <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_slips_of_the_pen() {
        assert!(near("listen", "lisen"));
        assert!(near("gateway", "gatway"));
        assert!(near("data_dir", "datadir"));
        assert!(!near("listen", "log"));
        assert!(!near("log", "data_dir"));
    }
}
