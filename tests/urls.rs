//! The grammar of endpoint URLs, as written down in the fixture, and as the client's
//! own reader of URLs sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hookpost::policy::egress::{AddressPolicy, EndpointUrl, URL_LENGTH_MAX, UrlHost, UrlPolicy, UrlScheme};
use proptest::prelude::*;
use serde::Deserialize;

const FORMS: &str = include_str!("fixtures/url_forms.jsonl");

#[derive(Deserialize)]
struct Form {
    url: String,
    policy: String,
    verdict: String,
    normalized: Option<String>,
    why: String,
}

impl Form {
    fn policy(&self) -> UrlPolicy {
        match self.policy.as_str() {
            "http" => UrlPolicy::http_and_https(),
            "https" => UrlPolicy::https_only(),
            other => panic!("unknown policy {other}"),
        }
    }
}

fn forms(verdict: &str) -> Vec<Form> {
    FORMS
        .lines()
        .map(|line| serde_json::from_str::<Form>(line).unwrap())
        .filter(|form| form.verdict == verdict)
        .collect()
}

/// What registration does with a URL.
fn register(text: &str, policy: UrlPolicy) -> Result<EndpointUrl, String> {
    let url = EndpointUrl::parse(text, &policy).map_err(|error| error.to_string())?;
    url.judge_literal(&AddressPolicy::public_only()).map_err(|error| error.to_string())?;
    Ok(url)
}

#[test]
fn fa9_every_accepted_form_of_the_fixture_is_registered_in_its_normal_form() {
    let accepted = forms("accept");
    assert_eq!(accepted.len(), 12);
    for form in accepted {
        let url = register(&form.url, form.policy()).unwrap_or_else(|error| panic!("{}: {error}", form.url));
        assert_eq!(Some(url.expose()), form.normalized.as_deref(), "{}", form.url);
        assert_eq!(EndpointUrl::parse(url.expose(), &form.policy()), Ok(url.clone()), "reading its own form");
        assert_eq!(EndpointUrl::from_stored(url.expose()), Ok(url), "reading it back from a store");
    }
}

#[test]
fn fa9_every_refused_form_of_the_fixture_is_refused_by_the_grammar() {
    let refused = forms("refuse");
    assert_eq!(refused.len(), 102);
    for form in refused {
        assert!(EndpointUrl::parse(&form.url, &form.policy()).is_err(), "{:?}: {}", form.url, form.why);
    }
}

#[test]
fn fb16_every_inside_host_of_the_fixture_is_well_formed_and_refused_at_registration() {
    let inside = forms("refuse-address");
    assert_eq!(inside.len(), 24);
    for form in inside {
        let url = EndpointUrl::from_stored(&form.url).unwrap_or_else(|error| panic!("{}: {error}", form.url));
        assert!(register(&form.url, form.policy()).is_err(), "{}: {}", form.url, form.why);
        if url.host_kind() != UrlHost::Name(url.host().clone()) {
            assert!(EndpointUrl::parse(&form.url, &form.policy()).is_ok(), "the address is what is wrong");
            assert!(url.judge_literal(&AddressPolicy::public_only()).is_err(), "{}", form.url);
        }
    }
}

#[test]
fn a_refused_form_is_refused_when_it_comes_from_a_store_too() {
    // The grammar knows no policy: what only a policy refuses is judged before the request.
    let by_policy = [
        "http://example.com/",
        "HtTp://example.com/",
        "https://localhost/",
        "https://db/",
        "https://example/",
        "https://metadata/",
    ];
    for form in forms("refuse") {
        let stored = EndpointUrl::from_stored(&form.url);
        assert_eq!(stored.is_ok(), by_policy.contains(&form.url.as_str()), "{:?}", form.url);
        if let Ok(url) = stored {
            assert!(url.judge(&form.policy()).is_err(), "{:?}", form.url);
        }
    }
}

#[test]
fn http_is_refused_where_the_policy_says_https() {
    for text in ["http://example.com/", "HTTP://example.com/", "http://8.8.8.8/"] {
        assert!(EndpointUrl::parse(text, &UrlPolicy::https_only()).is_err(), "{text}");
        let url = EndpointUrl::parse(text, &UrlPolicy::http_and_https()).unwrap();
        assert_eq!((url.scheme(), url.port()), (UrlScheme::Http, 80));
    }
}

#[test]
fn ports_are_those_of_the_web_and_the_high_ones() {
    for port in [443, 1024, 8443, 65535] {
        let text = format!("https://example.com:{port}/");
        assert_eq!(EndpointUrl::parse(&text, &UrlPolicy::https_only()).unwrap().port(), port);
    }
    for port in [1, 22, 25, 80, 442, 444, 1023] {
        let text = format!("https://example.com:{port}/");
        assert!(EndpointUrl::parse(&text, &UrlPolicy::http_and_https()).is_err(), "{text}");
        let local = UrlPolicy::http_and_https().danger_allow_local();
        assert_eq!(EndpointUrl::parse(&text, &local).unwrap().port(), port);
    }
    assert!(EndpointUrl::parse("http://example.com:443/", &UrlPolicy::http_and_https()).is_ok());
}

