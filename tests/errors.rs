//! What an error says: each text once in a report of all its causes, what must hold, and
//! what would help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sqlite_file;
mod world;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hookpost::backend::{CipherError, Directory, EntropyError, ResolveError};
use hookpost::endpoint::{EndpointPage, Loaded, NotSendable, Unreadable, WhyUnreadable};
use hookpost::error::{StoreError, StoreErrorKind};
use hookpost::id::{EndpointId, IdError, TenantId};
use hookpost::notice::{Panicked, Part};
use hookpost::policy::egress::{EndpointUrl, UrlError, UrlPolicy};
use hookpost::receive::{Cause, Refused};
use hookpost::sign::SignError;
use hookpost::stores::memory::MemoryStore;
use hookpost::stores::sqlite::{PublishInError, SqliteStore};
use hookpost::systems::live_chat::admin::ApiError;
use hookpost::systems::settings::AdminError;
use hookpost::testing::{ScriptedTransport, SenderError, VirtualClock};
use hookpost::transports::TransportError;
use hookpost::webhooks::{ConfigError, TestError};
use hookpost::{
    EndpointError, EventError, NewEndpoint, Profile, PublishError, RegisterError, SecretError, Subscription,
    SubscriptionError, VerifyError, Webhooks,
};
use rusqlite::Connection;
use sqlite_file::{Fixed, TempFile};
use world::{START, World, acme, id};

/// The errors that were looked at, by the names of their types.
#[derive(Default)]
struct Looked(BTreeSet<&'static str>);

impl Looked {
    /// Looks at one error of each kind of a type.
    fn at<E: Error + 'static>(&mut self, errors: impl IntoIterator<Item = E>) {
        self.0.insert(std::any::type_name::<E>().rsplit("::").next().unwrap());
        for error in errors {
            let (mut texts, mut cause) = (vec![error.to_string()], error.source());
            while let Some(error) = cause {
                texts.push(error.to_string());
                // How SQLite's errors repeat each other is none of this crate's.
                cause = error.source().filter(|_| !error.is::<rusqlite::Error>());
            }
            for (at, text) in texts.iter().enumerate() {
                let repeats =
                    texts[at + 1..].iter().any(|other| text.contains(other) || other.contains(text));
                assert!(!repeats, "{} says twice what is wrong: {texts:#?}", std::any::type_name::<E>());
            }
        }
    }
}

fn url_error() -> UrlError {
    EndpointUrl::parse("http://h.example/", &UrlPolicy::https_only()).unwrap_err()
}

fn id_error() -> IdError {
    TenantId::new("").unwrap_err()
}

fn unreadable() -> Unreadable {
    let (field, why) = ("url", WhyUnreadable::Broken);
    Unreadable { id: id("e"), tenant: Some(acme()), field, why, host: None }
}

fn subscription_error() -> SubscriptionError {
    Subscription::to(["order*"]).unwrap_err()
}

fn endpoint_errors() -> [EndpointError; 4] {
    [id_error().into(), url_error().into(), SecretError::Prefix.into(), subscription_error().into()]
}

fn not_sendable() -> [NotSendable; 5] {
    let (field, rule) = ("payload", "must be one JSON value in UTF-8");
    [
        NotSendable::Blocked(url_error()),
        NotSendable::Secret(SecretError::Prefix),
        NotSendable::Unreadable(unreadable()),
        NotSendable::NoSecret,
        NotSendable::Unrenderable { field, rule },
    ]
}

fn register_errors() -> Vec<RegisterError> {
    let mut errors: Vec<RegisterError> = endpoint_errors().map(RegisterError::from).into();
    errors.extend(store_errors().into_iter().map(RegisterError::from));
    errors.extend([
        RegisterError::Unreadable(unreadable()),
        EntropyError.into(),
        Panicked { part: Part::Envelope }.into(),
    ]);
    errors
}

/// Those of a host's own store, and those that hookpost makes.
fn store_errors() -> Vec<StoreError> {
    let own = StoreError::new(StoreErrorKind::Unavailable, "the table cannot be read")
        .with_source("no route to host");
    let mut errors = vec![own, unreadable().into()];
    errors.extend(endpoint_errors().map(StoreError::from));
    errors.extend(files_that_cannot_be_opened());
    errors
}

