//! Whose address a request is from.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;

/// Most addresses of a chain of proxies that are looked at.
const HOPS: usize = 32;

/// The address of whoever sent a request: the caller's, or, when the caller is a trusted proxy, the
/// last in `X-Forwarded-For` that is none. What anybody else wrote there is not looked at.
pub(super) fn sender(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    if !is_trusted(&nearest) {
        return nearest;
    }
    let lines = headers.get_all("x-forwarded-for").iter();
    // The nearest proxy wrote last, into the last line.
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("")).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(HOPS) {
        // What is no address ends the chain: beyond it nothing is certain.
        let Some(address) = parse(hop.trim()) else {
            return nearest;
        };
        nearest = address;
        if !is_trusted(&address) {
            return address;
        }
    }
    nearest
}

/// An address, with a port and brackets or without.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    Some(address.or_else(bracketed)?.to_canonical())
}

/// Those who count as one: of IPv6, a network of 64 bits, which one sender has whole.
pub(super) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        sender(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, is) in [
            ("198.51.100.1", &["203.0.113.9"][..], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["1.2.3.4", "203.0.113.9,10.0.0.2"],
                "203.0.113.9",
            ),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, nonsense, 10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.7"], "10.0.0.7"),
            ("::ffff:10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("fd00::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"], "2001:db8::1"),
        ] {
            assert_eq!(sent(peer, lines), is, "{peer} {lines:?}");
        }
        let many = "10.0.0.9,".repeat(1_000) + "10.0.0.9";
        assert_eq!(sent("10.0.0.1", &[&many]), "10.0.0.9");
    }

    #[test]
    fn a_network_of_64_bits_is_one() {
        let of = |text: &str| group(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in "[ -~]{0,60}") {
            sent("10.0.0.1", &[&line]);
        }
    }
}
