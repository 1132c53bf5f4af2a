//! What must hold when a rotation is over.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use memchr::memmem;
use serde_json::Value;

use crate::cases::{Case, Way};
use crate::faults::Fault;
use crate::world::{KEY, World};

/// Says what does not hold.
pub(crate) fn wrong(world: &mut World, case: &Case, end: &str, back: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let done = end == "done";
    let harmless = matches!(case.fault, Fault::Nothing | Fault::LateDeath);
    match end {
        "done" if back => wrong.push("it was taken back, and is done".to_owned()),
        "rolled-back" if case.way != Way::Back && harmless => {
            wrong.push("it was rolled back for no reason".to_owned());
        }
        "done" | "rolled-back" => {}
        other => wrong.push(format!("it ended {other}")),
    }
    let id = world.watch.id().unwrap_or_default();
    let status = world.run(&["upstream", "status", &id, "--json"]);
    let view: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
    if view["owed"] != false || view["open"] != false || view["step"] != end {
        wrong.push(format!("after the end: {}{}", status.stdout, status.stderr));
    }
    if (case.way == Way::Leak) != (view["why"] == "leak") {
        wrong.push(format!("why it was is {}", view["why"]));
    }
    at_instantly(world, done, &view, &mut wrong);
    kept(world, done, &mut wrong);
    if world.through() != 200 {
        wrong.push("a call through the gateway fails".to_owned());
    }
    recorded(world, done, &mut wrong);
    if !world.end() {
        wrong.push("the server does not end well".to_owned());
    }
    nowhere_else(world, &mut wrong);
    wrong
}

/// One of the two keys is there and the other is not, and there is no third.
fn at_instantly(world: &World, done: bool, view: &Value, wrong: &mut Vec<String>) {
    let (old_id, old) = &world.old;
    let keys = world.control.keys();
    let made: Vec<_> = keys.iter().filter(|key| key.1.starts_with("dw-")).collect();
    let has_old = keys.iter().any(|key| key.0 == *old_id);
    let ours = view["new_api_key_id"].as_str();
    match (done, made.as_slice()) {
        (true, [one]) if Some(one.0.as_str()) == ours => {}
        (false, []) => {}
        _ => {
            let names: Vec<_> = made.iter().map(|key| (&key.0, &key.1)).collect();
            wrong.push(format!("orphans: {names:?}, where {ours:?} was made"));
        }
    }
    if has_old == done {
        wrong.push(format!("that the old key is listed is {has_old}"));
    }
    let answer = world
        .control
        .instantly(old, "GET", "campaigns?limit=1", None);
    let dead = answer.status == 401 && !answer.body.to_string().contains("scope");
    if dead != done || (!done && answer.status != 200) {
        wrong.push(format!("the old key is answered {answer:?}"));
    }
}

/// What the reference in force resolves to works, and nothing else is kept beside it.
fn kept(world: &World, done: bool, wrong: &mut Vec<String>) {
    let shown = world.run(&["workspace", "show", "acme", "--json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap_or_default();
    let none = Vec::new();
    let keys = shown["upstream_keys"].as_array().unwrap_or(&none);
    let states: Vec<_> = keys.iter().map(|key| key["state"].as_str()).collect();
    if states.contains(&Some("retiring")) {
        wrong.push(format!("a key is on its way out for ever: {shown}"));
    }
    let in_force = keys
        .iter()
        .find(|key| key["name"] == KEY && key["state"] == "active");
    let reference = in_force.and_then(|key| key["reference"].as_str());
    let Some(path) = reference.and_then(|text| text.strip_prefix("file://")) else {
        return wrong.push(format!("no key is in force: {shown}"));
    };
    let value = fs::read_to_string(path).unwrap_or_default();
    let answer = world
        .control
        .instantly(value.trim_end(), "GET", "campaigns?limit=1", None);
    if answer.status != 200 {
        wrong.push(format!(
            "lost: what is kept at {path} is answered {answer:?}"
        ));
    }
    // Nobody was told of a way back that was never told of the way on; else the last counts.
    if done && world.hook.last() != Some(false) {
        wrong.push(format!("the hook was told {:?} last", world.hook.last()));
    }
    if !done && world.hook.last() == Some(false) {
        wrong.push("the hook was not told that the old key is in force again".to_owned());
    }
    // Nobody was told where there is no file; else it holds what is in force.
    let outside = fs::read_to_string(world.outside());
    if outside.is_ok_and(|held| held.trim_end() != value.trim_end()) {
        wrong.push("who holds the key outside has another".to_owned());
    }
    let files = fs::read_dir(world.keys())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let beside = files.filter(|file| file != Path::new(path) && !file.ends_with("manager"));
    let beside: Vec<_> = beside.collect();
    if !beside.is_empty() {
        wrong.push(format!("beside the key that is used is still {beside:?}"));
    }
}

/// The ledger holds, and has every step.
fn recorded(world: &World, done: bool, wrong: &mut Vec<String>) {
    let verified = world.run(&["audit", "verify"]);
    if verified.code != 0 {
        wrong.push(format!("the ledger does not hold: {verified:?}"));
    }
    let found = world.run(&["audit", "search", "--kind", "rotation", "--json"]);
    let leaves = found
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps = leaves.filter_map(|leaf| Some(leaf["metadata"]["step"].as_str()?.to_owned()));
    let steps: BTreeSet<String> = steps.collect();
    let must: &[&str] = match done {
        true => &[
            "started",
            "created",
            "stored",
            "verified",
            "switched",
            "told",
            "drained",
            "revoked",
            "confirmed",
            "forgotten",
            "finished",
        ],
        false => &["started", "turned_back", "rolled_back"],
    };
    let missing: Vec<_> = must.iter().filter(|step| !steps.contains(**step)).collect();
    if !missing.is_empty() {
        wrong.push(format!("the record lacks {missing:?}; it has {steps:?}"));
    }
}

/// No value of a key is anywhere but where it is kept.
fn nowhere_else(world: &World, wrong: &mut Vec<String>) {
    let mut places = vec![(
        "what commands wrote".to_owned(),
        world.said.lock().unwrap().clone(),
    )];
    files(world.path(), &mut places);
    let looked_at = |end: &str| places.iter().any(|(path, _)| path.ends_with(end));
    if !looked_at("doorward.db") || !looked_at("serve.log") {
        wrong.push("nothing was looked through".to_owned());
    }
    for (id, value) in world.control.values() {
        // Nor what is worth having of it.
        let finder = memmem::Finder::new(&value.as_bytes()[value.len() - 24..]);
        for (place, content) in &places {
            if finder.find(content).is_some() {
                wrong.push(format!("the value of the key {id} is in {place}"));
            }
        }
    }
}

/// All files but those that keys are kept in, and Instantly's side.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let left_out =
            ["keys", "outside", "sandbox.log", "sandbox"].map(|name| path.ends_with(name));
        if left_out.contains(&true) {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}
