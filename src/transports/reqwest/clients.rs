//! Clients used in turn, so that every connection ends.
//!
//! A client keeps a connection as long as requests follow each other closely. Meanwhile the
//! host's name would never be looked up and checked again, and a change of its address would
//! not be noticed. A client has no setting for the greatest age of a connection, so several
//! clients share each host: each is used for a round and then not while the others are, and by
//! its next round its connections have been idle for too long to be used.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use reqwest::Client;

use crate::id::HostName;

/// The number of clients used in turn. A request may outlast a round, and returns its
/// connection to its own client, which is then not used for three rounds.
const TURNS: usize = 4;

/// Clients with the same settings, each with its own connections.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    turns: Vec<Client>,
    round: Duration,
    began: Instant,
}

impl Clients {
    /// Makes the clients; each is used for `round` at a time.
    pub(super) fn build<E>(round: Duration, client: impl Fn() -> Result<Client, E>) -> Result<Self, E> {
        let turns = (0..TURNS).map(|_| client()).collect::<Result<_, _>>()?;
        Ok(Self { turns, round, began: Instant::now() })
    }

    /// The client whose turn it is at a host; `None` only if there were none.
    pub(super) fn for_host(&self, host: &HostName) -> Option<&Client> {
        let mut hasher = DefaultHasher::new();
        host.hash(&mut hasher);
        let turn = turn(self.began.elapsed(), self.round, hasher.finish());
        self.turns.get(turn).or_else(|| self.turns.first())
    }
}

/// The client whose turn it is. Rounds begin at a different time for each host, so that not
/// all connections are opened again at once.
fn turn(elapsed: Duration, round: Duration, host: u64) -> usize {
    let round = round.as_nanos().max(1);
    let moment = elapsed.as_nanos() + u128::from(host) % round;
    // The remainder is below the number of clients.
    usize::try_from(moment / round % TURNS as u128).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_secs(60);

    #[test]
    fn a_client_rests_for_three_rounds_after_each_of_its_own() {
        for host in [0, 1, 17, u64::MAX] {
            let at = |seconds: u64| turn(Duration::from_secs(seconds), ROUND, host);
            let turns: Vec<usize> = (0..2400).map(at).collect();
            for turns in turns.chunk_by(|one, next| one == next).map(<[usize]>::len) {
                assert!(turns <= 60, "{host}: a round of {turns} s");
            }
            for second in 0..2160 {
                let own = turns[second];
                let ends = turns[second..].iter().position(|turn| *turn != own).map(|after| second + after);
                let Some(ends) = ends.filter(|ends| *ends + 180 <= turns.len()) else { continue };
                assert!(!turns[ends..ends + 179].contains(&own), "{host}: used again too soon");
            }
        }
    }

    #[test]
    fn hosts_do_not_all_begin_their_rounds_at_the_same_moment() {
        let ends = |host: u64| (0..=60).find(|at| turn(Duration::from_secs(*at), ROUND, host) > 0);
        let second = 1_000_000_000;
        assert_ne!(ends(0), ends(20 * second));
        assert_ne!(ends(20 * second), ends(40 * second));
    }
}