fn files_that_cannot_be_opened() -> Vec<StoreError> {
    let file = TempFile::new();
    let open = |path: &Path| SqliteStore::builder(path).clock(Fixed::at(START)).open().unwrap_err();
    let other = file.directory().join("other.db");
    fs::write(&other, "This is a letter, and by no means a database of any kind. ".repeat(20)).unwrap();
    let newer = file.path();
    drop(SqliteStore::builder(&newer).clock(Fixed::at(START)).open().unwrap());
    Connection::open(&newer).unwrap().execute("UPDATE hookpost_schema SET version = 9", []).unwrap();
    let missing = file.directory().join("missing").join("x.db");
    [Path::new(":memory:"), Path::new(""), &missing, file.directory(), &other, &newer].map(open).into()
}

#[test]
fn no_error_says_what_its_cause_says() {
    let mut looked = Looked::default();
    looked.at(endpoint_errors());
    looked.at(store_errors());
    looked.at(register_errors());
    looked.at([EventError::from(id_error())]);
    let events = || EventError::from(id_error());
    looked.at([PublishError::from(events()), EntropyError.into()]);
    looked.at(store_errors().into_iter().map(PublishError::from));
    looked.at([PublishInError::from(events())]);
    looked.at(store_errors().into_iter().map(PublishInError::from));
    looked.at([TestError::from(events()), EntropyError.into(), Panicked { part: Part::Envelope }.into()]);
    looked.at(store_errors().into_iter().map(TestError::from));
    looked.at(not_sendable());
    looked.at(not_sendable().map(TestError::from));
    looked.at(register_errors().into_iter().map(AdminError::from));
    looked.at([AdminError::Test(TestError::NotFound)]);
    looked.at(store_errors().into_iter().map(AdminError::from));
    looked.at(register_errors().into_iter().map(ApiError::from));
    looked.at(store_errors().into_iter().map(ApiError::from));
    looked.at([unreadable()]);
    looked.at([Refused::from(VerifyError::Mismatch), Refused::NotVerified]);
    let words = ["missing field `order` at line 1 column 2", "no"].map(|words| Refused::Unwanted {
        status: http::StatusCode::UNPROCESSABLE_ENTITY,
        cause: Cause::new(words),
    });
    looked.at(words);
    looked.at([CipherError::UnknownKey("k".to_owned()), CipherError::Unreachable("refused".into())]);
    looked.at([ResolveError::NoAddress, ResolveError::Failed("temporary failure".into())]);
    looked
        .at([TransportError::Client("no memory".into()), TransportError::NoTrustRoots("none found".into())]);
    looked.at([SenderError::from(SignError::NoUrl)]);

    let with_causes = errors_with_causes();
    assert!(with_causes.len() > 10, "{with_causes:?}");
    let missing: Vec<_> = with_causes.iter().filter(|name| !looked.0.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "these types have causes, and this test does not look at them: {missing:?}");
}

/// The public error types in which another error can stand.
fn errors_with_causes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for item in text.split("Error for ").skip(1).filter(|item| item.contains("fn source(")) {
            found.insert(item.split([' ', '<']).next().unwrap().to_owned());
        }
        for item in text.split("thiserror::Error").skip(1) {
            let item = &item[..item.find("\n}").unwrap_or(item.len())];
            let Some((_, named)) = item.split_once("\npub ") else { continue };
            let mut words = named.split(|character: char| !character.is_alphanumeric());
            let name = words.nth(1).unwrap();
            if ["#[from]", "#[source]", "transparent"].iter().any(|word| item.contains(word)) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// The texts of the files under a directory.
fn sources(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let texts = |path: std::path::PathBuf| {
        if path.is_dir() { sources(&path) } else { vec![fs::read_to_string(&path).unwrap()] }
    };
    entries.flat_map(texts).collect()
}

/// Errors about a field that state a fact, because no rule was broken or because the fact is
/// what helps.
const STATE_A_FACT: [&str; 7] = [
    "body: was verified, and rejected with ",
    "forbidden: asks for ",
    "header {header}: is missing",
    "id or idempotency key: was used for another content, by event ",
    "id: is taken",
    "profile: {profile} is not known; known are ",
    "request: was verified by nothing: put a VerifyLayer in front of the handler, or let it take a Webhook",
];

#[test]
fn an_error_that_names_a_field_says_what_must_hold() {
    let mut stated = BTreeSet::new();
    for text in error_texts() {
        let Some((field, rule)) = text.split_once(": ") else { continue };
        let names_a_field = !field.starts_with("the ") && field.split(' ').count() <= 4;
        // What is only put together of values has its words elsewhere.
        let is_of_values = rule.starts_with('{') && !rule.contains(' ') || rule.ends_with("{why}");
        if !names_a_field || is_of_values || rule.contains("must ") {
            continue;
        }
        let known = STATE_A_FACT.into_iter().find(|fact| text.starts_with(fact));
        stated.insert(known.unwrap_or_else(|| panic!("{text:?} does not say what must hold")));
    }
    assert_eq!(stated, STATE_A_FACT.into());
}

/// The texts of the errors, as their attributes have them.
fn error_texts() -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for attribute in source.split("#[error(").skip(1) {
            let Some(text) = attribute.trim_start().strip_prefix('"') else { continue };
            found.push(text[..text.find('"').unwrap()].to_owned());
        }
    }
    found
}

