//! A stub Vault: the key-value store's second version, AppRole logins, and tokens that end and are renewed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub struct Vault {
    pub address: String,
    state: Arc<Mutex<Stored>>,
}

#[derive(Default)]
pub struct Stored {
    /// Secrets by path.
    pub secrets: HashMap<String, Value>,
    /// Tokens that hold.
    pub tokens: Vec<String>,
    /// Of new tokens, in seconds.
    pub lease_s: u64,
    /// Answers everything with this status.
    pub outage: Option<u16>,
    /// Method and path of every request.
    pub calls: Vec<String>,
    logins: u32,
}

impl Vault {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Stored { lease_s: 3_600, ..Stored::default() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, state }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Stored) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub fn put(&self, path: &str, field: &str, value: &str) {
        self.change(|stored| stored.secrets.insert(path.to_owned(), json!({ field: value })));
    }

    pub fn take_calls(&self) -> Vec<String> {
        self.change(|stored| std::mem::take(&mut stored.calls))
    }
}

async fn answer(State(state): State<Arc<Mutex<Stored>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut stored = state.lock().unwrap();
    let path = head.uri.path().trim_start_matches("/v1/").to_owned();
    stored.calls.push(format!("{} {path}", head.method));
    assert_eq!(head.headers["x-vault-request"], "true");
    if let Some(status) = stored.outage {
        return respond(status, &json!({ "errors": ["internal error"] }));
    }
    if path == "auth/approle/login" {
        let asked: Value = serde_json::from_slice(&body).unwrap();
        if (&asked["role_id"], &asked["secret_id"]) != (&json!("role-1"), &json!("secret-1")) {
            return respond(400, &json!({ "errors": ["invalid role or secret ID"] }));
        }
        stored.logins += 1;
        let token = format!("hvs.login-{}", stored.logins);
        stored.tokens.push(token.clone());
        return respond(200, &auth(&token, stored.lease_s));
    }
    let token = head.headers.get("x-vault-token").map_or("", |token| token.to_str().unwrap()).to_owned();
    if !stored.tokens.contains(&token) {
        return respond(403, &json!({ "errors": ["permission denied"] }));
    }
    match path.as_str() {
        "auth/token/renew-self" => respond(200, &auth(&token, stored.lease_s)),
        "auth/token/lookup-self" => respond(
            200,
            &json!({ "data": { "id": token, "ttl": stored.lease_s, "renewable": true, "type": "service" } }),
        ),
        path => match path.strip_prefix("secret/data/").and_then(|path| stored.secrets.get(path)) {
            Some(fields) => {
                let metadata = json!({ "version": 1, "destroyed": false, "deletion_time": "" });
                let data = json!({ "data": fields, "metadata": metadata });
                respond(200, &json!({ "request_id": "1", "lease_duration": 0, "renewable": false, "data": data }))
            }
            None => respond(404, &json!({ "errors": [] })),
        },
    }
}

fn auth(token: &str, lease_s: u64) -> Value {
    json!({ "auth": { "client_token": token, "accessor": "a", "policies": ["default"], "lease_duration": lease_s,
        "renewable": true, "token_type": "service" } })
}

fn respond(status: u16, body: &Value) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}
