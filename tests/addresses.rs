//! Which addresses a request may go to: the fixture's boundaries, and a second table
//! written in other words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hookpost::policy::egress::{AddressPolicy, EndpointUrl, UrlPolicy};

const VECTORS: &str = include_str!("fixtures/ssrf_ip_vectors.csv");

/// Every address of the fixture, and whether it is allowed.
fn vectors() -> Vec<(IpAddr, bool)> {
    let rows: Vec<_> = VECTORS
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.rsplit(',');
            let allowed = match fields.next().unwrap() {
                "allow" => true,
                "deny" => false,
                other => panic!("unknown verdict {other}"),
            };
            (fields.next().unwrap().parse().unwrap(), allowed)
        })
        .collect();
    assert_eq!(rows.len(), 154);
    rows
}

#[test]
fn fb16_every_address_of_the_fixture_is_judged_as_it_says() {
    let policy = AddressPolicy::public_only();
    for (address, allowed) in vectors() {
        assert_eq!(policy.judge(address).is_ok(), allowed, "{address}");
    }
}

#[test]
fn fb16_every_address_of_the_fixture_is_judged_as_a_url_at_registration() {
    let policy = AddressPolicy::public_only();
    for (address, allowed) in vectors() {
        let host = match address {
            IpAddr::V4(v4) => url::Host::<String>::Ipv4(v4),
            IpAddr::V6(v6) => url::Host::<String>::Ipv6(v6),
        };
        let url = EndpointUrl::parse(&format!("http://{host}/hook"), &UrlPolicy::http_and_https()).unwrap();
        assert_eq!(url.judge_literal(&policy).is_ok(), allowed, "{host}");
        assert_eq!(EndpointUrl::from_stored(url.expose()), Ok(url));
    }
}

/// The refused IPv4 addresses in other words than the policy's.
fn refused_v4(address: Ipv4Addr) -> bool {
    matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 31, 196, _]
            | [192, 52, 193, _]
            | [192, 88, 99, _]
            | [192, 175, 48, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [168, 63, 129, 16]
    )
}

/// The refused IPv6 addresses in other words than the policy's.
fn refused_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => {
            refused_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2001, 0..=0x01ff | 0x0db8, ..]
        | [0x2002, ..]
        | [0x2620, 0x004f, 0x8000, ..]
        | [0x3fff, 0..=0x0fff, ..] => true,
        [first, ..] => !(0x2000..=0x3fff).contains(&first),
    }
}

#[test]
fn ipv4_agrees_with_a_second_table_everywhere() {
    let policy = AddressPolicy::public_only();
    let check = |bits: u32| {
        let address = Ipv4Addr::from_bits(bits);
        assert_eq!(policy.judge(IpAddr::V4(address)).is_err(), refused_v4(address), "{address}");
    };
    // No block but one is smaller than 256 addresses: each such run is met at both ends
    // where blocks are that small, and each run of 65,536 at both ends and inside elsewhere.
    for high in 0..=0xffff_u32 {
        let run = high << 16;
        for low in [0, 1, 0x1234, 0x8000, 0xfffe, 0xffff] {
            check(run | low);
        }
        if matches!(high >> 8, 100 | 168 | 169 | 172 | 192 | 198 | 203) {
            for third in 0..=0xff {
                for fourth in [0, 0x10, 0xff] {
                    check(run | third << 8 | fourth);
                }
            }
        }
    }
    (0..=0xffff).for_each(|low| check(u32::from(Ipv4Addr::new(168, 63, 0, 0)) | low));
}

#[test]
fn ipv6_agrees_with_a_second_table_over_a_million_addresses() {
    let policy = AddressPolicy::public_only();
    let mut random = fastrand::Rng::with_seed(0x6970_7636);
    let mut tally = [0_u32; 2];
    for round in 0..1_000_000 {
        let mut bits = random.u128(..);
        // Most random addresses are far from every border; put most of them near one.
        let near: [(u128, u32); 10] = [
            (0x2001 << 112, 16),
            (0x2001_0db8 << 96, 30),
            (0x2002 << 112, 15),
            (0x2620_004f_8000 << 80, 46),
            (0x3fff << 112, 18),
            (0xffff << 32, 94),
            (0, 90),
            (0x2001 << 112, 22),
            (0x2000 << 112, 2),
            (0x3f00 << 112, 6),
        ];
        if let Some((base, kept)) = near.get(round % 12) {
            let mask = u128::MAX << (128 - kept);
            bits = base & mask | bits & !mask;
        }
        let address = Ipv6Addr::from_bits(bits);
        let refused = refused_v6(address);
        assert_eq!(policy.judge(IpAddr::V6(address)).is_err(), refused, "{address}");
        tally[usize::from(refused)] += 1;
    }
    assert!(tally.iter().all(|&count| count > 100_000), "both verdicts occur often: {tally:?}");
}
