//! The trace that a call belongs to: W3C Trace Context, `traceparent`.

use http::{HeaderMap, HeaderValue};

use crate::request::request_id::RequestId;

/// The header.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// `00-<32 hex>-<16 hex>-<2 hex>`
const LENGTH: usize = 55;

/// Where a call stands in a trace. No part of it is secret, and none says anything of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// The trace: the caller's, or one of the call's own.
    pub trace_id: u128,
    /// The caller's span, if it named one.
    pub parent: Option<u64>,
    /// The span of the call here.
    pub span: u64,
    /// The span of what is sent to the API for it.
    pub upstream_span: u64,
    /// Whether it is to be kept.
    pub sampled: bool,
    /// Whether the API is told of it.
    pub(crate) propagate: bool,
}

/// How calls are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracing {
    /// Of 2^32 calls that come with no trace of their own, how many are kept.
    pub share: u32,
    /// Whether the API is sent the trace's name, in `traceparent`.
    pub propagate: bool,
}

impl Tracing {
    /// The trace of a call. A caller's is taken if it is well formed and there is one alone.
    pub(crate) fn of(&self, headers: &HeaderMap, call: RequestId) -> Trace {
        let (process, number) = call.parts();
        let span = scatter(process ^ scatter(number));
        let (trace_id, parent, sampled) = match of_caller(headers) {
            Some((trace_id, parent, sampled)) => (trace_id, Some(parent), sampled),
            None => {
                let chance = u32::try_from(scatter(span) >> 32).unwrap_or(u32::MAX);
                let kept = self.share == u32::MAX || chance < self.share;
                (call.as_u128(), None, kept)
            }
        };
        Trace {
            trace_id,
            parent,
            span,
            upstream_span: scatter(span),
            sampled,
            propagate: self.propagate,
        }
    }
}

impl Trace {
    /// The header that is sent to the API, if one is.
    pub(crate) fn onward(&self) -> Option<HeaderValue> {
        let Self {
            trace_id,
            upstream_span,
            sampled,
            ..
        } = self;
        let line = || {
            format!(
                "00-{trace_id:032x}-{upstream_span:016x}-{:02x}",
                u8::from(*sampled)
            )
        };
        self.propagate
            .then(|| HeaderValue::try_from(line()).ok())
            .flatten()
    }
}

/// The trace and span of the caller, and whether they are kept.
fn of_caller(headers: &HeaderMap) -> Option<(u128, u64, bool)> {
    let mut lines = headers.get_all(TRACEPARENT).iter();
    let line = lines.next()?.to_str().ok()?;
    if lines.next().is_some() {
        return None;
    }
    let hex = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let mut parts = line.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), parent.len(), flags.len());
    // Later versions may say more behind; the first four parts stay what they are.
    let more = parts.next().is_some();
    if lengths != (2, 32, 16, 2)
        || version == "ff"
        || (version == "00" && (more || line.len() != LENGTH))
        || line.len() > 4 * LENGTH
        || ![version, trace, parent, flags].into_iter().all(hex)
    {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
    let parent = u64::from_str_radix(parent, 16).ok().filter(|id| *id != 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some((trace, parent, flags & 1 == 1))
}

/// Spreads numbers that follow each other over all there are (splitmix64). Never 0.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::request::request_id::RequestIds;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(TRACEPARENT, HeaderValue::try_from(*line).unwrap());
        }
        headers
    }

    #[test]
    fn a_callers_trace_is_taken_if_it_is_well_formed() {
        let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
        let taken = Some((trace, 0xb7ad_6b71_6920_3331, true));
        assert_eq!(of_caller(&headers(&[GOOD])), taken);
        let later = GOOD.replacen("00", "01", 1) + "-more";
        assert_eq!(of_caller(&headers(&[&later])), taken);
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &format!("{GOOD}-more"),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            &GOOD.replace("b7ad", "+7ad"),
            &GOOD.replace("-01", "-1"),
        ] {
            assert_eq!(of_caller(&headers(&[bad])), None, "{bad}");
        }
        assert_eq!(of_caller(&headers(&[GOOD, GOOD])), None, "two are none");
    }

    #[test]
    fn what_goes_on_is_read_again_and_only_where_it_may() {
        let ids = RequestIds::new().unwrap();
        for propagate in [false, true] {
            let tracing = Tracing {
                share: 0,
                propagate,
            };
            let trace = tracing.of(&headers(&[GOOD]), ids.next());
            let onward = trace.onward();
            assert_eq!(onward.is_some(), propagate);
            if let Some(line) = onward {
                let read = of_caller(&headers(&[line.to_str().unwrap()])).unwrap();
                assert_eq!(read, (trace.trace_id, trace.upstream_span, true));
            }
        }
    }

    #[test]
    fn about_the_share_that_is_asked_for_is_kept() {
        let ids = RequestIds::new().unwrap();
        let kept = |share| {
            let tracing = Tracing {
                share,
                propagate: false,
            };
            let calls = (0..10_000).map(|_| tracing.of(&HeaderMap::new(), ids.next()));
            calls.filter(|trace| trace.sampled).count()
        };
        assert_eq!((kept(0), kept(u32::MAX)), (0, 10_000));
        assert!((2_000..3_000).contains(&kept(u32::MAX / 4)));
    }

    proptest! {
        #[test]
        fn no_header_breaks_it(line in "[ -~]{0,80}", good in any::<bool>()) {
            let line = if good { format!("{GOOD}{line}") } else { line };
            let _ = of_caller(&headers(&[&line]));
        }
    }
}
