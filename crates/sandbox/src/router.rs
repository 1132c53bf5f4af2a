//! The sandbox's own router. It reads paths as the real API's router would, not as strictly as the
//! gateway's: segments are percent-decoded, and a literal segment goes before a parameter.

use std::collections::HashMap;
use std::sync::LazyLock;

use doorward_catalog::Op;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) op: Op,
    /// Name and decoded text of the path's parameter.
    pub(crate) param: Option<(&'static str, String)>,
}

/// Why a request goes nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Astray {
    /// A percent sign that encodes nothing, or text that is not UTF-8.
    BadUrl,
    /// No such method and path.
    NotFound,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<&'static str, Node>,
    param: Option<(&'static str, Box<Node>)>,
    op: Option<Op>,
}

static ROUTES: LazyLock<HashMap<&'static str, Node>> = LazyLock::new(|| {
    let mut roots: HashMap<&'static str, Node> = HashMap::new();
    for op in Op::ALL {
        let facts = op.facts();
        let mut node = roots.entry(facts.method.as_str()).or_default();
        for segment in facts.path.split('/').skip(1) {
            let name = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
            node = match name {
                Some(name) => &mut node.param.get_or_insert_with(|| (name, Box::default())).1,
                None => node.literals.entry(segment).or_default(),
            };
        }
        node.op = Some(op);
    }
    roots
});

/// Finds the operation. `HEAD` goes where `GET` goes.
pub(crate) fn route(method: &str, path: &str) -> Result<Routed, Astray> {
    let method = if method == "HEAD" { "GET" } else { method };
    let path = path.strip_prefix('/').ok_or(Astray::NotFound)?;
    let mut segments = Vec::new();
    for segment in path.split('/') {
        // No template has more: the rest can't matter.
        if segments.len() == 16 {
            return Err(Astray::NotFound);
        }
        segments.push(decode(segment, false).ok_or(Astray::BadUrl)?);
    }
    let root = ROUTES.get(method).ok_or(Astray::NotFound)?;
    walk(root, &segments, None).ok_or(Astray::NotFound)
}

fn walk(node: &Node, segments: &[String], param: Option<(&'static str, &str)>) -> Option<Routed> {
    let Some((first, rest)) = segments.split_first() else {
        return node.op.map(|op| Routed {
            op,
            param: param.map(|(name, text)| (name, text.to_owned())),
        });
    };
    let literal = node.literals.get(first.as_str());
    literal
        .and_then(|next| walk(next, rest, param))
        .or_else(|| {
            let (name, next) = node.param.as_ref().filter(|_| !first.is_empty())?;
            walk(next, rest, Some((name, first)))
        })
}

/// Percent-decodes a text; `None` if it can't be. In a query a plus is a space.
fn decode(text: &str, plus: bool) -> Option<String> {
    if !text
        .bytes()
        .any(|byte| byte == b'%' || (plus && byte == b'+'))
    {
        return Some(text.to_owned());
    }
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Most pairs of a query that are read.
const PAIRS_MAX: usize = 1_000;

/// The decoded pairs of a query. What can't be decoded is taken as it stands.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| decode(text, true).unwrap_or_else(|| text.to_owned());
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .take(PAIRS_MAX)
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(method: &str, path: &str) -> Option<Op> {
        route(method, path).ok().map(|routed| routed.op)
    }

    #[test]
    fn every_template_leads_to_its_operation() {
        for op in Op::ALL {
            let facts = op.facts();
            let path: Vec<&str> = facts
                .path
                .split('/')
                .map(|s| {
                    if s.starts_with('{') {
                        "a%40b.example"
                    } else {
                        s
                    }
                })
                .collect();
            let routed = route(facts.method.as_str(), &path.join("/")).unwrap();
            assert_eq!(routed.op, op);
            assert_eq!(routed.param.is_some(), facts.path.contains('{'), "{op}");
            if let Some((name, text)) = routed.param {
                assert_eq!(text, "a@b.example");
                assert!(facts.path.contains(&format!("{{{name}}}")));
            }
        }
    }

    #[test]
    fn a_literal_goes_before_a_parameter_and_only_for_its_method() {
        let path = "/api/v2/campaigns/search-by-contact";
        assert_eq!(op("GET", path), Some(Op::SearchByContact));
        assert_eq!(op("HEAD", path), Some(Op::SearchByContact));
        assert_eq!(op("DELETE", path), Some(Op::DeleteCampaign));
        assert_eq!(op("PUT", path), None);
        assert_eq!(op("get", path), None);
        // A server that decodes sees these as the same path.
        assert_eq!(op("GET", "/api/v2/%6ceads/x"), Some(Op::GetLead));
        assert_eq!(op("GET", "/api/v2/leads/"), None);
        assert_eq!(op("GET", "/api/v2//leads/x"), None);
        assert_eq!(op("GET", "/api/v2/leads/x/"), None);
        assert_eq!(op("POST", "/api/v2/supersearch-enrichment"), None);
        assert_eq!(
            op("POST", "/api/v2/supersearch-enrichment/"),
            Some(Op::CreateSuperSearchEnrichment)
        );
        assert_eq!(route("GET", "/api/v2/leads/%zz"), Err(Astray::BadUrl));
        assert_eq!(route("GET", "/api/v2/leads/%ff"), Err(Astray::BadUrl));
        assert_eq!(op("GET", &"/a".repeat(100_000)), None);
    }

    #[test]
    fn queries_are_decoded() {
        assert_eq!(
            pairs("a=1&b=x%20y+z&c&&d=%zz&a=2"),
            [
                ("a", "1"),
                ("b", "x y z"),
                ("c", ""),
                ("d", "%zz"),
                ("a", "2")
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }
}
