//! Each request is put to both verifiers.

use hookpost::Scheme;
use hookpost::sign::Grammar;

use crate::cases::{ID, Key, NOW, bodies, keys};
use crate::changes::{Change, changes, oddities};
use crate::findings::{By, Case, Findings};
use crate::library::{Foreign, Library};
use crate::request::{Headers, Message, Request, sign, verify};

/// Where one thing is broken, much differs: so many lines tell what.
const FAULTS_SHOWN: usize = 30;

/// Plays every case to each library, prints what came of it, and panics over differences
/// that are not stated, and over stated ones that were not met.
pub fn compare(libraries: &[Library], foreign: &mut Foreign) {
    let mut faults = Vec::new();
    for library in libraries {
        let name = format!("{library} {}", foreign.version(library));
        let findings = Comparison::of(library, foreign).play();
        println!("{name}: {findings}");
        findings.met().for_each(|difference| println!("  {name} differs: {difference}"));
        faults.extend(findings.faults().map(|fault| format!("{name}: {fault}")));
    }
    let shown = faults.len().min(FAULTS_SHOWN);
    assert!(faults.is_empty(), "{} faults, of which:\n{}", faults.len(), faults[..shown].join("\n"));
}

/// One library beside us.
struct Comparison<'a> {
    library: &'a Library,
    scheme: Scheme,
    foreign: &'a mut Foreign,
    findings: Findings,
}

impl<'a> Comparison<'a> {
    fn of(library: &'a Library, foreign: &'a mut Foreign) -> Self {
        let scheme = Scheme::named(library.scheme).unwrap();
        let findings = Findings::about(&library.to_string());
        Self { library, scheme, foreign, findings }
    }

    fn play(mut self) -> Findings {
        let keys = keys(self.library.scheme);
        for (at, key) in keys.iter().enumerate() {
            let changes = changes(&self.scheme, keys[(at + 1) % keys.len()].public);
            for (name, body) in bodies() {
                for by in [By::Us, By::Them] {
                    self.play_body((name, &body), by, key, &changes);
                }
            }
        }
        let ours = self.signed(By::Us, &[&keys[0]], b"{}").unwrap();
        for oddity in oddities(self.library.scheme) {
            let (name, genuine) = (oddity.name, oddity.still_genuine);
            self.judge(&Case { name, body: "an empty object", by: By::Us, genuine }, &oddity.of(&ours));
        }
        if let [old, new, neither] = keys.as_slice()
            && !matches!(self.scheme.recipe().grammar, Grammar::Bare { .. })
        {
            self.play_rotation([new, old], neither);
        }
        self.findings
    }

    /// A body as it was signed, and where both take it, what may become of it.
    fn play_body(&mut self, (body, bytes): (&str, &[u8]), by: By, key: &Key, changes: &[Change]) {
        let name = format!("{body}, {by}");
        let case = Case { name: &name, body, by, genuine: true };
        let request = match self.signed(by, &[key], bytes) {
            Ok(request) => request,
            Err(reason) => return self.findings.unsigned(&case, &reason),
        };
        if self.judge(&case, &request) {
            for change in changes {
                let case = Case { name: change.name, body, by, genuine: change.still_genuine };
                self.judge(&case, &change.of(&request));
            }
        }
    }

    /// A sender with two secrets in force, and receivers with one of them or neither.
    fn play_rotation(&mut self, both: [&Key; 2], neither: &Key) {
        for by in [By::Us, By::Them] {
            let request = self.signed(by, &both, b"{}").unwrap();
            for (name, key, genuine) in [
                ("signed by two secrets, of which the receiver has the newer", both[0], true),
                ("signed by two secrets, of which the receiver has the older", both[1], true),
                ("signed by two secrets, of which the receiver has neither", neither, false),
            ] {
                let secrets = vec![key.public.to_owned()];
                let case = Case { name, body: "an empty object", by, genuine };
                self.judge(&case, &Request { secrets, ..request.clone() });
            }
        }
    }

    /// The request of a sender with these keys to a receiver with the first, or why they
    /// do not sign it.
    fn signed(&mut self, by: By, keys: &[&Key], body: &[u8]) -> Result<Request, String> {
        let message = Message { id: ID, now: NOW, body: body.to_vec() };
        let secrets: Vec<_> = keys.iter().map(|key| key.private.to_owned()).collect();
        let headers = match by {
            By::Us => sign(&self.scheme, &secrets, &message)?,
            By::Them => {
                let by_each = secrets.iter().map(|secret| self.foreign.sign(self.library, secret, &message));
                let by_each = by_each.collect::<Result<_, _>>()?;
                self.joined(by_each)
            }
        };
        Ok(Request { headers, body: message.body, now: NOW, secrets: vec![keys[0].public.to_owned()] })
    }

    /// Libraries sign with one secret: a sender of theirs joins what came of several.
    fn joined(&self, by_each: Vec<Headers>) -> Headers {
        let recipe = self.scheme.recipe();
        let between = if matches!(recipe.grammar, Grammar::List { .. }) { ' ' } else { ',' };
        let signature = |headers: &Headers| {
            headers.iter().position(|(name, _)| recipe.header == name.as_str()).expect("a signature")
        };
        let mut requests = by_each.into_iter();
        let mut joined = requests.next().unwrap();
        for mut more in requests {
            let other = more.swap_remove(signature(&more)).1;
            let own = signature(&joined);
            let from = other.find("v1").unwrap();
            joined[own].1 = format!("{}{between}{}", joined[own].1, &other[from..]);
        }
        joined
    }

    fn judge(&mut self, case: &Case<'_>, request: &Request) -> bool {
        let ours = verify(&self.scheme, request);
        let theirs = self.foreign.verify(self.library, request);
        self.findings.judged(case, &ours, &theirs)
    }
}