#[test]
fn names_of_the_inside_need_the_dangerous_switch() {
    for host in ["localhost", "a.localhost", "printer.local", "db.internal", "LOCALHOST", "db"] {
        let text = format!("http://{host}:9/");
        assert!(EndpointUrl::parse(&text, &UrlPolicy::http_and_https()).is_err(), "{text}");
        assert!(
            EndpointUrl::parse(&text, &UrlPolicy::http_and_https().danger_allow_local()).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn a_urls_normal_form_has_no_more_than_8000_characters() {
    // Where no path is given, the normal form has a slash more; a default port it drops.
    for (origin, normal_origin) in [
        ("https://example.com/", "https://example.com/"),
        ("https://example.com?", "https://example.com/?"),
        ("https://example.com:443?", "https://example.com/?"),
        ("http://example.com:80/", "http://example.com/"),
        ("HTTPS://EXAMPLE.com:8443?", "https://example.com:8443/?"),
    ] {
        let of_length = |length: usize| format!("{origin}{:a<1$}", "", length - normal_origin.len());
        let longest = EndpointUrl::from_stored(&of_length(URL_LENGTH_MAX)).unwrap();
        assert_eq!(longest.expose().len(), 8000, "{origin}");
        assert_eq!(EndpointUrl::from_stored(longest.expose()), Ok(longest), "{origin}");
        assert!(EndpointUrl::from_stored(&of_length(URL_LENGTH_MAX + 1)).is_err(), "{origin}");
    }
}

#[test]
fn neither_the_error_nor_the_debug_form_tells_the_url() {
    let url = EndpointUrl::from_stored("https://example.com/canary-path?canary-query").unwrap();
    assert_eq!(format!("{url:?}"), "EndpointUrl(https://example.com/…)");
    for form in forms("refuse") {
        let text = format!("{} canary-4711", form.url);
        let error = EndpointUrl::from_stored(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

/// A URL by the client's reader, if it prints it unchanged.
fn unchanged(url: &EndpointUrl) -> bool {
    url::Url::parse(url.expose()).is_ok_and(|read| read.as_str() == url.expose())
}

#[test]
fn every_character_that_passes_is_one_that_the_client_sends_unchanged() {
    for byte in 0..=u8::MAX {
        let character = char::from(byte);
        for text in [
            format!("https://example.com/a{character}b"),
            format!("https://example.com/?a{character}b"),
            format!("https://ex{character}ample.com/"),
            format!("https://example.com{character}/"),
            format!("https{character}://example.com/"),
            format!("https:{character}//example.com/"),
            format!("https://example.com:{character}8443/"),
        ] {
            if let Ok(url) = EndpointUrl::from_stored(&text) {
                assert!(unchanged(&url), "{text}");
                assert!(url.expose().parse::<http::Uri>().is_ok(), "{text}");
            }
        }
    }
}

#[test]
fn dot_segments_are_refused_in_every_spelling_that_the_client_resolves() {
    for segment in
        ["", ".", "..", "...", "%2e", "%2E%2e", ".%2E", "%2e.", "%2e%2e%2e", "a.", ".a", "%2ea", "%252e"]
    {
        for text in [
            format!("https://example.com/{segment}"),
            format!("https://example.com/a/{segment}/b"),
            format!("https://example.com/{segment}?q"),
        ] {
            let read = url::Url::parse(&text).unwrap();
            assert_eq!(EndpointUrl::from_stored(&text).is_ok(), read.as_str() == text, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn what_the_grammar_accepts_the_client_reads_as_the_same_text(
        text in "(https?|HTTPS?|ftp)(://|:/|:)\
                 ([a-z0-9.:-]{1,12}|[a-zA-Z0-9-]{1,8}\\.[a-z0-9]{1,5}|\\[[0-9a-f:.]{2,20}\\]|[0-9x.]{1,15})\
                 (:[0-9]{0,6})?([/?][!-~]{0,20})?"
    ) {
        if let Ok(url) = EndpointUrl::from_stored(&text) {
            prop_assert!(url.host().as_str().contains("xn--") || unchanged(&url), "{}", text);
            prop_assert_eq!(EndpointUrl::from_stored(url.expose()), Ok(url));
        }
    }

    #[test]
    fn an_address_is_accepted_in_the_one_form_that_the_client_prints(bits in any::<u128>(), zeros in any::<u8>()) {
        // Whole groups of zeros are what the forms differ in.
        let kept = (0..8).filter(|group| zeros & (1 << group) == 0).fold(0, |mask, group| mask | 0xffff << (16 * group));
        let address = std::net::Ipv6Addr::from_bits(bits & kept);
        let canonical = url::Host::<String>::Ipv6(address).to_string();
        let url = EndpointUrl::from_stored(&format!("https://{canonical}/")).unwrap();
        prop_assert_eq!(url.host_kind(), UrlHost::V6(address));
        prop_assert!(unchanged(&url));
        let other = address.segments().map(|group| format!("{group:04x}")).join(":");
        prop_assert_eq!(EndpointUrl::from_stored(&format!("https://[{other}]/")).is_ok(), format!("[{other}]") == canonical);
    }

    #[test]
    fn a_stored_text_of_any_kind_is_read_without_a_panic(text in any::<String>()) {
        prop_assert!(EndpointUrl::from_stored(&text).is_err() || text.contains("://"));
    }
}
