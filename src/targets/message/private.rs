//! The members of a payload that are never shown: credentials, network addresses and phone
//! numbers, however their names are written. Error reporters hide some under other names:
//! <https://github.com/getsentry/sentry-python/blob/master/sentry_sdk/scrubber.py>.

/// What the name holds, read without case and separators: `api-key`, `apiKey` and
/// `API_KEY` are one.
const PARTS: [&str; 43] = [
    "secret",
    "token",
    "passw",
    "passphrase",
    "passcode",
    "passkey",
    "accesscode",
    "backupcode",
    "recoverycode",
    "securitycode",
    "verificationcode",
    "authoriz",
    "authoris",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "licensekey",
    "routingkey",
    "sshkey",
    "authkey",
    "webhookurl",
    "connectionstring",
    "cookie",
    "sessionid",
    "sessid",
    "csrf",
    "xsrf",
    "bearer",
    "signature",
    "phone",
    "telefon",
    "mobile",
    "whatsapp",
    "ipaddr",
    "remoteaddr",
    "clientaddr",
    "forwardedfor",
    "ipv4",
    "ipv6",
    "macaddr",
];
/// Words of the name that are too short to be looked for within others: `ship`, `pinned`.
const WORDS: [&str; 17] = [
    "ip", "ips", "tel", "fax", "sms", "msisdn", "pin", "otp", "totp", "jwt", "pwd", "cvv", "cvc", "auth",
    "oauth", "mac", "dsn",
];
/// Names that are written in one word although they are two.
const ENDINGS: [&str; 13] = [
    "clientip",
    "remoteip",
    "userip",
    "sourceip",
    "visitorip",
    "customerip",
    "lastip",
    "hostip",
    "serverip",
    "publicip",
    "peerip",
    "srcip",
    "dstip",
];

/// Whether a member of this name is private.
pub(crate) fn is_private(name: &str) -> bool {
    let bare: String = name.chars().filter(|character| character.is_alphanumeric()).collect();
    let bare = bare.to_lowercase();
    PARTS.iter().any(|part| bare.contains(part))
        || ENDINGS.iter().any(|ending| bare.ends_with(ending))
        || words(name).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// The words of a name: `lastLoginIP`, `last_login_ip` and `last-login.ip` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && !before.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_known_in_any_spelling() {
        for name in [
            "ip",
            "IP",
            "ip_address",
            "ipAddress",
            "IPAddress",
            "remote-ip",
            "lastLoginIP",
            "clientip",
            "x.ip.y",
            "user_ips",
            "ipv4",
            "mac_address",
            "private_key",
            "privateKey",
            "api-key",
            "API Key",
            "apikey",
            "x-api-key",
            "accessKeyId",
            "mobile",
            "mobileNumber",
            "phone_number",
            "Telephone",
            "tel",
            "fax",
            "whatsapp_id",
            "msisdn",
            "password",
            "PassWord",
            "pwd",
            "db_passwd",
            "passphrase",
            "Authorization",
            "authorisation",
            "auth",
            "bearer",
            "jwt",
            "refresh_token",
            "csrfToken",
            "client-secret",
            "credentials",
            "Set-Cookie",
            "session_id",
            "sessionId",
            "otp",
            "pin",
            "cvv",
            "signature",
            "connectionString",
            "ＡＰＩ_ＫＥＹ_token",
        ] {
            assert!(is_private(name), "{name}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_shown() {
        for name in [
            "ship",
            "shipping",
            "zip",
            "trip",
            "tip",
            "recipient",
            "description",
            "pinned",
            "opinion",
            "author",
            "hotel",
            "title",
            "status",
            "key",
            "order_key",
            "monkey",
            "machine",
            "macro",
            "cell",
            "cancelled",
            "message",
            "name",
        ] {
            assert!(!is_private(name), "{name}");
        }
    }
}
