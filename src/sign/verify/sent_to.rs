//! The URLs that a request may have been sent to, for schemes that sign it.

/// What is known of the URL that a request was sent to.
#[derive(Debug, Clone, Copy)]
pub(super) enum SentTo<'a> {
    /// The URL that was set in the verifier.
    Set,
    /// The whole URL.
    Url(&'a str),
    /// The request's own query, with the URL that was set in the verifier.
    Query(&'a str),
}

impl SentTo<'_> {
    /// The URLs to try, the most likely first; empty if none is known. `any_form` also tries
    /// each without user and password, and with its port removed or the default port added.
    pub(super) fn urls(self, set: Option<&str>, any_form: bool) -> Vec<String> {
        let mut urls: Vec<String> = match self {
            Self::Set => set.map(str::to_owned).into_iter().collect(),
            Self::Url(url) => vec![url.to_owned()],
            Self::Query(query) => {
                let own = set.map(|set| format!("{}?{query}", without_query(set)));
                own.into_iter().chain(set.map(str::to_owned)).collect()
            }
        };
        if any_form {
            for other in [without_user, with_other_port] {
                let others: Vec<_> = urls.iter().filter_map(|url| other(url)).collect();
                urls.extend(others);
            }
        }
        let mut tried = Vec::with_capacity(urls.len());
        for url in urls {
            if !tried.contains(&url) {
                tried.push(url);
            }
        }
        tried
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// The parts of a URL around its authority.
fn around_authority(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    Some((scheme, authority, after))
}

/// The same URL without its user and password; `None` where it has none.
fn without_user(url: &str) -> Option<String> {
    let (scheme, authority, after) = around_authority(url)?;
    let (_, host) = authority.rsplit_once('@')?;
    Some(format!("{scheme}://{host}{after}"))
}

/// The same URL without its port if it has one, and with the default port if it has none;
/// `None` for a URL that is not http or https.
fn with_other_port(url: &str) -> Option<String> {
    let (scheme, authority, after) = around_authority(url)?;
    let default = match scheme.to_ascii_lowercase().as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let host_start = authority.rfind('@').map_or(0, |at| at + 1);
    let host_end = authority.rfind(']').map_or(host_start, |at| at + 1);
    match authority[host_end..].rfind(':') {
        Some(colon) => Some(format!("{scheme}://{}{after}", &authority[..host_end + colon])),
        None => Some(format!("{scheme}://{authority}:{default}{after}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_may_be_left_out_and_a_default_one_written() {
        for (url, other) in [
            ("https://x.example/hook?a=1", Some("https://x.example:443/hook?a=1")),
            ("https://x.example:443/hook", Some("https://x.example/hook")),
            ("https://x.example:443", Some("https://x.example")),
            ("http://x.example?a", Some("http://x.example:80?a")),
            ("http://x.example:80/", Some("http://x.example/")),
            ("https://u:p@x.example/", Some("https://u:p@x.example:443/")),
            ("https://u:p@x.example:443/", Some("https://u:p@x.example/")),
            ("https://[2001:db8::1]/", Some("https://[2001:db8::1]:443/")),
            ("https://[2001:db8::1]:443/", Some("https://[2001:db8::1]/")),
            ("https://x.example:80/", Some("https://x.example/")),
            ("https://x.example:8443/", Some("https://x.example/")),
            ("ftp://x.example/", None),
            ("x", None),
        ] {
            assert_eq!(with_other_port(url).as_deref(), other, "{url}");
        }
    }

    #[test]
    fn a_user_is_left_out_and_an_at_sign_of_a_path_is_not_one() {
        for (url, other) in [
            ("https://u:p@x.example/hook", Some("https://x.example/hook")),
            ("https://u@x@x.example:443?a=b@c", Some("https://x.example:443?a=b@c")),
            ("https://x.example/@ada", None),
            ("x", None),
        ] {
            assert_eq!(without_user(url).as_deref(), other, "{url}");
        }
        let urls = SentTo::Url("https://u:p@x.example/").urls(None, true);
        assert!(urls.contains(&"https://x.example/".to_owned()));
        assert!(urls.contains(&"https://x.example:443/".to_owned()));
    }

    #[test]
    fn a_requests_own_query_takes_the_place_of_the_one_that_was_set() {
        let set = Some("https://x.example/hook?a=1");
        let urls = |sent: SentTo<'_>, any_form| sent.urls(set, any_form);
        assert_eq!(urls(SentTo::Set, false), ["https://x.example/hook?a=1"]);
        assert_eq!(
            urls(SentTo::Query("b=2"), false),
            ["https://x.example/hook?b=2", "https://x.example/hook?a=1"]
        );
        assert_eq!(urls(SentTo::Query("a=1"), false), ["https://x.example/hook?a=1"]);
        assert_eq!(
            urls(SentTo::Query("a=1"), true),
            ["https://x.example/hook?a=1", "https://x.example:443/hook?a=1"]
        );
        assert!(SentTo::Query("a=1").urls(None, true).is_empty());
        assert_eq!(SentTo::Url("https://y.example/").urls(set, false), ["https://y.example/"]);
    }
}
