//! Connecting an account by OAuth: initGoogleOAuth, initMicrosoftOAuth, getOAuthSessionStatus.
//!
//! A session lives ten minutes. Nobody sits at the provider's page here, so the sandbox plays the
//! user: twenty seconds after the start, the first two of every four users of a workspace consent,
//! the third denies, and the fourth walks away, whose session expires. Consent connects an account.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use doorward_catalog::limits::OAUTH_SESSION_SECONDS;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::view::{number, set, shown, text};
use crate::ops::{accounts, astray, due};
use crate::reply::{Answer, Reply};

const LIVES: Millis = OAUTH_SESSION_SECONDS as Millis * 1_000;
/// How long the user takes, ms.
const USER_TAKES: Millis = 20_000;
/// Sessions kept; older ones are forgotten.
const KEPT: usize = 1_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::InitGoogleOAuth => begin(cx, call, "google"),
        Op::InitMicrosoftOAuth => begin(cx, call, "microsoft"),
        Op::GetOAuthSessionStatus => status(cx, call),
        other => Err(astray(other)),
    }
}

fn begin(cx: &mut Cx<'_>, call: &Call, provider: &str) -> Answer {
    let id: String = cx.uuid().chars().filter(|c| *c != '-').collect();
    let begun = cx.now;
    let counted = "oauth_sessions_begun";
    let nth = cx
        .ws()
        .notes
        .get(counted)
        .and_then(Value::as_u64)
        .unwrap_or_default()
        + 1;
    cx.ws().notes.insert(counted.to_owned(), json!(nth));
    let session = json!({
        "status": "pending",
        "_id": id,
        "_provider": provider,
        "_begun": begun,
        "_nth": nth,
        "_address": call.address,
    });
    due::wake(cx, begun.saturating_add(USER_TAKES));
    let sessions = &mut cx.ws().oauth_sessions;
    sessions.put(&id, session);
    if sessions.len() > KEPT {
        let oldest = sessions
            .iter()
            .next()
            .map(|session| text(session, "_id").to_owned());
        sessions.remove(&oldest.unwrap_or_default());
    }
    let page = match provider {
        "google" => "https://accounts.google.com/o/oauth2/v2/auth",
        _ => "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    };
    Reply::ok(json!({
        "session_id": id,
        "auth_url": format!("{page}?client_id=sandbox&response_type=code&state={id}"),
        "expires_at": clock::text(begun.saturating_add(LIVES)),
    }))
}

/// Errors are told with 200 and an error in the body, an unknown session too.
fn status(cx: &mut Cx<'_>, call: &Call) -> Answer {
    Reply::ok(match cx.ws().oauth_sessions.get(&call.param) {
        Some(session) => shown(session),
        None => json!({
            "status": "error",
            "error": "session_not_found",
            "error_description": "No OAuth session has this id",
        }),
    })
}

/// Brings the sessions up to the time now: the accounts of those that succeeded are there
/// afterwards.
pub(crate) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now;
    let pending: Vec<Value> = cx
        .ws()
        .oauth_sessions
        .iter()
        .filter(|session| text(session, "status") == "pending")
        .cloned()
        .collect();
    for mut session in pending {
        let begun = number(&session, "_begun");
        let walks_away = number(&session, "_nth") % 4 == 0;
        let ends = begun.saturating_add(if walks_away { LIVES } else { USER_TAKES });
        if ends > now {
            due::wake(cx, ends);
            continue;
        }
        match number(&session, "_nth") % 4 {
            1 | 2 => connect(cx, &mut session),
            3 => {
                set(&mut session, "status", "error");
                set(&mut session, "error", "access_denied");
                set(
                    &mut session,
                    "error_description",
                    "User denied access to the application",
                );
            }
            _ => set(&mut session, "status", "expired"),
        }
        let id = text(&session, "_id").to_owned();
        cx.ws().oauth_sessions.put(&id, session);
    }
}

fn connect(cx: &mut Cx<'_>, session: &mut Value) {
    const FIRST: &[&str] = &[
        "Ada", "Bela", "Cleo", "Dario", "Enya", "Farid", "Gwen", "Hugo",
    ];
    const LAST: &[&str] = &["Marlow", "Quist", "Okafor", "Lindqvist", "Tanaka"];
    let nth = number(session, "_nth").unsigned_abs() as usize;
    let first = FIRST.get(nth % FIRST.len()).copied().unwrap_or_default();
    let last = LAST.get(nth % LAST.len()).copied().unwrap_or_default();
    let provider = text(session, "_provider").to_owned();
    let email = format!(
        "{}.{}{nth}@{provider}.example",
        first.to_lowercase(),
        last.to_lowercase()
    );
    set(session, "status", "success");
    set(session, "email", email.as_str());
    set(session, "name", format!("{first} {last}"));
    let (code, op) = match provider.as_str() {
        "google" => (2, Op::InitGoogleOAuth),
        _ => (3, Op::InitMicrosoftOAuth),
    };
    let account = accounts::fresh(cx, &email, (first, last), code);
    // The call that began it is long answered; its address is on the session.
    let call = Call {
        op,
        param: String::new(),
        query: Map::new(),
        body: Value::Null,
        address: text(session, "_address").to_owned(),
        user_agent: None,
    };
    cx.audit(Activity::AccountAddition, &call, accounts::about(&email));
    cx.ws().accounts.put(&email, account);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::ops::fitting::ok;
    use crate::ops::view::text;
    use crate::testing;
    use crate::world::World;

    fn begin(world: &mut World) -> String {
        let begun = ok(world, "POST", "/api/v2/oauth/google/init", None);
        assert!(text(&begun, "auth_url").contains(text(&begun, "session_id")));
        text(&begun, "session_id").to_owned()
    }

    fn status(world: &mut World, id: &str) -> Value {
        ok(
            world,
            "GET",
            &format!("/api/v2/oauth/session/status/{id}"),
            None,
        )
    }

    #[test]
    fn sessions_end_in_every_way_there_is() {
        let mut world = testing::world();
        let sessions: Vec<String> = (0..4).map(|_| begin(&mut world)).collect();
        for id in &sessions {
            assert_eq!(status(&mut world, id)["status"], "pending");
        }
        world.clock.advance(super::USER_TAKES);
        let ended: Vec<Value> = sessions.iter().map(|id| status(&mut world, id)).collect();
        assert_eq!(ended[0]["status"], "success");
        assert_eq!(ended[1]["status"], "success");
        assert_eq!(ended[2]["error"], "access_denied");
        assert_eq!(ended[3]["status"], "pending");
        let account = ok(
            &mut world,
            "GET",
            &format!("/api/v2/accounts/{}", text(&ended[0], "email")),
            None,
        );
        assert_eq!(account["provider_code"], 2);
        world.clock.advance(super::LIVES);
        assert_eq!(status(&mut world, &sessions[3])["status"], "expired");
        assert_eq!(
            status(&mut world, "nobody-began-this")["error"],
            "session_not_found"
        );
    }
}
