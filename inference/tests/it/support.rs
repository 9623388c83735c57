//! A server on a loopback port, a client, and model folders made for a purpose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::catalog::{Catalog, CatalogSettings, ModelState, Served, ServedModel};
use shekara_inference::engine::{EngineSettings, EngineStats};
use shekara_inference::server::{AdminAccess, ServerState, router};
use shekara_protocol::sse::{SseDecoder, SseEvent};
use tower::ServiceExt;

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn settings() -> EngineSettings {
    EngineSettings { kv_cache_bytes: Some(8 << 20), threads: Some(2), ..EngineSettings::default() }
}

/// A models directory that lives as long as the test.
pub struct Models {
    pub directory: tempfile::TempDir,
}

impl Models {
    pub fn new(names: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("temporary folder");
        for name in names {
            copy_folder(&fixture(name), &directory.path().join(name));
        }
        Self { directory }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn serve(&self, settings: impl Into<CatalogSettings>) -> Server {
        Server::of(Catalog::load(self.directory.path(), settings).expect("the directory opens"))
    }
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("create");
    for entry in std::fs::read_dir(from).expect("fixture") {
        let entry = entry.expect("entry");
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copy");
        }
    }
}

/// The router, called as a service: the same bytes as over a socket.
#[derive(Clone)]
pub struct Server {
    pub app: Router,
    pub catalog: Arc<Catalog>,
}

/// A whole response.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn content(&self) -> &str {
        self.body["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{}", self.body))
    }

    pub fn finish_reason(&self) -> &str {
        self.body["choices"][0]["finish_reason"].as_str().expect("a reason")
    }

    pub fn usage(&self, key: &str) -> u64 {
        self.body["usage"][key].as_u64().unwrap_or_else(|| panic!("{}", self.body))
    }

    /// Tokens of the prompt that the prefix cache had.
    pub fn cached_tokens(&self) -> u64 {
        let cached = &self.body["usage"]["prompt_tokens_details"]["cached_tokens"];
        cached.as_u64().unwrap_or_else(|| panic!("{}", self.body))
    }

    pub fn error(&self) -> (u16, &str, &str) {
        let error = &self.body["error"];
        let text = |key: &str| error[key].as_str().unwrap_or_default();
        assert!(!text("message").is_empty() && !text("type").is_empty(), "{}", self.body);
        (self.status.as_u16(), text("code"), text("param"))
    }
}

/// A streamed answer, read to its end.
pub struct Streamed {
    pub events: Vec<SseEvent>,
}

impl Streamed {
    pub fn chunks(&self) -> Vec<Value> {
        let data = self.events.iter().filter(|event| event.data != "[DONE]");
        data.map(|event| serde_json::from_str(&event.data).expect("JSON")).collect()
    }

    pub fn deltas(&self) -> Vec<String> {
        let content = |chunk: Value| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
        self.chunks().into_iter().filter_map(content).filter(|text| !text.is_empty()).collect()
    }

    pub fn finish_reason(&self) -> String {
        let reason = |chunk: &Value| chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned);
        self.chunks().iter().find_map(reason).expect("a reason")
    }
}

impl Server {
    pub fn of(catalog: Arc<Catalog>) -> Self {
        let state = ServerState::new(catalog.clone()).with_body_limit(1 << 20);
        Self { app: router(state.with_admin(AdminAccess::Local)), catalog }
    }

    pub fn model(&self, id: &str) -> Arc<ServedModel> {
        match self.catalog.model(id) {
            Some(ModelState::Ready(Served::Generator(model))) => model,
            Some(ModelState::Failed { reason }) => panic!("{id} failed: {reason}"),
            _ => panic!("{id} is not served"),
        }
    }

    pub fn failure(&self, id: &str) -> String {
        match self.catalog.model(id) {
            Some(ModelState::Failed { reason }) => reason,
            _ => panic!("{id} should have failed"),
        }
    }

