//! A customer of the service: it calls each route, and has a receiver for what is delivered.

use std::error::Error;
use std::net::SocketAddr;

use hookpost::testing::{Received, Receiver};
use hookpost::{NewEvent, Scheme, Secret, Verifier, Webhooks};
use serde_json::{Value, json};

use crate::shown::{Expected, title};

pub(crate) async fn play(service: SocketAddr, webhooks: &Webhooks) -> Result<Expected, Box<dyn Error>> {
    let mut expected = Expected::default();
    let receiver = Receiver::start().await?;
    let customer = Customer { service, client: reqwest::Client::builder().no_proxy().build()? };

    title("register");
    let form = |path, pattern| json!({"url": receiver.url(path), "events": [pattern], "version": 1});
    let (refused, _) = customer.send("POST", "acme/endpoints", &form("/hooks", "order*")).await?;
    let (status, answer) = customer.send("POST", "acme/endpoints", &form("/hooks", "order.*")).await?;
    expected.that("a wrong pattern is refused", refused == 422);
    expected.that("an endpoint is registered", status == 200);
    let secret = answer["secret"].as_str().ok_or("no secret")?;
    receiver.verify_with(Verifier::new(&Scheme::standard(), [Secret::new(secret)?])?);
    let own = format!("acme/endpoints/{}", answer["endpoint"]["id"].as_str().ok_or("no id")?);

    title("send a test, and an event");
    let (_, report) = customer.call("POST", &format!("{own}/test")).await?;
    webhooks.publish(NewEvent::json("acme", "order.paid", r#"{"order":7}"#)?).await?;
    let requests = receiver.wait_for(2).await;
    for request in &requests {
        println!("{}", String::from_utf8_lossy(&request.body));
    }
    expected.that("the test is accepted", report["success"] == true);
    expected.that("every signature is right", requests.iter().all(Received::is_verified));

    title("change");
    let (changed, _) = customer.send("PUT", &own, &form("/new", "*")).await?;
    let (outdated, _) = customer.send("PUT", &own, &form("/old", "*")).await?;
    expected.that("a change is stored", changed == 200);
    expected.that("a change of an earlier version is refused", outdated == 409);

    title("disable and enable");
    customer.call("POST", &format!("{own}/disable")).await?;
    webhooks.publish(NewEvent::json("acme", "order.lost", "{}")?).await?;
    customer.call("POST", &format!("{own}/enable")).await?;
    webhooks.publish(NewEvent::json("acme", "order.sent", "{}")?).await?;
    let requests = receiver.wait_for(3).await;
    let body = String::from_utf8_lossy(&requests[2].body);
    println!("{body}");
    expected.that("what was published meanwhile is not sent", body.contains("order.sent"));
    expected.that("the new URL is used", requests[2].path() == "/new");

    title("list and remove");
    let (_, listed) = customer.call("GET", "acme/endpoints").await?;
    let (of_another, _) = customer.call("DELETE", &own.replace("acme", "globex")).await?;
    let (removed, _) = customer.call("DELETE", &own).await?;
    expected.that("one endpoint is listed", listed.as_array().is_some_and(|all| all.len() == 1));
    expected.that("another tenant does not find it", of_another == 404);
    expected.that("it is removed", removed == 204);
    Ok(expected)
}

struct Customer {
    service: SocketAddr,
    client: reqwest::Client,
}

impl Customer {
    async fn call(&self, method: &str, path: &str) -> Result<(u16, Value), Box<dyn Error>> {
        self.send(method, path, &Value::Null).await
    }

    /// Calls a route, prints what it answers, and returns that.
    async fn send(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value), Box<dyn Error>> {
        let request = self.client.request(method.parse()?, format!("http://{}/{path}", self.service));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        println!("{method} /{path}\n  {status} {text}");
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}