#[test]
fn a_cause_that_an_error_tells_of_itself_is_there_as_a_value() {
    let error = StoreError::from(unreadable());
    assert!(error.source().is_none() && error.to_string() == unreadable().to_string());
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&unreadable()));
    for cause in endpoint_errors() {
        let error = StoreError::from(cause.clone());
        assert_eq!(error.to_string(), format!("endpoint: {cause}"));
        assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&cause));
    }
    // What is behind the cause that is told is not lost.
    let behind = StoreError::new(StoreErrorKind::Other, "the table cannot be read").with_source("no route");
    let error = StoreError::new(StoreErrorKind::Other, "the table cannot be read").with_told_source(behind);
    assert_eq!(error.source().unwrap().to_string(), "no route");
    let own = StoreError::new(StoreErrorKind::Other, "the table cannot be read").with_source("no route");
    assert_eq!(own.get_ref().unwrap().to_string(), own.source().unwrap().to_string());
}

#[tokio::test]
async fn a_store_that_failed_is_told_of_in_its_own_words() {
    let said = "the table cannot be read";
    let failed = || StoreError::new(StoreErrorKind::Unavailable, said).with_source("no route to host");
    let errors: [Box<dyn Error>; 4] = [
        Box::new(PublishError::from(failed())),
        Box::new(RegisterError::from(failed())),
        Box::new(TestError::from(failed())),
        Box::new(AdminError::from(failed())),
    ];
    for error in errors {
        assert_eq!(error.to_string(), said);
        assert_eq!(error.source().unwrap().to_string(), "no route to host");
    }
}

/// A directory that panics.
struct Panicking;

#[hookpost::async_trait]
impl Directory for Panicking {
    async fn subscribers(
        &self,
        _: &hookpost::delivery::EventMeta,
        _: Option<&EndpointId>,
        _: usize,
    ) -> Result<EndpointPage, StoreError> {
        panic!("a panic that the test wants")
    }

    async fn load(&self, _: &[EndpointId]) -> Result<Vec<Loaded>, StoreError> {
        panic!("a panic that the test wants")
    }

