//! Routes an event: decides which endpoints of a page get a delivery.

use std::sync::Arc;

use crate::delivery::Route;
use crate::endpoint::{Endpoint, EndpointPage, Unreadable};
use crate::event::Event;
use crate::id::{DeliveryId, EndpointId, HostName, Round};
use crate::sequence::Sequence;
use crate::subscription::{Places, Subscription};

/// The most filters that are evaluated against a payload in one part of a page. A single endpoint
/// may have more.
const FILTERS_AT_ONCE: usize = 4096;
/// The most filter values that are compared in one part. A single endpoint may have more.
const VALUES_AT_ONCE: usize = 65_536;
/// The most endpoints that are judged in one part.
const ENDPOINTS_AT_ONCE: usize = 256;

/// Matches an event with a page of endpoints, part by part, so that other work can run between the
/// parts. The payload is parsed once for all of the page, unless the page's filters refer to very
/// many places in it.
///
/// There is a route to each endpoint that wants the event: it is enabled, belongs to the event's
/// tenant, subscribes to the event, and began before the event was published. An endpoint that
/// cannot be read may want the event. It gets a delivery too, in a round of its own, and whether it
/// wants the event is decided when it can be read. So no event is lost meanwhile, and no endpoint
/// gets an event that it did not subscribe to.
#[derive(Debug)]
pub(crate) struct Routing<'a> {
    event: &'a Event,
    published: Option<Sequence>,
    /// The endpoints that are not judged yet.
    left: &'a [Arc<Endpoint>],
    /// The parsed payload, and the number of endpoints that it was parsed for.
    read: Option<(Places<'a>, usize)>,
    unreadable: &'a [Unreadable],
}

impl<'a> Routing<'a> {
    /// Starts before the first endpoint of the page. `published` is the event's place in the
    /// store's order; `None` if the event is stored after the endpoints were read, so that all of
    /// them began before it.
    #[must_use]
    pub(crate) fn of(event: &'a Event, published: Option<Sequence>, page: &'a EndpointPage) -> Self {
        Self { event, published, left: &page.endpoints, read: None, unreadable: &page.unreadable }
    }

    /// The routes to all of the page's endpoints. Evaluating many filters takes time: `pause` is
    /// awaited between the parts, so that other work can run.
    pub(crate) async fn all<Pause: Future<Output = ()>>(
        mut self,
        width: impl Fn(&Endpoint) -> u32,
        pause: impl Fn() -> Pause,
    ) -> Vec<Route> {
        let mut routes = Vec::new();
        while let Some(part) = self.next_part(&width) {
            routes.extend(part);
            if !self.is_complete() {
                pause().await;
            }
        }
        routes
    }

    /// The routes to the next part of the page's endpoints, which takes a bounded time; `None` once
    /// all have been judged. `width` returns the initial width of a new lane.
    fn next_part(&mut self, width: impl Fn(&Endpoint) -> u32) -> Option<Vec<Route>> {
        if self.left.is_empty() {
            let unjudged: Vec<_> = std::mem::take(&mut self.unreadable).iter().collect();
            return (!unjudged.is_empty()).then(|| self.unjudged(&unjudged));
        }
        let (places, read_for) = match self.read.take() {
            Some((places, read_for)) if read_for > 0 => (places, read_for),
            _ => self.read(),
        };
        let (part, left) = self.left.split_at_checked(part(self.left).min(read_for))?;
        let wants =
            |endpoint: &&Arc<Endpoint>| self.may_want(endpoint) && endpoint.subscription.takes(&places);
        let routes = part.iter().filter(wants).map(|endpoint| {
            let host = endpoint.url.host().clone();
            let registration = endpoint.generation.registration;
            let to = Lane { endpoint: &endpoint.id, registration, host, width: width(endpoint) };
            single(self.event, to, Round::Routing, false)
        });
        let routes = routes.collect();
        (self.left, self.read) = (left, Some((places, read_for - part.len())));
        Some(routes)
    }

    /// Whether all endpoints have been judged.
    const fn is_complete(&self) -> bool {
        self.left.is_empty() && self.unreadable.is_empty()
    }

