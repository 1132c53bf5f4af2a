//! What is refused, and what a dry run shows.

use super::Stage;

#[test]
fn a_dry_run_shows_every_step_and_call_and_does_nothing() {
    let stage = Stage::new();
    let dry = stage
        .run(&["upstream", "rotate", "reader", "--dry-run"])
        .ended(0);
    for said in [
        "POST /api/v2/api-keys under 'manager'",
        &format!("DELETE /api/v2/api-keys/{} under 'manager'", stage.old.0),
        "GET /api/v2/campaigns under the old key, 3 times",
        "reader.key-b",
        "campaigns:read",
    ] {
        assert!(dry.stdout.contains(said), "{said}: {}", dry.stdout);
    }
    assert!(stage.made().is_empty());
    let all = stage
        .run(&["upstream", "history", "--json"])
        .ended(0)
        .json();
    assert!(all.as_array().unwrap().is_empty(), "{all}");
    let json = [
        "upstream",
        "rotate",
        "reader",
        "--dry-run",
        "--now",
        "--json",
    ];
    let plan = stage.run(&json).ended(0).json();
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.first().unwrap()["step"], "create");
    assert_eq!(steps.last().unwrap()["step"], "tidy");
}

#[test]
fn the_key_that_manages_is_not_rotated_by_itself() {
    let stage = Stage::new();
    let refused = stage.run(&["upstream", "rotate", "manager"]).ended(2);
    let why = "the key that manages can't be the key that is rotated";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert!(refused.stderr.contains("--manages"), "{}", refused.stderr);

    // Nor under its other name.
    let place = stage.world.path().join("manager.key").display().to_string();
    let copy = stage
        .world
        .keep("other", &std::fs::read_to_string(&place).unwrap());
    let url = stage.world.sandbox.text("url");
    let add = ["workspace", "add", "acme", "--sandbox", "--base-url", &url];
    let add = [&add[..], &["--manages", "--key-from", &copy]].concat();
    stage.run(&add).ended(0);
    let refused = stage.run(&["upstream", "rotate", "manager"]).ended(2);
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    assert!(stage.made().is_empty());
}

#[test]
fn no_key_is_taken_for_another() {
    let stage = Stage::new();
    let other = stage.world.made_elsewhere("by hand too", &super::SCOPES);
    let place = stage.world.keep("other", &other.1);
    let url = stage.world.sandbox.text("url");
    let add = ["workspace", "add", "acme", "--sandbox", "--base-url", &url];
    stage
        .run(&[&add[..], &["--key-from", &place]].concat())
        .ended(0);
    // Two have its scopes, though one is known to be another's.
    let twin = stage.world.made_elsewhere("a twin", &super::SCOPES);
    let refused = stage.run(&["upstream", "rotate", "other"]).ended(2);
    assert!(
        refused.stderr.contains("can't be told for certain"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains(&twin.0) && !refused.stderr.contains(&stage.old.0));
    // What is said is held against what is known.
    let wrong = ["upstream", "rotate", "other", "--dry-run", "--id"];
    let (narrow, _) = stage.world.made_elsewhere("narrow", &["leads:read"]);
    for id in [
        &stage.old.0,
        &narrow,
        "00000000-0000-4000-8000-000000000000",
    ] {
        stage.run(&[&wrong[..], &[id]].concat()).ended(2);
    }
    stage.run(&[&wrong[..], &[&other.0]].concat()).ended(0);
    assert!(stage.made().is_empty());
}

#[test]
fn nothing_is_written_over_that_is_not_doorwards() {
    let stage = Stage::new();
    let other = stage.world.path().join("reader.key-b");
    std::fs::write(&other, "somebody's own secret").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
    let refused = stage.run(&["upstream", "rotate", "reader"]).ended(2);
    assert!(
        refused.stderr.contains("did not put there"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        stage.value_at("reader.key-b").as_deref(),
        Some("somebody's own secret")
    );
    let unknown = stage.run(&["upstream", "rotate", "nothing"]).ended(1);
    assert!(
        unknown.stderr.contains("no upstream key 'nothing'"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_key_whose_place_can_not_be_written_is_told_what_to_do() {
    let stage = Stage::new();
    let refused = stage.run(&["upstream", "rotate", "reader", "--to", "env://SOMEWHERE"]);
    assert_ne!(refused.code, 0);
    assert!(stage.made().is_empty(), "{refused:?}");
}
