//! The host of an endpoint's URL: a name of letters, digits and hyphens, or an address in the
//! one form in which it is printed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::punycode;
use super::url::UrlError;

const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// Parses a host in lower case. Returns its address if it is an IP address.
pub(super) fn read(host: &str) -> Result<Option<IpAddr>, UrlError> {
    if let Some(bracketed) = host.strip_prefix('[') {
        return read_v6(bracketed).map(|v6| Some(IpAddr::V6(v6)));
    }
    let labels: Vec<&str> = host.split('.').collect();
    if labels.last().is_some_and(|last| reads_as_number(last)) {
        return read_v4(host).map(|v4| Some(IpAddr::V4(v4)));
    }
    if host.is_empty() || host.len() > NAME_MAX {
        return refuse("host must be a name of 1 to 253 characters or an address");
    }
    if host.ends_with('.') {
        return refuse("host must not end with a dot");
    }
    labels.iter().try_for_each(|label| read_label(label)).map(|()| None)
}

/// Whether a name is internal: this machine (RFC 6761), its neighbours on the link (RFC 6762),
/// a home network (RFC 8375), or a private network with one of the names that the root zone
/// keeps free because many networks use them (ICANN's name collisions, RFC 6762, appendix G).
pub(super) fn is_inside(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or(name);
    let is_private = matches!(top, "internal" | "intranet" | "lan" | "corp" | "home" | "private");
    is_private || matches!(top, "localhost" | "local" | "localdomain") || name.ends_with(".home.arpa")
}

fn read_label(label: &str) -> Result<(), UrlError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if label.is_empty() || label.len() > LABEL_MAX || !label.bytes().all(plain) {
        return refuse("each label of the host must be 1 to 63 letters, digits and hyphens");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return refuse("each label of the host must begin and end with a letter or a digit");
    }
    match label.strip_prefix("xn--") {
        Some(encoded) if !punycode::is_name(encoded) => {
            refuse("each xn-- label of the host must be punycode")
        }
        _ => Ok(()),
    }
}

/// Whether some URL readers take a host that ends in this label for a number.
fn reads_as_number(label: &str) -> bool {
    label.starts_with("0x") || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read_v4(host: &str) -> Result<Ipv4Addr, UrlError> {
    host.parse().or(refuse("a numeric host must be four decimal numbers without leading zeros"))
}

fn read_v6(bracketed: &str) -> Result<Ipv6Addr, UrlError> {
    const FORM: &str = "a bracketed host is IPv6 in its shortest form, in hexadecimal";
    let text = bracketed.strip_suffix(']').ok_or(UrlError { rule: FORM })?;
    let address = text.parse().map_err(|_| UrlError { rule: FORM })?;
    if shortest(address) == text { Ok(address) } else { refuse(FORM) }
}

/// The form that URLs print: lower-case groups without leading zeros, the first of the longest
/// runs of zero groups removed, and no dotted IPv4.
fn shortest(address: Ipv6Addr) -> String {
    let groups = address.segments();
    let (mut cut_at, mut cut) = (0, 1);
    for start in 0..groups.len() {
        let zeros = groups[start..].iter().take_while(|&&group| group == 0).count();
        if zeros > cut {
            (cut_at, cut) = (start, zeros);
        }
    }
    if cut < 2 {
        return joined(&groups);
    }
    format!("{}::{}", joined(&groups[..cut_at]), joined(&groups[cut_at + cut..]))
}

fn joined(groups: &[u16]) -> String {
    groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":")
}

const fn refuse<T>(rule: &'static str) -> Result<T, UrlError> {
    Err(UrlError { rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_cuts_the_first_of_the_longest_runs_of_zeros() {
        let rows = [
            ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("1:0:0:0:0:0:0:0", "1::"),
            ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
            ("0:0:0:0:0:ffff:7f00:1", "::ffff:7f00:1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ];
        for (address, text) in rows {
            assert_eq!(shortest(address.parse().unwrap()), text);
        }
    }

    #[test]
    fn names_of_the_inside_are_known_by_their_last_label() {
        for name in ["localhost", "a.localhost", "printer.local", "metadata.google.internal"]
            .into_iter()
            .chain(["nas.lan", "wiki.corp", "router.home", "hr.intranet", "db.private", "a.localdomain"])
            .chain(["hub.home.arpa"])
        {
            assert!(is_inside(name), "{name}");
        }
        for name in ["localhost.example", "local.example", "internal.example", "notlocal.nolocalhost"]
            .into_iter()
            .chain(["lan.example", "corp.example", "home.example", "e164.arpa", "nothome.arpa"])
        {
            assert!(!is_inside(name), "{name}");
        }
    }
}
