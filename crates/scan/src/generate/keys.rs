//! One function a kind of credential that random characters alone do not make.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_catalog::{Environment, UpstreamKeyFormat};
use doorward_keys::ClientKey;

use super::Source;
use super::template::{BASE62, HEX, alphabet};
use crate::detector::base62_of;

/// The credential of this name.
pub(super) fn named(name: &str, source: &mut Source) -> Option<String> {
    Some(match name {
        "upstream_key" => upstream_key(source),
        "upstream_key_cut" => upstream_key(source).trim_end_matches('=').to_owned(),
        "client_key" => client_key(source),
        "uuid" => uuid(source),
        "uuid_upper" => uuid(source).to_uppercase(),
        "jwt" => jwt(source),
        "pem_body" => pem_body(source, "\n"),
        "pem_body_escaped" => pem_body(source, "\\n"),
        "github_token" => github_token(source),
        "bytes32" => STANDARD.encode(source.bytes(32)),
        _ => return None,
    })
}

fn upstream_key(source: &mut Source) -> String {
    let uuid = uuid(source);
    let tail = source.text(BASE62, 12);
    UpstreamKeyFormat::compose(&uuid, &tail)
}

fn client_key(source: &mut Source) -> String {
    let mut random = [0; ClientKey::RANDOM_LEN];
    for (to, from) in random.iter_mut().zip(source.bytes(ClientKey::RANDOM_LEN)) {
        *to = from;
    }
    ClientKey::generate(Environment::Production, &random)
        .expose()
        .to_owned()
}

fn uuid(source: &mut Source) -> String {
    let mut hex = |count| source.text(HEX, count);
    format!("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12))
}

fn jwt(source: &mut Source) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let subject = source.text(BASE62, 16);
    let issued = 1_700_000_000 + source.below(90_000_000);
    let payload = format!(r#"{{"sub":"{subject}","iat":{issued},"role":"service_role"}}"#);
    let payload = URL_SAFE_NO_PAD.encode(payload);
    let signature = URL_SAFE_NO_PAD.encode(source.bytes(32));
    format!("{header}.{payload}.{signature}")
}

/// The lines between the framing of a private key, of no key at all.
fn pem_body(source: &mut Source, line_end: &str) -> String {
    let mut der = vec![0x30, 0x82, 0x02, 0x5c, 0x02, 0x01, 0x00];
    der.extend(source.bytes(233));
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    lines.join(line_end)
}

/// 30 random characters, and six of their CRC-32.
fn github_token(source: &mut Source) -> String {
    let body = source.text(alphabet("base62").unwrap_or(BASE62), 30);
    let checksum = base62_of(crc32fast::hash(body.as_bytes()));
    format!("{body}{}", String::from_utf8_lossy(&checksum))
}
