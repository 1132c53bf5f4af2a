//! Every example of every detector, in every hiding place that its text can be put into.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_scan::generate::{Source, fill};

use crate::{engine, found, scan};

/// A hiding place: the name of a file, and its bytes with a text in it.
type Hide = fn(&str) -> Vec<u8>;

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).expect("into memory");
        zip.write_all(bytes).expect("into memory");
    }
    zip.finish().expect("into memory").into_inner()
}

pub(crate) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes)
            .expect("into memory");
    }
    tar.into_inner().expect("into memory")
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// Lines of 76 characters.
fn wrapped(text: &str, indent: &str) -> String {
    let encoded = STANDARD.encode(text);
    encoded
        .as_bytes()
        .chunks(76)
        .fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "{indent}{}", String::from_utf8_lossy(line));
            all
        })
}

/// Some text before and behind, so that what is hidden is one of many lines.
fn padded(text: &str) -> String {
    format!("first line of the note\nand a second one\n{text}\nand what follows it\n")
}

const PLACES: &[(&str, Hide)] = &[
    ("plain", |text| padded(text).into_bytes()),
    ("crlf", |text| {
        padded(text).replace('\n', "\r\n").into_bytes()
    }),
    ("alone", |text| text.as_bytes().to_vec()),
    ("comment", |text| {
        format!("fn main() {{}}\n// {text}\n").into_bytes()
    }),
    ("tabs", |text| format!("\t\t{text}\t\n").into_bytes()),
    ("log", |text| {
        format!("2026-10-01T10:00:00Z 10.0.0.1 \"{text}\" 200 512 \"-\" \"curl/8\"\n").into_bytes()
    }),
    ("json", |text| {
        format!("{{\"note\":{},\"n\":1}}", json(&padded(text))).into_bytes()
    }),
    ("json in json", |text| {
        let inner = format!("{{\"body\":{}}}", json(text));
        format!("{{\"data\":{}}}", json(&inner)).into_bytes()
    }),
    ("json with slashes", |text| {
        format!("{{\"a\":{}}}", json(text).replace('/', "\\/")).into_bytes()
    }),
    ("unicode escapes", |text| {
        let escaped = text.encode_utf16().fold(String::new(), |mut all, unit| {
            let _ = write!(all, "\\u{unit:04x}");
            all
        });
        format!("const note = \"{escaped}\";\n").into_bytes()
    }),
    ("hex escapes", |text| {
        let escaped = text.bytes().fold(String::new(), |mut all, byte| {
            let _ = write!(all, "\\x{byte:02X}");
            all
        });
        format!("note = b'{escaped}'\n").into_bytes()
    }),
    ("percent", |text| {
        let encoded = text.bytes().fold(String::new(), |mut all, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                all.push(char::from(byte));
            } else {
                let _ = write!(all, "%{byte:02X}");
            }
            all
        });
        format!("GET /log?note={encoded}&x=1 HTTP/1.1\n").into_bytes()
    }),
    ("all percent", |text| {
        let encoded = text.bytes().fold(String::new(), |mut all, byte| {
            let _ = write!(all, "%{byte:02x}");
            all
        });
        format!("note={encoded}\n").into_bytes()
    }),
    ("html", |text| {
        let escaped = text
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
            .replace('=', "&#61;");
        format!("<html><body><pre>{escaped}</pre></body></html>").into_bytes()
    }),
    ("quoted-printable", |text| {
        let encoded = text.replace('=', "=3D");
        let mut mail = String::from("Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        for (n, c) in encoded.chars().enumerate() {
            // Not within an escape.
            if n > 0 && n % 70 == 0 && !mail.ends_with('=') && !mail.ends_with("=3") {
                mail.push_str("=\r\n");
            }
            mail.push(c);
        }
        mail.into_bytes()
    }),
    ("kubernetes secret", |text| {
        let data = STANDARD.encode(padded(text));
        format!("apiVersion: v1\nkind: Secret\ndata:\n  config: {data}\n").into_bytes()
    }),
    ("base64 alone", |text| {
        STANDARD.encode(format!("{text}     ")).into_bytes()
    }),
    ("base64 for URLs", |text| {
        let data = URL_SAFE_NO_PAD.encode(padded(text));
        format!("https://acme.com/mcp?config={data}&x=1").into_bytes()
    }),
    ("base64 in lines", |text| {
        format!(
            "Content-Transfer-Encoding: base64\n\n{}\n",
            wrapped(&padded(text), "")
        )
        .into_bytes()
    }),
    ("base64 in YAML", |text| {
        format!(
            "data:\n  config: |\n{}other: 1\n",
            wrapped(&padded(text), "    ")
        )
        .into_bytes()
    }),
    ("base64 twice", |text| {
        let twice = STANDARD.encode(STANDARD.encode(padded(text)));
        format!("value: {twice}\n").into_bytes()
    }),
    ("helm release", |text| {
        let release = STANDARD.encode(gzip(padded(text).as_bytes()));
        format!("data:\n  release: {release}\n").into_bytes()
    }),
    ("UTF-16", |text| {
        let units = padded(text);
        let units = units.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    }),
    ("UTF-16, big end first", |text| {
        let units = padded(text);
        let units = units.encode_utf16().flat_map(u16::to_be_bytes);
        [0xfe, 0xff].into_iter().chain(units).collect()
    }),
    ("binary", |text| {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0];
        bytes.extend((0..=255).cycle().take(3000));
        bytes.push(0);
        bytes.extend(text.bytes());
        bytes.extend((0..=255).rev().cycle().take(3000));
        bytes
    }),
    ("wide strings of a binary", |text| {
        let mut bytes = vec![b'M', b'Z', 0x90, 0, 3];
        bytes.extend((128..=255).cycle().take(3000));
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend((128..=255).cycle().take(3000));
        bytes
    }),
    ("minified", |text| {
        let code = "function a(b,c){return b+c}var d=a(1,2);".repeat(200);
        format!("{code}var s={};{code}", json(text)).into_bytes()
    }),
    ("notebook", |text| {
        let lines: Vec<String> = padded(text).split_inclusive('\n').map(json).collect();
        let lines = lines.join(",\n    ");
        format!(
            "{{\n \"cells\": [{{\n  \"cell_type\": \"code\",\n  \"source\": [\n    {lines}\n  ]\n }}]\n}}\n"
        )
        .into_bytes()
    }),
    ("gzip", |text| gzip(padded(text).as_bytes())),
    ("zip", |text| {
        zip(&[("empty", b""), ("notes/a.txt", padded(text).as_bytes())])
    }),
    ("tar", |text| {
        tar(&[("a", b"x"), ("notes/a.txt", padded(text).as_bytes())])
    }),
    ("zip in a compressed tar", |text| {
        let inner = zip(&[("a.txt", padded(text).as_bytes())]);
        gzip(&tar(&[("b/inner.zip", &inner)]))
    }),
    ("zlib", |text| {
        let mut encoder =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder
            .write_all(padded(text).as_bytes())
            .expect("into memory");
        encoder.finish().expect("into memory")
    }),
];

