//! What an order costs and what is wrong with it.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::order_domains::{self, is_available, is_orderable, restricted};
use crate::ops::view::{is_address, is_host, number, text};

/// The mailbox products.
pub(crate) const GOOGLE: i64 = 1;
pub(crate) const AIRMAIL: i64 = 2;
pub(crate) const MICROSOFT: i64 = 3;

/// Dollars a year for a domain; dollars a month for a mailbox, or for a Microsoft domain whole.
const DOMAIN_A_YEAR: i64 = 15;
const MICROSOFT_A_MONTH: i64 = 20;

fn mailbox_a_month(provider: i64) -> i64 {
    match provider {
        GOOGLE => 5,
        AIRMAIL => 4,
        _ => 0,
    }
}

/// Mailboxes a domain may have.
fn mailboxes(provider: i64) -> std::ops::RangeInclusive<usize> {
    if provider == MICROSOFT {
        50..=100
    } else {
        1..=5
    }
}

/// A mailbox to be made.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    pub(crate) prefix: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

/// One domain of an order.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) domain: String,
    pub(crate) provider: i64,
    pub(crate) forwarding: Option<String>,
    pub(crate) mailboxes: Vec<Mailbox>,
}

/// An order as it was asked for, with its faults and its price.
#[derive(Debug, Default)]
pub(crate) struct Quote {
    pub(crate) items: Vec<Item>,
    pub(crate) kind: String,
    faults: Map<String, Value>,
    error: Option<&'static str>,
}

