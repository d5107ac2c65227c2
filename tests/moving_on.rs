//! Receivers move to another secret, or to another scheme, each in its own time: the old
//! signature and the new one stand side by side until nobody needs the old one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod world;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hookpost::delivery::{FailReason, State};
use hookpost::profile::Verbatim;
use hookpost::sign::{ContentPart, KeyForm, Proof, Recipe, Schemes};
use hookpost::testing::{Exchange, Reply};
use hookpost::{
    Endpoint, NewEndpoint, NewEvent, Profile, RegisterError, Scheme, Secret, Verifier, VerifyError, Webhooks,
};
use http::HeaderName;
use world::{World, acme, hours, id, url, without_jitter};

const PLAIN: &str = "what a person typed";
const OLD: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const NEW: &str = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A profile of that name, which signs by these schemes.
fn signing_by(schemes: impl IntoIterator<Item = Scheme>) -> Profile {
    let schemes = Schemes::new(schemes).unwrap();
    let envelope = Arc::new(Verbatim);
    without_jitter(Profile { name: "hooks".parse().unwrap(), envelope, schemes, ..Profile::live_session() })
}

fn new(name: &str, secrets: &[&str]) -> NewEndpoint {
    let new = NewEndpoint::new("acme", url(name), "hooks").unwrap().id(name).unwrap();
    secrets.iter().fold(new, |new, secret| new.secret(*secret).unwrap())
}

/// What a receiver says that knows this scheme and this secret, when the request comes.
fn receive(scheme: &Scheme, secret: &str, exchange: &Exchange) -> Result<Proof, VerifyError> {
    let verifier = Verifier::new(scheme, [Secret::new(secret).unwrap()]).unwrap();
    verifier.verify(&exchange.headers, &exchange.body, exchange.began_at).map(|verified| verified.proof())
}

const TAKEN: Result<Proof, VerifyError> = Ok(Proof::Signed { secret: 0 });

impl World {
    fn signing_by(schemes: impl IntoIterator<Item = Scheme>) -> Self {
        Self::with(|builder| builder.profile(signing_by(schemes)))
    }

    /// The same store under a sender whose profile was changed.
    fn redeployed(self, schemes: impl IntoIterator<Item = Scheme>) -> Self {
        let builder = Webhooks::builder(self.store.clone(), self.transport.clone())
            .profiles(hookpost::Profile::systems());
        let builder = builder.clock(self.clock.clone()).poll(Duration::from_secs(20));
        Self { webhooks: builder.profile(signing_by(schemes)).build().unwrap(), ..self }
    }

    /// Publishes an event and gives what of it was sent to this endpoint.
    async fn deliver_to(&self, name: &str) -> Vec<Exchange> {
        let before = self.sent_to(name).len();
        self.publish("anything").await;
        self.run_for(Duration::from_secs(30)).await;
        self.sent_to(name).split_off(before)
    }

