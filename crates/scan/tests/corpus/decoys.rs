//! What looks like a credential and is none: nothing of it is told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_scan::generate::{Source, fill};

use crate::{engine, found, scan};

/// Templates, each filled many times.
const DECOYS: &[&str] = &[
    "{rand:base64:64}",
    "{rand:base64:88}==",
    "{uuid}",
    "commit {rand:hex:40}\ntree {rand:hex:40}\nparent {rand:hex:64}",
    "index {rand:hex:7}..{rand:hex:7} 100644",
    "\"integrity\": \"sha512-{rand:base64:86}==\",",
    "checksum = \"{rand:hex:64}\"",
    "github.com/acme/lib v1.2.3 h1:{rand:base64:43}=",
    "pip install --hash=sha256:{rand:hex:64}",
    "<script integrity=\"sha384-{rand:base64:64}\" crossorigin></script>",
    "data:image/png;base64,iVBORw0KGgo{rand:base64:400}",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{rand:base64:340} someone@acme.com",
    "ETag: W/\"{rand:hex:32}\"",
    "INSTANTLY_API_KEY=your_instantly_api_key",
    "INSTANTLY_API_KEY=",
    "INSTANTLY_API_KEY=<paste the key here>",
    "INSTANTLY_API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "INSTANTLY_API_KEY=${INSTANTLY_API_KEY}",
    "const key = process.env.INSTANTLY_API_KEY;",
    "instantly_api_key = os.environ.get('INSTANTLY_API_KEY')",
    "InstantlyClient::new(instantly_api_key_v2)",
    "Authorization: Bearer YOUR_API_KEY",
    "Authorization: Bearer {{instantlyKey1}}",
    "sk_test_{rand:base62:24}",
    "pk_live_{rand:base62:24}",
    "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_{rand:base62:36}",
    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "xoxb-your-token-here",
    "postgres://user:password@localhost:5432/db",
    "postgres://postgres:postgres@db:5432/app",
    "redis://localhost:6379",
    "smtp://localhost:25",
    "SMTP_PASSWORD=changeme123",
    "password: {{ .Values.smtp.password1 }}",
    "webhook_secret: str = Field(default=None)",
    "-----BEGIN PUBLIC KEY-----\n{rand:base64:64}\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIID{rand:base64:60}\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----",
    "X-Request-Id: {uuid}",
    "session={rand:hex:64}; Path=/",
    "docker.io/library/app@sha256:{rand:hex:64}",
    "{rand:lower:12} {rand:lower:8} {rand:lower:4} {rand:lower:10}",
    "var a={rand:digits:10},b={rand:digits:12}",
    "https://hooks.zapier.com/hooks/catch/your/hook",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "campaign_id={uuid}&lead={uuid}",
    "the scope all:all grants everything",
];

#[test]
fn decoys_are_left_alone() {
    let engine = engine();
    let mut flagged = Vec::new();
    for (n, template) in DECOYS.iter().enumerate() {
        for round in 0..50 {
            let text = fill(template, &mut Source::new(round * 100 + n as u64));
            for text in [text.clone(), format!("data: {}", STANDARD.encode(&text))] {
                for (id, value) in found(&engine, &scan(&engine, "notes.md", text.as_bytes())) {
                    flagged.push(format!("{id}: {value} in {text}"));
                }
            }
        }
    }
    assert!(flagged.is_empty(), "{flagged:#?}");
}
