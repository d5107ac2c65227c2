//! Random histories of calls, made on the memory store and on the store under test alike. Every
//! answer must be the same, and so must the contents at the end. That is possible because
//! stores do not read a clock or create ids.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Clock};
use crate::delivery::{
    CancelReason, Claim, Claims, EventClaim, FailReason, Gate, GateChange, Route, Settlement,
};
use crate::event::Event;
use crate::history::{Class, PageAfter, Replay, Selection, StateFilter};
use crate::id::{DeliveryId, EndpointId, ReplayId};
use crate::policy::failing::Failing;
use crate::policy::lane::{Health, Lane, LaneChange};
use crate::stores::memory::MemoryStore;
use crate::time::Timestamp;

use super::scene::{
    Draft, Scene, at, deferred, delivered, demand, draft, endpoint, given_up, holds, host_of, released,
    retried, route, routed, same, tenant,
};
use super::{Breach, CaseResult};

const TENANTS: [&str; 2] = ["acme", "other"];
const NARROW: u32 = 2;
const WIDE: u32 = 1000;

pub async fn random_histories_end_as_in_the_memory_store(fresh: Arc<dyn Backend>) -> CaseResult {
    history(7, 400, fresh).await
}

/// Runs one random history with that many steps. Only the seed determines it.
///
/// # Errors
/// The step after which the two stores differed, and the difference.
pub async fn history(seed: u64, steps: usize, fresh: Arc<dyn Backend>) -> CaseResult {
    let mut history = History::of(seed, fresh);
    for step in 0..steps {
        let told = |breach| Breach::new(format!("seed {seed}, step {step}: {breach}"));
        history.step().await.map_err(told)?;
    }
    history.compare_all().await.map_err(|breach| Breach::new(format!("seed {seed}, at the end: {breach}")))
}

/// The clock of the memory store. No case reads it.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        at(0)
    }
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

struct History {
    model: Scene,
    subject: Scene,
    random: fastrand::Rng,
    now: Timestamp,
    published: u32,
    replays: u32,
    claims: Vec<Claim>,
    events: Vec<EventClaim>,
    /// Each lane as the last claim returned it, from the model and from the store under test:
    /// each store has its own versions.
    lanes: BTreeMap<EndpointId, (Lane, Lane)>,
}

impl History {
    fn of(seed: u64, fresh: Arc<dyn Backend>) -> Self {
        Self {
            model: Scene::on(Arc::new(MemoryStore::with_clock(NoClock))),
            subject: Scene::on(fresh),
            random: fastrand::Rng::with_seed(seed),
            now: at(0),
            published: 0,
            replays: 0,
            claims: Vec::new(),
            events: Vec::new(),
            lanes: BTreeMap::new(),
        }
    }

    async fn step(&mut self) -> CaseResult {
        self.now = self.now + Duration::from_millis(self.random.u64(0..3000));
        match self.random.u8(0..20) {
            0..=4 => self.publish().await,
            5..=9 => self.claim().await,
            10..=14 => self.settle().await,
            15..=16 => self.route().await,
            17 => self.gate().await,
            18 => self.ask_again().await,
            _ => self.prune().await,
        }
    }

    async fn publish(&mut self) -> CaseResult {
        let mut publishes = Vec::new();
        for _ in 0..self.random.usize(1..4) {
            publishes.push(self.draft()?.publish());
        }
        let (model, _) = self.model.publish(&publishes, None, self.now).await?;
        let (subject, _) = self.subject.publish(&publishes, None, self.now).await?;
        same("the answers to a publish", subject, model)
    }

