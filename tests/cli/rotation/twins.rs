//! One key that two records hold.

use super::Stage;

#[test]
fn a_key_that_another_record_holds_is_neither_rotated_nor_revoked() {
    let stage = Stage::new();
    let url = stage.world.sandbox.text("url");
    // The same value under another name, in another workspace.
    let place = stage.world.keep("copy", &stage.old.1);
    let add = ["workspace", "add", "other", "--sandbox", "--base-url", &url];
    stage
        .run(&[&add[..], &["--key-from", &place]].concat())
        .ended(0);
    let rotate = [
        "upstream",
        "rotate",
        "reader",
        "--workspace",
        "acme",
        "--now",
    ];
    let refused = stage.run(&rotate).ended(2);
    let said = &refused.stderr;
    assert!(said.contains("are one key"), "{said}");
    assert!(said.contains("remove-key other copy"), "{said}");
    let (id, of) = (stage.old.0.as_str(), ["--workspace", "acme", "-y"]);
    stage
        .run(&[&["upstream", "revoke", id][..], &of].concat())
        .ended(2);
    assert_eq!(stage.status_under(&stage.old.1), 200);
    assert!(stage.made().is_empty(), "{:?}", stage.made());
    // And one that is taken out again is no obstacle.
    stage
        .run(&["workspace", "remove-key", "other", "copy"])
        .ended(0);
    stage.run(&rotate).ended(0);
    assert_eq!(stage.status_under(&stage.old.1), 401);
}