    async fn disable(&self, _: &hookpost::Endpoint, _: &str) -> Result<bool, StoreError> {
        panic!("a panic that the test wants")
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_that_panicked_is_named_once() {
    let world = World::with(|builder| builder.directory(Arc::new(Panicking)));
    let error = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::InDoubt);
    assert_eq!(error.source().unwrap().to_string(), "the directory panicked");
    Looked::default().at([error]);
}

#[test]
fn a_file_that_cannot_be_opened_is_named_with_what_would_help() {
    let file = TempFile::new();
    let said =
        |path: &Path| SqliteStore::builder(path).clock(Fixed::at(START)).open().unwrap_err().to_string();
    let missing = file.directory().join("missing").join("hooks.db");
    assert_eq!(
        said(&missing),
        format!("SQLite, opening \"{}\": its directory must exist", missing.display())
    );
    for name in [":memory:", ""] {
        let text = said(Path::new(name));
        assert!(text.starts_with(&format!("SQLite, opening {name:?}: must be the path of a file")), "{text}");
        assert!(text.contains("stores::memory::MemoryStore"), "{text}");
    }
    for error in files_that_cannot_be_opened() {
        assert!(error.to_string().starts_with("SQLite, opening \""), "{error}");
    }
}

/// Each connection to such a path has a database of its own, which ends with it.
#[test]
fn a_path_without_a_file_is_refused_with_every_journal() {
    for name in [":memory:", ""] {
        let builder = SqliteStore::builder(name).clock(Fixed::at(START)).rollback_journal();
        assert_eq!(builder.open().unwrap_err().kind(), StoreErrorKind::Invalid, "{name:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_whose_name_was_mistyped_is_suggested() {
    let world = World::new();
    for (name, suggested) in [
        ("standart", "; did you mean standard?"),
        ("livesession", "; did you mean live_session?"),
        ("slak", "; did you mean slack? slack comes with hookpost: Builder::profile(Profile::slack())"),
        ("discord", "; discord comes with hookpost: Builder::profile(Profile::discord())"),
    ] {
        let new = NewEndpoint::new("acme", "https://shop.example/", name).unwrap();
        let error = world.webhooks.register(new).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("profile: {name} is not known; known are live_chat, ")),
            "{error}"
        );
        assert!(error.ends_with(suggested), "{error}");
    }
    let new = NewEndpoint::new("acme", "https://shop.example/", "stripe").unwrap();
    let error = world.webhooks.register(new).await.unwrap_err().to_string();
    assert!(error.ends_with("x_webhook"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_the_lease_does_not_cover_says_how_long_the_lease_is() {
    let slow = hookpost::Overrides::none().timeout(Duration::from_secs(60)).unwrap();
    for (lease, said) in [
        (30, "at most 19s, since the builder's lease of 30s"),
        (40, "at most 29s, since the builder's lease of 40s"),
    ] {
        let world = World::with(|builder| builder.lease(Duration::from_secs(lease)));
        let error = world
            .webhooks
            .register(world::endpoint("e", "standard").overrides(slow.clone()))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(said) && error.to_string().ends_with("Builder::lease"), "{error}");
    }
}

#[test]
fn a_lease_that_is_too_short_for_the_profile_that_is_always_known_is_one_problem() {
    let build = |lease, profile: Option<Profile>| -> ConfigError {
        let clock = Arc::new(VirtualClock::starting_at(START));
        let transport = Arc::new(ScriptedTransport::new(clock.clone()));
        let builder = Webhooks::builder(Arc::new(MemoryStore::with_clock(clock)), transport);
        let builder = builder.lease(Duration::from_secs(lease)).poll(Duration::from_secs(1));
        profile.into_iter().fold(builder, hookpost::webhooks::Builder::profile).build().unwrap_err()
    };
    let error = build(5, None);
    assert_eq!(error.problems().len(), 1, "{error}");
    assert!(error.to_string().starts_with("lease: must be at least 26s: the profile standard"), "{error}");

    let own = Profile { timeout: Duration::from_secs(25), ..Profile::standard() };
    let error = build(30, Some(own.clone()));
    assert_eq!(error.problems()[0].field, "profile standard.timeout");
    assert!(error.to_string().ends_with("at most 19s, or a lease of at least 36s"), "{error}");
    assert_eq!(build(5, Some(own)).problems().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_ends_in_a_dot_is_refused_for_its_dot() {
    let world = World::new();
    for host in ["example.com.", "a.example.com.", "192.0.2.1.", "xn--bcher-kva.example."] {
        let new = NewEndpoint::new("acme", format!("https://{host}/"), "x_webhook").unwrap();
        let error = world.webhooks.register(new).await.unwrap_err();
        assert_eq!(error.to_string(), "url: host must not end with a dot", "{host}");
    }
}

#[test]
fn a_wrong_secret_says_what_must_hold() {
    for error in [
        SecretError::Missing,
        SecretError::Blank,
        SecretError::TooLong,
        SecretError::Prefix,
        SecretError::Encoding,
        SecretError::Padding,
        SecretError::WhiteSpace,
        SecretError::Hexadecimal,
        SecretError::Zero,
        SecretError::Point,
        SecretError::Pair,
        SecretError::Length { bytes: 3, min: 24, max: 64 },
    ] {
        let text = error.to_string();
        assert!(text.starts_with("secret: ") && text.contains(" must "), "{text}");
    }
    let prefix = SecretError::Prefix.to_string();
    assert!(prefix.contains("whsec_ in standard"), "{prefix}");
}

#[test]
fn an_event_by_sql_says_which_keys_there_are_and_how_a_payload_is_written() {
    let file = TempFile::new();
    drop(SqliteStore::builder(file.path()).clock(Fixed::at(START)).open().unwrap());
    let host = Connection::open(file.path()).unwrap();
    for (event, said) in [
        (
            r#"{"tennant":"acme","type":"t","payload":"{}"}"#,
            "key tennant: is unknown; known are id, tenant, type, ",
        ),
        (
            r#"{"tenant":"acme","type":"t","payload":{"order":7}}"#,
            "key payload: must be a text: a JSON string",
        ),
        ("order", "event must be the text of one JSON object"),
    ] {
        let error = host.execute("INSERT INTO hookpost_publish(event) VALUES (?1)", [event]).unwrap_err();
        assert!(error.to_string().contains(&format!("hookpost: {said}")), "{event}: {error}");
    }
}
