//! The bare loop: sign and POST the same bytes through the same guarded client,
//! reading the head, with nothing around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hookpost::SecretSet;
use hookpost::backend::{Clock, Transport};
use hookpost::id::EventId;
use hookpost::os::SystemClock;
use hookpost::policy::egress::EndpointUrl;
use hookpost::profile::Request;
use hookpost::sign::Signer;
use hookpost::transports::reqwest::ReqwestTransport;
use hookpost::{Profile, Scheme, Secret};

use crate::engine::{SECRET, payload, transport};
use crate::report::{Figures, cpu};

pub(crate) const CONCURRENCY: usize = 64;

/// The better of one current-thread and one multi-thread runtime.
pub(crate) fn better(urls: &[String], deliveries: usize) -> (&'static str, Figures) {
    let single = run(Runtime::CurrentThread, urls, deliveries);
    let multi = run(Runtime::MultiThread, urls, deliveries);
    if single.per_second >= multi.per_second {
        (Runtime::CurrentThread.name(), single)
    } else {
        (Runtime::MultiThread.name(), multi)
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Runtime {
    CurrentThread,
    MultiThread,
}

impl Runtime {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "current_thread",
            Self::MultiThread => "multi_thread",
        }
    }

    pub(crate) fn build(self) -> tokio::runtime::Runtime {
        match self {
            Self::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Self::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        }
        .enable_all()
        .build()
        .unwrap()
    }
}

pub(crate) fn run(runtime: Runtime, urls: &[String], deliveries: usize) -> Figures {
    runtime.build().block_on(async {
        let transport = Arc::new(transport());
        let urls: Arc<[EndpointUrl]> =
            urls.iter().map(|url| EndpointUrl::from_stored(url).unwrap()).collect();
        // Connections are there before the clock runs.
        post_all(&transport, &urls, (deliveries / 10).max(2 * urls.len())).await;
        let (started, cpu_before) = (Instant::now(), cpu());
        post_all(&transport, &urls, deliveries).await;
        Figures::new(deliveries, started.elapsed(), cpu().saturating_sub(cpu_before))
    })
}

async fn post_all(transport: &Arc<ReqwestTransport>, urls: &Arc<[EndpointUrl]>, deliveries: usize) {
    let left = Arc::new(AtomicUsize::new(deliveries));
    let tasks: Vec<_> = (0..CONCURRENCY)
        .map(|worker| {
            let (transport, urls, left) = (transport.clone(), urls.clone(), left.clone());
            tokio::spawn(async move { post(&transport, &urls, worker, &left).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn post(transport: &ReqwestTransport, urls: &[EndpointUrl], worker: usize, left: &AtomicUsize) {
    let secrets = SecretSet::of(Secret::new(SECRET).unwrap());
    let signer = Signer::new(Scheme::standard(), &secrets).unwrap();
    let (profile, clock) = (Profile::standard(), SystemClock::new());
    let body = bytes::Bytes::from(payload());
    let mut turn = worker;
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let now = clock.now();
        let id = EventId::from_parts(now, [7; 10]);
        let mut headers = profile.headers.clone();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        signer.sign(&id, now, &body, &mut headers).unwrap();
        let request = Request {
            url: urls[turn % urls.len()].clone(),
            headers,
            body: body.clone(),
            timeout: Duration::from_secs(15),
            response_body_max: 0,
        };
        turn += CONCURRENCY;
        transport.send(request).await;
    }
}
