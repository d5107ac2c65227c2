//! Further public reports, by the kind that they are of: answers (B, C), signatures (F, G) and
//! links (I).

use std::sync::Arc;

use hookpost::delivery::State;
use hookpost::id::EventId;
use hookpost::policy::outcome::Verdict;
use hookpost::profile::{Envelope, Occasion};
use hookpost::sign::Signer;
use hookpost::targets::message::Message;
use hookpost::targets::{Discord, GoogleChat, Mattermost, Slack, Teams, Telegram};
use hookpost::testing::Reply;
use hookpost::{Event, Profile, Scheme, Secret, SecretSet, Verifier, VerifyError};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::scene::{
    DELIVERED, DISCORD, DISCORD_SENT, GOOGLE_CHAT, SLACK, TEAMS, TELEGRAM, answer, at, delivery_to, judged,
    register, strings, text_event, world,
};
use crate::world::{START, hours};

/// <https://github.com/MicrosoftDocs/msteams-docs/issues/9698>: "only if it returns a number";
/// <https://github.com/atc0005/go-teams-notify/issues/197>: JSON that says the same;
/// <https://github.com/grafana/grafana/pull/52254>: a 200 that says it failed;
/// <https://github.com/nicholas-fedor/shoutrrr/pull/900>: a workflow's 202.
#[test]
fn b_what_teams_answers_with_a_200_is_read_by_what_it_says() {
    let of_json = |status: u16, is_success: bool| {
        format!(
            r#"{{"version":"1.1","content":{{"headers":[{{"key":"Content-Type","value":["text/plain; charset=utf-8"]}}]}},"statusCode":{status},"reasonPhrase":"OK","headers":[],"trailingHeaders":[],"requestMessage":null,"isSuccessStatusCode":{is_success}}}"#
        )
    };
    let failed = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 500 with \
                  ContextId MS-CV=1";
    let delivered = |confirmed| Verdict::Delivered { confirmed };
    for (status, body, want) in [
        (200, "1".to_owned(), delivered(true)),
        (200, "2".to_owned(), delivered(true)),
        (200, of_json(200, true), delivered(true)),
        (200, of_json(503, false), Verdict::Retry { after: None }),
        (200, failed.to_owned(), Verdict::Retry { after: None }),
        (202, String::new(), delivered(false)),
    ] {
        assert_eq!(judged(&Profile::teams(), &answer(status, &[], &body)), want, "{status} {body}");
    }
}

/// <https://github.com/bytebase/bytebase/issues/20925>
#[tokio::test(start_paused = true)]
async fn b_discords_answer_without_a_body_is_a_success_and_the_message_is_sent_once() {
    let world = world();
    register(&world, "e", "discord", DISCORD).await;
    world.transport.at(DISCORD_SENT, Reply::status(204));
    world.publish("order.paid").await;
    world.run_for(hours(6)).await;
    assert_eq!(world.sent().len(), 1);
    assert!(matches!(delivery_to(&world, "e").await.state, State::Delivered { .. }), "{DELIVERED:?}");
}

/// <https://github.com/kanbn/kan/issues/453>: the test of a webhook said success, and nothing
/// was posted.
#[tokio::test(start_paused = true)]
async fn c_a_test_that_the_destination_refuses_is_no_success() {
    let world = world();
    register(&world, "e", "slack", SLACK).await;
    for (status, body) in [(400, "invalid_payload"), (200, "<html></html>"), (404, "no_service")] {
        world.transport.at(SLACK, Reply::status(status).body(body));
        let report = world.webhooks.test(&crate::world::acme(), &"e".parse().unwrap()).await.unwrap();
        assert!(!report.success && report.state.is_terminal(), "{status} {body}: {report:?}");
    }
}

fn standard(body: &[u8]) -> (Verifier, HeaderMap) {
    let secret = || Secret::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    let mut headers = HeaderMap::new();
    let signer = Signer::new(Scheme::standard(), &SecretSet::of(secret())).unwrap();
    signer.sign(&EventId::new("msg_1").unwrap(), START, body, &mut headers).unwrap();
    (Verifier::new(&Scheme::standard(), [secret()]).unwrap(), headers)
}

/// <https://github.com/svix/svix-webhooks/issues/55>
#[test]
fn f_a_good_signature_counts_among_bad_ones_and_ones_of_other_versions() {
    let (verifier, mut headers) = standard(b"{}");
    let good = headers["webhook-signature"].to_str().unwrap().to_owned();
    let bad = format!("v1,{}=", "A".repeat(43));
    for list in [format!("{bad} {good} v2,BADSIG"), format!("v2,x {bad} {bad} {good}")] {
        headers.insert("webhook-signature", HeaderValue::from_str(&list).unwrap());
        assert!(verifier.verify(&headers, &b"{}"[..], START).is_ok(), "{list}");
    }
}

