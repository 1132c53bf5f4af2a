//! Reading the block list and lists of values.

use std::io::Read;
use std::path::Path;

use doorward_posture::block::{BlockLines, BlockValue, read_lines};

use crate::admin::{BlockFind, BlockPage, BlockView, Session};
use crate::commands::audit::Bar;
use crate::exit::Failure;

/// Most bytes of a file.
const FILE_MAX: u64 = 256 * 1024 * 1024;
/// Up to how many values are looked for one by one; more are held against the whole list.
const FEW: usize = 25;

/// Which entries are read.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Reading {
    /// Name or id of the workspace; the only one when none is said.
    pub(in crate::commands) workspace: Option<String>,
    /// Domains alone.
    pub(in crate::commands) domains_only: bool,
    /// Only what has this text in it.
    pub(in crate::commands) search: Option<String>,
}

/// Reads the list, entry by entry, and shows how far that is. The number of entries.
///
/// # Errors
/// When it can't be read.
pub(in crate::commands) async fn read_all(
    session: &Session,
    reading: &Reading,
    mut each: impl FnMut(BlockView),
) -> Result<u64, Failure> {
    let mut bar = Bar::new("reading the block list");
    let (mut count, mut after) = (0, None);
    loop {
        let stretch = session
            .call(BlockPage {
                workspace: reading.workspace.clone(),
                after,
                domains_only: reading.domains_only,
                search: reading.search.clone(),
            })
            .await?;
        count += stretch.entries.len() as u64;
        stretch.entries.into_iter().for_each(&mut each);
        bar.so_far(count);
        after = match stretch.next {
            Some(next) => Some(next),
            None => return Ok(count),
        };
    }
}

/// Each value with its entries.
///
/// # Errors
/// When the list can't be read.
pub(super) async fn look_up(
    session: &Session,
    workspace: Option<String>,
    values: &[BlockValue],
) -> Result<Vec<(BlockValue, Vec<BlockView>)>, Failure> {
    let mut found: std::collections::BTreeMap<BlockValue, Vec<BlockView>> = values
        .iter()
        .map(|value| (value.clone(), Vec::new()))
        .collect();
    let mut take = |entry: BlockView| {
        if let Ok(value) = BlockValue::parse(&entry.value)
            && let Some(entries) = found.get_mut(&value)
        {
            entries.push(entry);
        }
    };
    if values.len() <= FEW {
        let call = BlockFind {
            workspace,
            values: values.iter().map(ToString::to_string).collect(),
        };
        session.call(call).await?.into_iter().for_each(&mut take);
    } else {
        let reading = Reading {
            workspace,
            ..Reading::default()
        };
        read_all(session, &reading, take).await?;
    }
    Ok(found.into_iter().collect())
}

/// Values as they were typed, each once.
///
/// # Errors
/// All that are none.
pub(super) fn parse(typed: &[String]) -> Result<Vec<BlockValue>, Failure> {
    let mut faults = Vec::new();
    let mut values = std::collections::BTreeSet::new();
    for text in typed {
        match BlockValue::parse(text) {
            Ok(value) => {
                values.insert(value);
            }
            Err(why) => faults.push(format!("'{}': {why}", crate::output::clean(text))),
        }
    }
    match faults.is_empty() {
        true => Ok(values.into_iter().collect()),
        false => Err(Failure::usage(faults.join("\n"))),
    }
}

/// Reads a file of values, or stdin for `-`.
///
/// # Errors
/// When it can't be read.
pub(super) fn read_file(path: &Path) -> Result<BlockLines, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format_args!("{} can't be read: {error}", path.display()))
    };
    let mut bytes = Vec::new();
    let read = match path == Path::new("-") {
        true => std::io::stdin().take(FILE_MAX + 1).read_to_end(&mut bytes),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes)),
    };
    if read.map_err(failed)? as u64 > FILE_MAX {
        return Err(Failure::usage(format_args!(
            "{} is larger than 256 MiB; split it",
            path.display()
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format_args!(
            "{} is not UTF-8 text; convert it first",
            path.display()
        ))
    })?;
    Ok(read_lines(&text))
}
