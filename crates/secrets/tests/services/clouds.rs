//! AWS Secrets Manager and Google Cloud's Secret Manager, as emulated.

use doorward_secrets::{Error, Expect, GcpProvider, Provider, SecretRef};
use secrecy::ExposeSecret;

use crate::{holds, reference, runs, said, secrets, text, value};

#[test]
fn aws() {
    if runs("aws") {
        holds("aws-sm://doorward/main?region=eu-west-1", true);
    }
}

#[test]
fn aws_keeps_the_other_keys_of_an_object() {
    if !runs("aws") {
        return;
    }
    let secrets = secrets();
    let json = reference("aws-sm://doorward/json#password");
    let user = reference("aws-sm://doorward/json#user");
    let whole = reference("aws-sm://doorward/json");
    let object = r#"{"user":"ann"}"#.into();
    secrets.put(&whole, &object, &Expect::Absent).unwrap();
    secrets.put(&json, &"one".into(), &Expect::Absent).unwrap();
    secrets.put(&json, &"two".into(), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &json), "two");
    assert_eq!(text(&secrets, &user), "ann");
    assert_eq!(text(&secrets, &whole), r#"{"user":"ann","password":"two"}"#);
    let refused = said(secrets.erase(&json));
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    let missing = said(secrets.find(&reference("aws-sm://doorward/json#other")));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");

    // Writers of different keys at once: none is lost.
    std::thread::scope(|scope| {
        for n in 0..3 {
            let secrets = &secrets;
            scope.spawn(move || {
                let key = reference(&format!("aws-sm://doorward/json#n{n}"));
                secrets.put(&key, &value("n"), &Expect::Any).unwrap();
            });
        }
    });
    for key in ["n0", "n1", "n2"] {
        let key = reference(&format!("aws-sm://doorward/json#{key}"));
        assert_eq!(text(&secrets, &key), "n");
    }

    // What was deleted does not come back with what is written after it.
    secrets.erase(&whole).unwrap();
    let gone = said(secrets.find(&user));
    assert!(matches!(gone, Error::Missing { .. }), "{gone}");
    secrets.put(&json, &"new".into(), &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &whole), r#"{"password":"new"}"#);

    let text = reference("aws-sm://doorward/text");
    secrets
        .put(&text, &value("no object"), &Expect::Absent)
        .unwrap();
    let refused = said(secrets.find(&reference("aws-sm://doorward/text#key")));
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[test]
fn aws_has_secrets_without_a_value() {
    if !runs("aws") {
        return;
    }
    make_without_value("doorward/empty");
    let secrets = secrets();
    let it = reference("aws-sm://doorward/empty?region=eu-west-1");
    let missing = said(secrets.find(&it));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    secrets.put(&it, &value("first"), &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &it), "first");
    let there = said(secrets.put(&it, &value("x"), &Expect::Absent));
    assert!(matches!(there, Error::Exists { .. }), "{there}");
    secrets.put(&it, &value("second"), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &it), "second");
}

/// As Terraform does it, which leaves the value to others. The emulator looks at no signature.
fn make_without_value(name: &str) {
    use std::io::{Read, Write};
    let service = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let host = service.strip_prefix("http://").unwrap();
    let body = format!("{{\"Name\":\"{name}\"}}");
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nx-amz-target: secretsmanager.CreateSecret\r\n\
         content-type: application/x-amz-json-1.1\r\nx-amz-date: 20260101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/secretsmanager/aws4_request, \
         SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn aws_regions_are_apart() {
    if !runs("aws") {
        return;
    }
    let secrets = secrets();
    let here = reference("aws-sm://doorward/region?region=eu-west-1");
    let there = reference("aws-sm://doorward/region?region=us-east-1");
    secrets.put(&here, &value("here"), &Expect::Absent).unwrap();
    let missing = said(secrets.find(&there));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    secrets
        .put(&there, &value("there"), &Expect::Absent)
        .unwrap();
    assert_eq!(text(&secrets, &here), "here");
}

#[test]
fn gcp() {
    if runs("gcp") {
        holds("gcp-sm://doorward-test/main", true);
    }
}

#[test]
fn gcp_reads_the_version_that_is_named() {
    if !runs("gcp") {
        return;
    }
    let secrets = secrets();
    let newest = reference("gcp-sm://doorward-test/pinned");
    let first = reference("gcp-sm://doorward-test/pinned/1");
    secrets
        .put(&newest, &value("one"), &Expect::Absent)
        .unwrap();
    secrets.put(&newest, &value("two"), &Expect::Any).unwrap();
    assert_eq!(text(&secrets, &newest), "two");
    assert_eq!(text(&secrets, &first), "one");
    let pinned = said(secrets.put(&first, &value("x"), &Expect::Any));
    assert!(matches!(pinned, Error::Refused { .. }), "{pinned}");
    assert!(!secrets.inspect(&first).unwrap().writable);
    let missing = said(secrets.find(&reference("gcp-sm://doorward-test/pinned/9")));
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    let elsewhere = said(secrets.find(&reference("gcp-sm://other-project/pinned")));
    assert!(matches!(elsewhere, Error::Missing { .. }), "{elsewhere}");
}

#[test]
fn a_version_that_was_switched_off_is_not_used() {
    if !runs("gcp") {
        return;
    }
    let secrets = secrets();
    let it = reference("gcp-sm://doorward-test/off");
    secrets.put(&it, &value("one"), &Expect::Absent).unwrap();
    let first = secrets.find(&it).unwrap().version.unwrap();
    secrets
        .put(&it, &value("two"), &Expect::Is(first.clone()))
        .unwrap();
    post("projects/doorward-test/secrets/off/versions/2:disable");
    let off = said(secrets.find(&it));
    assert!(matches!(off, Error::Refused { .. }), "{off}");
    assert!(off.to_string().contains("disabled"), "{off}");
    let late = said(secrets.put(&it, &value("x"), &Expect::Is(first)));
    assert!(matches!(late, Error::Conflict { .. }), "{late}");
    secrets.put(&it, &value("three"), &Expect::Absent).unwrap();
    assert_eq!(text(&secrets, &it), "three");
}

#[test]
fn trouble_is_told_as_such() {
    if !(runs("gcp") && runs("aws")) {
        return;
    }
    let limit = std::time::Duration::from_secs(5);
    let gone = GcpProvider::new(Some("http://127.0.0.1:1".into()), limit);
    let it: SecretRef = reference("gcp-sm://doorward-test/main");
    let error = said(
        gone.read(&it)
            .map(|found| found.secret.expose_secret().len()),
    );
    assert!(error.is_trouble(), "{error}");
    let error = said(gone.write(&it, &value("x"), &Expect::Any));
    assert!(error.is_trouble(), "{error}");
}

/// Tells the emulator something.
fn post(path: &str) {
    use std::io::{Read, Write};
    let service = std::env::var("DOORWARD_GCP").unwrap();
    let host = service.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!(
        "POST /v1/{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}
