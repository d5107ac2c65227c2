//! Runs a world to its end.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use hookpost::backend::History;
use hookpost::event::{EventError, NewEvent};
use hookpost::history::{PageAfter, Selection};
use hookpost::id::{EndpointId, ReplayId, TenantId};
use hookpost::testing::{Behaviour, Reply};
use hookpost::webhooks::{PublishError, Webhooks};

use super::invariants::Evidence;
use super::machine::{Ground, Machine};
use super::signal::Signal;
use super::trace::{Command, What};
use super::watch::watch;
use super::world::{Deed, Parcel, Site, World};

/// How long after healing a world may still have pending deliveries.
pub(super) const DRAIN: Duration = Duration::from_secs(4 * 3600);
/// How often a command is asked again that was not answered.
const TRIES: usize = 20;
/// A publisher is more patient: some machine comes back.
const PUBLISHES: usize = 250;

/// Runs a world and collects what is to be checked. It needs a current-thread runtime with
/// paused time.
///
/// # Panics
/// If a part of the world cannot be built.
pub(super) async fn play(world: World) -> Evidence {
    let ground = Arc::new(Ground::lay(world).await);
    let start = Instant::now();
    let healed = set_moods(&ground, start);
    let shutdown = Arc::new(Signal::default());
    let machines: Arc<[Arc<Machine>]> =
        (0..ground.world.machines).map(|number| Arc::new(Machine::new(number, &ground))).collect();
    let mut lives = JoinSet::new();
    for machine in machines.iter() {
        lives.spawn(Arc::clone(machine).live(Arc::clone(&shutdown)));
    }
    let watching = tokio::spawn(watch(Arc::clone(&ground)));
    let mut deeds = JoinSet::new();
    for (number, (at, deed)) in ground.world.script.iter().cloned().enumerate() {
        sleep_until(start + at).await;
        deeds.spawn(Hand { number, ground: Arc::clone(&ground), machines: Arc::clone(&machines) }.act(deed));
    }
    sleep_until(start + ground.world.heal_at).await;
    healed.store(true, Ordering::SeqCst);
    machines.iter().for_each(|machine| machine.heal());
    ground.damage.repair();
    ground.trace.note("world", What::Healed);
    while deeds.join_next().await.is_some() {}
    Hand { number: usize::MAX, ground: Arc::clone(&ground), machines: Arc::clone(&machines) }
        .set_right()
        .await;
    drain(&ground, Instant::now() + DRAIN).await;
    watching.abort();
    shutdown.raise();
    while lives.join_next().await.is_some() {}
    Evidence::gather(&ground).await
}

/// Gives every receiver its mood, until the switch that this returns.
fn set_moods(ground: &Ground, start: Instant) -> Arc<AtomicBool> {
    let healed = Arc::new(AtomicBool::new(false));
    for (number, site) in ground.world.sites.iter().enumerate() {
        let (mood, healed) = (site.mood, Arc::clone(&healed));
        let seed = ground.world.seed.wrapping_add(number as u64);
        let behaviour = Behaviour::seeded(seed, move |random, _, before| {
            let healed = healed.load(Ordering::SeqCst);
            if healed { Reply::ok() } else { mood.reply(random, start.elapsed(), before) }
        });
        ground.transport.at(&site.url, behaviour);
    }
    healed
}

async fn drain(ground: &Ground, deadline: Instant) {
    while Instant::now() < deadline {
        let stats = ground.store.stats(None).await;
        if stats.is_ok_and(|stats| stats.pending == 0 && stats.unrouted == 0) {
            ground.trace.note("world", What::Drained);
            return;
        }
        sleep(Duration::from_secs(10)).await;
    }
}

/// A task that does one action.
struct Hand {
    number: usize,
    ground: Arc<Ground>,
    machines: Arc<[Arc<Machine>]>,
}

impl Hand {
    async fn act(self, deed: Deed) {
        match deed {
            Deed::Publish(parcel) => self.publish(parcel).await,
            Deed::Pause(site, later) => {
                self.command(Command::Pause, site).await;
                sleep(later).await;
                self.command(Command::Resume, site).await;
            }
            Deed::Disable(site, later) => {
                self.command(Command::Disable, site).await;
                sleep(later).await;
                self.command(Command::Enable, site).await;
            }
            Deed::Remove(site) => self.command(Command::Remove, site).await,
            Deed::Replay(site) => self.command(Command::Replay, site).await,
            Deed::Expedite(site) => self.command(Command::Expedite, site).await,
            Deed::Cancel(site) => self.command(Command::Cancel, site).await,
            Deed::Crash(machine, point, downtime) => {
                let machine = &self.machines[machine];
                machine.stay_down(downtime);
                if let Some(life) = machine.life() {
                    machine.note(What::Armed(point));
                    life.failpoints.crash_at(point);
                }
            }
            Deed::Freeze(machine, span) => {
                let machine = &self.machines[machine];
                if let Some(life) = machine.life() {
                    machine.note(What::Frozen(span));
                    life.failpoints.freeze(span);
                }
            }
            Deed::JumpAhead(by) => self.jump(seconds(by)),
            Deed::JumpBack(by) => self.jump(-seconds(by)),
            Deed::Skew(machine, by) => {
                let machine = &self.machines[machine];
                machine.skew(by);
                machine.note(What::Jumped(by));
            }
            Deed::Damage => {
                self.ground.damage.begin();
                self.note(What::Damaged);
            }
        }
    }