    async fn rotate(
        &self,
        name: &str,
        secret: &str,
        overlap: Duration,
    ) -> Result<Arc<Endpoint>, RegisterError> {
        self.webhooks.rotate_secret(&acme(), &id(name), Secret::new(secret).unwrap(), overlap).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_secret_signs_beside_the_new_one_until_its_end_and_never_after() {
    let world = World::signing_by([Scheme::standard()]);
    world.webhooks.register(new("e", &[OLD])).await.unwrap();
    world.rotate("e", NEW, hours(24)).await.unwrap();
    let mut verdicts = Vec::new();
    for _ in 0..4 {
        let sent = world.deliver_to("e").await;
        let of = |secret| receive(&Scheme::standard(), secret, &sent[0]).is_ok();
        verdicts.push((of(OLD), of(NEW)));
        world.run_for(hours(11)).await;
    }
    assert_eq!(verdicts, [(true, true), (true, true), (true, true), (false, true)]);
    let both = Verifier::new(&Scheme::standard(), [NEW, OLD].map(|text| Secret::new(text).unwrap())).unwrap();
    for exchange in world.sent() {
        let verified = both.verify(&exchange.headers, &exchange.body, exchange.began_at).unwrap();
        assert_eq!(verified.proof(), Proof::Signed { secret: 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_the_end_is_not_signed_by_the_old_secret_though_its_first_attempt_was() {
    let world = World::signing_by([Scheme::standard()]);
    world.webhooks.register(new("e", &[OLD])).await.unwrap();
    world.rotate("e", NEW, Duration::from_secs(90)).await.unwrap();
    world.transport.otherwise(Reply::status(503));
    world.publish("anything").await;
    world.run_for(Duration::from_secs(240)).await;
    let signed =
        world.sent().iter().map(|sent| receive(&Scheme::standard(), OLD, sent).is_ok()).collect::<Vec<_>>();
    assert_eq!(world::seconds(&world.sent()), [0, 60, 180]);
    assert_eq!(signed, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_moves_to_another_scheme_when_it_is_ready() {
    let (old, new_scheme) = (Scheme::x_webhook(), Scheme::standard());
    let verdicts = |sent: &[Exchange]| {
        let [exchange] = sent else { panic!("one request, not {}", sent.len()) };
        (receive(&old, PLAIN, exchange).is_ok(), receive(&new_scheme, NEW, exchange).is_ok())
    };
    let world = World::signing_by([old.clone()]);
    for name in ["mover", "sleeper"] {
        world.webhooks.register(new(name, &[PLAIN])).await.unwrap();
    }
    assert_eq!(verdicts(&world.deliver_to("mover").await), (true, false));

    let world = world.redeployed([old.clone(), new_scheme.clone()]);
    let sent = world.deliver_to("mover").await;
    assert_eq!(verdicts(&sent), (true, false), "nothing changes for who has done nothing");
    assert!(!sent[0].headers.contains_key("webhook-id"), "a scheme without a secret writes nothing");

    world.rotate("mover", NEW, Duration::ZERO).await.unwrap();
    assert_eq!(verdicts(&world.deliver_to("mover").await), (true, true), "its receiver may take either");

    let world = world.redeployed([new_scheme.clone()]);
    assert_eq!(verdicts(&world.deliver_to("mover").await), (false, true));
    let before = world.sent_to("sleeper").len();
    assert_eq!(before, 3, "so far it got everything");
    world.run_for(hours(1)).await;
    assert_eq!(world.sent_to("sleeper").len(), before, "and never gets anything unsigned");
}

#[tokio::test(start_paused = true)]
async fn schemes_whose_keys_have_one_form_sign_with_one_secret() {
    let of_text = Recipe { key: KeyForm::AsGiven, ..Scheme::standard().recipe().clone() };
    let world = World::signing_by([Scheme::live_session(), Scheme::new(of_text).unwrap()]);
    let secret = "thirty-two characters of a secret";
    world.webhooks.register(new("e", &[secret])).await.unwrap();
    let sent = world.deliver_to("e").await;
    let in_standard = format!("whsec_{}", BASE64.encode(secret));
    assert_eq!(receive(&Scheme::live_session(), secret, &sent[0]), TAKEN);
    assert_eq!(receive(&Scheme::standard(), &in_standard, &sent[0]), TAKEN);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_one_secret_a_scheme_of_any_text_takes_a_prefixed_one_as_text() {
    let world = World::signing_by([Scheme::stripe(), Scheme::standard()]);
    world.webhooks.register(new("one", &[NEW])).await.unwrap();
    world.webhooks.register(new("two", &[PLAIN, NEW])).await.unwrap();
    let one = &world.deliver_to("one").await[0];
    let two = &world.sent_to("two")[0];
    assert_eq!(receive(&Scheme::stripe(), NEW, one), TAKEN);
    assert_eq!(receive(&Scheme::stripe(), PLAIN, two), TAKEN);
    assert_eq!(receive(&Scheme::stripe(), NEW, two), Err(VerifyError::Mismatch), "each has its own");
    for exchange in [one, two] {
        assert_eq!(receive(&Scheme::standard(), NEW, exchange), TAKEN);
    }
}

#[tokio::test(start_paused = true)]
async fn two_versions_stand_in_one_list_and_each_receiver_finds_its_own() {
    // RFC 8032, section 7.1, test 1.
    let text = |prefix, half| format!("{prefix}{}", BASE64.encode(hex::decode(half).unwrap()));
    let private = text("whsk_", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let public = text("whpk_", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let world = World::signing_by([Scheme::standard(), Scheme::standard_v1a()]);
    world.webhooks.register(new("e", &[OLD, &private])).await.unwrap();
    world.rotate("e", NEW, hours(1)).await.unwrap();
    let sent = world.deliver_to("e").await;
    let list = sent[0].headers["webhook-signature"].to_str().unwrap();
    let versions: Vec<_> = list.split(' ').map(|item| item.split_once(',').unwrap().0).collect();
    assert_eq!(versions, ["v1", "v1", "v1a"], "{list}");
    for secret in [OLD, NEW] {
        assert_eq!(receive(&Scheme::standard(), secret, &sent[0]), TAKEN);
    }
    assert_eq!(receive(&Scheme::standard_v1a(), &public, &sent[0]), TAKEN);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_belongs_to_no_scheme_or_is_a_second_one_is_refused() {
    let world = World::signing_by([Scheme::x_webhook(), Scheme::standard()]);
    let refused = |error: RegisterError| error.to_string();
    let twice = "secret: must be one for each form that the profile's schemes ask for";
    for secrets in [[PLAIN, "another text"], [OLD, NEW]] {
        assert_eq!(refused(world.webhooks.register(new("e", &secrets)).await.unwrap_err()), twice);
    }
    let world = World::signing_by([Scheme::standard()]);
    for secrets in [&[PLAIN][..], &[NEW, PLAIN]] {
        let error = refused(world.webhooks.register(new("e", secrets)).await.unwrap_err());
        assert!(error.starts_with("secret: must begin with the prefix"), "{error}");
    }
    world.webhooks.register(new("e", &[NEW])).await.unwrap();
    let error = refused(world.rotate("e", PLAIN, hours(1)).await.unwrap_err());
    assert!(error.starts_with("secret: must begin with the prefix"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_kept_the_secret_of_a_scheme_that_was_given_up_can_still_be_changed() {
    let world = World::signing_by([Scheme::x_webhook(), Scheme::standard()]);
    world.webhooks.register(new("e", &[PLAIN, NEW])).await.unwrap();
    let world = world.redeployed([Scheme::standard()]);
    let endpoint = world.webhooks.endpoint(&acme(), &id("e")).await.unwrap().unwrap();
    let renamed = NewEndpoint::from(&*endpoint).name("renamed").unwrap();
    world.webhooks.update(&endpoint.id, endpoint.version, renamed).await.unwrap();
    assert_eq!(receive(&Scheme::standard(), NEW, &world.deliver_to("e").await[0]), TAKEN);
}

#[tokio::test(start_paused = true)]
async fn at_most_10_secrets_are_in_force_and_those_that_expired_make_room() {
    let world = World::signing_by([Scheme::live_session()]);
    world.webhooks.register(new("e", &["secret 0"])).await.unwrap();
    for nth in 1..10 {
        world.rotate("e", &format!("secret {nth}"), hours(1)).await.unwrap();
    }
    let error = world.rotate("e", "secret 10", hours(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "secret: must be one of at most 10 that are in force at once");
    world.run_for(hours(1)).await;
    world.rotate("e", "secret 10", hours(1)).await.unwrap();
    let signed = receive(&Scheme::live_session(), "secret 10", &world.deliver_to("e").await[0]);
    assert_eq!(signed, TAKEN);
}

#[tokio::test(start_paused = true)]
async fn what_no_receiver_could_verify_is_not_sent() {
    let content = vec![ContentPart::Timestamp(HeaderName::from_static("x-time")), ContentPart::Body];
    let recipe = Recipe { content, ..Scheme::x_webhook().recipe().clone() };
    let world = World::signing_by([Scheme::new(recipe).unwrap()]);
    world.webhooks.register(new("e", &[PLAIN])).await.unwrap();
    for (payload, state) in
        [("{}", State::Delivered { confirmed: true }), ("5", State::Failed(FailReason::Unrenderable))]
    {
        world.webhooks.publish(NewEvent::json("acme", "k", payload).unwrap()).await.unwrap();
        world.run_for(Duration::from_secs(30)).await;
        assert!(world.states().await.contains(&state), "{payload}");
    }
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_header_of_an_endpoints_own_may_not_be_one_of_any_scheme() {
    let own =
        Recipe { header: HeaderName::from_static("x-acme-seal"), ..Scheme::x_webhook().recipe().clone() };
    let world = World::signing_by([Scheme::standard(), Scheme::new(own).unwrap()]);
    let headers = |name| hookpost::Headers::none().with(name, "mine");
    let error = world.webhooks.register(new("e", &[PLAIN]).headers(headers("X-Acme-Seal").unwrap())).await;
    assert_eq!(error.unwrap_err().to_string(), "header \"x-acme-seal\": its name belongs to its profile");
    for built_in in ["X-Webhook-Signature", "webhook-id", "Stripe-Signature"] {
        let error = headers(built_in).unwrap_err().to_string();
        assert!(error.ends_with(": its name is reserved"), "{error}");
    }
}
