use std::path::Path;

use proptest::prelude::*;

use super::parse::place;
use super::{Bases, Place, Scheme, SecretRef};
use crate::error::Error;

/// Parses whether the scheme is built in or not.
fn any(text: &str) -> crate::Result<SecretRef> {
    let bases = Bases {
        files: "/base".into(),
        dotenv: "/project".into(),
    };
    place(text, Some(&bases)).map(SecretRef)
}

const AS_THEY_PRINT: [&str; 24] = [
    "env://DOORWARD_PEPPER",
    "file:///etc/doorward/pepper",
    "file:///a b/ü%20",
    "dotenv:///srv/app/.env#INSTANTLY_KEY",
    "dotenv:///srv/a#b/.env#A",
    "age:///var/lib/doorward/secrets.age#upstream/main",
    "age:///s.age#a.b_c-d",
    "keyring://doorward/pepper",
    "keyring://doorward@host/a/b",
    "gcp-sm://my-project/pepper",
    "gcp-sm://example.com:project/pepper/7",
    "gcp-sm://123456/pepper/latest",
    "aws-sm://prod/doorward/pepper",
    "aws-sm://pepper#password",
    "aws-sm://pepper?region=eu-central-1",
    "aws-sm://prod/pepper#a/b?region=us-east-1",
    "aws-sm://arn:aws:secretsmanager:eu-west-1:123456789012:secret:pepper-AbCdEf",
    "vault://secret/doorward#pepper",
    "vault://kv-2/team/a@b/doorward#upstream-main",
    "exec://op",
    "exec://op?arg=read&arg=op%3A%2F%2Fvault%2Fitem%2Ffield",
    "exec:///usr/bin/pass?arg=show&arg=",
    "exec://gopass?arg=a%20b%25%C3%BC",
    "exec:///opt/a%20b/x",
];

#[test]
fn references_print_as_they_parse() {
    for text in AS_THEY_PRINT {
        let parsed = any(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.to_string(), text);
    }
}

#[test]
fn relative_files_are_below_the_base() {
    for (text, wanted) in [
        ("file:keys/main", "file:///base/keys/main"),
        ("dotenv://.env#KEY", "dotenv:///project/.env#KEY"),
        ("age://secrets.age#main", "age:///base/secrets.age#main"),
    ] {
        assert_eq!(any(text).unwrap().to_string(), wanted);
        assert!(text.parse::<SecretRef>().is_err(), "{text}");
    }
    for text in [
        "file:../main",
        "file:a/../../b",
        "file:",
        "file:/main",
        "file:.",
        "file:a\nb",
    ] {
        let error = SecretRef::parse_in(text, Path::new("/etc")).unwrap_err();
        assert!(
            matches!(error, Error::Malformed { scheme: "file", .. }),
            "{text:?}"
        );
    }
}

#[test]
fn an_argument_is_what_its_signs_stand_for() {
    let parsed = any("exec://op?arg=a%2Bb%26c&arg=x=y:/@,").unwrap();
    let Place::Exec { program, args } = parsed.place() else {
        panic!("it is a program");
    };
    assert_eq!(program, "op");
    assert_eq!(args, &["a+b&c", "x=y:/@,"]);
}

