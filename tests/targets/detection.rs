//! Which target a URL belongs to.

use hookpost::policy::egress::{EndpointUrl, UrlPolicy};
use hookpost::targets::Kind;
use hookpost::{NewEndpoint, Profile, RegisterError};

use crate::world::acme;

fn parsed(url: &str) -> EndpointUrl {
    EndpointUrl::parse(url, &UrlPolicy::http_and_https()).unwrap()
}

#[test]
fn ft1_each_target_is_known_by_its_host_and_path() {
    for (url, kind) in [
        ("https://hooks.slack.com/services/T0/B0/x", Kind::Slack),
        ("https://HOOKS.SLACK.COM:443/services/T0/B0/x", Kind::Slack),
        ("https://hooks.slack-gov.com/services/T0/B0/x", Kind::Slack),
        ("https://discord.com/api/webhooks/1/t", Kind::Discord),
        ("https://discord.com/api/v10/webhooks/1/t?thread_id=2", Kind::Discord),
        ("https://discordapp.com/api/webhooks/1/t", Kind::Discord),
        ("https://ptb.discord.com/api/webhooks/1/t", Kind::Discord),
        ("https://canary.discord.com/api/webhooks/1/t", Kind::Discord),
        ("https://discord.com/api/webhooks/1/t/slack", Kind::Discord),
        ("https://ptb.discordapp.com/api/webhooks/1/t", Kind::Discord),
        ("https://canary.discordapp.com/api/webhooks/1/t", Kind::Discord),
        (
            "https://prod-01.usgovvirginia.logic.azure.us/workflows/a/triggers/manual/paths/invoke?sig=x",
            Kind::Teams,
        ),
        (
            "https://prod-12.chinaeast2.logic.azure.cn/workflows/a/triggers/manual/paths/invoke?sig=x",
            Kind::Teams,
        ),
        (
            "https://d1.f2.environment.api.gov.powerplatform.microsoft.us/powerautomate/automations/direct/workflows/a",
            Kind::Teams,
        ),
        (
            "https://d1.f2.environment.api.high.powerplatform.microsoft.us/powerautomate/automations/direct/a",
            Kind::Teams,
        ),
        (
            "https://d1.f2.environment.api.appsplatform.us/powerautomate/automations/direct/workflows/a",
            Kind::Teams,
        ),
        (
            "https://d1.f2.environment.api.powerplatform.partner.microsoftonline.cn/powerautomate/automations/a",
            Kind::Teams,
        ),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", Kind::Teams),
        (
            "https://prod-11.westus.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=x",
            Kind::Teams,
        ),
        (
            "https://d1.f2.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/a?sig=x",
            Kind::Teams,
        ),
        ("https://acme.webhook.office.com/webhookb2/a", Kind::Teams),
        ("https://hooks.zapier.com/hooks/catch/1/a/", Kind::Zapier),
        ("https://hook.eu1.make.com/a", Kind::Make),
        ("https://hook.us1.make.celonis.com/a", Kind::Make),
        ("https://hook.integromat.com/a", Kind::Make),
        ("https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=t", Kind::GoogleChat),
        ("https://api.telegram.org/bot1:t/sendMessage?chat_id=1", Kind::Telegram),
        ("https://events.pagerduty.com/v2/enqueue", Kind::PagerDuty),
        ("https://events.eu.pagerduty.com/v2/enqueue", Kind::PagerDuty),
    ] {
        assert_eq!(Kind::of(&parsed(url)), Some(kind), "{url}");
        assert_eq!(Profile::for_url(&parsed(url), Profile::standard()).name.as_str(), kind.name(), "{url}");
        assert_eq!(kind.profile().name.as_str(), kind.name());
    }
}

#[test]
fn ft1_a_look_alike_gets_the_native_profile() {
    for url in [
        "https://evil.test/hooks.slack.com/services/x",
        "https://hooks.slack.com.evil.test/",
        "https://hooks.slack.com.evil.test/services/T0/B0/x",
        "https://xhooks.slack.com/services/T0/B0/x",
        "https://evil.test/?u=https://hooks.slack.com/services/T0/B0/x",
        "https://hooks.slack.com/workflows/T0/A0/1/x",
        "https://hooks.slack.com/triggers/T0/1/x",
        "https://hooks.slack.com/servicesx",
        "http://hooks.slack.com/services/T0/B0/x",
        "https://hooks.slack.com:8443/services/T0/B0/x",
        "https://discord.com/channels/1/2",
        "https://discord.com/api/webhooks/1/t/github",
        "https://notdiscord.com/api/webhooks/1/t",
        "https://logic.azure.com.evil.test/workflows/a",
        "https://evillogic.azure.com/workflows/a",
        "https://hook.eu1.evil.make.com/a",
        "https://hook.make.com/a",
        "https://www.make.com/en",
        "https://events.pagerduty.com/v1/a",
        "https://events.xx.pagerduty.com/v2/enqueue",
        "https://outlook.office.com/mail/",
        "https://hook.a.b.make.celonis.com/a",
        "https://evil.integromat.com/a",
    ] {
        assert_eq!(Kind::of(&parsed(url)), None, "{url}");
        assert_eq!(Profile::for_url(&parsed(url), Profile::x_webhook()).name.as_str(), "x_webhook", "{url}");
    }
}

