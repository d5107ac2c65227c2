//! The addresses that a request may be sent to.
//!
//! For IPv4 there is a list of what is refused. For IPv6 only the block for use between
//! networks is allowed, without the parts that are refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::error::Invalid;

/// An address that no request may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("address: must be a public one")]
pub struct ForbiddenAddress;

/// Decides which addresses are allowed. Public addresses are.
///
/// ```
/// use hookpost::policy::egress::AddressPolicy;
///
/// let policy = AddressPolicy::public_only().deny("8.8.4.0/24".parse()?);
/// assert!(policy.judge("8.8.8.8".parse()?).is_ok());
/// assert!(policy.judge("8.8.4.4".parse()?).is_err());
/// assert!(policy.judge("169.254.169.254".parse()?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    danger_allowed: Vec<Net>,
    denied: Vec<Net>,
    nat64: Vec<Net>,
}

impl AddressPolicy {
    /// Allows only public addresses.
    #[must_use]
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Refuses that block too, such as this service's own public addresses. It takes
    /// precedence over everything that is allowed.
    ///
    /// Some clouds offer their own services under addresses that are public everywhere else:
    /// deny `168.63.129.16/32` on Azure, and `161.26.0.0/16` and `166.8.0.0/14` on IBM Cloud.
    #[must_use]
    pub fn deny(mut self, net: Net) -> Self {
        self.denied.push(net);
        self
    }

    /// Sets a prefix under which this network's NAT64 reaches IPv4 (RFC 6052). An address
    /// under it is judged by the IPv4 address that it contains.
    ///
    /// # Errors
    /// If the block is not an IPv6 prefix of 32, 40, 48, 56, 64 or 96 bits.
    pub fn nat64(mut self, prefix: Net) -> Result<Self, Invalid> {
        if !prefix.base.is_ipv6() || !matches!(prefix.prefix, 32 | 40 | 48 | 56 | 64 | 96) {
            return Err(Invalid {
                field: "net",
                rule: "a NAT64 prefix must be IPv6 and of 32, 40, 48, 56, 64 or 96 bits",
            });
        }
        self.nat64.push(prefix);
        Ok(self)
    }

    /// Allows requests to a block that is not public. Anyone who can register an endpoint can
    /// then reach every service in it.
    #[must_use]
    pub fn danger_allow(mut self, net: Net) -> Self {
        self.danger_allowed.push(net);
        self
    }

    /// Allows requests to this machine itself, for tests: `127.0.0.0/8` and `::1`.
    #[must_use]
    pub fn danger_allow_loopback(self) -> Self {
        self.danger_allow(Net::v4(127, 0, 0, 0, 8)).danger_allow(Net::v6(Ipv6Addr::LOCALHOST.to_bits(), 128))
    }

    /// Allows requests to this machine and private networks, for development: loopback
    /// addresses, and the private ones of RFC 1918, which containers have. The addresses under
    /// which clouds give out credentials, `169.254.169.254` and some of `fc00::/7`, stay
    /// refused.
    #[must_use]
    pub fn danger_allow_local(self) -> Self {
        self.danger_allow_loopback()
            .danger_allow(Net::v4(10, 0, 0, 0, 8))
            .danger_allow(Net::v4(172, 16, 0, 0, 12))
            .danger_allow(Net::v4(192, 168, 0, 0, 16))
    }

    /// Judges one address.
    ///
    /// # Errors
    /// If no request may be sent there.
    pub fn judge(&self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let reached = self.reached_by(address).ok_or(ForbiddenAddress)?;
        if self.denied.iter().any(|net| net.contains(address) || net.contains(reached)) {
            return Err(ForbiddenAddress);
        }
        if is_public(reached) || self.danger_allowed.iter().any(|net| net.contains(reached)) {
            return Ok(());
        }
        Err(ForbiddenAddress)
    }

    /// The address that a packet to `address` finally reaches, with mappings and translations
    /// removed; `None` if a translation is not well formed.
    fn reached_by(&self, address: IpAddr) -> Option<IpAddr> {
        let IpAddr::V6(v6) = address else {
            return Some(address);
        };
        if let Some(mapped) = v6.to_ipv4_mapped() {
            return Some(IpAddr::V4(mapped));
        }
        match self.nat64.iter().find(|net| net.contains(address)) {
            Some(net) => embedded_v4(v6, net.prefix).map(IpAddr::V4),
            None => Some(address),
        }
    }
}

/// A block of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Net {
    base: IpAddr,
    prefix: u8,
}

