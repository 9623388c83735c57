//! A browser with a jar of cookies that goes from the gateway to a provider and back, and follows no redirect by itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::gateway::{Answer, TestGateway, finish};

/// What browsers call the gateway. Nothing resolves it: what leads there is sent to where it listens.
pub const PUBLIC: &str = "http://gateway.test";

#[derive(Clone)]
pub struct Browser {
    client: reqwest::Client,
    url: String,
    pub cookies: BTreeMap<String, String>,
    /// Every line that set a cookie.
    pub set: Vec<String>,
}

impl Browser {
    pub fn new(gateway: &TestGateway) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { client, url: gateway.url.clone(), cookies: BTreeMap::new(), set: Vec::new() }
    }

    /// A page of the gateway's own asks; a text goes as it is.
    pub async fn ask(&mut self, method: &str, path: &str, body: Value) -> Answer {
        self.ask_from(method, path, body, &[("origin", PUBLIC), ("sec-fetch-site", "same-origin")]).await
    }

    pub async fn ask_from(&mut self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        if !body.is_null() {
            let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            request = request.header("content-type", "application/json").body(text);
        }
        let answer = finish(request).await;
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap().to_owned();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            self.set.push(line);
        }
        answer
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, Value::Null).await
    }

    /// To the provider, and with its answer before the gateway: the path that it leads back to.
    pub async fn leaves_for_provider(&mut self, path: &str) -> String {
        let begun = self.get(path).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let answered = finish(self.client.get(begun.header("location"))).await;
        assert_eq!(answered.status, 302, "{}", answered.body);
        answered.header("location").strip_prefix(PUBLIC).expect("the provider leads back").to_owned()
    }

    /// The whole way; the last answer is the gateway's to what the provider has said.
    pub async fn log_in(&mut self) -> Answer {
        let back = self.leaves_for_provider("/admin/v1/login").await;
        self.get(&back).await
    }
}
