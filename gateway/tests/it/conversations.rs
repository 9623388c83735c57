//! Who stays inside beside what was found: conversations that once had to, callers under a rule, what cannot be read.

use serde_json::{Value, json};

use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

const IIN: &str = "901123300258";

async fn two_sides(rest: &str, before: &str) -> (Upstream, Upstream, TestGateway) {
    let outside = Upstream::start(Reply::Text("from outside")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let config = format!("{}\n{before}", border(&outside.base_url, &inside.base_url, rest));
    (outside, inside, TestGateway::start(&config).await)
}

fn turns(texts: &[&str]) -> Value {
    let roles = ["user", "assistant"].into_iter().cycle();
    let messages: Vec<_> =
        texts.iter().zip(roles).map(|(text, role)| json!({ "role": role, "content": text })).collect();
    json!({ "model": "chat", "messages": messages })
}

fn named(text: &str, id: &str) -> Value {
    let mut body = turns(&[text]);
    body["metadata"] = json!({ "conversation_id": id });
    body
}

#[tokio::test]
async fn a_named_conversation_that_held_personal_data_stays_inside() {
    let (outside, _inside, gateway) = two_sides("", "").await;
    assert_eq!(gateway.chat(named("Как дела?", "c1")).await.header("x-shekara-zone"), "external");
    assert_eq!(gateway.chat(named(&format!("Мой ИИН {IIN}"), "c1")).await.header("x-shekara-reason"), "pii");
    outside.take_received();
    let later = gateway.chat(named("А теперь короче", "c1")).await;
    assert_eq!((later.header("x-shekara-zone"), later.header("x-shekara-reason")), ("local", "sticky"));
    assert!(outside.received().is_empty());
    assert_eq!(gateway.chat(named("А теперь короче", "c2")).await.header("x-shekara-zone"), "external");
    let clinic = gateway.key_of("clinic").await;
    let other_tenant = gateway.chat_as(&clinic, &named("А теперь короче", "c1")).await;
    assert_eq!(other_tenant.header("x-shekara-zone"), "external");
}

#[tokio::test]
async fn a_history_that_had_to_stay_is_known_by_its_beginning() {
    // Only the rule for this key made the first request stay: nothing in the later text says so.
    let (_outside, _inside, gateway) = two_sides("", "").await;
    let body = turns(&["Расскажите о погоде"]);
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let first = crate::gateway::finish(request.header("x-shekara-data-class", "personal").body(body.to_string())).await;
    assert_eq!((first.header("x-shekara-reason"), first.status), ("data-class", 200));
    let longer = gateway.chat(turns(&["Расскажите о погоде", "from inside", "А завтра?"])).await;
    assert_eq!(longer.header("x-shekara-reason"), "sticky");
    let other = gateway.chat(turns(&["Расскажите о море", "from inside", "А завтра?"])).await;
    assert_eq!(other.header("x-shekara-zone"), "external");
    let clinic = gateway.key_of("clinic").await;
    let same_words = gateway.chat_as(&clinic, &turns(&["Расскажите о погоде", "from inside", "А завтра?"])).await;
    assert_eq!(same_words.header("x-shekara-zone"), "external");
}

#[tokio::test]
async fn a_blocked_conversation_stays_too_and_a_route_may_forget() {
    let secret = "Пароль: Zx81-kLm2-Qp93";
    let (outside, _inside, gateway) = two_sides("", "").await;
    assert_eq!(gateway.chat(named(secret, "c1")).await.code(), "blocked_by_policy");
    assert_eq!(gateway.chat(named("Как дела?", "c1")).await.header("x-shekara-reason"), "sticky");
    assert!(outside.received().is_empty());
    let (_outside, _inside, forgetful) = two_sides("sticky = false", "").await;
    forgetful.chat(named(&format!("Мой ИИН {IIN}"), "c1")).await;
    assert_eq!(forgetful.chat(named("Как дела?", "c1")).await.header("x-shekara-zone"), "external");
}

#[tokio::test]
async fn rules_only_raise() {
    let rules = "[[privacy.rules]]\ntenant = \"clinic\"\nentities = { bin = \"block\", iin = \"label\" }\n\
                 [[privacy.rules]]\ntenant = \"ministry\"\ndata_class = \"special\"";
    let (_outside, _inside, gateway) = two_sides("", rules).await;
    let (clinic, ministry) = (gateway.key_of("clinic").await, gateway.key_of("ministry").await);
    let bin = turns(&["Проверьте БИН 180540012348"]);
    let before = gateway.chat(bin.clone()).await;
    assert_eq!((before.header("x-shekara-zone"), before.header("x-shekara-pii")), ("external", "bin=1"));
    assert_eq!(gateway.chat_as(&clinic, &bin).await.code(), "blocked_by_policy");
    // A rule that would be milder is not followed.
    let iin = gateway.chat_as(&clinic, &turns(&[&format!("ИИН {IIN}")])).await;
    assert_eq!(iin.header("x-shekara-zone"), "local");
    let harmless = gateway.chat_as(&ministry, &turns(&["Как дела?"])).await;
    assert_eq!(
        (harmless.header("x-shekara-reason"), harmless.header("x-shekara-data-class")),
        ("data-class", "special")
    );
}

#[tokio::test]
async fn thresholds_decide_from_which_score_on_a_finding_counts() {
    let text = turns(&["Напишите на aigul.sadykova7@mail.kz"]);
    let (_outside, _inside, usual) = two_sides("", "").await;
    assert_eq!(usual.chat(text.clone()).await.header("x-shekara-pii"), "email=1");
    let (outside, _inside, lax) = two_sides("thresholds = { email = 100 }", "").await;
    let answer = lax.chat(text.clone()).await;
    assert_eq!((answer.header("x-shekara-zone"), answer.header("x-shekara-pii")), ("external", ""));
    assert_eq!(outside.received().len(), 1);
    let rule = "[[privacy.rules]]\nthresholds = { email = 10 }";
    let (_outside, _inside, strict) = two_sides("thresholds = { email = 100 }", rule).await;
    assert_eq!(strict.chat(text).await.header("x-shekara-zone"), "local");
}

#[tokio::test]
async fn what_cannot_be_read_stays_unless_the_route_answers_for_it() {
    let image = json!({ "type": "image_url", "image_url": { "url": "https://example.kz/cat.png" } });
    let with_image = |text: &str| json!({ "model": "chat", "messages": [{ "role": "user", "content": [{ "type": "text", "text": text }, image] }] });
    let (outside, _inside, usual) = two_sides("", "").await;
    assert_eq!(usual.chat(with_image("Что здесь?")).await.header("x-shekara-reason"), "unreadable");
    assert!(outside.received().is_empty());
    let (outside, _inside, allowing) = two_sides("unreadable = \"allow\"", "").await;
    assert_eq!(allowing.chat(with_image("Что здесь?")).await.header("x-shekara-zone"), "external");
    assert_eq!(outside.take_received().len(), 1);
    let with_iin = allowing.chat(with_image(&format!("ИИН {IIN}"))).await;
    assert_eq!((with_iin.header("x-shekara-reason"), outside.received().len()), ("pii", 0));
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_deep_go_nowhere() {
    let (outside, inside, gateway) = two_sides("", "[server]\nmax_body_bytes = 200000").await;
    let large = turns(&[&"слово ".repeat(60_000)]).to_string();
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"model\":\"chat\",\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}],\"x\":{}1{}}}",
            open.repeat(20_000),
            close.repeat(20_000)
        )
    };
    for (body, status) in [(large, 413), (deep("[", "]"), 400), (deep("{\"a\":", "}"), 400)] {
        let answer = gateway.send("POST", "/v1/chat/completions", &gateway.key, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    // JSON in strings in JSON, deeper than anybody reads: it may be answered, but inside.
    let mut nested = json!({ "note": format!("ИИН {IIN}") }).to_string();
    for _ in 0..9 {
        nested = json!([nested]).to_string();
    }
    let answer = gateway.ask("chat", &nested).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "local"), "{}", answer.body);
    assert!(outside.received().is_empty() && inside.received().len() == 1);
}
