//! A stub of an OpenID Connect provider: discovery, authorisation, tokens by code with the client's secret and PKCE, keys,
//! userinfo. Whoever comes to it is logged in as told. Tokens are really signed; tests say what is wrong with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

pub const CLIENT: &str = "shekara client";
pub const SECRET: &str = "s3cret:+%";

/// Of RFC 7515, A.2: no library here makes RSA keys.
const RSA: [&str; 8] = [
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    "AQAB",
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
];

/// What tokens are signed with, and under which name.
#[derive(Clone)]
pub struct SigningKey {
    pub id: String,
    kind: Arc<Kind>,
}

enum Kind {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl SigningKey {
    pub fn rs256(id: &str) -> Self {
        let [n, e, d, p, q, dp, dq, qi] = RSA.map(|number| BASE64_URL_SAFE_NO_PAD.decode(number).unwrap());
        let public_key = ring::rsa::PublicKeyComponents { n, e };
        let components = ring::rsa::KeyPairComponents { public_key, d, p, q, dP: dp, dQ: dq, qInv: qi };
        Self { id: id.into(), kind: Arc::new(Kind::Rs256(RsaKeyPair::from_components(&components).unwrap())) }
    }

    pub fn es256(id: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap();
        Self { id: id.into(), kind: Arc::new(Kind::Es256(pair)) }
    }

    pub fn eddsa(id: &str) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
        Self { id: id.into(), kind: Arc::new(Kind::EdDsa(pair)) }
    }

    fn algorithm(&self) -> &'static str {
        match *self.kind {
            Kind::Rs256(_) => "RS256",
            Kind::Es256(_) => "ES256",
            Kind::EdDsa(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match &*self.kind {
            Kind::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).unwrap();
                signature
            }
            Kind::Es256(pair) => pair.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec(),
            Kind::EdDsa(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }

    fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &*self.kind {
            Kind::Rs256(_) => json!({ "kty": "RSA", "n": RSA[0], "e": RSA[1] }),
            Kind::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Kind::EdDsa(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
        };
        key["kid"] = json!(self.id);
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key
    }
}

/// How a token is made that must not be believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// `alg: none`, without a signature.
    Unsigned,
    /// `alg: HS256`, with the public key as a secret.
    PublicSecret,
    /// Another key has signed under the same name.
    OtherKey,
}

type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

pub struct Settings {
    /// Who comes.
    pub claims: Value,
    pub signs_with: SigningKey,
    pub publishes: Vec<SigningKey>,
    pub forgery: Option<Forgery>,
    /// What is done to the ID token's claims before it is signed.
    pub change: Option<Change>,
    /// The ID token has no claims but the ones that it must have.
    pub is_thin: bool,
    /// The client's secret comes in the body.
    pub takes_posts: bool,
    /// Answers everything with this status.
    pub outage: Option<u16>,
    /// Seconds beside the system's clock.
    pub ahead_s: i64,
    /// Paths of all requests.
    pub calls: Vec<String>,
    /// What is published of itself, in place of what it would.
    pub metadata: Value,
    codes: HashMap<String, HashMap<String, String>>,
    last_token: String,
    num_codes: u32,
}

pub struct Oidc {
    pub issuer: String,
    state: Arc<Mutex<Settings>>,
}

#[derive(Clone)]
struct Shared {
    issuer: String,
    state: Arc<Mutex<Settings>>,
}

impl Oidc {
    pub async fn start() -> Self {
        let key = SigningKey::es256("key-1");
        let settings = Settings {
            claims: json!({ "sub": "subject-1", "email": "Aigul@Bank.kz", "email_verified": true, "name": "Айгүл" }),
            publishes: vec![key.clone()],
            signs_with: key,
            forgery: None,
            change: None,
            is_thin: false,
            takes_posts: false,
            outage: None,
            ahead_s: 0,
            calls: Vec::new(),
            metadata: json!({}),
            codes: HashMap::new(),
            last_token: String::new(),
            num_codes: 0,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realms/bank", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(settings));
        let shared = Shared { issuer: issuer.clone(), state: Arc::clone(&state) };
        let router = Router::new().fallback(answer).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { issuer, state }
    }

    pub fn set<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Who comes from now on.
    pub fn sends(&self, subject: &str, email: &str) {
        self.set(|own| own.claims = json!({ "sub": subject, "email": email, "email_verified": true, "name": "x" }));
    }

    pub fn claims(&self, name: &str, value: Value) {
        self.set(|own| own.claims[name] = value);
    }

    /// Makes every ID token wrong from now on.
    pub fn spoil(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.set(|own| own.change = Some(Arc::new(change)));
    }

    pub fn calls_of(&self, path: &str) -> usize {
        self.set(|own| own.calls.iter().filter(|call| call.ends_with(path)).count())
    }

    /// The ID token that was given last.
    pub fn last_token(&self) -> String {
        self.set(|own| own.last_token.clone())
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut own = shared.state.lock().unwrap();
    let path = head.uri.path().to_owned();
    own.calls.push(path.clone());
    if let Some(status) = own.outage {
        return respond(status, &json!({ "error": "server_error" }));
    }
    let query: HashMap<String, String> =
        form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    match path.strip_prefix("/realms/bank").unwrap_or_default() {
        "/.well-known/openid-configuration" => respond(200, &metadata(&shared.issuer, &own)),
        "/authorize" => authorize(&mut own, query),
        "/token" => token(&shared.issuer, &mut own, &head.headers, &body),
        "/keys" => {
            let keys: Vec<Value> = own.publishes.iter().map(SigningKey::jwk).collect();
            respond(200, &json!({ "keys": keys }))
        }
        "/userinfo" if head.headers.get("authorization").is_some_and(|value| value == "Bearer access-1") => {
            respond(200, &own.claims)
        }
        _ => respond(404, &json!({ "error": "not_found" })),
    }
}

fn metadata(issuer: &str, own: &Settings) -> Value {
    let method = if own.takes_posts { "client_secret_post" } else { "client_secret_basic" };
    let mut metadata = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize?tenant=bank"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": [method],
        "code_challenge_methods_supported": ["plain", "S256"],
    });
    for (name, value) in own.metadata.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    metadata
}

