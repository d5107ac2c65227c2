//! The tutorial's three applications. LiveChat guarantees neither the order of webhooks nor
//! that each arrives only once, and gives deliveries no id. Therefore each application only
//! adds to what it has stored, by keys in the payload, and derives its results from
//! everything stored: they are the same after any order and any number of repetitions.

use std::collections::{BTreeMap, BTreeSet};

use hookpost::systems::live_chat::payload::{LiveChatBody, Payload};

/// Collects whoever begins a chat, for a marketing list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VisitorList {
    emails: BTreeMap<String, Option<String>>,
}

impl VisitorList {
    pub fn hears(&mut self, webhook: &LiveChatBody) {
        if let Payload::IncomingChat { chat } = &webhook.payload {
            let customers = chat.users.iter().filter(|user| user.is_customer());
            self.emails.extend(customers.map(|user| (user.id.clone(), user.email.clone())));
        }
    }

    /// Each visitor with its e-mail address, where one was given.
    pub fn visitors(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.emails.iter().map(|(id, email)| (id.as_str(), email.as_deref()))
    }
}

/// Knows who waits in the queue, to offer a game meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueDetector {
    queued: BTreeMap<String, u64>,
    ended: BTreeSet<String>,
}

impl QueueDetector {
    pub fn hears(&mut self, webhook: &LiveChatBody) {
        match &webhook.payload {
            Payload::IncomingChat { chat } => {
                let thread = chat.thread.as_ref();
                let place = thread.and_then(|thread| Some((thread.id.clone(), thread.queue.as_ref()?)));
                self.queued.extend(place.map(|(thread, queue)| (thread, queue.position)));
            }
            Payload::ChatDeactivated { thread_id, .. } => {
                self.ended.insert(thread_id.clone());
            }
            _ => {}
        }
    }

    /// At which place a thread's customer landed in the queue.
    pub fn landed_at(&self, thread: &str) -> Option<u64> {
        self.queued.get(thread).copied()
    }

    /// Whether it still waits there.
    pub fn waits(&self, thread: &str) -> bool {
        self.queued.contains_key(thread) && !self.ended.contains(thread)
    }
}

/// Tags a chat when it has ended, by the words that were said in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tagger {
    threads: BTreeMap<String, Said>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Said {
    /// By the event's id, so that what comes twice is there once.
    texts: BTreeMap<String, String>,
    ended: bool,
}

impl Tagger {
    /// What tags a thread, and the words that bring it.
    const TAGS: [(&str, [&str; 2]); 2] =
        [("refund", ["refund", "money back"]), ("greeting", ["hello", "good morning"])];

    pub fn hears(&mut self, webhook: &LiveChatBody) {
        match &webhook.payload {
            Payload::IncomingChat { chat } => {
                if let Some(thread) = &chat.thread {
                    let texts =
                        thread.events.iter().filter_map(|event| Some((event.id.clone(), event.text()?)));
                    let texts = texts.map(|(id, text)| (id, text.to_lowercase()));
                    self.thread(&thread.id).texts.extend(texts);
                }
            }
            Payload::Event { thread_id: Some(thread), event, .. } => {
                if let Some(text) = event.text() {
                    self.thread(thread).texts.insert(event.id.clone(), text.to_lowercase());
                }
            }
            Payload::ChatDeactivated { thread_id, .. } => self.thread(thread_id).ended = true,
            _ => {}
        }
    }

    /// The tags of a thread; none while it goes on.
    pub fn tags(&self, thread: &str) -> Vec<&'static str> {
        let Some(said) = self.threads.get(thread).filter(|said| said.ended) else { return Vec::new() };
        let is_said = |word: &&str| said.texts.values().any(|text| text.contains(*word));
        Self::TAGS.into_iter().filter(|(_, words)| words.iter().any(is_said)).map(|(tag, _)| tag).collect()
    }

    fn thread(&mut self, id: &str) -> &mut Said {
        self.threads.entry(id.to_owned()).or_default()
    }
}

/// All three, as they would listen at three URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apps {
    pub visitors: VisitorList,
    pub queue: QueueDetector,
    pub tagger: Tagger,
}

impl Apps {
    pub fn hears(&mut self, webhook: &LiveChatBody) {
        self.visitors.hears(webhook);
        self.queue.hears(webhook);
        self.tagger.hears(webhook);
    }

    /// What they know after these.
    pub fn after<'a>(webhooks: impl IntoIterator<Item = &'a LiveChatBody>) -> Self {
        let mut apps = Self::default();
        webhooks.into_iter().for_each(|webhook| apps.hears(webhook));
        apps
    }
}