    fn draft(&mut self) -> Result<Draft, Breach> {
        // Sometimes an id is repeated, with the same content or with different content.
        let number = if self.published > 0 && self.random.u8(0..6) == 0 {
            self.random.u32(0..self.published)
        } else {
            self.published += 1;
            self.published
        };
        let mut draft = draft(&format!("e{number}"))?.of(self.random.choice(TENANTS).unwrap_or("acme"))?;
        draft.event.created_at = self.now;
        if self.random.u8(0..4) == 0 {
            draft = draft.once(&format!("i{}", self.random.u8(0..20)))?;
        }
        if self.random.u8(0..3) == 0 {
            draft = draft.keyed(&format!("k{}", self.random.u8(0..4)))?;
        }
        if self.random.u8(0..5) == 0 {
            draft.event.not_before = Some(self.now + Duration::from_secs(self.random.u64(0..20)));
        }
        if self.random.bool() {
            draft.routes = Some(self.routes(&draft.event)?);
        }
        Ok(draft)
    }

    /// Events with an ordering key go to a wide lane that has no other events: due deliveries of
    /// one key have an order of their own, so no cap may depend on it.
    fn routes(&mut self, event: &Event) -> Result<Vec<Route>, Breach> {
        let of = &event.tenant;
        if event.ordering_key.is_some() {
            return Ok(vec![Route { width: WIDE, ..route(event, &format!("{of}-wide"))? }]);
        }
        let mut routes = Vec::new();
        for number in 0..3 {
            if self.random.bool() {
                routes.push(Route { width: NARROW, ..route(event, &format!("{of}-{number}"))? });
            }
        }
        Ok(routes)
    }

    async fn claim(&mut self) -> CaseResult {
        let mut request = self.model.request(self.now);
        request.lease_until = self.now + Duration::from_secs(self.random.u64(1..40));
        if self.random.u8(0..4) == 0 {
            holds(&mut request, tenant("other")?, usize::MAX);
        }
        let model = self.model.claim(&request).await?;
        let subject = self.subject.claim(&request).await?;
        same("claimed deliveries", facts_of_work(&subject), facts_of_work(&model))?;
        same("claimed events", facts_of_events(&subject), facts_of_events(&model))?;
        self.keep_lanes(&model, &subject)?;
        if let Some(next) = model.next_due
            && model.work.is_empty()
            && request.shares.in_flight.is_empty()
        {
            let due = subject.next_due;
            demand!(due.is_some_and(|due| due <= next), "next due is {due:?}, something is due at {next}");
        }
        self.claims.extend(model.work);
        self.events.extend(model.events);
        Ok(())
    }

    fn keep_lanes(&mut self, model: &Claims, subject: &Claims) -> CaseResult {
        let by_name = |claims: &Claims| -> BTreeMap<_, _> {
            claims.lanes.iter().map(|lane| (lane.endpoint.clone(), lane.clone())).collect()
        };
        let (model, mut subject) = (by_name(model), by_name(subject));
        same("claimed lanes", subject.keys().collect::<Vec<_>>(), model.keys().collect::<Vec<_>>())?;
        let facts =
            |lane: &Lane| (lane.width, lane.proven, lane.streak, lane.failing, lane.catch_up, lane.paused);
        for (endpoint, lane) in model {
            let Some(other) = subject.remove(&endpoint) else { continue };
            same(&format!("the lane {endpoint}"), facts(&other), facts(&lane))?;
            self.lanes.insert(endpoint, (lane, other));
        }
        Ok(())
    }

    async fn settle(&mut self) -> CaseResult {
        let (mut settlements, mut of_model, mut of_subject) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.random.usize(1..5) {
            if self.claims.is_empty() {
                break;
            }
            let at = self.random.usize(0..self.claims.len());
            // Some claims are kept, so that they are settled twice, or too late.
            let claim =
                if self.random.u8(0..4) == 0 { self.claims[at].clone() } else { self.claims.swap_remove(at) };
            let settlement = self.settlement(&claim);
            if settlements.iter().any(|other: &Settlement| other.of == settlement.of) {
                continue;
            }
            let success = settlement.attempt.as_ref().map(|attempt| attempt.success);
            if let (Some(success), Some((model, subject))) = (success, self.lanes.get(&claim.endpoint)) {
                let change = change_of(model, success, self.now);
                of_subject.push(LaneChange { seen: subject.version, ..change.clone() });
                of_model.push(change);
            }
            settlements.push(settlement);
        }
        let (model, _) = self.model.settle(&settlements, &of_model, self.now).await?;
        let (subject, _) = self.subject.settle(&settlements, &of_subject, self.now).await?;
        same("the answers to a settle", subject, model)
    }

