//! The history of a tenant: reading, replaying, expediting and cancelling deliveries.

use std::ops::Bound::{self, Excluded, Included};
use std::sync::Arc;

use crate::delivery::{CancelReason, Delivery, Route, State as Standing};
use crate::event::Event;
use crate::history::{
    AttemptLog, Class, DeliveryPage, DeliveryQuery, LaneStatus, PageAfter, Replay, Replayed, Selection,
    StateFilter, Stats,
};
use crate::id::{DeliveryId, EndpointId, EventId, Round, TenantId};
use crate::policy::lane::Lane;
use crate::time::Timestamp;

use super::deliveries::{Phase, Row};
use super::state::State;

/// The most deliveries that one page examines, whatever its limit. If few are selected, a page
/// examines more than it returns, and all other calls wait for the store's only lock meanwhile.
const LOOKS_MAX: usize = 1_000;

/// The deliveries of one page that match a selection.
struct Page {
    fitting: Vec<DeliveryId>,
    more_after: Option<DeliveryId>,
}

impl State {
    pub(super) fn event(&self, tenant: &TenantId, id: &EventId) -> Option<Arc<Event>> {
        self.events.get(&(tenant.clone(), id.clone())).map(|(event, _)| Arc::clone(event))
    }

    pub(super) fn page_of_deliveries(&self, query: &DeliveryQuery, page: PageAfter) -> DeliveryPage {
        let Page { fitting, more_after } = self.page(&query.tenant, &query.selection, page);
        let shown = |id: DeliveryId| self.deliveries.get(&id).map(|row| self.shown(id, row));
        let deliveries = fitting.into_iter().filter_map(shown).collect();
        DeliveryPage { deliveries, more_after, ..DeliveryPage::default() }
    }

    pub(super) fn attempts(&self, tenant: &TenantId, id: &DeliveryId) -> Option<AttemptLog> {
        let row = self.deliveries.get(id).filter(|row| row.event.tenant == *tenant)?;
        Some(row.log.as_deref().cloned().unwrap_or_default())
    }

    pub(super) fn replay(&mut self, replay: &Replay, page: PageAfter) -> Replayed {
        let Page { fitting, more_after } = self.page(&replay.tenant, &replay.selection, page);
        let round = Round::Replay(replay.id.clone());
        let born = self.events.next_place();
        let mut deliveries = Vec::new();
        for id in fitting {
            let Some(row) = self.deliveries.get(&id) else { continue };
            if row.test || row.round == round {
                continue;
            }
            let (event, sequence, lane_no) = (Arc::clone(&row.event), row.sequence, row.lane);
            let lane = &self.lanes.row(lane_no).lane;
            let route = Route {
                delivery: DeliveryId::derive(
                    &event.tenant,
                    &event.id,
                    event.created_at,
                    &lane.endpoint,
                    &round,
                ),
                endpoint: lane.endpoint.clone(),
                registration: 0,
                host: lane.host.clone(),
                width: lane.width,
                round: round.clone(),
                due_at: replay.due_at,
                born_at: replay.now,
                test: false,
            };
            if self.add_delivery(&event, sequence, born, lane_no, &route, replay.now) {
                self.events.gained(&event, 1, false);
                deliveries.push(route.delivery);
            }
        }
        Replayed { deliveries, more_after }
    }

    pub(super) fn expedite(
        &mut self,
        tenant: &TenantId,
        selection: &Selection,
        now: Timestamp,
        page: PageAfter,
    ) -> Replayed {
        let Page { mut fitting, more_after } = self.page(tenant, selection, page);
        fitting.retain(|id| {
            self.deliveries
                .get(id)
                .and_then(|row| Some((row.due_at()?, row.lease().is_none())))
                .is_some_and(|(due_at, waits)| waits || due_at <= now)
        });
        for &id in &fitting {
            let sooner = self.update(id, |row| {
                if let Phase::Waiting { due_at } = row.phase {
                    row.phase = Phase::Waiting { due_at: due_at.min(now) };
                }
            });
            if let Some(lane) = sooner.map(|(row, _)| row.lane) {
                self.lanes.set_gate(lane, now, Lane::end_hold);
            }
        }
        Replayed { deliveries: fitting, more_after }
    }

    pub(super) fn cancel(
        &mut self,
        tenant: &TenantId,
        selection: &Selection,
        reason: CancelReason,
        now: Timestamp,
        page: PageAfter,
    ) -> Replayed {
        let Page { mut fitting, more_after } = self.page(tenant, selection, page);
        fitting.retain(|id| {
            self.deliveries.get_mut(id).is_some_and(|row| {
                let is_under_way = row.lease().is_some_and(|lease| lease.until > now);
                let left_to_its_answer = is_under_way && reason == CancelReason::EndpointRemoved;
                row.is_orphaned |= left_to_its_answer;
                row.is_pending() && !left_to_its_answer
            })
        });
        for &id in &fitting {
            self.end(id, Standing::Cancelled(reason), now, now);
        }
        Replayed { deliveries: fitting, more_after }
    }

