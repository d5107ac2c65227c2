//! Runs blocking look-ups, each on a thread of its own.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::backend::ResolveError;
use crate::engine::caught;
use crate::id::HostName;

use super::answer::Answer;
use super::turns::{Asker, Limits, Phase, Start, Ticket, Turns};

/// Finds the addresses of a name. Blocks its thread.
pub(super) type LookUp = dyn Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Runs look-ups, and gives the results to the callers that wait for them.
pub(super) struct LookUps {
    look_up: Box<LookUp>,
    turn_wait: Duration,
    began: Instant,
    desk: Mutex<Desk>,
}

struct Desk {
    turns: Turns,
    tickets: Ticket,
    /// The callers that wait for each name, either for a turn or for the end of the look-up.
    callers: BTreeMap<HostName, BTreeMap<Ticket, oneshot::Sender<Answer>>>,
}

/// A caller that waits. When it is dropped it stops waiting, but the look-up continues.
struct Caller<'a> {
    look_ups: &'a LookUps,
    host: &'a HostName,
    ticket: Ticket,
    answer: oneshot::Receiver<Answer>,
    until: Duration,
}

impl LookUps {
    /// Runs look-ups within these limits. A caller waits for its turn for at most `turn_wait`.
    pub(super) fn new(look_up: Box<LookUp>, limits: Limits, turn_wait: Duration) -> Self {
        let desk = Desk { turns: Turns::new(limits), tickets: 0, callers: BTreeMap::new() };
        Self { look_up, turn_wait, began: Instant::now(), desk: Mutex::new(desk) }
    }

    /// Looks a name up, or waits for a look-up of the name that is already running.
    pub(super) async fn look_up(
        self: &Arc<Self>,
        asker: Asker,
        host: &HostName,
    ) -> Result<Vec<IpAddr>, ResolveError> {
        let mut caller = self.ask(asker, host)?;
        loop {
            let left = caller.until.saturating_sub(self.now());
            match timeout(left, &mut caller.answer).await {
                Ok(Ok(answer)) => return answer.for_caller(),
                // The sender is dropped with the look-ups, and this call keeps those alive.
                Ok(Err(error)) => return Err(ResolveError::Failed(error.into())),
                Err(_) => {
                    if let Some(answer) = caller.wait_on()? {
                        return answer.for_caller();
                    }
                }
            }
        }
    }

    fn ask<'a>(self: &'a Arc<Self>, asker: Asker, host: &'a HostName) -> Result<Caller<'a>, ResolveError> {
        let now = self.now();
        let mut desk = self.desk();
        desk.tickets += 1;
        let ticket = desk.tickets;
        if desk.turns.ask(ticket, asker, host, now) == Phase::Silent {
            return Err(ResolveError::Timeout);
        }
        let (sender, answer) = oneshot::channel();
        desk.callers.entry(host.clone()).or_default().insert(ticket, sender);
        self.start_waiting(&mut desk);
        let until = match desk.turns.phase(host, now) {
            Phase::UnderWay { silent_at } => silent_at,
            Phase::Unknown | Phase::Silent => now.saturating_add(self.turn_wait),
        };
        drop(desk);
        Ok(Caller { look_ups: self, host, ticket, answer, until })
    }

    fn start_waiting(self: &Arc<Self>, desk: &mut Desk) {
        while let Some(start) = desk.turns.start_next(self.now()) {
            let (look_ups, its) = (Arc::clone(self), start.clone());
            let thread = thread::Builder::new().name("look-up".to_owned()).spawn(move || look_ups.run(&its));
            if let Err(error) = thread {
                // The system is out of threads, which is not the fault of the name.
                let error = io::Error::new(io::ErrorKind::OutOfMemory, error);
                desk.finish(&start, &Answer::of(Err(error)), self.now());
            }
        }
    }

