//! Alerts on certificates that end soon: of the door with TLS, and of the local authority.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertKind, Severity};
use doorward_policy::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::AlertDesk;
use crate::admin::now;
use crate::context::Context;

/// How often they are looked at, beside each reload.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// One that ends within this time ends soon; one that lasts for less than three times as long, in
/// the last third of its time.
const SOON_MS: i64 = 14 * DAY_MS;
/// One that ends within this time is urgent.
const URGENT_MS: i64 = 3 * DAY_MS;
/// Most bytes of a file.
const SIZE_MAX: u64 = 1024 * 1024;

/// A certificate that is looked after.
#[derive(Debug, Clone)]
struct Kept {
    name: &'static str,
    path: PathBuf,
    /// What to do about its end.
    renew: &'static str,
    /// Whether there may be none.
    optional: bool,
}

/// Those of a configuration.
fn kept(context: &Context) -> Vec<Kept> {
    let door = context.config.gateway.tls.as_ref().map(|tls| Kept {
        name: "of [gateway.tls]",
        path: tls.cert.clone(),
        renew: "Put a new certificate and its key in the place of the old: they are taken within \
                seconds.",
        optional: false,
    });
    let authority = Kept {
        name: "of the local authority",
        path: context.data_dir.path().join("ca").join("ca.pem"),
        renew: "It is made anew when Doorward starts with [gateway.instantly_host], and by `doorward \
                run` and `doorward ca export`; where it was installed, install it again.",
        optional: true,
    };
    let relay = context.config.relay.tls.as_ref().map(|tls| Kept {
        name: "of [relay.tls]",
        path: tls.cert.clone(),
        renew: "Put a new certificate and its key in the place of the old: they are taken within \
                seconds.",
        optional: false,
    });
    let doors = door.into_iter().chain(relay);
    doors.chain([authority]).collect()
}

/// Looks at the certificates at once, every day, and whenever it is told to, until it is dropped.
pub(crate) async fn watch_certificates(desk: AlertDesk, context: Context, again: Arc<Notify>) {
    let kept = kept(&context);
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = again.notified() => {}
        }
        let kept = kept.clone();
        let looked = spawn_blocking(move || {
            let look = |one: &Kept| look(one, &read(&one.path), now());
            kept.iter().filter_map(look).collect::<Vec<_>>()
        });
        match looked.await {
            Ok(alerts) => alerts.into_iter().for_each(|alert| desk.tell(alert)),
            Err(error) => tracing::error!(%error, "looking at the certificates failed"),
        }
    }
}

/// That the door's new certificate is of no use, and the old one stays.
pub(crate) fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Alert {
    Alert::new(
        AlertKind::Certificate,
        "the new certificate of [gateway.tls] is of no use",
        now(),
    )
    .text("The one before it stays until it ends. Put a certificate and its key in their place.")
    .fact("file", path.display())
    .fact("why", why)
    .key("gateway.tls/unusable")
}

/// What was read of a file.
type Found = Result<Option<Vec<u8>>, std::io::Error>;

fn read(path: &Path) -> Found {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// What is to be told of a certificate.
fn look(kept: &Kept, found: &Found, now: Timestamp) -> Option<Alert> {
    let alert = |title: String| {
        Alert::new(AlertKind::Certificate, title, now)
            .text(kept.renew)
            .fact("file", kept.path.display())
    };
    let unreadable = |why: &dyn std::fmt::Display| {
        let title = format!("the certificate {} can't be read", kept.name);
        let alert = alert(title).fact("why", why);
        Some(alert.key(format_args!("{}/unreadable", kept.name)))
    };
    let pem = match found {
        Ok(Some(pem)) => pem,
        Ok(None) if kept.optional => return None,
        Ok(None) => return unreadable(&"it is not there"),
        Err(error) => return unreadable(error),
    };
    let times: Option<Vec<Lasting>> = CertificateDer::pem_slice_iter(pem)
        .map(|der| Lasting::of(&der.ok()?))
        .collect();
    let first = times.and_then(|times| times.into_iter().min_by_key(|lasting| lasting.until));
    let Some(lasting) = first else {
        return unreadable(&"it holds no certificate");
    };
    let left = lasting.until.millis_since(now);
    if left > lasting.soon() {
        return None;
    }
    let (title, severity) = if left <= 0 {
        let title = format!("the certificate {} has ended", kept.name);
        (title, Severity::Critical)
    } else if left < URGENT_MS {
        (ends(kept, left), Severity::High)
    } else {
        (ends(kept, left), Severity::Warning)
    };
    let alert = alert(title).severity(severity).fact("until", lasting.until);
    // Worse is news.
    Some(alert.key(format_args!("{}/{}/{severity}", kept.name, lasting.until)))
}

fn ends(kept: &Kept, left: i64) -> String {
    let (count, unit) = match left / DAY_MS {
        0 => (left / 3_600_000, "hours"),
        days => (days, "days"),
    };
    format!("the certificate {} ends in {count} {unit}", kept.name)
}

/// From when until when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lasting {
    from: Timestamp,
    until: Timestamp,
}

