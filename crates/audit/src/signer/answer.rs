//! What the transit engine answers. Nothing in it is believed before the signature was verified.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The answer to `GET …/keys/<name>`.
#[derive(Deserialize)]
struct Key {
    data: KeyData,
}

#[derive(Deserialize)]
struct KeyData {
    #[serde(rename = "type")]
    kind: String,
    latest_version: u32,
    keys: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    public_key: String,
}

/// The answer to `POST …/sign/<name>`.
#[derive(Deserialize)]
struct Signed {
    data: SignedData,
}

#[derive(Deserialize)]
struct SignedData {
    signature: String,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// The version, the latest one unless `wanted`, and its public key.
pub(super) fn public_key(
    body: &[u8],
    wanted: Option<u32>,
) -> Result<(u32, [u8; 32]), &'static str> {
    let key: Key = serde_json::from_slice(body).map_err(|_| "its answer tells of no key")?;
    if key.data.kind != "ed25519" {
        return Err("the key is not of the type ed25519");
    }
    let version = wanted.unwrap_or(key.data.latest_version);
    let found = key
        .data
        .keys
        .get(&version.to_string())
        .ok_or("the key has no such version")?;
    let bytes = STANDARD
        .decode(&found.public_key)
        .map_err(|_| "its public key is not in base64")?;
    let bytes = bytes
        .try_into()
        .map_err(|_| "its public key is not 32 bytes")?;
    Ok((version, bytes))
}

/// The signature, made with this version of the key.
pub(super) fn signature(body: &[u8], version: u32) -> Result<[u8; 64], &'static str> {
    let signed: Signed = serde_json::from_slice(body).map_err(|_| "its answer has no signature")?;
    let mut parts = signed.data.signature.splitn(3, ':');
    let (Some(_), Some(by), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("its signature is not `vault:v<version>:<base64>`");
    };
    if by.strip_prefix('v') != Some(version.to_string().as_str()) {
        return Err("it signed with another version of the key");
    }
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| "its signature is not in base64")?;
    bytes
        .try_into()
        .map_err(|_| "its signature is not 64 bytes")
}

/// What a refusal says, fit to be shown.
pub(super) fn refusal(status: u16, body: &[u8]) -> String {
    const LONGEST: usize = 200;
    let told = serde_json::from_slice::<Errors>(body)
        .map(|errors| errors.errors.join("; "))
        .unwrap_or_default();
    let told: String = told
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST)
        .collect();
    let told = told.trim();
    let hint = match status {
        403 => ": the token may not do this, or has expired",
        404 => ": there is no such key or mount",
        503 => ": it is sealed",
        _ => "",
    };
    if told.is_empty() {
        format!("it answers with status {status}{hint}")
    } else {
        format!("it answers with status {status}{hint} ({told})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn key(kind: &str, public: &[u8]) -> Vec<u8> {
        let keys =
            json!({"1": {"public_key": "AAAA"}, "2": {"public_key": STANDARD.encode(public)}});
        json!({"data": {"type": kind, "latest_version": 2, "keys": keys}})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn the_latest_version_unless_another_is_wanted() {
        let body = key("ed25519", &[7; 32]);
        assert_eq!(public_key(&body, None), Ok((2, [7; 32])));
        assert_eq!(public_key(&body, Some(2)), Ok((2, [7; 32])));
        assert!(public_key(&body, Some(1)).is_err());
        assert!(public_key(&body, Some(3)).is_err());
        assert!(public_key(&key("ecdsa-p256", &[7; 32]), None).is_err());
        assert!(public_key(&key("ed25519", &[7; 31]), None).is_err());
    }

    #[test]
    fn a_signature_of_another_version_is_none() {
        let body = |text: String| json!({"data": {"signature": text}}).to_string();
        let good = format!("vault:v2:{}", STANDARD.encode([5; 64]));
        assert_eq!(signature(body(good.clone()).as_bytes(), 2), Ok([5; 64]));
        assert!(signature(body(good).as_bytes(), 1).is_err());
        for bad in ["", "vault:v2", "vault:v2:AAAA", "vault:2:", "::"] {
            assert!(signature(body(bad.to_owned()).as_bytes(), 2).is_err());
        }
    }

    #[test]
    fn refusals_are_short_and_of_one_line() {
        let long = json!({"errors": ["a\nb", "x".repeat(10_000)]}).to_string();
        let told = refusal(403, long.as_bytes());
        assert!(told.contains("a b") && !told.contains('\n') && told.len() < 400);
        assert!(refusal(500, b"\xff").contains("500"));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = public_key(&body, None);
            let _ = signature(&body, 1);
            let _ = refusal(400, &body);
        }
    }
}
