//! What the operations share when they keep and show entities: fields that are never shown, values
//! derived from a text, addresses.
//!
//! A field whose name begins with `_` is the sandbox's own: it is kept with the entity, dumped and
//! loaded with it, and taken away from every answer.

use serde_json::Value;

use crate::reply::{Answer, Reply};

/// The entity without the sandbox's own fields.
pub(crate) fn shown(entity: &Value) -> Value {
    match entity {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Takes the sandbox's own fields away from an entity.
pub(crate) fn hide(entity: &mut Value) {
    if let Some(fields) = entity.as_object_mut() {
        fields.retain(|name, _| !name.starts_with('_'));
    }
}

/// The page, each item changed by `show`.
pub(crate) fn show_items(answer: Answer, show: impl FnMut(&mut Value)) -> Answer {
    let mut reply = answer?;
    if let Reply::Json(_, body) = &mut reply
        && let Some(items) = body.get_mut("items").and_then(Value::as_array_mut)
    {
        items.iter_mut().for_each(show);
    }
    Ok(reply)
}

/// A text field; empty when it is absent.
pub(crate) fn text<'a>(entity: &'a Value, name: &str) -> &'a str {
    entity.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A number; 0 when it is absent.
pub(crate) fn number(entity: &Value, name: &str) -> i64 {
    entity.get(name).and_then(whole).unwrap_or_default()
}

/// A flag; false when it is absent.
pub(crate) fn flag(entity: &Value, name: &str) -> bool {
    entity
        .get(name)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// A number without its fraction, within `i64`.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|number| number as i64))
}

/// Sets a field of an object.
pub(crate) fn set(entity: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = entity.as_object_mut() {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Takes a field away from an object.
pub(crate) fn unset(entity: &mut Value, name: &str) {
    if let Some(fields) = entity.as_object_mut() {
        fields.remove(name);
    }
}

/// A number that depends on nothing but the text: what looks like chance in the sandbox (does this
/// mail land in spam, is this domain taken) is the same in every run.
pub(crate) fn hash(text: &str) -> u64 {
    // FNV-1a, then the mixer of SplitMix64, whose low bits are as good as its high ones.
    let mut z = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to 99 that depends on nothing but the text.
pub(crate) fn percent(text: &str) -> u64 {
    hash(text) % 100
}

/// A uuid that depends on nothing but the text.
pub(crate) fn uuid_of(text: &str) -> String {
    let high = hash(text);
    let low = hash(&format!("{text}/{high}"));
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    uuid::Builder::from_bytes(bytes)
        .with_version(uuid::Version::Random)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
        .to_string()
}

/// The domain of an address, or the whole text when it is none.
pub(crate) fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

/// Whether a text has the form of a host name with at least two labels.
pub(crate) fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Whether a host can be reached: names under `.invalid`, which no resolver knows, cannot.
pub(crate) fn is_reachable(host: &str) -> bool {
    is_host(host) && !host.to_ascii_lowercase().ends_with(".invalid")
}

/// Whether a text is an address of the form the API asks for.
pub(crate) fn is_address(text: &str) -> bool {
    doorward_catalog::shapes::Format::Email.holds(text)
}

/// The first `most` characters of a text.
pub(crate) fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Does `text` hold `part`, whatever the case of its ASCII letters? `part` is in lower case.
pub(crate) fn holds(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(part)
}