impl Net {
    /// The block of all addresses that share the first `prefix` bits of `base`.
    ///
    /// # Errors
    /// If the prefix is longer than an address, if `base` has bits set beyond it, or if the
    /// block is IPv4 written as IPv6: addresses are converted to IPv4 before they are judged.
    pub fn new(base: IpAddr, prefix: u8) -> Result<Self, Invalid> {
        let (bits, width) = match base {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        if prefix > width {
            return Err(Invalid {
                field: "net",
                rule: "its prefix must be at most 32 bits for IPv4 and 128 for IPv6",
            });
        }
        let host_bits = u128::MAX.checked_shr(u32::from(128 - width + prefix)).unwrap_or(0);
        if bits & host_bits != 0 {
            return Err(Invalid {
                field: "net",
                rule: "its address must have no bits set beyond the prefix",
            });
        }
        if prefix >= 96 && matches!(base, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            return Err(Invalid { field: "net", rule: "an IPv4-mapped block must be written as IPv4" });
        }
        Ok(Self { base, prefix })
    }

    /// Whether the address is in the block.
    #[must_use]
    pub const fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix as u32
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.prefix as u32
            }
            _ => false,
        }
    }

    const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    const fn v6(bits: u128, prefix: u8) -> Self {
        Self { base: IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix }
    }
}

impl FromStr for Net {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let form = Invalid {
            field: "net",
            rule: "must be an address, a slash and a number of bits, such as 10.0.0.0/8",
        };
        let (base, prefix) = text.split_once('/').ok_or(form)?;
        if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(form);
        }
        Self::new(base.parse().map_err(|_| form)?, prefix.parse().map_err(|_| form)?)
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// Blocks without public services. The registries call some of them globally reachable, but
/// webhooks are not received there.
const REFUSED_V4: [Net; 19] = [
    Net::v4(0, 0, 0, 0, 8),        // this network; 0.0.0.0 reaches the machine itself
    Net::v4(10, 0, 0, 0, 8),       // private (RFC 1918)
    Net::v4(100, 64, 0, 0, 10),    // carrier-grade NAT; a cloud's metadata at 100.100.100.200
    Net::v4(127, 0, 0, 0, 8),      // loopback
    Net::v4(169, 254, 0, 0, 16),   // link-local; most clouds' metadata
    Net::v4(172, 16, 0, 0, 12),    // private (RFC 1918)
    Net::v4(192, 0, 0, 0, 24),     // protocol assignments; a cloud's metadata at 192.0.0.192
    Net::v4(192, 0, 2, 0, 24),     // documentation
    Net::v4(192, 31, 196, 0, 24),  // AS112
    Net::v4(192, 52, 193, 0, 24),  // AMT
    Net::v4(192, 88, 99, 0, 24),   // 6to4 relays
    Net::v4(192, 168, 0, 0, 16),   // private (RFC 1918)
    Net::v4(192, 175, 48, 0, 24),  // AS112
    Net::v4(198, 18, 0, 0, 15),    // benchmarking
    Net::v4(198, 51, 100, 0, 24),  // documentation
    Net::v4(203, 0, 113, 0, 24),   // documentation
    Net::v4(224, 0, 0, 0, 4),      // multicast
    Net::v4(240, 0, 0, 0, 4),      // reserved, broadcast
    Net::v4(168, 63, 129, 16, 32), // Azure's wire server: public, and in no registry of special blocks
];

/// The block from which public IPv6 addresses are handed out.
const GLOBAL_V6: Net = Net::v6(0x2000 << 112, 3);

/// The parts of [`GLOBAL_V6`] that are not public addresses.
const REFUSED_V6: [Net; 5] = [
    Net::v6(0x2001 << 112, 23),          // Teredo, ORCHID, benchmarking, anycasts
    Net::v6(0x2001_0db8 << 96, 32),      // documentation
    Net::v6(0x2002 << 112, 16),          // 6to4
    Net::v6(0x2620_004f_8000 << 80, 48), // AS112
    Net::v6(0x3fff << 112, 20),          // documentation
];

fn is_public(address: IpAddr) -> bool {
    let refused: &[Net] = match address {
        IpAddr::V4(_) => &REFUSED_V4,
        IpAddr::V6(_) if GLOBAL_V6.contains(address) => &REFUSED_V6,
        IpAddr::V6(_) => return false,
    };
    !refused.iter().any(|net| net.contains(address))
}

