//! Gateways of which something does not work, between two recording upstreams outside and one inside.

use serde_json::Value;

use super::random::Random;
use crate::classifiers::{Fault, failing};
use crate::gateway::{Faults, TestGateway};
use crate::upstream::{Reply, Upstream};

/// Routes by what is special about them; the last is no route of the file.
pub const ROUTES: [&str; 14] = [
    "chat",
    "masked",
    "chained",
    "unreachable",
    "weighted",
    "translated",
    "signed",
    "translated-gemini",
    "translated-mistral",
    "azure",
    "azure-dated",
    "dialect",
    "cached",
    "cloud/big-1",
];
/// Those of which a request is written anew.
pub const TRANSLATED: [&str; 4] = ["translated", "translated-gemini", "translated-mistral", "signed"];

pub struct Stage {
    pub outside: Upstream,
    /// The first target of route `chained`; it never answers well.
    pub failing: Upstream,
    pub inside: Upstream,
    pub actors: Vec<Actor>,
    _vault_key: tempfile::NamedTempFile,
}

/// One gateway and what is wrong with it.
pub struct Actor {
    pub fault: &'static str,
    pub gateway: TestGateway,
    /// With this fault nothing at all may go out.
    pub keeps_all: bool,
    /// Of a hundred requests.
    weight: usize,
}

impl Stage {
    pub async fn new() -> Self {
        let (outside, failing_upstream) =
            (Upstream::start(Reply::Text("fine")).await, Upstream::start(Reply::Status(500, "")).await);
        let inside = Upstream::start(Reply::Text("from inside")).await;
        let vault_key = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(vault_key.path(), "0123456789abcdef0123456789abcdef").unwrap();
        let toml = |privacy: &str| configuration(&outside, &failing_upstream, &inside, privacy);
        let small = toml("[privacy.conversations]\nmax_conversations = 1");
        let sealed = toml(&format!("[privacy.conversations]\nvault_key = \"file:{}\"", vault_key.path().display()));
        let mut actors = vec![
            Actor::new("none", TestGateway::start(&toml("")).await, false, 60),
            Actor::new("a small vault", TestGateway::start(&small).await, false, 10),
        ];
        let lost = Faults { vault_is_lost: true, ..Faults::default() };
        actors.push(Actor::new("a lost vault", TestGateway::start_faulty(&sealed, lost).await, false, 10));
        for (name, fault, weight) in [
            ("a classifier that errs", Fault::Errs, 4),
            ("a classifier that is late", Fault::IsLate, 4),
            ("a classifier that panics", Fault::Panics, 4),
            ("a classifier that raves", Fault::Raves, 4),
        ] {
            let faults = Faults { second_stage: Some(failing(fault)), ..Faults::default() };
            actors.push(Actor::new(name, TestGateway::start_faulty(&toml(""), faults).await, true, weight));
        }
        let unrecorded = TestGateway::start(&toml("")).await;
        let journal = unrecorded.gateway.trail.journal().folder().to_owned();
        std::fs::remove_dir_all(&journal).unwrap();
        std::fs::write(&journal, "no folder").unwrap();
        actors.push(Actor::new("a lost journal", unrecorded, true, 4));
        Self { outside, failing: failing_upstream, inside, actors, _vault_key: vault_key }
    }

    /// One gateway whose policy lets everything out.
    pub async fn labelling() -> Self {
        let (outside, failing) = (Upstream::start(Reply::Text("fine")).await, Upstream::start(Reply::Silence).await);
        let inside = Upstream::start(Reply::Text("from inside")).await;
        let names = shekara_gateway::pii::Entity::BUILT_IN.map(|entity| format!("{entity} = \"label\"")).join("\n");
        let toml = configuration(&outside, &failing, &inside, &format!("[privacy.entities]\n{names}"));
        let toml = toml.replace("model = \"chat\"", "model = \"chat\"\nunreadable = \"allow\"\nsticky = false");
        let actors = vec![Actor::new("no policy", TestGateway::start(&toml).await, false, 100)];
        Self { outside, failing, inside, actors, _vault_key: tempfile::NamedTempFile::new().unwrap() }
    }

    pub fn actor(&self, random: &mut Random) -> &Actor {
        let mut left = random.below(100);
        for actor in &self.actors {
            match left.checked_sub(actor.weight) {
                Some(rest) => left = rest,
                None => return actor,
            }
        }
        &self.actors[0]
    }

