//! The house holds: a module imports only floors below its own (ARCHITECTURE.md
//! draws them), and the habits that a compiler does not check are kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod floors;
mod source;
mod surface;

use std::path::Path;

use floors::Place;
use source::Source;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let sources = Source::all_under(&root().join("src"));
    assert!(sources.len() > 20, "found only {} files", sources.len());
    sources
}

/// The lines of library code that hold one of these words; test support is free.
fn lines_with(forbidden: &[&str], applies: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| applies(source)) {
        // A constant is evaluated by the compiler: what fails there never runs.
        let is_constant = |line: &str| line.contains("const ") && !line.contains("const fn ");
        for line in source.code.lines().filter(|line| !is_constant(line)) {
            found.extend(
                forbidden
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("src/{}: {word} in `{}`", source.file, line.trim())),
            );
        }
    }
    found
}

#[test]
fn a_module_imports_only_floors_below_its_own() {
    let violations = floors::violations(&sources());
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn the_floors_of_values_and_decisions_know_no_runtime_clock_randomness_or_socket() {
    let foreign = [
        "tokio",
        "futures",
        "reqwest",
        "rusqlite",
        "getrandom",
        "fastrand",
        "Instant",
        "SystemTime::now",
        "std::thread",
        "std::fs",
        "std::env",
        "TcpStream",
        "ToSocketAddrs",
    ];
    let found =
        lines_with(&foreign, |source| Place::of(&source.module).is_some_and(|place| place.floor <= 2));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_library_path_panics() {
    let words =
        ["panic!", "unreachable!", "todo!", "unimplemented!", ".unwrap()", ".expect(", ".unwrap_err()"];
    let found = lines_with(&words, |source| {
        !matches!(source.module.first().map(String::as_str), Some("testing" | "conformance"))
    });
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn what_cannot_be_rendered_is_told_by_the_field_and_what_must_hold() {
    for source in sources() {
        let text = std::fs::read_to_string(root().join("src").join(&source.file)).unwrap();
        for refusal in text.split("RenderError {").skip(1) {
            let Some(rule) = refusal.trim_start().strip_prefix("rule: \"") else { continue };
            let rule = rule.split('"').next().unwrap();
            assert!(rule.contains(": must "), "src/{}: {rule}", source.file);
        }
    }
}

#[test]
fn no_module_is_named_after_nothing() {
    let empty = [
        "util", "utils", "helper", "helpers", "manager", "managers", "common", "types", "misc", "service",
        "handler", "handlers",
    ];
    let named = |source: &Source| source.module.iter().any(|name| empty.contains(&name.as_str()));
    let found: Vec<_> = sources().into_iter().filter(named).map(|source| source.file).collect();
    assert_eq!(found, [""; 0]);
}

/// ARCHITECTURE.md shows it.
const PICTURE: &str = "docs/life-of-an-event.svg";

/// A page that nothing includes is not compiled, so its examples may be wrong.
#[test]
fn every_page_of_docs_is_compiled_and_listed_in_the_readme() {
    let included: String = sources()
        .iter()
        .map(|source| std::fs::read_to_string(root().join("src").join(&source.file)).unwrap())
        .collect();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let pages = std::fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().file_name());
    let pages: Vec<_> = pages.map(|name| format!("docs/{}", name.to_str().unwrap())).collect();
    assert!(pages.len() > 20, "found only {pages:?}");
    for page in pages {
        assert!(included.contains(&format!("../{page}\"")), "{page} is included nowhere in src/");
        let is_listed = page == PICTURE || readme.contains(&format!("[{page}]"));
        assert!(is_listed, "README.md has no link to {page}");
    }
}

#[test]
fn unsafe_code_is_forbidden_for_the_whole_package() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = manifest.split("[lints.rust]").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(lints.lines().any(|line| line.starts_with("unsafe_code = \"forbid\"")));
}

/// The functions of a numbered list of ARCHITECTURE.md, each as its type and its name.
fn listed(heading: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let list = text.split(heading).nth(1).unwrap().trim_start();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let items = lines.filter_map(|line| line.split_once(". `"));
    let items = items.filter(|(number, _)| number.parse::<usize>().is_ok());
    items
        .map(|(_, item)| {
            let (of, name) = item.split('`').next().unwrap().split_once("::").unwrap();
            (of.to_owned(), name.to_owned())
        })
        .collect()
}

#[test]
fn the_functions_that_an_event_and_an_outcome_go_through_are_few_and_exist() {
    let sources = sources();
    let event = listed("An event, from `publish` to the transport:");
    let outcome = listed("An outcome, from the transport to its settlement:");
    assert!((8..=12).contains(&event.len()), "{event:?}");
    assert!((5..=9).contains(&outcome.len()), "{outcome:?}");
    for (of, name) in event.iter().chain(&outcome) {
        let is_there = |source: &Source| {
            matches!(source.module.first().map(String::as_str), Some("engine" | "webhooks"))
                && source.code.contains(&format!("impl {of} {{"))
                && (source.code.contains(&format!("fn {name}("))
                    || source.code.contains(&format!("fn {name}<")))
        };
        assert!(sources.iter().any(is_there), "no function {of}::{name}");
    }
}

#[test]
fn the_engine_is_at_most_fourteen_files_of_at_most_480_lines() {
    let mut engine = sources();
    engine.retain(|source| source.module.first().is_some_and(|first| first == "engine"));
    assert!((2..=14).contains(&engine.len()), "{} files", engine.len());
    for source in engine {
        assert!(source.lines <= 480, "src/{}: {} lines", source.file, source.lines);
    }
}

/// The number of public types with every feature. Lower it with each type that is merged or
/// made private; `cargo test --test architecture public_types -- --nocapture` lists them.
const PUBLIC_TYPES_MAX: usize = 373;

#[test]
fn there_are_no_more_public_types_than_before() {
    let types: Vec<_> = sources().iter().flat_map(surface::public_types).collect();
    println!("{}\n{} public types", types.join("\n"), types.len());
    assert!(types.len() <= PUBLIC_TYPES_MAX, "{} public types, but at most {PUBLIC_TYPES_MAX}", types.len());
}

#[test]
fn no_two_public_types_have_one_name() {
    let mut seen = std::collections::BTreeSet::new();
    let types = sources().into_iter().flat_map(|source| surface::public_types(&source));
    let name = |path: &str| path.rsplit("::").next().unwrap().to_owned();
    let twice: Vec<_> = types.filter(|path| !path.ends_with('!') && !seen.insert(name(path))).collect();
    assert_eq!(twice, [""; 0]);
}

/// Why the enums and all-public structs of a module, or one of them, are not
/// `#[non_exhaustive]`.
const EXHAUSTIVE: [(&str, &str); 33] = [
    // What crosses a trait: a host's own store, limiter or directory builds and matches it, and
    // must not compile unchanged against something new that it has to store or to obey.
    ("backend::cipher::Sealed", "a host's cipher builds it"),
    ("backend::into_shared", "they have no variant and nobody builds them"),
    ("delivery", "a host's store builds and matches them"),
    ("endpoint", "a host's directory builds and matches them"),
    ("event::Event", "a host's store builds it from its row"),
    ("history", "a host's store builds and matches them"),
    ("id::Generation", "a host's store builds it from its row"),
    ("id::Round", "a host's store builds and matches it"),
    ("policy::failing", "a host's store builds it from its row"),
    ("policy::lane", "a host's store builds them from its rows"),
    ("policy::rate", "a host's limiter builds and matches them"),
    ("policy::timeline", "a host's store builds them from its rows"),
    ("secret", "a host's directory builds and matches them"),
    // What a host gives to the library, or its own envelope, classifier or transport answers.
    ("policy::egress::url::UrlPolicy", "a host sets each part of its own policy"),
    ("policy::egress::url::UrlScheme", "a host's transport must know each scheme"),
    ("policy::egress::url::UrlHost", "a host's transport must know each form of a host"),
    ("policy::outcome", "a host's transport and classifier build and match them"),
    ("policy::retry::Life", "a host that plans retries builds it"),
    ("profile", "a host builds its own profile and envelope of them"),
    ("sign::scheme::Recipe", "a host builds its own scheme of it"),
    ("systems::live_chat::admin", "a host fills in the requests and restores the rows"),
    ("systems::live_chat::payload::license::License", "a host names its own license"),
    ("systems::live_session::admin", "a host fills in the forms"),
    ("systems::live_session::payload", "a sender builds what it publishes"),
    ("systems::x_webhook::admin", "a host fills in the forms"),
    ("systems::x_webhook::payload", "a sender builds what it publishes"),
    ("targets::message", "a host's template builds them"),
    ("testing", "a test sets each part"),
    // What has all the parts that its name promises.
    ("error::Invalid", "a host's own types report with it"),
    ("id::error::IdError", "a host's own ids report with it"),
    ("notice::part::Panicked", "a host's tests build it"),
    ("receive::axum::Webhook", "a handler takes it apart in its arguments"),
    ("receive::dedup::Sighting", "a receiver must deal with each case"),
];

#[test]
fn a_public_type_may_grow_unless_a_reason_is_stated() {
    let all: Vec<_> = sources().iter().flat_map(surface::exhaustive_types).collect();
    let stated = |path: &String, of: &str| path == of || path.starts_with(&format!("{of}::"));
    let unstated: Vec<_> =
        all.iter().filter(|path| !EXHAUSTIVE.iter().any(|(of, _)| stated(path, of))).collect();
    assert!(unstated.is_empty(), "neither #[non_exhaustive] nor a reason: {unstated:#?}");
    let idle: Vec<_> = EXHAUSTIVE.iter().filter(|(of, _)| !all.iter().any(|path| stated(path, of))).collect();
    assert!(idle.is_empty(), "a reason for nothing: {idle:#?}");
}

/// A file is one idea that fits in a head. No rule can say where that ends, so this
/// one only tells: run it with `--nocapture`.
#[test]
fn files_that_have_grown_long_are_told() {
    for source in sources().iter().filter(|source| source.lines > 400) {
        println!("src/{}: {} lines", source.file, source.lines);
    }
}
