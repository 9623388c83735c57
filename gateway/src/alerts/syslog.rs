//! An alert as a syslog message (RFC 5424): what happened as text, everything else as structured data.

use std::fmt::Write as _;
use std::str::FromStr;

use super::Alert;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
/// Names that IANA does not know carry a number; this one is for examples and belongs to nobody (RFC 5612).
const STRUCTURED: &str = "shekara@32473";
const NIL: &str = "-";
const MAX_HOST_BYTES: usize = 255;
/// Says that the text is UTF-8.
const MARK: &str = "\u{feff}";

/// Of whom syslog takes a message to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(u8);

impl FromStr for Facility {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let number = FACILITIES.iter().position(|known| *known == name).ok_or(())?;
        u8::try_from(number).map(Self).map_err(|_| ())
    }
}

/// What a message begins with.
#[derive(Debug, Clone, Copy)]
pub struct SyslogHead<'a> {
    pub facility: Facility,
    /// 0 to 7.
    pub severity: u8,
    /// RFC 3339.
    pub time: &'a str,
    pub host: Option<&'a str>,
    pub process_id: u32,
    pub message_id: &'a str,
}

/// An alert as a message, without a frame.
pub fn syslog_message(alert: &Alert, facility: Facility, process_id: u32) -> String {
    let time = alert.time_text();
    let head = SyslogHead {
        facility,
        severity: alert.severity.syslog(),
        time: &time,
        host: alert.host.as_deref(),
        process_id,
        message_id: alert.event.as_str(),
    };
    let count = alert.count.to_string();
    let fields = [
        ("id", Some(alert.id.as_str())),
        ("event", Some(alert.event.as_str())),
        ("provider", alert.provider.as_deref()),
        ("model", alert.model.as_deref()),
        ("route", alert.route.as_deref()),
        ("request_id", alert.request_id.as_deref()),
        ("tenant", alert.tenant.as_deref()),
        ("count", Some(count.as_str())),
    ];
    syslog_text(head, &fields, &alert.summary)
}

/// Any message, without a frame: fields as structured data, and a text.
pub fn syslog_text(head: SyslogHead<'_>, fields: &[(&str, Option<&str>)], text: &str) -> String {
    let SyslogHead { facility, severity, time, host, process_id, message_id } = head;
    let priority = u16::from(facility.0) * 8 + u16::from(severity);
    let host = host.filter(|host| is_printable(host)).unwrap_or(NIL);
    let mark = if text.is_ascii() { "" } else { MARK };
    let fields = structured(fields);
    format!("<{priority}>1 {time} {host} shekara {process_id} {message_id} {fields} {mark}{text}")
}

/// Framed for a stream, by its length (RFC 6587, 3.4.1).
pub fn counted(message: &str) -> String {
    format!("{} {message}", message.len())
}

fn structured(fields: &[(&str, Option<&str>)]) -> String {
    let mut text = format!("[{STRUCTURED}");
    for (name, value) in fields {
        if let Some(value) = value {
            // Writing to a String does not fail.
            let _ = write!(text, " {name}=\"{}\"", escaped(value));
        }
    }
    text + "]"
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn is_printable(host: &str) -> bool {
    host.len() <= MAX_HOST_BYTES && host.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::{About, Event};
    use super::*;

    fn alert(route: &str) -> Alert {
        let about = About { route: Some(route), tenant: Some(r#"a"b]c\d"#), ..About::default() };
        let time = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        Alert::new("alert_1".into(), time, Event::Tripwire, about, Some("gate-1"))
    }

    #[test]
    fn a_message_has_every_part_in_its_place() {
        let message = syslog_message(&alert("chat"), "local0".parse().unwrap(), 7);
        assert_eq!(
            message,
            "<130>1 2023-11-14T22:13:20.123Z gate-1 shekara 7 tripwire [shekara@32473 id=\"alert_1\" event=\"tripwire\" \
             route=\"chat\" tenant=\"a\\\"b\\]c\\\\d\" count=\"1\"] A masked value stood in what was about to leave; the \
             request was stopped: route chat."
        );
        assert_eq!(counted(&message), format!("{} {message}", message.len()));
    }

    #[test]
    fn text_in_other_letters_is_marked_and_counted_in_bytes() {
        let mut alert = alert("поддержка");
        alert.host = Some("два слова".into());
        let message = syslog_message(&alert, "daemon".parse().unwrap(), 7);
        assert!(message.starts_with("<26>1 2023-11-14T22:13:20.123Z - shekara 7 tripwire ["), "{message}");
        assert!(message.contains("] \u{feff}A masked"), "{message}");
        assert!(counted(&message).starts_with(&format!("{} <26>", message.len())));
    }

    #[test]
    fn facilities_have_names() {
        assert_eq!(("kern".parse(), "local7".parse()), (Ok(Facility(0)), Ok(Facility(23))));
        assert!("local8".parse::<Facility>().is_err());
    }
}