    /// Draws how the upstreams outside behave.
    pub fn draw_replies(&self, random: &mut Random, streamed: bool) {
        let events = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\ndata: {\"cho";
        let reply = match random.below(20) {
            0 => Reply::Status(500, "{}"),
            1 => Reply::Status(429, "{}"),
            2 => Reply::EchoRefusal(400),
            3 => Reply::EchoBroken,
            4 => Reply::Json("<html>"),
            5 => Reply::Events(events),
            6 => Reply::Status(401, "{}"),
            7..=10 => Reply::Echo,
            _ => Reply::Text("fine"),
        };
        self.outside.set(reply);
        self.failing.set(match random.below(60) {
            0 if streamed => Reply::Silence,
            0..=20 => Reply::Status(503, ""),
            21..=40 => Reply::Status(429, "{}"),
            _ => Reply::Json("{\"choices\":[]}"),
        });
    }

    /// What crossed the border since the last call.
    pub fn crossed(&self) -> Vec<String> {
        self.inside.take_received();
        let mut crossed = self.outside.take_received();
        crossed.extend(self.failing.take_received());
        crossed
    }
}

impl Actor {
    fn new(fault: &'static str, gateway: TestGateway, keeps_all: bool, weight: usize) -> Self {
        Self { fault, gateway, keeps_all, weight }
    }

    /// What the gateway's own detector says of a request: the decision, and the spans.
    pub async fn scan(&self, request: &Value) -> Value {
        let body = serde_json::json!({ "request": request, "route": request["model"] }).to_string();
        self.gateway.send("POST", "/admin/v1/pii/scan", &self.gateway.admin_key, body).await.json()
    }
}

/// Any secret does; this variable is always there.
const KEYS: &str = "on_unsupported = \"drop\"\nregion = \"eu-north-1\"\naccess_key_id = \"env:CARGO_MANIFEST_DIR\"\n\
                    secret_access_key = \"env:CARGO_MANIFEST_DIR\"";

fn configuration(outside: &Upstream, failing: &Upstream, inside: &Upstream, privacy: &str) -> String {
    let provider = |name: &str, url: &str, zone: &str| {
        format!("[[providers]]\nname = \"{name}\"\nkind = \"openai-compatible\"\nbase_url = \"{url}\"\n{zone}\n")
    };
    let route = |model: &str, rest: &str| {
        let sensitive = "sensitive = [{ provider = \"home\", model = \"small\" }]";
        format!("[[routes]]\nmodel = \"{model}\"\n{sensitive}\n{rest}\n")
    };
    let target = |provider: &str| format!("targets = [{{ provider = \"{provider}\", model = \"big\" }}]");
    let fallback = "fallback = [{ provider = \"cloud\", model = \"other\" }]";
    let quick = "timeouts = { first_token_ms = 150, total_ms = 5000 }";
    let weighted = "targets = [{ provider = \"cloud\", model = \"a\", weight = 3 }, \
                    { provider = \"cloud\", model = \"b\", weight = 1 }]";
    [
        "[local]\nenabled = false\n[batches]\nmax_tries = 1\n[content]\nmax_files = 1000000".to_owned(),
        privacy.to_owned(),
        provider("cloud", &outside.base_url, ""),
        provider("flaky", &failing.base_url, ""),
        provider("nowhere", "http://127.0.0.1:9/v1", ""),
        provider("other", &outside.base_url, "on_unsupported = \"drop\"").replace("openai-compatible", "anthropic"),
        provider("google", &outside.base_url, "on_unsupported = \"drop\"").replace("openai-compatible", "gemini"),
        provider("mistral", &outside.base_url, "on_unsupported = \"drop\"").replace("openai-compatible", "mistral"),
        provider("azure", &outside.base_url, "").replace("openai-compatible", "azure-openai"),
        provider("dated", &outside.base_url, "api_version = \"2024-10-21\"")
            .replace("openai-compatible", "azure-openai"),
        provider("accent", &outside.base_url, "preset = \"openrouter\""),
        provider("aws", &outside.base_url, KEYS).replace("openai-compatible", "bedrock"),
        provider("home", &inside.base_url, "zone = \"local\""),
        route("chat", &target("cloud")),
        route("masked", &format!("{}\nmask = true", target("cloud"))),
        route("chained", &format!("{}\n{fallback}\n{quick}\nmask = true", target("flaky"))),
        route("unreachable", &format!("{}\n{fallback}", target("nowhere"))),
        route(
            "weighted",
            &format!("{weighted}\nshadow = {{ provider = \"cloud\", model = \"shadow\", percent = 100 }}"),
        ),
        route("cached", &format!("{}\nmask = true\ncache = {{ ttl_s = 600, sensitive = true }}", target("cloud"))),
        route("translated", &format!("{}\nmask = true", target("other"))),
        route("translated-gemini", &format!("{}\nmask = true", target("google"))),
        route("translated-mistral", &format!("{}\nmask = true", target("mistral"))),
        route("azure", &format!("{}\nmask = true", target("azure"))),
        route("azure-dated", &target("dated")),
        route("dialect", &format!("{}\nmask = true", target("accent"))),
        route("signed", &format!("{}\nmask = true", target("aws"))),
    ]
    .join("\n")
}
