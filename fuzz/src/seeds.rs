//! Where each target starts: the vectors of the formats' documentation, and a few of each kind.

#![allow(missing_docs, reason = "one function a target, named like it")]

pub use crate::scan_seeds::{archive, decoded, detector_file};
use doorward_catalog::Environment;
use doorward_keys::ClientKey;
use doorward_ledger::{Hash, Note, VerifierKey, append_to_bundle, leaf_hash};

const DOCUMENT: &str = include_str!("../../docs/formats/ledger.md");

/// The fenced blocks of this kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let open = format!("```{kind}\n");
    DOCUMENT
        .split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect()
}

fn value(name: &str) -> &'static str {
    DOCUMENT
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .expect("a vector of this name")
}

fn texts(all: impl IntoIterator<Item = impl Into<String>>) -> Vec<Vec<u8>> {
    all.into_iter()
        .map(|text| text.into().into_bytes())
        .collect()
}

pub(crate) fn leaves() -> Vec<Vec<u8>> {
    texts(blocks("leaves").concat().lines())
}

pub(crate) fn witness() -> VerifierKey {
    value("witness-verifier").parse().expect("a key")
}

pub(crate) fn keys() -> Vec<VerifierKey> {
    let mut keys = vec![witness()];
    for name in ["key-verifier", "next-key-verifier"] {
        keys.push(value(name).parse().expect("a key"));
    }
    keys
}

pub(crate) fn signed_note() -> Note {
    Note::parse(blocks("checkpoint").concat_first().as_bytes()).expect("a note")
}

/// Texts of the checkpoints that were signed with the vectors' keys.
pub(crate) fn signed_texts() -> Vec<String> {
    blocks("checkpoint")
        .iter()
        .map(|note| note.split_inclusive('\n').take(3).collect())
        .collect()
}

/// The witness's line.
pub(crate) fn cosignature() -> String {
    let last = blocks("cosigned").concat_first().lines().last();
    format!("{}\n", last.expect("a line"))
}

trait First {
    fn concat_first(&self) -> &'static str;
}

impl First for Vec<&'static str> {
    fn concat_first(&self) -> &'static str {
        self.first().copied().expect("a block of this kind")
    }
}

pub fn leaf() -> Vec<Vec<u8>> {
    let sealed = value("sealed");
    let mut all = leaves();
    all.extend(texts([
        format!(
            r#"{{"action":"a","at":"2027-01-15T08:00:00Z","id":"leaf_01010101010101010101010101010101","kind":"claim","result":"success","source":{},"v":1}}"#,
            doorward_ledger::canonical_json(
                &serde_json::from_str::<serde_json::Value>(sealed).expect("JSON")
            )
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .expect("canonical")
        ),
        r#"{"at":"","kind":"x","n":[-1,0,1e-7,1e+21,9007199254740991,{"a":null,"b":[true,false,""]}],"v":1}"#
            .to_owned(),
    ]));
    all
}

pub fn entry_bundle() -> Vec<Vec<u8>> {
    let mut bundle = Vec::new();
    for leaf in leaves() {
        append_to_bundle(&mut bundle, &leaf).expect("it fits");
    }
    vec![bundle, vec![0, 0, 0, 1, b'a', 0, 2, b'b', b'c'], Vec::new()]
}

pub fn tile_name() -> Vec<Vec<u8>> {
    texts([
        "tile/0/000",
        "tile/0/273.p/112",
        "tile/1/x001/x234/067",
        "tile/2/000.p/1",
        "tile/entries/x001/234.p/255",
    ])
}

pub fn tree_proof() -> Vec<Vec<u8>> {
    let hashes = |name: &str| -> Vec<Hash> {
        let parts = value(name).split(' ');
        parts.map(|hash| hash.parse().expect("a hash")).collect()
    };
    let proof = |at: u64, size: u64, root: Hash, below: Hash, path: &[Hash]| {
        let mut bytes = at.to_be_bytes().to_vec();
        bytes.extend(size.to_be_bytes());
        for hash in [root, below].iter().chain(path) {
            bytes.extend(hash.as_bytes());
        }
        bytes
    };
    let root = |size| hashes(&format!("root-{size}"))[0];
    let leaf = leaf_hash(&leaves()[2]);
    vec![
        proof(2, 5, root(5), leaf, &hashes("inclusion-2-of-5")),
        proof(3, 5, root(5), root(3), &hashes("consistency-3-to-5")),
        proof(5, 5, root(5), root(5), &[]),
        proof(0, 1, root(1), root(1), &[]),
    ]
}