#[test]
fn malformed_places_are_refused() {
    let many = format!("exec://a?{}", ["arg=x"; 65].join("&"));
    let long = format!("vault://kv/a#{}", "f".repeat(129));
    for text in [
        "env://",
        "env:NAME",
        "env://1A",
        "env://A-B",
        "env://A=B",
        "env://A\0",
        "file://",
        "file://host/x",
        "file:///",
        "file:///a/../b",
        "file:///a\u{7f}",
        "dotenv://.env",
        "dotenv://#A",
        "dotenv://../.env#A",
        "dotenv:///a/.env#A-B",
        "dotenv:.env#A",
        "age://secrets.age",
        "age://secrets.age#",
        "age://s.age#a b",
        "age://s.age#a//b",
        "age://s.age#../a",
        "keyring://a",
        "keyring:///a",
        "keyring://a/",
        "keyring://a b/c",
        "keyring://a/./c",
        "gcp-sm://p",
        "gcp-sm://p/",
        "gcp-sm://p/s/",
        "gcp-sm://p/s/1/2",
        "gcp-sm://p/s#f",
        "gcp-sm:///s",
        "aws-sm://",
        "aws-sm://a?",
        "aws-sm://a?x=1",
        "aws-sm://a?region=",
        "aws-sm://a?region=x&y=1",
        "aws-sm://a#",
        "aws-sm://a?region=x#k",
        "aws-sm://a//b",
        "vault://a",
        "vault://a/b",
        "vault://a/b#",
        "vault://a#f",
        "vault:///b#f",
        "vault://a/../b#f",
        "exec://",
        "exec://a/b",
        "exec://-x",
        "exec:///",
        "exec://a?",
        "exec://a?arg",
        "exec://a?arg=a+b",
        "exec://a?arg=%",
        "exec://a?arg=%2",
        "exec://a?arg=%zz",
        "exec://a?arg=%00",
        "exec://a?arg=%FF",
        "exec://a b",
        "exec://a?arg=x#y",
        "exec://a?arg=x?",
        &many,
        &long,
    ] {
        let error = any(text).expect_err(text);
        let scheme = text.split(':').next().unwrap();
        assert!(
            matches!(error, Error::Malformed { scheme: told, .. } if told == scheme),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn what_is_not_built_in_says_so_and_how_to_get_it() {
    for text in AS_THEY_PRINT {
        let reference = any(text).unwrap();
        let scheme = reference.scheme();
        match text.parse::<SecretRef>() {
            Ok(parsed) => assert!(scheme.is_built() && parsed == reference),
            Err(error @ Error::NotBuiltIn { .. }) => {
                assert!(!scheme.is_built());
                let feature = scheme.feature().unwrap();
                assert!(
                    error
                        .to_string()
                        .contains(&format!("`--features {feature}`")),
                    "{error}"
                );
                assert!(error.to_string().contains(scheme.as_str()), "{error}");
            }
            Err(error) => panic!("{text}: {error}"),
        }
    }
    let error = "ftp://x".parse::<SecretRef>().unwrap_err();
    assert!(matches!(&error, Error::UnknownScheme { scheme } if scheme == "ftp"));
    assert!(error.to_string().contains("vault://"), "{error}");
}

#[test]
fn a_pasted_secret_is_not_repeated() {
    for secret in [
        "ZGVhZGJlZWYtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwOmNhbmFyeUNBTkFSWQ==",
        "deadbeef-0000-4000-8000-000000000000:canaryCANARY",
        "Canary:x",
    ] {
        let error = secret.parse::<SecretRef>().unwrap_err();
        assert!(matches!(error, Error::NotAReference));
        assert!(!error.to_string().to_lowercase().contains("canary"));
    }
    for scheme in Scheme::ALL {
        for text in [
            "canary canary",
            "//canary canary",
            "//canary/canary canary#",
            "//?canary",
        ] {
            let error = any(&format!("{scheme}:{text}"));
            let said = error.map_or_else(|error| format!("{error} {error:?}"), |_| String::new());
            assert!(!said.contains("canary"), "{said}");
        }
    }
}

#[test]
fn the_other_slot_is_a_sibling_and_leads_back() {
    let wanted = [
        ("file:///etc/key", "file:///etc/key-b"),
        ("age:///s.age#upstream/main", "age:///s.age#upstream/main-b"),
        ("keyring://doorward/main", "keyring://doorward/main-b"),
        ("gcp-sm://p/main", "gcp-sm://p/main-b"),
        (
            "aws-sm://a/main#k?region=eu-west-1",
            "aws-sm://a/main-b#k?region=eu-west-1",
        ),
        ("vault://kv/a/b#main", "vault://kv/a/b#main-b"),
    ];
    for (first, second) in wanted {
        let reference = any(first).unwrap();
        let other = reference.other_slot().unwrap();
        assert_eq!(other.to_string(), second);
        assert_eq!(other.other_slot().unwrap(), reference);
    }
    let long = format!("file:///{}", "x".repeat(4095));
    for none in [
        "env://A",
        "dotenv:///.env#A",
        "exec://op",
        "gcp-sm://p/s/1",
        "aws-sm://arn:aws:secretsmanager:eu-west-1:1:secret:a",
        &long,
    ] {
        assert_eq!(any(none).unwrap().other_slot(), None, "{none}");
    }
}

proptest! {
    #[test]
    fn what_parses_prints_to_itself(
        text in "(env|file|dotenv|age|keyring|gcp-sm|aws-sm|vault|exec|[a-z]{1,4}):(//)?[ -~]{0,32}"
    ) {
        if let Ok(reference) = any(&text) {
            prop_assert_eq!(any(&reference.to_string()).unwrap(), reference);
        }
    }

    #[test]
    fn what_nearly_parses_prints_to_itself(
        text in "(dotenv|age|keyring|gcp-sm|aws-sm|vault|exec)://[a-c./]{1,6}[#/?]?[a-c#/?=]{0,4}(region=|arg=|&arg=|#)?[a-c0-9%/]{0,6}"
    ) {
        if let Ok(reference) = any(&text) {
            prop_assert_eq!(any(&reference.to_string()).unwrap(), reference.clone());
            if let Some(other) = reference.other_slot() {
                prop_assert_ne!(&other, &reference);
                prop_assert_eq!(any(&other.to_string()).unwrap(), other.clone());
            }
        }
    }

    #[test]
    fn any_arguments_come_back(
        args in proptest::collection::vec("[^\\p{Cc}]{0,12}", 0..6), program in "/?[a-zA-Z0-9 ü]{1,8}"
    ) {
        let reference = SecretRef(Place::Exec { program, args });
        prop_assert_eq!(any(&reference.to_string()).unwrap(), reference);
    }
}
