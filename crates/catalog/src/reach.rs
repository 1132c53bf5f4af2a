//! Where a host is: this machine, the public internet, or a network between the two. Decided here
//! alone, by every crate that sends a secret somewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host, as it stands in a URL, is this machine by what is written: `localhost`, or a
/// loopback address (an IPv6 one with or without its brackets). No other name is, whatever it
/// resolves to.
///
/// ```
/// use doorward_catalog::reach::is_this_machine;
///
/// assert!(is_this_machine("localhost") && is_this_machine("[::1]"));
/// assert!(!is_this_machine("localhost.example") && !is_this_machine("0.0.0.0"));
/// ```
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || literal(host).is_some_and(|address| address.is_loopback())
}

/// The address that a host of a URL is, if it is one and no name: an IPv6 one may be in brackets.
#[must_use]
pub fn literal(host: &str) -> Option<IpAddr> {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Whether an address is one of the public internet, as Instantly's are: globally reachable unicast
/// by the registries of IANA (RFC 6890), and no cloud's own service.
///
/// ```
/// use doorward_catalog::reach::is_public;
///
/// assert!(is_public("104.18.0.1".parse().unwrap()));
/// assert!(!is_public("169.254.169.254".parse().unwrap()));
/// assert!(!is_public("::ffff:104.18.0.1".parse().unwrap()));
/// ```
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let elsewhere = matches!(
        (a, b, c),
        // This network, private networks, carriers' networks, loopback, link-local.
        (0 | 10 | 127, ..) | (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _)
        // Protocol assignments, documentation, relays of 6to4, benchmarks.
        | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113)
        // Multicast, reserved, broadcast.
        | (224.., ..)
    );
    // Azure's own service to its machines, which is at a public address.
    !elsewhere && address != Ipv4Addr::new(168, 63, 129, 16)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match (a, b) {
        // NAT64 (RFC 6052): what it stands for is what is reached.
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => {
            let [w, x] = g.to_be_bytes();
            let [y, z] = h.to_be_bytes();
            is_public_v4(Ipv4Addr::new(w, x, y, z))
        }
        // Protocol assignments (Teredo among them), documentation, 6to4.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff) => false,
        // Global unicast; all else is local, multicast, an IPv4 address in disguise, or nobody's.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What any of the checks that this one replaced took for another machine.
    #[test]
    fn this_machine_is_what_is_written_so() {
        for here in [
            "localhost",
            "127.0.0.1",
            "127.9.9.9",
            "127.255.255.255",
            "::1",
            "[::1]",
        ] {
            assert!(is_this_machine(here), "{here}");
        }
        for elsewhere in [
            "",
            "LOCALHOST",
            "Localhost",
            "localhost.",
            "localhost.example",
            "x.localhost",
            "[localhost]",
            "[127.0.0.1]",
            "127.0.0.1.",
            "127.0.0.1.example",
            "127.1",
            "0177.0.0.1",
            "0x7f000001",
            "2130706433",
            "0.0.0.0",
            "::",
            "[::]",
            "[::1",
            "::1]",
            "[[::1]]",
            "::ffff:127.0.0.1",
            "[::ffff:127.0.0.1]",
            "10.0.0.1",
            "169.254.169.254",
            "api.instantly.ai",
            "127.0.0.1:80",
            " 127.0.0.1",
            "localhost\u{0}",
            "ⅼocalhost",
        ] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn private_addresses_of_every_kind_are_not_public() {
        for private in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "104.18.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::6812:1",
            "2a00:1450:4001::1",
            "64:ff9b::104.18.0.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
