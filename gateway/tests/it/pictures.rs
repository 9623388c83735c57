//! Forms with pictures: they stay inside unless the route lets out what nobody can read, and all else in them is scanned.

use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway, border, finish, one_provider};
use crate::upstream::{Reply, Upstream};

pub const EDITS: &str = "/v1/images/edits";
const VARIATIONS: &str = "/v1/images/variations";
const MADE: &str =
    r#"{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}"#;
const PICTURE: &str = "GIF89a\x01\x00 one";

/// Field, name, content type and bytes of a file.
pub type File<'f> = (&'f str, &'f str, &'f str, &'f [u8]);

pub fn form(fields: &[(&str, &str)], files: &[File<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, name, kind, bytes) in files {
        let head = format!(
            "--b0\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    for (name, value) in fields {
        body.extend(format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--b0--\r\n");
    body
}

pub async fn send(gateway: &TestGateway, path: &str, fields: &[(&str, &str)], files: &[File<'_>]) -> Answer {
    finish(request(gateway, path, fields, files)).await
}

fn request(gateway: &TestGateway, path: &str, fields: &[(&str, &str)], files: &[File<'_>]) -> reqwest::RequestBuilder {
    let request = gateway.client.post(format!("{}{path}", gateway.url)).bearer_auth(&gateway.key);
    request.header("content-type", "multipart/form-data; boundary=b0").body(form(fields, files))
}

const FILE: File<'_> = ("image", "a.gif", "image/gif", PICTURE.as_bytes());
const PROMPT: [(&str, &str); 2] = [("model", "chat"), ("prompt", "add a lighthouse")];

async fn both(rest: &str) -> (Upstream, Upstream, TestGateway) {
    let (outside, inside) = (Upstream::start(Reply::Json(MADE)).await, Upstream::start(Reply::Json(MADE)).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    (outside, inside, gateway)
}

#[tokio::test]
async fn a_picture_stays_inside_where_the_route_says_nothing() {
    for rest in ["", "mask = true", "unreadable = \"local\"", "cache = { ttl_s = 60 }"] {
        let (outside, inside, gateway) = both(rest).await;
        for (path, fields) in [(EDITS, &PROMPT[..]), (VARIATIONS, &PROMPT[..1])] {
            let answer = send(&gateway, path, fields, &[FILE]).await;
            assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "unreadable"), "{}", answer.body);
            assert_eq!((answer.header("x-shekara-zone"), answer.header("x-shekara-synthetic")), ("local", "1"));
            assert_eq!((answer.body.as_str(), answer.header("content-type")), (MADE, "application/json"));
            let sent = inside.take_received();
            assert!(sent.len() == 1 && sent[0].starts_with(&format!("POST {path} ")), "{sent:?}");
            assert!(sent[0].contains(PICTURE) && sent[0].contains("name=\"model\"\r\n\r\nsmall\r\n"), "{sent:?}");
        }
        let audit = gateway.audit().await;
        assert_eq!((audit[0].endpoint.as_str(), audit[0].pii_action.as_str()), ("POST /v1/images/edits", "local"));
        assert!(outside.received().is_empty());
    }
    // Without anybody inside, it is nobody's.
    let outside = Upstream::start(Reply::Json(MADE)).await;
    let gateway = TestGateway::start(&one_provider(&outside.base_url, "")).await;
    let answer = send(&gateway, EDITS, &PROMPT, &[FILE]).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "no_local_model"), "{}", answer.body);
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn where_the_route_allows_it_the_very_form_goes_out() {
    let (outside, inside, gateway) = both("unreadable = \"allow\"").await;
    let files: [File<'_>; 3] = [
        ("image[]", "one.gif", "image/gif", b"GIF89a one\r\n--b1"),
        ("mask", "mask.gif", "image/gif", b"GIF87a \r\n\r\nmask"),
        ("image[]", "two.gif", "image/x-gif", b"GIF89a two"),
    ];
    let fields = [&PROMPT[..], &[("n", "2"), ("size", "1024x1024"), ("input_fidelity", "high"), ("x[]", "y")]].concat();
    let answer = send(&gateway, EDITS, &fields, &files).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, MADE), "{}", answer.body);
    assert_eq!((answer.header("x-shekara-zone"), answer.header("x-shekara-reason")), ("external", "primary"));
    assert_eq!((answer.header("x-shekara-synthetic"), answer.header("x-shekara-pii-action")), ("1", "none"));
    let sent = outside.take_received().remove(0);
    let (head, body) = sent.split_once('\n').unwrap();
    assert!(head.starts_with("POST /v1/images/edits "), "{head}");
    let boundary = head.split_once("multipart/form-data; boundary=").unwrap().1.split('"').next().unwrap();
    let text = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = |(field, name, kind, bytes): File<'_>| {
        let bytes = std::str::from_utf8(bytes).unwrap();
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {kind}\r\n\r\n{bytes}\r\n"
        )
    };
    let expected = [
        text("model", "big"),
        text("prompt", "add a lighthouse"),
        text("n", "2"),
        text("size", "1024x1024"),
        text("input_fidelity", "high"),
        text("x[]", "y"),
        file(files[0]),
        file(files[2]),
        file(files[1]),
        format!("--{boundary}--\r\n"),
    ];
    // Fields are in the order in which they came, files behind them.
    let mut lines: Vec<&str> = body.split_inclusive(&format!("--{boundary}")).collect();
    let mut wanted: Vec<String> =
        expected.concat().split_inclusive(&format!("--{boundary}")).map(str::to_owned).collect();
    assert_eq!(lines.len(), wanted.len(), "{body}");
    lines.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(lines, wanted);
    let first = body.find("one.gif").unwrap();
    assert!(first < body.find("two.gif").unwrap() && body.find("lighthouse").unwrap() < first, "{body}");
    assert!(inside.received().is_empty());
    let audit = gateway.audit().await;
    assert_eq!(audit[0].zone.as_deref(), Some("external"));
}

