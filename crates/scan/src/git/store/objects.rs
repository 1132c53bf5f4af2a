//! All objects of a repository, its alternates' included.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use gix::{ObjectId, hash::Kind as Hash, objs::Kind};

use super::{Fault, Pack, Reader, loose};

/// An object's place in the order of all: first by packs' indexes, then the loose ones.
pub(crate) type Number = u32;

/// The most folders of objects that alternates lead to.
const FOLDERS: usize = 64;
/// The most packs that are opened.
const PACKS: usize = 10_000;

/// All objects of a repository.
pub(crate) struct Objects {
    hash: Hash,
    folders: Vec<PathBuf>,
    packs: Vec<Pack>,
    /// The number of each pack's first object; the last is the first loose one's.
    starts: Vec<u32>,
    loose: OnceLock<Vec<ObjectId>>,
    /// What of it could not be opened, and why.
    pub(crate) troubles: Vec<(String, String)>,
    /// Whether a pack came of a partial clone.
    pub(crate) partial: bool,
}

impl Objects {
    /// Opens the store in a folder of objects, `objects` of a git folder.
    pub(crate) fn open(folder: &Path, hash: Hash) -> Self {
        let mut troubles = Vec::new();
        let folders = folders(folder, &mut troubles);
        let mut partial = false;
        let mut found = Vec::new();
        for folder in &folders {
            let Ok(names) = std::fs::read_dir(folder.join("pack")) else {
                continue;
            };
            let (mut indexes, mut bare) = (Vec::new(), Vec::new());
            for name in names.flatten() {
                let path = name.path();
                match path.extension().and_then(|ending| ending.to_str()) {
                    Some("idx") => {
                        let size = std::fs::metadata(path.with_extension("pack"));
                        indexes.push((size.map_or(0, |size| size.len()), path));
                    }
                    Some("pack") => bare.push(path),
                    Some("promisor") => partial = true,
                    _ => {}
                }
            }
            for pack in bare {
                if !pack.with_extension("idx").exists() {
                    troubles.push((shown(&pack), "the pack has no index".to_owned()));
                }
            }
            found.append(&mut indexes);
        }
        // The largest first: what later ones repeat is looked up in it, not the other way round.
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let mut packs: Vec<Pack> = Vec::new();
        let mut starts = vec![0u32];
        for (_, path) in found {
            if packs.len() >= PACKS {
                troubles.push((shown(&path), format!("more than {PACKS} packs")));
                break;
            }
            match Pack::open(&path, packs.len() as u32, hash) {
                Ok(pack) => {
                    let start = starts.last().copied().unwrap_or(0);
                    match start.checked_add(pack.count()) {
                        Some(next) if next < u32::MAX / 2 => starts.push(next),
                        _ => {
                            troubles.push((shown(&path), "too many objects".to_owned()));
                            continue;
                        }
                    }
                    packs.push(pack);
                }
                Err(fault) => troubles.push((shown(&path), fault.to_string())),
            }
        }
        Self {
            hash,
            folders,
            packs,
            starts,
            loose: OnceLock::new(),
            troubles,
            partial,
        }
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    pub(crate) fn packs(&self) -> &[Pack] {
        &self.packs
    }

    pub(crate) fn pack(&self, number: u32) -> Result<&Pack, Fault> {
        self.packs
            .get(number as usize)
            .ok_or(Fault::Broken("there is no such pack"))
    }

    /// The number of a pack's first object.
    pub(crate) fn start(&self, pack: u32) -> Number {
        self.starts.get(pack as usize).copied().unwrap_or(u32::MAX)
    }

    /// The number of the first loose object: how many packed ones there are.
    pub(crate) fn loose_start(&self) -> Number {
        self.starts.last().copied().unwrap_or(0)
    }

    /// All loose objects, sorted by id.
    pub(crate) fn loose(&self) -> &[ObjectId] {
        self.loose.get_or_init(|| {
            let mut all: Vec<ObjectId> = self
                .folders
                .iter()
                .flat_map(|folder| loose::list(folder, self.hash).unwrap_or_default())
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        })
    }

    /// The file of a loose object.
    pub(crate) fn loose_file(&self, id: &gix::oid) -> Option<PathBuf> {
        let paths = self.folders.iter().map(|folder| loose::path(folder, id));
        paths.into_iter().find(|path| path.is_file())
    }

    /// Which pack has an object, and where: `first` is asked before the others.
    pub(crate) fn home(&self, id: &gix::oid, first: u32) -> Option<(u32, u64)> {
        let asked = self.packs.get(first as usize).into_iter();
        asked.chain(&self.packs).find_map(|pack| {
            let offset = pack.place(id).and_then(|place| pack.offset(place))?;
            Some((pack.file.number(), offset))
        })
    }

    /// The number of an object: of the first pack that has it.
    pub(crate) fn number(&self, id: &gix::oid) -> Option<Number> {
        for (pack, start) in self.packs.iter().zip(&self.starts) {
            if let Some(place) = pack.place(id) {
                return Some(start + place);
            }
        }
        let place = self.loose().binary_search_by(|other| (**other).cmp(id));
        place.ok().map(|place| self.loose_start() + place as u32)
    }

    /// The id of a number.
    pub(crate) fn id(&self, number: Number) -> Option<ObjectId> {
        if let Some(loose) = number.checked_sub(self.loose_start()) {
            return self.loose().get(loose as usize).copied();
        }
        let (pack, place) = self.split(number)?;
        pack.id(place).map(ToOwned::to_owned)
    }

    fn split(&self, number: Number) -> Option<(&Pack, u32)> {
        let pack = self.starts.partition_point(|start| *start <= number) - 1;
        let start = self.starts.get(pack)?;
        Some((self.packs.get(pack)?, number - start))
    }

    /// Reads an object by its id, of at most `most` bytes.
    pub(crate) fn read(
        &self,
        reader: &mut Reader,
        id: &gix::oid,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Fault> {
        if let Some((pack, at)) = self.home(id, 0) {
            return reader.packed(self, pack, at, most, out);
        }
        match self.loose_file(id) {
            Some(file) => reader.loose(&file, most, out),
            None => Err(Fault::Missing(id.to_owned())),
        }
    }
}

/// The folder itself and those that its alternates lead to.
fn folders(first: &Path, troubles: &mut Vec<(String, String)>) -> Vec<PathBuf> {
    let mut folders = vec![first.to_path_buf()];
    let mut seen: HashSet<PathBuf> = first.canonicalize().into_iter().collect();
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        at += 1;
        let Ok(list) = std::fs::read(folder.join("info/alternates")) else {
            continue;
        };
        for line in list.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let path = folder.join(line.trim_matches('"'));
            match path.canonicalize() {
                Ok(path) if path.is_dir() => {
                    if !seen.insert(path.clone()) {
                        continue;
                    }
                    if folders.len() >= FOLDERS {
                        let why = format!("alternates lead to more than {FOLDERS} folders");
                        troubles.push((shown(&path), why));
                        return folders;
                    }
                    folders.push(path);
                }
                _ => troubles.push((
                    shown(&path),
                    "objects lie in this other folder too, which is not there".to_owned(),
                )),
            }
        }
    }
    folders
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
