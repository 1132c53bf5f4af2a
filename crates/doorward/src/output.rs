//! What a command writes: tables and colour for people, JSON for programs.
//!
//! Results go to stdout, everything else to stderr. Colour is off where there is no terminal or
//! `NO_COLOR` is set.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

use crate::exit::{Failure, Fault};

/// Spaces between two columns.
const GAP: u16 = 2;

/// Where results go and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    styled: bool,
    terminal: bool,
}

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Careful,
    /// Not as it should be.
    Bad,
    /// Beside the point.
    Quiet,
    /// What the eye should find.
    Strong,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Careful => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Quiet => Style::new().dimmed(),
            Self::Strong => Style::new().bold(),
        }
    }
}

/// One cell of a table.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell that means something.
    pub(crate) fn toned(text: impl Display, tone: Tone) -> Self {
        Self {
            text: clean(&text.to_string()),
            tone: Some(tone),
        }
    }
}

impl<T: Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: clean(&text.to_string()),
            tone: None,
        }
    }
}

impl Output {
    /// Output to this process's stdout.
    pub(crate) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        Self {
            json,
            styled: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            terminal: stdout.is_terminal(),
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Writes a value as JSON: on one line, or indented on a terminal.
    pub(crate) fn value<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(text.map_err(Failure::failed)?)
    }

    /// Writes a value as JSON on one line, wherever it goes, so that programs can read up to it.
    pub(crate) fn value_line<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failure> {
        self.line(serde_json::to_string(value).map_err(Failure::failed)?)
    }

    /// Writes a line.
    pub(crate) fn line(self, text: impl Display) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// Whether stdout is a terminal.
    pub(crate) fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Text in the colour of its meaning, if there is colour.
    pub(crate) fn paint(self, tone: Tone, text: impl Display) -> String {
        let style = tone.style();
        if self.styled {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }

    /// Writes a table, or `nothing` when it has no rows.
    pub(crate) fn table(
        self,
        headings: &[&str],
        rows: Vec<Vec<Cell>>,
        nothing: &str,
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            return self.line(nothing);
        }
        let (headings, rows) = without_empty_columns(headings, rows);
        let words = longest_words(&headings, &rows);
        let mut table = self.blank_table();
        table.set_header(headings.iter().map(|heading| {
            let cell = comfy_table::Cell::new(heading.to_uppercase());
            if self.styled {
                cell.add_attribute(Attribute::Bold)
            } else {
                cell
            }
        }));
        for row in rows {
            table.add_row(row.into_iter().map(|cell| self.comfy(cell)));
        }
        keep_words_whole(&mut table, &words);
        self.line(laid_out(table))
    }

    /// Writes names with their values, one a line. Empty values are left out.
    pub(crate) fn fields(self, fields: Vec<(&str, Cell)>) -> Result<(), Failure> {
        let mut table = self.blank_table();
        for (name, cell) in fields.into_iter().filter(|(_, cell)| !cell.text.is_empty()) {
            let name = self.comfy(Cell::toned(name, Tone::Quiet));
            table.add_row(vec![name, self.comfy(cell)]);
        }
        self.line(laid_out(table))
    }

    fn blank_table(self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.force_no_tty();
        }
        if self.styled {
            table.enforce_styling();
        }
        table
    }

    fn comfy(self, cell: Cell) -> comfy_table::Cell {
        let made = comfy_table::Cell::new(cell.text);
        match cell.tone.filter(|_| self.styled) {
            None => made,
            Some(Tone::Good) => made.fg(Color::Green),
            Some(Tone::Careful) => made.fg(Color::Yellow),
            Some(Tone::Bad) => made.fg(Color::Red),
            Some(Tone::Quiet) => made.add_attribute(Attribute::Dim),
            Some(Tone::Strong) => made.add_attribute(Attribute::Bold),
        }
    }
}

/// Writes a line beside the result, to stderr. What can't be written there is lost.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// Tells why a command failed: one line for people, one object for programs.
pub(crate) fn tell_failure(failure: &Failure, json: bool) {
    if failure.fault == Fault::Unread {
        return;
    }
    if json {
        let error = serde_json::json!({
            "error": { "message": failure.to_string(), "exit_code": failure.code() }
        });
        note(error);
    } else {
        let style = Tone::Bad.style().bold();
        note(format_args!(
            "{style}error:{style:#} {}",
            clean_lines(&failure.to_string())
        ));
    }
}

/// Text from outside, fit for a terminal: without what moves its cursor, turns the direction of
/// what is around it, or is not seen.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if misleads(c) { ' ' } else { c })
        .collect()
}

fn clean_lines(text: &str) -> String {
    text.chars()
        .map(|c| if misleads(c) && c != '\n' { ' ' } else { c })
        .collect()
}

