//! A live workspace is never in a private network.

use crate::harness::{doorward, run};

#[test]
fn a_key_is_not_tried_at_a_private_address() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    for url in [
        "https://10.1.2.3",
        "https://[fd00::1]:8443",
        "https://169.254.169.254",
    ] {
        let add = [
            "workspace",
            "add",
            "acme",
            "--key-from",
            "env://KEY",
            "--base-url",
            url,
        ];
        let mut command = doorward(folder.path());
        let command = command.args(add).env("KEY", "canary-canary-canary");
        let ran = crate::harness::Ran::of(command.output().unwrap()).ended(2);
        assert!(ran.stderr.contains("private network"), "{url}: {ran:?}");
        assert!(!ran.stderr.contains("canary"));
    }
}
