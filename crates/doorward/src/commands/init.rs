//! `doorward init`: a configuration, a data folder, and the secrets of this installation.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::ignored::ignore_secrets;
use crate::cli::Global;
use crate::config::{Config, DEFAULT, FILE};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, note};
use crate::record::make_ledger_key;
use crate::secret::{Made, make_secret};

/// Runs `doorward init`.
pub(crate) fn run(global: &Global, output: Output) -> Outcome {
    let path = global.config.clone().unwrap_or_else(|| PathBuf::from(FILE));
    let text = match &global.data_dir {
        Some(dir) => with_data_dir(dir)?,
        None => DEFAULT.to_owned(),
    };
    // What would be written must be what is read again.
    Config::parse(&text).map_err(|faults| Failure::usage(faults.told("the configuration")))?;
    let wrote = write_new(&path, &text)?;

    let named = Global {
        config: Some(path.clone()),
        data_dir: None,
        json: global.json,
    };
    let context = Context::new(&named, output)?;
    context.data_dir.make()?;
    context.data_dir.make_secrets()?;
    let secrets = context.secrets.open()?;
    let pepper = make_secret(&secrets, &context.pepper()?)?;
    let audit_key = make_secret(&secrets, &context.audit_key()?)?;
    let ledger_key = make_ledger_key(&secrets, &context.ledger_key()?)?;

    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let ignored = ignore_secrets(folder.unwrap_or(Path::new(".")));

    if output.is_json() {
        output.value(&json!({
            "config": path,
            "config_written": wrote,
            "data_dir": context.data_dir.path(),
            "pepper": context.pepper()?,
            "pepper_made": pepper == Made::Now,
            "audit_key_made": audit_key == Made::Now,
            "ledger_key_made": ledger_key == Made::Now,
            "gitignore_changed": matches!(ignored, Ok(true)),
        }))?;
        return Ok(Exit::Done);
    }
    let made = |made: bool| if made { "wrote" } else { "kept " };
    output.line(format_args!("{} {}", made(wrote), path.display()))?;
    output.line(format_args!(
        "{} {}",
        made(pepper == Made::Now),
        context.pepper()?
    ))?;
    output.line(format_args!(
        "{} {}",
        made(audit_key == Made::Now),
        context.audit_key()?
    ))?;
    output.line(format_args!(
        "{} {}",
        made(ledger_key == Made::Now),
        context.ledger_key()?
    ))?;
    match ignored {
        Ok(changed) => {
            let word = if changed { "added to" } else { "kept " };
            output.line(format_args!(
                "{word} .gitignore: .env, .env.*, *.key, .doorward/"
            ))?;
        }
        Err(error) => note(format_args!(
            ".gitignore can't be changed: {error}; let git leave out .env, .env.*, *.key and \
             .doorward/"
        )),
    }
    let option = match &global.config {
        Some(path) => format!(" --config {}", path.display()),
        None => String::new(),
    };
    output.line(format_args!(
        "\nnext:\n  doorward workspace add NAME --key-from file:///path/to/instantly-key{option}\n  \
         doorward serve{option}"
    ))?;
    Ok(Exit::Done)
}

/// The default with another data folder.
fn with_data_dir(dir: &Path) -> Result<String, Failure> {
    let dir = std::path::absolute(dir)
        .ok()
        .and_then(|dir| dir.to_str().map(str::to_owned))
        .ok_or_else(|| Failure::usage("--data-dir: the path can't be written in UTF-8"))?;
    let value = toml::Value::String(dir).to_string();
    Ok(DEFAULT.replace("data_dir = \".doorward\"", &format!("data_dir = {value}")))
}

/// Writes a file that is not there; whether it was.
fn write_new(path: &Path, text: &str) -> Result<bool, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format_args!(
            "can't write {}: {error}; choose another place with --config",
            path.display()
        ))
    };
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_data_folder_is_written_so_that_it_is_read_again() {
        for dir in ["/var/lib/doorward", "/a \"quoted\" \\ folder"] {
            let text = with_data_dir(Path::new(dir)).unwrap();
            assert_eq!(Config::parse(&text).unwrap().data_dir, Path::new(dir));
        }
    }
}
