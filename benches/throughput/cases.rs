//! The cases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hookpost::backend::Transport;
use hookpost::policy::outcome::{Outcome, Response};
use hookpost::profile::Request;

use crate::Scale;
use crate::bare::{self, Runtime};
use crate::disk;
use crate::engine::{Bench, Kind, block_on};
use crate::report::{Figures, Line, percentile_ms};
use crate::sink::Sink;

pub(crate) fn run(case: &str, scale: Scale) {
    match case {
        "memory" => throughput(Kind::Memory, scale),
        "sqlite" => throughput(Kind::Sqlite, scale),
        "overhead" => [Kind::Memory, Kind::Sqlite].into_iter().for_each(|kind| overhead(kind, scale)),
        "publish" => publish(scale),
        "host" => crate::host::publish_beside_insert(scale),
        "latency" => [Kind::Memory, Kind::Sqlite].into_iter().for_each(|kind| latency(kind, scale)),
        "drain" => drain(),
        "backlog" => [Kind::Memory, Kind::Sqlite].into_iter().for_each(backlog),
        "endpoints" => {
            for (count, kind) in [(1_000, Kind::Memory), (8_000, Kind::Memory), (1_000, Kind::Sqlite)] {
                endpoints(count, kind);
            }
        }
        "isolation" => [1, 1_000].into_iter().for_each(isolation),
        _ => {}
    }
}

/// Published and delivered, beside the bare loop.
fn throughput(kind: Kind, scale: Scale) {
    let sink = Sink::start();
    let urls = [sink.url(0)];
    let (runtime, _) = bare::better(&urls, scale.deliveries / 2);
    let bare_on = if runtime == "current_thread" { Runtime::CurrentThread } else { Runtime::MultiThread };
    let (mut bare_runs, mut engine_runs) = (Vec::new(), Vec::new());
    for _ in 0..scale.repeats {
        bare_runs.push(bare::run(bare_on, &urls, scale.deliveries));
        engine_runs.push(block_on(async {
            let bench = Bench::new(kind, &urls).await;
            bench.publish_and_deliver(scale.deliveries, 1).await
        }));
    }
    let (bare, engine) = (Figures::median(bare_runs), Figures::median(engine_runs));
    Line::new("delivered", kind.name())
        .with("delivered_per_s", format!("{:.0}", engine.per_second))
        .with("bare_per_s", format!("{:.0}", bare.per_second))
        .with("bare_runtime", runtime)
        .with("ratio", format!("{:.2}", engine.per_second / bare.per_second))
        .with("cpu_us_per_delivery", format!("{:.1}", engine.cpu_us - bare.cpu_us))
        .print();
}

/// A transport that answers at once: what is left is the engine's own.
#[derive(Debug)]
struct AtOnce;

#[hookpost::async_trait]
impl Transport for AtOnce {
    async fn send(&self, _: Request) -> (Outcome, Duration) {
        // A real answer comes after the task was left once.
        tokio::task::yield_now().await;
        let (headers, body) = (http::HeaderMap::new(), bytes::Bytes::new());
        let response = Response { status: http::StatusCode::NO_CONTENT, headers, body, cut: false };
        (Outcome::Response(response), Duration::ZERO)
    }
}

/// Published and delivered without HTTP.
fn overhead(kind: Kind, scale: Scale) {
    let runs = (0..scale.repeats)
        .map(|_| {
            block_on(async {
                let urls = ["https://receiver.example/hook".to_owned()];
                let bench = Bench::over(Arc::new(AtOnce), kind, &urls, Some(1024), bare::CONCURRENCY).await;
                bench.publish_and_deliver(scale.deliveries, 1).await
            })
        })
        .collect();
    let figures = Figures::median(runs);
    Line::new("overhead", kind.name())
        .with("delivered_per_s", format!("{:.0}", figures.per_second))
        .with("cpu_us_per_delivery", format!("{:.1}", figures.cpu_us))
        .print();
}

/// 64 concurrent single publishes, beside one row per transaction.
fn publish(scale: Scale) {
    let count = scale.deliveries / 2;
    let single = block_on(async {
        let bench = Bench::new(Kind::Sqlite, &[]).await;
        let few = count / 50;
        let started = Instant::now();
        for _ in 0..few {
            let event = hookpost::NewEvent::json("t0", "order.paid", crate::engine::payload()).unwrap();
            bench.webhooks.publish(event).await.unwrap();
        }
        Figures::new(few, started.elapsed(), Duration::ZERO)
    });
    let together = block_on(async {
        let bench = Bench::new(Kind::Sqlite, &[]).await;
        let started = Instant::now();
        bench.fill(count, 1).await;
        Figures::new(count, started.elapsed(), Duration::ZERO)
    });
    Line::new("publish", "sqlite")
        .with("publish_per_s", format!("{:.0}", together.per_second))
        .with("single_per_s", format!("{:.0}", single.per_second))
        .with("ratio", format!("{:.1}", together.per_second / single.per_second))
        .print();
}