    pub async fn send(&self, request: Request<Body>) -> axum::response::Response {
        self.app.clone().oneshot(request).await.expect("infallible")
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.send(Request::get(path).body(Body::empty()).expect("a request")).await).await
    }

    pub async fn post(&self, body: impl Into<Body>) -> Answer {
        answer(self.send(post(body)).await).await
    }

    /// A request to any endpoint.
    pub async fn ask(&self, path: &str, body: &Value) -> Answer {
        answer(self.send(post_to(path, body.to_string())).await).await
    }

    /// A streamed answer of any endpoint.
    pub async fn events(&self, path: &str, body: &Value) -> Vec<SseEvent> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let response = self.send(post_to(path, body.to_string())).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(response.headers()["x-shekara-synthetic"], "1");
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let mut decoder = SseDecoder::new(1 << 20);
        let events = decoder.push(&bytes).expect("small events");
        assert!(decoder.is_idle());
        events
    }

    pub async fn chat(&self, body: &Value) -> Answer {
        self.post(body.to_string()).await
    }

    /// A chat request as a gateway passes it on for one of its tenants.
    pub async fn chat_of_tenant(&self, tenant: &str, body: &Value) -> Answer {
        let mut request = post(body.to_string());
        let tenant = tenant.parse().expect("a header's value");
        request.headers_mut().insert("x-shekara-internal-tenant", tenant);
        answer(self.send(request).await).await
    }

    /// Waits until a model has nothing to do; no block may be held then.
    pub async fn idle(&self, id: &str) -> EngineStats {
        let engine = &self.model(id).engine;
        let stats = engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
        assert_eq!(stats.free_blocks, stats.total_blocks, "{stats:?}");
        stats
    }

    /// The response as it comes, its body unread.
    pub async fn respond(&self, body: &Value) -> axum::response::Response {
        self.send(post(body.to_string())).await
    }

    /// Opens a stream and leaves it to the caller.
    pub async fn open(&self, body: &Value) -> axum::response::Response {
        let mut body = body.clone();
        body["stream"] = json!(true);
        let response = self.respond(&body).await;
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    pub async fn stream(&self, body: &Value) -> Streamed {
        let bytes = self.open(body).await.into_body().collect().await.expect("a body").to_bytes();
        let mut decoder = SseDecoder::new(1 << 20);
        let events = decoder.push(&bytes).expect("small events");
        assert!(decoder.is_idle());
        assert_eq!(events.last().map(|event| event.data.as_str()), Some("[DONE]"));
        Streamed { events }
    }
}

/// Numbers that look random and are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

fn post(body: impl Into<Body>) -> Request<Body> {
    post_to("/v1/chat/completions", body)
}

pub fn post_to(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body.into()).expect("a request")
}

pub async fn answer(response: axum::response::Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A request to `model` with one message, at temperature 0.
pub fn request(model: &str, content: &str, max_tokens: usize) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": max_tokens,
        "temperature": 0})
}

