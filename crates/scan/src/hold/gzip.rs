//! gzip and zlib.

use std::io::{BufReader, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::budget::{Counted, Metered};
use super::{Kind, kind};
use crate::engine::{Session, Via};

/// Looks at what a gzip stream holds. What comes before a fault in it is looked at.
pub(super) fn open(session: &mut Session<'_, '_>, name: Option<&str>, reader: &mut dyn Read) {
    let (counted, compressed) = Counted::new(reader);
    let inflated = MultiGzDecoder::new(BufReader::new(counted));
    let mut metered = Metered::new(inflated, session.budget(), compressed);
    let mut head = Vec::new();
    // A fault shows again when the rest is read.
    let _ = (&mut metered).take(512).read_to_end(&mut head);
    // A tar in it names its members itself.
    let inner = (kind(None, &head) != Some(Kind::Tar)).then(|| stem(name));
    let mut all = head.as_slice().chain(metered);
    session.member(Via::Gzip, inner.clone(), |session| {
        session.read(inner.as_deref(), &mut all);
    });
}

/// Looks at what a zlib stream holds.
pub(super) fn open_zlib(session: &mut Session<'_, '_>, reader: &mut dyn Read) {
    let (counted, compressed) = Counted::new(reader);
    let inflated = ZlibDecoder::new(BufReader::new(counted));
    let mut metered = Metered::new(inflated, session.budget(), compressed);
    session.member(Via::Zlib, None, |session| session.read(None, &mut metered));
}

/// The name of what a gzip holds: its own without the ending.
fn stem(name: Option<&str>) -> String {
    let name = name.and_then(|name| name.rsplit('/').next());
    let name = name.map(|name| name.strip_suffix(".gz").unwrap_or(name));
    name.filter(|name| !name.is_empty())
        .unwrap_or("content")
        .to_owned()
}