impl Lasting {
    /// As a certificate says (RFC 5280, section 4.1.2.5); `None` when it is none.
    fn of(der: &[u8]) -> Option<Self> {
        let whole = parts(der)?;
        let signed = parts(whole.first()?)?;
        // The version, which is explicitly tagged, may be left out.
        let skipped = usize::from(signed.first()?.first() == Some(&0xa0));
        let validity = parts(signed.get(skipped + 3)?)?;
        let [from, until] = validity.as_slice() else {
            return None;
        };
        Some(Self {
            from: time(from)?,
            until: time(until)?,
        })
    }

    fn soon(self) -> i64 {
        SOON_MS.min(self.until.millis_since(self.from) / 3)
    }
}

/// The members of a sequence, each with its tag and length.
fn parts(der: &[u8]) -> Option<Vec<Vec<u8>>> {
    let read = yasna::parse_der(der, |reader| {
        let mut all = Vec::new();
        reader.read_sequence_of(|member| {
            all.push(member.read_der()?);
            Ok(())
        })?;
        Ok(all)
    });
    read.ok()
}

/// `UTCTime` (two digits of the year) or `GeneralizedTime`, to the second, in UTC.
fn time(der: &[u8]) -> Option<Timestamp> {
    let (head, text) = der.split_at_checked(2)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match head.first()? {
        0x17 => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (
                if year < 50 {
                    2_000 + year
                } else {
                    1_900 + year
                },
                rest,
            )
        }
        0x18 => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let civil = jiff::civil::DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0);
    let zoned = civil.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::OffsetDateTime;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A certificate of this many days that ends so many days from now.
    fn certificate(lasts: i64, left: i64) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(vec!["door".to_owned()]).unwrap();
        let day = |days: i64| {
            let seconds = NOW.millis() / 1_000 + days * 86_400;
            OffsetDateTime::from_unix_timestamp(seconds).unwrap()
        };
        (params.not_before, params.not_after) = (day(left - lasts), day(left));
        params
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap()
    }

    fn kept(optional: bool) -> Kept {
        Kept {
            name: "of a test",
            path: PathBuf::from("cert.pem"),
            renew: "Renew it.",
            optional,
        }
    }

    fn told(pem: &str) -> Option<Severity> {
        let found = Ok(Some(pem.as_bytes().to_vec()));
        Some(look(&kept(false), &found, NOW)?.severity)
    }

    #[test]
    fn its_end_is_told_in_time_and_more_urgently_when_it_is_near() {
        let pem = |lasts, left| certificate(lasts, left).pem();
        assert_eq!(told(&pem(90, 15)), None);
        assert_eq!(told(&pem(90, 14)), Some(Severity::Warning));
        assert_eq!(told(&pem(90, 2)), Some(Severity::High));
        assert_eq!(told(&pem(90, 0)), Some(Severity::Critical));
        assert_eq!(told(&pem(90, -9)), Some(Severity::Critical));
        // One that never lasts for long is not told of all the time.
        assert_eq!(told(&pem(6, 4)), None);
        assert_eq!(told(&pem(6, 2)), Some(Severity::High));
        // Of a chain, the first to end counts.
        let chain = format!("{}{}", pem(90, 60), pem(90, 1));
        assert_eq!(told(&chain), Some(Severity::High));
        // Far beyond where years have two digits.
        assert_eq!(told(&pem(36_500, 36_499)), None);
    }

    #[test]
    fn what_can_t_be_read_is_told_where_it_should_be_there() {
        for text in [
            "",
            "no certificate",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(told(text), Some(Severity::Warning), "{text}");
        }
        assert!(look(&kept(false), &Ok(None), NOW).is_some());
        assert!(look(&kept(true), &Ok(None), NOW).is_none());
    }

    #[test]
    fn its_time_is_read_as_it_was_written() {
        let lasting = Lasting::of(certificate(90, 60).der()).unwrap();
        assert_eq!(lasting.until, NOW.plus_millis(60 * DAY_MS));
        assert_eq!(lasting.from, NOW.plus_millis(-30 * DAY_MS));
    }

    proptest! {
        #[test]
        fn nothing_that_is_changed_or_made_up_does_harm(at: prop::sample::Index, by in 1_u8.., bytes: Vec<u8>) {
            let mut der = certificate(90, 60).der().to_vec();
            let at = at.index(der.len());
            der[at] ^= by;
            let _ = Lasting::of(&der);
            let _ = Lasting::of(&bytes);
            let _ = time(&bytes);
        }
    }
}
