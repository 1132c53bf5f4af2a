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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::ops::fitting::{call, ok};
    use crate::ops::view::number;
    use crate::testing;
    use crate::world::World;

    fn verify(world: &mut World, email: &str) -> Value {
        ok(
            world,
            "POST",
            "/api/v2/email-verification",
            Some(json!({ "email": email })),
        )
    }

    #[test]
    fn addresses_are_what_their_names_say() {
        let mut world = testing::world();
        for (email, status, catch_all) in [
            ("ada@example.com", "verified", json!(false)),
            ("catchall@example.com", "verified", json!(true)),
            ("ada@gone.invalid", "invalid", json!(false)),
            ("no address", "invalid", json!(false)),
            ("slow@example.com", "pending", json!("pending")),
        ] {
            let answer = verify(&mut world, email);
            assert_eq!(answer["verification_status"], status, "{email}");
            assert_eq!(answer["catch_all"], catch_all, "{email}");
        }
        let path = "/api/v2/email-verification/Slow@example.com";
        assert_eq!(
            ok(&mut world, "GET", path, None)["verification_status"],
            "pending"
        );
        world.clock.advance(super::SLOW);
        assert_eq!(
            ok(&mut world, "GET", path, None)["verification_status"],
            "verified"
        );
        let path = "/api/v2/email-verification/never@example.com";
        assert_eq!(call(&mut world, "GET", path, None).0, 404);
    }

    #[test]
    fn each_costs_a_credit_until_there_are_none() {
        let mut world = testing::world();
        let one = number(&verify(&mut world, "a@example.com"), "credits");
        let two = number(&verify(&mut world, "b@example.com"), "credits");
        assert_eq!(one - two, 1);
        let plan = ok(
            &mut world,
            "GET",
            "/api/v2/workspace-billing/plan-details",
            None,
        );
        assert_eq!(
            number(&plan["subscriptions"]["credits"], "available_credits"),
            two
        );
        world.workspaces[0]
            .notes
            .insert("credits_left".into(), json!(0));
        let body = Some(json!({ "email": "c@example.com" }));
        assert_eq!(
            call(&mut world, "POST", "/api/v2/email-verification", body).0,
            402
        );
    }
}
