//! The credits of a workspace: what verification and enrichment spend.

use serde_json::{Value, json};

use crate::cx::Cx;
use crate::reply::Refusal;

/// Credits of a workspace that has spent none.
pub(crate) const OF_THE_PLAN: u64 = 250_000;

const LEFT: &str = "credits_left";

/// What is left.
pub(crate) fn left(cx: &mut Cx<'_>) -> u64 {
    cx.ws()
        .notes
        .get(LEFT)
        .and_then(Value::as_u64)
        .unwrap_or(OF_THE_PLAN)
}

/// Spends up to `wanted`; what was spent.
///
/// # Errors
/// 402 when something is wanted and nothing is left.
pub(crate) fn spend(cx: &mut Cx<'_>, wanted: u64) -> Result<u64, Refusal> {
    let left = left(cx);
    let spent = wanted.min(left);
    if wanted > 0 && spent == 0 {
        return Err(Refusal::new(402, "Not enough credits"));
    }
    cx.ws().notes.insert(LEFT.to_owned(), json!(left - spent));
    Ok(spent)
}
