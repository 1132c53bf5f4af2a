//! Verification of addresses: createEmailVerification, checkVerificationStatus.
//!
//! No mail server is asked. An address that is none, or whose host is under `.invalid`, is invalid;
//! all others are verified, and those whose local part begins with `catchall` are catch-all. A local
//! part that begins with `slow` takes thirty seconds, which is longer than the answer waits: it is
//! pending until then. A verification costs one credit, asking again for its result costs none.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::view::{domain_of, is_address, is_reachable, number, set, shown};
use crate::ops::{astray, credits};
use crate::reply::{Answer, Reply};

/// How long a slow host takes, ms.
const SLOW: Millis = 30_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateEmailVerification => {
            let email = call.field_text("email").unwrap_or_default().to_owned();
            create(cx, &email)
        }
        Op::CheckVerificationStatus => {
            let verification = cx
                .ws()
                .verifications
                .find(&key(&call.param), "Email verification")?
                .clone();
            Reply::ok(seen(&verification, cx.now))
        }
        other => Err(astray(other)),
    }
}

fn key(email: &str) -> String {
    email.to_lowercase()
}

/// Whether mail to an address arrives.
pub(crate) fn is_deliverable(email: &str) -> bool {
    is_address(email) && is_reachable(domain_of(email))
}

/// Whether the host of an address takes mail for any name.
pub(crate) fn is_catch_all(email: &str) -> bool {
    is_deliverable(email) && key(email).starts_with("catchall")
}

/// Verifies an address and keeps the verification.
pub(crate) fn create(cx: &mut Cx<'_>, email: &str) -> Answer {
    let used = credits::spend(cx, 1)?;
    let takes = if key(email).starts_with("slow") {
        SLOW
    } else {
        0
    };
    let verification = json!({
        "status": "success",
        "email": email,
        "verification_status": if is_deliverable(email) { "verified" } else { "invalid" },
        "catch_all": is_catch_all(email),
        "credits": credits::left(cx),
        "credits_used": used,
        "_done_at": cx.now.saturating_add(takes),
    });
    cx.ws().verifications.put(&key(email), verification.clone());
    Reply::ok(seen(&verification, cx.now))
}

/// The verification as it is at a time.
fn seen(verification: &Value, now: Millis) -> Value {
    let mut answer = shown(verification);
    if number(verification, "_done_at") > now {
        set(&mut answer, "verification_status", "pending");
        set(&mut answer, "catch_all", "pending");
    }
    answer
}
