//! People log in at a provider, and what they may do then is theirs alone, now and not later. The provider is a stub.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use shekara_gateway::audit::AuditRecord;
use tempfile::NamedTempFile;

use crate::browser::{Browser, PUBLIC};
use crate::gateway::{Answer, Place, TestGateway, one_provider};
use crate::oidc_stub::{CLIENT, Forgery, Oidc, SECRET, SigningKey};

const EMAIL: &str = "aigul@bank.kz";

/// Makes claims wrong.
type Spoil = fn(&mut Value);

/// A gateway at which people log in, and the provider where they do.
struct World {
    oidc: Oidc,
    gateway: TestGateway,
    clock: Arc<std::sync::atomic::AtomicI64>,
    _secret: NamedTempFile,
}

impl World {
    async fn new() -> Self {
        Self::with("", "").await
    }

    async fn with(provider: &str, rest: &str) -> Self {
        let oidc = Oidc::start().await;
        let mut secret = NamedTempFile::new().unwrap();
        secret.write_all(SECRET.as_bytes()).unwrap();
        let login = format!(
            "[login]\npublic_url = \"{PUBLIC}\"\n[[login.oidc]]\nname = \"sso\"\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
             client_secret = \"file:{}\"\n{provider}\n{rest}\n",
            oidc.issuer,
            secret.path().display()
        );
        let place = Place::default();
        let clock = Arc::clone(&place.clock);
        let gateway = TestGateway::start_at(&format!("{}{login}", one_provider("http://127.0.0.1:9", "")), place).await;
        Self { oidc, gateway, clock, _secret: secret }
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.gateway.send(method, &format!("/admin/v1/{path}"), &self.gateway.admin_key, body).await
    }

    /// Somebody's id.
    async fn made(&self, body: Value) -> String {
        let made = self.admin("POST", "people", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn browser_of(&self, role: &str) -> (Browser, String) {
        let id = self.made(json!({ "email": EMAIL, "role": role })).await;
        let mut browser = Browser::new(&self.gateway);
        let answer = browser.log_in().await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        (browser, id)
    }

    /// The code of a login that fails.
    async fn refused(&self) -> (u16, String) {
        let mut browser = Browser::new(&self.gateway);
        let answer = browser.log_in().await;
        assert!(!browser.cookies.contains_key("shekara_session"), "{:?}", browser.cookies);
        assert_eq!(browser.get("/admin/v1/me").await.status, 401);
        (answer.status, answer.code())
    }

    /// A key that may do everything, which the suite's own is not.
    async fn owner_key(&self) -> String {
        self.gateway.tamper(&["UPDATE keys SET role = 'owner' WHERE role = 'admin'"]).await;
        // Anything that is changed makes the gateway look.
        assert_eq!(self.admin("PUT", "switches/route/none", Value::Null).await.status, 200);
        self.gateway.admin_key.clone()
    }

    async fn acts(&self, endpoint: &str) -> Vec<AuditRecord> {
        self.gateway.audit().await.into_iter().filter(|record| record.endpoint == endpoint).collect()
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
        self.oidc.set(|own| own.ahead_s += seconds);
    }
}

fn forbidden(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

#[tokio::test]
async fn somebody_whom_an_administrator_has_made_logs_in_acts_and_logs_out() {
    let world = World::new().await;
    let id = world.made(json!({ "email": " Aigul@BANK.kz", "name": "Айгүл", "role": "auditor" })).await;
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.get("/admin/v1/me").await.status, 401);
    let back = browser.leaves_for_provider("/admin/v1/login?return_to=/console/keys%3Fx%3D1").await;
    let landed = browser.get(&back).await;
    assert_eq!((landed.status, landed.header("location")), (303, "/console/keys?x=1"));
    assert_eq!(landed.header("cache-control"), "no-store");
    // Only the session is left, and no page reads it.
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["shekara_session"]);
    let session = browser.cookies["shekara_session"].clone();
    let line = browser.set.iter().find(|line| line.starts_with("shekara_session=")).unwrap().clone();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(line.split("; ").any(|own| own == part), "{part}: {line}");
    }
    let me = browser.get("/admin/v1/me").await.json();
    assert_eq!((&me["role"], &me["reach"], &me["key_id"]), (&json!("auditor"), &json!("installation"), &Value::Null));
    assert_eq!(me["person"], json!({ "id": id, "email": EMAIL, "name": "Айгүл" }));
    assert_eq!(browser.get("/admin/v1/people").await.status, 200);
    assert_eq!(browser.ask("POST", "/admin/v1/people", json!({})).await.code(), "permission_denied");
    // A session opens no models.
    assert_eq!(browser.get("/v1/models").await.status, 401);
    let shown = world.admin("GET", &format!("people/{id}"), Value::Null).await.json();
    assert_eq!(shown["identity"], json!({ "issuer": world.oidc.issuer, "subject": "subject-1" }));