impl Quote {
    /// Reads and judges the order in a body.
    pub(crate) fn of(cx: &mut Cx<'_>, call: &Call) -> Quote {
        let mut quote = Quote {
            kind: call.field_text("order_type").unwrap_or_default().to_owned(),
            ..Quote::default()
        };
        let pre_warmed = quote.kind == "pre_warmed_up";
        let items = call.field("items").and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            let domain = text(item, "domain").to_lowercase();
            let asked = item
                .get("email_provider")
                .map(|_| number(item, "email_provider"));
            let provider = match asked {
                _ if pre_warmed => order_domains::provider_of_pre_warmed(&domain),
                asked => asked.unwrap_or(GOOGLE),
            };
            quote.items.push(Item {
                provider,
                forwarding: item
                    .get("forwarding_domain")
                    .and_then(Value::as_str)
                    .map(str::to_lowercase),
                mailboxes: if pre_warmed {
                    built_in()
                } else {
                    asked_mailboxes(item)
                },
                domain,
            });
        }
        quote.judge(cx);
        quote
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.error.is_none()
    }

    /// What is to pay now, in dollars.
    pub(crate) fn total(&self) -> i64 {
        self.items
            .iter()
            .map(|item| self.domain_price(item) + mailboxes_price(item))
            .sum()
    }

    fn domain_price(&self, _item: &Item) -> i64 {
        // The domains of extra mailboxes are paid for.
        if self.kind == "extra_accounts" {
            0
        } else {
            DOMAIN_A_YEAR
        }
    }

    /// Adds to a list of faults; the first kind of fault is the order's error. Only short lists are
    /// kept free of repetitions, so that a long order costs no more than its length.
    fn fault(&mut self, error: &'static str, list: &str, what: Value) {
        self.error.get_or_insert(error);
        if let Value::Array(list) = self
            .faults
            .entry(list)
            .or_insert_with(|| Value::Array(Vec::new()))
            && (list.len() > 64 || !list.contains(&what))
        {
            list.push(what);
        }
    }

    fn judge(&mut self, cx: &mut Cx<'_>) {
        if self.items.is_empty() {
            self.error = Some("domains_without_accounts");
        }
        let items = std::mem::take(&mut self.items);
        let on_offer = order_domains::on_offer(cx);
        let mut seen = HashSet::new();
        for item in &items {
            if !seen.insert(item.domain.clone()) {
                self.fault("invalid_domains", "invalid_domains", json!(item.domain));
                continue;
            }
            match self.kind.as_str() {
                "pre_warmed_up" => {
                    if !on_offer.iter().any(|(domain, _)| *domain == item.domain) {
                        self.fault(
                            "unavailable_domains",
                            "unavailable_domains",
                            json!(item.domain),
                        );
                    }
                }
                "extra_accounts" => self.judge_extra(cx, item),
                _ => self.judge_new(cx, item),
            }
            if let Some(forwarding) = &item.forwarding
                && (*forwarding == item.domain || !is_host(forwarding))
            {
                self.fault(
                    "invalid_forwarding_domains",
                    "invalid_forwarding_domains",
                    json!(forwarding),
                );
            }
            if item.mailboxes.is_empty() {
                self.fault(
                    "domains_without_accounts",
                    "domains_without_accounts",
                    json!(item.domain),
                );
            }
            self.judge_mailboxes(cx, item);
        }
        self.items = items;
    }

    fn judge_new(&mut self, cx: &Cx<'_>, item: &Item) {
        if let Some(name) = restricted(&item.domain) {
            self.fault("blacklist_domains", "blacklist_domains", json!(item.domain));
            self.fault("blacklist_domains", "blacklist_keywords", json!(name));
        } else if !is_orderable(&item.domain) {
            self.fault("invalid_domains", "invalid_domains", json!(item.domain));
        } else if !is_available(cx, &item.domain) {
            self.fault(
                "unavailable_domains",
                "unavailable_domains",
                json!(item.domain),
            );
        }
    }

    fn judge_extra(&mut self, cx: &mut Cx<'_>, item: &Item) {
        let held = held_mailboxes(cx, &item.domain);
        let Some((provider, count)) = held else {
            self.fault(
                "missing_domain_orders",
                "missing_domain_orders",
                json!(item.domain),
            );
            return;
        };
        if provider == MICROSOFT {
            self.fault(
                "unsupported_provider",
                "unsupported_provider_domains",
                json!(item.domain),
            );
        } else if provider != item.provider {
            self.fault(
                "provider_mismatch",
                "provider_mismatch_domains",
                json!(item.domain),
            );
        } else if count + item.mailboxes.len() > *mailboxes(provider).end() {
            let last = item.mailboxes.last();
            self.refuse_mailbox(item, last, "The domain cannot have more accounts");
        }
    }

    fn judge_mailboxes(&mut self, cx: &mut Cx<'_>, item: &Item) {
        let allowed = mailboxes(item.provider);
        let too_many = item.mailboxes.len() > *allowed.end();
        let too_few = self.kind == "dfy" && item.mailboxes.len() < *allowed.start();
        if !item.mailboxes.is_empty() && (too_many || too_few) {
            let reason = format!(
                "A domain of this provider has {} to {} accounts",
                allowed.start(),
                allowed.end()
            );
            self.refuse_mailbox(item, item.mailboxes.last(), &reason);
        }
        let mut seen = HashSet::new();
        for mailbox in &item.mailboxes {
            let email = format!("{}@{}", mailbox.prefix, item.domain);
            let is_held = cx.ws().order_accounts.iter().any(|account| {
                text(account, "email") == email && text(account, "timestamp_cancelled").is_empty()
            });
            let reason = if mailbox.first_name.trim().is_empty() {
                "First name is required"
            } else if mailbox.last_name.trim().is_empty() {
                "Last name is required"
            } else if !is_address(&email) {
                "The email address prefix is not valid"
            } else if is_held || !seen.insert(mailbox.prefix.clone()) {
                "The email address is already taken"
            } else {
                continue;
            };
            self.refuse_mailbox(item, Some(mailbox), reason);
        }
    }

    fn refuse_mailbox(&mut self, item: &Item, mailbox: Option<&Mailbox>, reason: &str) {
        let Some(mailbox) = mailbox else { return };
        self.fault(
            "invalid_accounts",
            "invalid_accounts",
            json!({
                "domain": item.domain,
                "first_name": mailbox.first_name,
                "last_name": mailbox.last_name,
                "email": format!("{}@{}", mailbox.prefix, item.domain),
                "reason": reason,
            }),
        );
    }

    /// The answer of createDFYEmailAccountOrder.
    pub(crate) fn answer(&self, placed: bool, simulation: bool, payment_failed: bool) -> Value {
        let mailboxes: usize = self.items.iter().map(|item| item.mailboxes.len()).sum();
        let domains: i64 = self.items.iter().map(|item| self.domain_price(item)).sum();
        let monthly: i64 = self.items.iter().map(mailboxes_price).sum();
        let providers: HashSet<i64> = self.items.iter().map(|item| item.provider).collect();
        let by_type: Map<String, Value> = [GOOGLE, AIRMAIL]
            .into_iter()
            .filter(|provider| providers.contains(provider))
            .map(|provider| (provider.to_string(), json!(mailbox_a_month(provider))))
            .collect();
        let one_price = (by_type.len() == 1 && providers.len() == 1)
            .then(|| by_type.values().next().cloned())
            .flatten();
        let mut answer = json!({
            "order_placed": placed,
            "order_is_valid": self.is_valid(),
            "blacklist_keywords": [],
            "unavailable_email_providers": [],
            "free_domains": [],
            "number_of_domains_ordered": if self.kind == "extra_accounts" { 0 } else { self.items.len() },
            "number_of_accounts_ordered": mailboxes,
            "price_per_account_per_month": one_price,
            "price_per_account_per_month_by_account_type": by_type,
            "price_per_domain_per_month": providers.contains(&MICROSOFT).then_some(MICROSOFT_A_MONTH),
            "price_per_domain_per_year": DOMAIN_A_YEAR,
            "total_domains_price_per_year": domains,
            "total_accounts_price_per_month": monthly,
            "total_price_per_month": monthly,
            "total_price_per_year": domains,
            "total_price": domains + monthly,
            "total_discount": 0,
            "payment_method_last_4_digits": "4242",
            "payment_method_brand": "Visa",
            "payment_method_name_on_card": "Sandbox Card",
            "simulation": simulation,
            "order_items": self.items.iter().map(|item| self.item(item)).collect::<Value>(),
        });
        if let Some(answer) = answer.as_object_mut() {
            for list in [
                "unavailable_domains",
                "blacklist_domains",
                "invalid_domains",
                "invalid_forwarding_domains",
                "missing_domain_orders",
                "provider_mismatch_domains",
                "unsupported_provider_domains",
                "domains_without_accounts",
                "invalid_accounts",
            ] {
                answer.insert(list.to_owned(), json!([]));
            }
            answer.extend(self.faults.clone());
            if let Some(error) = self.error {
                answer.insert("order_error".to_owned(), json!(error));
            } else if payment_failed {
                answer.insert("order_error".to_owned(), json!("payment_failed"));
                answer.insert(
                    "payment_failure_reason".to_owned(),
                    json!("generic_decline"),
                );
            }
        }
        answer
    }

    fn item(&self, item: &Item) -> Value {
        let (domain, mailboxes) = (self.domain_price(item), mailboxes_price(item));
        let accounts: Vec<Value> = item
            .mailboxes
            .iter()
            .map(|mailbox| {
                json!({
                    "email_address_prefix": mailbox.prefix,
                    "first_name": mailbox.first_name,
                    "last_name": mailbox.last_name,
                })
            })
            .collect();
        let mut shown = json!({
            "domain": item.domain,
            "accounts": accounts,
            "email_provider": item.provider,
            "domain_price": domain,
            "accounts_price": mailboxes,
            "domain_monthly_price": (item.provider == MICROSOFT).then_some(MICROSOFT_A_MONTH),
            "total_price": domain + mailboxes,
            "total_discount": 0,
        });
        if let (Some(forwarding), Some(shown)) = (&item.forwarding, shown.as_object_mut()) {
            shown.insert("forwarding_domain".to_owned(), json!(forwarding));
        }
        shown
    }
}

