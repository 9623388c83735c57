//! Sounds: heard inside the border or nowhere, their fields scanned like any other text.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border, finish, one_provider};
use crate::upstream::{Reply, Upstream};

pub const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
const HEARD: &str = r#"{"text":"сәлем","usage":{"type":"duration","seconds":3.5}}"#;

/// A form with a file of this name and these bytes.
pub fn form(fields: &[(&str, &str)], (name, bytes): (&str, &[u8])) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(bytes);
    body.extend(b"\r\n--b0--\r\n");
    body
}

pub async fn upload(gateway: &TestGateway, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let request = gateway.client.post(format!("{}{path}", gateway.url)).bearer_auth(&gateway.key);
    finish(request.header("content-type", "multipart/form-data; boundary=b0").body(form(fields, file))).await
}

#[tokio::test]
async fn a_sound_goes_inside_with_its_fields_and_never_out() {
    let (outside, inside) = (Upstream::start(Reply::Json(HEARD)).await, Upstream::start(Reply::Json(HEARD)).await);
    for rest in ["", "unreadable = \"allow\"", "mask = true"] {
        let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
        let fields = [("model", "chat"), ("prompt", "слова"), ("timestamp_granularities[]", "word"), ("hotwords", "x")];
        let answer = upload(&gateway, TRANSCRIPTIONS, &fields, ("a.wav", b"RIFF\0\xff\r\n")).await;
        assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "unreadable"), "{}", answer.body);
        assert_eq!(answer.json(), serde_json::from_str::<Value>(HEARD).unwrap());
        assert_eq!((answer.header("x-shekara-zone"), answer.header("x-shekara-synthetic")), ("local", "1"));
        let sent = inside.take_received();
        assert!(sent.len() == 1 && sent[0].starts_with("POST /v1/audio/transcriptions"), "{sent:?}");
        for part in ["name=\"model\"\r\n\r\nsmall", "слова", "granularities[]\"\r\n\r\nword", "RIFF\0", "hotwords"]
        {
            assert!(sent[0].contains(part), "{part}: {sent:?}");
        }
        let audit = gateway.audit().await;
        assert_eq!((audit[0].endpoint.as_str(), audit[0].audio_seconds), ("POST /v1/audio/transcriptions", Some(3.5)));
        assert_eq!((audit[0].pii_action.as_str(), audit[0].prompt_tokens), ("local", None));
    }
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn a_route_that_leads_outside_alone_is_refused() {
    let outside = Upstream::start(Reply::Json(HEARD)).await;
    let gateway = TestGateway::start(&one_provider(&outside.base_url, "unreadable = \"allow\"")).await;
    for path in [TRANSCRIPTIONS, "/v1/audio/translations"] {
        let answer = upload(&gateway, path, &[("model", "chat")], ("a.wav", b"RIFF")).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "audio_not_local"), "{}", answer.body);
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn fields_and_file_names_are_scanned() {
    let (outside, inside) = (Upstream::start(Reply::Json(HEARD)).await, Upstream::start(Reply::Json(HEARD)).await);
    let policy = "[privacy.entities]\niin = \"block\"\n";
    let gateway = TestGateway::start(&(border(&outside.base_url, &inside.base_url, "") + policy)).await;
    for (fields, name) in [
        (vec![("prompt", "мой ИИН 901123300258")], "a.wav"),
        (vec![("ИИН 901123300258", "x")], "a.wav"),
        (vec![("note[]", "x"), ("note[]", "ИИН 901123300258")], "a.wav"),
        (vec![], "ИИН 901123300258.wav"),
    ] {
        let fields = [vec![("model", "chat")], fields].concat();
        let answer = upload(&gateway, TRANSCRIPTIONS, &fields, (name, b"RIFF")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "blocked_by_policy"), "{fields:?} {}", answer.body);
    }
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn malformed_forms_reach_nobody() {
    let (outside, inside) = (Upstream::start(Reply::Json(HEARD)).await, Upstream::start(Reply::Json(HEARD)).await);
    let config = format!("[server]\nmax_upload_bytes = 2000\n{}", border(&outside.base_url, &inside.base_url, ""));
    let gateway = TestGateway::start(&config).await;
    let json = gateway.send("POST", TRANSCRIPTIONS, &gateway.key, json!({ "model": "chat" }).to_string()).await;
    assert_eq!((json.status, json.code().as_str()), (400, "invalid_form"));
    for (fields, param) in [(&[][..], "model"), (&[("model", "chat"), ("model", "big")], "model")] {
        let answer = upload(&gateway, TRANSCRIPTIONS, fields, ("a.wav", b"RIFF")).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (400, Some(param)), "{}", answer.body);
    }
    let large = upload(&gateway, TRANSCRIPTIONS, &[("model", "chat")], ("a.wav", &[0; 2_000])).await;
    assert_eq!((large.status, large.code().as_str()), (413, "body_too_large"));
    let nobody = upload(&gateway, TRANSCRIPTIONS, &[("model", "nobody")], ("a.wav", b"RIFF")).await;
    assert_eq!(nobody.status, 404);
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn events_pass_one_by_one_and_broken_ones_end_in_an_error() {
    const EVENTS: &str = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"сә\"}\n\n\
        data: {\"type\":\"transcript.text.done\",\"text\":\"сә\",\"usage\":{\"type\":\"duration\",\"seconds\":2.0}}\n\n\
        data: [DONE]\n\n";
    const BROKEN: &str = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"сә\"}\n\n\
        event: error\ndata: {\"error\":{\"message\":\"RIFF\"}}\n\n";
    let (outside, inside) = (Upstream::start(Reply::Json(HEARD)).await, Upstream::start(Reply::Events(EVENTS)).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let fields = [("model", "chat"), ("stream", "true")];
    let answer = upload(&gateway, TRANSCRIPTIONS, &fields, ("a.wav", b"RIFF")).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, EVENTS));
    inside.set(Reply::Events(BROKEN));
    let answer = upload(&gateway, TRANSCRIPTIONS, &fields, ("a.wav", b"RIFF")).await;
    assert!(answer.body.contains("provider_error") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    assert!(!answer.body.contains("RIFF"));
    inside.set(Reply::Events("data: {\"choices\":[]}\n\n"));
    let answer = upload(&gateway, TRANSCRIPTIONS, &fields, ("a.wav", b"RIFF")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "provider_broken_response"));
    let audit = gateway.audit().await;
    assert_eq!((audit[0].audio_seconds, audit[0].streamed, audit[1].audio_seconds), (Some(2.0), true, None));
}