    let out = browser.ask("POST", "/admin/v1/logout", Value::Null).await;
    assert_eq!((out.status, out.json()), (200, json!({ "logged_out": true })));
    assert!(browser.cookies.is_empty());
    browser.cookies.insert("shekara_session".into(), session.clone());
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");

    let login = world.acts("GET /admin/v1/login/callback").await;
    assert_eq!(login.len(), 1);
    assert_eq!((login[0].actor.as_str(), login[0].key_id.as_str(), login[0].status), (EMAIL, id.as_str(), 303));
    assert_eq!(login[0].object.as_deref(), Some(format!("person {id} at sso as auditor of everything").as_str()));
    let logout = world.acts("POST /admin/v1/logout").await;
    assert_eq!((logout[0].actor.as_str(), logout[0].status), (EMAIL, 200));
    let everything = format!("{:?}", world.gateway.audit().await);
    for secret in [session.as_str(), SECRET, "access-1", "code-1", &world.oidc.last_token()] {
        assert!(!everything.contains(secret));
    }
}

#[tokio::test]
async fn every_algorithm_way_of_a_client_and_kind_of_claims_works() {
    let world = World::new().await;
    world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
    for key in [SigningKey::rs256("r"), SigningKey::es256("e"), SigningKey::eddsa("d")] {
        world.oidc.set(|own| {
            own.publishes = vec![key.clone()];
            own.signs_with = key.clone();
        });
        assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303, "{}", key.id);
    }
    for (is_thin, takes_posts) in [(true, false), (false, true), (true, true)] {
        let world = World::new().await;
        world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
        world.oidc.set(|own| (own.is_thin, own.takes_posts) = (is_thin, takes_posts));
        assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
        assert_eq!(world.oidc.calls_of("/userinfo"), usize::from(is_thin));
    }
}

#[tokio::test]
async fn what_the_provider_says_is_believed_only_if_all_of_it_is_right() {
    let world = World::new().await;
    world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
    let spoiled: [(&str, Spoil); 9] = [
        ("login_token_nonce", |claims| claims["nonce"] = json!("another")),
        ("login_token_audience", |claims| claims["aud"] = json!("another")),
        ("login_token_audience", |claims| claims["aud"] = json!(["another", CLIENT])),
        ("login_token_audience", |claims| claims["azp"] = json!("another")),
        ("login_token_issuer", |claims| claims["iss"] = json!("https://another.kz")),
        ("login_token_expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 120)),
        ("login_token_issued_at", |claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 3_600)),
        ("login_token_issued_at", |claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 3_600)),
        ("login_token_subject", |claims| claims["sub"] = json!("")),
    ];
    for (code, spoil) in spoiled {
        world.oidc.spoil(spoil);
        assert_eq!(world.refused().await, forbidden(code));
    }
    world.oidc.set(|own| own.change = None);
    for (forgery, key, code) in [
        (Forgery::Unsigned, SigningKey::rs256("r"), "login_token_algorithm"),
        (Forgery::PublicSecret, SigningKey::rs256("r"), "login_token_algorithm"),
        (Forgery::OtherKey, SigningKey::es256("e"), "login_token_signature"),
    ] {
        world.oidc.set(|own| {
            own.publishes = vec![key.clone()];
            (own.signs_with, own.forgery) = (key, Some(forgery));
        });
        assert_eq!(world.refused().await, forbidden(code));
    }
    let failed = world.acts("GET /admin/v1/login/callback").await;
    assert_eq!(failed.len(), 12);
    let codes: Vec<_> = failed.iter().map(|record| record.error_code.clone().unwrap()).collect();
    assert_eq!((codes[0].as_str(), codes[11].as_str()), ("login_token_nonce", "login_token_signature"));
    assert!(failed.iter().all(|record| record.status == 403 && record.object.as_deref() == Some("login at sso")));
}

