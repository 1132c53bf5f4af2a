//! The members of an object, and their order.

use std::cmp::Ordering;

/// Where a member of an object that is being written is: its name with the quotes, then its value,
/// up to the comma before the next one.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) value: usize,
    pub(super) end: usize,
    /// The first eight bytes of the name, if it is ASCII with nothing escaped: then its bytes are in
    /// the order it has.
    pub(super) plain: Option<u64>,
}

/// The first eight bytes of a name as a number that is in its order; shorter ones are filled up with
/// zeros, which are in no name that is plain.
pub(super) fn first_eight(name: &[u8]) -> u64 {
    if let Some(first) = name.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(name) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// The order of members: that of their names' UTF-16 code units.
pub(super) fn by_name(out: &[u8], a: &Member, b: &Member) -> Ordering {
    // Between the quotes: the closing one and the colon are before the value.
    let inside = |member: &Member| {
        let end = member.value.saturating_sub(2);
        out.get(member.start + 1..end).unwrap_or_default()
    };
    if let (Some(first), Some(second)) = (a.plain, b.plain) {
        return first.cmp(&second).then_with(|| inside(a).cmp(inside(b)));
    }
    let text = |member: &Member| {
        let quoted = out.get(member.start..member.value.saturating_sub(1));
        serde_json::from_slice::<String>(quoted.unwrap_or_default()).unwrap_or_default()
    };
    text(a).encode_utf16().cmp(text(b).encode_utf16())
}
