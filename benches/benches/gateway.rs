//! What a request passes on its way through the gateway, piece by piece.
//!
//!     cargo bench --locked -p shekara-benches --bench gateway

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use shekara_benches::Numbers;
use shekara_gateway::auth::{
    DataClass, Directory, DirectoryRecords, KeyRecord, KeySecret, KeySettings, MintedKey, NewKey, PresentedKey,
    Project, ProjectSettings, Role, Tenant, TenantSettings, mint,
};
use shekara_gateway::limits::{Bound, Claim, Limits, LocalLimiter, Used, UtcOffset};
use shekara_gateway::pii::{Detector, Policy, Scope, Screened, Uploads, screen};
use shekara_protocol::sse::{SseDecoder, data};

/// As in `shekara`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW_MS: u64 = 1_796_083_200_000;
const EVENT_LIMIT: usize = 1 << 20;
const CHUNK: &str = r#"{"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock","choices":[{"index":0,"delta":{"content":" tomorrow"},"logprobs":null,"finish_reason":null}]}"#;

/// A chat whose text has a kilobyte and nothing personal.
fn chat() -> Bytes {
    let text = "Where is my parcel and when will the courier call before delivery? ".repeat(15);
    let body = json!({
        "model": "support-chat", "temperature": 0.2, "max_tokens": 64,
        "messages": [{"role": "system", "content": "You are a support agent of a delivery service."},
            {"role": "user", "content": text}],
    });
    Bytes::from(body.to_string())
}

fn screening(criterion: &mut Criterion) {
    let (detector, policy, uploads, body) = (Detector::new().unwrap(), Policy::default(), Uploads::default(), chat());
    let mut group = criterion.benchmark_group("body");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("walk", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let walked = shekara_protocol::json::walk(&body, |_, leaf| bytes += leaf.as_str().len());
            walked.map(|()| black_box(bytes))
        });
    });
    group.bench_function("screen", |bencher| {
        bencher.iter(|| {
            let scope = Scope {
                declared: DataClass::Public,
                detector: &detector,
                policy: &policy,
                is_sticky: false,
                is_lost: false,
                is_unreadable: false,
                allows_unreadable: false,
                uploads: &uploads,
                masking: None,
            };
            let screened = screen(body.clone(), scope);
            assert!(matches!(screened, Ok(Screened::Cleared(_))), "not what was to be measured");
            screened
        });
    });
    group.finish();
}

/// So many keys of one project; the text of the last one.
fn directory(count: usize) -> (Directory, String) {
    let secret = KeySecret::new([7; 32]);
    let mut numbers = Numbers(1);
    let mut last = String::new();
    let keys: Vec<KeyRecord> = (0..count)
        .map(|_| {
            let new = NewKey {
                name: "bench".into(),
                role: Role::Application,
                tenant: "bank".into(),
                project: "support".into(),
                environment: "prod".into(),
                data_class: DataClass::Public,
                settings: KeySettings { limits: limits(), ..KeySettings::default() },
                expires_at_ms: None,
            };
            let MintedKey { record, plaintext } =
                mint(new, &secret, std::array::from_fn(|_| numbers.below(256) as u8), 0);
            last = plaintext;
            record
        })
        .collect();
    let (tenant, project) = ("bank".to_owned(), "support".to_owned());
    let tenants = vec![Tenant {
        id: tenant.clone(),
        name: tenant.clone(),
        settings: TenantSettings::default(),
        frozen: false,
        created_at_ms: 0,
        version: 1,
    }];
    let projects = vec![Project {
        tenant,
        id: project.clone(),
        name: project,
        department: None,
        settings: ProjectSettings::default(),
        frozen: false,
        created_at_ms: 0,
        version: 1,
    }];
    (Directory::new(secret, DirectoryRecords { tenants, projects, keys, ..DirectoryRecords::default() }), last)
}

/// Wide enough for any number of requests.
fn limits() -> Limits {
    let limits = json!({
        "requests_per_minute": u32::MAX, "tokens_per_minute": 1_u64 << 50, "tokens_per_day": 1_u64 << 50,
        "concurrent_requests": 1_000_000, "budgets": [{"period": "month", "tenge": "1000000000000", "hard": true}],
    });
    serde_json::from_value(limits).unwrap()
}

fn key_and_limits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    for count in [10, 10_000] {
        let (directory, text) = directory(count);
        let presented = PresentedKey::new(&text);
        group.bench_with_input(BenchmarkId::new("verify", count), &directory, |bencher, directory| {
            bencher.iter(|| directory.verify(&presented, None, 0).unwrap());
        });
        let limiter = LocalLimiter::new(UtcOffset::from_seconds(18_000).unwrap());
        let names: Vec<Arc<str>> = (0..count).map(|number| format!("key{number}").into()).collect();
        let (limits, project, mut at) = (Arc::new(limits()), Arc::from("project"), 0);
        group.bench_with_input(BenchmarkId::new("reserve and settle", count), &limiter, |bencher, limiter| {
            bencher.iter(|| {
                at = (at + 1) % names.len();
                let key = Some(Bound { name: &names[at], limits: &limits });
                let project = Some(Bound { name: &project, limits: &limits });
                let claim = Claim { key, project, customer: None, tokens: 500, cost: None };
                let mut reserved = limiter.reserve(&claim, NOW_MS).unwrap();
                reserved.reservation.settle(Used { tokens: Some(400), cost: None }, NOW_MS)
            });
        });
    }
    group.finish();
}

fn stream(criterion: &mut Criterion) {
    let event = data(CHUNK);
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Bytes(event.len() as u64));
    let mut decoder = SseDecoder::new(EVENT_LIMIT);
    group.bench_function("decode and write", |bencher| {
        bencher.iter(|| {
            let events = decoder.push(event.as_bytes()).unwrap();
            events.iter().map(|event| data(&event.data)).collect::<String>()
        });
    });
    group.finish();
}

criterion_group!(benches, screening, key_and_limits, stream);
criterion_main!(benches);