/// Nobody is asked for a password: whoever comes is who the test says.
fn authorize(own: &mut Settings, query: HashMap<String, String>) -> Response {
    assert_eq!((query["response_type"].as_str(), query["client_id"].as_str()), ("code", CLIENT));
    assert_eq!((query["code_challenge_method"].as_str(), query["tenant"].as_str()), ("S256", "bank"));
    assert!(query["scope"].split(' ').any(|scope| scope == "openid"));
    own.num_codes += 1;
    let code = format!("code-{}", own.num_codes);
    let mut back = url::Url::parse(&query["redirect_uri"]).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", &query["state"])
        .append_pair("session_state", "as Keycloak adds it");
    own.codes.insert(code, query);
    Response::builder().status(302).header("location", back.as_str()).body(Body::empty()).unwrap()
}

fn token(issuer: &str, own: &mut Settings, headers: &HeaderMap, body: &[u8]) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    if client_of(own, headers, &form) != Some((CLIENT.to_owned(), SECRET.to_owned())) {
        return respond(401, &json!({ "error": "invalid_client" }));
    }
    // A code is of use once.
    let Some(asked) = own.codes.remove(form.get("code").map_or("", String::as_str)) else {
        return respond(400, &json!({ "error": "invalid_grant" }));
    };
    let digest = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
    let is_same = form["redirect_uri"] == asked["redirect_uri"] && form["grant_type"] == "authorization_code";
    if !is_same || BASE64_URL_SAFE_NO_PAD.encode(digest) != asked["code_challenge"] {
        return respond(400, &json!({ "error": "invalid_grant" }));
    }
    let now_s = Timestamp::now().as_second() + own.ahead_s;
    let mut claims = if own.is_thin { json!({ "sub": own.claims["sub"] }) } else { own.claims.clone() };
    for (name, value) in [
        ("iss", json!(issuer)),
        ("aud", json!(CLIENT)),
        ("iat", json!(now_s)),
        ("exp", json!(now_s + 300)),
        ("nonce", json!(asked["nonce"])),
    ] {
        claims[name] = value;
    }
    if let Some(change) = &own.change {
        change(&mut claims);
    }
    own.last_token = signed(own, &claims);
    respond(200, &json!({ "access_token": "access-1", "token_type": "Bearer", "id_token": own.last_token }))
}

/// Of whom the client says that it is, with which secret.
fn client_of(own: &Settings, headers: &HeaderMap, form: &HashMap<String, String>) -> Option<(String, String)> {
    if own.takes_posts {
        return Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
    }
    let text = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    // Each is encoded as in a form.
    let decoded = |text: &str| form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned();
    Some((decoded(id), decoded(secret)))
}

fn signed(own: &Settings, claims: &Value) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (key, forgery) = (&own.signs_with, own.forgery);
    let algorithm = match forgery {
        Some(Forgery::Unsigned) => "none",
        Some(Forgery::PublicSecret) => "HS256",
        Some(Forgery::OtherKey) | None => key.algorithm(),
    };
    let header = json!({ "alg": algorithm, "kid": key.id, "typ": "JWT" });
    let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let signature = match forgery {
        None => key.sign(text.as_bytes()),
        Some(Forgery::Unsigned) => Vec::new(),
        Some(Forgery::OtherKey) => SigningKey::es256("other").sign(text.as_bytes()),
        Some(Forgery::PublicSecret) => {
            let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.jwk().to_string().as_bytes());
            ring::hmac::sign(&secret, text.as_bytes()).as_ref().to_vec()
        }
    };
    format!("{text}.{}", encode(&signature))
}

fn respond(status: u16, body: &Value) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}