/// From the publish call to the bytes parsed at the sink, at 50 per second.
fn latency(kind: Kind, scale: Scale) {
    let sink = Sink::start();
    let micros = block_on(async {
        let bench = Bench::new(kind, &[sink.url(0)]).await;
        let every = Duration::from_millis(20);
        bench
            .while_running(async {
                bench.publish_timed("t0", every, Duration::from_secs(1)).await;
                sink.latencies();
                bench.publish_timed("t0", every, scale.latency_for).await;
            })
            .await;
        sink.latencies()
    });
    Line::new("latency_50_per_s", kind.name())
        .with("p50_ms", format!("{:.2}", percentile_ms(micros.clone(), 0.5)))
        .with("p99_ms", format!("{:.2}", percentile_ms(micros, 0.99)))
        .print();
}

/// The rate at which a backlog of 1k, 100k and 1M drains.
fn backlog(kind: Kind) {
    let sink = Sink::start();
    for stored in [1_000, 100_000, 1_000_000] {
        let (figures, memory_mb) = block_on(async {
            let bench = Bench::new(kind, &[sink.url(0)]).await;
            let idle = resident_mb();
            bench.fill(stored, 1).await;
            let memory_mb = resident_mb() - idle;
            let measured = stored.min(50_000);
            (bench.deliver(measured).await, memory_mb)
        });
        Line::new(&format!("backlog_{stored}"), kind.name())
            .with("delivered_per_s", format!("{:.0}", figures.per_second))
            .with("memory_over_idle_mb", format!("{memory_mb:.0}"))
            .print();
    }
}

/// What is stored drains with the default width, beside what 64 live publishers reach, and
/// beside the longest sync of the disk right before: no gap is shorter than the sync within it.
fn drain() {
    for (kind, runtime) in [Kind::Memory, Kind::Sqlite]
        .into_iter()
        .flat_map(|kind| [Runtime::CurrentThread, Runtime::MultiThread].map(|runtime| (kind, runtime)))
    {
        for endpoints in [1, 4, 20, 1_000] {
            let sink = Sink::start();
            let urls: Vec<_> = (0..endpoints).map(|n| sink.url(n)).collect();
            let live = block_on(async {
                let bench = Bench::by_default(kind, &urls, runtime).await;
                bench.publish_and_deliver(20_000, endpoints).await
            });
            for stored in [1_000, 100_000] {
                let longest_sync = (kind == Kind::Sqlite).then(|| disk::longest_sync(Duration::from_secs(3)));
                let (figures, gap) = block_on(async {
                    let bench = Bench::by_default(kind, &urls, runtime).await;
                    bench.fill(stored, endpoints).await;
                    (bench.deliver(stored).await, bench.done.longest_gap())
                });
                Line::new(&format!("drain_{stored}_of_{endpoints}"), kind.name())
                    .with("delivered_per_s", format!("{:.0}", figures.per_second))
                    .with("engine_runtime", runtime.name())
                    .with("longest_gap_ms", millis(gap))
                    .with("longest_sync_ms", longest_sync.map_or_else(|| "-".to_owned(), millis))
                    .with("live_per_s", format!("{:.0}", live.per_second))
                    .with("of_live", format!("{:.2}", figures.per_second / live.per_second))
                    .print();
            }
        }
    }
}

/// Each endpoint on an address of its own, beside the bare loop over as many.
fn endpoints(count: usize, kind: Kind) {
    let sink = Sink::start();
    let urls: Vec<_> = (0..count).map(|n| sink.url(n)).collect();
    let deliveries = 60_000;
    let (mut bare_runs, mut engine_runs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        bare_runs.push(bare::run(Runtime::CurrentThread, &urls, deliveries));
        engine_runs.push(block_on(async {
            let bench = Bench::wide(kind, &urls, 16, bare::CONCURRENCY).await;
            bench.publish_and_deliver(deliveries, count).await
        }));
    }
    let (bare, engine) = (Figures::median(bare_runs), Figures::median(engine_runs));
    Line::new(&format!("endpoints_{count}"), kind.name())
        .with("delivered_per_s", format!("{:.0}", engine.per_second))
        .with("bare_per_s", format!("{:.0}", bare.per_second))
        .with("bare_runtime", "current_thread")
        .with("ratio", format!("{:.2}", engine.per_second / bare.per_second))
        .print();
}

/// A healthy endpoint beside 1,000 that accept and never answer, in that many tenants,
/// against the quiet run right before.
fn isolation(tenants: usize) {
    let (sink, mute) = (Sink::start(), Sink::start_mute());
    let (quiet, noisy) = block_on(async {
        let mut urls: Vec<_> = (0..1_000).map(|n| mute.url(n)).collect();
        urls.push(sink.url(0));
        let bench = Bench::wide(Kind::Memory, &urls, 16, 64).await;
        let every = Duration::from_millis(20);
        bench
            .while_running(async {
                bench.publish_timed("t1000", every, Duration::from_secs(2)).await;
                sink.latencies();
                bench.publish_timed("t1000", every, Duration::from_secs(10)).await;
                let quiet = sink.latencies();
                bench.fill(20_000, tenants.min(1_000)).await;
                bench.publish_timed("t1000", every, Duration::from_secs(20)).await;
                (quiet, sink.latencies())
            })
            .await
    });
    let (quiet, noisy) = (percentile_ms(quiet, 0.99), percentile_ms(noisy, 0.99));
    Line::new(&format!("isolation_{tenants}_tenants"), "memory")
        .with("p99_ms", format!("{noisy:.2}"))
        .with("quiet_p99_ms", format!("{quiet:.2}"))
        .with("ratio", format!("{:.2}", noisy / quiet))
        .print();
}

/// What this process holds in memory.
fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}
