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
    let asks: [&[&str]; 2] = [
        &[
            "upstream",
            "rotate",
            "reader",
            "--workspace",
            "acme",
            "--now",
        ],
        &[
            "upstream",
            "revoke",
            &stage.old.0,
            "--workspace",
            "acme",
            "-y",
        ],
    ];
    for ask in asks {
        let refused = stage.run(ask).ended(2);
        let said = &refused.stderr;
        assert!(said.contains("are one key"), "{ask:?}: {said}");
        assert!(said.contains("remove-key other copy"), "{ask:?}: {said}");
    }
    assert_eq!(stage.status_under(&stage.old.1), 200);
    assert!(stage.made().is_empty(), "{:?}", stage.made());
    // And one that is taken out again is no obstacle.
    stage
        .run(&["workspace", "remove-key", "other", "copy"])
        .ended(0);
    let rotate = [
        "upstream",
        "rotate",
        "reader",
        "--workspace",
        "acme",
        "--now",
    ];
    stage.run(&rotate).ended(0);
    assert_eq!(stage.status_under(&stage.old.1), 401);
}