fn mailboxes_price(item: &Item) -> i64 {
    if item.provider == MICROSOFT {
        MICROSOFT_A_MONTH
    } else {
        mailbox_a_month(item.provider) * item.mailboxes.len() as i64
    }
}

/// The provider and the number of the mailboxes that the workspace has on a domain.
fn held_mailboxes(cx: &mut Cx<'_>, domain: &str) -> Option<(i64, usize)> {
    let mut held = cx.ws().order_accounts.iter().filter(|account| {
        text(account, "domain") == domain && text(account, "timestamp_cancelled").is_empty()
    });
    let provider = number(held.next()?, "email_provider");
    Some((provider, 1 + held.count()))
}

fn asked_mailboxes(item: &Value) -> Vec<Mailbox> {
    item.get("accounts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|account| Mailbox {
            prefix: text(account, "email_address_prefix").to_lowercase(),
            first_name: text(account, "first_name").to_owned(),
            last_name: text(account, "last_name").to_owned(),
        })
        .collect()
}

/// The mailboxes that every pre-warmed domain has.
fn built_in() -> Vec<Mailbox> {
    [("Nora", "Feld"), ("Owen", "Marsh"), ("Priya", "Stone")]
        .into_iter()
        .map(|(first, last)| Mailbox {
            prefix: format!("{}.{}", first.to_lowercase(), last.to_lowercase()),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
        })
        .collect()
}
