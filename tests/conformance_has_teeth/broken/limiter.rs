//! The limiter, with its faults.

use super::*;

#[async_trait]
impl Limiter for Broken {
    async fn take(
        &self,
        asks: &[Ask],
        now: Timestamp,
        start_by: Timestamp,
    ) -> Result<Vec<Grant>, StoreError> {
        match self.fault {
            Fault::LimitsByFixedWindows => {
                Ok(asks.iter().map(|ask| self.past().take_of_fixed_window(ask, now)).collect())
            }
            Fault::CountsGrantsFromTheirAsking => self.store.take(asks, now, now).await,
            Fault::LimitsByTheFirstLimitAlone => {
                let first =
                    |ask: &Ask| Ask { limits: ask.limits.iter().take(1).cloned().collect(), ..ask.clone() };
                self.store.take(&asks.iter().map(first).collect::<Vec<_>>(), now, start_by).await
            }
            Fault::GrantsFromTheBack => {
                let asks: Vec<_> = asks.iter().rev().cloned().collect();
                let mut grants = self.store.take(&asks, now, start_by).await?;
                grants.reverse();
                Ok(grants)
            }
            Fault::GrantsToWhoeverAsksFirst => {
                let mut asks = asks.to_vec();
                // All are one to it.
                for ask in &mut asks {
                    let (tenant, endpoint) = ("t".parse().unwrap(), "e".parse().unwrap());
                    ask.by = Asker { tenant, endpoint };
                }
                self.store.take(&asks, now, start_by).await
            }
            Fault::KeepsOneLogForAll => {
                let mut asks = asks.to_vec();
                for (key, _) in asks.iter_mut().flat_map(|ask| &mut ask.limits) {
                    key.of.clear();
                }
                self.store.take(&asks, now, start_by).await
            }
            Fault::TakesATenantsEndpointsForOne => {
                let mut asks = asks.to_vec();
                for ask in &mut asks {
                    ask.by.endpoint = "e".parse().unwrap();
                }
                self.store.take(&asks, now, start_by).await
            }
            Fault::ForgetsGrants => MemoryStore::with_clock(Still).take(asks, now, start_by).await,
            _ => self.store.take(asks, now, start_by).await,
        }
    }
}

impl Past {
    /// The limiter that everybody writes first: a counter that starts anew with each
    /// window of the clock.
    fn take_of_fixed_window(&mut self, ask: &Ask, now: Timestamp) -> Grant {
        let (mut starts, mut refusal) = (ask.starts, None::<Refusal>);
        let mut slots = Vec::new();
        for (key, limit) in &ask.limits {
            let length = i64::try_from(limit.window().as_micros()).unwrap();
            let number = now.as_micros().div_euclid(length);
            let used = self.windows.entry((key.clone(), limit.window(), number)).or_default();
            let room = limit.starts() - *used;
            starts = starts.min(room);
            let until = Timestamp::from_micros((number + 1) * length);
            if room < ask.starts && refusal.as_ref().is_none_or(|refusal| refusal.until < until) {
                refusal = Some(Refusal { limit: key.clone(), until });
            }
            slots.push((key.clone(), limit.window(), number));
        }
        for slot in slots {
            *self.windows.entry(slot).or_default() += starts;
        }
        Grant { starts, refusal }
    }
}
