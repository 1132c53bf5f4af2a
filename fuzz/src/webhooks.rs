//! What comes in at the way in: payloads, and the headers that prove them.

use doorward_policy::Timestamp;
use doorward_webhook::{
    Canonicaliser, Delivery, Limits, Scheme, Schemes, Way, facts, normalised, retry_after,
};
use secrecy::SecretString;

/// A payload. Its canonical form stays what it is, and has the same facts.
pub(crate) fn payload(data: &[u8]) -> bool {
    let limits = Limits::default();
    let (mut canonicaliser, mut again) = (Canonicaliser::default(), Canonicaliser::default());
    let Ok(canonical) = canonicaliser.run(data, &limits) else {
        return false;
    };
    assert!(canonical.bytes().len() <= data.len());
    let twice = again.run(canonical.bytes(), &limits).expect("it is JSON");
    assert_eq!(twice, canonical);
    if let Some(object) = canonical.object() {
        // Every member is found, in order, and nothing is between them.
        let length: usize = object
            .map(|(name, value)| name.len() + value.bytes().len() + 4)
            .sum();
        assert_eq!(canonical.bytes().len(), (length + 1).max(2));
    }
    true
}

/// A payload's facts, and our own envelope around it.
pub(crate) fn payload_facts(data: &[u8]) -> bool {
    let limits = Limits::default();
    let mut canonicaliser = Canonicaliser::default();
    let Ok(canonical) = canonicaliser.run(data, &limits) else {
        return false;
    };
    let Ok(found) = facts(canonical) else {
        return false;
    };
    assert!((1..=256).contains(&found.event_type.len()));
    assert!(found.lead.as_ref().is_none_or(|lead| lead.len() <= 320));
    assert!(found.campaign.as_ref().is_none_or(|id| id.len() <= 64));
    let ours = normalised(&found, canonical, Timestamp::from_seconds(1_800_000_000));
    let mut again = Canonicaliser::default();
    let room = Limits {
        depth: limits.depth + 1,
        bytes: usize::MAX,
        values: usize::MAX,
    };
    let ours = again.run(&ours, &room).expect("it is JSON");
    assert!(ours.object().expect("an object").get("data").is_some());
    true
}

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn ways() -> [Way; 5] {
    let name = "x-webhook-secret".to_owned();
    [
        Way::Header { name },
        Way::Bearer,
        Way::github(),
        Way::stripe(),
        Way::standard(),
    ]
}

/// Lines `name: value`, an empty one, and a body. Only what the seeds are signed with proves
/// anything, and piece by piece the verdict is the same.
pub(crate) fn proof(data: &[u8]) -> bool {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let Some((head, body)) = end.and_then(|end| data.split_at_checked(end)) else {
        return false;
    };
    let body = body.get(2..).unwrap_or_default();
    let head: Vec<(String, &[u8])> = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = str::from_utf8(line.get(..colon)?).ok()?.to_owned();
            Some((name, line.get(colon + 1..)?.trim_ascii()))
        })
        .collect();
    let delivery = Delivery {
        head: &head,
        certificate: None,
    };
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut proved = false;
    for way in ways() {
        let scheme = Scheme::new(&way, &[SecretString::from(SECRET)]).expect("a scheme");
        let schemes = Schemes::new(vec![scheme]).expect("one");
        let verdict = schemes.verify(&delivery, body, now);
        if let Ok(pending) = schemes.head(&delivery, now) {
            let mut stream = pending.stream().expect("no key is public");
            body.chunks(3).for_each(|piece| stream.update(piece));
            assert_eq!(stream.finish(), verdict);
        } else {
            assert!(verdict.is_err());
        }
        if let Ok(verified) = verdict {
            assert_eq!(verified.secrets().count(), 1);
            proved = true;
        }
    }
    proved
}

/// A header `Retry-After`.
pub(crate) fn retry_header(data: &[u8]) -> bool {
    let text = crate::text(data);
    let asked = text.and_then(|text| retry_after(text, Timestamp::from_seconds(1_800_000_000)));
    asked.is_some_and(|asked| {
        assert!(asked.as_secs() <= 86_400);
        true
    })
}
