//! The libraries that others wrote, behind the program that speaks for those of their language.

use std::env;
use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::request::{Headers, Message, Request, Verdict};

/// A library, and the scheme of ours that it speaks.
pub struct Library {
    language: &'static str,
    name: &'static str,
    pub scheme: &'static str,
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.language, self.name)
    }
}

pub const PYTHON: &[Library] = &[
    Library { language: "Python", name: "standardwebhooks", scheme: "standard" },
    Library { language: "Python", name: "stripe", scheme: "stripe" },
    Library { language: "Python", name: "slack-sdk", scheme: "slack" },
];

pub const NODE: &[Library] = &[
    Library { language: "npm", name: "standardwebhooks", scheme: "standard" },
    Library { language: "npm", name: "svix", scheme: "svix" },
    Library { language: "npm", name: "@octokit/webhooks-methods", scheme: "github" },
    Library { language: "npm", name: "stripe", scheme: "stripe" },
    Library { language: "npm", name: "discord-interactions", scheme: "discord" },
    Library { language: "Node", name: "node:crypto", scheme: "standard_v1a" },
];

/// A running program that answers each line with one of its own.
pub struct Foreign {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Foreign {
    pub fn python() -> Self {
        let folder = installed().join("python");
        Self::start(Command::new(folder.join("bin/python")).arg(folder.join("foreign.py")))
    }

    pub fn node() -> Self {
        Self::start(Command::new("node").arg(installed().join("npm/foreign.mjs")))
    }

    fn start(program: &mut Command) -> Self {
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, orders, answers }
    }

    pub fn version(&mut self, library: &Library) -> String {
        let answer = self.ask(&json!({"do": "version", "library": library.name}));
        answer["version"].as_str().expect("a version").to_owned()
    }

    /// The headers as the library signs them, or why it does not.
    pub fn sign(&mut self, library: &Library, secret: &str, message: &Message) -> Result<Headers, String> {
        let answer = self.ask(&json!({
            "do": "sign", "library": library.name, "secret": secret, "id": message.id,
            "now": message.now, "body": BASE64.encode(&message.body),
        }));
        reason_in(&answer)?;
        Ok(serde_json::from_value(answer["headers"].clone()).expect("headers"))
    }

    pub fn verify(&mut self, library: &Library, request: &Request) -> Verdict {
        let answer = self.ask(&json!({
            "do": "verify", "library": library.name, "secrets": request.secrets,
            "headers": request.headers, "now": request.now, "body": BASE64.encode(&request.body),
        }));
        reason_in(&answer)
    }

    fn ask(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").unwrap();
        self.orders.flush().unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("the program answers; what it says of its end stands above")
    }
}

impl Drop for Foreign {
    /// The program outlives no test, whatever became of the test.
    fn drop(&mut self) {
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            println!("a program of the libraries was not to be ended");
        }
    }
}

/// Where `tests/interop/run` put the libraries, and beside them the programs.
fn installed() -> PathBuf {
    env::var_os("HOOKPOST_INTEROP").expect("tests/interop/run says where the libraries are").into()
}

fn reason_in(answer: &Value) -> Verdict {
    answer["reason"].as_str().map_or(Ok(()), |reason| Err(reason.to_owned()))
}
