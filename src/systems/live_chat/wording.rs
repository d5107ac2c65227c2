//! Texts about a team's chats and their configuration.

use crate::systems::wording::{named, with_fields};
use crate::targets::message::Message;
use crate::targets::message::json::{Json, Object};
use crate::targets::message::parts::{EventParts, in_words};

/// Members by which LiveChat's payloads are recognised.
const OWN: [&str; 4] = ["chat", "chat_id", "thread_id", "agent_id"];

/// Beginnings of the actions about a team's configuration.
const CONFIGURATION: [&str; 7] =
    ["agent_", "bot_", "group_", "auto_access", "tag_", "incoming_customer", "customer_"];

const CHAT: (&str, &[&str]) = ("Chat", &["chat_id"]);

pub(crate) fn message(parts: &EventParts<'_>) -> Option<Message> {
    let (data, action) = (&parts.data, parts.kind.as_str());
    let own = OWN.iter().any(|member| data.get(member).is_some());
    let configures = CONFIGURATION.iter().any(|beginning| action.starts_with(beginning));
    if !(own || configures) {
        return None;
    }
    let titled = Message::titled(in_words(action));
    Some(match action {
        "incoming_chat" => new_chat(&data.object("chat")),
        "incoming_event" | "event_updated" => {
            with_fields(chat_event(action, &data.object("event")), data, &[CHAT])
        }
        "chat_deactivated" => {
            with_fields(Message::titled("A chat has ended"), data, &[CHAT, ("Ended by", &["user_id"])])
        }
        "chat_transferred" => {
            let fields: [(&str, &[&str]); 2] = [CHAT, ("Reason", &["reason"])];
            let message = with_fields(Message::titled("A chat was transferred"), data, &fields);
            message.field("To", new_place(&data.object("transferred_to")))
        }
        "thread_summary_set" => {
            let text = data.object("summary").text(&["text"]).unwrap_or_default();
            with_fields(Message::titled("A chat was summed up").text(text), data, &[CHAT])
        }
        "incoming_rich_message_postback" => {
            let postback = data.object("postback");
            let message = Message::titled("A button was pressed");
            let message = with_fields(message, &postback, &[("Button", &["id"]), ("On", &["toggled"])]);
            with_fields(message, data, &[("By", &["user_id"]), CHAT])
        }
        "thread_tagged" | "thread_untagged" => with_fields(titled, data, &[("Tag", &["tag"]), CHAT]),
        "routing_status_set" => {
            with_fields(titled, data, &[("Agent", &["agent_id"]), ("Status", &["status"])])
        }
        _ if parts.items > 0 => titled.field("Changed", parts.items.to_string()),
        _ => anybody(titled, data),
    })
}

/// What the many actions about agents, bots, groups, tags and customers have in common.
fn anybody(message: Message, data: &Object<'_>) -> Message {
    let customer = data.object("customer");
    let message = with_fields(message, &customer, &[("Customer", &["name", "email", "id"])]);
    let fields: [(&str, &[&str]); 6] = [
        ("Name", &["name"]),
        ("Id", &["id", "agent_id"]),
        ("E-mail", &["email"]),
        ("User", &["user_id"]),
        ("By", &["author_id", "requester_id"]),
        CHAT,
    ];
    with_fields(message, data, &fields)
}

fn new_chat(chat: &Object<'_>) -> Message {
    let thread = chat.object("thread");
    let users: Vec<_> = chat.items("users").into_iter().map(Json::object).collect();
    let names = |kind: &str| {
        let of_kind = users.iter().filter(|user| user.text(&["type"]).is_some_and(|own| own == kind));
        of_kind.filter_map(|user| user.text(&["name", "email", "id"])).collect::<Vec<_>>().join(", ")
    };
    let customer = names("customer");
    let title = if customer.is_empty() { "New chat".to_owned() } else { format!("New chat with {customer}") };
    let first = thread.items("events").into_iter().find_map(|event| event.object().text(&["text"]));
    let message = Message::titled(title).text(first.unwrap_or_default()).field("Agents", names("agent"));
    let waits: [(&str, &[&str]); 2] =
        [("Place in queue", &["position"]), ("Seconds to wait", &["wait_time"])];
    let message = with_fields(message, &thread.object("queue"), &waits);
    with_fields(message, chat, &[("Chat", &["id"])])
}

fn chat_event(action: &str, event: &Object<'_>) -> Message {
    let text = event.text(&["text"]).unwrap_or_default();
    let changed = action == "event_updated";
    let kind = event.text(&["type"]).unwrap_or_default();
    let message = match kind.as_str() {
        "message" if changed => Message::titled("A message was changed").text(text),
        "message" => Message::titled("New message").text(text),
        "system_message" => Message::titled("System message").text(text),
        "file" => Message::titled("New file")
            .text(event.text(&["name"]).unwrap_or_default())
            .link("File", event.text(&["url"]).unwrap_or_default()),
        "filled_form" => filled_form(event),
        "" => Message::titled("New event").text(text),
        other => Message::titled(format!("New event: {}", in_words(other))).text(text),
    };
    let for_agents = event.text(&["visibility"]).is_some_and(|seen_by| seen_by == "agents");
    let message = message.field("Seen by", if for_agents { "agents alone" } else { "" });
    with_fields(message, event, &[("From", &["author_id"])])
}

fn filled_form(event: &Object<'_>) -> Message {
    event.items("fields").into_iter().fold(Message::titled("A form was filled in"), |message, field| {
        let field = field.object();
        let answers = field.get("answer").into_iter().chain(field.items("answers"));
        let texts = answers.filter_map(|answer| answer.text().or_else(|| answer.object().text(&["label"])));
        let label = field.text(&["label"]).unwrap_or_default();
        named(message, &label, label.clone(), texts.collect::<Vec<_>>().join(", "))
    })
}

fn new_place(to: &Object<'_>) -> String {
    let ids = |name| to.items(name).into_iter().filter_map(Json::text);
    let groups = ids("group_ids").map(|group| format!("group {group}"));
    ids("agent_ids").chain(groups).collect::<Vec<_>>().join(", ")
}
