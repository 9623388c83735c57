//! The one alert channel from outside: which events are told, once and without a word of anybody's, and that nobody waits
//! for it.

mod privacy;
pub mod receivers;
mod told;
mod ways;

use std::path::Path;

use shekara_gateway::alerts::{About, Event};
use tempfile::NamedTempFile;

use crate::gateway::TestGateway;
use receivers::Webhook;

/// What alerts are signed with in these tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A file that holds the secret, to be kept while it is used.
pub fn secret() -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    file
}

fn to_webhook(url: &str, secret: &Path) -> String {
    format!("[alerts]\nwebhook = {{ url = \"{url}\", secret = \"file:{}\" }}\n", secret.display())
}

/// All events that the webhook got up to now: what waits is sent in order, so a last one tells that the others are there.
async fn events_so_far(gateway: &TestGateway, webhook: &Webhook) -> Vec<String> {
    gateway.gateway.alerts.raise(Event::Test, About::default());
    let last = |body: &serde_json::Value| body["event"] == "test";
    webhook.until(|posted| posted.iter().any(|one| last(&one.body))).await;
    let bodies = webhook.posted().into_iter().map(|one| one.body).filter(|body| !last(body));
    bodies.map(|body| body["event"].as_str().unwrap().to_owned()).collect()
}
