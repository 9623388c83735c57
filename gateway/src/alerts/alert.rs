//! One alert: what happened, to whom, and for how many times it stands.

use jiff::Timestamp;
use serde::Serialize;

use super::{Event, Severity};

/// Of any name; what is longer is cut, so that a datagram carries all of them.
const MAX_NAME_CHARS: usize = 96;

/// What an event is about, in names that the operator chose: never a caller's own text.
///
/// Provider, model and route tell one thing from another; request and tenant only say where it was seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    pub provider: Option<&'a str>,
    pub model: Option<&'a str>,
    pub route: Option<&'a str>,
    pub request_id: Option<&'a str>,
    pub tenant: Option<&'a str>,
    /// What else tells one thing from another, e.g. `budget of project bank/support, month`.
    pub subject: Option<&'a str>,
}

/// As it is sent; its JSON is the webhook's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The same at every try, so that a receiver can tell one that comes twice.
    pub id: String,
    #[serde(serialize_with = "as_text")]
    pub time: Timestamp,
    pub event: Event,
    pub severity: Severity,
    pub summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How often it happened since it was told last, this time included.
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Alert {
    pub fn new(id: String, time: Timestamp, event: Event, about: About<'_>, host: Option<&str>) -> Self {
        let named = |name: Option<&str>| name.map(plain).filter(|name| !name.is_empty());
        let (provider, model, route) = (named(about.provider), named(about.model), named(about.route));
        Self {
            id,
            time,
            event,
            severity: event.severity(),
            summary: summary(event, [&provider, &model, &route]),
            provider,
            model,
            route,
            request_id: named(about.request_id),
            tenant: named(about.tenant),
            subject: named(about.subject),
            count: 1,
            host: named(host),
        }
    }

    /// RFC 3339 in UTC, to the millisecond.
    pub(super) fn time_text(&self) -> String {
        format!("{:.3}", self.time)
    }
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

fn summary(event: Event, [provider, model, route]: [&Option<String>; 3]) -> String {
    let target = match (provider, model) {
        (Some(provider), Some(model)) => format!("{provider}/{model}"),
        (Some(provider), None) => provider.clone(),
        (None, _) => String::new(),
    };
    let route = route.as_ref().map(|route| format!("route {route}"));
    let whom: Vec<String> = [Some(target), route].into_iter().flatten().filter(|name| !name.is_empty()).collect();
    let sentence = event.sentence();
    if whom.is_empty() { format!("{sentence}.") } else { format!("{sentence}: {}.", whom.join(", ")) }
}

/// A name on one line.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let time = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let about = About { provider: Some("cloud"), model: Some("big\n\u{7}"), ..About::default() };
        let alert = Alert::new("alert_1".into(), time, Event::ProviderQuotaExhausted, about, None);
        assert_eq!(
            serde_json::to_string(&alert).unwrap(),
            r#"{"id":"alert_1","time":"2023-11-14T22:13:20.123Z","event":"provider_quota_exhausted","severity":"error","summary":"The quota at a provider is spent, and it is passed over: cloud/big.","provider":"cloud","model":"big","count":1}"#
        );
    }

    #[test]
    fn names_are_bounded() {
        let long = "я".repeat(10_000);
        let about = About { route: Some(&long), tenant: Some(&long), ..About::default() };
        let alert = Alert::new("alert_1".into(), Timestamp::UNIX_EPOCH, Event::NoLocalModel, about, None);
        assert_eq!(alert.tenant.unwrap().chars().count(), MAX_NAME_CHARS);
        assert!(alert.summary.len() < 400);
    }
}