#[tokio::test]
async fn personal_words_and_what_is_no_picture_stay_even_so() {
    for rest in ["unreadable = \"allow\"", "unreadable = \"allow\"\nmask = true"] {
        let (outside, inside, gateway) = both(rest).await;
        let iin = "ИИН 901123300258";
        let file: File<'_> = ("image", &format!("{iin}.gif"), "image/gif", FILE.3);
        let kind: File<'_> = ("image", "a.gif", &format!("image/gif; note={iin}"), FILE.3);
        let text: File<'_> = ("image", "a.gif", "image/gif", iin.as_bytes());
        let masked: File<'_> = ("mask", "mask.gif", "image/gif", b"\x89PNG no more than that");
        let more = |name, value| [&PROMPT[..], &[(name, value)]].concat();
        let phone = [("model", "chat"), ("prompt", "+7 701 123 45 67 on the wall")];
        for (fields, files, reason) in [
            (vec![("model", "chat"), ("prompt", iin)], vec![FILE], "pii"),
            (phone.to_vec(), vec![FILE], "pii"),
            (more("user", iin), vec![FILE], "pii"),
            (more(iin, "x"), vec![FILE], "pii"),
            (more("note[]", iin), vec![FILE], "pii"),
            (PROMPT.to_vec(), vec![file], "pii"),
            (PROMPT.to_vec(), vec![kind], "pii"),
            (PROMPT.to_vec(), vec![text], "unreadable"),
            (PROMPT.to_vec(), vec![FILE, masked], "unreadable"),
        ] {
            let answer = send(&gateway, EDITS, &fields, &files).await;
            assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, reason), "{fields:?} {}", answer.body);
            assert_eq!((answer.header("x-shekara-zone"), inside.take_received().len()), ("local", 1));
        }
        assert!(outside.received().is_empty());
        let raised = request(&gateway, EDITS, &PROMPT, &[FILE]).header("x-shekara-data-class", "personal");
        assert_eq!(finish(raised).await.header("x-shekara-reason"), "data-class");
        assert!(outside.received().is_empty());
    }
    let (outside, inside, gateway) = both("unreadable = \"allow\"\nentities = { iin = \"block\" }").await;
    let answer = send(&gateway, EDITS, &[("model", "chat"), ("prompt", "ИИН 901123300258")], &[FILE]).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "blocked_by_policy"));
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn forms_that_are_not_as_they_should_be_reach_nobody() {
    let (outside, inside) = (Upstream::start(Reply::Json(MADE)).await, Upstream::start(Reply::Json(MADE)).await);
    let rest = "unreadable = \"allow\"";
    let config = format!("[server]\nmax_upload_bytes = 2000\n{}", border(&outside.base_url, &inside.base_url, rest));
    let gateway = TestGateway::start(&config).await;
    let mask: File<'_> = ("mask", "m.gif", "image/gif", FILE.3);
    let other: File<'_> = ("file", "m.gif", "image/gif", FILE.3);
    let several: File<'_> = ("image[]", "m.gif", "image/gif", FILE.3);
    let streamed = [&PROMPT[..], &[("stream", "true")]].concat();
    for (path, fields, files, param) in [
        (EDITS, &PROMPT[..], vec![], "image"),
        (EDITS, &PROMPT, vec![mask], "image"),
        (EDITS, &PROMPT, vec![FILE, mask, mask], "mask"),
        (EDITS, &PROMPT, vec![FILE, several], "image"),
        (EDITS, &PROMPT, vec![FILE, other], "file"),
        (EDITS, &PROMPT[..1], vec![FILE], "prompt"),
        (EDITS, &PROMPT[1..], vec![FILE], "model"),
        (EDITS, &streamed, vec![FILE], "stream"),
        (VARIATIONS, &PROMPT[..1], vec![], "image"),
        (VARIATIONS, &PROMPT[..1], vec![several], "image[]"),
        (VARIATIONS, &PROMPT[..1], vec![FILE, mask], "mask"),
        (VARIATIONS, &[], vec![FILE], "model"),
    ] {
        let answer = send(&gateway, path, fields, &files).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, error["param"].as_str()), (400, Some(param)), "{path} {}", answer.body);
    }
    let json = json!({ "model": "chat", "prompt": "x", "images": [{ "image_url": "https://e.kz/a.png" }] });
    let answer = gateway.send("POST", EDITS, &gateway.key, json.to_string()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_form"));
    let large = send(&gateway, EDITS, &PROMPT, &[("image", "a.gif", "image/gif", &[0; 2_000])]).await;
    assert_eq!((large.status, large.code().as_str()), (413, "body_too_large"));
    assert_eq!(send(&gateway, EDITS, &[("model", "nobody"), ("prompt", "x")], &[FILE]).await.status, 404);
    let stranger = gateway.client.post(format!("{}{EDITS}", gateway.url)).bearer_auth("nobody");
    assert_eq!(finish(stranger.body(form(&PROMPT, &[FILE]))).await.status, 401);
    assert!(outside.received().is_empty() && inside.received().is_empty());
}