#[tokio::test]
async fn a_code_and_a_state_are_of_one_browser_and_of_use_once() {
    let world = World::new().await;
    world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
    let mut browser = Browser::new(&world.gateway);
    let back = browser.leaves_for_provider("/admin/v1/login").await;
    let before = browser.clone();
    // Another browser that is made to follow the same link.
    let stranger = Browser::new(&world.gateway).get(&back).await;
    assert_eq!((stranger.status, stranger.code()), (400, "login_not_begun".to_owned()));
    let mut victim = Browser::new(&world.gateway);
    victim.leaves_for_provider("/admin/v1/login").await;
    let forced = victim.get(&back).await;
    assert_eq!((forced.status, forced.code()), (400, "login_state_mismatch".to_owned()));
    assert!(victim.cookies.is_empty());
    for path in
        ["/admin/v1/login/callback", "/admin/v1/login/callback?code=x", "/admin/v1/login/callback?state=&code=x"]
    {
        assert_eq!(before.clone().get(path).await.code(), "login_state_mismatch", "{path}");
    }
    // What was sealed cannot be changed.
    let mut changed = before.clone();
    let cookie = changed.cookies.get_mut("shekara_login").unwrap();
    let first = if cookie.starts_with('A') { "B" } else { "A" };
    cookie.replace_range(..1, first);
    assert_eq!(changed.get(&back).await.code(), "login_not_begun");
    let state = back.split(['?', '&']).find(|part| part.starts_with("state=")).unwrap();
    let denied = before.clone().get(&format!("/admin/v1/login/callback?error=access_denied&{state}")).await;
    assert_eq!((denied.status, denied.code()), (403, "login_denied".to_owned()));
    let mixed = before.clone().get(&format!("{back}&iss=https%3A%2F%2Fother.kz")).await;
    assert_eq!((mixed.status, mixed.code()), (400, "login_issuer_mismatch".to_owned()));

    assert_eq!(browser.get(&back).await.status, 303);
    let replayed = before.clone().get(&back).await;
    assert_eq!((replayed.status, replayed.code()), (403, "login_code_refused".to_owned()));
    // Whoever takes too long begins anew.
    let mut slow = Browser::new(&world.gateway);
    let back = slow.leaves_for_provider("/admin/v1/login").await;
    world.pass(601);
    assert_eq!(slow.get(&back).await.code(), "login_expired");
}

#[tokio::test]
async fn an_address_is_believed_once_and_then_the_person_counts() {
    let world = World::new().await;
    assert_eq!(world.refused().await, forbidden("login_person_unknown"));
    let id = world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
    for unverified in [json!(false), json!("false"), Value::Null] {
        world.oidc.claims("email_verified", unverified);
        assert_eq!(world.refused().await, forbidden("login_email_not_verified"));
    }
    world.oidc.sends("subject-1", EMAIL);
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
    // The same person with another address, verified or not.
    world.oidc.sends("subject-1", "married@bank.kz");
    world.oidc.claims("email_verified", json!(false));
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.log_in().await.status, 303);
    assert_eq!(browser.get("/admin/v1/me").await.json()["person"]["id"], json!(id));
    // Another person who has got the address.
    world.oidc.sends("subject-2", EMAIL);
    assert_eq!(world.refused().await, forbidden("login_identity_mismatch"));
    // Until an administrator lets them.
    let known =
        world.admin("PATCH", &format!("people/{id}"), json!({ "identity": { "issuer": "x", "subject": "y" } })).await;
    assert_eq!((known.status, &known.json()["error"]["param"]), (400, &json!("identity")));
    assert_eq!(world.admin("PATCH", &format!("people/{id}"), json!({ "identity": null })).await.status, 200);
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
}

#[tokio::test]
async fn what_is_changed_of_somebody_counts_at_once() {
    let world = World::new().await;
    let (mut browser, id) = world.browser_of("admin").await;
    let path = format!("people/{id}");
    assert_eq!(browser.ask("POST", "/admin/v1/tenants", json!({ "id": "clinic" })).await.status, 201);
    assert_eq!(world.admin("PATCH", &path, json!({ "role": "auditor" })).await.status, 200);
    assert_eq!(browser.get("/admin/v1/me").await.json()["role"], "auditor");
    assert_eq!(browser.ask("POST", "/admin/v1/tenants", json!({ "id": "x" })).await.code(), "permission_denied");
    let narrowed = json!({ "role": "admin", "reach": "tenant", "tenant": "clinic" });
    assert_eq!(world.admin("PATCH", &path, narrowed).await.status, 200);
    let seen = browser.get("/admin/v1/tenants").await;
    assert_eq!(seen.json()["data"].as_array().unwrap().len(), 1, "{}", seen.body);
    assert_eq!(browser.get("/admin/v1/tenants/bank").await.status, 404);
    // What stops the tenant stops its people.
    world.admin("PATCH", "tenants/clinic", json!({ "frozen": true })).await;
    assert_eq!(browser.get("/admin/v1/me").await.code(), "tenant_frozen");
    world.admin("PATCH", "tenants/clinic", json!({ "frozen": false })).await;
    assert_eq!(browser.get("/admin/v1/me").await.status, 200);
    assert_eq!(world.admin("PATCH", &path, json!({ "frozen": true })).await.status, 200);
    assert_eq!(browser.get("/admin/v1/me").await.status, 401);
    assert_eq!(world.refused().await, forbidden("login_person_frozen"));
    assert_eq!(world.admin("PATCH", &path, json!({ "frozen": false })).await.status, 200);
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.log_in().await.status, 303);
    assert_eq!(world.admin("DELETE", &path, Value::Null).await.status, 200);
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");
    assert_eq!(world.refused().await, forbidden("login_person_unknown"));
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let world = World::with("", "").await;
    let (mut browser, _) = world.browser_of("auditor").await;
    // Used again and again, it lasts for half a day.
    for _ in 0..14 {
        world.pass(3_000);
        assert_eq!(browser.get("/admin/v1/me").await.status, 200);
    }
    world.pass(1_300);
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");
    assert_eq!(browser.log_in().await.status, 303);
    world.pass(3_600);
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");
    assert_eq!(world.gateway.gateway.forget_sessions().await.unwrap(), 2);
}

