//! The store's time: it advances evenly whatever a wall clock shows. It follows a changed wall clock
//! if no other process contradicts it, and stored times then move with it. These cases need a store
//! that several processes can open; [`conformance_tests_of_time!`](crate::conformance_tests_of_time)
//! writes their tests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::{Backend, Clock};
use crate::delivery::{Gate, GateChange, Settled};
use crate::error::StoreErrorKind;
use crate::policy::rate::{Ask, Asker, Limit, LimitKey, LimitScope};
use crate::policy::timeline::{CONFIRMED_AFTER, Uptime};
use crate::time::Timestamp;

use super::scene::{
    LEASE, Scene, at, delivered, demand, draft, endpoint, host_of, lane, retried, same, set, tenant,
    the_only, work, work_set,
};
use super::{Breach, CaseResult};

const TWO_DAYS: i64 = 48 * 3600;
const STEP: u64 = 10;
const NOTHING: [String; 0] = [];

/// Opens one store repeatedly, each time as another process of the same machine, with a clock of
/// its own.
pub type Open = Arc<dyn Fn(Arc<dyn Clock>) -> Arc<dyn Backend> + Send + Sync>;

/// The clocks of a process. The monotonic clock is the machine's; it counts seconds.
struct Hands {
    machine: Arc<AtomicU64>,
    ahead: AtomicI64,
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands").finish_non_exhaustive()
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Relaxed);
        Timestamp::from_micros((at(ahead) + self.elapsed()).as_micros())
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.machine.load(Ordering::Relaxed))
    }

    fn uptime(&self) -> Option<Uptime> {
        Some(Uptime { boot: "the machine of the case".to_owned(), elapsed: self.elapsed() })
    }
}

/// A machine whose processes share a store.
struct Machine {
    second: Arc<AtomicU64>,
    open: Open,
}

struct Process {
    hands: Arc<Hands>,
    scene: Scene,
}

impl Machine {
    fn with(open: Open) -> Self {
        Self { second: Arc::new(AtomicU64::new(0)), open }
    }

    /// Starts a process whose wall clock is `ahead` seconds ahead.
    fn start(&self, ahead: i64) -> Process {
        let hands = Arc::new(Hands { machine: Arc::clone(&self.second), ahead: AtomicI64::new(ahead) });
        Process { scene: Scene::on((self.open)(hands.clone())), hands }
    }

    fn set(&self, second: u64) {
        self.second.store(second, Ordering::Relaxed);
    }

    /// Advances the machine's clock to `second`; these processes read the time every few seconds.
    async fn ask_until(&self, second: u64, processes: &[&Process]) -> CaseResult {
        for moment in (self.second.load(Ordering::Relaxed)..=second).step_by(STEP.try_into().unwrap_or(10)) {
            self.set(moment);
            for process in processes {
                process.ask().await?;
            }
        }
        Ok(())
    }
}

impl Process {
    fn skew(&self, ahead: i64) {
        self.hands.ahead.store(ahead, Ordering::Relaxed);
    }

    async fn ask(&self) -> Result<Timestamp, Breach> {
        let now = self.scene.now().await?;
        // The reading may leave a note to write. The store writes it before this call.
        self.scene.gate(&[], now).await?;
        Ok(now)
    }

    /// By how many seconds the store's time is ahead of the monotonic clock.
    async fn ahead(&self) -> Result<i64, Breach> {
        let straight = at(0) + self.hands.elapsed();
        Ok(self.ask().await?.unix_seconds() - straight.unix_seconds())
    }

    /// The store's time, `seconds` of the machine from now.
    async fn after(&self, seconds: u64) -> Result<Timestamp, Breach> {
        Ok(self.ask().await? + Duration::from_secs(seconds))
    }
}

/// Starts one process whose clock is set soon after. Returns it with the second at which its next
/// reading of the time will move the time.
async fn about_to_move(machine: &Machine) -> Result<(Process, u64), Breach> {
    about_to_move_by(machine, TWO_DAYS).await
}

async fn about_to_move_by(machine: &Machine, ahead: i64) -> Result<(Process, u64), Breach> {
    let process = machine.start(0);
    process.ask().await?;
    process.skew(ahead);
    let moves_at = STEP + CONFIRMED_AFTER.as_secs();
    machine.set(STEP);
    machine.ask_until(moves_at - STEP, &[&process]).await?;
    same("not yet", process.ahead().await?, 0)?;
    Ok((process, moves_at))
}

pub async fn a_wall_clock_that_is_wrong_for_minutes_moves_nothing(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let process = machine.start(0);
    for wrong in [30, TWO_DAYS, -3600] {
        same("right", process.ahead().await?, 0)?;
        process.skew(wrong);
        let second = machine.second.load(Ordering::Relaxed);
        machine.ask_until(second + CONFIRMED_AFTER.as_secs() - STEP, &[&process]).await?;
        same("wrong", process.ahead().await?, 0)?;
        process.skew(0);
        same("set right", process.ahead().await?, 0)?;
        machine.set(second + 2 * CONFIRMED_AFTER.as_secs());
    }
    Ok(())
}

pub async fn a_wall_clock_that_nobody_contradicts_is_followed(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move(&machine).await?;
    machine.set(moves_at);
    same("it has moved", process.ahead().await?, TWO_DAYS)?;
    same("for all", machine.start(TWO_DAYS).ahead().await?, TWO_DAYS)
}

pub async fn a_wall_clock_that_agrees_contradicts_one_that_does_not(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let right = machine.start(0);
    right.ask().await?;
    let wrong = machine.start(TWO_DAYS);
    machine.ask_until(3 * CONFIRMED_AFTER.as_secs(), &[&right, &wrong]).await?;
    same("the right one", right.ahead().await?, 0)?;
    same("the wrong one", wrong.ahead().await?, 0)
}