/// The IPv4 address after a NAT64 prefix: the bits after it, without the octet at bits 64 to
/// 71, which is zero in every well-formed address (RFC 6052, 2.2).
fn embedded_v4(address: Ipv6Addr, prefix: u8) -> Option<Ipv4Addr> {
    let octets = address.octets();
    if octets[8] != 0 {
        return None;
    }
    let mut after = octets.iter().enumerate().skip(usize::from(prefix / 8)).filter(|&(at, _)| at != 8);
    let mut next = || after.next().map(|(_, &octet)| octet);
    Some(Ipv4Addr::new(next()?, next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_net_reads_only_its_own_normal_form() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "1.2.3.4/32", "::/0", "fc00::/7", "::1/128", "2001:db8::/32"]
        {
            assert_eq!(net(text).to_string(), text);
        }
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "010.0.0.0/8",
            "10.0/8",
            "/8",
            "::1/127",
            "::/129",
            "fe80::1%eth0/128",
            "10.0.0.0/8/8",
            "::ffff:10.0.0.0/104",
            "::/256",
        ] {
            assert!(text.parse::<Net>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_nat64_address_is_judged_by_what_it_embeds() {
        // RFC 6052, 2.4: 192.0.2.33 under each length of prefix, and a public address likewise.
        let rows = [
            ("2001:db8::/32", "2001:db8:c000:221::", "2001:db8:808:808::"),
            ("2001:db8:100::/40", "2001:db8:1c0:2:21::", "2001:db8:108:808:8::"),
            ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::", "2001:db8:122:808:8:800::"),
            ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::", "2001:db8:122:308:8:808::"),
            ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::", "2001:db8:122:344:8:808:800::"),
            ("2001:db8:122:344::/96", "2001:db8:122:344::c000:221", "2001:db8:122:344::808:808"),
        ];
        for (prefix, documentation, public) in rows {
            let prefix = net(prefix);
            let v4 = |text| embedded_v4(text, prefix.prefix).unwrap().to_string();
            assert_eq!(v4(documentation.parse().unwrap()), "192.0.2.33", "{prefix}");
            assert_eq!(v4(public.parse().unwrap()), "8.8.8.8", "{prefix}");
            let policy = AddressPolicy::public_only().nat64(prefix).unwrap();
            assert_eq!(policy.judge(ip(documentation)), Err(ForbiddenAddress), "{prefix}");
            assert_eq!(policy.judge(ip(public)), Ok(()), "{prefix}");
            assert_eq!(AddressPolicy::public_only().judge(ip(public)), Err(ForbiddenAddress), "{prefix}");
        }
    }

    #[test]
    fn a_nat64_address_with_its_reserved_octet_set_is_refused() {
        let policy = AddressPolicy::public_only().nat64(net("2001:db8:122:344::/64")).unwrap();
        assert_eq!(policy.judge(ip("2001:db8:122:344:8:808:800::")), Ok(()));
        assert_eq!(policy.judge(ip("2001:db8:122:344:108:808:800::")), Err(ForbiddenAddress));
    }

    #[test]
    fn a_nat64_prefix_has_one_of_six_lengths() {
        for text in ["10.0.0.0/8", "64:ff9b::/95", "2001:db8::/33", "::/0"] {
            assert!(AddressPolicy::public_only().nat64(net(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_denial_outweighs_an_allowance_and_follows_through_mappings() {
        let policy = AddressPolicy::public_only()
            .danger_allow(net("10.0.0.0/8"))
            .deny(net("10.1.0.0/16"))
            .deny(net("8.8.4.0/24"))
            .nat64(net("64:ff9b::/96"))
            .unwrap();
        for allowed in ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "8.8.8.8"] {
            assert_eq!(policy.judge(ip(allowed)), Ok(()), "{allowed}");
        }
        for refused in
            ["10.1.0.1", "::ffff:10.1.0.1", "64:ff9b::a01:1", "8.8.4.4", "::ffff:8.8.4.4", "127.0.0.1"]
        {
            assert_eq!(policy.judge(ip(refused)), Err(ForbiddenAddress), "{refused}");
        }
    }

    #[test]
    fn allowing_loopback_allows_nothing_else() {
        let policy = AddressPolicy::public_only().danger_allow_loopback();
        for allowed in ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(policy.judge(ip(allowed)), Ok(()), "{allowed}");
        }
        for refused in ["0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "fe80::1", "::2", "::127.0.0.1"] {
            assert_eq!(policy.judge(ip(refused)), Err(ForbiddenAddress), "{refused}");
        }
    }
}
