//! Domains for sale: checkDomainsAvailability, generateSimilarDomains, preWarmedUpDomainsList.
//!
//! Nobody is asked whether a domain is free. One in five names is taken, decided by the name alone;
//! so is one that a workspace of the sandbox has ordered.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::astray;
use crate::ops::view::{hash, is_host, percent, text};
use crate::reply::{Answer, Refusal, Reply};

/// The extensions a new domain can have.
const EXTENSIONS: &[&str] = &["com", "org"];

/// Names of well-known companies, which no domain may hold.
const RESTRICTED: &[&str] = &[
    "amazon",
    "apple",
    "equifax",
    "facebook",
    "google",
    "instagram",
    "linkedin",
    "microsoft",
    "netflix",
    "paypal",
    "salesforce",
    "stripe",
    "whatsapp",
];

const BEFORE: &[&str] = &[
    "get", "try", "go", "meet", "join", "use", "with", "team", "my", "the", "hello", "hey", "ask",
    "reach", "grow", "run", "about", "from",
];

const AFTER: &[&str] = &[
    "hq", "app", "team", "mail", "group", "labs", "hub", "online", "now", "works", "co", "pro",
    "studio", "network", "direct", "partners",
];

/// Suggestions for each extension.
const SUGGESTED: usize = 67;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CheckDomainsAvailability => check(cx, call),
        Op::GenerateSimilarDomains => similar(cx, call),
        Op::PreWarmedUpDomainsList => pre_warmed(cx, call),
        other => Err(astray(other)),
    }
}

/// The restricted name that a domain holds.
pub(crate) fn restricted(domain: &str) -> Option<&'static str> {
    RESTRICTED
        .iter()
        .copied()
        .find(|name| domain.contains(name))
}

/// Whether a domain has the form and the extension of one that can be ordered new.
pub(crate) fn is_orderable(domain: &str) -> bool {
    is_host(domain)
        && domain
            .rsplit_once('.')
            .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// Whether a workspace has ordered the domain and not cancelled it.
fn is_ordered(cx: &Cx<'_>, domain: &str) -> bool {
    cx.world.workspaces.values().any(|workspace| {
        workspace.orders.iter().any(|order| {
            text(order, "domain") == domain && text(order, "timestamp_cancelled").is_empty()
        })
    })
}

/// Whether a new domain can be had.
pub(crate) fn is_available(cx: &Cx<'_>, domain: &str) -> bool {
    is_orderable(domain)
        && restricted(domain).is_none()
        && percent(domain) >= 20
        && !is_ordered(cx, domain)
}

fn check(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let results: Vec<Value> = call
        .field_list("domains")
        .unwrap_or_default()
        .iter()
        .map(|asked| {
            let domain = asked.to_lowercase();
            let mut result = json!({ "domain": asked, "available": is_available(cx, &domain) });
            if let (Some(name), Some(result)) = (restricted(&domain), result.as_object_mut()) {
                result.insert("unavailable_reason".to_owned(), json!("restricted"));
                result.insert("restricted_keyword".to_owned(), json!(name));
            }
            result
        })
        .collect();
    Reply::ok(json!({ "results": results }))
}

fn similar(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let domain = call.field_text("domain").unwrap_or_default().to_lowercase();
    if let Some(name) = restricted(&domain) {
        let mut refusal = Refusal::bad_request(format!(
            "The provided domain contains a restricted keyword: \"{name}\". Please choose another domain."
        ));
        refusal
            .body
            .extra
            .insert("code".to_owned(), json!("restricted_domain"));
        refusal.body.extra.insert("keyword".to_owned(), json!(name));
        return Err(refusal);
    }
    let first = domain.split('.').next().unwrap_or_default();
    let stem: String = first
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(40)
        .collect();
    let stem = stem.trim_matches('-');
    let tlds = call
        .field_list("tlds")
        .unwrap_or_else(|| EXTENSIONS.iter().map(|tld| (*tld).to_owned()).collect());
    let mut domains = Vec::new();
    for tld in EXTENSIONS
        .iter()
        .filter(|tld| tlds.iter().any(|asked| asked == *tld))
    {
        let names = BEFORE
            .iter()
            .map(|before| format!("{before}{stem}"))
            .chain(AFTER.iter().map(|after| format!("{stem}{after}")))
            .chain(BEFORE.iter().map(|before| format!("{before}-{stem}")))
            .chain(AFTER.iter().map(|after| format!("{stem}-{after}")));
        if stem.is_empty() {
            continue;
        }
        domains.extend(
            names
                .map(|name| format!("{name}.{tld}"))
                .filter(|domain| is_available(cx, domain))
                .take(SUGGESTED),
        );
    }
    Reply::ok(json!({ "domains": domains }))
}

/// The pre-warmed domains that are not sold yet, with the provider of their mailboxes.
pub(crate) fn on_offer(cx: &Cx<'_>) -> Vec<(String, i64)> {
    const NAMES: &[&str] = &[
        "amber-harbor",
        "bright-lane",
        "cedar-point",
        "delta-works",
        "elm-street",
        "fern-valley",
        "granite-bay",
        "hazel-hill",
        "iron-bridge",
        "juniper-park",
        "kestrel-view",
        "lunar-field",
    ];
    NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            let extension = if index % 3 == 2 { "org" } else { "com" };
            format!("{name}.example.{extension}")
        })
        .filter(|domain| !is_ordered(cx, domain))
        .map(|domain| {
            let provider = provider_of_pre_warmed(&domain);
            (domain, provider)
        })
        .collect()
}

/// The provider of a pre-warmed domain's mailboxes: Google or AirMail.
pub(crate) fn provider_of_pre_warmed(domain: &str) -> i64 {
    if hash(domain).is_multiple_of(3) { 2 } else { 1 }
}

fn pre_warmed(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let extensions = call.field_list("extensions");
    let part = call.field_text("search").unwrap_or_default().to_lowercase();
    let found: Vec<(String, i64)> = on_offer(cx)
        .into_iter()
        .filter(|(domain, _)| domain.contains(&part))
        .filter(|(domain, _)| {
            extensions.as_ref().is_none_or(|extensions| {
                domain
                    .rsplit_once('.')
                    .is_some_and(|(_, tld)| extensions.iter().any(|extension| extension == tld))
            })
        })
        .collect();
    let names: Vec<&str> = found.iter().map(|(domain, _)| domain.as_str()).collect();
    let typed: Vec<Value> = found
        .iter()
        .map(|(domain, provider)| json!({ "domain": domain, "account_type": provider }))
        .collect();
    Reply::ok(json!({ "domains": names, "domains_with_type": typed }))
}
