//! Speech to text over HTTP: against transformers, in every format, streamed, batched, and refused where it must be.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::catalog::{Action, ModelState, Served};
use shekara_inference::engine::EngineSettings;
use shekara_inference::kernels::cpu::KvDtype;
use shekara_protocol::sse::SseDecoder;

use crate::support::{Answer, Models, Server, answer, copy_folder, fixture, request, settings};

const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
const TRANSLATIONS: &str = "/v1/audio/translations";
/// Samples a second of the clip.
const RATE: usize = 16_000;

pub fn whisper(extra: &[&str]) -> (Models, Server) {
    let models = Models::new(extra);
    copy_folder(&fixture("speech/whisper-tiny"), &models.path("whisper"));
    let server = models.serve(EngineSettings { kv_cache_dtype: KvDtype::F32, ..settings() });
    (models, server)
}

fn golden() -> Value {
    let bytes = std::fs::read(fixture("speech/whisper-tiny/golden.json")).expect("fixture");
    serde_json::from_slice(&bytes).expect("JSON")
}

pub fn clip(extension: &str) -> Vec<u8> {
    std::fs::read(fixture(&format!("audio/clip.{extension}"))).expect("fixture")
}

/// A form with a file of this name.
pub fn form(path: &str, fields: &[(&str, &str)], (name, bytes): (&str, &[u8])) -> Request<Body> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    body.extend(head.bytes());
    body.extend(bytes);
    body.extend(b"\r\n--b--\r\n");
    let request = Request::post(path).header("content-type", "multipart/form-data; boundary=b");
    request.body(Body::from(body)).expect("a request")
}

async fn ask(server: &Server, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let fields = [&[("model", "whisper")][..], fields].concat();
    answer(server.send(form(path, &fields, file)).await).await
}

async fn transcribe(server: &Server, fields: &[(&str, &str)]) -> Answer {
    ask(server, TRANSCRIPTIONS, fields, ("clip.wav", &clip("wav"))).await
}

async fn text(server: &Server, fields: &[(&str, &str)]) -> (String, String) {
    let fields = [&[("model", "whisper")][..], fields].concat();
    let response = server.send(form(TRANSCRIPTIONS, &fields, ("clip.wav", &clip("wav")))).await;
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    (String::from_utf8(bytes.to_vec()).expect("UTF-8"), kind)
}

