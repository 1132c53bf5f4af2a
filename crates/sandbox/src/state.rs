//! Dumps of the world, and the file that keeps one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::world::World;

/// The version of the form of a dump.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'w> {
    version: u32,
    world: &'w World,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    world: World,
}

/// Writes a dump as JSON.
pub(crate) fn write(world: &World, to: impl Write) -> io::Result<()> {
    let version = VERSION;
    serde_json::to_writer(to, &Written { version, world }).map_err(io::Error::from)
}

/// Reads a dump.
///
/// # Errors
/// When it is none of this version, in words.
pub(crate) fn read(from: impl io::Read) -> Result<World, String> {
    let read: Read = serde_json::from_reader(from).map_err(|error| error.to_string())?;
    if read.version != VERSION {
        let version = read.version;
        return Err(format!(
            "the dump's version is {version}; this is {VERSION}"
        ));
    }
    let mut world = read.world;
    world.index();
    Ok(world)
}

/// Puts a dump in a file's place, whole or not at all. Only its owner may read it: it has the keys.
pub(crate) fn save(world: &World, path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = save_beside(world, &beside).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is half written is no use; that it can't be removed adds nothing to the error.
        let _removed = fs::remove_file(&beside);
    }
    written
}

fn save_beside(world: &World, beside: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::with_capacity(1 << 16, options.open(beside)?);
    write(world, &mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

/// The world a file keeps; none when there is no such file.
pub(crate) fn open(path: &Path) -> Result<Option<World>, String> {
    match File::open(path) {
        Ok(file) => read(BufReader::with_capacity(1 << 16, file)).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
