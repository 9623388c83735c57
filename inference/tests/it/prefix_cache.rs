//! Who shares cached prefixes with whom.

use std::collections::HashSet;

use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;

use crate::support::{Models, request, settings};

const MODEL: &str = "qwen3-tiny";

fn long(max_tokens: usize) -> Value {
    let mut request = request(MODEL, &"Where is my parcel? ".repeat(30), max_tokens);
    request["ignore_eos"] = json!(true);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_never_find_each_others_prompts() {
    let server = Models::new(&[MODEL]).serve(settings());
    let request = long(8);
    let first = server.chat_of_tenant("a", &request).await;
    assert_eq!(first.cached_tokens(), 0);
    // A tenant's name in the salt, none at all, and a name that begins or ends like it.
    let mut salted = request.clone();
    salted["cache_salt"] = json!("a");
    assert_eq!(server.chat(&salted).await.cached_tokens(), 0);
    assert_eq!(server.chat(&request).await.cached_tokens(), 0);
    for other in ["b", "aa", "A"] {
        let answer = server.chat_of_tenant(other, &request).await;
        assert_eq!((answer.cached_tokens(), answer.content()), (0, first.content()), "{other}");
    }
    let again = server.chat_of_tenant("a", &request).await;
    assert!(again.cached_tokens() >= again.usage("prompt_tokens") - 16);
    assert_eq!(again.content(), first.content());
    server.idle(MODEL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn salts_divide_a_tenants_own_prompts() {
    let server = Models::new(&[MODEL]).serve(settings());
    let salted = |salt: &str| {
        let mut request = long(4);
        request["cache_salt"] = json!(salt);
        request
    };
    assert_eq!(server.chat_of_tenant("a", &salted("x")).await.cached_tokens(), 0);
    assert_eq!(server.chat_of_tenant("a", &salted("y")).await.cached_tokens(), 0);
    assert_eq!(server.chat_of_tenant("a", &long(4)).await.cached_tokens(), 0);
    assert_eq!(server.chat_of_tenant("b", &salted("x")).await.cached_tokens(), 0);
    // Tenant and salt are two things, however they are put together.
    assert_eq!(server.chat_of_tenant("ax", &long(4)).await.cached_tokens(), 0);
    assert!(server.chat_of_tenant("a", &salted("x")).await.cached_tokens() > 100);
    assert!(server.chat_of_tenant("a", &salted("y")).await.cached_tokens() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continued_conversation_finds_what_it_continues() {
    let server = Models::new(&[MODEL]).serve(settings());
    let mut request = long(30);
    let first = server.chat(&request).await;
    let turns = request["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "assistant", "content": first.content()}));
    turns.push(json!({"role": "user", "content": "And when will it come?"}));
    let second = server.chat(&request).await;
    let whole_blocks = first.usage("prompt_tokens") / 16 * 16;
    assert!(second.cached_tokens() >= whole_blocks, "{} of {whole_blocks}", second.cached_tokens());
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_of_a_request_share_its_prompt() {
    let models = Models::new(&[MODEL]);
    let roomy = models.serve(EngineSettings { num_speculative_tokens: 0, ..settings() });
    let mut request = long(64);
    (request["temperature"], request["seed"]) = (json!(1.0), json!(7));
    let alone = roomy.chat(&request).await;
    let prompt_tokens = alone.usage("prompt_tokens");
    // Room for one prompt and four answers, and not a block more.
    let block_bytes = (8 << 20) / roomy.idle(MODEL).await.total_blocks as u64;
    let (shared, own) = (prompt_tokens / 16, (prompt_tokens % 16 + 64).div_ceil(16));
    let bytes = (shared + 4 * own) * block_bytes;
    let tight = EngineSettings { num_speculative_tokens: 0, kv_cache_bytes: Some(bytes), ..settings() };
    let server = models.serve(tight);
    assert_eq!(server.idle(MODEL).await.total_blocks as u64, shared + 4 * own);
    request["n"] = json!(4);
    let four = server.chat(&request).await;
    assert_eq!((four.cached_tokens(), four.usage("completion_tokens")), (0, 4 * 64));
    let choices = four.body["choices"].as_array().expect("choices");
    let texts = choices.iter().map(|choice| choice["message"]["content"].as_str().expect("text"));
    assert_eq!(texts.collect::<HashSet<_>>().len(), 4, "the choices do not differ");
    assert_eq!(choices[0]["message"]["content"], alone.content(), "asking for more changed the first");
    let stats = server.idle(MODEL).await;
    assert_eq!(stats.preemptions, 0);
    let computed = stats.computed_tokens;
    assert!(computed < prompt_tokens + 3 * 16 + 4 * 64, "{computed} for a prompt of {prompt_tokens}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_for_longest_is_forgotten_first() {
    let models = Models::new(&[MODEL]);
    let server = models.serve(EngineSettings { kv_cache_bytes: Some(200_000), ..settings() });
    let prompt = |index: usize| request(MODEL, &format!("{index} {}", "parcel ".repeat(40)), 4);
    let old = server.chat(&prompt(0)).await;
    let blocks = server.idle(MODEL).await.total_blocks;
    let needed = old.usage("total_tokens").div_ceil(16) as usize;
    assert!(blocks > 2 * needed, "{blocks} {needed}");
    for index in 1..=2 * blocks / needed {
        assert_eq!(server.chat(&prompt(index)).await.cached_tokens(), 0);
        // Asked for again and again, a prompt stays.
        assert!(server.chat(&prompt(1)).await.cached_tokens() > 0);
    }
    assert_eq!(server.chat(&prompt(0)).await.cached_tokens(), 0);
}