    fn settlement(&mut self, claim: &Claim) -> Settlement {
        let later = self.now + Duration::from_secs(self.random.u64(0..30));
        match self.random.u8(0..10) {
            0..=3 => delivered(claim, self.now),
            4..=5 => retried(claim, later, self.now),
            6 => given_up(claim, FailReason::Exhausted, self.now),
            7 => deferred(claim, later, self.now),
            _ => released(claim, self.now),
        }
    }

    async fn route(&mut self) -> CaseResult {
        if self.events.is_empty() {
            return Ok(());
        }
        let at = self.random.usize(0..self.events.len());
        let claim =
            if self.random.u8(0..4) == 0 { self.events[at].clone() } else { self.events.swap_remove(at) };
        let more = (self.random.u8(0..4) == 0).then_some("middle");
        let mut settlement = routed(&claim, &[], more, self.now)?;
        match &mut settlement.next {
            next if self.random.u8(0..6) == 0 => *next = crate::delivery::Next::Release,
            crate::delivery::Next::Routed { routes, .. } => *routes = self.routes(&claim.event)?,
            _ => {}
        }
        let (model, _) = self.model.settle(std::slice::from_ref(&settlement), &[], self.now).await?;
        let (subject, _) = self.subject.settle(&[settlement], &[], self.now).await?;
        same("the answer to a routing", subject, model)
    }

    async fn gate(&mut self) -> CaseResult {
        let of = self.random.choice(TENANTS).unwrap_or("acme");
        let until = self.now + Duration::from_secs(self.random.u64(0..15));
        let hold = if self.random.bool() { GateChange::Hold(until) } else { GateChange::Lift };
        let pause = if self.random.u8(0..3) == 0 { GateChange::Pause } else { GateChange::Resume };
        let change = if self.random.bool() { hold } else { pause };
        let name = format!("{of}-{}", self.random.u8(0..3));
        let gate = match self.random.u8(0..3) {
            0 => (Gate::Tenant(tenant(of)?), change),
            1 => (Gate::Host(host_of(&name)?), hold),
            _ => (Gate::Lane(endpoint(&name)?), change),
        };
        let model = self.model.gate(std::slice::from_ref(&gate), self.now).await;
        let subject = self.subject.gate(std::slice::from_ref(&gate), self.now).await;
        let kind = |result: Result<(), crate::error::StoreError>| result.err().map(|error| error.kind());
        same(&format!("the answer to {gate:?}"), kind(subject), kind(model))
    }

    async fn ask_again(&mut self) -> CaseResult {
        let of = tenant(self.random.choice(TENANTS).unwrap_or("acme"))?;
        let name = format!("{of}-{}", self.random.u8(0..3));
        let states = [StateFilter::Pending, StateFilter::Failed(None), StateFilter::Delivered];
        let selection = Selection {
            endpoint: self.random.bool().then(|| endpoint(&name)).transpose()?,
            state: self.random.choice(states),
            since: Some(self.now - Duration::from_secs(self.random.u64(0..60))),
            ..Selection::default()
        };
        let now = self.now;
        let kind = self.random.u8(0..3);
        self.replays += 1;
        let asked = Replay {
            id: ReplayId::new(format!("r{}", self.replays))?,
            tenant: of.clone(),
            selection: selection.clone(),
            due_at: now + Duration::from_secs(2),
            now,
        };
        let mut answers = Vec::new();
        for store in [&self.model, &self.subject] {
            let (mut deliveries, mut page) = (Vec::new(), PageAfter::first(1000));
            loop {
                let answer = match kind {
                    0 => store.replay(&asked, page).await?,
                    1 => store.expedite(&of, &selection, now, page).await?,
                    _ => store.cancel(&of, &selection, CancelReason::ByHost, now, page).await?,
                };
                deliveries.extend(answer.deliveries);
                page.after = answer.more_after;
                if page.after.is_none() {
                    break;
                }
            }
            deliveries.sort();
            answers.push(deliveries);
        }
        let what = ["replayed", "expedited", "cancelled"][usize::from(kind)];
        same(what, &answers[1], &answers[0])
    }

