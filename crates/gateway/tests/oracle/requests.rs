//! The requests that are made: as bytes, and as what is asked by them.

use doorward_catalog::{Method, Op};

use crate::grants::SUBS;
use crate::rules::CAMPAIGNS;

/// Whose key a request presents.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shows {
    /// One that was issued, by its number.
    Issued(u8),
    /// One that was issued, with a letter changed.
    Garbled(u8),
    /// A well-formed one that nobody issued.
    Unknown,
    /// A real key of Instantly's.
    Real(u8),
    Nothing,
}

/// What is wrong with a request: none of these may go, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    DoubleSlash,
    EncodedDots,
    EncodedSlash,
    Semicolon,
    TrailingSlash,
    OtherHost,
    OtherMethod,
    OtherPath,
    BadQuery,
    TwoKeys,
    KeyOfTheConnection,
    TwoWorkspaces,
    TwoLengths,
    LengthAndChunks,
    FoldedLine,
    BareLineFeed,
    BodyOnGet,
    TwiceInBody,
    DeepBody,
    MoreThanBody,
    TypeOfText,
    CodedBody,
}

pub(crate) const FLAWS: [Flaw; 22] = [
    Flaw::DoubleSlash,
    Flaw::EncodedDots,
    Flaw::EncodedSlash,
    Flaw::Semicolon,
    Flaw::TrailingSlash,
    Flaw::OtherHost,
    Flaw::OtherMethod,
    Flaw::OtherPath,
    Flaw::BadQuery,
    Flaw::TwoKeys,
    Flaw::KeyOfTheConnection,
    Flaw::TwoWorkspaces,
    Flaw::TwoLengths,
    Flaw::LengthAndChunks,
    Flaw::FoldedLine,
    Flaw::BareLineFeed,
    Flaw::BodyOnGet,
    Flaw::TwiceInBody,
    Flaw::DeepBody,
    Flaw::MoreThanBody,
    Flaw::TypeOfText,
    Flaw::CodedBody,
];

/// A request to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSpec {
    pub(crate) shows: Shows,
    pub(crate) op: Op,
    /// Picks ids and the size of bodies.
    pub(crate) variant: u8,
    pub(crate) query: u8,
    /// 0 for none; a sub-workspace by its number else.
    pub(crate) sub: u8,
    /// Its idempotency key, if it has one.
    pub(crate) named: Option<u8>,
    /// The last part of the address that it comes from.
    pub(crate) source: u8,
    pub(crate) flaw: Flaw,
}

/// As typed, and in canonical form.
const QUERIES: [(&str, &str); 4] = [
    ("", ""),
    ("?limit=10", "?limit=10"),
    ("?limit=%31&&search=a+b", "?limit=1&search=a%20b"),
    ("?search=%c3%a4%2f", "?search=%C3%A4%2F"),
];

/// What a request asks for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) op: Op,
    pub(crate) source: u8,
    pub(crate) as_workspace: Option<&'static str>,
    /// Path and query as they must come out.
    pub(crate) target: String,
    pub(crate) body: String,
    /// The campaign that it names, of operations that name one.
    pub(crate) campaign: Option<&'static str>,
    /// How many leads it writes at most.
    pub(crate) leads: u64,
    /// Whether it asks for the check for duplicates.
    pub(crate) skips: bool,
    pub(crate) named: Option<u8>,
    pub(crate) flawed: bool,
}

