//! A message as lines of one text, for targets that show no more than that.

use super::message::{Field, Message, Script};

const TITLE_MAX: usize = 300;
const LINE_MAX: usize = 500;

/// The message in at most `limit` of the script's units: the title in bold, as many
/// fields as half of the room holds, and as much of the text as is left.
pub(super) fn lines(message: &Message, script: &Script, bold: &str, limit: usize) -> String {
    let title = format!("{bold}{}{bold}", script.fit(&message.title, TITLE_MAX));
    let left = limit.saturating_sub(script.count(&title));
    let told =
        link(message, script).into_iter().chain(message.fields.iter().map(|field| line(field, script)));
    let (mut fields, mut used) = (String::new(), 0);
    for line in told {
        used += script.count(&line) + 1;
        if used > left / 2 {
            break;
        }
        fields.push('\n');
        fields.push_str(&line);
    }
    let left = left.saturating_sub(script.count(&fields));
    let text = script.fit(&message.text, left.saturating_sub(1));
    let break_before_text = if text.is_empty() { "" } else { "\n" };
    format!("{title}{break_before_text}{text}{fields}")
}

fn line(field: &Field, script: &Script) -> String {
    script.fit(&format!("{}: {}", field.name, field.value), LINE_MAX)
}

/// A link that was cut would lead elsewhere.
fn link(message: &Message, script: &Script) -> Option<String> {
    let link = message.link.as_ref()?;
    Some(script.fit(&format!("{}: {}", link.label, link.url), usize::MAX))
}
