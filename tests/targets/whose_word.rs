//! Whose word an answer is, and what it is about: a fault of the message fails the message,
//! a fault of the destination waits and counts against the endpoint, what is gone for good
//! disables it, and a page of whoever stands between says nothing.
//!
//! The answers themselves, each with its source, are the tables of `docs/answers.md`.

use hookpost::Profile;
use hookpost::policy::outcome::{BodyNeed, Response, Verdict};

use super::scene::{answer, judged, targets};

const PAGE: &str = include_str!("../../docs/answers.md");

/// One row of a table of the page.
struct Row {
    status: u16,
    /// A body, or a header with its value; empty for an answer of a status alone.
    said: String,
    about: String,
    verdict: String,
    source: String,
}

impl Row {
    /// The row of a line, if it is one: status, answer, whose word, about, verdict, source.
    fn of(line: &str) -> Option<Self> {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let status = cells.next()?.parse().ok()?;
        let mut cell = || cells.next().unwrap_or_default().to_owned();
        let (said, _whose, about, verdict, source) = (cell(), cell(), cell(), cell(), cell());
        Some(Self { status, said: said.trim_matches('`').to_owned(), about, verdict, source })
    }

    fn answer(&self) -> Response {
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        match self.said.split_once(": ") {
            Some((name, value)) if is_name(name) => answer(self.status, &[(name, value)], ""),
            _ => answer(self.status, &[], &self.said),
        }
    }
}

/// The rows below the heading that ends with this profile's name.
fn rows_of(profile: &Profile) -> Vec<Row> {
    let heading = format!(": `{}`", profile.name);
    let section = PAGE.split("\n## ").find(|section| section.lines().next().unwrap().ends_with(&heading));
    section.unwrap_or_else(|| panic!("{heading} has no section")).lines().filter_map(Row::of).collect()
}

fn named(verdict: Verdict) -> String {
    match verdict {
        Verdict::Delivered { confirmed: true } => "delivered".to_owned(),
        Verdict::Delivered { confirmed: false } => "delivered, unconfirmed".to_owned(),
        Verdict::Retry { after: None } => "retried".to_owned(),
        Verdict::Retry { after: Some(span) } => format!("retried after {} s", span.as_secs_f64()),
        Verdict::Reject => "rejected".to_owned(),
        Verdict::Gone { disable: true } => "disabled".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_answer_of_the_page_has_the_verdict_that_the_page_states() {
    let mut others = Vec::new();
    for (profile, _) in targets() {
        let rows = rows_of(&profile);
        assert!(rows.len() >= 6, "{} has {} rows", profile.name, rows.len());
        for row in rows {
            let verdict = named(judged(&profile, &row.answer()));
            if verdict != row.verdict {
                let Row { status, said, verdict: stated, .. } = row;
                others.push(format!("{} {status} {said}: {verdict}, and not {stated}", profile.name));
            }
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn what_an_answer_is_about_decides_its_verdict_and_each_row_names_a_source() {
    for (profile, _) in targets() {
        for row in rows_of(&profile) {
            let fits = match row.about.as_str() {
                "taken" => row.verdict.starts_with("delivered"),
                "message" => row.verdict == "rejected",
                "destination" => row.verdict == "retried",
                "slow down" => row.verdict.starts_with("retried"),
                "nothing there" => row.verdict == "disabled",
                _ => false,
            };
            assert!(fits, "{} {} {}: {}", profile.name, row.status, row.said, row.about);
            assert!(row.source.len() > 7, "{} {} {}", profile.name, row.status, row.said);
        }
    }
}

#[test]
fn every_link_of_the_page_leads_somewhere_and_every_address_is_linked() {
    for label in PAGE.split("][").skip(1).map(|rest| rest.split(']').next().unwrap()) {
        assert!(PAGE.contains(&format!("\n[{label}]: https://")), "{label}");
    }
    let addresses = PAGE.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: https://"));
    for (label, _) in addresses {
        assert!(PAGE.contains(&format!("][{label}]")), "{label}");
    }
}

/// Pages and JSON of proxies, gateways and captive portals.
const STRANGERS: [&str; 14] = [
    "",
    "404 page not found\n",
    "forbidden",
    "Access denied",
    "error code: 1020",
    "<html><head><title>400 Bad Request</title></head></html>",
    "\r\n<!DOCTYPE html><title>Attention Required! | Cloudflare</title>",
    "upstream connect error or disconnect/reset before headers",
    r#"{"detail":"Not Found"}"#,
    r#"{"message":"no Route matched with those values"}"#,
    r#"{"error":{"message":"forbidden"}}"#,
    r#"{"ok":false}"#,
    r#"{"code":0,"message":"not found"}"#,
    r#"{"status":"error","message":"Bad Request"}"#,
];

/// The targets whose answers are their service's alone. What Zapier, Make and n8n answer is
/// written by people.
fn of_a_service() -> impl Iterator<Item = Profile> {
    let by_people = ["zapier", "make", "n8n"];
    targets().into_iter().map(|(profile, _)| profile).filter(move |it| !by_people.contains(&it.name.as_str()))
}

#[test]
fn a_page_of_whoever_stands_between_costs_neither_the_message_nor_the_endpoint() {
    for profile in of_a_service() {
        for status in [400, 401, 403, 404] {
            for said in STRANGERS {
                let verdict = judged(&profile, &answer(status, &[], said));
                assert_eq!(verdict, Verdict::Retry { after: None }, "{} {status} {said}", profile.name);
            }
        }
    }
}

#[test]
fn a_page_neither_takes_a_message_nor_says_that_an_endpoint_is_gone() {
    for profile in of_a_service() {
        for status in [200, 202, 410] {
            for page in STRANGERS.into_iter().filter(|said| said.trim_start().starts_with('<')) {
                let verdict = judged(&profile, &answer(status, &[], page));
                assert_eq!(verdict, Verdict::Retry { after: None }, "{} {status} {page}", profile.name);
            }
        }
    }
    for profile in [Profile::make(), Profile::n8n()] {
        let verdict = judged(&profile, &answer(410, &[], "<html>Gone</html>"));
        assert_eq!(verdict, Verdict::Retry { after: None }, "{}", profile.name);
    }
}

#[test]
fn a_list_of_faults_is_read_to_its_end() {
    let field = r#"{"name":{"_errors":[{"code":"BASE_TYPE_REQUIRED","message":"This field is required"}]}}"#;
    let fields: Vec<_> = (0..25).map(|n| format!(r#""{n}":{field}"#)).collect();
    let errors = format!(r#"{{"embeds":{{"0":{{"fields":{{{}}}}}}}}}"#, fields.join(","));
    let said = format!(r#"{{"message":"Invalid Form Body","code":50035,"errors":{errors}}}"#);
    assert!((1024..4096).contains(&said.len()), "{}", said.len());
    let BodyNeed::Prefix(read) = Profile::discord().classifier.body_need() else { panic!("nothing is read") };
    let read = &said[..said.len().min(read)];
    assert_eq!(judged(&Profile::discord(), &answer(400, &[], read)), Verdict::Reject);
}
