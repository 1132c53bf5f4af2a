//! The health of domains: getCtdStatus and testAccountVitals.
//!
//! There is no DNS here. Names under `.invalid` have no records at all; a name with the label
//! `no-mx`, `no-spf`, `no-dkim`, `no-dmarc`, `no-cname` or `no-ssl` lacks that one thing; all other
//! names are in order.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::view::{domain_of, is_reachable, text};
use crate::ops::{accounts, astray};
use crate::reply::{Answer, Reply};

/// What the records of a mail domain say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vitals {
    pub(crate) mx: bool,
    pub(crate) spf: bool,
    pub(crate) dkim: bool,
    pub(crate) dmarc: bool,
}

impl Vitals {
    pub(crate) fn of(domain: &str) -> Vitals {
        Vitals {
            mx: has(domain, "no-mx"),
            spf: has(domain, "no-spf"),
            dkim: has(domain, "no-dkim"),
            dmarc: has(domain, "no-dmarc"),
        }
    }

    fn all_pass(self) -> bool {
        self.mx && self.spf && self.dkim && self.dmarc
    }
}

fn has(host: &str, lacking: &str) -> bool {
    is_reachable(host)
        && !host
            .split('.')
            .any(|label| label.eq_ignore_ascii_case(lacking))
}

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::GetCtdStatus => {
            let host = call.query_text("host").unwrap_or_default();
            let (cname, ssl) = (has(host, "no-cname"), has(host, "no-ssl"));
            Reply::ok(json!({ "success": cname && ssl, "ssl": ssl, "cname": cname, "host": host }))
        }
        Op::TestAccountVitals => vitals(cx, call),
        other => Err(astray(other)),
    }
}

/// The domains of the accounts named, or of all; addresses the workspace does not have are passed
/// over.
fn vitals(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let named = call.field_list("accounts");
    let ws = cx.ws();
    let emails: Vec<&str> = match &named {
        Some(named) => named
            .iter()
            .filter_map(|email| ws.accounts.get(&accounts::key(email)))
            .map(|account| text(account, "email"))
            .collect(),
        None => ws
            .accounts
            .iter()
            .map(|account| text(account, "email"))
            .collect(),
    };
    let mut domains: Vec<&str> = emails.into_iter().map(domain_of).collect();
    domains.sort_unstable();
    domains.dedup();
    let (good, bad): (Vec<Value>, Vec<Value>) = domains
        .into_iter()
        .map(|domain| {
            let vitals = Vitals::of(domain);
            json!({
                "domain": domain,
                "allPass": vitals.all_pass(),
                "mx": vitals.mx,
                "spf": vitals.spf,
                "dkim": vitals.dkim,
                "dmarc": vitals.dmarc,
            })
        })
        .partition(|domain| domain.get("allPass") == Some(&Value::Bool(true)));
    Reply::ok(json!({ "status": "success", "success_list": good, "failure_list": bad }))
}