/// Control characters; spaces without a width, marks of direction, ends of lines of another kind.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// Width of the longest word of each column.
fn longest_words(headings: &[&str], rows: &[Vec<Cell>]) -> Vec<u16> {
    let longest = |text: &str| text.split(' ').map(|word| word.chars().count()).max();
    let columns = headings.iter().enumerate().map(|(column, heading)| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let words = cells.filter_map(|cell| longest(&cell.text));
        let width = words.chain(longest(heading)).max().unwrap_or_default();
        u16::try_from(width).unwrap_or(u16::MAX)
    });
    columns.collect()
}

/// Gives columns the width of their longest word as far as the terminal has room, short words
/// first, so that names and times are not broken while there are spaces to break at.
fn keep_words_whole(table: &mut Table, words: &[u16]) {
    /// Least width of a column whose words do not fit.
    const LEAST: u16 = 10;
    let Some(width) = table.width() else { return };
    let last = words.len().saturating_sub(1);
    let gap = |column| if column == last { 0 } else { GAP };
    let mut order: Vec<(u16, usize)> = words.iter().copied().zip(0..).collect();
    order.sort_unstable();
    // What is left when each column has its least.
    let least = |(word, column): (u16, usize)| word.min(LEAST).saturating_add(gap(column));
    let taken = order
        .iter()
        .fold(0_u16, |sum, each| sum.saturating_add(least(*each)));
    let mut left = width.saturating_sub(taken);
    for (word, number) in order {
        let whole = word.saturating_add(gap(number));
        let more = whole.saturating_sub(least((word, number)));
        if more > left {
            break;
        }
        left -= more;
        if let Some(column) = table.column_mut(number) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(whole)));
        }
    }
}

/// The table without the columns that say nothing.
fn without_empty_columns<'h>(
    headings: &[&'h str],
    rows: Vec<Vec<Cell>>,
) -> (Vec<&'h str>, Vec<Vec<Cell>>) {
    let says = |column: usize| {
        rows.iter()
            .any(|row| row.get(column).is_some_and(|cell| !cell.text.is_empty()))
    };
    let kept: Vec<bool> = (0..headings.len()).map(says).collect();
    let keeps = |column: usize| kept.get(column).copied().unwrap_or(true);
    let shown = headings.iter().enumerate().filter(|(n, _)| keeps(*n));
    let shown = shown.map(|(_, heading)| *heading).collect();
    let rows = rows.into_iter().map(|row| {
        let cells = row.into_iter().enumerate().filter(|(n, _)| keeps(*n));
        cells.map(|(_, cell)| cell).collect()
    });
    (shown, rows.collect())
}

/// The table's lines, columns two spaces apart, with nothing at their ends.
fn laid_out(mut table: Table) -> String {
    let last = table.column_count().saturating_sub(1);
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if number == last { 0 } else { GAP }));
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_others_do_not_reach_the_terminal() {
        let cell = Cell::from("name\u{1b}[31m\r\nred");
        assert_eq!(cell.text, "name [31m  red");
        assert_eq!(clean_lines("a\u{7}b\nc"), "a b\nc");
    }

    #[test]
    fn names_do_not_turn_or_hide_what_is_around_them() {
        for mark in [
            '\u{61c}', '\u{200b}', '\u{200f}', '\u{2028}', '\u{202a}', '\u{202e}', '\u{2066}',
            '\u{2069}', '\u{feff}',
        ] {
            let name = format!("zapier{mark}x");
            assert_eq!(Cell::from(&name).text, "zapier x", "{mark:?}");
            assert_eq!(Cell::toned(&name, Tone::Bad).text, "zapier x", "{mark:?}");
            assert_eq!(clean_lines(&name), "zapier x", "{mark:?}");
        }
        // Letters of all writings stay.
        assert_eq!(clean("Zoë ליאור 東京"), "Zoë ליאור 東京");
    }

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        let row = |texts: [&str; 3]| texts.map(Cell::from).to_vec();
        let rows = vec![row(["a", "", "b"]), row(["c", "", ""])];
        let (headings, rows) = without_empty_columns(&["one", "two", "three"], rows);
        assert_eq!(headings, ["one", "three"]);
        assert!(rows.iter().all(|row| row.len() == 2));
    }

    #[test]
    fn names_and_times_are_not_broken_while_there_is_room() {
        let output = Output {
            json: false,
            styled: false,
            terminal: true,
        };
        let mut table = output.blank_table();
        table.set_width(80);
        let headings = ["KEY", "CLIENT", "STATUS", "ISSUED", "WHERE"];
        let row = [
            "oMUN3PATYq5A",
            "analytics-dashboard",
            "active",
            "2026-11-22T18:41:09Z",
            "file:///a/very/long/path/that/must/be/broken/somewhere.key",
        ];
        let rows = vec![row.iter().map(Cell::from).collect::<Vec<_>>()];
        let words = longest_words(&headings, &rows);
        table.set_header(headings);
        table.add_row(row);
        keep_words_whole(&mut table, &words);
        let text = laid_out(table);
        assert!(text.starts_with("KEY "), "{text}");
        for whole in ["oMUN3PATYq5A", "analytics-dashboard", "active", "18:41:09Z"] {
            assert!(text.contains(whole), "{whole}:\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}