#[test]
fn every_credential_is_found_in_every_hiding_place() {
    let engine = engine();
    let mut scratch = engine.scratch();
    let mut missed = Vec::new();
    let mut count = 0;
    for detector in engine.detectors().rules() {
        for (n, template) in detector.examples().enumerate() {
            for round in 0..2 {
                let text = fill(template, &mut Source::new(1000 * round + n as u64));
                for (place, hide) in PLACES {
                    let bytes = hide(&text);
                    let scanned = engine.scan(&mut scratch, None, &bytes);
                    count += 1;
                    if scanned.hits.is_empty() {
                        missed.push(format!("{} in {place}: {template}", detector.id()));
                    }
                }
            }
        }
    }
    missed.dedup();
    assert!(
        missed.is_empty(),
        "{} of {count}: {missed:#?}",
        missed.len()
    );
    assert!(count > 5_000);
}

#[test]
fn the_value_is_told_as_it_is_and_never_shown_whole() {
    let engine = engine();
    let mut missed = Vec::new();
    for template in [
        "{upstream_key}",
        "ghp_{github_token}",
        "{client_key}",
        "AKIA{rand:base32:16}",
    ] {
        let secret = fill(template, &mut Source::new(5));
        for (place, hide) in PLACES {
            let scanned = scan(
                &engine,
                "notes",
                &hide(&format!("token: {secret} # for the sync")),
            );
            let values = found(&engine, &scanned);
            if !values.iter().any(|(_, value)| *value == secret) {
                missed.push(format!("{template} in {place}: {values:?}"));
            }
            for hit in &scanned.hits {
                assert!(!hit.excerpt.contains(&secret) && !format!("{hit:?}").contains(&secret));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn strings_put_together_on_one_line_are_read_as_one() {
    let engine = engine();
    let key = fill("{upstream_key}", &mut Source::new(9));
    let token = fill("ghp_{github_token}", &mut Source::new(9));
    for secret in [key, token] {
        for cut in [3, 10, 20, 30] {
            let (one, other) = secret.split_at(cut);
            for text in [
                format!("key = '{one}' + '{other}'"),
                format!("key = \"{one}\" \"{other}\""),
                format!("var key=\"{one}\"+\"{other}\";"),
                format!("$key = '{one}' . '{other}';"),
            ] {
                let values = found(&engine, &scan(&engine, "a", text.as_bytes()));
                assert!(values.iter().any(|(_, value)| *value == secret), "{text}");
            }
        }
    }
}
