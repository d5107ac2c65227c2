//! Calls a host's cipher on threads of their own. So a call that never returns affects only its own
//! tenant, and does not block a thread that reads for others.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::backend::{Cipher, CipherError, Sealed};

use super::panics::caught;

/// While calls of this many tenants have not returned in time, no other call is made.
const OVERDUE_MAX: usize = 16;

/// The bytes of a tenant's id.
type Tenant = Vec<u8>;

/// A cipher whose calls have a time limit.
pub(super) struct Bounded {
    cipher: Arc<dyn Cipher>,
    timeout: Duration,
    /// The tenants with a call that has not returned in time.
    overdue: Arc<Mutex<BTreeSet<Tenant>>>,
    /// Threads that wait for a call. Each ends when the sender to it is dropped.
    idle: Mutex<Vec<mpsc::Sender<Call>>>,
}

impl Cipher for Bounded {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, CipherError> {
        let (plain, within) = (Zeroizing::new(plain.to_vec()), context.to_vec());
        self.ask(context, move |cipher| cipher.seal(&plain, &within))
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError> {
        let (sealed, within) = (sealed.clone(), context.to_vec());
        let opened = self.ask(context, move |cipher| cipher.open(&sealed, &within).map(Zeroizing::new));
        opened.map(|mut plain| std::mem::take(&mut *plain))
    }
}

type Call = Box<dyn FnOnce() + Send>;

/// The state of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    UnderWay,
    Returned,
    /// The caller no longer waits for it.
    GivenUp,
}

impl Bounded {
    pub(super) fn new(cipher: Arc<dyn Cipher>, timeout: Duration) -> Self {
        Self { cipher, timeout, overdue: Arc::default(), idle: Mutex::default() }
    }

    /// Makes a call for the tenant whose id the context begins with.
    fn ask<T: Send + 'static>(
        &self,
        context: &[u8],
        work: impl FnOnce(&dyn Cipher) -> Result<T, CipherError> + Send + 'static,
    ) -> Result<T, CipherError> {
        let tenant = context.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        {
            let overdue = locked(&self.overdue);
            if overdue.contains(&tenant) || overdue.len() >= OVERDUE_MAX {
                return Err(unreachable("an earlier call has not returned yet"));
            }
        }
        let Some(thread) = self.thread() else {
            return Err(unreachable("no thread could be started for it"));
        };
        let stage = Arc::new(Mutex::new(Stage::UnderWay));
        let (reply, answer) = mpsc::channel();
        let call: Call = Box::new({
            let (cipher, stage) = (Arc::clone(&self.cipher), Arc::clone(&stage));
            let (overdue, tenant) = (Arc::clone(&self.overdue), tenant.clone());
            move || {
                let answer = caught(|| work(&*cipher));
                let mut stage = locked(&stage);
                if *stage == Stage::GivenUp {
                    locked(&overdue).remove(&tenant);
                } else {
                    *stage = Stage::Returned;
                    reply.send(answer).ok();
                }
            }
        });
        if thread.send(call).is_err() {
            return Err(unreachable("its thread has ended"));
        }
        let answer = answer.recv_timeout(self.timeout).ok().or_else(|| {
            let mut stage = locked(&stage);
            if *stage == Stage::UnderWay {
                *stage = Stage::GivenUp;
                locked(&self.overdue).insert(tenant.clone());
            }
            answer.try_recv().ok()
        });
        let Some(answer) = answer else {
            return Err(unreachable("it did not return in time"));
        };
        locked(&self.idle).push(thread);
        answer.unwrap_or(Err(CipherError::Panicked))
    }

    /// A thread for one call; `None` if no thread can be started.
    fn thread(&self) -> Option<mpsc::Sender<Call>> {
        if let Some(idle) = locked(&self.idle).pop() {
            return Some(idle);
        }
        let (calls, waiting) = mpsc::channel::<Call>();
        let work = move || {
            while let Ok(call) = waiting.recv() {
                // A call catches its own panics. This catches those of its drop.
                caught(call);
            }
        };
        std::thread::Builder::new().name("hookpost-sqlite-cipher".to_owned()).spawn(work).ok()?;
        Some(calls)
    }
}

fn unreachable(why: &'static str) -> CipherError {
    CipherError::Unreachable(why.into())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;

    use super::*;

    /// Blocks each call for a tenant whose name begins with "slow" until it is released.
    #[derive(Default)]
    struct Blocks {
        open: Mutex<bool>,
        changed: Condvar,
    }

    impl Blocks {
        fn let_go(&self) {
            *locked(&self.open) = true;
            self.changed.notify_all();
        }
    }

    impl Cipher for Blocks {
        fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Sealed, CipherError> {
            Ok(Sealed { key_id: "k".to_owned(), bytes: plain.to_vec() })
        }

        fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, CipherError> {
            let mut open = locked(&self.open);
            while context.starts_with(b"slow") && !*open {
                open = self.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
            }
            Ok(sealed.bytes.clone())
        }
    }

    fn opens(cipher: &Bounded, tenant: &str) -> bool {
        let sealed = Sealed { key_id: "k".to_owned(), bytes: vec![1] };
        match cipher.open(&sealed, format!("{tenant}\0endpoint").as_bytes()) {
            Ok(plain) => plain == [1],
            Err(error) => !matches!(error, CipherError::Unreachable(_)),
        }
    }

    #[test]
    fn a_call_that_does_not_return_costs_its_tenant_alone_until_it_does() {
        let cipher = Arc::new(Blocks::default());
        let bounded = Bounded::new(cipher.clone(), Duration::from_secs(1));
        assert!(!opens(&bounded, "slow"));
        assert!(opens(&bounded, "other"));
        // Meanwhile the cipher is not called for that tenant again.
        assert!(!opens(&bounded, "slow"));
        assert_eq!(locked(&bounded.overdue).len(), 1);
        cipher.let_go();
        while !opens(&bounded, "slow") {
            std::thread::yield_now();
        }
    }

    #[test]
    fn calls_that_do_not_return_take_a_bounded_number_of_threads() {
        let cipher = Arc::new(Blocks::default());
        let bounded = Bounded::new(cipher.clone(), Duration::from_secs(1));
        std::thread::scope(|scope| {
            for number in 0..2 * OVERDUE_MAX {
                scope.spawn({
                    let bounded = &bounded;
                    move || opens(bounded, &format!("slow-{number}"))
                });
            }
        });
        assert!(!opens(&bounded, "slow-new") && !opens(&bounded, "other"));
        cipher.let_go();
        while !opens(&bounded, "other") {
            std::thread::yield_now();
        }
    }
}
