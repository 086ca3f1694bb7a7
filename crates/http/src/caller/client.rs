//! The client: its effective address, and whether a trusted proxy is in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::header::{items, outside_quotes};

/// The other end of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The effective address for limits and counts: the socket's, or the one reported by trusted
    /// proxies.
    pub address: IpAddr,
    /// True if a trusted proxy forwarded it.
    pub proxied: bool,
}

impl Client {
    /// Reads it from a request. Headers of untrusted peers are ignored.
    pub(super) fn read(parts: &Parts, trusted: &[Network]) -> Self {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
                info.0.ip().to_canonical()
            });
        Self {
            address: forwarded_address(peer, &parts.headers, trusted),
            proxied: trusted.iter().any(|network| network.contains(peer)),
        }
    }

    /// The subscriber of its address; per-person limits use this as the key.
    pub fn subscriber(self) -> IpAddr {
        subscriber(self.address)
    }
}

/// Addresses of a network, e.g. `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    mask: u128,
}

/// The text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network such as 10.0.0.0/8: {0:?}")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.parse::<u32>().map_err(|_| error())?,
            None => bits,
        };
        if length > bits {
            return Err(error());
        }
        let mask = u128::MAX.checked_shl(bits - length).unwrap_or(0);
        Ok(Self {
            base: number(address) & mask,
            mask,
        })
    }
}

impl Network {
    /// True if `address` belongs to the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        number(address) & self.mask == self.base
    }
}

/// The subscriber of an address: of IPv6 addresses, a provider's customer usually has a whole
/// `/64`.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The subscriber whose share an address uses. `None` for addresses that represent many people:
/// trusted proxies, and 127.0.0.1 and `::1`, which local programs use, including an unconfigured
/// proxy.
pub fn sharer(address: IpAddr, trusted: &[Network]) -> Option<IpAddr> {
    let address = address.to_canonical();
    let here = match address {
        IpAddr::V4(v4) => v4 == Ipv4Addr::LOCALHOST,
        IpAddr::V6(v6) => v6 == Ipv6Addr::LOCALHOST,
    };
    let many = here || trusted.iter().any(|network| network.contains(address));
    (!many).then(|| subscriber(address))
}

/// The address as an IPv6 one; IPv4 lies in `::ffff:0:0/96`.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The nearest address that is not a trusted proxy's. Two headers that disagree are both ignored,
/// since a proxy that sets one of them forwards a forged other one.
fn forwarded_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|n| n.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let nearest = |hops: Vec<Option<IpAddr>>| {
        let mut address = peer;
        for hop in hops.into_iter().rev() {
            let Some(hop) = hop else { break };
            address = hop;
            if !is_trusted(hop) {
                break;
            }
        }
        address
    };
    let hops = |name, read: fn(&str) -> Option<IpAddr>| {
        let items = items(headers, name).into_iter();
        items.map(read).collect::<Vec<_>>()
    };
    let x_forwarded = hops("x-forwarded-for", hop_address);
    let forwarded = hops(header::FORWARDED.as_str(), |item| {
        outside_quotes(item, ';')
            .find_map(|pair| {
                let (name, value) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for").then_some(value)
            })
            .and_then(|value| hop_address(value.trim_matches('"')))
    });
    match (x_forwarded.is_empty(), forwarded.is_empty()) {
        (false, true) => nearest(x_forwarded),
        (true, false) => nearest(forwarded),
        (true, true) => peer,
        (false, false) => {
            let (a, b) = (nearest(x_forwarded), nearest(forwarded));
            if a == b { a } else { peer }
        }
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
pub(super) fn hop_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))
        .map(|a| a.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn client(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> Client {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let peer: SocketAddr = peer.parse().unwrap();
        parts.extensions.insert(ConnectInfo(peer));
        let trusted: Vec<Network> = trusted.iter().map(|n| n.parse().unwrap()).collect();
        Client::read(&parts, &trusted)
    }

    fn address(peer: &str, headers: &[(&str, &str)], trusted: &[&str]) -> String {
        client(peer, headers, trusted).address.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let xff = [("x-forwarded-for", "203.0.113.9, 10.0.0.2")];
        assert_eq!(address("198.51.100.1:9", &xff, &[]), "198.51.100.1");
        assert_eq!(
            address("198.51.100.1:9", &xff, &["10.0.0.0/8"]),
            "198.51.100.1"
        );
        assert_eq!(address("10.0.0.1:9", &xff, &["10.0.0.1"]), "10.0.0.2");
        assert_eq!(address("10.0.0.1:9", &xff, &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(
            address("[::ffff:10.0.0.1]:9", &xff, &["10.0.0.0/8"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn a_forged_first_hop_is_not_reached() {
        let xff = [("x-forwarded-for", "127.0.0.1, 203.0.113.9")];
        assert_eq!(address("10.0.0.1:9", &xff, &["10.0.0.1"]), "203.0.113.9");
        let junk = [("x-forwarded-for", "203.0.113.9, unknown")];
        assert_eq!(address("10.0.0.1:9", &junk, &["10.0.0.1"]), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_is_read_and_must_not_disagree() {
        let standard = ("forwarded", "for=\"[2001:db8::5]:4711\";proto=https");
        assert_eq!(
            address("10.0.0.1:9", &[standard], &["10.0.0.1"]),
            "2001:db8::5"
        );
        let both = [standard, ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(address("10.0.0.1:9", &both, &["10.0.0.1"]), "10.0.0.1");
        let agreeing = [standard, ("x-forwarded-for", "2001:db8::5")];
        assert_eq!(
            address("10.0.0.1:9", &agreeing, &["10.0.0.1"]),
            "2001:db8::5"
        );
    }

    #[test]
    fn a_customer_has_one_ipv4_address_or_a_network_of_ipv6_ones() {
        let of = |peer: &str| client(peer, &[], &[]).subscriber().to_string();
        assert_eq!(of("192.0.2.1:9"), "192.0.2.1");
        assert_eq!(of("[::ffff:192.0.2.1]:9"), "192.0.2.1");
        assert_eq!(of("192.0.2.2:9"), "192.0.2.2");
        assert_eq!(of("[2001:db8::1]:9"), "2001:db8::");
        assert_eq!(of("[2001:db8:0:0:ffff::2]:9"), "2001:db8::");
        assert_eq!(of("[2001:db8:0:1::1]:9"), "2001:db8:0:1::");
    }

    #[test]
    fn those_who_stand_for_many_have_no_share() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let of = |text: &str| sharer(text.parse().unwrap(), &trusted).map(|a| a.to_string());
        assert_eq!(of("127.0.0.1"), None);
        assert_eq!(of("::1"), None);
        assert_eq!(of("::ffff:127.0.0.1"), None);
        assert_eq!(of("10.1.2.3"), None);
        assert_eq!(of("127.0.0.2").as_deref(), Some("127.0.0.2"));
        assert_eq!(of("::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(of("2001:db8::7:8").as_deref(), Some("2001:db8::"));
    }

    #[test]
    fn networks_are_read_strictly() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "x"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let everything: Network = "::/0".parse().unwrap();
        assert!(everything.contains("192.0.2.1".parse().unwrap()));
        let v4: Network = "0.0.0.0/0".parse().unwrap();
        assert!(v4.contains("192.0.2.1".parse().unwrap()));
        assert!(!v4.contains("2001:db8::1".parse().unwrap()));
    }
}
