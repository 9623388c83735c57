//! Reversible masking through HTTP: tokens outside, values for the caller, and for nobody else.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const EMAIL: &str = "aigul.sadykova7@mail.kz";
const PHONE: &str = "+7 701 234 56 78";

async fn masked(reply: Reply, rest: &str) -> (Upstream, Upstream, TestGateway) {
    let outside = Upstream::start(reply).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let rest = format!("mask = true\n{rest}");
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, &rest)).await;
    (outside, inside, gateway)
}

fn request(text: &str, stream: bool) -> Value {
    json!({ "model": "chat", "stream": stream, "messages": [{ "role": "user", "content": text }] })
}

fn in_conversation(text: &str, id: &str) -> Value {
    let mut body = request(text, false);
    body["metadata"] = json!({ "conversation_id": id });
    body
}

/// The chunks of a stream.
fn chunks(answer: &Answer) -> Vec<Value> {
    let data = answer.body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// Content and arguments of a whole answer or stream.
fn said(answer: &Answer, stream: bool) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |message: &Value| (text(&message["content"]), text(&message["tool_calls"][0]["function"]["arguments"]));
    if !stream {
        return of(&answer.json()["choices"][0]["message"]);
    }
    let deltas: Vec<_> = chunks(answer).iter().map(|chunk| of(&chunk["choices"][0]["delta"])).collect();
    (deltas.iter().map(|delta| &*delta.0).collect(), deltas.iter().map(|delta| &*delta.1).collect())
}

/// The token of this entity in what went out.
fn token(record: &str, entity: &str) -> String {
    let start = record.find(&format!("[{entity}_")).unwrap_or_else(|| panic!("no {entity} token"));
    let length = record[start..].find(']').unwrap() + 1;
    record[start..start + length].to_owned()
}

#[tokio::test]
async fn outside_sees_tokens_and_the_caller_sees_values() {
    let (outside, inside, gateway) = masked(Reply::Echo, "").await;
    let text = format!("Напишите на {EMAIL} или позвоните: {PHONE}. Ещё раз: {EMAIL}.");
    for stream in [false, true] {
        let mut body = request(&text, stream);
        body["tools"] = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
        let answer = gateway.chat(body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("x-shekara-pii-action"), "masked");
        let record = outside.take_received().pop().unwrap();
        assert!(!record.contains("sadykova") && !record.contains("234 56 78"), "{record}");
        let email = token(&record, "EMAIL");
        assert_eq!(record.matches(&email).count(), 2, "the same value has the same token");
        let (content, arguments) = said(&answer, stream);
        assert_eq!(content, text);
        assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap()["said"], text, "{arguments}");
        assert!(!answer.body.contains(&email));
    }
    assert!(inside.received().is_empty());
}

#[tokio::test]
async fn tokens_stay_the_same_over_the_turns_of_a_conversation() {
    let (outside, _inside, gateway) = masked(Reply::Echo, "").await;
    gateway.chat(in_conversation(&format!("Пишите на {EMAIL}"), "c1")).await;
    let first = token(&outside.take_received().pop().unwrap(), "EMAIL");
    let answer = gateway.chat(in_conversation(&format!("Повторите {first}, то есть {EMAIL}"), "c1")).await;
    assert_eq!(token(&outside.take_received().pop().unwrap(), "EMAIL"), first);
    assert_eq!(answer.text(), format!("Повторите {EMAIL}, то есть {EMAIL}"));
    gateway.chat(in_conversation(&format!("Пишите на {EMAIL}"), "c2")).await;
    assert_ne!(token(&outside.take_received().pop().unwrap(), "EMAIL"), first);
}

