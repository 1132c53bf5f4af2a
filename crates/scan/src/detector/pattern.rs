//! A detector's regular expression: bounded, compiled when it is first needed.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::{Cache, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternID};

/// The longest match that a pattern may have, in bytes: what an engine must look at around a change.
pub(crate) const LONGEST: usize = 1024;

/// How far back the beginning of a word is looked for.
const WORD: usize = 64;

/// Where a match begins, seen from the keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// At the keyword.
    Keyword,
    /// At the first byte of the word (letters, digits, `_`, `-`, `.`) that the keyword stands in.
    Word,
    /// At most so many bytes before the keyword.
    Before(usize),
}

#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    regex: OnceLock<Option<Compiled>>,
    longest: usize,
    anchor: Anchor,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Number of the group `secret`; 0 if there is none.
    secret: usize,
}

/// What a thread needs to run one pattern.
#[derive(Debug)]
pub(crate) struct Runner {
    cache: Cache,
    captures: Captures,
}

/// A match: all of it, and the secret in it.
pub(crate) struct Match {
    pub(crate) whole: Range<usize>,
    pub(crate) secret: Range<usize>,
}

/// What stands between a name and its value in code and configuration: closing and opening quotes,
/// a type, `=`, `:`, `=>`, a comma between arguments, `"value":` of lists of pairs.
const ASSIGN: &str = concat!(
    r#"(?:\\{0,3}["'`])?\]?\)?"#,
    r#"(?:[ \t]{0,4}:[ \t]{0,4}&?(?:'static )?(?:str|string|String|SecretStr|Final|any)(?-i:\b))?"#,
    r#"[ \t]{0,8}"#,
    r#"(?:=>|:=|={1,3}|:|\|\||\?\?|\?:|"#,
    r#",\s{0,24}\\{0,3}["']?[Vv]alue\\{0,3}["']?[ \t]{0,4}:|\s{1,20}value=|,|>)"#,
    r#"\s{0,32}(?:[bruf@$]{0,2}\\{0,3}["'`])?"#,
);

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

impl Pattern {
    /// Reads a pattern; says what is wrong with it.
    pub(crate) fn new(text: &str, anchor: Anchor) -> Result<Self, String> {
        let text = text.replace("{{assign}}", ASSIGN);
        let tree = syntax::parse_with(&text, &syntax()).map_err(|error| error.to_string())?;
        let properties = tree.properties();
        let longest = properties.maximum_len().ok_or_else(|| {
            "the pattern has no longest match: write {1,80} in place of + and *".to_owned()
        })?;
        if longest > LONGEST {
            return Err(format!(
                "the longest match of the pattern has {longest} bytes, the most are {LONGEST}"
            ));
        }
        if properties.minimum_len().is_none_or(|least| least < 4) {
            return Err("the pattern matches texts of fewer than 4 bytes".into());
        }
        Ok(Self {
            text,
            regex: OnceLock::new(),
            longest,
            anchor,
        })
    }

    /// Compiles it now, which else is done when its keyword is first seen.
    pub(crate) fn compile(&self) -> Result<(), String> {
        compile(&self.text).map(|_| ())
    }

    /// Bytes of the longest match.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// The most bytes of a match before its keyword.
    pub(crate) fn lead(&self) -> usize {
        match self.anchor {
            Anchor::Keyword => 0,
            Anchor::Word => WORD,
            Anchor::Before(bytes) => bytes,
        }
    }

    /// The most bytes before a match that decide on it: those in which an earlier one may end.
    pub(crate) fn before(&self) -> usize {
        match self.anchor {
            Anchor::Keyword | Anchor::Word => 1,
            Anchor::Before(bytes) => bytes + 1,
        }
    }

    /// The match that holds the keyword, if there is one.
    pub(crate) fn find(
        &self,
        runner: &mut Option<Runner>,
        text: &[u8],
        keyword: &Range<usize>,
    ) -> Option<Match> {
        let compiled = self
            .regex
            .get_or_init(|| compile(&self.text).ok())
            .as_ref()?;
        let Runner { cache, captures } = runner.get_or_insert_with(|| Runner {
            cache: compiled.regex.create_cache(),
            captures: compiled.regex.create_captures(),
        });
        let (start, anchored) = match self.anchor {
            Anchor::Keyword => (keyword.start, Anchored::Yes),
            Anchor::Word => (word_start(text, keyword.start), Anchored::Yes),
            Anchor::Before(bytes) => (keyword.start.saturating_sub(bytes), Anchored::No),
        };
        let end = keyword.start.saturating_add(self.longest).min(text.len());
        let mut from = start;
        // Each turn begins behind an earlier match, so there are at most as many as bytes before it.
        while from <= keyword.start {
            let input = Input::new(text).range(from..end).anchored(anchored);
            compiled.regex.search_captures_with(cache, &input, captures);
            let whole = captures.get_match()?.range();
            if whole.start > keyword.start {
                return None;
            }
            if whole.end >= keyword.end {
                let secret = captures.get_group(compiled.secret)?.range();
                return Some(Match { whole, secret });
            }
            if anchored == Anchored::Yes {
                return None;
            }
            from = whole.end;
        }
        None
    }
}

fn compile(text: &str) -> Result<Compiled, String> {
    let regex = Regex::builder()
        .syntax(syntax())
        .configure(
            Regex::config()
                .utf8_empty(false)
                .hybrid_cache_capacity(128 << 10)
                .nfa_size_limit(Some(1 << 20)),
        )
        .build(text)
        .map_err(|error| error.to_string())?;
    let secret = regex
        .group_info()
        .to_index(PatternID::ZERO, "secret")
        .unwrap_or(0);
    Ok(Compiled { regex, secret })
}

fn word_start(text: &[u8], at: usize) -> usize {
    let from = at.saturating_sub(WORD);
    let before = text.get(from..at).unwrap_or_default();
    let word = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte))
        .count();
    at - word
}
