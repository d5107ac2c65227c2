//! The store returns what was written: every byte, every field, every microsecond.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::backend::Backend;
use crate::delivery::{Attempt, AttemptResult};
use crate::event::Event;
use crate::id::{EventType, IdempotencyKey, OrderingKey, Scope};
use crate::policy::outcome::{NotSent, Unknown};
use crate::time::Timestamp;

use super::CaseResult;
use super::scene::{Scene, TENANT, at, delivered, draft, retried, same, tenant, the_only};

const MIB: usize = 1 << 20;

pub async fn payloads_come_back_byte_for_byte(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(MIB).collect();
    let payloads: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("nul", b"a\0b\0\0"),
        ("not-utf-8", b"\xff\xfe\xc3\x28\xed\xa0\x80"),
        ("json-as-given", b" {\"b\":1.0,\"a\":1e400,\"a\":\"\\u0000\\ud800\"}\r\n"),
        ("byte-order-mark", b"\xef\xbb\xbf{}"),
        ("large", &large),
    ];
    for (id, payload) in payloads {
        let mut draft = draft(id)?;
        draft.event.payload = Bytes::copy_from_slice(payload);
        let event = draft.event.clone();
        scene.store([draft.to(&["one"])?]).await?;
        let claim = the_only(scene.claim_at(at(0)).await?.work)?;
        same(&format!("{id}: claimed intact"), claim.event.payload == payload, true)?;
        let read = scene.event(&tenant(TENANT)?, &event.id).await?;
        same(&format!("{id}: read intact"), read.as_deref() == Some(&event), true)?;
    }
    Ok(())
}

pub async fn every_field_of_an_event_comes_back(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let visible: String = (b'!'..=b'~').map(char::from).collect();
    let full = Event {
        kind: EventType::new("order.paid%_'\"\\")?,
        content_type: "text/plain; charset=utf-8".to_owned(),
        created_at: Timestamp::from_micros(1_800_000_000_123_457),
        scope: Some(Scope::new(&visible)?),
        idempotency_key: Some(IdempotencyKey::new(&visible)?),
        ordering_key: Some(OrderingKey::new(&visible)?),
        not_before: Some(Timestamp::from_micros(1_800_000_009_999_999)),
        expires_at: Some(Timestamp::from_micros(4_102_444_800_000_001)),
        trace: Some(format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16))),
        ..draft("e1")?.event
    };
    let long = "x".repeat(128);
    let mut plain = draft(&long)?.of(&long)?;
    plain.event.created_at = at(0);
    for event in [full, plain.event] {
        let draft = super::scene::Draft { event: event.clone(), routes: None };
        scene.offer(&[draft], at(0)).await?;
        let read = scene.event(&event.tenant, &event.id).await?;
        same("the event read", read.as_deref(), Some(&event))?;
        let claim = the_only(scene.claim_at(at(0)).await?.events)?;
        same("the event claimed", claim.event.as_ref(), &event)?;
    }
    Ok(())
}

pub async fn times_keep_their_microseconds(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let micros = |micros| Timestamp::from_micros(1_800_000_000_000_000_i64 + micros);
    let routed = draft("e1")?.created(micros(1)).to(&["one"])?.with_routes(|route| {
        (route.due_at, route.born_at) = (micros(3), micros(2));
    });
    scene.store([routed]).await?;
    let mut request = scene.request(micros(5));
    request.lease_until = micros(1_000_007);
    let claim = the_only(scene.claim(&request).await?.work)?;
    same("claimed", (claim.due_at, claim.born_at), (micros(3), micros(2)))?;
    same("leased", scene.delivery(claim.delivery).await?.due_at, Some(micros(1_000_007)))?;
    scene.apply([retried(&claim, micros(2_000_011), micros(9))]).await?;
    let shown = scene.delivery(claim.delivery).await?;
    same("tried", (shown.first_attempt_at, shown.due_at), (Some(micros(9)), Some(micros(2_000_011))))?;
    let claim = the_only(scene.claim_at(micros(2_000_011)).await?.work)?;
    scene.apply([delivered(&claim, micros(2_000_013))]).await?;
    let shown = scene.delivery(claim.delivery).await?;
    same("settled", (shown.settled_at, shown.born_at), (Some(micros(2_000_013)), micros(2)))
}

pub async fn what_came_back_is_recorded_byte_for_byte(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let results = [
        AttemptResult::Status(StatusCode::from_u16(200).unwrap_or_default()),
        AttemptResult::Status(StatusCode::from_u16(599).unwrap_or_default()),
        AttemptResult::NotSent(NotSent::Name),
        AttemptResult::NotSent(NotSent::Blocked),
        AttemptResult::NotSent(NotSent::Tls),
        AttemptResult::Unknown(Unknown::Timeout),
        AttemptResult::Unknown(Unknown::Reset),
    ];
    let mut claim = scene.leased("e1", "one").await?;
    let mut expected = Vec::new();
    for (second, result) in (1..).zip(results) {
        let attempt = Attempt {
            token: claim.token,
            began_at: at(second) + Duration::from_micros(1),
            took: Duration::from_micros(1_234_567),
            success: second % 2 == 0,
            body: Bytes::from_static(b"\0\xff<html>\xc3\x28\r\n"),
            result,
        };
        let mut settlement = retried(&claim, at(second), at(second));
        settlement.attempt = Some(attempt.clone());
        scene.apply([settlement]).await?;
        expected.push(attempt);
        claim = the_only(scene.claim_at(at(second)).await?.work)?;
    }
    let recorded = scene.log_of(claim.delivery).await?.attempts;
    same("the attempts", recorded.into_iter().map(|recorded| recorded.attempt).collect::<Vec<_>>(), expected)
}
