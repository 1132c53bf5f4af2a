//! Whose a call is, as far as its limits and its pace go.

use std::sync::Arc;

use doorward_keys::KeyId;
use doorward_pace::{Class, ClientId};
use doorward_store::{Client, Controls, Known};

use crate::clients::uses::DayLimits;

/// A call's client at the moment it was admitted.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Doorward's id of the client.
    pub(crate) id: Arc<str>,
    /// The same as a number.
    pub(crate) number: ClientId,
    /// The key it presented.
    pub(crate) key: KeyId,
    pub(crate) class: Class,
    pub(crate) weight: u32,
    pub(crate) per_second: Option<u32>,
    pub(crate) concurrency: Option<u32>,
    pub(crate) day: DayLimits,
}

impl Caller {
    pub(crate) fn of(known: &Known<'_>) -> Self {
        let Client { controls, .. } = &known.client.record;
        let Controls {
            class,
            weight,
            per_second,
            per_day,
            leads_per_day,
            concurrency,
            ..
        } = controls;
        Self {
            id: Arc::clone(&known.client.id),
            number: number(&known.client.id),
            key: known.key_id,
            class: *class,
            weight: *weight,
            per_second: *per_second,
            concurrency: *concurrency,
            day: DayLimits {
                calls: *per_day,
                leads: *leads_per_day,
            },
        }
    }
}

/// A client's id, `cl_` and 16 hexadecimal digits, as a number; of any other text its digest.
fn number(id: &str) -> ClientId {
    let digits = id.strip_prefix("cl_").unwrap_or_default();
    let plain = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let parsed = u64::from_str_radix(digits, 16).ok().filter(|_| plain);
    ClientId(parsed.map_or_else(|| digest(&[id.as_bytes()]), u128::from))
}

/// 128 bits that stand for those parts, and with the highest set, so that no small number is meant.
pub(crate) fn digest(parts: &[&[u8]]) -> u128 {
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(hash.finish().as_ref()) {
        *to = *from;
    }
    u128::from_be_bytes(first) | (1 << 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_its_number() {
        assert_eq!(number("cl_00000000000000ff"), ClientId(255));
        let others = [
            "cl_ff",
            "cl_+0000000000000ff",
            "cl_1",
            "",
            "cl_00000000000000fg",
        ];
        for id in others {
            assert!(number(id).0 > u128::from(u64::MAX), "{id}");
        }
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
