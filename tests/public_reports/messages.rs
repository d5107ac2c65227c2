//! Messages for people in which other senders broke links, escaped too much, mentioned nobody
//! or showed what is private.

use std::sync::Arc;

use hookpost::profile::{Envelope, Occasion};
use hookpost::targets::message::{Message, Template as _};
use hookpost::targets::{
    BuiltIn, Discord, GoogleChat, Mattermost, PagerDuty, Severity, Slack, Teams, Telegram,
};
use hookpost::{Event, Profile};
use serde_json::{Value, json};

use crate::scene::{DISCORD, at, event_named, strings, text_event, told};

/// All texts that a chat gets for this message, with what the chat's script escapes undone.
fn shown(message: &Message) -> Vec<(String, String)> {
    let texts = told().into_iter().map(|(profile, url)| {
        let (name, message) = (profile.name.to_string(), message.clone());
        let by = move |_: &Event| message.clone();
        let envelope: Arc<dyn Envelope> = match name.as_str() {
            "slack" => Arc::new(Slack::worded_by(by)),
            "discord" => Arc::new(Discord::worded_by(by)),
            "teams" => Arc::new(Teams::worded_by(by)),
            "google_chat" => Arc::new(GoogleChat::worded_by(by)),
            "telegram" => Arc::new(Telegram::worded_by(by)),
            "mattermost" => Arc::new(Mattermost::worded_by(by)),
            _ => Arc::new(PagerDuty::new(Severity::Info).worded_by(by)),
        };
        let body = envelope.render(&text_event(""), &at(url), Occasion::Event).unwrap().body;
        (name, strings(&serde_json::from_slice::<Value>(&body).unwrap()).join("\n"))
    });
    texts.collect()
}

/// <https://github.com/elastic/kibana/issues/165673>,
/// <https://github.com/integrations/slack/issues/1294>,
/// <https://github.com/discordjs/discord.js/issues/4356>,
/// <https://github.com/xcarpentier/react-native-slack-webhook/issues/4>
#[test]
fn a_link_leads_where_it_says_whatever_marks_its_url_holds() {
    for url in [
        "https://kibana.example/app/alerts/a_b*c?from=1&to=2",
        "https://git.example/acme/app/tree/my_new_branch",
        "https://en.wikipedia.example/wiki/Orthoclydon_pseudostinaria#Conservation_status",
        "https://x.example/~ada/a__b**c~~d",
    ] {
        let text = format!("see {url} and ({url}), please");
        for (chat, shown) in shown(&Message::titled("t").text(text).link("Open", url)) {
            // Slack and Google Chat read entities in URLs too, Telegram and Teams backslashes.
            let shown = match chat.as_str() {
                "slack" | "google_chat" => shown.replace("&amp;", "&"),
                "telegram" | "teams" => shown.replace('\\', ""),
                _ => shown,
            };
            assert!(shown.matches(url).count() >= 3, "{chat}: {shown}");
        }
    }
}

/// <https://github.com/grafana/grafana/issues/30862>,
/// <https://github.com/truenas/middleware/pull/11580>,
/// <https://github.com/statping-ng/statping-ng/issues/190>
#[test]
fn what_a_chat_reads_as_text_is_not_escaped_for_another_language() {
    for (chat, shown) in shown(&Message::titled("Tom & \"Jerry\"").text("it's 1 < 2")) {
        let foreign: &[&str] = match chat.as_str() {
            "slack" | "google_chat" => &["&amp;amp;", "&quot;", "&#39;", "&#x27;"],
            _ => &["&amp;", "&lt;", "&quot;", "&#"],
        };
        assert!(!foreign.iter().any(|entity| shown.contains(entity)), "{chat}: {shown}");
    }
}

#[test]
fn an_at_sign_in_a_web_or_e_mail_address_mentions_nobody_and_stays() {
    for text in ["https://social.example/@ada/1", "ada@allianz.example"] {
        for (chat, shown) in shown(&Message::titled("t").text(format!("see {text} now"))) {
            let shown =
                if ["telegram", "teams"].contains(&chat.as_str()) { shown.replace('\\', "") } else { shown };
            assert!(shown.contains(text), "{chat}: {}", shown.escape_unicode());
        }
    }
}

/// <https://github.com/caronc/apprise/issues/848>
#[test]
fn a_thread_that_discords_url_names_is_written_to() {
    let url = format!("{DISCORD}?thread_id=1020276787390984203");
    let target = Profile::discord().envelope.target(&text_event(""), &at(&url)).unwrap();
    assert!(target.contains("thread_id=1020276787390984203"), "{target}");
    assert!(target.contains("wait=true"), "{target}");
}

/// <https://github.com/getsentry/sentry-python/blob/master/sentry_sdk/scrubber.py> lists names
/// that senders of errors hide.
#[test]
fn credentials_and_addresses_are_shown_under_no_name_that_others_hide_them_by() {
    for name in [
        "ip_address",
        "private_key",
        "api-key",
        "mobile",
        "x_forwarded_for",
        "REMOTE_ADDR",
        "x-real-ip",
        "PHPSESSID",
        "JSESSIONID",
        "mysql_pwd",
        "x_csrftoken",
        "X-XSRF-TOKEN",
        "_csrf",
        "set-cookie",
        "oauth",
        "passkey",
        "recoveryCodes",
        "backup_codes",
        "verification_code",
        "securityCode",
        "srcip",
        "telefono",
    ] {
        let payload = json!({ name: "CANARY", "request": { name: "CANARY" }, "list": [{ name: "CANARY" }] });
        let told = BuiltIn.message(&event_named("user.signed_in", payload.to_string().as_bytes()));
        assert!(!told.fallback().contains("CANARY"), "{name}: {}", told.fallback());
    }
}
