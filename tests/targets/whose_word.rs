//! Whose word an answer is, and what it is about: a fault of the message fails the message,
//! a fault of the destination waits and counts against the endpoint, what is gone for good
//! disables it, and a page of whoever stands between says nothing.

use hookpost::Profile;
use hookpost::policy::outcome::Verdict;

use super::scene::{answer, judged, targets};

/// What an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    TheMessage,
    /// It may pass, or somebody may mend it.
    TheDestination,
    /// The service says that there is no such webhook.
    NothingThere,
}

use About::{NothingThere, TheDestination, TheMessage};

#[track_caller]
fn each_is_about(profile: &Profile, rows: &[(u16, &str, About)]) {
    for (status, body, about) in rows {
        let said = match judged(profile, &answer(*status, &[], body)) {
            Verdict::Reject => TheMessage,
            Verdict::Retry { .. } => TheDestination,
            Verdict::Gone { disable: true } => NothingThere,
            other => panic!("{} {status} {body}: {other:?}", profile.name),
        };
        assert_eq!(said, *about, "{} {status} {body}", profile.name);
    }
}

/// Pages of proxies, gateways and captive portals.
const PAGES: [&str; 6] = [
    "",
    "404 page not found\n",
    "<html><head><title>400 Bad Request</title></head></html>",
    "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>",
    "upstream connect error or disconnect/reset before headers",
    r#"{"detail":"Not Found"}"#,
];

#[test]
fn a_page_of_whoever_stands_between_costs_neither_the_message_nor_the_endpoint() {
    // Zapier, Make and n8n have no word of their own: people write what these answer.
    let of_a_service = |profile: &Profile| !["zapier", "make", "n8n"].contains(&profile.name.as_str());
    for (profile, _) in targets().into_iter().filter(|(profile, _)| of_a_service(profile)) {
        for status in [400, 401, 403, 404] {
            for page in PAGES {
                each_is_about(&profile, &[(status, page, TheDestination)]);
            }
        }
    }
}