pub fn segment() -> Vec<Vec<u8>> {
    vec![crate::segment::seed()]
}

pub fn note() -> Vec<Vec<u8>> {
    let mut all = texts(blocks("checkpoint"));
    all.extend(texts(blocks("cosigned")));
    all
}

pub fn checkpoint() -> Vec<Vec<u8>> {
    let mut all = note();
    all.extend(texts(signed_texts()));
    all
}

pub fn proof_file() -> Vec<Vec<u8>> {
    let whole = blocks("tlog-proof").concat_first();
    let without_leaf: String = whole
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("extra "))
        .collect();
    texts([whole.to_owned(), without_leaf])
}

pub fn add_checkpoint() -> Vec<Vec<u8>> {
    let note = signed_note();
    let path = value("consistency-3-to-5").replace(' ', "\n");
    texts([
        format!("old 3\n{path}\n\n{note}"),
        format!("old 0\n\n{note}"),
    ])
}

pub fn witness_answer() -> Vec<Vec<u8>> {
    let line = cosignature();
    let stranger = line.replace("witness.example/w1", "witness.example/w2");
    texts([line.clone(), format!("{stranger}{line}"), "5\n".to_owned()])
}

pub fn verifier_key() -> Vec<Vec<u8>> {
    texts(keys().iter().map(ToString::to_string))
}

pub fn signing_key() -> Vec<Vec<u8>> {
    texts([value("key-secret")])
}

pub fn client_key() -> Vec<Vec<u8>> {
    let key = |environment, byte| {
        let random = [byte; ClientKey::RANDOM_LEN];
        ClientKey::generate(environment, &random)
            .expose()
            .to_owned()
    };
    texts([
        key(Environment::Development, 0),
        key(Environment::Staging, 7),
        key(Environment::Production, 255),
    ])
}

pub fn secret_ref() -> Vec<Vec<u8>> {
    texts([
        "env://DOORWARD_PEPPER",
        "file:///etc/doorward/pepper",
        "file:secrets/pepper",
    ])
}

pub fn route() -> Vec<Vec<u8>> {
    texts([
        "GET /api/v2/campaigns",
        "POST /api/v2/campaigns/0195-c1/activate",
        "GET /api/v2/accounts/jane%40example.com",
        "DELETE /api/v2/leads/0195-aa",
        "PATCH /api/v2/webhooks/x%C3%A9y",
    ])
}

pub fn scopes() -> Vec<Vec<u8>> {
    texts([
        "campaigns:read",
        "all:all",
        "leads:create, leads:update campaigns:read",
        "",
    ])
}

pub fn timestamp() -> Vec<Vec<u8>> {
    texts([
        "2027-01-15T08:00:00Z",
        "2027-01-15T08:00:00.005+01:00",
        "1969-12-31T23:59:59.999999999-12:30",
    ])
}

pub fn answer_json() -> Vec<Vec<u8>> {
    texts([
        r#"{"items":[{"id":1,"email":"ann@example.com","phone":"+33 1","payload":{"a":[1,2]}},{"first_name":"\u0041nn","phone":null}],"next":null}"#,
        r#"[{"key":"abc","name":"k"},{"a/b":true,"k\u0065y":["x",1.5e3]}]"#,
        " [ ] ",
        "-0.5e+7",
    ])
}

pub fn answer_coding() -> Vec<Vec<u8>> {
    let zstd = [
        &b"\x03\x28\xb5\x2f\xfd\x20\x0b\x59\x00\x00"[..],
        b"hello world",
    ]
    .concat();
    let br = [&b"\x02\x0b\x05\x80"[..], b"hello world", b"\x03"].concat();
    let gzip = b"\x01\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x2c\x49\xcd\x2d\x56\xb2\x8a\x8e\xad\xad\x1e\x01\x6c\x00\x23\x31\x49\x40\xf0\x00\x00\x00";
    vec![b"\x00{}".to_vec(), gzip.to_vec(), br, zstd]
}