#[cfg(feature = "local-engine")]
mod with_engine {
    use std::path::Path;
    use std::sync::Arc;

    use shekara_gateway::providers::EngineService;
    use shekara_gateway::routing::LocalModels;
    use shekara_inference::catalog::Catalog;
    use shekara_inference::engine::EngineSettings;
    use shekara_inference::server::{ServerState, router};

    use super::*;

    fn fixtures() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../inference/tests/fixtures")
    }

    async fn started(outside: &Upstream) -> TestGateway {
        let folder = fixtures().join("speech");
        let catalog = tokio::task::spawn_blocking(move || Catalog::load(&folder, EngineSettings::default()));
        let catalog: Arc<Catalog> = catalog.await.unwrap().unwrap();
        let engine = EngineService::new(router(ServerState::new(catalog)));
        let config = format!(
            "[privacy]\ndefault_local = \"whisper-tiny\"\n\
             [[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n\
             [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"cloud\", model = \"big\" }}]\n",
            outside.base_url
        );
        TestGateway::start_with(&config, Some(engine), LocalModels::new(["whisper-tiny".to_owned()], [])).await
    }

    #[tokio::test]
    async fn the_engine_hears_what_the_gateway_passes_on() {
        let outside = Upstream::start(Reply::Json(HEARD)).await;
        let gateway = started(&outside).await;
        let clip = std::fs::read(fixtures().join("audio/clip.mp3")).unwrap();
        let ask = |model: &'static str, rest: &'static [(&str, &str)]| {
            let fields = [&[("model", model), ("language", "en")][..], rest].concat();
            let (gateway, clip) = (&gateway, &clip);
            async move { upload(gateway, TRANSCRIPTIONS, &fields, ("clip.mp3", clip)).await }
        };
        let whole = ask("whisper-tiny", &[]).await;
        assert_eq!((whole.status, whole.header("x-shekara-model")), (200, "whisper-tiny"), "{}", whole.body);
        let text = whole.json()["text"].as_str().unwrap().to_owned();
        assert!(!text.is_empty());
        // The route's own target is outside; its sensitive requests go to the model that hears.
        assert_eq!(ask("chat", &[]).await.json()["text"], text.as_str());
        let verbose = ask("local/whisper-tiny", &[("response_format", "verbose_json")]).await.json();
        assert!(verbose["segments"].as_array().is_some_and(|segments| !segments.is_empty()), "{verbose}");
        let srt = ask("chat", &[("response_format", "srt")]).await;
        assert_eq!(srt.header("content-type"), "text/plain; charset=utf-8");
        assert!(srt.body.starts_with("1\n00:00:0"), "{}", srt.body);
        let streamed = ask("chat", &[("stream", "true")]).await;
        assert!(streamed.body.contains("transcript.text.done") && streamed.body.ends_with("data: [DONE]\n\n"));
        let words = ask("whisper-tiny", &[("timestamp_granularities[]", "word")]).await;
        let param = words.json()["error"]["param"].clone();
        assert_eq!((words.status, words.code().as_str()), (400, "unsupported_value"), "{}", words.body);
        assert_eq!(param, "timestamp_granularities[]");
        let audit = gateway.audit().await;
        let heard = audit.iter().filter(|record| record.status == 200);
        assert!(heard.clone().count() == 5 && heard.clone().all(|record| record.audio_seconds.is_some()), "{audit:?}");
        let chat = gateway.ask("whisper-tiny", "hello").await;
        assert_eq!((chat.status, chat.code().as_str()), (400, "unsupported_model"), "{}", chat.body);
        assert!(outside.received().is_empty());
    }
}
