//! What it costs to believe a key and to hold it to its limits, per request, beside one hash of the key alone.
//!
//! `cargo run --release -p shekara-benches --bin admission`: 10,000 keys of 100 tenants, every limit set at all three levels.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use shekara_gateway::auth::{
    DataClass, Directory, DirectoryRecords, KeySecret, KeySettings, NewKey, PresentedKey, Project, Role, Switches,
    Tenant, mint,
};
use shekara_gateway::billing::Tenge;
use shekara_gateway::limits::{Bound, Claim, Limits, LocalLimiter, Used, UtcOffset};

const TENANTS: usize = 100;
const KEYS: usize = 10_000;
const ROUNDS: usize = 200_000;

fn limits() -> Limits {
    let text = json!({
        "requests_per_minute": 4_000_000, "tokens_per_minute": 4_000_000_000_u64, "tokens_per_day": 4_000_000_000_000_u64,
        "concurrent_requests": 1_000_000,
        "budgets": [{ "period": "day", "tenge": 1_000_000_000_u64, "hard": true }, { "period": "month", "tenge": 2_000_000_000_u64, "hard": true }],
    });
    serde_json::from_value(text).unwrap_or_default()
}

fn main() {
    let secret = KeySecret::new([7; 32]);
    let (mut records, mut texts) =
        (DirectoryRecords { switches: Switches::default(), ..Default::default() }, Vec::new());
    for number in 0..TENANTS {
        let name = format!("tenant-{number}");
        let mut tenant = Tenant::named(&name, 0);
        tenant.settings.limits = limits();
        let mut project = Project::named(&name, "chat", 0);
        project.settings.limits = limits();
        records.tenants.push(tenant);
        records.projects.push(project);
    }
    for number in 0..KEYS {
        let new = NewKey {
            name: "bench".into(),
            role: Role::Application,
            tenant: format!("tenant-{}", number % TENANTS),
            project: "chat".into(),
            environment: "prod".into(),
            data_class: DataClass::Public,
            settings: KeySettings { limits: limits(), ..KeySettings::default() },
            expires_at_ms: None,
        };
        let mut random = [0; 42];
        for (at, byte) in random.iter_mut().enumerate() {
            *byte = ((number >> (at % 3 * 5)) & 31) as u8 ^ (at as u8 & 31);
        }
        let minted = mint(new, &secret, random, 0);
        texts.push(PresentedKey::new(&minted.plaintext));
        records.keys.push(minted.record);
    }
    let directory = Directory::new(secret, records);
    let limiter = LocalLimiter::new(UtcOffset::UTC);
    let mut times = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    for round in 0..ROUNDS {
        let presented = &texts[round * 7_919 % KEYS];
        let now_ms = 1_000_000 + round as u64;
        let began = Instant::now();
        let Ok(bearer) = directory.verify(presented, None, 0) else { continue };
        let verified = began.elapsed();
        let bounds = &bearer.bounds;
        let claim = Claim {
            key: Some(Bound { name: &bounds.key.name, limits: &bounds.key.limits }),
            project: Some(Bound { name: &bounds.project.name, limits: &bounds.project.limits }),
            customer: Some(Bound { name: &bounds.tenant.name, limits: &bounds.tenant.limits }),
            tokens: 500,
            cost: Some(Tenge::from_tiyn(100)),
        };
        let Ok(mut reserved) = limiter.reserve(&claim, now_ms) else { continue };
        let admitted = began.elapsed();
        reserved.reservation.settle(Used { tokens: Some(400), cost: Some(Tenge::from_tiyn(80)) }, now_ms);
        drop(reserved);
        let settled = began.elapsed();
        times.0.push(verified);
        times.1.push(admitted);
        times.2.push(settled);
        drop(Arc::clone(&bearer));
    }
    for (what, mut all) in [("key", times.0), ("key and limits", times.1), ("until settled", times.2)] {
        all.sort_unstable();
        let at = |percent: usize| all[all.len() * percent / 100].as_secs_f64() * 1e6;
        let line = json!({ "what": what, "rounds": all.len(), "p50_us": at(50), "p99_us": at(99) });
        #[expect(clippy::print_stdout, reason = "a bench prints what it has measured")]
        {
            println!("{line}");
        }
    }
}
