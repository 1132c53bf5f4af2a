//! The options for what is set for a client beside its grant.

use std::collections::BTreeSet;
use std::net::IpAddr;

use clap::{Args, ValueEnum};
use doorward_pace::Class;
use doorward_veil::{Action, DataClass, Rule, Target};
use ipnet::IpNet;
use serde::de::DeserializeOwned;

use crate::admin::{ControlsChange, Limit};

/// What is set for a client beside its grant.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Controls")]
pub(crate) struct ControlArgs {
    /// How urgent its calls are
    #[arg(long, value_enum, value_name = "CLASS")]
    class: Option<Urgency>,

    /// Its share of the workspace's pace among the clients of its class, 1 to 1000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    weight: Option<u32>,

    /// Most calls in any second; none lifts it
    #[arg(long, value_name = "N|none")]
    per_second: Option<Limit>,

    /// Most calls in a day (UTC); none lifts it
    #[arg(long, value_name = "N|none")]
    per_day: Option<Limit>,

    /// Most leads written in a day (UTC); none lifts it
    #[arg(long, value_name = "N|none")]
    leads_per_day: Option<Limit>,

    /// Most calls under way at once; none lifts it
    #[arg(long, value_name = "N|none")]
    concurrency: Option<Limit>,

    /// Let it call from this network only, several times for several; none for from anywhere
    #[arg(long, value_name = "CIDR|none", value_parser = source)]
    source: Vec<Said<IpNet>>,

    /// Redact answers to it: a class (email, name, phone, message, work, ip-address, variables) or
    /// a JSON pointer, and hash, mask, blank or drop, like email=mask or /items/*/phone=drop;
    /// none for nothing
    #[arg(long, value_name = "WHAT=HOW|none", value_parser = rule)]
    redact: Vec<Said<Rule>>,
}

/// How urgent a client's calls are.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Urgency {
    /// A person waits for the answer
    Interactive,
    /// What is not told otherwise
    Default,
    /// Syncs and exports that may take their time
    Batch,
}

/// An item of a list, or that there is to be none.
#[derive(Debug, Clone)]
enum Said<T> {
    None,
    One(T),
}

impl<T> Said<T> {
    /// The list that is said, if one is.
    fn list<L: FromIterator<T>>(all: Vec<Self>) -> Option<L> {
        if all.is_empty() {
            return None;
        }
        let ones = all.into_iter().filter_map(|said| match said {
            Self::None => None,
            Self::One(one) => Some(one),
        });
        Some(ones.collect())
    }
}

impl From<ControlArgs> for ControlsChange {
    fn from(args: ControlArgs) -> Self {
        let class = |urgency| match urgency {
            Urgency::Interactive => Class::Interactive,
            Urgency::Default => Class::Default,
            Urgency::Batch => Class::Batch,
        };
        Self {
            class: args.class.map(class),
            weight: args.weight,
            per_second: args.per_second,
            per_day: args.per_day,
            leads_per_day: args.leads_per_day,
            concurrency: args.concurrency,
            sources: Said::list::<BTreeSet<_>>(args.source),
            redact: Said::list(args.redact),
        }
    }
}

fn source(text: &str) -> Result<Said<IpNet>, &'static str> {
    if text == "none" {
        return Ok(Said::None);
    }
    let net: IpNet = match text.parse::<IpAddr>() {
        Ok(address) => address.into(),
        Err(_) => text
            .parse()
            .map_err(|_| "write a network like 10.0.0.0/8 or 2001:db8::/32, an address, or none")?,
    };
    // Of 10.1.2.3/8 nobody can tell whether the one address or the network is meant.
    if net != net.trunc() {
        return Err(
            "it names an address within the network; write its first address, or no length",
        );
    }
    Ok(Said::One(net))
}

fn rule(text: &str) -> Result<Said<Rule>, String> {
    if text == "none" {
        return Ok(Said::None);
    }
    let (what, how) = text
        .rsplit_once('=')
        .ok_or("write WHAT=HOW, like email=mask or /items/*/phone=drop, or none")?;
    let target = if what.is_empty() || what.starts_with('/') {
        Target::Pointer(what.to_owned())
    } else {
        Target::Class(named::<DataClass>(what).ok_or_else(|| {
            format!(
                "there is no class '{what}'; the classes are {}, and a JSON pointer begins with /",
                names(&DataClass::ALL)
            )
        })?)
    };
    let action = named::<Action>(how)
        .ok_or_else(|| format!("'{how}' can't be done; say hash, mask, blank or drop"))?;
    Ok(Said::One(Rule { target, action }))
}

/// The value that is written so in JSON.
fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

fn names(classes: &[DataClass]) -> String {
    let name = |class| {
        serde_json::to_value(class)
            .ok()?
            .as_str()
            .map(str::to_owned)
    };
    let names: Vec<_> = classes.iter().filter_map(name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        controls: ControlArgs,
    }

    fn typed(arguments: &[&str]) -> Result<ControlsChange, String> {
        let arguments = ["x"].iter().chain(arguments);
        Typed::try_parse_from(arguments)
            .map(|typed| typed.controls.into())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_typed_is_what_is_set() {
        assert!(typed(&[]).unwrap().is_empty());
        let change = typed(&[
            "--class=batch",
            "--weight=5",
            "--per-day=none",
            "--concurrency=3",
            "--source=10.0.0.0/8",
            "--source=192.0.2.1",
            "--redact=email=mask",
            "--redact=/items/*/a=b=drop",
        ]);
        assert_eq!(
            serde_json::to_string(&change.unwrap()).unwrap(),
            r#"{"class":"batch","weight":5,"per_day":"none","concurrency":{"most":3},"sources":["10.0.0.0/8","192.0.2.1/32"],"redact":[{"class":"email","action":"mask"},{"pointer":"/items/*/a=b","action":"drop"}]}"#
        );
        let cleared = typed(&["--source=none", "--redact=none"]).unwrap();
        assert_eq!(cleared.sources, Some(BTreeSet::new()));
        assert_eq!(cleared.redact, Some(vec![]));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        for (argument, says) in [
            ("--weight=0", "1..=1000"),
            ("--per-second=0", "disable it"),
            ("--source=10.1.2.3/8", "its first address"),
            ("--source=here", "10.0.0.0/8"),
            ("--redact=emial=mask", "email, name, phone"),
            ("--redact=email=burn", "hash, mask, blank or drop"),
            ("--redact=email", "WHAT=HOW"),
        ] {
            let told = typed(&[argument]).unwrap_err();
            assert!(told.contains(says), "{argument}: {told}");
        }
    }
}
