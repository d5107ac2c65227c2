//! Endpoints: how a host writes them, and how routing and sending read them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::delivery::{EventMeta, GateChange};
use crate::endpoint::{Endpoint, EndpointPage, Expected, Generation, Headers, Overrides, Put, Write};
use crate::id::{EndpointId, EventType, ProfileName, Scope};
use crate::policy::egress::{EndpointUrl, PortPolicy, SchemePolicy, UrlPolicy};
use crate::policy::failing::Failing;
use crate::policy::lane::{Health, LaneChange};
use crate::policy::rate::{Limit, LimitScope};
use crate::secret::{Retiring, Secret, SecretSet, Secrets};
use crate::sequence::Sequence;
use crate::subscription::{Filter, Subscription};

use super::scene::{
    Scene, TENANT, at, delivered, demand, draft, endpoint, lane, same, tenant, the_only, work,
};
use super::{Breach, CaseResult};

const POLICY: UrlPolicy =
    UrlPolicy { schemes: SchemePolicy::HttpsOnly, ports: PortPolicy::WebAndHigh, danger_local_names: false };

fn broken(error: impl std::error::Error) -> Breach {
    Breach::new(format!("the case is broken: {error}"))
}

/// An enabled endpoint that subscribes to everything and has no secret.
pub(super) fn plain_endpoint(of: &str, id: &str, url: &str) -> Result<Endpoint, Breach> {
    Ok(Endpoint {
        id: endpoint(id)?,
        tenant: tenant(of)?,
        name: id.to_owned(),
        url: EndpointUrl::parse(url, &POLICY).map_err(broken)?,
        profile: ProfileName::new("standard")?,
        secrets: SecretSet::none().into(),
        subscription: Subscription::to_all(),
        headers: Headers::none(),
        overrides: Overrides::none(),
        enabled: true,
        since: at(0),
        began: Sequence::START,
        version: 0,
        generation: Generation::UNKNOWN,
    })
}

pub(super) fn plain(id: &str) -> Result<Endpoint, Breach> {
    plain_endpoint(TENANT, id, &format!("https://{id}.example/hook"))
}

pub(super) fn write(endpoint: &Endpoint, expected: Expected) -> Write {
    Write { endpoint: endpoint.clone(), width: 8, expected, unique_url: false }
}

/// The version after a write; `None` if nothing was written.
const fn stored_version(put: &Put) -> Option<u64> {
    match put {
        Put::Stored { version, .. } => Some(*version),
        Put::Conflict { .. } | Put::DuplicateUrl { .. } => None,
    }
}

fn meta() -> Result<EventMeta, Breach> {
    Ok(EventMeta::of(&draft("e1")?.event))
}

impl Scene {
    pub(super) async fn register(&self, endpoint: &Endpoint) -> CaseResult {
        let put = self.put(&write(endpoint, Expected::Absent)).await?;
        same("the version of a new endpoint", stored_version(&put), Some(1))
    }

    /// The endpoint as it is stored now.
    pub(super) async fn registered(&self, id: &EndpointId) -> Result<Endpoint, Breach> {
        let loaded = self.load_one(id).await?;
        let loaded = loaded.ok_or_else(|| Breach::new(format!("{id} is not there")))?;
        Ok(Endpoint::clone(&loaded))
    }

    pub(super) async fn load_one(&self, id: &EndpointId) -> Result<Option<Arc<Endpoint>>, Breach> {
        Ok(the_only(self.load(std::slice::from_ref(id)).await?)?.found())
    }
}

/// The content of an endpoint as text, including secrets: equal for equal endpoints.
fn written(endpoint: &Endpoint) -> String {
    let secrets = match &endpoint.secrets {
        Secrets::Open(set) => {
            let retiring: Vec<_> = set.retiring.iter().map(|old| (old.secret.expose(), old.until)).collect();
            format!("{:?} {retiring:?}", set.current.iter().map(Secret::expose).collect::<Vec<_>>())
        }
        Secrets::Sealed { key_id, why } => format!("sealed with {key_id}: {why:?}"),
    };
    format!(
        "{endpoint:?} {} {:?} {secrets}",
        endpoint.url.expose(),
        endpoint.headers.as_map().iter().collect::<Vec<_>>()
    )
    .replace("Sensitive", "value")
}