/// One tensor of a safetensors file to be written.
pub struct Tensor {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// How [`write_safetensors`] stores values.
#[derive(Clone, Copy, Debug)]
pub enum Dtype {
    Bf16,
    F16,
    F32,
}

pub fn write_safetensors(path: &Path, tensors: &[Tensor], dtype: Dtype) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for tensor in tensors {
        let start = data.len();
        for value in &tensor.values {
            match dtype {
                Dtype::Bf16 => data.extend(half::bf16::from_f32(*value).to_le_bytes()),
                Dtype::F16 => data.extend(half::f16::from_f32(*value).to_le_bytes()),
                Dtype::F32 => data.extend(value.to_le_bytes()),
            }
        }
        let name = format!("{dtype:?}").to_uppercase();
        let entry = json!({"dtype": name, "shape": tensor.shape, "data_offsets": [start, data.len()]});
        header.insert(tensor.name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    std::fs::write(path, bytes).expect("write");
}

/// The tensors of a fixture, which are all bf16.
pub fn read_safetensors(path: &Path) -> Vec<Tensor> {
    let bytes = std::fs::read(path).expect("fixture");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let header: serde_json::Map<String, Value> = serde_json::from_slice(&bytes[8..8 + length]).expect("a header");
    let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
    tensors
        .map(|(name, entry)| {
            assert_eq!(entry["dtype"], "BF16");
            let number = |value: &Value| value.as_u64().expect("a number") as usize;
            let shape = entry["shape"].as_array().expect("a shape").iter().map(number).collect();
            let offsets = &entry["data_offsets"];
            let data = &bytes[8 + length + number(&offsets[0])..8 + length + number(&offsets[1])];
            let value = |pair: &[u8]| half::bf16::from_le_bytes([pair[0], pair[1]]).to_f32();
            Tensor { name, shape, values: data.chunks_exact(2).map(value).collect() }
        })
        .collect()
}

/// Writes a model whose every answer is `text`, up to its end token: token by token, each one's
/// output row is what its predecessor embeds to. It shows what the engine does with known text.
pub fn write_parrot(path: &Path, text: &str) {
    const HIDDEN: usize = 256;
    copy_folder(&fixture("llama-tiny"), path);
    let tokenizer = tokenizers::Tokenizer::from_file(path.join("tokenizer.json")).expect("a tokenizer");
    let vocab = tokenizer.get_vocab_size(true);
    // The template ends in a line feed, whose token is what the answer follows.
    let mut chain = tokenizer.encode("\n", false).expect("encodes").get_ids().to_vec();
    assert_eq!(chain.len(), 1);
    chain.extend(tokenizer.encode(text, false).expect("encodes").get_ids());
    chain.push(tokenizer.token_to_id("<|im_end|>").expect("a special token"));
    let distinct: std::collections::HashSet<_> = chain.iter().collect();
    assert_eq!(distinct.len(), chain.len(), "a token with two successors");
    let mut state = 7u64;
    let embedding: Vec<f32> = (0..vocab * HIDDEN)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if state >> 63 == 0 { 1.0 } else { -1.0 }
        })
        .collect();
    let mut head = vec![0.0; vocab * HIDDEN];
    for pair in chain.windows(2) {
        let (from, to) = (pair[0] as usize * HIDDEN, pair[1] as usize * HIDDEN);
        for offset in 0..HIDDEN {
            head[to + offset] = embedding[from + offset] / 4.0;
        }
    }
    let ones = |name: &str| Tensor { name: name.to_owned(), shape: vec![HIDDEN], values: vec![1.0; HIDDEN] };
    let zeros = |name: &str, rows: usize, columns: usize| Tensor {
        name: format!("model.layers.0.{name}.weight"),
        shape: vec![rows, columns],
        values: vec![0.0; rows * columns],
    };
    let table = |name: &str, values| Tensor { name: name.to_owned(), shape: vec![vocab, HIDDEN], values };
    let tensors = [
        table("model.embed_tokens.weight", embedding),
        table("lm_head.weight", head),
        ones("model.norm.weight"),
        ones("model.layers.0.input_layernorm.weight"),
        ones("model.layers.0.post_attention_layernorm.weight"),
        zeros("self_attn.q_proj", 32, HIDDEN),
        zeros("self_attn.k_proj", 32, HIDDEN),
        zeros("self_attn.v_proj", 32, HIDDEN),
        zeros("self_attn.o_proj", HIDDEN, 32),
        zeros("mlp.gate_proj", 16, HIDDEN),
        zeros("mlp.up_proj", 16, HIDDEN),
        zeros("mlp.down_proj", HIDDEN, 16),
    ];
    write_safetensors(&path.join("model.safetensors"), &tensors, Dtype::Bf16);
    let config = json!({"architectures": ["LlamaForCausalLM"], "vocab_size": vocab, "hidden_size": HIDDEN,
        "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 16,
        "max_position_embeddings": 512, "eos_token_id": 2});
    std::fs::write(path.join("config.json"), config.to_string()).expect("write");
}
