//! zip, and what is made of it: docx, xlsx, jar, whl, apk.

use std::cell::Cell;
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::ReadSeek;
use super::budget::Metered;
use crate::engine::{Cut, Session, Via};

/// Looks at each member; `false` if it is no zip.
pub(super) fn open(session: &mut Session<'_, '_>, bytes: &mut dyn ReadSeek) -> bool {
    let Ok(mut archive) = ZipArchive::new(bytes) else {
        session.cut(Cut::Broken);
        return false;
    };
    for number in 0..archive.len() {
        if session.stopped() {
            break;
        }
        if !session.budget().member() {
            session.cut(Cut::Members);
            break;
        }
        let name = archive.name_for_index(number).and_then(Result::ok);
        let name = name.map_or_else(|| format!("member {number}"), |name| name.into_owned());
        let fault = match archive.by_index(number) {
            Ok(member) if member.is_dir() => continue,
            Ok(member) => {
                let compressed = Rc::new(Cell::new(member.compressed_size()));
                let mut metered = Metered::new(member, session.budget(), compressed);
                session.member(Via::Zip, Some(name.clone()), |session| {
                    session.read(Some(&name), &mut metered);
                });
                continue;
            }
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                Cut::Encrypted
            }
            Err(ZipError::UnsupportedArchive(_)) => Cut::Unknown,
            Err(_) => Cut::Broken,
        };
        session.member(Via::Zip, Some(name), |session| session.cut(fault));
    }
    true
}
