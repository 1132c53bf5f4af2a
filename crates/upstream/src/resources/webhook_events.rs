//! Instantly's record of webhook deliveries.

use doorward_catalog::Op;
use doorward_catalog::wire::WebhookEvent;
use serde::Deserialize;

use super::count;
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::Items;

/// Which deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookEventFilter {
    /// Only those the receiver took, or only those it did not.
    pub success: Option<bool>,
    /// From this day on, `YYYY-MM-DD`.
    pub from: Option<String>,
    /// Up to this day, `YYYY-MM-DD`.
    pub to: Option<String>,
    /// Only what has this text, such as a receiver's URL or a lead's address.
    pub search: Option<String>,
}

/// Deliveries in numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct EventCounts {
    /// All.
    #[serde(deserialize_with = "count")]
    pub total_events: u64,
    /// Those the receiver took.
    #[serde(deserialize_with = "count")]
    pub successful_events: u64,
    /// Those it did not.
    #[serde(deserialize_with = "count")]
    pub failed_events: u64,
    /// Percent taken, 0 to 100.
    pub success_rate: f64,
}

/// One day's deliveries in numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DayCount {
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// Its deliveries.
    #[serde(flatten)]
    pub counts: EventCounts,
}

/// Calls on the workspace's webhook deliveries.
#[derive(Debug, Clone, Copy)]
pub struct WebhookEvents<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's webhook deliveries.
    pub fn webhook_events(&self) -> WebhookEvents<'_> {
        WebhookEvents { client: self }
    }
}

impl WebhookEvents<'_> {
    /// Deliveries.
    pub fn list(&self, filter: &WebhookEventFilter) -> Items<WebhookEvent> {
        let call = days(
            Op::ListWebhookEvent,
            filter.from.as_deref(),
            filter.to.as_deref(),
        )
        .maybe_query("success", filter.success)
        .maybe_query("search", filter.search.as_ref());
        self.client.items(call)
    }

    /// One delivery.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&self, id: &str) -> Result<WebhookEvent, Error> {
        self.client
            .fetch(Call::new(Op::GetWebhookEvent).param(id))
            .await
    }

    /// Deliveries in numbers, from a day to a day, `YYYY-MM-DD`.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn summary(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<EventCounts, Error> {
        let call = days(Op::GetWebhookEventsSummary, from, to);
        self.client.fetch(call).await
    }

    /// The same, day by day.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn summary_by_date(
        &self,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<Vec<DayCount>, Error> {
        #[derive(Deserialize)]
        struct Days {
            items: Vec<DayCount>,
        }
        let call = days(Op::GetWebhookEventsSummaryByDate, from, to);
        let days: Days = self.client.fetch(call).await?;
        Ok(days.items)
    }
}

fn days(op: Op, from: Option<&str>, to: Option<&str>) -> Call {
    Call::new(op)
        .maybe_query("from", from)
        .maybe_query("to", to)
}
