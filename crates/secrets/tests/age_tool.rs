//! Files go to and fro between Doorward and the `age` tool.

#![cfg(test)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use doorward_secrets::{Overwrite, SecretRef, Secrets};
use secrecy::ExposeSecret;

/// Runs a tool of age's; its standard output.
fn tool(name: &str, args: &[&str], input: &str) -> Vec<u8> {
    let mut child = Command::new(name)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name}: {error}; install the package `age`"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {args:?}: {said}");
    output.stdout
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_doorward_writes_the_tool_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (file, key) = (dir.path().join("secrets.age"), dir.path().join("age.key"));
    let secrets = Secrets::new();
    for (name, value) in [("pepper", "one"), ("upstream/main", "two \"2\"")] {
        let reference = SecretRef::age(&file, name).unwrap();
        secrets
            .write(&reference, &value.into(), Overwrite::Refuse)
            .unwrap();
    }
    let plain = tool("age", &["-d", "-i", text(&key), text(&file)], "");
    let plain = String::from_utf8(plain).unwrap();
    assert!(plain.contains("pepper = \"one\""), "{plain}");
    assert!(plain.contains("\"upstream/main\" = 'two \"2\"'"), "{plain}");
    let public = tool("age-keygen", &["-y", text(&key)], "");
    let identity = fs::read_to_string(&key).unwrap();
    assert!(identity.contains(String::from_utf8(public).unwrap().trim()));
}

#[test]
fn what_the_tool_writes_doorward_reads() {
    for armor in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (file, key) = (dir.path().join("secrets.age"), dir.path().join("age.key"));
        tool("age-keygen", &["-o", text(&key)], "");
        let public = tool("age-keygen", &["-y", text(&key)], "");
        let public = String::from_utf8(public).unwrap();
        let mut args = vec!["-r", public.trim(), "-o", text(&file)];
        if armor {
            args.push("-a");
        }
        tool("age", &args, "# by hand\npepper = \"one\"\n'a/b' = 'two'\n");
        let secrets = Secrets::new();
        let read = |name: &str| {
            let reference = SecretRef::age(&file, name).unwrap();
            secrets.read(&reference).unwrap().expose_secret().to_owned()
        };
        assert_eq!(
            (read("pepper").as_str(), read("a/b").as_str()),
            ("one", "two")
        );
        let pepper = SecretRef::age(&file, "pepper").unwrap();
        secrets
            .write(&pepper, &"new".into(), Overwrite::Replace)
            .unwrap();
        assert_eq!(
            (read("pepper").as_str(), read("a/b").as_str()),
            ("new", "two")
        );
        let plain = tool("age", &["-d", "-i", text(&key), text(&file)], "");
        assert!(
            String::from_utf8(plain)
                .unwrap()
                .contains("pepper = \"new\"")
        );
    }
}