    /// All processes of one machine have one wall clock, unless they are skewed.
    fn jump(&self, by: i64) {
        self.machines.iter().for_each(|machine| machine.skew(by));
        self.note(What::Jumped(by));
    }

    /// Ends what operators left behind: pauses and disabled endpoints.
    async fn set_right(self) {
        for site in 0..self.ground.world.sites.len() {
            self.command(Command::Resume, site).await;
            self.command(Command::Enable, site).await;
        }
    }

    async fn publish(&self, parcel: Parcel) {
        let answer = self
            .ask(PUBLISHES, |webhooks| {
                let event = event(&parcel);
                async move {
                    match webhooks.publish(event?).await {
                        Ok(event) => Ok(Some(event)),
                        Err(PublishError::KeyReused { .. }) => Ok(None),
                        Err(error) => Err(error),
                    }
                }
            })
            .await;
        self.note(match answer {
            Some(Some(event)) => What::Accepted { parcel, event },
            Some(None) => What::Refused { parcel },
            None => What::Unanswered { parcel },
        });
    }

    async fn command(&self, command: Command, site: usize) {
        let Site { id, tenant, .. } = &self.ground.world.sites[site];
        let (Ok(id), Ok(tenant)) = (EndpointId::new(id), TenantId::new(tenant)) else { return };
        let replay = ReplayId::new(format!("replay-{}", self.number));
        self.note(What::Asked(command, id.clone()));
        let done = self
            .ask(TRIES, |webhooks| {
                let (id, tenant, replay) = (id.clone(), tenant.clone(), replay.clone());
                async move { carry_out(&webhooks, command, &tenant, &id, replay.ok()).await.ok_or(()) }
            })
            .await;
        self.note(if done.is_some() { What::Done(command, id) } else { What::Doubtful(command, id) });
    }

    /// Asks one living machine after the other, until one answers.
    async fn ask<T, E, F>(&self, tries: usize, mut what: impl FnMut(Webhooks) -> F) -> Option<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        for attempt in 0..tries {
            let machine = &self.machines[self.number.wrapping_add(attempt) % self.machines.len()];
            if let Some(life) = machine.life()
                && let Some(Ok(answer)) = life.ask(&mut what).await
            {
                return Some(answer);
            }
            sleep(Duration::from_millis(700)).await;
        }
        None
    }

    fn note(&self, what: What) {
        self.ground.trace.note("somebody", what);
    }
}

fn event(parcel: &Parcel) -> Result<NewEvent, EventError> {
    let mut event = NewEvent::json(&parcel.tenant, &parcel.kind, parcel.payload.clone())?.id(&parcel.id)?;
    if let Some(key) = &parcel.key {
        event = event.idempotency_key(key)?;
    }
    match &parcel.order {
        Some(key) => event.ordering_key(key),
        None => Ok(event),
    }
}

/// `None` when it was refused or not answered.
async fn carry_out(
    webhooks: &Webhooks,
    command: Command,
    tenant: &TenantId,
    id: &EndpointId,
    replay: Option<ReplayId>,
) -> Option<()> {
    let selection = Selection { endpoint: Some(id.clone()), ..Selection::default() };
    let page = PageAfter::first(10_000);
    match command {
        Command::Pause => webhooks.pause(tenant, id).await.ok(),
        Command::Resume => webhooks.resume(tenant, id).await.ok(),
        Command::Disable => webhooks.disable(tenant, id).await.ok().map(drop),
        Command::Enable => webhooks.enable(tenant, id).await.ok().map(drop),
        Command::Remove => webhooks.remove(tenant, id).await.ok().map(drop),
        Command::Replay => webhooks.replay(tenant, replay?, selection, page).await.ok().map(drop),
        Command::Expedite => webhooks.expedite(tenant, &selection, page).await.ok().map(drop),
        Command::Cancel => webhooks.cancel(tenant, &selection, page).await.ok().map(drop),
    }
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}
