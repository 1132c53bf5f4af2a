//! `doorward secret`: what is kept, shown, checked and copied, and what is never shown.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::canary::{files, holds};
use crate::harness::{Ran, Server, doorward, run};

const CANARY: &str = "canary-of-a-secret-0123456789";

/// A folder that was initialised.
fn made() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &["init"]).ended(0);
    folder
}

/// Runs the binary with something piped in.
fn piped(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = doorward(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap())
}

fn private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn row<'v>(checked: &'v Value, reference: &str) -> &'v Value {
    let rows = checked.as_array().unwrap();
    let found = rows.iter().find(|row| {
        let text = row["reference"].as_str().unwrap();
        text == reference || text.ends_with(reference)
    });
    found.unwrap_or_else(|| panic!("no {reference} in {checked:#}"))
}

/// Nothing but age's own file may hold it, and that does not show it.
fn nowhere(folder: &Path) {
    let mut found = Vec::new();
    files(folder, &[], &mut found);
    assert!(found.iter().any(|(path, _)| path.ends_with("secrets.age")));
    for (path, bytes) in found {
        assert!(!holds(&bytes, CANARY), "{path}");
    }
}

#[test]
fn a_secret_is_kept_shown_on_demand_and_written_nowhere_else() {
    let folder = made();
    let path = folder.path();
    let kept = piped(
        path,
        &["secret", "set", "up/main"],
        format!("{CANARY}\n").as_bytes(),
    );
    let kept = kept.ended(0);
    assert!(
        kept.stdout.contains("/.doorward/secrets.age#up/main"),
        "{kept:?}"
    );
    let again = piped(path, &["secret", "set", "up/main"], b"other").ended(2);
    assert!(again.stderr.contains("--replace"), "{again:?}");

    let asked = run(path, &["secret", "get", "up/main"]).ended(2);
    assert!(asked.stderr.contains("--reveal"), "{asked:?}");
    let shown = run(path, &["secret", "get", "up/main", "--reveal"]).ended(0);
    assert_eq!(shown.stdout, format!("{CANARY}\n"));
    let shown = run(path, &["secret", "get", "up/main", "--reveal", "--json"])
        .ended(0)
        .json();
    assert_eq!(shown["secret"], CANARY);
    nowhere(path);

    let listed = run(path, &["secret", "list", "--json"]).ended(0).json();
    assert!(
        row(&listed, "#up/main")["used_by"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(listed.as_array().unwrap().len(), 1);

    piped(
        path,
        &["secret", "set", "up/main", "--replace"],
        b"two\nlines\n",
    )
    .ended(0);
    let shown = run(path, &["secret", "get", "up/main", "--reveal"]).ended(0);
    assert_eq!(shown.stdout, "two\nlines\n");

    let acts = run(path, &["audit", "search", "--json"]);
    for action in ["secret.set", "secret.reveal"] {
        assert!(acts.stdout.contains(action), "{acts:?}");
    }
    assert!(!acts.stdout.contains(CANARY));
    for (input, why) in [
        (&b""[..], "no secret"),
        (b"\n", "no secret"),
        (&[b'x'; 70_000], "65536"),
    ] {
        let ran = piped(path, &["secret", "set", "new"], input).ended(2);
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
}

#[test]
fn a_secret_typed_in_the_place_of_its_name_is_not_repeated() {
    let folder = made();
    for typed in [
        "dwk_p_8jtPHNY1aF55_2krmvGOJI0hZW5sWBl9DjvQjy4KEYz5wdoIgTNQYsM503A13b",
        "MDFhMjA1MmMtMGI1ZS03OTc5LTlmMWUtYWU5NzdhZDc2MjhlOk41YmoxUFFwVExPNw==",
        "deadbeef-0000-4000-8000-000000000000:canary",
        "a secret of words",
    ] {
        for command in [
            &["secret", "set", typed][..],
            &["secret", "get", typed, "--reveal"],
            &["secret", "check", typed],
            &["secret", "copy", typed, "new"],
        ] {
            let ran = run(folder.path(), command).ended(2);
            assert!(
                !ran.stderr.contains(typed) && !ran.stdout.contains(typed),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn the_running_server_keeps_and_reads() {
    let folder = made();
    let path = folder.path();
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    piped(path, &["secret", "set", "main"], CANARY.as_bytes()).ended(0);
    let kept = path.join("copy");
    let to = format!("file://{}", kept.display());
    run(path, &["secret", "copy", "main", &to]).ended(0);
    assert_eq!(fs::read_to_string(&kept).unwrap(), CANARY);
    assert_eq!(
        fs::metadata(&kept).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let again = run(path, &["secret", "copy", "main", &to]).ended(2);
    assert!(again.stderr.contains("--replace"), "{again:?}");
    run(path, &["secret", "copy", "main", &to, "--replace"]).ended(0);
    run(path, &["secret", "copy", "main", "main"]).ended(2);
    fs::remove_file(&kept).unwrap();

    // The environment is the server's, not the command's.
    let mut check = doorward(path);
    let check = check.args(["secret", "check", "env://ONLY_HERE", "main", "--json"]);
    let ran = Ran::of(check.env("ONLY_HERE", CANARY).output().unwrap()).ended(1);
    let checked = ran.json();
    assert_eq!(row(&checked, "env://ONLY_HERE")["ok"], false);
    assert_eq!(row(&checked, "#main")["ok"], true);
    let log = server.log.clone();
    assert!(server.end(Signal::TERM).success());
    assert!(!fs::read_to_string(log).unwrap().contains(CANARY));
    nowhere(path);
}

#[test]
fn every_reference_in_use_is_checked() {
    let folder = made();
    let path = folder.path();
    let checked = run(path, &["secret", "check", "--json"]).ended(0).json();
    let pepper = row(&checked, "/secrets/pepper");
    assert_eq!(pepper["used_by"][0], "pepper");
    assert!(
        pepper["readers"].as_str().unwrap().contains("0600"),
        "{pepper}"
    );
    assert!(
        pepper["changed_at"].is_string() && pepper["writable"] == true,
        "{pepper}"
    );

    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    private(&path.join(".env"), "OTHER=x\nMETRICS=metrics-token\n");
    let text = text.replace(
        "#token = \"file:secrets/metrics-token\"",
        "token = \"dotenv://.env#METRICS\"",
    );
    fs::write(&config, &text).unwrap();
    let with_env = run(path, &["secret", "check", "--json"]).ended(0).json();
    let env = row(&with_env, "/.env#METRICS");
    assert_eq!(
        (&env["ok"], &env["used_by"][0]),
        (&true.into(), &"metrics.token".into())
    );
    assert!(env["warning"].is_null());

    // Others may read it: taken, and told.
    fs::set_permissions(path.join(".env"), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = run(path, &["secret", "check"]).ended(0);
    assert!(
        ran.stdout.contains("kept badly") && ran.stdout.contains("0644"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("metrics-token"));

    // Committed: refused.
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        let done = git.arg("-C").arg(path).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q"]);
    run(path, &["secret", "check"]).ended(0);
    git(&["add", "-f", ".env"]);
    let ran = run(path, &["secret", "check"]).ended(1);
    assert!(ran.stdout.contains("tracked by git"), "{ran:?}");
    fs::remove_file(path.join(".env")).unwrap();
    let ran = run(path, &["secret", "check"]).ended(1);
    assert!(ran.stdout.contains("does not exist"), "{ran:?}");
}

#[test]
fn programs_are_run_only_when_the_configuration_allows_it() {
    let folder = made();
    let path = folder.path();
    let echo = "exec://printf?arg=hello";
    let ran = run(path, &["secret", "get", echo, "--reveal"]).ended(2);
    assert!(ran.stderr.contains("allow_exec"), "{ran:?}");
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("allow_exec = false", "allow_exec = true"),
    )
    .unwrap();
    let ran = run(path, &["secret", "get", echo, "--reveal"]).ended(0);
    assert_eq!(ran.stdout, "hello\n");
    let ran = piped(path, &["secret", "set", echo], b"x").ended(2);
    assert!(ran.stderr.contains("can only be read"), "{ran:?}");
    // A program that has to prove who it is gets what is named, and nothing else.
    let printenv = "exec://printenv?arg=OP_SERVICE_ACCOUNT_TOKEN";
    let get = || {
        let mut command = doorward(path);
        command.args(["secret", "get", printenv, "--reveal"]);
        command.env("OP_SERVICE_ACCOUNT_TOKEN", "ops_token");
        Ran::of(command.output().unwrap())
    };
    get().ended(1);
    let text = fs::read_to_string(&config).unwrap();
    let given = "exec_environment = [\"OP_SERVICE_ACCOUNT_TOKEN\"]";
    fs::write(&config, text.replace("exec_environment = []", given)).unwrap();
    assert_eq!(get().ended(0).stdout, "ops_token\n");
}

#[test]
fn what_opens_the_encrypted_file_may_come_from_a_program() {
    let folder = made();
    let path = folder.path();
    piped(path, &["secret", "set", "main"], CANARY.as_bytes()).ended(0);
    fs::rename(path.join(".doorward/age.key"), path.join("elsewhere")).unwrap();
    run(path, &["secret", "get", "main", "--reveal"]).ended(2);
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    let elsewhere = path.join("elsewhere").display().to_string();
    let identity = format!(
        "[secrets]\nage_identity = \"exec://cat?arg={}\"\n",
        elsewhere.replace('/', "%2F")
    );
    assert!(text.contains("[secrets]\n"));
    let text = text
        .replacen("[secrets]\n", &identity, 1)
        .replace("allow_exec = false", "allow_exec = true");
    fs::write(&config, text).unwrap();
    let shown = run(path, &["secret", "get", "main", "--reveal"]).ended(0);
    assert_eq!(shown.stdout, format!("{CANARY}\n"));
}

#[test]
fn doorwards_own_secrets_may_be_encrypted_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    run(path, &["init"]).ended(0);
    let config = path.join("doorward.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::remove_dir_all(path.join(".doorward")).unwrap();
    let mut text = text;
    for name in ["pepper", "audit-key", "ledger-key"] {
        text = text.replace(
            &format!("file:secrets/{name}"),
            &format!("age://secrets.age#{name}"),
        );
    }
    fs::write(&config, text).unwrap();
    run(path, &["init"]).ended(0);
    assert_eq!(
        fs::read_dir(path.join(".doorward/secrets"))
            .unwrap()
            .count(),
        0
    );
    let server = Server::start(path, &["serve", "--listen", "127.0.0.1:0"]);
    let checked = run(path, &["secret", "check", "--json"]).ended(0).json();
    assert_eq!(row(&checked, "#pepper")["ok"], true);
    let listed = run(path, &["secret", "list", "--json"]).ended(0).json();
    assert_eq!(row(&listed, "#ledger-key")["used_by"][0], "ledger.key");
    assert!(server.end(Signal::TERM).success());

    // Without its identity nothing starts, and nothing is made in its place.
    fs::remove_file(path.join(".doorward/age.key")).unwrap();
    let ran = run(path, &["serve", "--listen", "127.0.0.1:0"]).ended(2);
    assert!(ran.stderr.contains("age.key, does not exist"), "{ran:?}");
    let ran = run(path, &["init"]).ended(2);
    assert!(ran.stderr.contains("age.key, does not exist"), "{ran:?}");
    assert!(!path.join(".doorward/age.key").exists());
}

#[test]
fn git_is_told_to_leave_secrets_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join(".gitignore"), "target/\n.env\n").unwrap();
    let ran = run(path, &["init"]).ended(0);
    assert!(ran.stdout.contains("added to .gitignore"), "{ran:?}");
    let text = fs::read_to_string(path.join(".gitignore")).unwrap();
    assert!(text.starts_with("target/\n.env\n"), "{text}");
    for line in [".env", ".env.*", "*.key", ".doorward/"] {
        assert_eq!(
            text.lines().filter(|known| *known == line).count(),
            1,
            "{text}"
        );
    }
    run(path, &["init"]).ended(0);
    assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), text);
    let mut git = Command::new("git");
    assert!(
        git.arg("-C")
            .arg(path)
            .args(["init", "-q"])
            .status()
            .unwrap()
            .success()
    );
    for ignored in [".env", ".env.local", "age.key", ".doorward/secrets.age"] {
        let mut git = Command::new("git");
        let asked = git
            .arg("-C")
            .arg(path)
            .args(["check-ignore", "-q", ignored])
            .status();
        assert!(asked.unwrap().success(), "{ignored}");
    }
}