#[tokio::test]
async fn a_token_of_another_conversation_or_tenant_restores_nothing() {
    let (outside, _inside, gateway) = masked(Reply::Echo, "").await;
    gateway.chat(in_conversation(&format!("Пишите на {EMAIL}"), "c1")).await;
    let foreign = token(&outside.take_received().pop().unwrap(), "EMAIL");
    let asking = format!("Что такое {foreign}? Мой адрес other.person@inbox.kz");
    let clinic = gateway.key_of("clinic").await;
    for (key, id) in [(&gateway.key, "c2"), (&clinic, "c1"), (&clinic, "c3")] {
        let answer = gateway.chat_as(key, &in_conversation(&asking, id)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains(EMAIL), "{id}: {}", answer.body);
        assert_eq!(answer.text(), asking, "{id}");
    }
    let own = gateway.chat(in_conversation(&format!("Что такое {foreign}? И {EMAIL}?"), "c1")).await;
    assert_eq!(own.text(), format!("Что такое {EMAIL}? И {EMAIL}?"));
}

/// What was masked once stays masked in later turns, also where nothing beside it says what it is.
#[tokio::test]
async fn conversations_without_a_name_that_begin_alike_do_not_share_values() {
    let (outside, _inside, gateway) = masked(Reply::Echo, "").await;
    let dialogue = |last: &str| {
        let mut body = request(last, false);
        let last = body["messages"][0].clone();
        body["messages"] = json!([
            { "role": "user", "content": "Здравствуйте" }, { "role": "assistant", "content": "слушаю" }, last,
        ]);
        body
    };
    gateway.chat(dialogue(&format!("напишите на {EMAIL}"))).await;
    let token = token(&outside.received()[0], "EMAIL");
    let other = gateway.chat(dialogue(&format!("что такое {token}?"))).await;
    assert_eq!(other.status, 200, "{}", other.body);
    assert_eq!(outside.received().len(), 2);
    assert!(!other.body.contains(EMAIL) && other.body.contains(&token), "{}", other.body);
}

#[tokio::test]
async fn a_value_that_was_masked_is_known_in_later_turns() {
    let (outside, _inside, gateway) = masked(Reply::Echo, "").await;
    let (passport, bare) = ("серия и номер паспорта РФ: 4509 123456", "И ещё раз 4509 123456, будьте добры");
    let unknown = gateway.chat(in_conversation(bare, "c0")).await;
    assert_eq!((unknown.header("x-shekara-pii"), outside.take_received().len()), ("", 1), "it means nothing by itself");
    let first = gateway.chat(in_conversation(passport, "c1")).await;
    assert_eq!(first.header("x-shekara-pii-action"), "masked", "{}", first.body);
    let token = token(&outside.take_received().concat(), "RU_PASSPORT");
    let later = gateway.chat(in_conversation(bare, "c1")).await;
    assert_eq!((later.text().as_str(), later.header("x-shekara-pii-action")), (bare, "masked"));
    let crossed = outside.take_received().concat();
    assert!(crossed.contains(&token) && !crossed.contains("4509"), "{crossed}");
    let harmless = gateway.chat(in_conversation("Спасибо", "c1")).await;
    assert_eq!((harmless.text().as_str(), harmless.header("x-shekara-pii-action")), ("Спасибо", "none"));
    // The model may say a token of the conversation also in answer to a text without one.
    outside.set(Reply::Json(format!("{{\"choices\":[{{\"message\":{{\"content\":\"{token}\"}}}}]}}").leak()));
    assert_eq!(gateway.chat(in_conversation("Какой был номер?", "c1")).await.text(), "4509 123456");
}