#[tokio::test]
async fn a_session_outlives_the_gateway_that_has_begun_it() {
    let world = World::new().await;
    let (begun, _) = world.browser_of("auditor").await;
    let World { oidc, gateway, .. } = world;
    let (folder, _) = gateway.stop().await;
    let login = format!(
        "[login]\npublic_url = \"{PUBLIC}\"\n[[login.oidc]]\nname = \"sso\"\nissuer = \"{}\"\nclient_id = \"x\"\n",
        oidc.issuer
    );
    let place = Place { folder: Some(folder), ..Place::default() };
    let next = TestGateway::start_at(&format!("{}{login}", one_provider("http://127.0.0.1:9", "")), place).await;
    let mut browser = Browser::new(&next);
    browser.cookies = begun.cookies;
    assert_eq!(browser.get("/admin/v1/me").await.json()["person"]["email"], EMAIL);
}

#[tokio::test]
async fn other_sites_change_nothing_with_somebodys_cookie() {
    let world = World::new().await;
    let (mut browser, id) = world.browser_of("admin").await;
    let body = json!({ "id": "clinic" });
    for headers in [
        &[][..],
        &[("origin", "https://evil.kz")],
        &[("origin", "null")],
        &[("origin", "http://gateway.test.evil.kz")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", PUBLIC)],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.kz")],
        &[("referer", "http://gateway.test/")],
    ] {
        let answer = browser.ask_from("POST", "/admin/v1/tenants", body.clone(), headers).await;
        assert_eq!((answer.status, answer.code()), (403, "csrf_refused".to_owned()), "{headers:?}");
        assert_eq!(browser.ask_from("POST", "/admin/v1/logout", Value::Null, headers).await.code(), "csrf_refused");
        assert_eq!(browser.ask_from("GET", "/admin/v1/me", Value::Null, headers).await.status, 200);
    }
    assert_eq!(world.admin("GET", "tenants/clinic", Value::Null).await.status, 404);
    let refused = world.acts("POST /admin/v1/tenants").await;
    assert_eq!((refused.len(), refused[0].error_code.as_deref()), (8, Some("csrf_refused")));
    assert_eq!(refused[0].key_id, id);
    for headers in [&[("origin", PUBLIC)][..], &[("sec-fetch-site", "same-origin")]] {
        let answer = browser.ask_from("PATCH", "/admin/v1/tenants/bank", json!({ "name": "B" }), headers).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // A key needs none of it, and a key that is wrong is not made good by a cookie.
    assert_eq!(world.admin("POST", "tenants", body).await.status, 201);
    let wrong = [("authorization", "Bearer sk-sh-none"), ("origin", PUBLIC)];
    assert_eq!(browser.ask_from("GET", "/admin/v1/me", Value::Null, &wrong).await.status, 401);
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let world = World::new().await;
    let mut browser = Browser::new(&world.gateway);
    for path in [
        "https://evil.kz",
        "//evil.kz",
        "/%5Cevil.kz",
        "%5C%5Cevil.kz",
        "/%09/evil.kz",
        "javascript:1",
        "x",
        "/..//evil.kz",
    ] {
        let answer = browser.get(&format!("/admin/v1/login?return_to={path}")).await;
        assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("return_to")), "{path}");
    }
    assert_eq!(browser.get("/admin/v1/login?provider=other").await.json()["error"]["param"], "provider");
    assert_eq!(browser.get("/admin/v1/login?next=/x").await.status, 400);
    assert_eq!(world.oidc.calls_of("/authorize"), 0);
    let without = TestGateway::start(&one_provider("http://127.0.0.1:9", "")).await;
    let mut browser = Browser::new(&without);
    for path in ["/admin/v1/login", "/admin/v1/login/callback?code=x&state=y"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.code()), (404, "login_not_configured".to_owned()));
    }
}