pub async fn what_is_leased_stays_leased_when_the_time_moves(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move(&machine).await?;
    let now = process.ask().await?;
    let drafts = ["settled", "silent"].map(|id| draft(id)?.created(now).to(&[id]));
    for draft in drafts {
        process.scene.store([draft?]).await?;
    }
    let claims = process.scene.claim_at(now).await?.work;
    machine.set(moves_at);
    let moved = process.ask().await?;
    same("work while all is leased", work(&process.scene.claim_at(moved).await?), NOTHING)?;
    let ends = moved + LEASE - Duration::from_secs(STEP);
    let before = ends - Duration::from_secs(1);
    same("work before the leases end", work(&process.scene.claim_at(before).await?), NOTHING)?;
    let settled = claims.iter().find(|claim| claim.event.id.as_str() == "settled");
    let settled = settled.ok_or_else(|| Breach::new("it was not claimed"))?;
    let answer = process.scene.settle_one(delivered(settled, before)).await?;
    same("its own token", answer, Settled::Applied)?;
    same("the lease that ended", work_set(&process.scene.claim_at(ends).await?), set(["silent>silent"]))
}

pub async fn a_claim_dated_before_the_time_moved_ahead_takes_nothing(fresh: Open) -> CaseResult {
    a_claim_dated_before_a_move_takes_nothing(fresh, TWO_DAYS).await
}

pub async fn a_claim_dated_before_the_time_moved_back_takes_nothing(fresh: Open) -> CaseResult {
    a_claim_dated_before_a_move_takes_nothing(fresh, -TWO_DAYS).await
}

async fn a_claim_dated_before_a_move_takes_nothing(fresh: Open, ahead: i64) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move_by(&machine, ahead).await?;
    let (scene, old) = (&process.scene, process.ask().await?);
    scene.store([draft("leased")?.created(old).to(&["one"])?]).await?;
    same("work", work(&scene.claim_at(old).await?), ["leased>one"])?;
    machine.set(moves_at);
    let moved = process.ask().await?;
    // First, while no other lane waits: beside one, a publish claims nothing anyway.
    let due_in_both_times = old.min(moved);
    let publish = [draft("published")?.created(due_in_both_times).to(&["two"])?.publish()];
    let (_, claims) = scene.publish(&publish, Some(&scene.request(old)), moved).await?;
    same("a publish of the time before", work(&claims), NOTHING)?;
    let refused = scene.claim(&scene.request(old)).await;
    let kind = refused.map(|claims| work(&claims)).map_err(|error| error.kind());
    same("a claim of the time before", kind, Err(StoreErrorKind::Contended))?;
    same("a claim of the present time", work(&scene.claim_at(moved).await?), ["published>two"])
}

pub async fn what_waits_waits_as_long_as_before_when_the_time_moves(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move(&machine).await?;
    let scene = &process.scene;
    let now = process.ask().await?;
    scene.store([draft("retried")?.created(now).to(&["one"])?]).await?;
    let claim = the_only(scene.claim_at(now).await?.work)?;
    let until = process.after(100).await?;
    scene.apply([retried(&claim, until, now)]).await?;
    let held = [
        ("lane", draft("lane")?.to(&["two"])?, lane("two")?),
        ("tenant", draft("tenant")?.of("globex")?.to(&["three"])?, Gate::Tenant(tenant("globex")?)),
        ("host", draft("host")?.to(&["four"])?, Gate::Host(host_of("four")?)),
    ];
    for (_, draft, gate) in held {
        scene.store([draft.created(now)]).await?;
        scene.change_gate(gate, GateChange::Hold(until), now).await?;
    }
    let stated = draft("stated")?.created(now).to(&["five"])?;
    let moment = now + Duration::from_secs(3600);
    scene.store([stated.with_routes(|route| route.due_at = moment)]).await?;
    machine.set(moves_at);
    let until = process.after(100 - STEP).await?;
    let before = until - Duration::from_secs(1);
    let early = set(["stated>five"]);
    same("what waits for a moment of its own", work_set(&scene.claim_at(before).await?), early)?;
    let rest = set(["retried>one", "lane>two", "tenant>three", "host>four"]);
    same("what waited", work_set(&scene.claim_at(until).await?), rest)
}

pub async fn what_was_granted_counts_as_long_as_before_when_the_time_moves(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move(&machine).await?;
    let limit = Limit::per_minute(LimitScope::Tenant, std::num::NonZeroU32::MIN);
    let asks = [Ask {
        by: Asker { tenant: tenant("acme")?, endpoint: endpoint("one")? },
        limits: vec![(LimitKey { scope: LimitScope::Tenant, of: "acme".to_owned() }, limit)],
        starts: 1,
    }];
    let second = Duration::from_secs(1);
    let take = async |now| -> Result<u32, Breach> {
        Ok(the_only(process.scene.take(&asks, now, now + second).await?)?.starts)
    };
    same("granted", take(process.ask().await?).await?, 1)?;
    machine.set(moves_at);
    let opens = process.after(60 + 1 - STEP).await?;
    same("within the window", take(opens - second).await?, 0)?;
    same("after it", take(opens).await?, 1)
}

pub async fn a_time_that_goes_on_is_not_in_doubt(fresh: Open) -> CaseResult {
    let machine = Machine::with(fresh);
    let (process, moves_at) = about_to_move(&machine).await?;
    machine.set(moves_at);
    process.ask().await?;
    let doubt = process.scene.unconfirmed().await?;
    demand!(doubt.is_none(), "the last moment of another time: {doubt:?}");
    Ok(())
}