    pub(super) fn stats(&self, tenant: Option<&TenantId>) -> Stats {
        let mut stats = Stats { unrouted: self.unrouted.count(tenant), ..Stats::default() };
        let of_tenants = self.deliveries.tenants.iter().filter(|(name, _)| tenant.is_none_or(|t| t == *name));
        for (_, of_tenant) in of_tenants {
            let count = |class| of_tenant.terminal.get(&class).copied().unwrap_or(0);
            stats.delivered += count(Class::Delivered);
            stats.failed += count(Class::Failed);
            stats.cancelled += count(Class::Cancelled);
            stats.pending += of_tenant.ids.len() as u64 - of_tenant.terminal.values().sum::<u64>();
        }
        let lanes = self.lanes.iter().filter(|(_, row)| tenant.is_none_or(|t| *t == row.lane.tenant));
        stats.oldest_due = lanes.filter_map(|(_, row)| row.due.first()).min();
        stats
    }

    pub(super) fn queue(&self, tenant: &TenantId, id: &EndpointId, now: Timestamp) -> Option<LaneStatus> {
        let endpoint = self.endpoints.get(id);
        let row = self.lanes.number(id).map(|lane| self.lanes.row(lane));
        let owner = endpoint.map(|endpoint| &endpoint.tenant).or(row.map(|row| &row.lane.tenant));
        if owner != Some(tenant) {
            return None;
        }
        let lane = row.map(|row| row.lane.clone()).or_else(|| {
            let host = endpoint?.url.host().clone();
            Some(Lane::new(id.clone(), tenant.clone(), host, self.endpoints.width(id)))
        })?;
        let mut queue = LaneStatus::of(&lane, self.lanes.gates.over(&lane), now);
        queue.disabled = self.endpoints.disabled(id);
        queue.oldest_due = row.and_then(|row| row.due.first());
        Some(queue)
    }

    /// Examines one page of a tenant's deliveries: those with the ids that the selection contains,
    /// or else the next ones in order.
    fn page(&self, tenant: &TenantId, selection: &Selection, page: PageAfter) -> Page {
        let nothing = Page { fitting: Vec::new(), more_after: None };
        let Some(of_tenant) = self.deliveries.tenants.get(tenant) else { return nothing };
        let Some((first, last)) = self.range(tenant, selection) else { return nothing };
        let limit = page.limit.clamp(1, LOOKS_MAX);
        let in_page = |id: &DeliveryId| page.after.is_none_or(|after| *id > after);
        let looked: Box<dyn Iterator<Item = DeliveryId>> = if let Some(ids) = &selection.ids {
            let mut ids: Vec<_> = ids.iter().filter(|id| in_page(id)).copied().collect();
            ids.sort_unstable();
            ids.dedup();
            // An id that does not exist counts as examined too.
            Box::new(ids.into_iter())
        } else {
            let start: Bound<DeliveryId> = match page.after {
                Some(after) if after >= first => Excluded(after),
                _ => Included(first),
            };
            if page.after.is_some_and(|after| after >= last) {
                return nothing;
            }
            Box::new(of_tenant.ids.range((start, Included(last))).copied())
        };
        let fits = |id: &DeliveryId| {
            of_tenant.ids.contains(id)
                && self.deliveries.get(id).is_some_and(|row| fits(selection, &self.shown(*id, row), row))
        };
        let mut found = Page { fitting: Vec::new(), more_after: None };
        let mut last = None;
        for (looks, id) in looked.enumerate() {
            if found.fitting.len() == limit || looks == LOOKS_MAX {
                found.more_after = last;
                break;
            }
            last = Some(id);
            if fits(&id) {
                found.fitting.push(id);
            }
        }
        found
    }

    /// The range of ids that contains all matches: an id begins with the milliseconds of its
    /// event's creation.
    fn range(&self, tenant: &TenantId, selection: &Selection) -> Option<(DeliveryId, DeliveryId)> {
        let (mut first, mut last) = ([0; 16], [0xff; 16]);
        if let Some(event) = &selection.event {
            let (event, _) = self.events.get(&(tenant.clone(), event.clone()))?;
            first[..6].copy_from_slice(&DeliveryId::first_bytes(event.created_at));
            last[..6].copy_from_slice(&DeliveryId::first_bytes(event.created_at));
        } else {
            if let Some(since) = selection.since {
                first[..6].copy_from_slice(&DeliveryId::first_bytes(since));
            }
            if let Some(until) = selection.until {
                last[..6].copy_from_slice(&DeliveryId::first_bytes(until));
            }
        }
        let (first, last) = (DeliveryId::from_bytes(first), DeliveryId::from_bytes(last));
        (first <= last).then_some((first, last))
    }
}

fn fits(selection: &Selection, delivery: &Delivery, row: &Row) -> bool {
    let Selection { ids: _, event: of, endpoint, state, since, until, born_before } = selection;
    let created_at = row.event.created_at;
    of.as_ref().is_none_or(|of| *of == delivery.event)
        && endpoint.as_ref().is_none_or(|endpoint| *endpoint == delivery.endpoint)
        && state.is_none_or(|state| is_in(state, delivery.state))
        && since.is_none_or(|since| created_at >= since)
        && until.is_none_or(|until| created_at < until)
        && born_before.is_none_or(|place| row.born < place)
}

fn is_in(filter: StateFilter, state: Standing) -> bool {
    match (filter, state) {
        (StateFilter::Pending, Standing::Pending) | (StateFilter::Delivered, Standing::Delivered { .. }) => {
            true
        }
        (StateFilter::Failed(wanted), Standing::Failed(reason)) => {
            wanted.is_none_or(|wanted| wanted == reason)
        }
        (StateFilter::Cancelled(wanted), Standing::Cancelled(reason)) => {
            wanted.is_none_or(|wanted| wanted == reason)
        }
        _ => false,
    }
}
