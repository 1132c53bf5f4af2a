//! What is taken of a faulty configuration: the data folder, to find the server that runs on it.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::{Config, file, read};

impl Config {
    /// The data folder that a faulty configuration names all the same, as [`load`](Self::load) has
    /// it: what is said in it, or the default where nothing like it is said. `None` when it can't be
    /// told.
    pub(crate) fn data_dir_despite_faults(named: Option<&Path>) -> Option<PathBuf> {
        let path = file(named)?;
        let data_dir = said(&read(path).ok()?)?;
        Some(match path.parent() {
            Some(folder) => folder.join(data_dir),
            None => data_dir,
        })
    }
}

fn said(text: &str) -> Option<PathBuf> {
    let (root, _) = DeTable::parse_recoverable(text);
    let value = root.get_ref().get("data_dir");
    match value.and_then(|value| value.get_ref().as_str()) {
        Some(said) if !said.is_empty() => Some(PathBuf::from(said)),
        // It may have been lost with what could not be read, and another folder is another server.
        _ if text.contains("data_dir") => None,
        _ => Some(Config::default().data_dir),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_what_is_said_or_not_known() {
        let default = Config::default().data_dir;
        for (text, folder) in [
            (
                "data_dir = \"there\"\n[gatway]\nx = 1\n",
                Some(Path::new("there")),
            ),
            ("data_dir = \"there\"\na = \n", Some(Path::new("there"))),
            ("a = \n", Some(default.as_path())),
            ("data_dir = 7\n", None),
            ("data_dir = \"\"\n", None),
            ("data_dir = \"there\n", Some(Path::new("there"))),
            ("[gateway]\ndata_dir = \"there\"\n", None),
        ] {
            assert_eq!(said(text).as_deref(), folder, "{text}");
        }
    }
}
