//! What becomes of a request on its way to its receiver.

use hookpost::Scheme;
use hookpost::sign::{KeyForm, Recipe};

use crate::cases::{ID, NOW, keys};
use crate::request::{Headers, Message, Request, sign};

/// What becomes of a request on its way, and whether it should still be taken.
pub struct Change {
    pub name: &'static str,
    pub still_genuine: bool,
    make: Box<dyn Fn(&mut Request)>,
}

impl Change {
    pub fn of(&self, request: &Request) -> Request {
        let mut changed = request.clone();
        (self.make)(&mut changed);
        changed
    }
}

fn change(name: &'static str, still_genuine: bool, make: impl Fn(&mut Request) + 'static) -> Change {
    Change { name, still_genuine, make: Box::new(make) }
}

/// What may become of any request by this scheme.
pub fn changes(scheme: &Scheme, other: &'static str) -> Vec<Change> {
    let header = scheme.recipe().header.to_string();
    let same_header = header.clone();
    let mut changes = vec![
        change("its first byte changed", false, |request| match request.body.first_mut() {
            Some(byte) => *byte ^= 1,
            None => request.body.push(b'{'),
        }),
        change("its last byte changed", false, |request| match request.body.last_mut() {
            Some(byte) => *byte ^= 1,
            None => request.body.push(b'}'),
        }),
        change("a newline more", false, |request| request.body.push(b'\n')),
        change("another secret", false, move |request| request.secrets = vec![other.to_owned()]),
        change("another secret first", true, move |request| request.secrets.insert(0, other.to_owned())),
        change("another digit in its signature", false, move |request| {
            let value = request.header(&header);
            let at = value.len() - 10;
            let digit = if &value[at..=at] == "4" { "5" } else { "4" };
            value.replace_range(at..=at, digit);
        }),
        change("no signature", false, move |request| {
            request.headers.retain(|(name, _)| *name != same_header);
        }),
    ];
    if scheme.signs_timestamp() {
        changes.extend([
            change("its timestamp moved by a second", false, |request| {
                for (_, value) in &mut request.headers {
                    *value = value.replace(&NOW.to_string(), &(NOW + 1).to_string());
                }
            }),
            change("300 s of age", true, |request| request.now += 300),
            change("300 s to come", true, |request| request.now -= 300),
            change("301 s of age", false, |request| request.now += 301),
            change("301 s to come", false, |request| request.now -= 301),
        ]);
    }
    changes
}

/// What the scheme's own way of writing makes possible, for a request with the body `{}`
/// by the first of the scheme's keys.
pub fn oddities(name: &str) -> Vec<Change> {
    let scheme = Scheme::named(name).unwrap();
    let private = keys(name)[0].private;
    let mut oddities = vec![change("a U+FFFD replaced by a byte that is not UTF-8", false, move |request| {
        request.headers = signed(&scheme, private, "{\"a\":\"\u{fffd}\"}".as_bytes());
        request.body = b"{\"a\":\"\xff\"}".to_vec();
    })];
    match name {
        "standard" => oddities.extend(of_standard(["webhook-signature", "webhook-timestamp"])),
        "svix" => {
            oddities.extend(of_standard(["svix-signature", "svix-timestamp"]));
            oddities.push(change("the header names of Standard Webhooks", true, |request| {
                for (name, _) in &mut request.headers {
                    *name = name.replace("svix-", "webhook-");
                }
            }));
        }
        "stripe" => oddities.extend(of_stripe()),
        "github" => oddities.extend([
            upper_case("x-hub-signature-256"),
            rewritten("the prefix of SHA-1", false, "x-hub-signature-256", |own| {
                own.replace("sha256", "sha1")
            }),
        ]),
        "slack" => oddities.push(upper_case("x-slack-signature")),
        "discord" => oddities.extend([
            upper_case("x-signature-ed25519"),
            rewritten("a letter that is no digit in hexadecimal", false, "x-signature-ed25519", |own| {
                let small = (0..64).map(|byte| byte * 2).find(|at| own[*at..].starts_with('0')).unwrap();
                format!("{}{}x{}", &own[..small], &own[small + 1..small + 2], &own[small + 2..])
            }),
        ]),
        _ => {}
    }
    oddities
}

fn of_standard([signature, timestamp]: [&'static str; 2]) -> Vec<Change> {
    let v1a = || {
        let headers = signed(&Scheme::standard_v1a(), keys("standard_v1a")[0].private, b"{}");
        headers.into_iter().find(|(name, _)| name == "webhook-signature").unwrap().1
    };
    vec![
        rewritten("a v1a signature alone", false, signature, move |_| v1a()),
        change("a v1a signature alone, and the key that made it", false, move |request| {
            *request.header(signature) = v1a();
            request.secrets = vec![keys("standard_v1a")[0].public.to_owned()];
        }),
        rewritten("a v1a signature before its own", true, signature, move |own| format!("{} {own}", v1a())),
        rewritten("an unknown version before its own", true, signature, |own| format!("v2,AAAA {own}")),
        rewritten("a word without a comma before its own", false, signature, |own| format!("junk {own}")),
        rewritten("a comma after its signature", false, signature, |own| format!("{own},")),
        rewritten("a full stop inside base64", false, signature, |own| own.replace("v1,", "v1,.")),
        rewritten("base64 without its padding", false, signature, |own| own.trim_end_matches('=').to_owned()),
        rewritten("a timestamp with a fraction", false, timestamp, |own| format!("{own}.9")),
        change("a secret without its padding", false, |request| {
            request.secrets = vec![request.secrets[0].trim_end_matches('=').to_owned()];
        }),
        change("a secret of 16 bytes", false, move |request| {
            let family = if signature.starts_with("svix") { Scheme::svix() } else { Scheme::standard() };
            let key = KeyForm::Base64 { prefix: "whsec_", min: 16, max: 64 };
            let scheme = Scheme::new(Recipe { key, ..family.recipe().clone() }).unwrap();
            let secret = "whsec_AAECAwQFBgcICQoLDA0ODw==";
            request.headers = signed(&scheme, secret, b"{}");
            request.secrets = vec![secret.to_owned()];
        }),
    ]
}

fn of_stripe() -> Vec<Change> {
    let header = "stripe-signature";
    vec![
        upper_case(header),
        rewritten("a v0 signature before its own", true, header, |own| own.replace(",v1=", ",v0=00,v1=")),
        rewritten("a wrong v1 before its own", true, header, |own| {
            own.replace(",v1=", &format!(",v1={:064},v1=", 0))
        }),
        rewritten("its timestamp twice", false, header, |own| format!("t={NOW},{own}")),
        rewritten("an equals sign after its signature", false, header, |own| format!("{own}=")),
        rewritten("no timestamp", false, header, |own| own.split_once(',').unwrap().1.to_owned()),
    ]
}

/// One header written otherwise.
fn rewritten(
    name: &'static str,
    still_genuine: bool,
    header: &'static str,
    write: impl Fn(&str) -> String + 'static,
) -> Change {
    change(name, still_genuine, move |request| {
        let value = request.header(header);
        *value = write(value);
    })
}

fn upper_case(header: &'static str) -> Change {
    rewritten("hexadecimal in upper case", true, header, |own| {
        let digits = own.rfind('=').map_or(0, |equals| equals + 1);
        format!("{}{}", &own[..digits], own[digits..].to_uppercase())
    })
}

/// The headers of a body as we sign them.
fn signed(scheme: &Scheme, secret: &str, body: &[u8]) -> Headers {
    sign(scheme, &[secret.to_owned()], &Message { id: ID, now: NOW, body: body.to_vec() }).unwrap()
}