pub async fn an_endpoint_comes_back_as_it_was_written(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let secret = |text: &str| Secret::new(text).map_err(broken);
    let limit = Limit::per_minute(LimitScope::Endpoint, NonZeroU32::MIN);
    let filter = Filter::equals("/plan", ["pro".into()]).map_err(broken)?;
    let overrides = Overrides::none()
        .limits([limit])
        .and_then(|overrides| overrides.width(NonZeroU32::MIN))
        .and_then(|overrides| overrides.timeout(Duration::from_millis(1500)))
        .map_err(broken)?;
    let full = Endpoint {
        name: "Zażółć \"gęślą\" \u{1f980}".to_owned(),
        url: EndpointUrl::parse("https://one.example/hook?token=a%20b", &POLICY).map_err(broken)?,
        secrets: SecretSet {
            current: vec![secret("now\0\u{1f511}")?, secret("of another scheme")?],
            retiring: vec![Retiring { secret: secret("before")?, until: at(99) }],
        }
        .into(),
        subscription: Subscription::to(["order.*", "refund.made"])
            .map_err(broken)?
            .within(Scope::new("shop-1")?)
            .filtered(filter),
        headers: Headers::none()
            .with("x-own", "a, b")
            .and_then(|headers| headers.with("authorization", "Bearer s3cret"))
            .map_err(broken)?,
        overrides,
        enabled: false,
        since: at(5) + Duration::from_micros(1),
        ..plain("one")?
    };
    for endpoint in [full, plain("two")?] {
        scene.register(&endpoint).await?;
        let loaded = scene.load_one(&endpoint.id).await?;
        let generation = loaded.as_ref().map(|loaded| loaded.generation).unwrap_or_default();
        let began = loaded.as_deref().map_or(Sequence::START, |loaded| loaded.began);
        let expected = Endpoint { version: 1, generation, began, ..endpoint };
        same("the endpoint", loaded.as_deref().map(written), Some(written(&expected)))?;
    }
    Ok(())
}

pub async fn versions_count_the_writes(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = Endpoint { version: 77, ..plain("one")? };
    scene.register(&endpoint).await?;
    for version in 1..4 {
        let put = scene.put(&write(&endpoint, Expected::Version(version))).await?;
        same("the answer", stored_version(&put), Some(version + 1))?;
        let loaded = scene.load_one(&endpoint.id).await?;
        same("the version", loaded.map(|loaded| loaded.version), Some(version + 1))?;
    }
    Ok(())
}

pub async fn a_write_over_another_version_is_refused(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    let put = scene.put(&write(&endpoint, Expected::Version(1))).await?;
    same("over nothing", put, Put::Conflict { current: None })?;
    scene.register(&endpoint).await?;
    let renamed = Endpoint { name: "renamed".to_owned(), ..endpoint.clone() };
    for expected in [Expected::Absent, Expected::Version(0), Expected::Version(2)] {
        let put = scene.put(&write(&renamed, expected)).await?;
        same("the answer", put, Put::Conflict { current: Some(1) })?;
    }
    let loaded = scene.load_one(&endpoint.id).await?;
    same("the name", loaded.map(|loaded| loaded.name.clone()), Some(endpoint.name))
}

pub async fn an_endpoint_id_is_unique_over_all_tenants(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    scene.register(&plain("one")?).await?;
    let theirs = plain_endpoint("other", "one", "https://two.example/hook")?;
    for expected in [Expected::Absent, Expected::Version(1)] {
        let put = scene.put(&write(&theirs, expected)).await?;
        same("the answer", put, Put::Conflict { current: None })?;
    }
    let listed = scene.list(&tenant("other")?, None, 10).await?;
    same("the other's endpoints", listed.endpoints.len(), 0)?;
    demand!(scene.remove(&tenant("other")?, &theirs.id).await?.is_none(), "another tenant removed it");
    let loaded = scene.load_one(&theirs.id).await?;
    same("whose it is", loaded.map(|loaded| loaded.tenant.clone()), Some(tenant(TENANT)?))
}