#[tokio::test]
async fn over_tls_cookies_are_for_tls_alone() {
    let oidc = Oidc::start().await;
    let login = format!(
        "[login]\npublic_url = \"https://gateway.kz\"\n[[login.oidc]]\nname = \"a\"\nissuer = \"{0}\"\nclient_id = \"x\"\ndomains = [\"a.kz\"]\n\
         [[login.oidc]]\nname = \"b\"\nissuer = \"{0}\"\nclient_id = \"x\"\ndomains = [\"b.kz\"]\n",
        oidc.issuer
    );
    let gateway = TestGateway::start(&format!("{}{login}", one_provider("http://127.0.0.1:9", ""))).await;
    let mut browser = Browser::new(&gateway);
    let which = browser.get("/admin/v1/login").await;
    assert_eq!((which.status, &which.json()["error"]["param"]), (400, &json!("provider")));
    let begun = browser.get("/admin/v1/login?provider=b").await;
    assert!(begun.header("location").contains("redirect_uri=https%3A%2F%2Fgateway.kz%2Fadmin%2Fv1%2Flogin%2Fcallback"));
    let line = begun.header("set-cookie");
    assert!(line.starts_with("__Host-shekara_login=") && line.contains("; Path=/;"), "{line}");
    for part in ["; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=600"] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test]
async fn a_new_key_of_the_provider_counts_and_strangers_do_not_make_it_be_asked_for_ever() {
    let world = World::new().await;
    world.made(json!({ "email": EMAIL, "role": "auditor" })).await;
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
    assert_eq!((world.oidc.calls_of("/keys"), world.oidc.calls_of("/openid-configuration")), (1, 1));
    let key = SigningKey::es256("key-2");
    world.oidc.set(|own| {
        own.publishes = vec![key.clone()];
        own.signs_with = key;
    });
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
    assert_eq!(world.oidc.calls_of("/keys"), 2);
    world.oidc.set(|own| own.signs_with = SigningKey::es256("key-3"));
    for _ in 0..10 {
        assert_eq!(world.refused().await, forbidden("login_token_key"));
    }
    assert_eq!(world.oidc.calls_of("/keys"), 6);
    world.pass(60);
    assert_eq!(world.refused().await, forbidden("login_token_key"));
    assert_eq!(world.oidc.calls_of("/keys"), 7);
}