    /// Parses the payload for the next of those endpoints that may want the event; also returns how
    /// many endpoints that is.
    fn read(&self) -> (Places<'a>, usize) {
        let subscriptions = self.left.iter().map(|endpoint| {
            let subscription: &'a Subscription = &endpoint.subscription;
            self.may_want(endpoint).then_some(subscription)
        });
        Places::of_first(&self.event.payload, subscriptions)
    }

    /// Whether an endpoint may want the event, before its filters are evaluated.
    fn may_want(&self, endpoint: &Endpoint) -> bool {
        endpoint.enabled
            && is_eligible(endpoint, self.event, self.published)
            && endpoint.subscription.wants_kind_of(self.event)
    }

    /// The routes to endpoints that cannot be read.
    fn unjudged(&self, unreadable: &[&Unreadable]) -> Vec<Route> {
        let of_tenant = |unreadable: &&&Unreadable| {
            unreadable.tenant.as_ref().is_none_or(|tenant| *tenant == self.event.tenant)
        };
        let routes = unreadable.iter().filter(of_tenant).map(|unreadable| {
            let host = unreadable.host.clone().unwrap_or_else(HostName::of_unreadable);
            single(
                self.event,
                Lane { endpoint: &unreadable.id, registration: 0, host, width: 1 },
                Round::Unjudged,
                false,
            )
        });
        routes.collect()
    }
}

/// How many of these endpoints, at least one, can be judged in a bounded time.
fn part(endpoints: &[Arc<Endpoint>]) -> usize {
    let (mut filters, mut values) = (0, 0);
    let fits = |endpoint: &&Arc<Endpoint>| {
        for filter in endpoint.subscription.filters_in_all() {
            filters += 1;
            values += filter.values().len();
        }
        filters <= FILTERS_AT_ONCE && values <= VALUES_AT_ONCE
    };
    endpoints.iter().take(ENDPOINTS_AT_ONCE).take_while(fits).count().max(1)
}

/// The only route of a test ping.
#[must_use]
pub(crate) fn test_route(event: &Event, endpoint: &Endpoint, width: u32) -> Route {
    let registration = endpoint.generation.registration;
    let to = Lane { endpoint: &endpoint.id, registration, host: endpoint.url.host().clone(), width };
    single(event, to, Round::Routing, true)
}

/// Whether an endpoint wants an event that was published at that place. It need not be enabled.
pub(super) fn wants(endpoint: &Endpoint, event: &Event, published: Option<Sequence>) -> bool {
    is_eligible(endpoint, event, published) && endpoint.subscription.wants(event)
}

/// Whether an event may go to an endpoint, without regard to its subscription.
fn is_eligible(endpoint: &Endpoint, event: &Event, published: Option<Sequence>) -> bool {
    endpoint.tenant == event.tenant && published.is_none_or(|published| endpoint.began < published)
}

/// The lane of a route. If there is none yet, the values with which a new one begins.
struct Lane<'a> {
    endpoint: &'a EndpointId,
    registration: u64,
    host: HostName,
    width: u32,
}

fn single(event: &Event, to: Lane<'_>, round: Round, test: bool) -> Route {
    Route {
        delivery: DeliveryId::derive(&event.tenant, &event.id, event.created_at, to.endpoint, &round),
        endpoint: to.endpoint.clone(),
        registration: to.registration,
        host: to.host,
        width: to.width,
        round,
        due_at: event.born_at(),
        born_at: event.born_at(),
        test,
    }
}

#[cfg(test)]
mod tests {
    use crate::endpoint::{Generation, Headers, Overrides};
    use crate::event::NewEvent;
    use crate::id::EventId;
    use crate::policy::egress::EndpointUrl;
    use crate::secret::SecretSet;
    use crate::subscription::{Filter, work};
    use crate::time::Timestamp;

    use super::*;

