//! Walking lists page by page.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use doorward_catalog::limits::{AUDIT_LOG_PAGE_MAX, PAGE_MAX};
use doorward_catalog::wire::Page;
use doorward_catalog::{Method, Op};
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;

/// The longest cursor that is sent back.
const CURSOR_MAX: usize = 2_048;

/// The operations that list in pages.
const LISTS: [Op; 23] = [
    Op::GetAccountCampaignMapping,
    Op::ListAccount,
    Op::ListAPIKey,
    Op::ListAuditLog,
    Op::ListBackgroundJob,
    Op::ListBlockListEntry,
    Op::ListCampaign,
    Op::ListCustomTagMapping,
    Op::ListCustomTag,
    Op::ListDFYEmailAccountOrder,
    Op::ListDFYEmailAccountOrdersAccounts,
    Op::ListEmail,
    Op::ListInboxPlacementAnalytics,
    Op::ListInboxPlacementBlacklistAndSpamAssassinReport,
    Op::ListInboxPlacementTest,
    Op::ListLeadLabel,
    Op::ListLeadList,
    Op::ListLeads,
    Op::ListCampaignSubsequence,
    Op::ListWebhookEvent,
    Op::ListWebhook,
    Op::ListWorkspaceGroupMember,
    Op::ListWorkspaceMember,
];

/// Most items on a page of a list; none when the operation is no list.
pub fn page_max(op: Op) -> Option<u32> {
    match op {
        Op::ListAuditLog => Some(AUDIT_LOG_PAGE_MAX),
        _ => LISTS.contains(&op).then_some(PAGE_MAX),
    }
}

/// A stream, also usable without a stream library: see [`Walk::next`] and [`Walk::all`].
pub struct Walk<T> {
    stream: BoxStream<'static, Result<T, Error>>,
}

/// A list's pages, in order.
pub type Pages<T> = Walk<Page<T>>;
/// A list's items, in order, fetched a page at a time as they are asked for.
pub type Items<T> = Walk<T>;

impl<T> Walk<T> {
    /// The next one, or none at the end. After an error there is no more.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.stream.next().await
    }

    /// All of them, but no more than `most`.
    ///
    /// # Errors
    /// The first error on the way.
    pub async fn all(self, most: usize) -> Result<Vec<T>, Error> {
        self.stream.take(most).try_collect().await
    }
}

impl<T> Stream for Walk<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(cx)
    }
}

impl<T> fmt::Debug for Walk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Walk")
    }
}

impl Client {
    /// The pages of a list: of a `GET` list by query, of `listLeads` by body. Pages are as long as
    /// the API allows unless the call sets `limit`; it may set `starting_after` too. The walk ends at
    /// a page without items or without a cursor, whichever comes first.
    ///
    /// Beside those of [`Client::send`] the stream's errors are [`Error::BadCall`] for an operation
    /// that is no list or a `limit` beyond its maximum, and [`Error::RepeatedCursor`].
    pub fn pages<T: DeserializeOwned + Send + 'static>(&self, call: Call) -> Pages<T> {
        let step = Step {
            client: self.clone(),
            call,
            seen: HashSet::new(),
            hasher: RandomState::new(),
            next: Next::First,
            items: PhantomData,
        };
        Walk {
            stream: stream::try_unfold(step, Step::page).boxed(),
        }
    }

    /// The items of a list, one by one: see [`Client::pages`].
    pub fn items<T: DeserializeOwned + Send + 'static>(&self, call: Call) -> Items<T> {
        let pages = self.pages::<T>(call);
        let items = pages
            .stream
            .map_ok(|page| stream::iter(page.items.into_iter().map(Ok)))
            .try_flatten();
        Walk {
            stream: items.boxed(),
        }
    }
}

/// A walk between two pages.
struct Step<T> {
    client: Client,
    call: Call,
    /// Cursors met, as hashes under a key of this walk's own.
    seen: HashSet<u64>,
    hasher: RandomState,
    next: Next,
    items: PhantomData<fn() -> T>,
}

enum Next {
    First,
    After(String),
    Repeated,
    End,
}

/// A page as it must be: an answer without `items` is no empty page.
#[derive(Deserialize)]
struct Wire<T> {
    items: Vec<T>,
    #[serde(default)]
    next_starting_after: Option<String>,
}

impl<T: DeserializeOwned + Send + 'static> Step<T> {
    async fn page(mut self) -> Result<Option<(Page<T>, Step<T>)>, Error> {
        let op = self.call.op();
        let call = match &self.next {
            Next::End => return Ok(None),
            Next::Repeated => return Err(Error::RepeatedCursor { op }),
            Next::First => page_call(&self.call, None)?,
            Next::After(cursor) => page_call(&self.call, Some(cursor))?,
        };
        let wire: Wire<T> = self.client.send(&call).await?.json()?;
        if wire.items.is_empty() {
            return Ok(None);
        }
        let cursor = wire.next_starting_after.filter(|cursor| !cursor.is_empty());
        self.next = match &cursor {
            None => Next::End,
            Some(cursor) if cursor.len() > CURSOR_MAX => {
                return Err(Error::BadAnswer {
                    op,
                    status: 200,
                    why: "its cursor is too long".to_owned(),
                });
            }
            Some(cursor) if self.seen.insert(self.hasher.hash_one(cursor)) => {
                Next::After(cursor.clone())
            }
            Some(_) => Next::Repeated,
        };
        let page = Page {
            items: wire.items,
            next_starting_after: cursor,
        };
        Ok(Some((page, self)))
    }
}

/// The call of one page: `limit` and `starting_after` set where the operation reads them.
fn page_call(call: &Call, cursor: Option<&str>) -> Result<Call, Error> {
    let Some(max) = page_max(call.op()) else {
        return Err(call.bad("the operation is no list"));
    };
    let too_many = || call.bad(&format!("limit is 1 to {max}"));
    if call.op().facts().method == Method::Get {
        let limit = match call.query_value("limit") {
            None => max,
            Some(text) => text.parse().map_err(|_| too_many())?,
        };
        if !(1..=max).contains(&limit) {
            return Err(too_many());
        }
        let call = call.clone().query("limit", limit);
        return Ok(call.maybe_query("starting_after", cursor));
    }
    let mut body: Map<String, Value> = match call.body() {
        None => Map::new(),
        Some(bytes) => {
            serde_json::from_slice(bytes).map_err(|_| call.bad("its body is no JSON object"))?
        }
    };
    let limit = body.entry("limit").or_insert_with(|| Value::from(max));
    if !limit
        .as_u64()
        .is_some_and(|limit| (1..=u64::from(max)).contains(&limit))
    {
        return Err(too_many());
    }
    if let Some(cursor) = cursor {
        body.insert("starting_after".to_owned(), Value::from(cursor));
    }
    call.clone().json(&body)
}
