//! Files: uploaded, found by their project alone, read back, put into requests that name them, and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::gateway::{Answer, Place, TestGateway, border, finish, one_provider};
use crate::replays::is_on_disk;
use crate::speech::form;
use crate::upstream::{Reply, Upstream};

pub async fn upload(gateway: &TestGateway, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
    let request = gateway.client.post(format!("{}/v1/files", gateway.url)).bearer_auth(&gateway.key);
    let request = request.header("content-type", "multipart/form-data; boundary=b0");
    finish(request.body(form(fields, file))).await
}

/// The id of a file with these bytes.
pub async fn uploaded(gateway: &TestGateway, purpose: &str, file: (&str, &[u8])) -> String {
    let answer = upload(gateway, &[("purpose", purpose)], file).await;
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

async fn get(gateway: &TestGateway, path: &str) -> Answer {
    gateway.send("GET", path, &gateway.key, "").await
}

/// A document without a word of it in one piece.
const NOTE: &str = "planted words of a file";

async fn started(rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

#[tokio::test]
async fn a_file_comes_back_as_it_went_and_to_its_own_project_alone() {
    let (_upstream, mut gateway) = started("").await;
    // More than one piece of it.
    let bytes: Vec<u8> = (0..2_500_000_u32).map(|number| (number * 7 % 251) as u8).collect();
    let answer = upload(&gateway, &[("purpose", "user_data")], ("Отчёт.bin", &bytes)).await;
    let file = answer.json();
    let id = file["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&file["object"], &file["bytes"], &file["purpose"], &file["filename"], &file["status"]),
        (&json!("file"), &json!(bytes.len()), &json!("user_data"), &json!("Отчёт.bin"), &json!("processed"))
    );
    assert_eq!(get(&gateway, &format!("/v1/files/{id}")).await.json(), file);
    let content = gateway.client.get(format!("{}/v1/files/{id}/content", gateway.url)).bearer_auth(&gateway.key);
    let content = content.send().await.unwrap();
    assert_eq!(content.content_length(), Some(bytes.len() as u64));
    assert!(content.bytes().await.unwrap() == bytes);
    let own = gateway.key.clone();
    for tenant in ["bank", "clinic"] {
        gateway.key = gateway.key_of(tenant).await;
        for path in [format!("/v1/files/{id}"), format!("/v1/files/{id}/content")] {
            let hidden = get(&gateway, &path).await;
            assert_eq!((hidden.status, hidden.code().as_str()), (404, "file_not_found"));
        }
        assert_eq!(gateway.send("DELETE", &format!("/v1/files/{id}"), &gateway.key, "").await.status, 404);
        assert_eq!(get(&gateway, "/v1/files").await.json()["data"], json!([]));
    }
    gateway.key = own;
    let deleted = gateway.send("DELETE", &format!("/v1/files/{id}"), &gateway.key, "").await.json();
    assert_eq!(deleted, json!({ "id": id, "object": "file", "deleted": true }));
    assert_eq!(get(&gateway, &format!("/v1/files/{id}/content")).await.status, 404);
    let audit = gateway.audit().await;
    let of_content = audit.iter().filter(|record| record.endpoint == "GET /v1/files/{id}/content");
    let outcomes: Vec<u16> = of_content.map(|record| record.status).collect();
    assert_eq!(outcomes, [200, 404, 404, 404], "one record each");
}

#[tokio::test]
async fn files_are_listed_in_pages() {
    let (_upstream, gateway) = started("").await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let purpose = if number == 2 { "batch" } else { "user_data" };
        ids.push(uploaded(&gateway, purpose, (&format!("{number}.txt"), b"x")).await);
    }
    let listed = get(&gateway, "/v1/files?limit=3").await.json();
    let of = |list: &Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|file| file["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((of(&listed).len(), &listed["has_more"]), (3, &json!(true)));
    let last = listed["last_id"].as_str().unwrap();
    let rest = get(&gateway, &format!("/v1/files?after={last}")).await.json();
    let mut all = [of(&listed), of(&rest)].concat();
    all.sort();
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!((all, &rest["has_more"]), (expected, &json!(false)));
    assert_eq!(of(&get(&gateway, "/v1/files?purpose=batch").await.json()), [ids[2].clone()]);
    for (query, param) in [("limit=0", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=file-1", "after")]
    {
        let refused = get(&gateway, &format!("/v1/files?{query}")).await;
        assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!(param)), "{query}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused_and_leaves_nothing() {
    let (_upstream, gateway) = started("[content]\nmax_file_bytes = 3000000\nmax_files = 1").await;
    let fine = ("a.txt", &b"x"[..]);
    let hour = ("expires_after[anchor]", "created_at");
    let purpose = ("purpose", "user_data");
    for (fields, file, status, param) in [
        (&[][..], fine, 400, "purpose"),
        (&[("purpose", "anything")], fine, 400, "purpose"),
        (&[purpose, purpose], fine, 400, "purpose"),
        (&[purpose, ("colour", "red")], fine, 400, "colour"),
        (&[purpose, hour], fine, 400, "expires_after"),
        (&[purpose, hour, ("expires_after[seconds]", "60")], fine, 400, "expires_after[seconds]"),
        (&[purpose], ("a.txt", b""), 400, "file"),
        (&[purpose], ("a.txt", &vec![b'x'; 3_000_001]), 413, "file"),
    ] {
        let refused = upload(&gateway, fields, file).await;
        let seen = (refused.status, refused.json()["error"]["param"].clone());
        assert_eq!(seen, (status, json!(param)), "{fields:?}: {}", refused.body);
    }
    for (kind, body) in [
        ("application/json", "{}".to_owned()),
        ("multipart/form-data", String::new()),
        (
            "multipart/form-data; boundary=b0",
            "--b0\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nx".to_owned(),
        ),
        (
            "multipart/form-data; boundary=b0",
            "--b0\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--b0--\r\n".to_owned(),
        ),
    ] {
        let request = gateway.client.post(format!("{}/v1/files", gateway.url)).bearer_auth(&gateway.key);
        let refused = finish(request.header("content-type", kind).body(body)).await;
        assert_eq!(refused.status, 400, "{kind}: {}", refused.body);
    }
    assert_eq!(get(&gateway, "/v1/files").await.json()["data"], json!([]));
    uploaded(&gateway, "user_data", fine).await;
    let second = upload(&gateway, &[purpose], fine).await;
    assert_eq!((second.status, second.code().as_str()), (400, "too_many_files"));
}

/// A form that goes on and on without a boundary is not collected.
#[tokio::test]
async fn a_form_without_boundaries_is_given_up_early() {
    let (_upstream, gateway) = started("").await;
    let request = gateway.client.post(format!("{}/v1/files", gateway.url)).bearer_auth(&gateway.key);
    let request = request.header("content-type", "multipart/form-data; boundary=b0");
    // The answer may come before all of it was sent.
    if let Ok(refused) = request.body(vec![b'x'; 6 << 20]).send().await {
        assert_eq!(refused.status(), 400);
    }
    let audit = gateway.audit().await;
    assert_eq!(audit.iter().map(|record| record.status).collect::<Vec<_>>(), [400]);
}

#[tokio::test]
async fn files_are_sealed_outlive_the_process_and_expire() {
    let (_upstream, gateway) = started("[content]\nfiles_ttl_s = 7200").await;
    let short = [("purpose", "user_data"), ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")];
    let short = upload(&gateway, &short, ("planted name.txt", NOTE.as_bytes())).await.json();
    let long = uploaded(&gateway, "user_data", ("b.txt", NOTE.as_bytes())).await;
    let ttl = short["expires_at"].as_u64().unwrap() - short["created_at"].as_u64().unwrap();
    assert_eq!(ttl, 3_600);
    let (folder, key) = gateway.stop().await;
    assert!(!["planted name", NOTE].iter().any(|text| is_on_disk(folder.path(), text)));
    let clock = Arc::new(AtomicI64::new(0));
    let place = Place { folder: Some(folder), clock: Arc::clone(&clock), ..Place::default() };
    let toml = one_provider("http://127.0.0.1:1/v1", "[content]\nfiles_ttl_s = 7200");
    let mut gateway = TestGateway::start_at(&toml, place).await;
    gateway.key = key;
    let short = format!("/v1/files/{}/content", short["id"].as_str().unwrap());
    let long = format!("/v1/files/{long}/content");
    assert_eq!((get(&gateway, &short).await.body, get(&gateway, &long).await.body), (NOTE.into(), NOTE.into()));
    clock.store(3_601_000, Ordering::SeqCst);
    assert_eq!((get(&gateway, &short).await.status, get(&gateway, &long).await.status), (404, 200));
    clock.store(7_201_000, Ordering::SeqCst);
    assert_eq!(get(&gateway, &long).await.status, 404);
    assert_eq!(gateway.gateway.shelf.delete_expired(gateway.gateway.now_ms()).await.unwrap(), 4);
}

#[tokio::test]
async fn files_do_not_give_way_and_are_erased_with_their_tenant() {
    let (_upstream, gateway) = started("[content]\nmax_tenant_bytes = 2000000").await;
    let kept = uploaded(&gateway, "user_data", ("a.bin", &vec![1; 1_500_000])).await;
    let refused = upload(&gateway, &[("purpose", "user_data")], ("b.bin", &vec![2; 1_500_000])).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "storage_limit_exceeded"), "{}", refused.body);
    assert_eq!(get(&gateway, &format!("/v1/files/{kept}")).await.status, 200);
    let erased = gateway.send("DELETE", "/admin/v1/content?tenant=bank", &gateway.admin_key, "").await.json();
    assert_eq!(erased["deleted"]["files"], 1, "{erased}");
    assert_eq!(get(&gateway, &format!("/v1/files/{kept}/content")).await.status, 404);
}

fn asking(part: &Value) -> Value {
    json!({ "model": "chat", "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Read." }, part] }] })
}