/// The clip again and again, each time with another strength, as the script makes it.
fn long_wav() -> Vec<u8> {
    const HEADER: usize = 44;
    let clip = clip("wav");
    let samples: Vec<i32> =
        clip[HEADER..].chunks_exact(2).map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]]))).collect();
    let wanted = 70 * RATE;
    let repeats = wanted.div_ceil(samples.len());
    let loudness = (0..9).map(|step| 10 - step).cycle().take(repeats);
    let all = loudness.flat_map(|tenths| samples.iter().map(move |sample| (sample * tenths).div_euclid(10)));
    let data: Vec<u8> = all.take(wanted).flat_map(|sample| (sample as i16).to_le_bytes()).collect();
    let mut wav = clip[..HEADER].to_vec();
    wav[4..8].copy_from_slice(&(36 + data.len() as u32).to_le_bytes());
    wav[40..44].copy_from_slice(&(data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

#[tokio::test]
async fn greedy_text_is_what_transformers_says() {
    let (_models, server) = whisper(&[]);
    let golden = golden();
    let prompt = golden["prompt"].as_str().expect("a text");
    for (case, path, fields) in [
        ("plain", TRANSCRIPTIONS, &[("language", "en")][..]),
        ("plain", TRANSCRIPTIONS, &[("language", "English"), ("temperature", "0")]),
        ("translated", TRANSLATIONS, &[("language", "ru")]),
        ("prompted", TRANSCRIPTIONS, &[("language", "kk"), ("prompt", prompt)]),
        ("detected", TRANSCRIPTIONS, &[]),
    ] {
        let answer = ask(&server, path, fields, ("clip.wav", &clip("wav"))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let expected = golden["cases"][case]["text"].as_str().expect("a text").trim();
        assert_eq!(answer.body["text"], expected, "{case}");
        assert_eq!(answer.body["usage"], json!({"type": "duration", "seconds": 3.1}));
        assert_eq!(answer.headers["x-shekara-synthetic"], "1");
    }
}

fn assert_segments(found: &Value, expected: &Value, logprobs: &[f64]) {
    let (found, expected) = (found.as_array().expect("a list"), expected.as_array().expect("a list"));
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        for key in ["seek", "tokens", "text"] {
            assert_eq!(found[key], expected[key], "{key} of {index}");
        }
        for key in ["start", "end"] {
            let difference = found[key].as_f64().expect("a number") - expected[key].as_f64().expect("a number");
            assert!(difference.abs() < 0.011, "{key} of {index}: {found}");
        }
        let difference = found["avg_logprob"].as_f64().expect("a number") - logprobs[index.min(logprobs.len() - 1)];
        assert!(difference.abs() < 0.01, "{index}: {found}");
        assert_eq!((&found["id"], &found["temperature"]), (&json!(index), &json!(0.0)));
    }
}

#[tokio::test]
async fn segments_are_those_of_transformers_in_one_window_and_in_several() {
    let (_models, server) = whisper(&[]);
    let golden = golden();
    let fields = [("response_format", "verbose_json"), ("timestamp_granularities[]", "segment")];
    let short = transcribe(&server, &[&fields[..], &[("language", "en")]].concat()).await;
    let timed = &golden["cases"]["timed"];
    let number = |value: &Value| value.as_f64().expect("a number");
    assert_segments(&short.body["segments"], &golden["segments"], &[number(&timed["avg_logprob"])]);
    let segment = &short.body["segments"][0];
    for key in ["no_speech_prob", "compression_ratio"] {
        assert!((number(&segment[key]) - number(&timed[key])).abs() < 0.02, "{key}: {segment}");
    }
    assert_eq!((&short.body["task"], &short.body["language"]), (&json!("transcribe"), &json!("english")));
    assert_eq!(short.body["duration"], 3.1);
    let detected = transcribe(&server, &fields).await;
    let name = if golden["language"] == "ru" { "russian" } else { "kazakh" };
    assert_eq!(detected.body["language"], name);

    let fields = [&fields[..], &[("language", "ru")]].concat();
    let long = ask(&server, TRANSCRIPTIONS, &fields, ("long.wav", &long_wav())).await;
    let expected = golden["long_segments"].as_array().expect("a list");
    let logprobs: Vec<f64> = expected.iter().map(|segment| number(&segment["avg_logprob"])).collect();
    assert_segments(&long.body["segments"], &golden["long_segments"], &logprobs);
    assert_eq!((&long.body["duration"], &long.body["language"]), (&json!(70.0), &json!("russian")));
}

#[tokio::test]
async fn every_format_says_the_same() {
    let (_models, server) = whisper(&[]);
    let english = ("language", "en");
    let verbose = transcribe(&server, &[english, ("response_format", "verbose_json")]).await.body;
    let (srt, kind) = text(&server, &[english, ("response_format", "srt")]).await;
    assert_eq!(kind, "text/plain; charset=utf-8");
    let (vtt, _) = text(&server, &[english, ("response_format", "vtt")]).await;
    assert!(srt.starts_with("1\n00:00:0") && vtt.starts_with("WEBVTT\n\n00:00:0"), "{srt}\n{vtt}");
    let cues = verbose["segments"].as_array().expect("segments").len();
    assert_eq!((srt.matches(" --> ").count(), vtt.matches(" --> ").count()), (cues, cues));
    let json = transcribe(&server, &[english]).await.body;
    let (plain, _) = text(&server, &[english, ("response_format", "text")]).await;
    assert_eq!(plain.trim_end_matches('\n'), json["text"].as_str().expect("a text"));
}

#[tokio::test]
async fn files_of_every_kind_are_heard() {
    let (_models, server) = whisper(&[]);
    let expected = transcribe(&server, &[("language", "en")]).await.body["text"].clone();
    for name in ["clip.flac", "clip.mp3", "clip.ogg", "without", "wrong.mp3"] {
        let extension = name.rsplit_once('.').map_or("wav", |(_, extension)| extension);
        let bytes = if name.starts_with("clip") { clip(extension) } else { clip("wav") };
        let answer = ask(&server, TRANSCRIPTIONS, &[("language", "en")], (name, &bytes)).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        if !matches!(extension, "mp3" | "ogg") || name == "wrong.mp3" {
            assert_eq!(answer.body["text"], expected, "{name}");
        }
    }
}

async fn streamed(server: &Server, file: (&str, &[u8])) -> Vec<Value> {
    let fields = [("model", "whisper"), ("language", "ru"), ("stream", "true")];
    let response = server.send(form(TRANSCRIPTIONS, &fields, file)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let events = SseDecoder::new(1 << 20).push(&bytes).expect("small events");
    assert_eq!(events.last().map(|event| event.data.as_str()), Some("[DONE]"));
    let data = events.iter().filter(|event| event.data != "[DONE]");
    data.map(|event| serde_json::from_str(&event.data).expect("JSON")).collect()
}

#[tokio::test]
async fn a_stream_says_window_by_window_what_the_whole_says() {
    let (_models, server) = whisper(&[]);
    let whole = ask(&server, TRANSCRIPTIONS, &[("language", "ru")], ("long.wav", &long_wav())).await.body;
    let events = streamed(&server, ("long.wav", &long_wav())).await;
    let (done, deltas) = events.split_last().expect("events");
    assert_eq!((&done["type"], &done["text"]), (&json!("transcript.text.done"), &whole["text"]));
    assert_eq!(done["usage"], json!({"type": "duration", "seconds": 70.0}));
    assert!(deltas.len() >= 3 && deltas.iter().all(|event| event["type"] == "transcript.text.delta"));
    let joined: String = deltas.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(joined.trim_end(), whole["text"].as_str().expect("a text"));
}

/// Names and values of a form.
type Fields = Vec<(&'static str, &'static str)>;

#[tokio::test]
async fn requests_say_the_same_alone_and_together() {
    let (_models, server) = whisper(&[]);
    let long = long_wav();
    let cases: Vec<(Fields, Vec<u8>)> = vec![
        (vec![("language", "en"), ("response_format", "verbose_json")], clip("wav")),
        (vec![("response_format", "verbose_json")], clip("mp3")),
        (vec![("language", "kk"), ("prompt", "letter"), ("response_format", "verbose_json")], clip("ogg")),
        (vec![("language", "ru"), ("response_format", "verbose_json")], long.clone()),
        (vec![("language", "ru"), ("temperature", "0.7"), ("response_format", "verbose_json")], clip("wav")),
        (vec![("language", "en")], clip("flac")),
    ];
    let mut alone = Vec::new();
    for (fields, bytes) in &cases {
        alone.push(ask(&server, TRANSCRIPTIONS, fields, ("x", bytes)).await.body);
    }
    assert!(alone.iter().all(|body| body["text"].is_string()), "{alone:?}");
    let doubled = (0..2 * cases.len()).map(|at| &cases[at % cases.len()]);
    let together = doubled.map(|(fields, bytes)| ask(&server, TRANSCRIPTIONS, fields, ("x", bytes)));
    let together = futures_util::future::join_all(together).await;
    for (at, answer) in together.iter().enumerate() {
        assert_eq!(answer.body, alone[at % cases.len()], "{at}");
    }
}

/// FLAC frames that each stand for four seconds of silence in a few bytes.
fn silent_flac(seconds: usize) -> Vec<u8> {
    const BLOCK: u16 = 65_535;
    let mut flac = b"fLaC\x80\x00\x00\x22".to_vec();
    flac.extend([BLOCK.to_be_bytes(), BLOCK.to_be_bytes()].concat());
    flac.extend([0; 6]);
    // 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of samples, which need not be known.
    flac.extend((((RATE as u64) << 44) | (15 << 36)).to_be_bytes());
    flac.extend([0; 16]);
    for number in 0..(seconds * RATE).div_ceil(usize::from(BLOCK)) as u32 {
        let mut frame = vec![0xff, 0xf8, 0x70, 0x08];
        let character = char::from_u32(number).expect("below the surrogates");
        frame.extend(character.encode_utf8(&mut [0; 4]).bytes());
        frame.extend((BLOCK - 1).to_be_bytes());
        frame
            .push(frame.iter().fold(0, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| (crc << 1) ^ ((crc >> 7) * 0x07))));
        // One subframe of one value.
        frame.extend([0, 0, 0]);
        let step = |crc: u16, byte: &u8| {
            (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| (crc << 1) ^ ((crc >> 15) * 0x8005))
        };
        let crc = frame.iter().fold(0, step);
        frame.extend(crc.to_be_bytes());
        flac.extend(frame);
    }
    flac
}

#[tokio::test]
async fn a_small_file_that_unfolds_into_hours_is_refused() {
    let (_models, server) = whisper(&[]);
    let bomb = silent_flac(2 * 60 * 60 + 10);
    assert!(bomb.len() < 40_000);
    let answer = ask(&server, TRANSCRIPTIONS, &[], ("silence.flac", &bomb)).await;
    assert_eq!(answer.error(), (400, "audio_too_long", "file"));
    let Some(ModelState::Ready(Served::Transcriber(model))) = server.catalog.model("whisper") else { panic!("served") };
    assert_eq!(model.transcriber.num_in_flight(), 0);
    let short = ask(&server, TRANSCRIPTIONS, &[], ("silence.flac", &silent_flac(4))).await;
    assert_eq!(short.status, 200, "{}", short.body);
}

#[tokio::test]
async fn what_cannot_be_heard_or_is_not_supported_is_named() {
    let (_models, server) = whisper(&["qwen3-tiny"]);
    let text = b"This is a letter and no sound at all.".repeat(50);
    let short = clip("wav")[..1_044].to_vec();
    for (name, bytes, code) in [
        ("a.wav", &text[..], "unsupported_audio"),
        ("a.ogg", &clip("opus"), "unsupported_audio"),
        ("a.wav", &short, "audio_too_short"),
    ] {
        let answer = ask(&server, TRANSCRIPTIONS, &[], (name, bytes)).await;
        assert_eq!(answer.error(), (400, code, "file"), "{}", answer.body);
    }
    for (fields, param, code) in [
        (("timestamp_granularities[]", "word"), "timestamp_granularities[]", "unsupported_value"),
        (("language", "tlh"), "language", "invalid_value"),
        (("language", "de"), "language", "invalid_value"),
        (("temperature", "2"), "temperature", "invalid_value"),
        (("include[]", "logprobs"), "include[]", "unsupported_value"),
    ] {
        let answer = transcribe(&server, &[fields]).await;
        assert_eq!(answer.error(), (400, code, param), "{}", answer.body);
    }
    let chat = server.chat(&request("whisper", "hi", 3)).await;
    assert_eq!(chat.error(), (400, "unsupported_model", "model"));
    let embed = server.ask("/v1/embeddings", &json!({"model": "whisper", "input": "x"})).await;
    assert_eq!(embed.error(), (400, "unsupported_model", "model"));
    for (model, status, code) in [("qwen3-tiny", 400, "unsupported_model"), ("nobody", 404, "model_not_found")] {
        let answer =
            answer(server.send(form(TRANSCRIPTIONS, &[("model", model)], ("a.wav", &clip("wav")))).await).await;
        assert_eq!(answer.error(), (status, code, "model"));
    }
    let huge = vec![0; (26 << 20) + 1];
    assert_eq!(ask(&server, TRANSCRIPTIONS, &[], ("a.wav", &huge)).await.status, 413);
}

#[tokio::test]
async fn a_client_that_goes_away_frees_its_place_and_an_unload_waits_for_who_stays() {
    let (_models, server) = whisper(&[]);
    let fields = [("model", "whisper"), ("language", "ru"), ("stream", "true")];
    let open = || server.send(form(TRANSCRIPTIONS, &fields, ("long.wav", &long_wav())));
    drop(open().await);
    let monitor = {
        let Some(ModelState::Ready(model)) = server.catalog.model("whisper") else { panic!("served") };
        let Served::Transcriber(model) = model else { panic!("a transcriber") };
        model.transcriber.monitor()
    };
    monitor.idle().await;
    let stays = open().await;
    let status = server.catalog.control("whisper", Action::Unload).expect("known");
    assert_eq!(status.state.name(), "draining");
    let bytes = stays.into_body().collect().await.expect("a body").to_bytes();
    assert!(String::from_utf8_lossy(&bytes).contains("transcript.text.done"));
    monitor.ended().await;
    let answer = transcribe(&server, &[]).await;
    assert_eq!((answer.status.as_u16(), answer.error().1), (503, "model_unloaded"));
}

#[tokio::test]
async fn it_is_listed_and_its_folder_is_checked() {
    let models = Models::new(&[]);
    for name in ["whisper", "other-frames", "no-marks", "no-weights"] {
        copy_folder(&fixture("speech/whisper-tiny"), &models.path(name));
    }
    let rewrite = |path: &str, from: &str, to: &str| {
        let path = models.path(path);
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).expect("write");
    };
    rewrite("other-frames/preprocessor_config.json", "\"hop_length\": 160", "\"hop_length\": 200");
    rewrite("no-marks/tokenizer.json", "<|endoftext|>", "<|the-end|>");
    rewrite("no-marks/generation_config.json", "\"eos_token_id\": 290", "\"eos_token_id\": 99999");
    rewrite("no-weights/config.json", "\"decoder_layers\": 2", "\"decoder_layers\": 3");
    let server = models.serve(settings());
    let listed = server.get("/v1/models").await.body;
    let ids: Vec<&Value> = listed["data"].as_array().expect("a list").iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["whisper"]);
    assert!(server.failure("other-frames").contains("hop_length = 200"), "{}", server.failure("other-frames"));
    assert!(server.failure("no-marks").contains("99999"), "{}", server.failure("no-marks"));
    let missing = server.failure("no-weights");
    assert!(missing.contains("model.decoder.layers.2") && missing.contains("missing"), "{missing}");
    let admin = server.get("/admin/v1/models").await.body;
    let line = admin["data"].as_array().expect("a list").iter().find(|line| line["id"] == "whisper").expect("listed");
    assert_eq!(line["state"], "ready");
    assert!(line["max_model_len"].is_null());
}
