//! The HTTP APIs that systems have for their webhooks, as functions from request to
//! response: a host calls them from whatever server it has. So far there is LiveChat's.

pub mod live_chat;
