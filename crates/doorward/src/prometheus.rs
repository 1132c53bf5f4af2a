//! The text format of Prometheus, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// What every name begins with.
const PREFIX: &str = "doorward_";

/// A page of metrics: those of one name stand together under one head, however they are added.
#[derive(Default)]
pub(crate) struct Text(BTreeMap<&'static str, Family>);

struct Family {
    kind: &'static str,
    help: &'static str,
    lines: String,
}

impl Text {
    /// A value that goes up and down.
    pub(crate) fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) {
        self.line((name, "gauge", help), "", labels, None, value);
    }

    /// A value that only grows. Its name ends in `_total`.
    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) {
        self.line((name, "counter", help), "", labels, None, value);
    }

    /// How often values were at most so large: `buckets` are the bounds with the counts of values
    /// between them and the bound before, then the count of those beyond all, and the sum.
    pub(crate) fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        buckets: impl IntoIterator<Item = (f64, u64)>,
        beyond: u64,
        sum: f64,
    ) {
        let family = (name, "histogram", help);
        let mut count = 0u64;
        for (bound, values) in buckets {
            count = count.saturating_add(values);
            self.line(family, "_bucket", labels, Some(&bound.to_string()), count);
        }
        count = count.saturating_add(beyond);
        self.line(family, "_bucket", labels, Some("+Inf"), count);
        self.line(family, "_sum", labels, None, sum);
        self.line(family, "_count", labels, None, count);
    }

    /// The page.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        for (name, family) in &self.0 {
            let Family { kind, help, lines } = family;
            let _ = write!(
                page,
                "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n{lines}"
            );
        }
        page
    }

    fn line(
        &mut self,
        (name, kind, help): (&'static str, &'static str, &'static str),
        suffix: &str,
        labels: &[(&str, &str)],
        bound: Option<&str>,
        value: impl Display,
    ) {
        let family = self.0.entry(name).or_insert_with(|| Family {
            kind,
            help,
            lines: String::new(),
        });
        let lines = &mut family.lines;
        let _ = write!(lines, "{PREFIX}{name}{suffix}");
        let all = labels
            .iter()
            .copied()
            .chain(bound.map(|bound| ("le", bound)));
        let mut open = '{';
        for (label, value) in all {
            let _ = write!(lines, "{open}{label}=\"");
            escape(value, lines);
            lines.push('"');
            open = ',';
        }
        if open == ',' {
            lines.push('}');
        }
        let _ = writeln!(lines, " {value}");
    }
}

fn escape(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '\n' => into.push_str("\\n"),
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_as_the_format_says() {
        let mut text = Text::default();
        text.counter("b_total", "Bees", &[("hive", "a\"\\\nb")], 1);
        text.gauge("a", "An a", &[], 0.5);
        text.counter("b_total", "Bees", &[("hive", "c")], 2);
        text.histogram("c", "Sea", &[("k", "r")], [(0.1, 1), (1.0, 2)], 3, 4.5);
        assert_eq!(
            text.page(),
            "# HELP doorward_a An a\n\
             # TYPE doorward_a gauge\n\
             doorward_a 0.5\n\
             # HELP doorward_b_total Bees\n\
             # TYPE doorward_b_total counter\n\
             doorward_b_total{hive=\"a\\\"\\\\\\nb\"} 1\n\
             doorward_b_total{hive=\"c\"} 2\n\
             # HELP doorward_c Sea\n\
             # TYPE doorward_c histogram\n\
             doorward_c_bucket{k=\"r\",le=\"0.1\"} 1\n\
             doorward_c_bucket{k=\"r\",le=\"1\"} 3\n\
             doorward_c_bucket{k=\"r\",le=\"+Inf\"} 6\n\
             doorward_c_sum{k=\"r\"} 4.5\n\
             doorward_c_count{k=\"r\"} 6\n"
        );
    }
}