#[tokio::test]
async fn who_makes_no_pictures_says_so_and_another_is_asked() {
    for kind in ["anthropic", "gemini", "mistral"] {
        let outside = Upstream::start(Reply::Json(MADE)).await;
        let rest = "unreadable = \"allow\"";
        let config = one_provider(&outside.base_url, rest).replace("openai-compatible", kind);
        let gateway = TestGateway::start(&config).await;
        let answer = send(&gateway, EDITS, &PROMPT, &[FILE]).await;
        let error = answer.json()["error"].clone();
        assert_eq!((answer.status, error["code"].as_str()), (400, Some("unsupported_model")), "{kind} {error}");
        assert_eq!((error["param"].as_str(), outside.received().len()), (Some("model"), 0), "{kind}");
    }
    let (outside, inside, gateway) =
        both("unreadable = \"allow\"\nfallback = [{ provider = \"home\", model = \"small\" }]").await;
    outside.set(Reply::Status(500, "{}"));
    let answer = send(&gateway, EDITS, &PROMPT, &[FILE]).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "fallback:5xx"), "{}", answer.body);
    assert!(inside.received()[0].contains(PICTURE));
}

#[tokio::test]
async fn azure_has_the_form_at_its_own_place() {
    let outside = Upstream::start(Reply::Json(MADE)).await;
    let config = one_provider(&outside.base_url, "unreadable = \"allow\"").replace("openai-compatible", "azure-openai");
    let gateway = TestGateway::start(&config).await;
    let answer = send(&gateway, EDITS, &PROMPT, &[FILE]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = outside.received().remove(0);
    assert!(sent.contains("/openai/v1/images/edits ") && sent.contains("filename=\"a.gif\""), "{sent}");
}

#[tokio::test]
async fn a_picture_that_comes_twice_is_made_once() {
    let (outside, _inside, gateway) = both("unreadable = \"allow\"\ncache = { ttl_s = 60 }").await;
    let named = |files: &[File<'_>]| finish(request(&gateway, EDITS, &PROMPT, files).header("idempotency-key", "k1"));
    let (first, second) = (named(&[FILE]).await, named(&[FILE]).await);
    assert_eq!((first.status, second.status, second.header("x-shekara-reason")), (200, 200, "replay"));
    assert_eq!((first.body, outside.received().len()), (second.body, 1));
    for other in [
        ("image", "a.gif", "image/gif", &b"GIF89a other"[..]),
        ("image", "b.gif", "image/gif", FILE.3),
        ("image[]", "a.gif", "image/gif", FILE.3),
    ] {
        let reused = named(&[other]).await;
        assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"), "{other:?}");
    }
    // No cache tells two pictures apart, so there is none for them.
    for picture in [&b"GIF89a other"[..], FILE.3] {
        let answer = send(&gateway, EDITS, &PROMPT, &[("image", "a.gif", "image/gif", picture)]).await;
        assert_eq!((answer.status, answer.header("x-shekara-cache")), (200, "bypass"));
    }
    assert_eq!(outside.received().len(), 3);
}

#[tokio::test]
async fn a_providers_refusal_says_which_field_and_quotes_nothing() {
    const REFUSED: &str = r#"{"error":{"message":"Invalid mask for 'add a lighthouse'.","type":"invalid_request_error","param":"mask","code":"invalid_image"}}"#;
    let (outside, _inside, gateway) = both("unreadable = \"allow\"").await;
    outside.set(Reply::Status(400, REFUSED));
    let answer = send(&gateway, EDITS, &PROMPT, &[FILE]).await;
    let error: Value = answer.json()["error"].clone();
    assert_eq!(
        (answer.status, error["param"].as_str(), error["code"].as_str()),
        (400, Some("mask"), Some("invalid_image"))
    );
    assert!(!answer.body.contains("lighthouse"), "{}", answer.body);
}
