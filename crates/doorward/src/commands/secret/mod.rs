//! `doorward secret`: keep, show, list, check and copy secrets.

mod check;
mod entered;

use std::path::Path;

use doorward_secrets::SecretRef;
use serde_json::json;

use crate::admin::{
    SecretCopy, SecretKept, SecretList, SecretReveal, SecretSet, SecretUse, Session, may_be_secret,
};
use crate::cli::{SecretCommand, SetSecret};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Tone};

/// Runs `doorward secret …`.
pub(crate) async fn run(context: &Context, command: SecretCommand) -> Outcome {
    match command {
        SecretCommand::Set(set) => self::set(context, set).await,
        SecretCommand::Get { secret, reveal } => get(context, &secret, reveal).await,
        SecretCommand::List => list(context).await,
        SecretCommand::Check { secrets } => check::run(context, &secrets).await,
        SecretCommand::Copy { from, to, replace } => {
            let call = SecretCopy {
                from: which(context, &from)?.to_string(),
                to: which(context, &to)?.to_string(),
                replace,
            };
            let session = Session::open(context).await?;
            kept(context, &session.call(call).await?)
        }
    }
}

async fn set(context: &Context, set: SetSecret) -> Outcome {
    let reference = which(context, &set.secret)?;
    // Asked before anything is typed.
    let session = Session::open(context).await?;
    let call = SecretSet {
        reference: reference.to_string(),
        secret: entered::take()?,
        replace: set.replace,
    };
    kept(context, &session.call(call).await?)
}

fn kept(context: &Context, kept: &SecretKept) -> Outcome {
    if context.output.is_json() {
        context.output.value(kept)?;
    } else {
        context.output.line(format_args!(
            "kept in {}\nrefer to it as {}",
            kept.place, kept.reference
        ))?;
    }
    Ok(Exit::Done)
}

async fn get(context: &Context, secret: &str, reveal: bool) -> Outcome {
    let reference = which(context, secret)?;
    if !reveal {
        return Err(Failure::usage(format_args!(
            "this would show the secret at {reference} to whoever sees the screen; say --reveal, \
             or look without it: doorward secret check {reference}"
        )));
    }
    let session = Session::open(context).await?;
    let shown = session
        .call(SecretReveal {
            reference: reference.to_string(),
        })
        .await?;
    let secret = shown.secret.expose_secret();
    if context.output.is_json() {
        let value = json!({ "reference": shown.reference, "secret": secret });
        context.output.value(&value)?;
    } else {
        context.output.bytes(secret.as_bytes())?;
        context.output.bytes(b"\n")?;
    }
    Ok(Exit::Done)
}

async fn list(context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let call = SecretList {
        // Any name of the file.
        of: kept_as(context, "any")?.to_string(),
        used: used(context),
    };
    let listed = session.call(call).await?;
    let output = context.output;
    if output.is_json() {
        output.value(&listed)?;
        return Ok(Exit::Done);
    }
    let rows = listed.into_iter().map(|one| {
        let name = one
            .reference
            .rsplit_once('#')
            .map(|(_, name)| name.to_owned());
        let used = match one.used_by.is_empty() {
            true => Cell::toned("nothing", Tone::Quiet),
            false => Cell::from(one.used_by.join("\n")),
        };
        vec![
            Cell::toned(name.unwrap_or_default(), Tone::Strong),
            Cell::from(one.reference),
            used,
        ]
    });
    let none = "no secret was set yet; `doorward secret set NAME` keeps one";
    output.table(&["name", "reference", "used by"], rows.collect(), none)?;
    Ok(Exit::Done)
}

/// The secret that was typed: a reference, or a name in the encrypted file.
fn which(context: &Context, typed: &str) -> Result<SecretRef, Failure> {
    if typed.contains(':') {
        return context.secrets.reference(typed).map_err(Failure::usage);
    }
    kept_as(context, typed)
}

fn kept_as(context: &Context, name: &str) -> Result<SecretRef, Failure> {
    let fits = !may_be_secret(name);
    let reference = fits.then(|| context.secrets.kept(name).ok()).flatten();
    reference.ok_or_else(|| {
        Failure::usage(
            "that is no name for a secret: choose one of letters, digits, '-', '_', '.' and '/', \
             or write a reference like vault://secret/doorward#name (it is not repeated, since it \
             may be the secret itself; that is typed when it is asked for, or piped in)",
        )
    })
}

/// What the configuration uses.
pub(crate) fn used(context: &Context) -> Vec<SecretUse> {
    let transit = context.config.ledger.transit.is_some();
    let references = context.config.references().into_iter();
    references
        // Where a service signs, there need be no key.
        .filter(|one| !(transit && one.setting == "ledger.key"))
        .filter_map(|one| {
            let path = Path::new(&one.place);
            let (reference, read) = match context.secrets.reference(&one.place) {
                Ok(reference) => (reference, true),
                // Some files have rules of their own about who may read them.
                Err(_) => (
                    SecretRef::file(&std::path::absolute(path).ok()?).ok()?,
                    false,
                ),
            };
            Some(SecretUse {
                reference: reference.to_string(),
                by: one.setting,
                read,
            })
        })
        .collect()
}