pub fn answer_scrubbed() -> Vec<Vec<u8>> {
    let mut all = texts([
        r#"{"note":"a-secret+of\/ours","b":"a%2Dsecret%2bof%2Fours"}"#,
        r#"{"c":"xYS1zZWNyZXQrb2Yvb3Vycw","d":"\u0061-secret+of/ours"}"#,
        r"Another0One%41\u0042== and Another0One%2541\\u0042==",
    ]);
    for key in client_key() {
        all.push([b"key=", key.as_slice(), b"&x"].concat());
    }
    for (seed, step) in all.iter_mut().zip([1, 5, 64, 200, 3, 30]) {
        seed.insert(0, step);
    }
    all
}

pub fn query() -> Vec<Vec<u8>> {
    texts([
        "limit=10&starting_after=a%2fb",
        "search=a+b%20c&ids=1&ids=2&&empty&x=",
        "email=ann%40example.com&name=%C3%BC%F0%9F%98%80",
    ])
}

pub fn json_body() -> Vec<Vec<u8>> {
    texts([
        "{}",
        r#"{"email":"ann@example.com","n":[1,-1.5e3,true,null],"\u0061":{"a":{"a":[]}}}"#,
        r#"[[[[[[[[{"a":[{"b":1},{"b":2}]}]]]]]]]]"#,
    ])
}

pub fn idempotency_key() -> Vec<Vec<u8>> {
    texts([
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
        r#""8e03978e""#,
        r#" "a\\b\"c,d;e" "#,
    ])
}

pub fn claim() -> Vec<Vec<u8>> {
    texts([
        r#"{"action":"report.export","result":"success"}"#,
        r#"{"action":"a","result":"failure","user":"ann@example.com","resource":{"type":"list","id":"7"},"timestamp":"2027-01-15T08:00:00Z","metadata":{"rows":3,"x":[{"y":null}]}}"#,
    ])
}

pub fn policy() -> Vec<Vec<u8>> {
    let mut all = texts([
        "forbid (principal, action, resource) unless { [\"0195c1a0-0000-7000-8000-000000000001\"].containsAll(context.campaigns) };",
        "@approval(\"required\") @id(\"a\")\nforbid (principal == Client::\"importer\", action == Action::\"createLead\", resource);",
    ]);
    all.extend(texts(
        doorward_condition::PRESETS.iter().map(|preset| preset.text),
    ));
    all
}

const PAYLOADS: [&str; 4] = [
    r#"{"timestamp":"2026-08-13T11:11:58.208Z","event_type":"link_clicked","workspace":"w","campaign_id":"c","lead_email":"a@b.c","step":1.0,"big":1e400}"#,
    r#" { "event_type" : "Tr\u00e8s \ud83d\ude00 \ud83d" , "data" : { "email" : "A@b.c", "x": [ {}, [], null, true, -0.5E+3 ] } } "#,
    r#"{"event_type":"x","timestamp":1786619518208,"a":{"b":{"d":1,"c":2},"a":"\/\b\f\n\r\t\"\\"}}"#,
    r#"{"event_type":"email_link_clicked","aaaaaaaab":1,"aaaaaaaaa":2,"aaaaaaaa":3}"#,
];

pub fn payload() -> Vec<Vec<u8>> {
    texts(PAYLOADS.into_iter().chain(["[]", "1.0", "\"\\ud83d\""]))
}

pub fn payload_facts() -> Vec<Vec<u8>> {
    texts(PAYLOADS)
}

pub fn proof() -> Vec<Vec<u8>> {
    let secret = crate::webhooks::SECRET;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let sign = |signed: &str| -> String {
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        tag.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let standard = doorward_webhook::WebhookSecret::parse(&secret.into()).expect("a secret");
    let (body, at) = ("{}", 1_800_000_000);
    let (git, stripe) = (sign(body), sign(&format!("{at}.{body}")));
    let standard = standard.sign("evt_1", at, body.as_bytes());
    texts([
        format!("x-webhook-secret: {secret}\n\n{body}"),
        format!("Authorization: Bearer {secret}\n\n{body}"),
        format!("X-Hub-Signature-256: sha256={git}\n\n{body}"),
        format!("Stripe-Signature: t={at},v1={stripe}\n\n{body}"),
        format!(
            "webhook-id: evt_1\nwebhook-timestamp: {at}\nwebhook-signature: v1,AA {standard}\n\n{body}"
        ),
    ])
}

pub fn retry_header() -> Vec<Vec<u8>> {
    texts([
        "120",
        "Fri, 15 Jan 2027 08:00:30 GMT",
        "Friday, 15-Jan-27 08:01:00 GMT",
        "Fri Jan 15 08:00:05 2027",
    ])
}
