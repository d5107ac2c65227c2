//! What the libraries of Svix and of Standard Webhooks take is taken here too: secrets without
//! their prefix, and Svix's requests without its brand.

use hookpost::sign::{Proof, Recipe, Schemes, Signer};
use hookpost::{Profile, Scheme, SecretSet, Verifier, VerifyError};
use http::{HeaderMap, HeaderName};

use super::cases::{BY_FIRST, NOW, secret};

const BARE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn whsec() -> String {
    format!("whsec_{BARE}")
}

fn signed(scheme: &Scheme, text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let signer = Signer::new(scheme, &SecretSet::of(secret(text))).unwrap();
    signer.sign(&"msg-1".parse().unwrap(), NOW, b"{}", &mut headers).unwrap();
    headers
}

fn verdict(scheme: &Scheme, text: &str, headers: &HeaderMap) -> Result<Proof, VerifyError> {
    let verifier = Verifier::new(scheme, [secret(text)]).unwrap();
    verifier.verify(headers, b"{}", NOW).map(|verified| verified.proof())
}

/// The same headers under the names of another family.
fn renamed(headers: &HeaderMap, from: &str, to: &str, only: &[&str]) -> HeaderMap {
    let rename = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let is_meant = only.is_empty() || only.iter().any(|part| name.as_str().ends_with(part));
        let new = if is_meant { name.as_str().replace(from, to) } else { name.to_string() };
        (new.parse::<HeaderName>().unwrap(), value.clone())
    };
    headers.iter().map(rename).collect()
}

#[test]
fn a_secret_means_the_same_with_and_without_its_prefix_on_both_sides() {
    for scheme in [Scheme::standard(), Scheme::svix()] {
        for (signing, verifying) in [(&*whsec(), BARE), (BARE, &*whsec()), (BARE, BARE)] {
            assert_eq!(verdict(&scheme, verifying, &signed(&scheme, signing)), BY_FIRST);
        }
    }
}

#[test]
fn a_secret_without_its_prefix_is_a_text_where_a_scheme_takes_any_text() {
    let both = Schemes::new([Scheme::x_webhook(), Scheme::standard()]).unwrap();
    let next = both.rotated(SecretSet::of(secret(BARE)), secret(whsec()), NOW);
    assert_eq!(next.current.len(), 2, "each belongs to a scheme of its own");

    // Where no scheme takes any text it is what its prefix would make of it, and is replaced.
    let alone = Profile::standard().schemes;
    let next = alone.rotated(SecretSet::of(secret(BARE)), secret(whsec()), NOW);
    assert_eq!(next.current.len(), 1);
}

#[test]
fn svix_is_taken_under_the_header_names_that_it_writes_without_its_brand() {
    let (svix, branded) = (Scheme::svix(), signed(&Scheme::svix(), &whsec()));
    let unbranded = renamed(&branded, "svix-", "webhook-", &[]);
    assert_eq!(verdict(&svix, &whsec(), &branded), BY_FIRST);
    assert_eq!(verdict(&svix, &whsec(), &unbranded), BY_FIRST);
    let forged = signed(&Scheme::standard(), "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    assert_eq!(verdict(&svix, &whsec(), &forged), Err(VerifyError::Mismatch));
    let none = verdict(&svix, &whsec(), &HeaderMap::new());
    assert_eq!(none, Err(VerifyError::Missing { header: HeaderName::from_static("svix-id") }));
}

#[test]
fn headers_of_two_families_are_never_taken_together() {
    let branded = signed(&Scheme::svix(), &whsec());
    for own in [&["id"][..], &["timestamp"], &["signature"], &["id", "signature"]] {
        let mixed = renamed(&branded, "svix-", "webhook-", own);
        let found = verdict(&Scheme::svix(), &whsec(), &mixed);
        assert!(matches!(found, Err(VerifyError::Missing { .. })), "{own:?}: {found:?}");
    }
    let mut both = renamed(&branded, "svix-", "webhook-", &[]);
    both.insert("svix-id", "msg-2".parse().unwrap());
    let found = verdict(&Scheme::svix(), &whsec(), &both);
    assert!(matches!(found, Err(VerifyError::Missing { .. })), "{found:?}");
}

#[test]
fn only_svix_itself_has_another_family() {
    let unbranded = renamed(&signed(&Scheme::svix(), &whsec()), "svix-", "webhook-", &[]);
    let branded = renamed(&signed(&Scheme::standard(), &whsec()), "webhook-", "svix-", &[]);
    assert!(matches!(verdict(&Scheme::standard(), &whsec(), &branded), Err(VerifyError::Missing { .. })));
    let header = HeaderName::from_static("acme-signature");
    let own = Scheme::new(Recipe { header, ..Scheme::svix().recipe().clone() }).unwrap();
    assert!(matches!(verdict(&own, &whsec(), &unbranded), Err(VerifyError::Missing { .. })));
}