#[tokio::test]
async fn answers_are_masked_or_blocked_whole_and_streamed() {
    let card = "Ваша карта 4111 1111 1111 1111 готова, заберите её завтра";
    let (_outside, _inside, gateway) = masked(Reply::Text(card), "answers = { card = \"mask\" }").await;
    let (_outside2, _inside2, blocking) = masked(Reply::Text(card), "answers = { card = \"block\" }").await;
    for stream in [false, true] {
        let answer = gateway.chat(request("Где моя посылка?", stream)).await;
        let (text, _) = said(&answer, stream);
        assert_eq!(text, "Ваша карта [CARD] готова, заберите её завтра", "{}", answer.body);
        assert!(!answer.body.contains("1111"), "{}", answer.body);
        let record = gateway.audit().await.pop().unwrap();
        assert_eq!(record.answer_entities.get("card"), Some(&1));

        let blocked = blocking.chat(request("Где моя посылка?", stream)).await;
        assert_eq!(blocked.status, if stream { 200 } else { 502 });
        assert!(blocked.body.contains("answer_blocked") && !blocked.body.contains("1111"), "{}", blocked.body);
        assert_eq!(blocking.audit().await.pop().unwrap().error_code.as_deref(), Some("answer_blocked"));
    }
}

#[tokio::test]
async fn a_label_stands_in_whole_answers_and_last_chunks_and_agrees_with_the_headers() {
    let (_outside, _inside, gateway) = masked(Reply::Echo, "").await;
    for (text, action) in [("Где моя посылка?", "none"), (EMAIL, "masked"), ("ИИН 901123300258", "local")]
    {
        for stream in [false, true] {
            let answer = gateway.chat(request(text, stream)).await;
            let label = if stream {
                let chunks = chunks(&answer);
                let (last, others) = chunks.split_last().unwrap();
                assert!(others.iter().all(|chunk| chunk["shekara"].is_null()), "{}", answer.body);
                last["shekara"].clone()
            } else {
                answer.json()["shekara"].clone()
            };
            assert_eq!((label["action"].as_str(), label["synthetic"].as_bool()), (Some(action), Some(true)), "{label}");
            for name in ["route", "provider", "model", "zone", "reason"] {
                assert_eq!(label[name], answer.header(&format!("x-shekara-{name}")), "{name}: {label}");
            }
            assert_eq!(label["data_class"], answer.header("x-shekara-data-class"));
            assert_eq!(label["action"], answer.header("x-shekara-pii-action"));
            assert_eq!(label["request_id"], answer.header("x-request-id"));
            assert_eq!(label["attempts"].to_string(), answer.header("x-shekara-attempts"));
            let counts = label["entities"].as_object().into_iter().flatten().map(|(entity, n)| format!("{entity}={n}"));
            assert_eq!(counts.collect::<Vec<_>>().join(","), answer.header("x-shekara-pii"), "{label}");
            assert!(label["signature"].is_object() || label["signature"].is_string(), "{label}");
        }
    }
}

/// Dialogues go on outside: what ends one message and what begins the next are not taken for one value.
#[tokio::test]
async fn an_ordinary_dialogue_with_masked_values_stays_outside() {
    let (_outside, inside, gateway) = masked(Reply::Text("fine"), "").await;
    for (first, reply, second) in [
        (&*format!("Мой адрес {EMAIL}"), "Записал, спасибо", "Когда напишете?"),
        (&*format!("Позвоните {PHONE}"), "Когда вам удобно?", "Завтра в 10"),
        ("Меня зовут Садыкова Айгуль", "Здравствуйте! Чем помочь?", "Нужна справка"),
        ("My name is John Smith", "Hello, what can I do for you?", "A short letter please"),
        ("Клиент Иванов Сергей Петрович", "Что с ним?", "Просит отсрочку"),
        ("Живу по адресу: г. Алматы, ул. Абая, д. 10, кв. 5", "Принято", "Спасибо большое"),
        ("Менің атым Ержан Сейтқали", "Сәлеметсіз бе!", "Анықтама керек"),
    ] {
        let message = |role: &str, text: &str| json!({ "role": role, "content": text });
        let messages = [message("user", first), message("assistant", reply), message("user", second)];
        let answer = gateway.chat(json!({ "model": "chat", "messages": messages })).await;
        assert_eq!(answer.header("x-shekara-pii-action"), "masked", "{first}");
    }
    assert!(inside.received().is_empty());
}
