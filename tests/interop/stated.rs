//! Where hookpost and a library differ, and mean to. Each line is held as it stands: a
//! change of either side turns the test red, and so does a line that no case meets.

use Stated::{TheyTake, Unsigned, WeTake};

/// A difference, with a part of the reason that the one who refuses gives.
#[derive(Debug, Clone, Copy)]
pub enum Stated {
    /// We take it, the library refuses it.
    WeTake(&'static str),
    /// The library takes it, we refuse it.
    TheyTake(&'static str),
    /// Who was to sign it does not.
    Unsigned(&'static str),
}

/// Libraries, case, difference. A body stands for both of its cases, whoever signed it,
/// unless its line says who did.
type Line = (&'static [&'static str], &'static str, Stated);

const PYTHON: &[&str] = &["Python standardwebhooks", "Python stripe", "Python slack-sdk"];
const STANDARD: &[&str] = &["Python standardwebhooks", "npm standardwebhooks", "npm svix"];
const NPM_STANDARD: &[&str] = &["npm standardwebhooks", "npm svix"];
const STRIPE: &[&str] = &["Python stripe", "npm stripe"];
const OCTOKIT: &[&str] = &["npm @octokit/webhooks-methods"];
const DISCORD: &[&str] = &["npm discord-interactions"];

const STATED: &[Line] = &[
    // We sign bytes. Where a library signs text, bytes that are none are refused, or
    // replaced by U+FFFD, which then stands for all of them.
    (PYTHON, "bytes that are not UTF-8, signed by us", WeTake("UnicodeDecodeError")),
    (PYTHON, "bytes that are not UTF-8, signed by them", Unsigned("UnicodeDecodeError")),
    (OCTOKIT, "bytes that are not UTF-8, signed by us", WeTake("eventPayload must be a string")),
    (OCTOKIT, "bytes that are not UTF-8, signed by them", Unsigned("payload must be a string")),
    (NPM_STANDARD, "bytes that are not UTF-8, signed by us", WeTake("No matching signature")),
    (NPM_STANDARD, "bytes that are not UTF-8, signed by them", TheyTake("no signature fits")),
    (NPM_STANDARD, "a U+FFFD replaced by a byte that is not UTF-8", TheyTake("no signature fits")),
    (&["npm stripe"], "bytes that are not UTF-8, signed by us", WeTake("No signatures found matching")),
    (&["npm stripe"], "bytes that are not UTF-8, signed by them", TheyTake("no signature fits")),
    (&["npm stripe"], "a U+FFFD replaced by a byte that is not UTF-8", TheyTake("no signature fits")),
    // It is dropped when the body is read as text, but not when it is signed.
    (&["npm stripe"], "a byte order mark", WeTake("No signatures found matching")),
    // It reads every body as JSON when the signature was found good.
    (&["npm svix"], "an empty body", WeTake("SyntaxError")),
    (&["npm svix"], "a byte order mark", WeTake("SyntaxError")),
    (&["npm svix"], "a form", WeTake("SyntaxError")),
    (OCTOKIT, "an empty body, signed by us", WeTake("eventPayload & signature required")),
    (OCTOKIT, "an empty body, signed by them", Unsigned("payload required")),
    // Ages are bounded both ways by us, the past way or not at all by them.
    (STRIPE, "301 s to come", TheyTake("too far in the future")),
    (DISCORD, "301 s to come", TheyTake("too far in the future")),
    (DISCORD, "301 s of age", TheyTake("too long ago")),
    (&["Node node:crypto"], "301 s to come", TheyTake("too far in the future")),
    (&["Node node:crypto"], "301 s of age", TheyTake("too long ago")),
    // Standard Webhooks asks for 24 to 64 bytes; nobody else counts them.
    (STANDARD, "a secret of 16 bytes", TheyTake("decodes to 16 bytes")),
    // One text for each value is ours, save that hexadecimal may come in upper case.
    (STANDARD, "a secret without its padding", TheyTake("must end with the padding of its base64")),
    (STANDARD, "a timestamp with a fraction", TheyTake("decimal digits")),
    (&["Python standardwebhooks"], "a full stop inside base64", TheyTake("canonical base64")),
    (NPM_STANDARD, "a comma after its signature", TheyTake("canonical base64")),
    (NPM_STANDARD, "a word without a comma before its own", TheyTake("must be a list of version,signature")),
    (STRIPE, "an equals sign after its signature", TheyTake("64 hexadecimal digits")),
    (STRIPE, "its timestamp twice", TheyTake("must hold its timestamp once")),
    (DISCORD, "a letter that is no digit in hexadecimal", TheyTake("128 hexadecimal digits")),
    (STRIPE, "hexadecimal in upper case", WeTake("No signatures found matching")),
    (OCTOKIT, "hexadecimal in upper case", WeTake("false")),
    (&["Python slack-sdk"], "hexadecimal in upper case", WeTake("false")),
    // Nothing stands between timestamp and body, so that the two could be cut elsewhere.
    (DISCORD, "a digit first, signed by us", Unsigned("must begin with no digit")),
    (DISCORD, "a digit first, signed by them", TheyTake("must begin with no digit")),
];

/// What is stated for this library.
pub fn stated(library: &str) -> Vec<(&'static str, Stated)> {
    let own = STATED.iter().filter(|(libraries, ..)| libraries.contains(&library));
    own.map(|(_, case, stated)| (*case, *stated)).collect()
}

/// Whether a line of this name is about this case.
pub fn is_about(line: &str, case: &str) -> bool {
    case.strip_prefix(line).is_some_and(|rest| rest.is_empty() || rest.starts_with(", signed by "))
}

#[test]
fn every_stated_difference_is_one_to_a_library_that_is_compared() {
    let compared: Vec<_> =
        crate::library::PYTHON.iter().chain(crate::library::NODE).map(ToString::to_string).collect();
    for (libraries, case, _) in STATED {
        for library in *libraries {
            assert!(compared.iter().any(|own| own == library), "{library}: {case}");
        }
    }
}