pub async fn a_url_is_unique_per_tenant_where_asked(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let url = "https://one.example/hook";
    let unique = |endpoint: &Endpoint, expected| Write { unique_url: true, ..write(endpoint, expected) };
    let first = plain_endpoint(TENANT, "one", url)?;
    scene.register(&first).await?;
    let second = plain_endpoint(TENANT, "two", url)?;
    let put = scene.put(&unique(&second, Expected::Absent)).await?;
    same("a second one", put, Put::DuplicateUrl { endpoint: first.id.clone() })?;
    same("nothing written", scene.load_one(&second.id).await?.is_none(), true)?;
    let put = scene.put(&unique(&first, Expected::Version(1))).await?;
    same("itself", stored_version(&put), Some(2))?;
    let theirs = plain_endpoint("other", "three", url)?;
    let put = scene.put(&unique(&theirs, Expected::Absent)).await?;
    same("another tenant's", stored_version(&put), Some(1))?;
    scene.register(&second).await
}

pub async fn subscribers_are_the_enabled_endpoints_of_the_tenant_in_pages(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    for id in ["d", "b", "off", "a", "e", "c"] {
        scene.register(&Endpoint { enabled: id != "off", ..plain(id)? }).await?;
    }
    scene.register(&plain_endpoint("other", "bb", "https://bb.example/hook")?).await?;
    let (mut found, mut after, mut pages) = (Vec::new(), None::<EndpointId>, 0);
    loop {
        let page = scene.subscribers(&meta()?, after.as_ref(), 2).await?;
        demand!(page.endpoints.len() <= 2, "a page of {}", page.endpoints.len());
        found.extend(page.endpoints.iter().map(|endpoint| endpoint.id.to_string()));
        pages += 1;
        match page.more_after {
            Some(more_after) if pages < 9 => after = Some(more_after),
            _ => break,
        }
    }
    same("the subscribers", found, ["a", "b", "c", "d", "e"])?;
    let narrowed =
        Endpoint { subscription: Subscription::to(["refund.made"]).map_err(broken)?, ..plain("narrow")? };
    scene.register(&narrowed).await?;
    let refund = EventMeta { kind: EventType::new("refund.made")?, ..meta()? };
    let page = scene.subscribers(&refund, None, 100).await?;
    let wanted: Vec<_> = page.endpoints.iter().map(|endpoint| endpoint.id.as_str()).collect();
    same("all that may want it", wanted, ["a", "b", "c", "d", "e", "narrow"])
}

pub async fn loading_answers_in_order(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    for id in ["one", "two"] {
        scene.register(&plain(id)?).await?;
    }
    let asked = [endpoint("two")?, endpoint("nobody")?, endpoint("one")?, endpoint("two")?];
    let loaded = scene.load(&asked).await?;
    let names: Vec<_> = loaded.iter().map(|found| found.id().map(EndpointId::as_str)).collect();
    same("the endpoints", names, [Some("two"), None, Some("one"), Some("two")])
}

pub async fn disabling_needs_the_version_that_was_seen(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    scene.put(&write(&endpoint, Expected::Version(1))).await?;
    let seen = scene.registered(&endpoint.id).await?;
    let older = Endpoint { version: 1, ..seen.clone() };
    same("with an older version", scene.disable(&older, "gone").await?, false)?;
    same("with the version", scene.disable(&seen, "gone").await?, true)?;
    let loaded = scene.load_one(&endpoint.id).await?;
    let found = loaded.map(|loaded| (loaded.enabled, loaded.version));
    same("enabled, and the version", found, Some((false, 3)))?;
    same("again", scene.disable(&seen, "gone").await?, false)?;
    let nobody = Endpoint { id: super::scene::endpoint("nobody")?, ..seen };
    same("nobody", scene.disable(&nobody, "gone").await?, false)?;
    same("subscribers", scene.subscribers(&meta()?, None, 9).await?.endpoints.len(), 0)
}

pub async fn an_endpoint_is_switched_off_whatever_its_version(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let acme = tenant(TENANT)?;
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    demand!(!scene.switch_off(&tenant("other")?, &endpoint.id).await?, "another tenant switched it off");
    demand!(!scene.switch_off(&acme, &super::scene::endpoint("nobody")?).await?, "nobody was there");
    same("subscribers", scene.subscribers(&meta()?, None, 9).await?.endpoints.len(), 1)?;
    same("was there", scene.switch_off(&acme, &endpoint.id).await?, true)?;
    let loaded = scene.load_one(&endpoint.id).await?;
    same("enabled, and the version", loaded.map(|found| (found.enabled, found.version)), Some((false, 2)))?;
    same("subscribers", scene.subscribers(&meta()?, None, 9).await?.endpoints.len(), 0)?;
    let put = scene.put(&write(&endpoint, Expected::Version(2))).await?;
    same("it can be written on", stored_version(&put), Some(3))
}

