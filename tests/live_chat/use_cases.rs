//! The tutorial's three applications, in every order.

use std::sync::Arc;

use hookpost::Webhooks;
use hookpost::policy::egress::AddressPolicy;
use hookpost::stores::memory::MemoryStore;
use hookpost::systems::live_chat::payload::LiveChatBody;
use hookpost::transports::ReqwestTransport;

use super::scene::fixture;

#[allow(dead_code, unreachable_pub, reason = "the example uses all of it")]
#[path = "../../examples/live_chat_use_cases/apps.rs"]
mod apps;

use apps::Apps;

const THREAD: &str = "QX1THR01";

/// A façade over real sockets of this machine.
pub(crate) fn loopback() -> Webhooks {
    let addresses = AddressPolicy::public_only().danger_allow_loopback();
    let transport =
        ReqwestTransport::builder().addresses(addresses.clone()).plain_http_only().build().unwrap();
    let store = MemoryStore::new();
    Webhooks::builder(Arc::new(store), Arc::new(transport))
        .profiles(hookpost::Profile::systems())
        .addresses(addresses)
        .build()
        .unwrap()
}

fn story() -> [LiveChatBody; 3] {
    ["lc_02", "lc_03", "lc_07"].map(|start| LiveChatBody::read(&fixture(start)).unwrap())
}

#[test]
fn fc19_a_new_chat_puts_its_visitor_on_the_list() {
    let apps = Apps::after(&story()[..1]);
    assert_eq!(apps.visitors.visitors().collect::<Vec<_>>(), [("c-77", Some("iva@ex.test"))]);
}

#[test]
fn fc19_a_customer_in_the_queue_is_seen_at_place_4_until_the_chat_ends() {
    let [chat, event, end] = story();
    let waiting = Apps::after([&chat, &event]).queue;
    assert_eq!((waiting.landed_at(THREAD), waiting.waits(THREAD)), (Some(4), true));
    let ended = Apps::after([&chat, &event, &end]).queue;
    assert_eq!((ended.landed_at(THREAD), ended.waits(THREAD)), (Some(4), false));
}

#[test]
fn fc19_a_chat_is_tagged_when_it_has_ended() {
    let [chat, event, end] = story();
    assert_eq!(Apps::after([&chat, &event]).tagger.tags(THREAD), [""; 0]);
    assert_eq!(Apps::after([&chat, &end]).tagger.tags(THREAD), ["greeting"]);
    assert_eq!(Apps::after([&chat, &event, &end]).tagger.tags(THREAD), ["refund", "greeting"]);
}

proptest::proptest! {
    #[test]
    fn fc19_any_order_and_any_repetition_ends_in_the_same_state(order in proptest::collection::vec(0_usize..3, 0..20)) {
        let story = story();
        // Everything comes once at least, wherever the draw has put it.
        let shuffled = order.iter().chain(&[2, 0, 1]).map(|at| &story[*at]);
        proptest::prop_assert_eq!(Apps::after(shuffled), Apps::after(&story));
        let reversed = order.iter().rev().chain(&[1, 2, 0]).map(|at| &story[*at]);
        proptest::prop_assert_eq!(Apps::after(reversed), Apps::after(&story));
    }
}
