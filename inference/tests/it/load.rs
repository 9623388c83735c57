//! Many requests at once: all finish, none is lost, and memory stays at what was planned.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;

use crate::support::{Models, Numbers, Server, request, settings};

const MODEL: &str = "qwen3-tiny";
const NUM_REQUESTS: usize = 256;
const KV_CACHE_BYTES: u64 = 1 << 20;
/// What requests may take beside the cache while 256 of them are under way: threads that prepare
/// them, their channels and answers.
const ALLOWANCE_BYTES: u64 = 48 << 20;
/// What may still come once a whole wave has been through: the allocator settles within some ten MiB (4,000 requests in a
/// row added 3 MiB, the last thousand of them 0.2).
const LATER_BYTES: u64 = 16 << 20;

/// The workload that nano-vllm is measured with, a tenth as long: prompts and answers of 10 to 100
/// tokens.
fn requests(numbers: &mut Numbers) -> Vec<Value> {
    (0..NUM_REQUESTS)
        .map(|_| {
            let digits: String = (0..=numbers.below(90)).map(|_| char::from(b'0' + numbers.below(10) as u8)).collect();
            let mut request = request(MODEL, &digits, 10 + numbers.below(91));
            (request["ignore_eos"], request["temperature"]) = (json!(true), json!(0.6));
            request
        })
        .collect()
}

/// 64 at once in a cache that holds far fewer of them at full length.
fn serve(models: &Models) -> Server {
    let settings =
        EngineSettings { max_num_seqs: 64, max_queue: 256, kv_cache_bytes: Some(KV_CACHE_BYTES), ..settings() };
    models.serve(settings)
}

async fn wave(server: &Server, requests: &[Value]) {
    let before = server.idle(MODEL).await.generated_tokens;
    let answers = join_all(requests.iter().map(|request| {
        let (server, request) = (server.clone(), request.clone());
        tokio::spawn(async move { server.chat(&request).await })
    }));
    let mut generated = 0;
    for (answer, request) in answers.await.into_iter().zip(requests) {
        let answer = answer.expect("no panic");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (prompt, tokens) = (answer.usage("prompt_tokens"), answer.usage("completion_tokens"));
        assert_eq!(Some(tokens), request["max_tokens"].as_u64());
        assert_eq!(answer.finish_reason(), "length");
        assert!((10..=110).contains(&prompt), "{prompt}");
        assert_eq!(answer.usage("total_tokens"), prompt + tokens);
        generated += tokens;
    }
    assert_eq!(server.idle(MODEL).await.generated_tokens - before, generated);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_256_concurrent_requests_finish() {
    let server = serve(&Models::new(&[MODEL]));
    wave(&server, &requests(&mut Numbers(1))).await;
    let stats = server.idle(MODEL).await;
    assert!(stats.preemptions > 0, "{stats:?}");
}

#[test]
fn memory_stays_at_what_was_planned() {
    // Other tests take memory too: this is measured in a process of its own.
    let program = std::env::current_exe().expect("a path");
    let run = std::process::Command::new(program)
        .args(["--exact", "load::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by memory_stays_at_what_was_planned"]
async fn in_a_process_of_its_own() {
    let server = serve(&Models::new(&[MODEL]));
    let mut numbers = Numbers(2);
    wave(&server, &requests(&mut numbers)[..8]).await;
    let warm = resident_bytes();
    wave(&server, &requests(&mut numbers)).await;
    let first = resident_bytes();
    assert!(first.saturating_sub(warm) <= KV_CACHE_BYTES + ALLOWANCE_BYTES, "{warm} {first}");
    for _ in 0..2 {
        wave(&server, &requests(&mut numbers)).await;
    }
    let last = resident_bytes();
    assert!(last.saturating_sub(first) <= LATER_BYTES, "{first} {last}");
}

/// `VmRSS` of this process; zero where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
