//! The bodies of the carried systems with their recorded hashes and signatures.
#![allow(dead_code, reason = "each test file reads the columns it is about")]

use std::fs;
use std::path::Path;

use hookpost::Secret;

/// One line of `VECTORS.tsv` and the file it is about.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    pub(crate) file: String,
    pub(crate) body: Vec<u8>,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    pub(crate) hex: String,
    pub(crate) base64: String,
    pub(crate) secret: String,
}

impl Vector {
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.secret.as_str()).unwrap()
    }
}

pub(crate) fn all() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/systems");
    let table = fs::read_to_string(folder.join("VECTORS.tsv")).unwrap();
    let vector = |line: &str| {
        let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
        let [file, bytes, sha256, hex, base64, secret] = columns.try_into().unwrap();
        let body = fs::read(folder.join(&file)).unwrap();
        Vector { body, file, bytes: bytes.parse().unwrap(), sha256, hex, base64, secret }
    };
    table.lines().skip(1).map(vector).collect()
}

/// The fourteen bodies that LiveSession would send.
pub(crate) fn live_session() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.file.starts_with("ls_")).collect()
}

/// The nine bodies that Botble Live Chat would send.
pub(crate) fn x_webhook() -> Vec<Vector> {
    all().into_iter().filter(|vector| vector.file.starts_with("bl_")).collect()
}

pub(crate) fn named(start: &str) -> Vector {
    all().into_iter().find(|vector| vector.file.starts_with(start)).unwrap()
}
