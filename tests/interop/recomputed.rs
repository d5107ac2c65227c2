//! Other languages recompute our signatures from the captured request, each in the
//! few lines that the systems' own documentation gives.

use std::io::Write as _;
use std::process::Command;

use hookpost::id::EventId;
use hookpost::sign::Signer;
use hookpost::{Scheme, Secret, SecretSet, Timestamp};
use http::HeaderMap;

/// Hexadecimal of the key and the signed bytes in, hexadecimal of the code out.
const PYTHON: &str = "import hmac,hashlib,sys
print(hmac.new(bytes.fromhex(sys.argv[1]),bytes.fromhex(sys.argv[2]),hashlib.sha256).hexdigest(),end='')";
const NODE: &str = "const c=require('crypto'),[k,b]=process.argv.slice(-2).map(t=>Buffer.from(t,'hex'));
process.stdout.write(c.createHmac('sha256',k).update(b).digest('hex'))";
const PHP: &str = "echo hash_hmac('sha256',hex2bin($argv[2]),hex2bin($argv[1]));";

/// The code as another language has it; `None`, said aloud, where it is not installed.
fn recomputed(program: &str, arguments: &[&str], key: &[u8], content: &[u8]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).args([hex::encode(key), hex::encode(content)]).output();
    let Ok(output) = output else {
        #[expect(clippy::explicit_write, reason = "the test harness hides what `eprintln!` says")]
        writeln!(std::io::stderr(), "skipped: {program} is not installed").unwrap();
        return None;
    };
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Signs with our signer, and gives the headers, the key and the bytes under signature.
fn captured() -> Vec<(Scheme, Vec<u8>, Vec<u8>, HeaderMap)> {
    let id = EventId::new("018bcfe5-6800-7fff-bfff-ffffffffffff").unwrap();
    let now = Timestamp::from_unix_seconds(1_772_352_000);
    let body = "{\"event\":\"message.received\",\"data\":\"Rui Sá 🦊 \\/ \\u00e1\"}\r\n".as_bytes();
    let raw: Vec<u8> = (0..32).collect();
    let whsec = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let with_id = [format!("{id}.1772352000.").as_bytes(), body].concat();
    let plain = "bl-secret-é✓";
    [
        (Scheme::live_session(), plain, plain.as_bytes().to_vec(), body.to_vec()),
        (Scheme::x_webhook(), plain, plain.as_bytes().to_vec(), body.to_vec()),
        (Scheme::standard(), whsec, raw, with_id),
    ]
    .into_iter()
    .map(|(scheme, secret, key, content)| {
        let mut headers = HeaderMap::new();
        let secrets = SecretSet::of(Secret::new(secret).unwrap());
        Signer::new(&scheme, &secrets).unwrap().sign(&id, now, body, &mut headers).unwrap();
        (scheme, key, content, headers)
    })
    .collect()
}

/// What the scheme's header says of a code in hexadecimal.
fn header_of(scheme: &Scheme, code: &str) -> String {
    use base64::Engine as _;
    let base64 = || base64::engine::general_purpose::STANDARD.encode(hex::decode(code).unwrap());
    match scheme.recipe().header.as_str() {
        "x-webhook-signature" => code.to_owned(),
        "webhook-signature" => format!("v1,{}", base64()),
        _ => base64(),
    }
}

fn agrees(program: &str, arguments: &[&str]) {
    let mut compared = 0;
    for (scheme, key, content, headers) in captured() {
        let Some(code) = recomputed(program, arguments, &key, &content) else { return };
        let header = &scheme.recipe().header;
        assert_eq!(headers[header], header_of(&scheme, &code), "{program}, {header}");
        compared += 1;
    }
    assert_eq!(compared, 3);
}

#[test]
fn fb7_python_computes_the_same_signatures() {
    agrees("python3", &["-c", PYTHON]);
}

#[test]
fn fb7_node_computes_the_same_signatures() {
    agrees("node", &["-e", NODE]);
}

#[test]
fn fb7_php_computes_the_same_signatures() {
    agrees("php", &["-r", PHP, "--"]);
}
