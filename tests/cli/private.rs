//! A live workspace is never in a private network; a data folder is nobody else's.

use std::fs;
use std::os::unix::fs::PermissionsExt;

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

/// What lies in such a folder may be somebody else's: a socket that takes tokens among it.
#[test]
fn no_command_believes_a_folder_that_others_can_change() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    let data = folder.path().join(".doorward");
    for mode in [0o755, 0o777, 0o701] {
        fs::set_permissions(&data, fs::Permissions::from_mode(mode)).unwrap();
        for command in [
            &["client", "list"][..],
            &["status"],
            &["approval", "list"],
            &["run", "--as", "x", "--", "true"],
        ] {
            let ran = run(folder.path(), command).ended(2);
            assert!(ran.stderr.contains("chmod 700"), "{command:?}: {ran:?}");
        }
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    run(folder.path(), &["admin", "token", "list"]).ended(0);
}

/// What root wrote there, its owner's server could not read.
#[test]
fn root_writes_in_nobody_elses_folder() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    let data = folder.path().join(".doorward");
    // Where the tests are not run by root, nobody can give a folder away.
    let given = std::os::unix::fs::chown(&data, Some(12345), None).is_ok();
    for command in [
        &["admin", "token", "list"][..],
        &["serve", "--listen", "127.0.0.1:0"],
    ] {
        if given {
            let ran = run(folder.path(), command).ended(2);
            assert!(
                ran.stderr.contains("sudo -u '#12345'"),
                "{command:?}: {ran:?}"
            );
        }
    }
    let _ = std::os::unix::fs::chown(&data, Some(rustix::process::geteuid().as_raw()), None);
    run(folder.path(), &["admin", "token", "list"]).ended(0);
}