/// What a request names is screened as if it stood there.
#[tokio::test]
async fn a_file_that_a_request_names_decides_where_it_goes() {
    let (outside, inside) = (Upstream::start(Reply::Text("fine")).await, Upstream::start(Reply::Text("fine")).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let harmless = uploaded(&gateway, "user_data", ("a.txt", b"Opening hours: nine to six.")).await;
    let personal = uploaded(&gateway, "user_data", ("b.txt", "ИИН 901123300258".as_bytes())).await;
    for (id, zone) in [(&harmless, "external"), (&personal, "local"), (&"file-unknown".to_owned(), "local")] {
        let part = json!({ "type": "file", "file": { "file_id": id } });
        let answer = gateway.chat(asking(&part)).await;
        assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, zone), "{}", answer.body);
        let input = json!([{ "role": "user", "content": [{ "type": "input_file", "file_id": id }] }]);
        let body = json!({ "model": "chat", "input": input });
        let answer = gateway.send("POST", "/v1/responses", &gateway.key, body.to_string()).await;
        assert!(answer.status != 200 || answer.header("x-shekara-zone") == zone, "{}", answer.body);
    }
    let crossed = outside.received().concat();
    assert!(crossed.contains("data:text/plain;base64,T3BlbmluZyBob3Vycz") && !crossed.contains(&harmless), "{crossed}");
    let theirs = gateway.key_of("clinic").await;
    let part = json!({ "type": "file", "file": { "file_id": harmless } });
    outside.take_received();
    let answer = gateway.chat_as(&theirs, &asking(&part)).await;
    assert_eq!(answer.header("x-shekara-zone"), "local", "another tenant's file is what nobody can read");
    assert!(!inside.received().concat().contains("T3BlbmluZ"), "another tenant's file was read");
    let too_large = uploaded(&gateway, "user_data", ("c.txt", &vec![b'x'; 16 << 20])).await;
    let part = json!({ "type": "file", "file": { "file_id": too_large } });
    assert_eq!(gateway.chat(asking(&part)).await.status, 413);
}