    fn endpoint(number: usize, subscription: Subscription) -> Arc<Endpoint> {
        Arc::new(Endpoint {
            id: EndpointId::new(format!("e{number:04}")).unwrap(),
            tenant: "acme".parse().unwrap(),
            name: String::new(),
            url: EndpointUrl::from_stored("https://shop.example/").unwrap(),
            profile: "standard".parse().unwrap(),
            secrets: SecretSet::none().into(),
            subscription,
            headers: Headers::none(),
            overrides: Overrides::none(),
            enabled: true,
            since: Timestamp::EPOCH,
            version: 1,
            generation: Generation::UNKNOWN,
            began: Sequence::default(),
        })
    }

    fn event(payload: String) -> Event {
        let event = NewEvent::json("acme", "order.paid", payload).unwrap();
        event.into_event(EventId::new("e").unwrap(), Timestamp::EPOCH, 1 << 21).unwrap()
    }

    fn routes(event: &Event, page: &EndpointPage) -> Vec<Route> {
        let mut routing = Routing::of(event, None, page);
        std::iter::from_fn(|| routing.next_part(|_| 1)).flatten().collect()
    }

    #[test]
    fn a_payload_is_read_once_for_a_thousand_endpoints_with_many_filters() {
        let plan = |plan: &str| Filter::equals("/visitor/plan", [plan.into()]).unwrap();
        let lacks = |number: usize| Filter::lacks(format!("/items/{number}/sku"), ["none".into()]).unwrap();
        let subscription = |number: usize| {
            let plan = plan(if number.is_multiple_of(10) { "pro" } else { "free" });
            (0..63).fold(Subscription::to_all().filtered(plan), |all, at| all.filtered(lacks(at)))
        };
        let endpoints = (0..1000).map(|number| endpoint(number, subscription(number))).collect();
        let page = EndpointPage { endpoints, ..EndpointPage::default() };
        let items = (0..10_000).map(|sku| format!(r#"{{"sku":"{sku}"}}"#)).collect::<Vec<_>>();
        let event = event(format!(r#"{{"items":[{}],"visitor":{{"plan":"pro"}}}}"#, items.join(",")));
        work::taken();
        assert_eq!(routes(&event, &page).len(), 100);
        assert_eq!(work::taken().passes, 1);
    }

    #[test]
    fn a_page_is_judged_in_parts_of_a_bounded_number_of_filters() {
        let with = |filters: usize, values: usize| {
            let values: Vec<_> = (1..=values).map(Into::into).collect();
            let filter = Filter::equals("/a", values).unwrap();
            (0..filters).fold(Subscription::to_all(), |all, _| all.filtered(filter.clone()))
        };
        let sizes_of = |filters: &[usize], values: usize| {
            let subscriptions = filters.iter().map(|filters| with(*filters, values));
            let endpoints =
                subscriptions.enumerate().map(|(number, subscription)| endpoint(number, subscription));
            let page = EndpointPage { endpoints: endpoints.collect(), ..EndpointPage::default() };
            let event = event(r#"{"a":1}"#.to_owned());
            let mut routing = Routing::of(&event, None, &page);
            std::iter::from_fn(|| routing.next_part(|_| 1)).map(|part| part.len()).collect::<Vec<_>>()
        };
        let sizes = |filters: &[usize]| sizes_of(filters, 1);
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[0; 600]), [256, 256, 88]);
        assert_eq!(sizes(&[64; 100]), [64, 36]);
        assert_eq!(sizes_of(&[2; 80], 1024), [32, 32, 16]);
    }

    #[test]
    fn a_payload_is_read_again_where_filters_look_at_very_many_places() {
        let steps = "/x".repeat(31);
        let looks = |number: usize| {
            let all = Subscription::to_all();
            let lacks = |at| Filter::lacks(format!("/{number}-{at}{steps}"), [1.into()]).unwrap();
            (0..64).fold(all, |all, at| all.filtered(lacks(at)))
        };
        let endpoints = (0..40).map(|number| endpoint(number, looks(number))).collect();
        let page = EndpointPage { endpoints, ..EndpointPage::default() };
        let event = event("{}".to_owned());
        work::taken();
        assert_eq!(routes(&event, &page).len(), 40);
        // 40 endpoints refer to 64 places of 32 steps each: eight endpoints fill an index.
        assert_eq!(work::taken().passes, 5);
    }
}
