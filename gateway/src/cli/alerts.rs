//! `shekara alerts test`: one alert on each way out, tried once, and what came of it.

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::output;
use crate::alerts::{About, Alert, ChannelKind, Event};
use crate::channels::channels;
use crate::config::{AlertsConfig, SyslogTransport, load};
use crate::egress::install_tls;
use crate::pipeline::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum AlertsCommand {
    /// Send a test on every channel of [alerts] and say what came of it.
    Test {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Serialize)]
struct Sent {
    channel: &'static str,
    ok: bool,
    error: Option<String>,
}

pub(super) async fn run(path: Option<&Path>, command: &AlertsCommand) -> anyhow::Result<()> {
    let AlertsCommand::Test { json: is_json } = command;
    install_tls();
    let config = load(path)?.config.alerts;
    let settings = channels(&config)?;
    let clock = Sources::system().clock();
    let alert = Alert::new((clock.new_id)(), (clock.now)(), Event::Test, About::default(), settings.host.as_deref());
    let mut all = Vec::new();
    for kind in ChannelKind::ALL {
        if let Some(way) = settings.channel(kind) {
            let error = way.send(&alert, (clock.now)()).await.err().map(|error| error.to_string());
            all.push(Sent { channel: kind.as_str(), ok: error.is_none(), error });
        }
    }
    anyhow::ensure!(!all.is_empty(), "[alerts] has neither a webhook nor syslog: alerts stand in the log alone");
    if *is_json {
        output::line(&json!({ "id": alert.id, "channels": all }).to_string());
    } else {
        for sent in &all {
            output::line(&format!("{}: {}", sent.channel, told(sent, &config)));
        }
    }
    let failed: Vec<&str> = all.iter().filter(|sent| !sent.ok).map(|sent| sent.channel).collect();
    anyhow::ensure!(failed.is_empty(), "not sent: {}", failed.join(", "));
    Ok(())
}

fn told<'s>(sent: &'s Sent, config: &AlertsConfig) -> &'s str {
    let is_udp = config.syslog.as_ref().is_some_and(|syslog| syslog.transport == SyslogTransport::Udp);
    match &sent.error {
        Some(error) => error,
        None if is_udp && sent.channel == ChannelKind::Syslog.as_str() => {
            "sent (over UDP nobody says whether it arrived)"
        }
        None => "sent",
    }
}