    async fn prune(&mut self) -> CaseResult {
        let before = self.now - Duration::from_secs(self.random.u64(30..200));
        let classes = [Class::Delivered, Class::Failed, Class::Cancelled, Class::Unmatched];
        let classes = classes.map(|class| (class, before));
        let model = self.model.prune(&classes, 100_000).await?;
        same("more to prune", self.subject.prune(&classes, 100_000).await?, model)
    }

    async fn compare_all(&self) -> CaseResult {
        for of in TENANTS {
            let model = self.model.all(of, Selection::default()).await?;
            let subject = self.subject.all(of, Selection::default()).await?;
            each_same("deliveries", subject, model.clone())?;
            let of = tenant(of)?;
            for delivery in &model {
                let log = self.model.attempts(&of, &delivery.id).await?;
                same("a log", self.subject.attempts(&of, &delivery.id).await?, log)?;
                let event = self.model.event(&of, &delivery.event).await?;
                same("an event", self.subject.event(&of, &delivery.event).await?, event)?;
            }
            let stats = self.model.stats(Some(&of)).await?;
            same("the counts", self.subject.stats(Some(&of)).await?, stats)?;
            for lane in ["0", "1", "2", "wide"] {
                let name = endpoint(&format!("{of}-{lane}"))?;
                let queue = self.model.queue(&of, &name, self.now).await?;
                same("a queue", self.subject.queue(&of, &name, self.now).await?, queue)?;
            }
        }
        Ok(())
    }
}

/// The change that a response makes to a lane: three failures in a row narrow it.
fn change_of(lane: &Lane, success: bool, now: Timestamp) -> LaneChange {
    let full = if lane.endpoint.as_str().ends_with("wide") { WIDE } else { NARROW };
    let nothing = LaneChange { raise: None, ..lane.hold(now) };
    if success {
        return lane.after_success(full, now, Some(Duration::from_secs(2))).unwrap_or(nothing);
    }
    let streak = lane.streak + 1;
    let health = Health {
        width: if streak > 2 { 1 } else { lane.width },
        proven: false,
        streak,
        failing: Some(lane.failing.map_or(Failing::first(now), |failing| failing.again(now))),
        catch_up: lane.catch_up,
        ends_hold: None,
    };
    let raise = (streak > 2).then(|| now + Duration::from_secs(3));
    LaneChange { raise, health: Some(health), ..nothing }
}

/// What a claim returned for each delivery, in the order of ids: stores may serve their lanes
/// in different orders.
fn facts_of_work(claims: &Claims) -> BTreeMap<DeliveryId, String> {
    let facts = |claim: &Claim| {
        let Claim { event, endpoint, round, token, lease_until, due_at, born_at, .. } = claim;
        let progress = (claim.first_attempt_at, claim.attempts, claim.silent, claim.silent_alone);
        let marks = (claim.lapsed, claim.test);
        format!(
            "{}>{endpoint} {round:?} {token:?} {due_at}..{lease_until} {born_at} {progress:?} {marks:?}",
            event.id
        )
    };
    claims.work.iter().map(|claim| (claim.delivery, facts(claim))).collect()
}

fn facts_of_events(claims: &Claims) -> BTreeMap<String, String> {
    let facts = |claim: &EventClaim| {
        let name = format!("{}/{}", claim.event.tenant, claim.event.id);
        (name, format!("{:?} {:?} {}", claim.after, claim.token, claim.lease_until))
    };
    claims.events.iter().map(facts).collect()
}

fn each_same<T: PartialEq + Debug>(what: &str, subject: Vec<T>, model: Vec<T>) -> CaseResult {
    same(&format!("how many {what}"), subject.len(), model.len())?;
    for (subject, model) in subject.into_iter().zip(model) {
        same(what, subject, model)?;
    }
    Ok(())
}