#[tokio::test]
async fn while_the_provider_is_away_sessions_and_keys_go_on() {
    let world = World::new().await;
    let (mut browser, _) = world.browser_of("auditor").await;
    let mut on_the_way = Browser::new(&world.gateway);
    let back = on_the_way.leaves_for_provider("/admin/v1/login").await;
    world.oidc.set(|own| own.outage = Some(503));
    let answer = on_the_way.get(&back).await;
    assert_eq!((answer.status, answer.code()), (503, "login_provider_unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "5");
    // What it has said of itself is known for an hour.
    world.pass(3_500);
    assert_eq!(browser.get("/admin/v1/me").await.status, 200);
    world.pass(200);
    let answer = Browser::new(&world.gateway).get("/admin/v1/login").await;
    assert_eq!((answer.status, answer.code()), (503, "login_provider_unavailable".to_owned()));
    assert_eq!(browser.get("/admin/v1/me").await.status, 200);
    assert_eq!(world.admin("GET", "me", Value::Null).await.status, 200);
    world.oidc.set(|own| own.outage = None);
    assert_eq!(Browser::new(&world.gateway).log_in().await.status, 303);
}

#[tokio::test]
async fn a_provider_that_is_not_what_it_says_is_not_used() {
    for metadata in [
        json!({ "issuer": "https://other.kz" }),
        json!({ "token_endpoint": "http://sso.example.kz/token" }),
        json!({ "code_challenge_methods_supported": ["plain"] }),
        json!({ "jwks_uri": null }),
    ] {
        let world = World::new().await;
        world.oidc.set(|own| own.metadata = metadata.clone());
        let answer = Browser::new(&world.gateway).get("/admin/v1/login").await;
        assert_eq!((answer.status, answer.code()), (502, "login_provider_unusable".to_owned()), "{metadata}");
    }
    let world = World::new().await;
    world.oidc.set(|own| own.metadata = json!({ "authorization_response_iss_parameter_supported": true }));
    assert_eq!(world.refused().await, (400, "login_issuer_mismatch".to_owned()));
}

#[tokio::test]
async fn claims_give_roles_as_the_operator_says() {
    let grants = "domains = [\"bank.kz\"]\n\
         [[login.grants]]\nclaim = \"groups\"\nvalue = \"owners\"\nrole = \"admin\"\n\
         [[login.grants]]\nprovider = \"sso\"\nclaim = \"realm_access.roles\"\nvalue = \"auditors\"\nrole = \"auditor\"\ntenant = \"bank\"";
    let world = World::with(grants, "").await;
    assert_eq!(world.refused().await, forbidden("login_person_unknown"));
    world.oidc.claims("groups", json!(["staff"]));
    world.oidc.claims("realm_access", json!({ "roles": ["x", "auditors"] }));
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.log_in().await.status, 303);
    let me = browser.get("/admin/v1/me").await.json();
    assert_eq!((&me["role"], &me["reach"], &me["tenant"]), (&json!("auditor"), &json!("tenant"), &json!("bank")));
    let id = me["person"]["id"].as_str().unwrap();
    assert_eq!(world.admin("GET", &format!("people/{id}"), Value::Null).await.json()["from_claims"], json!(true));
    // Today's claims count, and the first grant that fits.
    world.oidc.claims("groups", json!("owners"));
    assert_eq!(browser.log_in().await.status, 303);
    assert_eq!(browser.get("/admin/v1/me").await.json()["role"], "admin");
    let make = |role: &str| json!({ "name": "script", "role": role, "tenant": "bank", "project": "support" });
    // Who appoints auditors is none.
    assert_eq!(browser.ask("POST", "/admin/v1/keys", make("auditor")).await.code(), "permission_denied");
    let made = browser.ask("POST", "/admin/v1/keys", make("admin")).await.json();
    let key = made["key"].as_str().unwrap();
    // What is imported is theirs like what is made.
    let imported = "format = 1\n[[keys]]\nid = \"6666666666\"\nname = \"new\"\ntenant = \"bank\"\nproject = \"support\"\nrole = \"admin\"\n";
    let imported = browser.ask("PUT", "/admin/v1/state", json!(imported)).await;
    assert_eq!(imported.status, 200, "{}", imported.body);
    let other_key = imported.json()["new_keys"][0]["key"].as_str().unwrap().to_owned();
    let opens = async |key: &str| world.gateway.send("GET", "/admin/v1/me", key, "").await.status;
    assert_eq!([opens(key).await, opens(&other_key).await], [200, 200]);
    world.oidc.claims("groups", json!([]));
    world.oidc.claims("realm_access", json!({ "roles": [] }));
    let mut other = Browser::new(&world.gateway);
    assert_eq!(other.log_in().await.code(), "login_not_granted");
    assert_eq!(browser.get("/admin/v1/me").await.code(), "session_ended");
    assert_eq!([opens(key).await, opens(&other_key).await], [401, 401]);
    // What an administrator has said does not depend on claims any more.
    assert_eq!(world.admin("PATCH", &format!("people/{id}"), json!({ "role": "finance" })).await.status, 200);
    assert_eq!(browser.log_in().await.status, 303);
    assert_eq!(browser.get("/admin/v1/me").await.json()["role"], "finance");
    world.oidc.sends("subject-9", "a@bank.kz.evil.kz");
    world.oidc.claims("groups", json!(["owners"]));
    assert_eq!(world.refused().await, forbidden("login_domain_not_allowed"));
    world.oidc.claims("email_verified", json!(false));
    assert_eq!(world.refused().await, forbidden("login_email_not_verified"));
}

#[tokio::test]
async fn people_are_written_listed_and_locked_like_everything_else() {
    let world = World::new().await;
    world.admin("POST", "tenants", json!({ "id": "clinic" })).await;
    let made = world.admin("POST", "people", json!({ "email": EMAIL, "role": "auditor", "tenant": "clinic" })).await;
    assert_eq!((made.status, made.header("etag")), (201, "\"1\""));
    let person = made.json();
    let path = format!("people/{}", person["id"].as_str().unwrap());
    assert_eq!(
        (&person["reach"], &person["identity"], &person["frozen"]),
        (&json!("tenant"), &Value::Null, &json!(false))
    );
    for (body, status, what) in [
        (json!({ "email": "AIGUL@bank.kz", "role": "auditor" }), 409, "person_exists"),
        (json!({ "email": "b@bank.kz", "role": "auditor", "tenant": "nowhere" }), 404, "tenant_not_found"),
        (
            json!({ "email": "b@bank.kz", "role": "auditor", "tenant": "bank", "project": "no" }),
            404,
            "project_not_found",
        ),
        (json!({ "email": "b", "role": "auditor" }), 400, "email"),
        (json!({ "email": "b@bank.kz", "role": "application" }), 400, "role"),
        (json!({ "email": "b@bank.kz", "role": "auditor", "reach": "tenant" }), 400, "reach"),
        (json!({ "email": "b@bank.kz", "role": "auditor", "project": "x" }), 400, "reach"),
        (json!({ "email": "b@bank.kz", "role": "auditor", "name": "" }), 400, "name"),
        (
            json!({ "email": "b@bank.kz", "role": "auditor", "identity": { "issuer": "x", "subject": "y" } }),
            400,
            "identity",
        ),
        (json!({ "email": "b@bank.kz", "role": "owner" }), 403, "permission_denied"),
    ] {
        let answer = world.admin("POST", "people", body.clone()).await;
        let said = if status == 400 { answer.json()["error"]["param"].clone() } else { json!(answer.code()) };
        assert_eq!((answer.status, said), (status, json!(what)), "{body}");
    }
    let change = async |version: &str, body: Value| {
        let request = world.gateway.client.patch(format!("{}/admin/v1/{path}", world.gateway.url));
        let request = request.bearer_auth(&world.gateway.admin_key).header("if-match", version);
        crate::gateway::finish(request.body(body.to_string())).await
    };
    assert_eq!(change("\"7\"", json!({ "name": "A" })).await.code(), "version_conflict");
    let changed = change("\"1\"", json!({ "name": "A", "email": "New@bank.kz" })).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.json()["email"], "new@bank.kz");
    for n in 0..4 {
        world.made(json!({ "email": format!("p{n}@bank.kz"), "role": "finance" })).await;
    }
    assert_eq!(world.admin("PATCH", &path, json!({ "email": "p1@bank.kz" })).await.code(), "person_exists");
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = world.admin("GET", &format!("people?limit=2{after}"), Value::Null).await.json();
        seen.extend(page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        if page["has_more"] == json!(false) {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
    assert!(seen.len() == 5 && seen.is_sorted(), "{seen:?}");
    let count = async |query: &str| {
        let page = world.admin("GET", &format!("people?{query}"), Value::Null).await;
        page.json()["data"].as_array().unwrap_or_else(|| panic!("{}", page.body)).len()
    };
    for (query, number) in [("email=P1@bank.kz", 1), ("role=finance", 4), ("tenant=clinic", 1), ("tenant=bank", 0)] {
        assert_eq!(count(query).await, number, "{query}");
    }
    let acts = world.acts("PATCH /admin/v1/people/{id}").await;
    assert_eq!(acts[0].object.as_deref(), Some(path.replace("people/", "person ").as_str()));
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_sees_no_further_than_they_reach() {
    let world = World::new().await;
    world.admin("POST", "tenants", json!({ "id": "clinic" })).await;
    let everywhere = world.made(json!({ "email": "chief@bank.kz", "role": "auditor" })).await;
    let theirs = world.made(json!({ "email": "dev@bank.kz", "role": "developer", "tenant": "clinic" })).await;
    world.made(json!({ "email": EMAIL, "role": "admin", "tenant": "clinic" })).await;
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.log_in().await.status, 303);
    let list = browser.get("/admin/v1/people").await;
    assert!(list.body.contains("dev@bank.kz") && !list.body.contains("chief@bank.kz"), "{}", list.body);
    for (method, path, body, status) in [
        ("GET", format!("people/{everywhere}"), Value::Null, 404),
        ("PATCH", format!("people/{everywhere}"), json!({ "frozen": true }), 404),
        ("DELETE", format!("people/{everywhere}"), Value::Null, 404),
        ("PATCH", format!("people/{theirs}"), json!({ "reach": "installation", "tenant": null }), 403),
        ("PATCH", format!("people/{theirs}"), json!({ "role": "owner" }), 403),
        ("POST", "people".to_owned(), json!({ "email": "x@bank.kz", "role": "auditor" }), 403),
        ("POST", "people".to_owned(), json!({ "email": "x@bank.kz", "role": "auditor", "tenant": "bank" }), 403),
        ("POST", "people".to_owned(), json!({ "email": "x@bank.kz", "role": "auditor", "tenant": "clinic" }), 403),
        ("PATCH", format!("people/{theirs}"), json!({ "email": "y@bank.kz" }), 403),
        ("PATCH", format!("people/{theirs}"), json!({ "role": "auditor" }), 200),
        ("DELETE", format!("people/{theirs}"), Value::Null, 200),
    ] {
        let answer = browser.ask(method, &format!("/admin/v1/{path}"), body).await;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.body);
    }
}

#[tokio::test]
async fn somebodys_own_keys_open_as_much_as_they_may_and_end_with_them() {
    let world = World::new().await;
    let (mut browser, id) = world.browser_of("finance").await;
    let make = json!({ "name": "my script", "role": "finance", "tenant": "bank", "project": "support" });
    let made = browser.ask("POST", "/admin/v1/keys", make.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let record = made.json()["record"].clone();
    assert_eq!((&record["person"], &record["owner"]), (&json!(id), &json!(EMAIL)));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let me = world.gateway.send("GET", "/admin/v1/me", &key, "").await.json();
    assert_eq!((&me["role"], &me["person"]["email"], &me["key_id"]), (&json!("finance"), &json!(EMAIL), &record["id"]));
    // No more than they have, and nobody else's.
    let with = |name: &str, value: Value| {
        let mut body = make.clone();
        body[name] = value;
        body
    };
    for body in [with("role", json!("auditor")), with("role", json!("owner")), with("role", json!("application"))] {
        assert_eq!(browser.ask("POST", "/admin/v1/keys", body).await.code(), "permission_denied");
    }
    assert_eq!(browser.ask("POST", "/admin/v1/keys", with("person", json!("other"))).await.status, 400);
    let others = world.admin("POST", "keys", make.clone()).await;
    assert_eq!(others.json()["record"]["person"], Value::Null);
    let others = others.json()["record"]["id"].as_str().unwrap().to_owned();
    assert_eq!(browser.get(&format!("/admin/v1/keys/{others}")).await.status, 404);
    assert_eq!(browser.ask("DELETE", &format!("/admin/v1/keys/{others}"), Value::Null).await.status, 404);
    let mine = browser.get("/admin/v1/keys?person=me").await.json();
    assert_eq!((mine["data"].as_array().unwrap().len(), &mine["data"][0]["id"]), (1, &record["id"]));
    assert_eq!(world.admin("GET", "keys?person=me", Value::Null).await.json()["data"], json!([]));
    let path = format!("/admin/v1/keys/{}", record["id"].as_str().unwrap());
    let rotated = browser.ask("POST", &format!("{path}/rotate"), json!({ "overlap_s": 0 })).await;
    assert_eq!(rotated.json()["record"]["person"], json!(id), "{}", rotated.body);
    let key = rotated.json()["key"].as_str().unwrap().to_owned();
    let opens = async || world.gateway.send("GET", "/admin/v1/me", &key, "").await;
    assert_eq!(opens().await.status, 200);
    let person = format!("people/{id}");
    for (change, code) in
        [(json!({ "role": "operator" }), "key_exceeds_person"), (json!({ "frozen": true }), "person_frozen")]
    {
        world.admin("PATCH", &person, change).await;
        let answer = opens().await;
        assert_eq!((answer.status, answer.code()), (403, code.to_owned()));
        world.admin("PATCH", &person, json!({ "role": "finance", "frozen": false })).await;
        assert_eq!(opens().await.status, 200);
    }
    world.admin("DELETE", &person, Value::Null).await;
    assert_eq!(opens().await.status, 401);
    assert_eq!(
        world
            .admin("GET", &format!("keys/{}", rotated.json()["record"]["id"].as_str().unwrap()), Value::Null)
            .await
            .json()["revoked"],
        true
    );
}

#[tokio::test]
async fn the_last_owner_stays_whether_key_or_person() {
    let world = World::new().await;
    let owner = world.owner_key().await;
    let by_owner = async |method: &str, path: &str, body: Value| {
        world.gateway.send(method, &format!("/admin/v1/{path}"), &owner, body.to_string()).await
    };
    let own = by_owner("GET", "me", Value::Null).await.json()["key_id"].as_str().unwrap().to_owned();
    assert_eq!(by_owner("DELETE", &format!("keys/{own}"), Value::Null).await.code(), "last_owner");
    let made = by_owner("POST", "people", json!({ "email": EMAIL, "role": "owner" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    // Nobody knows yet whether they can log in.
    assert_eq!(by_owner("DELETE", &format!("keys/{own}"), Value::Null).await.code(), "last_owner");
    let mut browser = Browser::new(&world.gateway);
    assert_eq!(browser.log_in().await.status, 303);
    let token = json!({ "name": "mine", "role": "owner", "tenant": "bank", "project": "support" });
    assert_eq!(browser.ask("POST", "/admin/v1/keys", token).await.status, 201);
    assert_eq!(browser.ask("DELETE", &format!("/admin/v1/keys/{own}"), Value::Null).await.status, 200);
    let path = format!("/admin/v1/people/{id}");
    for change in [json!({ "frozen": true }), json!({ "role": "admin" }), json!({ "identity": null })] {
        assert_eq!(browser.ask("PATCH", &path, change).await.code(), "last_owner");
    }
    assert_eq!(browser.ask("DELETE", &path, Value::Null).await.code(), "last_owner");
    assert_eq!(browser.ask("PATCH", &path, json!({ "name": "Chief" })).await.status, 200);
}