impl CallSpec {
    fn campaign(&self) -> &'static str {
        CAMPAIGNS[usize::from(self.variant) % CAMPAIGNS.len()]
    }

    fn path(&self) -> String {
        let plain = self.op.path_with(None);
        plain
            .or_else(|| self.op.path_with(Some(self.campaign())))
            .unwrap()
    }

    fn body(&self) -> String {
        let (n, campaign) = (self.variant, self.campaign());
        let lead = |n: u8| format!("{{\"email\":\"lead{n}@people.example\"}}");
        match self.op {
            Op::CreateLead => {
                format!("{{\"email\":\"lead{n}@people.example\",\"campaign\":\"{campaign}\"}}")
            }
            Op::BulkAddLeads => {
                let leads: Vec<String> = (0..=n % 3).map(lead).collect();
                let (leads, skip) = (leads.join(","), n.is_multiple_of(2));
                format!(
                    "{{\"campaign_id\":\"{campaign}\",\"leads\":[{leads}],\
                     \"skip_if_in_workspace\":{skip}}}"
                )
            }
            Op::ActivateCampaign | Op::PauseCampaign => String::new(),
            op => match op.facts().method {
                Method::Post | Method::Patch if op == Op::PatchCampaign || n.is_multiple_of(2) => {
                    format!("{{ \"name\": \"n{n}\" }}")
                }
                _ => String::new(),
            },
        }
    }

    /// How many leads the operation writes, by the API's documents.
    fn leads(&self) -> u64 {
        match self.op {
            Op::CreateLead
            | Op::PatchLead
            | Op::DeleteLead
            | Op::UpdateLeadInterestStatus
            | Op::RemoveLeadFromSubsequence
            | Op::MoveLeadToSubsequence => 1,
            Op::MergeLeads => 2,
            Op::BulkAddLeads => u64::from(self.variant % 3) + 1,
            Op::BulkDeleteLeads => 10_000,
            Op::MoveLeads
            | Op::BulkAssignLeads
            | Op::EnrichLeadsFromSupersearch
            | Op::DeleteLeadList => u64::from(u32::MAX),
            _ => 0,
        }
    }

    fn applies(&self) -> bool {
        let has_body = !self.body().is_empty();
        match self.flaw {
            Flaw::None => false,
            Flaw::BodyOnGet => self.op.facts().method == Method::Get,
            Flaw::TwiceInBody
            | Flaw::DeepBody
            | Flaw::MoreThanBody
            | Flaw::TypeOfText
            | Flaw::CodedBody => has_body,
            _ => true,
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        let query = QUERIES[usize::from(self.query) % QUERIES.len()].1;
        let sub = usize::from(self.sub).checked_sub(1);
        Asked {
            op: self.op,
            source: self.source,
            as_workspace: sub.map(|sub| SUBS[sub % SUBS.len()]),
            target: self.path() + query,
            body: self.body(),
            campaign: Some(self.campaign()),
            leads: self.leads(),
            skips: self.op == Op::BulkAddLeads && self.variant.is_multiple_of(2),
            named: self.named,
            flawed: self.applies(),
        }
    }

    /// Head and body as they are sent, the key being given.
    pub(crate) fn bytes(&self, key: Option<&str>) -> (String, String) {
        let flaw = if self.applies() {
            self.flaw
        } else {
            Flaw::None
        };
        let mut path = self.path();
        let mut query = QUERIES[usize::from(self.query) % QUERIES.len()].0;
        let mut method = self.op.facts().method.as_str();
        let mut body = self.body();
        let mut lines = String::new();
        let key_line = key.map(|key| format!("Authorization: Bearer {key}\r\n"));
        let key_line = key_line.unwrap_or_default();
        lines += &key_line;
        if let Some(sub) = self.asked().as_workspace {
            lines += &format!("X-As-Workspace: {sub}\r\n");
        }
        if let Some(named) = self.named {
            lines += &format!("Idempotency-Key: \"name-{named}\"\r\n");
        }
        let mut kind = "application/json";
        let mut framing = String::new();
        match flaw {
            Flaw::None => {}
            Flaw::DoubleSlash => path = path.replacen("/v2/", "/v2//", 1),
            Flaw::EncodedDots => path = path.replacen("/v2/", "/v2/leads/%2e%2e/", 1),
            Flaw::EncodedSlash => path = path.replacen("/v2/", "/v2%2F", 1),
            Flaw::Semicolon => path += ";a=b",
            // One path of the API ends so: that is another one.
            Flaw::TrailingSlash if path.ends_with('/') => path += "/",
            Flaw::TrailingSlash => path += "//",
            Flaw::OtherHost => path = format!("http://api.instantly.ai{path}"),
            Flaw::OtherMethod => method = "PUT",
            Flaw::OtherPath => path = "/api/v2/nothing".to_owned(),
            Flaw::BadQuery => query = "?a=%zz",
            Flaw::TwoKeys => lines += "Authorization: Bearer another\r\n",
            Flaw::KeyOfTheConnection => lines += "Connection: keep-alive, authorization\r\n",
            Flaw::TwoWorkspaces => lines += "X-As-Workspace: a\r\nX-As-Workspace: b\r\n",
            Flaw::TwoLengths => framing += "Content-Length: 1\r\nContent-Length: 2\r\n",
            Flaw::LengthAndChunks => {
                framing += "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n";
                body = "0\r\n\r\n".to_owned();
            }
            Flaw::FoldedLine => lines += "X-Folded: a\r\n b\r\n",
            Flaw::BareLineFeed => lines += "X-Bare: a\nX-Other: b\r\n",
            Flaw::BodyOnGet => body = "{}".to_owned(),
            Flaw::TwiceInBody => body = "{\"name\":1,\"n\\u0061me\":2}".to_owned(),
            Flaw::DeepBody => body = format!("{}1{}", "[".repeat(100), "]".repeat(100)),
            Flaw::MoreThanBody => body += " {}",
            Flaw::TypeOfText => kind = "text/plain",
            Flaw::CodedBody => lines += "Content-Encoding: gzip\r\n",
        }
        if !body.is_empty() {
            lines += &format!("Content-Type: {kind}\r\n");
            if framing.is_empty() {
                framing = format!("Content-Length: {}\r\n", body.len());
            }
        }
        // None of these is the client's to say.
        let idle = "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\nCookie: a=b\r\n\
                    X-Api-Key: k\r\nUser-Agent: test\r\n";
        let head =
            format!("{method} {path}{query} HTTP/1.1\r\nHost: door\r\n{lines}{idle}{framing}");
        (head, body)
    }
}
