//! The leak fuzzer: random requests with values in every place and disguise, through gateways with faults, against
//! upstreams that keep every byte. What may not be there is known from outside: the generator, its check digits and the
//! reader of what went out are its own and name nothing of `pii`.
//!
//! In CI it makes [`REQUESTS`] requests. The large run by hand:
//! `SHEKARA_LEAK_REQUESTS=100000 cargo test --release -p shekara-gateway --test it leaks:: -- --nocapture`;
//! `SHEKARA_LEAK_SEED` repeats a run, and with `SHEKARA_LEAK_FIRST=n SHEKARA_LEAK_REQUESTS=1` its request number n alone,
//! which is then printed.

mod check_digits;
mod detour;
mod disguise;
mod endpoint;
mod outgoing;
mod phrase;
mod position;
mod random;
mod reshape;
mod stage;
mod tally;
mod value;

use serde_json::{Value, json};

use endpoint::ENDPOINTS;
use outgoing::Outgoing;
use phrase::{Phrase, harmless};
use position::POSITIONS;
use stage::{Actor, ROUTES, Stage, TRANSLATED};
use tally::{Leak, Tally};

pub use random::Random;
pub use value::canonical;

use crate::gateway::{Answer, TestGateway, border, finish};
use crate::upstream::{Reply, Upstream};
use crate::{pictures, speech};

const REQUESTS: usize = 800;
const SEED: u64 = 20_260_726;
/// Of what is no canonical value, so much stays or is masked at the least.
const MIN_RECALL: f64 = 0.85;
/// So many requests go out, lest the fuzzer proves nothing.
const MIN_SENT: f64 = 0.10;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_must_stay_gets_out() {
    let requests = setting("SHEKARA_LEAK_REQUESTS", REQUESTS as u64) as usize;
    let seed = setting("SHEKARA_LEAK_SEED", SEED);
    let stage = Stage::new().await;
    let mut tally = Tally::default();
    let first = setting("SHEKARA_LEAK_FIRST", 0) as usize;
    for number in first..first + requests {
        one(&stage, &mut random_of(seed, number), number, &mut tally).await;
    }
    tally.report(seed);
    if requests == 1 {
        let mut random = random_of(seed, first);
        let phrase = drawn(&stage, &mut random).1;
        tally::show(phrase.map(|phrase| phrase.sentence).as_deref());
    }
    assert!(tally.leaks.is_empty(), "seed {seed}: {}", tally.explained());
    if requests < REQUESTS {
        return;
    }
    assert!(tally.sent_share() >= MIN_SENT, "only {} of the requests went out", tally.sent_share());
    assert!(tally.recall() >= MIN_RECALL, "recall {}", tally.recall());
}

/// Each request has a stream of its own, so that any one can be repeated.
fn random_of(seed: u64, number: usize) -> Random {
    Random::new(seed ^ (number as u64).wrapping_mul(0x2545_F491_4F6C_DD1D))
}

fn drawn<'s>(stage: &'s Stage, random: &mut Random) -> (&'s Actor, Option<Phrase>) {
    let actor = stage.actor(random);
    (actor, random.chance(65).then(|| Phrase::new(random)))
}

async fn one(stage: &Stage, random: &mut Random, number: usize, tally: &mut Tally) {
    let (actor, phrase) = drawn(stage, random);
    let position = random.pick(&POSITIONS);
    let mut request = match &phrase {
        Some(phrase) => position.request(phrase, random),
        None => json!({ "messages": [{ "role": "user", "content": harmless(random) }] }),
    };
    shape(&mut request, random, number);
    stage.draw_replies(random, request["stream"] == true);
    // Headers are the client's own; none is passed on.
    let in_header = random.chance(20).then(|| Phrase::new(random).placed);
    let (path, mut reshaped) = reshape::reshaped(&request, random);
    if path == "/v1/responses" && random.chance(50) {
        go_on(actor, &mut reshaped, number).await;
        stage.crossed();
    }
    let name = random.chance(20).then(|| format!("request-{number}"));
    let answer = ask(actor, (path, &reshaped), (in_header.as_deref(), name.as_deref())).await;
    let mut crossed = stage.crossed();
    if name.is_some() {
        // The same again: from what was kept, or, after an error, asked anew.
        let again = ask(actor, (path, &reshaped), (None, name.as_deref())).await;
        let more = stage.crossed();
        let is_kept = again.header("x-shekara-reason") == "replay";
        assert!(!is_kept || (more.is_empty() && again.body == answer.body), "{number}: another answer was given again");
        crossed.extend(more);
    }
    let what = Leak {
        number,
        fault: actor.fault,
        route: request["model"].as_str().unwrap_or_default().to_owned(),
        position: position.name,
        kind: phrase.as_ref().map_or("none", |phrase| phrase.kind.name),
        disguise: phrase.as_ref().map_or("none", |phrase| phrase.disguise.name),
        why: "",
    };
    tally.count(!crossed.is_empty());
    if actor.keeps_all && !crossed.is_empty() {
        tally.leak(&what, "went out in spite of the fault");
    }
    let outgoing: Vec<Outgoing> = crossed.iter().map(|record| Outgoing::read(record)).collect();
    if in_header.is_some_and(|value| outgoing.iter().any(|outgoing| outgoing.holds(&value))) {
        tally.leak(&what, "a header was passed on");
    }
    if let Some(phrase) = &phrase {
        let is_out = outgoing.iter().any(|outgoing| shows(outgoing, phrase, position.parts_value));
        tally.value(&what, phrase.kind.is_canonical, is_out);
    }
    // A disguised value that the detector reports is one whose text must not be there, whatever kind it is.
    if !outgoing.is_empty() && !actor.keeps_all {
        for (span, action) in spans(&actor.scan(&request).await, &request) {
            // What a translation leaves out stays nowhere at all.
            let is_translated = TRANSLATED.iter().any(|route| request["model"] == *route);
            let is_whole = path == "/v1/chat/completions" && !is_translated;
            let is_out = is_whole && action != "mask" || outgoing.iter().any(|outgoing| outgoing.holds_text(&span));
            if is_out {
                tally.leak(&what, "a reported span went out");
            }
        }
    }
}