/// Each built-in target at the URL of each: whether its endpoint is refused.
#[tokio::test]
async fn an_endpoint_whose_url_is_another_targets_is_refused_with_the_profile_that_the_url_suggests() {
    let world = super::scene::world();
    let forwards = |name: &str| ["zapier", "make", "n8n"].contains(&name);
    for (profile, _) in super::scene::targets() {
        for (owner, url) in super::scene::targets() {
            let (name, owner) = (profile.name.as_str(), owner.name.as_str());
            // Nobody can tell whose a URL is on a host of its user's own.
            let is_anyones = ["mattermost", "n8n"].contains(&owner);
            let fits = name == owner || is_anyones || (forwards(name) && !forwards(owner));
            let new = NewEndpoint::new("acme", url, name).unwrap().secret(super::scene::ROUTING_KEY).unwrap();
            let new = if name == "pagerduty" { new } else { new.without_secret() };
            let registered = world.webhooks.register(new.clone()).await;
            let suggested = match &registered {
                Ok(_) => None,
                Err(RegisterError::AnothersUrl { profile, other }) => {
                    assert_eq!(profile.as_str(), name);
                    Some(*other)
                }
                Err(error) => panic!("{name} at {owner}: {error}"),
            };
            assert_eq!(suggested, (!fits).then_some(owner), "{name} at the URL of {owner}");
            assert_eq!(world.webhooks.check(new).is_ok(), fits, "{name} at {owner}");
            if let Err(error) = registered {
                let said = error.to_string();
                let start = format!("profile: must be {owner}, since ");
                assert!(said.starts_with(&start) && said.contains(&format!("(got {name})")), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn an_endpoint_is_not_moved_to_the_url_of_another_target() {
    let world = super::scene::world();
    super::scene::register(&world, "e", "slack", super::scene::SLACK).await;
    let before = world.webhooks.endpoint(&acme(), &"e".parse().unwrap()).await.unwrap().unwrap();
    let moved = NewEndpoint::from(&*before).url(super::scene::DISCORD);
    let refused = world.webhooks.update(&before.id, before.version, moved).await.unwrap_err();
    assert!(matches!(refused, RegisterError::AnothersUrl { other: "discord", .. }), "{refused}");
}

#[tokio::test]
async fn slacks_messages_may_go_where_somebody_else_takes_them() {
    let own = Profile { name: "own_slack".parse().unwrap(), ..Profile::slack() };
    let world = crate::world::World::with(|builder| builder.profile(Profile::slack()).profile(own));
    for (profile, url) in [
        ("slack", "https://discord.com/api/webhooks/1/t/slack"),
        ("slack", "https://discord.com/api/v10/webhooks/1/t/slack?wait=true"),
        ("slack", "https://relay.acme.example/services/T0/B0/x"),
        ("slack", "https://chat.acme.example/hooks/x"),
        ("slack", "https://hooks.slack.com/workflows/T0/A0/1/x"),
        ("own_slack", super::scene::DISCORD),
        ("standard_raw", super::scene::DISCORD),
    ] {
        let url = world.webhooks.check_url(&profile.parse().unwrap(), url);
        assert!(url.is_ok(), "{profile}: {url:?}");
    }
    for url in ["https://discord.com/api/webhooks/1/t?x=/slack", "https://discord.com/api/webhooks/1/slack/t"]
    {
        assert!(world.webhooks.check_url(&"slack".parse().unwrap(), url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn ft1_a_profile_that_is_named_wins_over_the_one_that_a_url_suggests() {
    let world = super::scene::world();
    super::scene::register(&world, "own", "zapier", super::scene::SLACK).await;
    world.publish("order.paid").await;
    world.run_for(std::time::Duration::from_secs(1)).await;
    assert_eq!(world.sent()[0].body, r#"{"n":1}"#, "the native body, not Slack's");
}
