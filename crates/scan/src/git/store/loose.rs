//! Loose objects: one a file.

use std::path::{Path, PathBuf};

use gix::{
    ObjectId,
    objs::Kind,
    zlib::{Decompress, FlushDecompress, Status},
};

use super::Fault;

/// Where the loose object of this id would be.
pub(crate) fn path(objects: &Path, id: &gix::oid) -> PathBuf {
    let hex = id.to_string();
    let (folder, name) = hex.split_at_checked(2).unwrap_or((&hex, ""));
    objects.join(folder).join(name)
}

/// The ids of all loose objects in a folder of objects, in no order.
pub(crate) fn list(objects: &Path, hash: gix::hash::Kind) -> std::io::Result<Vec<ObjectId>> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(objects)? {
        let folder = folder?.file_name();
        let Some(head) = folder.to_str().filter(|name| name.len() == 2) else {
            continue;
        };
        if !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            continue;
        }
        let Ok(names) = std::fs::read_dir(objects.join(head)) else {
            continue;
        };
        for name in names.flatten() {
            let Some(tail) = name.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            if tail.len() + 2 != hash.len_in_hex() {
                continue;
            }
            if let Ok(id) = ObjectId::from_hex(format!("{head}{tail}").as_bytes()) {
                found.push(id);
            }
        }
    }
    Ok(found)
}

/// Reads the object in a file, of at most `most` bytes.
pub(crate) fn read(
    file: &Path,
    most: u64,
    inflate: &mut Decompress,
    out: &mut Vec<u8>,
) -> Result<Kind, Fault> {
    let size = std::fs::metadata(file)?.len();
    // Deflate makes nothing much larger than it was.
    if size > most + most / 8 + 1024 {
        return Err(Fault::TooLarge(size));
    }
    let bytes = std::fs::read(file)?;
    inflate.reset();
    out.clear();
    out.resize(64, 0);
    let mut step = |input: &[u8], out: &mut [u8]| {
        inflate
            .decompress(input, out, FlushDecompress::None)
            .map_err(|_| Fault::Broken("a loose object does not inflate"))
            .map(|status| (status, inflate.total_in(), inflate.total_out()))
    };
    let (status, read, made) = step(&bytes, out)?;
    out.truncate(made as usize);
    let (kind, size, head) = head(out)?;
    if size > most {
        return Err(Fault::TooLarge(size));
    }
    let size = usize::try_from(size).map_err(|_| Fault::TooLarge(size))?;
    out.drain(..head);
    let have = out.len();
    let rest = bytes.get(read as usize..).unwrap_or_default();
    // What a few bytes claim to become is not reserved for them.
    if (size as u64) > (bytes.len() as u64).saturating_mul(1100) + 64 {
        return Err(Fault::Broken("a loose object is shorter than it says"));
    }
    out.resize(size.max(have), 0);
    if status != Status::StreamEnd {
        let (status, _, made) = step(rest, out.get_mut(have..).unwrap_or_default())?;
        if status != Status::StreamEnd || made as usize != head + size {
            return Err(Fault::Broken("a loose object is not as long as it says"));
        }
    }
    if have > size || (status == Status::StreamEnd && have != size) {
        return Err(Fault::Broken("a loose object is not as long as it says"));
    }
    Ok(kind)
}

/// `blob 12\0`: the kind, the size, and where the object begins.
fn head(bytes: &[u8]) -> Result<(Kind, u64, usize), Fault> {
    let wrong = Fault::Broken("a loose object has no head");
    let end = memchr::memchr(0, bytes).ok_or(wrong.clone())?;
    let text = bytes
        .get(..end)
        .and_then(|head| std::str::from_utf8(head).ok());
    let (kind, size) = text
        .and_then(|text| text.split_once(' '))
        .ok_or(wrong.clone())?;
    let kind = Kind::from_bytes(kind.as_bytes()).map_err(|_| wrong.clone())?;
    Ok((kind, size.parse().map_err(|_| wrong)?, end + 1))
}