/// The value as issued, or as it was disguised, can be read from what went out.
fn shows(outgoing: &Outgoing, phrase: &Phrase, is_parted: bool) -> bool {
    let is_whole = outgoing.holds(&phrase.original) || outgoing.holds_text(&phrase.placed);
    // A parted value whose request was not changed: both of its ends are there, and the word that asks for it.
    is_whole || (is_parted && !outgoing.has_token() && outgoing.holds_ends(&phrase.placed))
}

/// Route, stream, choices, formats, tools: what a client may ask for beside the text.
fn shape(request: &mut Value, random: &mut Random, number: usize) {
    request["model"] = json!(random.pick(&ROUTES));
    if random.chance(40) {
        request["stream"] = json!(true);
    }
    if random.chance(10) {
        request["n"] = json!(2);
    }
    if random.chance(10) && request["response_format"].is_null() {
        request["response_format"] = json!({ "type": "json_object" });
    }
    if random.chance(15) && request["tools"].is_null() {
        request["tools"] = json!([{ "type": "function", "function": { "name": "search", "parameters": {} } }]);
    }
    if random.chance(20) && request["metadata"].is_null() {
        request["metadata"] = json!({ "conversation_id": format!("c-{}", number % 97 + 1) });
    }
}

/// Makes a request go on from an answer that is stored. The answers before are harmless: what may not leave is in its own
/// input, and what stays because of them must stay too.
async fn go_on(actor: &Actor, request: &mut Value, number: usize) {
    let before = json!({ "model": request["model"], "input": format!("question {number}") });
    let before = ask(actor, ("/v1/responses", &before), (None, None)).await;
    if before.status == 200 {
        request["previous_response_id"] = before.json()["id"].clone();
    }
}

async fn ask(
    actor: &Actor,
    (path, request): (&str, &Value),
    (in_header, name): (Option<&str>, Option<&str>),
) -> Answer {
    let gateway = &actor.gateway;
    let mut call = gateway.client.post(format!("{}{path}", gateway.url)).bearer_auth(&gateway.key);
    if let Some(value) = in_header.and_then(|value| http::HeaderValue::from_bytes(value.as_bytes()).ok()) {
        let names = ["idempotency-key"].into_iter().filter(|_| name.is_none());
        for name in names.chain(["user-agent", "x-client-note", "openai-organization", "referer"]) {
            call = call.header(name, &value);
        }
    }
    if let Some(name) = name {
        call = call.header("idempotency-key", name);
    }
    let answer = finish(call.header("content-type", "application/json").body(request.to_string())).await;
    // A copy for a shadow is a way out like any other.
    while gateway.gateway.num_shadows() > 0 {
        tokio::task::yield_now().await;
    }
    answer
}

/// The texts of the spans that a report says must not be seen outside.
fn spans(report: &Value, request: &Value) -> Vec<(String, String)> {
    let read = |span: &Value| {
        let action = span["action"].as_str().filter(|action| *action != "label")?;
        let text = request.pointer(span["pointer"].as_str()?)?.as_str()?;
        let (start, end) = (span["start"].as_u64()? as usize, span["end"].as_u64()? as usize);
        let text: String = text.chars().skip(start).take(end - start).collect();
        (text.chars().count() >= 4).then(|| (text, action.to_owned()))
    };
    report["spans"].as_array().into_iter().flatten().filter_map(read).collect()
}