/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>
#[test]
fn discord_says_what_it_is_about_by_a_code() {
    each_is_about(
        &Profile::discord(),
        &[
            (404, r#"{"message":"Unknown Webhook","code":10015}"#, NothingThere),
            (401, r#"{"message":"Invalid Webhook Token","code":50027}"#, NothingThere),
            (401, r#"{"message":"401: Unauthorized","code":0}"#, NothingThere),
            (404, r#"{"message":"404: Not Found","code":0}"#, NothingThere),
            (403, r#"{"message":"internal network error","code":40333}"#, TheDestination),
            (403, r#"{"message":"403: Forbidden","code":0}"#, TheDestination),
            (403, r#"{"message":"Missing Permissions","code":50013}"#, TheDestination),
            (404, r#"{"message":"Unknown Channel","code":10003}"#, TheDestination),
            (400, r#"{"message":"Thread is archived","code":50083}"#, TheDestination),
            (
                400,
                r#"{"message":"Webhooks posted to forum channels must have a thread_name or thread_id","code":220001}"#,
                TheDestination,
            ),
            (
                400,
                r#"{"message":"Webhooks can only create threads in forum channels","code":220003}"#,
                TheDestination,
            ),
            (400, r#"{"message":"Maximum number of threads reached","code":30033}"#, TheDestination),
            (400, r#"{"message":"400: Bad Request","code":0}"#, TheMessage),
            (400, r#"{"message":"Cannot send an empty message","code":50006}"#, TheMessage),
            (400, r#"{"message":"Invalid Form Body","code":50035}"#, TheMessage),
            (400, r#"{"message":"The request body contains invalid JSON.","code":50109}"#, TheMessage),
            (400, r#"{"message":"Message was blocked by automatic moderation","code":200000}"#, TheMessage),
            (403, r#"{"message":"Message blocked by harmful links filter","code":240000}"#, TheMessage),
            (413, r#"{"message":"Request entity too large","code":40005}"#, TheMessage),
        ],
    );
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>
#[test]
fn slack_says_what_it_is_about_by_a_word() {
    each_is_about(
        &Profile::slack(),
        &[
            (404, "no_service", NothingThere),
            (404, "channel_not_found", NothingThere),
            (410, "channel_is_archived", NothingThere),
            (403, "action_prohibited", NothingThere),
            (403, "invalid_token", NothingThere),
            (400, "user_not_found", TheDestination),
            (500, "rollup_error", TheDestination),
            (400, "invalid_payload", TheMessage),
            (400, "too_many_attachments", TheMessage),
            (413, "", TheMessage),
        ],
    );
}

/// Microsoft publishes no list of these codes and sentences; they are those that senders
/// report.
#[test]
fn teams_says_what_it_is_about_by_a_code_or_a_sentence() {
    let of_a_flow = |code: &str| format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
    for (status, code, about) in [
        (400, "WorkflowTriggerIsNotEnabled", TheDestination),
        (400, "WorkflowIsDisabled", TheDestination),
        (400, "OperationNotAllowed", TheDestination),
        (404, "WorkflowNotFound", NothingThere),
        (401, "DirectApiAuthorizationRequired", NothingThere),
        (403, "AuthorizationFailed", NothingThere),
        (400, "InvalidRequestContent", TheMessage),
        (400, "TriggerInputSchemaMismatch", TheMessage),
        (413, "RequestEntityTooLarge", TheMessage),
    ] {
        each_is_about(&Profile::teams(), &[(status, of_a_flow(code).as_str(), about)]);
    }
    each_is_about(
        &Profile::teams(),
        &[
            (400, "Summary or Text is required.", TheMessage),
            (400, "Bad payload received by generic incoming webhook.", TheMessage),
            (404, "Connector configuration not found", NothingThere),
        ],
    );
}

/// <https://github.com/mattermost/mattermost/blob/master/server/channels/app/webhook.go>
#[test]
fn mattermost_says_what_it_is_about_by_the_name_of_its_error() {
    let error = |id: &str| format!(r#"{{"id":"{id}","message":"m","detailed_error":"","status_code":400}}"#);
    for (status, id, about) in [
        (400, "web.incoming_webhook.invalid.app_error", NothingThere),
        (501, "web.incoming_webhook.disabled.app_error", TheDestination),
        (404, "web.incoming_webhook.channel.app_error", TheDestination),
        (403, "web.incoming_webhook.channel_locked.app_error", TheDestination),
        (403, "web.incoming_webhook.permissions.app_error", TheDestination),
        (404, "api.context.404.app_error", TheDestination),
        (400, "web.incoming_webhook.decode.app_error", TheMessage),
        (400, "web.incoming_webhook.parse.app_error", TheMessage),
        (400, "web.incoming_webhook.text.app_error", TheMessage),
    ] {
        each_is_about(&Profile::mattermost(), &[(status, error(id).as_str(), about)]);
    }
}

/// <https://developers.google.com/workspace/chat/troubleshoot-apps>
#[test]
fn google_chat_says_what_it_is_about_by_status_and_sentence() {
    let error = |code: u16, status: &str, message: &str| {
        format!(r#"{{"error":{{"code":{code},"message":"{message}","status":"{status}"}}}}"#)
    };
    for (code, status, message, about) in [
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", TheDestination),
        (400, "INVALID_ARGUMENT", "Invalid space resource name in request.", TheDestination),
        (400, "FAILED_PRECONDITION", "Precondition check failed.", TheDestination),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", NothingThere),
        (403, "PERMISSION_DENIED", "The caller does not have permission", NothingThere),
        (404, "NOT_FOUND", "Requested entity was not found.", NothingThere),
        (400, "INVALID_ARGUMENT", "Message cannot be empty.", TheMessage),
    ] {
        each_is_about(&Profile::google_chat(), &[(code, error(code, status, message).as_str(), about)]);
    }
}

/// <https://core.telegram.org/bots/api#making-requests>; the sentences are those of
/// <https://github.com/tdlib/telegram-bot-api/blob/master/telegram-bot-api/Client.cpp>
#[test]
fn telegram_says_what_it_is_about_by_code_and_sentence() {
    let error =
        |code: u16, text: &str| format!(r#"{{"ok":false,"error_code":{code},"description":"{text}"}}"#);
    for (code, text, about) in [
        (401, "Unauthorized", NothingThere),
        (404, "Not Found", NothingThere),
        (403, "Forbidden: bot was kicked from the supergroup chat", NothingThere),
        (400, "Bad Request: chat not found", TheDestination),
        (400, "Bad Request: group chat was deactivated", TheDestination),
        (400, "Bad Request: message thread not found", TheDestination),
        (400, "Bad Request: TOPIC_CLOSED", TheDestination),
        (400, "Bad Request: not enough rights to send text messages to the chat", TheDestination),
        (400, "Bad Request: need administrator rights in the channel chat", TheDestination),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", TheDestination),
        (400, "Bad Request: message is too long", TheMessage),
        (400, "Bad Request: message text is empty", TheMessage),
        (400, "Bad Request: can't parse entities", TheMessage),
    ] {
        each_is_about(&Profile::telegram(), &[(code, error(code, text).as_str(), about)]);
    }
}

/// <https://developer.pagerduty.com/docs/send-alert-event>
#[test]
fn pagerduty_says_what_it_is_about_by_what_is_wrong() {
    let invalid = |error: &str| {
        format!(r#"{{"status":"invalid event","message":"Event object is invalid","errors":["{error}"]}}"#)
    };
    for (error, about) in [
        ("Length of 'routing_key' is incorrect (should be 32 characters)", TheDestination),
        ("Invalid routing key", TheDestination),
        ("'payload.summary' is missing or blank", TheMessage),
        ("'payload.severity' is invalid (must be one of the following: 'critical', 'warning')", TheMessage),
    ] {
        each_is_about(&Profile::pagerduty(), &[(400, invalid(error).as_str(), about)]);
    }
}

/// <https://help.make.com/webhooks>
#[test]
fn make_s_full_queue_and_a_webhook_without_a_scenario_wait() {
    each_is_about(
        &Profile::make(),
        &[
            (400, "Queue is full.", TheDestination),
            (400, "There is no scenario listening for this webhook.", TheDestination),
            (400, "Validation failed for 1 parameter(s).", TheMessage),
        ],
    );
}
