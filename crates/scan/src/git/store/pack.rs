//! One pack: its index, and its entries' bytes.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use gix::{ObjectId, hash::Kind, odb::pack::index};

use super::Fault;

/// One pack with its index.
pub(crate) struct Pack {
    pub(crate) file: PackFile,
    index: index::File<gix::odb::pack::MMap>,
    /// The name without its ending.
    pub(crate) name: String,
    /// The checksum of all its bytes, as its end says: the pack's identity.
    pub(crate) checksum: ObjectId,
    /// The checksum of its index, as its end says: of all ids, offsets and sums of entries.
    pub(crate) listed: ObjectId,
}

/// The bytes of a pack.
pub(crate) struct PackFile {
    file: File,
    number: u32,
    len: u64,
}

impl PackFile {
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    #[cfg(unix)]
    pub(crate) fn read_exact_at(&self, out: &mut [u8], from: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, out, from)
    }

    #[cfg(windows)]
    pub(crate) fn read_exact_at(&self, mut out: &mut [u8], mut from: u64) -> std::io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !out.is_empty() {
            let read = self.file.seek_read(out, from)?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            out = out.get_mut(read..).unwrap_or_default();
            from += read as u64;
        }
        Ok(())
    }
}

impl Pack {
    /// Opens the pack of the index at `path`. What is read later than the head is not believed.
    pub(crate) fn open(path: &Path, number: u32, hash: Kind) -> Result<Self, Fault> {
        let index = index::File::at(path, hash)
            .map_err(|_| Fault::Broken("its index is not of the known form"))?;
        let index_end = index.index_checksum();
        let pack: PathBuf = path.with_extension("pack");
        let file = File::open(&pack)?;
        let len = file.metadata()?.len();
        let file = PackFile { file, number, len };
        let trailer = hash.len_in_bytes() as u64;
        if len < 12 + trailer {
            return Err(Fault::Broken("the pack is cut off"));
        }
        let mut head = [0u8; 12];
        file.read_exact_at(&mut head, 0)?;
        let [b'P', b'A', b'C', b'K', 0, 0, 0, 2 | 3, count @ ..] = head else {
            return Err(Fault::Broken("the pack is of no known version"));
        };
        if u32::from_be_bytes(count) != index.num_objects() {
            return Err(Fault::Broken("the pack and its index are not of a kind"));
        }
        let mut end = vec![0u8; trailer as usize];
        file.read_exact_at(&mut end, len - trailer)?;
        let checksum =
            ObjectId::try_from(end.as_slice()).map_err(|_| Fault::Broken("no checksum"))?;
        Ok(Self {
            file: PackFile {
                len: len - trailer,
                ..file
            },
            index,
            name: path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            checksum,
            listed: index_end,
        })
    }

    /// How many objects it has.
    pub(crate) fn count(&self) -> u32 {
        self.index.num_objects()
    }

    /// The id at a place of the index.
    pub(crate) fn id(&self, place: u32) -> Option<&gix::oid> {
        (place < self.count()).then(|| self.index.oid_at_index(place))
    }

    /// Where the entry at a place of the index begins.
    pub(crate) fn offset(&self, place: u32) -> Option<u64> {
        (place < self.count()).then(|| self.index.pack_offset_at_index(place))
    }

    /// The place of an id in the index.
    pub(crate) fn place(&self, id: &gix::oid) -> Option<u32> {
        self.index.lookup(id)
    }
}
