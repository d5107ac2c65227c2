//! The URLs that a request may have been sent to, for schemes that sign it.

/// What is known of where a request was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum SentTo<'a> {
    /// Where all requests go, as the verifier was told.
    Set,
    /// The whole URL.
    Url(&'a str),
    /// The request's own query, at the place that the verifier was told.
    Query(&'a str),
}

impl SentTo<'_> {
    /// The URLs to try, the likeliest first; none where none is known. `any_port` also tries
    /// the scheme's default port written out, or left out.
    pub(super) fn urls(self, set: Option<&str>, any_port: bool) -> Vec<String> {
        let mut urls: Vec<String> = match self {
            Self::Set => set.map(str::to_owned).into_iter().collect(),
            Self::Url(url) => vec![url.to_owned()],
            Self::Query(query) => {
                let own = set.map(|set| format!("{}?{query}", without_query(set)));
                own.into_iter().chain(set.map(str::to_owned)).collect()
            }
        };
        if any_port {
            let others: Vec<_> = urls.iter().filter_map(|url| with_other_port(url)).collect();
            urls.extend(others);
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

/// The same URL with its default port left out where it is written, and written where it is
/// not; `None` where another port stands, or no http URL.
fn with_other_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme.to_ascii_lowercase().as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[host_end..].rfind(':') {
        Some(colon) if &authority[host_end + colon + 1..] == port => {
            Some(format!("{scheme}://{}{after}", &authority[..host_end + colon]))
        }
        Some(_) => None,
        None => Some(format!("{scheme}://{authority}:{port}{after}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_port_may_be_written_or_left_out() {
        for (url, other) in [
            ("https://x.example/hook?a=1", Some("https://x.example:443/hook?a=1")),
            ("https://x.example:443/hook", Some("https://x.example/hook")),
            ("https://x.example:443", Some("https://x.example")),
            ("http://x.example?a", Some("http://x.example:80?a")),
            ("http://x.example:80/", Some("http://x.example/")),
            ("https://u:p@x.example/", None),
            ("https://[2001:db8::1]/", Some("https://[2001:db8::1]:443/")),
            ("https://[2001:db8::1]:443/", Some("https://[2001:db8::1]/")),
            ("https://x.example:80/", None),
            ("http://x.example:443/", None),
            ("https://x.example:8443/", None),
            ("ftp://x.example/", None),
            ("x", None),
        ] {
            assert_eq!(with_other_port(url).as_deref(), other, "{url}");
        }
    }

    #[test]
    fn a_requests_own_query_takes_the_place_of_the_one_that_was_set() {
        let set = Some("https://x.example/hook?a=1");
        let urls = |sent: SentTo<'_>, any_port| sent.urls(set, any_port);
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