/// <https://github.com/dodopayments/dodopayments-go/issues/239>: an adapter cuts the header at
/// its commas. What it makes of it is refused, and says which header it was.
#[test]
fn f_a_signature_that_was_cut_at_its_comma_is_refused_by_its_header() {
    let (verifier, mut headers) = standard(b"{}");
    let good = headers["webhook-signature"].to_str().unwrap().to_owned();
    let (version, signature) = good.split_once(',').unwrap();
    headers.insert("webhook-signature", HeaderValue::from_str(version).unwrap());
    headers.append("webhook-signature", HeaderValue::from_str(signature).unwrap());
    let error = verifier.verify(&headers, &b"{}"[..], START).unwrap_err();
    assert!(matches!(&error, VerifyError::Repeated { header } if header == "webhook-signature"), "{error}");
}

/// <https://github.com/sendgrid/sendgrid-nodejs/issues/1321>: the line ends belong to what was
/// signed.
#[test]
fn f_a_body_is_verified_with_its_line_ends() {
    let body = b"[{\"event\":\"dropped\"},\r\n{\"event\":\"sent\"}]\r\n";
    let (verifier, headers) = standard(body);
    assert!(verifier.verify(&headers, &body[..], START).is_ok());
    assert!(verifier.verify(&headers, &body[..body.len() - 2], START).is_err());
    assert!(
        verifier
            .verify(&headers, String::from_utf8_lossy(body).replace(char::from(13), "").into_bytes(), START)
            .is_err()
    );
}

/// <https://github.com/ltworf/localslackirc/issues/149>: `|` ends the URL of Slack's links, and
/// `)` that of Markdown's.
#[test]
fn i_a_url_with_the_marks_of_a_link_ends_no_link() {
    let message = Message::titled("t").link("Open", "https://x.example/a|b(c)d?e=[f]");
    let by = move |_: &Event| message.clone();
    let chats: [(Arc<dyn Envelope>, &str); 6] = [
        (Arc::new(Slack::worded_by(by.clone())), SLACK),
        (Arc::new(GoogleChat::worded_by(by.clone())), GOOGLE_CHAT),
        (Arc::new(Discord::worded_by(by.clone())), DISCORD),
        (Arc::new(Mattermost::worded_by(by.clone())), "https://chat.acme.example/hooks/x"),
        (Arc::new(Teams::worded_by(by.clone())), TEAMS),
        (Arc::new(Telegram::worded_by(by)), TELEGRAM),
    ];
    for (envelope, url) in chats {
        let body = envelope.render(&text_event(""), &at(url), Occasion::Event).unwrap().body;
        let shown = strings(&serde_json::from_slice::<Value>(&body).unwrap()).join("\n");
        let is_marked =
            shown.contains("<https://x.example/a|b") || shown.contains("](https://x.example/a|b(c)d");
        assert!(!is_marked, "{url}: {shown}");
    }
}

/// JSON:API, Rails and PHP write brackets into queries: `?filter[status]=open`.
#[test]
fn i_a_query_with_brackets_is_left_whole_in_texts_and_links() {
    let url = "https://shop.example/orders?filter[order_status]=open&sort[]=a_b";
    let message = Message::titled("t").text(format!("see {url} now")).link("Open", url);
    assert!(message.link.is_some(), "{message:?}");
    let by = move |_: &Event| message.clone();
    let chats: [(Arc<dyn Envelope>, &str); 4] = [
        (Arc::new(Slack::worded_by(by.clone())), SLACK),
        (Arc::new(GoogleChat::worded_by(by.clone())), GOOGLE_CHAT),
        (Arc::new(Discord::worded_by(by.clone())), DISCORD),
        (Arc::new(Mattermost::worded_by(by)), "https://chat.acme.example/hooks/x"),
    ];
    for (envelope, at_url) in chats {
        let body = envelope.render(&text_event(""), &at(at_url), Occasion::Event).unwrap().body;
        let shown = strings(&serde_json::from_slice::<Value>(&body).unwrap()).join("\n");
        let shown = shown.replace("&amp;", "&");
        let encoded = url.replace('[', "%5B").replace(']', "%5D");
        assert!(shown.contains(url) && shown.contains(&encoded), "{at_url}: {shown}");
    }
}

#[test]
fn i_brackets_that_begin_a_hidden_link_are_still_marks_of_the_text() {
    for text in
        ["https://a.example/?x[y](https://evil.example)", "https://a.example/[x](https://evil.example)"]
    {
        let message = Message::titled("t").text(text);
        let envelope = Discord::worded_by(move |_: &Event| message.clone());
        let body = envelope.render(&text_event(""), &at(DISCORD), Occasion::Event).unwrap().body;
        let shown = strings(&serde_json::from_slice::<Value>(&body).unwrap()).join("\n");
        assert!(shown.contains(r"\[") && shown.contains(r"\](https://evil"), "{shown}");
    }
}