    fn run(self: Arc<Self>, start: &Start) {
        let found = caught(|| (self.look_up)(&start.host));
        let answer = Answer::of(found.unwrap_or_else(|| Err(io::Error::other("the look-up panicked"))));
        let mut desk = self.desk();
        desk.finish(start, &answer, self.now());
        self.start_waiting(&mut desk);
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn finish(&mut self, start: &Start, answer: &Answer, now: Duration) {
        if self.turns.finish(start, answer.is_definite(), now) {
            for (_, caller) in self.callers.remove(&start.host).unwrap_or_default() {
                // A caller that has just stopped waiting needs no answer.
                caller.send(answer.clone()).ok();
            }
        }
    }
}

impl Caller<'_> {
    /// Called when the waiting time has ended. Returns the answer if it has arrived after all, or
    /// continues to wait if the look-up has begun meanwhile.
    fn wait_on(&mut self) -> Result<Option<Answer>, ResolveError> {
        let desk = self.look_ups.desk();
        if let Ok(answer) = self.answer.try_recv() {
            return Ok(Some(answer));
        }
        match desk.turns.phase(self.host, self.look_ups.now()) {
            Phase::UnderWay { silent_at } => self.until = silent_at,
            Phase::Silent => return Err(ResolveError::Timeout),
            Phase::Unknown => return Err(ResolveError::Busy),
        }
        Ok(None)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        let mut desk = self.look_ups.desk();
        desk.turns.leave(self.ticket);
        if let Some(callers) = desk.callers.get_mut(self.host) {
            callers.remove(&self.ticket);
            if callers.is_empty() {
                desk.callers.remove(self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::yield_now;

    use super::*;
    use crate::id::TenantId;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    /// A look-up in which names that begin with `mute` hang until they are released. All other names
    /// resolve to this machine.
    #[derive(Default)]
    struct Names {
        asked: AtomicUsize,
        released: Mutex<bool>,
        release: Condvar,
    }

    impl Names {
        fn look_up(&self, host: &HostName) -> Vec<IpAddr> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if host.as_str().starts_with("mute") {
                drop(self.release.wait_while(self.released.lock().unwrap(), |released| !*released).unwrap());
            }
            vec![Ipv4Addr::LOCALHOST.into()]
        }

        fn release(&self) {
            *self.released.lock().unwrap() = true;
            self.release.notify_all();
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }
    }

    /// Releases the hanging look-ups, even if the test fails.
    struct Released(Arc<Names>);

    impl Drop for Released {
        fn drop(&mut self) {
            self.0.release();
        }
    }

    fn look_ups(turns: usize, patience: Duration, turn_wait: Duration) -> (Arc<LookUps>, Released) {
        let names = Arc::new(Names::default());
        let own = Arc::clone(&names);
        let limits = Limits { turns, patience, silence: LONG };
        let look_up = Box::new(move |host: &HostName| Ok(own.look_up(host)));
        (Arc::new(LookUps::new(look_up, limits, turn_wait)), Released(names))
    }

    fn host(name: &str) -> HostName {
        HostName::new(format!("{name}.example")).unwrap()
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    /// Looks a name up in a task of its own.
    fn asking(
        look_ups: &Arc<LookUps>,
        of: &str,
        name: &str,
    ) -> tokio::task::JoinHandle<Result<Vec<IpAddr>, ResolveError>> {
        let (look_ups, of, host) = (Arc::clone(look_ups), Some(tenant(of)), host(name));
        tokio::spawn(async move { look_ups.look_up(of, &host).await })
    }

    async fn until(done: impl Fn() -> bool) {
        while !done() {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_tenants_mute_names_leave_half_of_the_look_ups_to_others() {
        let (look_ups, names) = look_ups(8, LONG, LONG);
        let mute: Vec<_> =
            (0..100).map(|number| asking(&look_ups, "mallory", &format!("mute{number}"))).collect();
        until(|| look_ups.desk().tickets == 100 && names.0.asked() >= 4).await;
        for number in 0..20 {
            let answer = look_ups.look_up(Some(tenant("victim")), &host(&format!("v{number}"))).await;
            assert_eq!(answer.unwrap(), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        }
        assert_eq!(names.0.asked(), 4 + 20, "what waits for a turn of mallory's took none of the victim's");
        names.0.release();
        for caller in mute {
            assert!(caller.await.unwrap().is_ok(), "each has its turn once another has ended");
        }
        assert_eq!(names.0.asked(), 120);
    }

    #[tokio::test]
    async fn who_gets_no_turn_is_told_that_there_is_no_room_and_not_that_the_name_is_silent() {
        let (look_ups, names) = look_ups(2, LONG, SHORT);
        let _mute = asking(&look_ups, "mallory", "mute");
        until(|| names.0.asked() >= 1).await;
        let began = Instant::now();
        let refused = look_ups.look_up(Some(tenant("mallory")), &host("shared")).await;
        assert!(matches!(refused, Err(ResolveError::Busy)), "{refused:?}");
        assert!(began.elapsed() >= SHORT);
        let answer = look_ups.look_up(Some(tenant("victim")), &host("shared")).await;
        assert!(answer.is_ok(), "what mallory was refused is not remembered for others: {answer:?}");
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_all_who_want_it_though_the_first_gives_up() {
        let (look_ups, names) = look_ups(8, LONG, LONG);
        let first = asking(&look_ups, "mallory", "mute");
        until(|| names.0.asked() >= 1).await;
        let second = asking(&look_ups, "victim", "mute");
        until(|| look_ups.desk().tickets == 2).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        names.0.release();
        assert!(second.await.unwrap().is_ok());
        assert_eq!(names.0.asked(), 1);
        assert!(look_ups.desk().callers.is_empty());
    }

    #[tokio::test]
    async fn a_silent_name_is_answered_at_once_until_its_look_up_ends() {
        let (look_ups, names) = look_ups(8, SHORT, LONG);
        let began = Instant::now();
        let first = look_ups.look_up(Some(tenant("a")), &host("mute")).await;
        assert!(matches!(first, Err(ResolveError::Timeout)) && began.elapsed() >= SHORT);
        for of in ["a", "b"] {
            let answer = look_ups.look_up(Some(tenant(of)), &host("mute")).await;
            assert!(matches!(answer, Err(ResolveError::Timeout)), "{answer:?}");
        }
        until(|| names.0.asked() >= 1).await;
        assert_eq!(names.0.asked(), 1, "nobody else took a thread");
        names.0.release();
        until(|| look_ups.desk().turns.phase(&host("mute"), look_ups.now()) == Phase::Unknown).await;
        // On a busy machine the thread may start too late for the first caller.
        while look_ups.look_up(Some(tenant("b")), &host("mute")).await.is_err() {}
        assert!(names.0.asked() >= 2);
    }

    #[tokio::test]
    async fn a_look_up_that_panics_fails_and_gives_its_turn_back() {
        let limits = Limits { turns: 1, patience: LONG, silence: LONG };
        let look_ups = Arc::new(LookUps::new(Box::new(|_| panic!("a bad day")), limits, LONG));
        for _ in 0..3 {
            let answer = look_ups.look_up(None, &host("any")).await;
            assert!(matches!(answer, Err(ResolveError::Failed(_))), "{answer:?}");
        }
    }
}