/// A gateway that keeps nothing back is caught in nearly every request: the fuzzer has eyes.
#[tokio::test]
async fn a_gateway_that_only_labels_is_caught() {
    let stage = Stage::labelling().await;
    let mut random = Random::new(SEED);
    let (mut sent, mut seen) = (0, 0);
    for number in 0..150 {
        let (phrase, position) = (Phrase::new(&mut random), random.pick(&POSITIONS));
        let mut request = position.request(&phrase, &mut random);
        shape(&mut request, &mut random, number);
        request["model"] = json!("chat");
        ask(&stage.actors[0], ("/v1/chat/completions", &request), (None, None)).await;
        let crossed: Vec<Outgoing> = stage.crossed().iter().map(|record| Outgoing::read(record)).collect();
        sent += usize::from(!crossed.is_empty());
        seen += usize::from(crossed.iter().any(|outgoing| shows(outgoing, &phrase, position.parts_value)));
    }
    assert!(sent > 120 && seen * 100 >= sent * 97, "{seen} of {sent}");
}

#[tokio::test]
async fn endpoints_of_tomorrow_send_nothing_today() {
    let stage = Stage::new().await;
    let actor = &stage.actors[0];
    let mut random = Random::new(SEED);
    for endpoint in &ENDPOINTS {
        let iin = value::KINDS.iter().find(|kind| kind.name == "iin").unwrap();
        let original = (iin.make)(&mut random);
        let (kind, body) = endpoint.request(&format!("мой ИИН {original}"));
        let call = actor.gateway.client.post(format!("{}{}", actor.gateway.url, endpoint.path));
        let answer = finish(call.bearer_auth(&actor.gateway.key).header("content-type", kind).body(body)).await;
        let is_absent = matches!(answer.status, 404 | 405);
        let hint = "it is answered now: set is_served in leaks/endpoint.rs";
        assert_eq!(is_absent, !endpoint.is_served, "{}: {} ({hint})", endpoint.path, answer.status);
        for record in stage.crossed() {
            assert!(!Outgoing::read(&record).holds(&original), "{} lets a value out", endpoint.path);
        }
    }
}

/// Whatever a sound, its name and its fields hold, and whatever fails meanwhile: nothing of it crosses the border.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sound_ever_crosses() {
    let stage = Stage::new().await;
    for number in 0..120 {
        let random = &mut random_of(SEED, number);
        let (actor, phrase) = (stage.actor(random), Phrase::new(random));
        stage.draw_replies(random, number % 2 == 0);
        let words = phrase.sentence.replace(['\r', '\n', '"'], " ");
        let place = *random.pick(&["prompt", "language", "response_format", "file", "hotwords", "name"]);
        let mut fields = vec![("model", *random.pick(&ROUTES)), ("stream", *random.pick(&["true", "false"]))];
        let (mut name, mut bytes) = ("a.wav".to_owned(), b"RIFF".to_vec());
        match place {
            "file" => bytes.extend(words.bytes()),
            "name" => name = format!("{words}.wav"),
            field => fields.push((field, &words)),
        }
        let path = *random.pick(&["/v1/audio/transcriptions", "/v1/audio/translations"]);
        speech::upload(&actor.gateway, path, &fields, (&name, &bytes)).await;
        assert!(stage.crossed().is_empty(), "{number}: {place} on {:?}", fields[0]);
    }
}

/// A picture leaves where its route lets it, and nothing personal beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_value_crosses_beside_a_picture() {
    let (outside, inside) = (Upstream::start(Reply::Json("{}")).await, Upstream::start(Reply::Json("{}")).await);
    let mut sent = 0;
    for rest in ["unreadable = \"allow\"", "unreadable = \"allow\"\nmask = true"] {
        let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
        for number in 0..60 {
            let random = &mut random_of(SEED ^ 0x91C7, number);
            let phrase = Phrase::new(random);
            let words = phrase.sentence.replace(['\r', '\n', '"'], " ");
            let place = *random.pick(&["prompt", "user", "tags[]", "name", "kind", "field", "text", "none"]);
            let mut fields = vec![("model", "chat"), ("prompt", "a lighthouse")];
            let (mut name, mut kind, mut bytes) = ("a.gif".to_owned(), "image/gif".to_owned(), b"GIF89a".to_vec());
            match place {
                "prompt" => fields[1].1 = &words,
                "name" => name = format!("{words}.gif"),
                "kind" => kind = format!("image/gif; note={words}"),
                "field" => fields.push((&words, "x")),
                "text" => bytes = words.clone().into_bytes(),
                "none" => {}
                field => fields.push((field, &words)),
            }
            pictures::send(&gateway, pictures::EDITS, &fields, &[("image", &name, &kind, &bytes)]).await;
            inside.take_received();
            for record in outside.take_received() {
                sent += 1;
                let holds = Outgoing::read(&record).holds(&phrase.original) && phrase.kind.is_canonical;
                assert!(!holds && place != "text", "{number}: {place}, {}", phrase.kind.name);
            }
        }
    }
    assert!(sent > 10, "only {sent} went out");
}
