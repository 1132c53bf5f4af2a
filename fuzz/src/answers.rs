//! What answers pass on their way out.

use std::sync::{Arc, LazyLock};

use doorward_catalog::Op;
use doorward_veil::{
    Action, DataClass, DecodeLimits, Decoding, MARKER, Redactor, Rule, Scrubber, Scrubbing, Target,
};
use serde_json::Value;

/// Secrets that the seeds hold.
pub(crate) const SECRETS: [&str; 2] = ["a-secret+of/ours", "Another0One%41\\u0042=="];

static SCRUBBER: LazyLock<Arc<Scrubber>> =
    LazyLock::new(|| Arc::new(Scrubber::new(SECRETS).expect("a scrubber")));

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let class = |class, action| Rule {
        target: Target::Class(class),
        action,
    };
    let pointer = |pointer: &str, action| Rule {
        target: Target::Pointer(pointer.to_owned()),
        action,
    };
    let rules = [
        class(DataClass::Email, Action::Mask),
        class(DataClass::Name, Action::Hash),
        class(DataClass::Variables, Action::Drop),
        pointer("/items/*/phone", Action::Drop),
        pointer("/items/0", Action::Mask),
        pointer("/a~1b", Action::Blank),
    ];
    Redactor::new(&rules, &[7; 32]).expect("a redactor")
});

/// What is let through is JSON still, can be redacted again, and shows no key.
pub(crate) fn answer_json(data: &[u8]) -> bool {
    let _ = REDACTOR.redact(None, data);
    let Ok(out) = REDACTOR.redact(Some(Op::ListAPIKey), data) else {
        return false;
    };
    let again = REDACTOR.redact(Some(Op::ListAPIKey), &out);
    assert!(again.is_ok(), "what it wrote it does not read");
    if let Ok(value) = serde_json::from_slice::<Value>(&out) {
        shows_no_key(&value);
    }
    true
}

fn shows_no_key(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(shows_no_key),
        Value::Object(members) => {
            for (name, value) in members {
                if let ("key", Value::String(text)) = (name.as_str(), value) {
                    assert!(text == MARKER, "a key is shown");
                }
                shows_no_key(value);
            }
        }
        _ => {}
    }
}

/// However a body is cut, the same comes out, and no more than may.
pub(crate) fn answer_coding(data: &[u8]) -> bool {
    let Some((which, body)) = data.split_first() else {
        return false;
    };
    let coding = ["identity", "gzip", "br", "zstd"][usize::from(which % 4)];
    let limits = DecodeLimits {
        bytes: 1 << 18,
        ratio: 50,
    };
    let decode = |step: usize| {
        let mut decoding = Decoding::new(Some(coding), limits).expect("a known coding");
        let mut out = Vec::new();
        for chunk in body.chunks(step) {
            decoding.feed(chunk, &mut out).ok()?;
            assert!(out.len() as u64 <= limits.bytes, "too much comes out");
        }
        decoding.finish(&mut out).ok()?;
        Some(out)
    };
    let whole = decode(usize::MAX);
    let pieces = decode(7);
    // A limit may be met in one and not in the other: it counts what came in by then.
    if let (Some(whole), Some(pieces)) = (&whole, &pieces) {
        assert!(whole == pieces, "cuts matter");
    }
    whole.is_some()
}

/// However a stream is cut, the same comes out, without the secrets.
pub(crate) fn answer_scrubbed(data: &[u8]) -> bool {
    let Some((step, text)) = data.split_first() else {
        return false;
    };
    let whole = SCRUBBER.scrub(text);
    let (mut scrubbing, mut out) = (Scrubbing::new(Arc::clone(&SCRUBBER)), Vec::new());
    for chunk in text.chunks(usize::from(*step).max(1)) {
        scrubbing.feed(chunk, &mut out);
    }
    let replaced = scrubbing.finish(&mut out);
    assert!(*whole == *out, "cuts matter");
    for secret in SECRETS {
        let shown = out.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!shown, "a secret is let through");
    }
    replaced > 0
}
