//! Signs and verifies for others to be held against: a line of JSON in, a line of JSON out.
//!
//! ```text
//! {"do":"sign","secrets":["whsec_…"],"id":"evt_1","seconds":1800000000,"body":"…"}
//!     {"headers":{"webhook-id":…},"public":["whpk_…"]}
//! {"do":"verify","way":{"by":"standard"},"secrets":["whsec_…"],"headers":[["webhook-id","…"]],
//!  "seconds":1800000000,"body":"…"}
//!     {"ok":true,"other":false} or {"ok":false,"why":"wrong"}
//! ```
//!
//! Bodies are in base64. `tests/webhooks/run.sh` runs it.

use std::error::Error;
use std::io::{BufRead, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_policy::Timestamp;
use doorward_webhook::{Delivery, Scheme, Schemes, Signer, Way, WebhookSecret, Which};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Asked {
    Sign {
        secrets: Vec<String>,
        id: String,
        seconds: i64,
        body: String,
    },
    Verify {
        way: Way,
        secrets: Vec<String>,
        headers: Vec<(String, String)>,
        seconds: i64,
        body: String,
    },
}

fn answer(asked: Asked) -> Result<Value, Box<dyn Error>> {
    match asked {
        Asked::Sign {
            secrets,
            id,
            seconds,
            body,
        } => {
            let secrets = secrets.into_iter().map(SecretString::from);
            let secrets: Result<Vec<_>, _> = secrets
                .map(|secret| WebhookSecret::parse(&secret))
                .collect();
            let secrets = secrets?;
            let public: Vec<_> = secrets.iter().filter_map(WebhookSecret::public).collect();
            let body = STANDARD.decode(body)?;
            let headers = Signer::new(secrets)?.headers(&id, seconds, &body);
            let headers = headers.map(|(name, value)| (name.to_owned(), Value::from(value)));
            let headers: Map<_, _> = headers.into_iter().collect();
            Ok(json!({ "headers": headers, "public": public }))
        }
        Asked::Verify {
            way,
            secrets,
            headers,
            seconds,
            body,
        } => {
            let secrets: Vec<_> = secrets.into_iter().map(SecretString::from).collect();
            let schemes = Schemes::new(vec![Scheme::new(&way, &secrets)?])?;
            let delivery = Delivery {
                head: &headers,
                certificate: None,
            };
            let now = Timestamp::from_seconds(seconds);
            Ok(
                match schemes.verify(&delivery, &STANDARD.decode(body)?, now) {
                    Ok(verified) => {
                        let other = verified.secrets().any(|which| which == Which::Other);
                        json!({ "ok": true, "other": other })
                    }
                    Err(refused) => json!({ "ok": false, "why": refused.why.as_str() }),
                },
            )
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", answer(serde_json::from_str(&line?)?)?)?;
        out.flush()?;
    }
    Ok(())
}