pub async fn a_removed_endpoint_is_gone(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let acme = tenant(TENANT)?;
    for id in ["a", "b", "c"] {
        scene.register(&plain(id)?).await?;
    }
    let b = endpoint("b")?;
    same("was there", scene.remove(&acme, &b).await?.is_some(), true)?;
    same("is not any more", scene.remove(&acme, &b).await?, None)?;
    same("loaded", scene.load_one(&b).await?.is_none(), true)?;
    let listed = |page: EndpointPage| -> Vec<String> {
        page.endpoints.iter().map(|endpoint| endpoint.id.to_string()).collect()
    };
    same("all", listed(scene.list(&acme, None, 9).await?), ["a", "c"])?;
    same("a page", listed(scene.list(&acme, Some(&endpoint("a")?), 1).await?), ["c"])?;
    let theirs = plain_endpoint("other", "b", "https://b.example/hook")?;
    scene.register(&theirs).await
}

pub async fn the_pause_of_a_removed_endpoint_ends_with_it(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    scene.change_gate(lane("one")?, GateChange::Pause, at(0)).await?;
    same("paused", work(&scene.claim_at(at(1)).await?), Vec::<String>::new())?;
    demand!(scene.remove(&tenant("other")?, &endpoint.id).await?.is_none(), "another tenant removed it");
    same("still paused", work(&scene.claim_at(at(2)).await?), Vec::<String>::new())?;
    scene.remove(&tenant(TENANT)?, &endpoint.id).await?;
    same("claimed, to be cancelled", work(&scene.claim_at(at(3)).await?), ["e1>one"])
}

pub async fn the_id_of_a_removed_endpoint_with_a_lane_stays_its_tenants(
    fresh: Arc<dyn Backend>,
) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    scene.store([draft("e1")?.to(&["one"])?]).await?;
    scene.remove(&tenant(TENANT)?, &endpoint.id).await?;
    let theirs = plain_endpoint("other", "one", "https://two.example/hook")?;
    let put = scene.put(&write(&theirs, Expected::Absent)).await?;
    same("the answer to another tenant", put, Put::Conflict { current: None })?;
    same("loaded", scene.load_one(&endpoint.id).await?.is_none(), true)?;
    scene.register(&endpoint).await
}

pub async fn a_lanes_width_follows_its_endpoint(fresh: Arc<dyn Backend>) -> CaseResult {
    let scene = Scene::on(fresh);
    let endpoint = plain("one")?;
    scene.register(&endpoint).await?;
    for number in 0..6 {
        let draft = draft(&format!("e{number}"))?.to(&["one"])?;
        scene.store([draft.with_routes(|route| route.width = 1)]).await?;
    }
    let first = the_only(scene.claim_at(at(0)).await?.work)?;
    let wider = Write { width: 3, ..write(&endpoint, Expected::Version(1)) };
    scene.put(&wider).await?;
    let claims = scene.claim_at(at(1)).await?;
    same("wider at once", (claims.work.len(), claims.lanes.first().map(|lane| lane.width)), (2, Some(3)))?;
    let lane = the_only(claims.lanes)?;
    let sick = Health {
        width: 1,
        proven: false,
        streak: 3,
        failing: Some(Failing::first(at(1))),
        catch_up: None,
        ends_hold: None,
    };
    let change = LaneChange { raise: None, health: Some(sick), ..lane.hold(at(1)) };
    let over: Vec<_> = claims.work.iter().chain([&first]).map(|claim| delivered(claim, at(2))).collect();
    scene.settle(&over, &[change], at(2)).await?;
    scene.put(&Write { width: 9, ..write(&endpoint, Expected::Version(2)) }).await?;
    same("a sick lane stays narrow", work(&scene.claim_at(at(3)).await?).len(), 1)
}
