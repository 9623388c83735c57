//! `shekara serve`: from the configuration to a drained end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::first_start::{FirstKeys, first_keys};
use super::local_engine::LocalEngine;
use super::watched_file::WatchedFile;
use super::{audit, audit_tasks, output, small_pages};
use crate::alerts::{About, Event};
use crate::config::{Config, load};
use crate::content::{ContentKeys, MasterKey};
use crate::egress::install_tls;
use crate::ingress::{Certificates, PeerAddress, PlainListener, TlsListener};
use crate::jobs;
use crate::pii::masking::MaskingSecret;
use crate::pipeline::{Conversations, Gateway, GatewayParts, Snapshot, Sources};
use crate::router::router;
use crate::secrets::SecretSource;
use crate::signing::Signer;
use crate::store::{AuditTrail, DataDir, Projector, Store};
use crate::telemetry;

/// What the command line or another gateway changes of keys and switches counts after this long.
const DIRECTORY_REFRESH: Duration = Duration::from_secs(2);
/// How often expired conversations are looked for.
const EXPIRY_EVERY: Duration = Duration::from_mins(10);
/// Alerts that wait at the end get this long.
const SEND_ALERTS: Duration = Duration::from_secs(3);
/// After the grace period idle connections get this long to close.
const CLOSE_CONNECTIONS: Duration = Duration::from_secs(3);

pub(super) async fn serve(path: Option<&Path>) -> anyhow::Result<()> {
    telemetry::init();
    install_tls();
    let loaded = load(path)?;
    let (config, mut file) = (loaded.config, WatchedFile::new(loaded.path.as_deref()));
    if !LocalEngine::is_served(&config.local) {
        small_pages::prefer();
    }
    let mut signals = Signals::new()?;
    let certificates = config.tls.clone().map(Certificates::read).transpose()?.map(Arc::new);
    let listener = bind(config.listen).await?;
    let sources = Sources::system();
    let data = DataDir::create(&config.store)?;
    let _lock = data.lock()?;
    let (store, trail) = AuditTrail::open(&config.store, &data, sources.now(), || sources.random()).await?;
    let store: Arc<dyn Store> = Arc::new(store);
    let engine = LocalEngine::open(&config.local, [config.max_body_bytes, config.max_upload_bytes])?;
    let key_secret = data.key_secret(sources.random())?;
    let conversations = Conversations::new(&config.privacy.conversations, masking_secret(&config, &data, &sources)?);
    let content_keys = content_keys(&config, &data, &sources)?;
    let signer = Arc::new(signer(&config, &data, &sources)?);
    let audit_signer = Arc::new(audit::signer(&config, &data, &sources)?);
    let parts = GatewayParts {
        snapshot: snapshot(config.clone(), &engine, &sources)?,
        key_secret,
        trail: Arc::new(trail),
        store,
        sources,
        conversations,
        signer,
        audit_signer,
        content_keys,
    };
    let gateway = Arc::new(Gateway::new(parts).await?);
    let projector = Projector::start(Arc::clone(&gateway.trail), Arc::clone(gateway.shared_store()));
    let mut background = JoinSet::new();
    background.spawn(refresh_directory(Arc::clone(&gateway)));
    background.spawn(forget_expired(Arc::clone(&gateway)));
    background.spawn(audit_tasks::sign_heads(Arc::clone(&gateway)));
    background.spawn(audit_tasks::prune_daily(Arc::clone(&gateway)));
    for way in audit_tasks::ways(&config.audit, &data, gateway.trail.journal())? {
        background.spawn(jobs::audit_feed::run(Arc::clone(&gateway), data.clone(), way));
    }
    let address = listener.local_addr()?;
    if certificates.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "[server.tls] is not set: keys and prompts come in without encryption on this address");
    }
    let (server, stopped) = start_server(listener, &gateway, certificates.as_ref());
    if let Some(own) = certificates {
        background.spawn(async move { own.follow().await });
    }

    let following = engine.follow(&gateway)?;
    // Already served meanwhile: routes to providers, and 503 for what is being loaded.
    let is_loaded = tokio::select! {
        result = engine.load() => { result?; true }
        () = signals.stop() => false,
    };
    if is_loaded {
        gateway.put_in_force(snapshot(config.clone(), &engine, &gateway.sources)?).await;
        // Made only now that they are shown: an end while loading must not lose them.
        let first = first_keys(gateway.store(), gateway.key_secret(), &gateway.sources).await?;
        gateway.reload_directory().await?;
        announce(address, &gateway, &engine, first.as_ref());
        // Not before what they are answered by.
        background.spawn(jobs::batches::run(Arc::clone(&gateway)));
        background.spawn(jobs::rates::follow(Arc::clone(&gateway)));
        background.spawn(jobs::spending::watch(Arc::clone(&gateway)));
        run_until_stopped(&gateway, &engine, &mut file, &mut signals).await;
    }
    output::line("Stopping: running requests may finish, new ones get 503. Press Ctrl-C again to end at once.");
    tokio::select! {
        () = gateway.drain.drain(config.grace) => {
            stopped.notify_one();
            let _ = tokio::time::timeout(CLOSE_CONNECTIONS, server).await;
        }
        () = signals.stop() => server.abort(),
    }
    drop(following);
    background.abort_all();
    engine.shut_down().await;
    gateway.shelf.flush().await;
    gateway.limiter.close().await;
    gateway.alerts.finish(SEND_ALERTS).await;
    audit_tasks::sign_last_heads(&gateway).await;
    projector.finish().await;
    output::line("Stopped.");
    Ok(())
}

/// What tokens are derived from: the configured key, or one of the data folder's own.
fn masking_secret(config: &Config, data: &DataDir, sources: &Sources) -> anyhow::Result<MaskingSecret> {
    let Some(source) = &config.privacy.conversations.vault_key else {
        return Ok(data.masking_secret(sources.random())?);
    };
    let secret = source.resolve().context("failed to read [privacy.conversations] vault_key")?;
    MaskingSecret::from_text(secret.expose()).context("[privacy.conversations] vault_key has fewer than 32 characters")
}

fn signer(config: &Config, data: &DataDir, sources: &Sources) -> anyhow::Result<Signer> {
    let Some(source) = &config.labels.signing_key else {
        return Ok(Signer::from_seed(&data.label_seed(sources.random())?));
    };
    let secret = source.resolve().context("failed to read [labels] signing_key")?;
    Signer::from_hex_seed(secret.expose()).context("[labels] signing_key is not 64 hexadecimal digits")
}

/// What kept content is sealed under, and what older content was.
fn content_keys(config: &Config, data: &DataDir, sources: &Sources) -> anyhow::Result<ContentKeys> {
    let read = |source: &SecretSource| {
        let secret = source.resolve().context("failed to read a key of [content]")?;
        MasterKey::from_text(secret.expose()).context("a key of [content] has fewer than 32 characters")
    };
    let current = match &config.content.key {
        Some(source) => read(source)?,
        None => data.content_secret(sources.random())?,
    };
    Ok(ContentKeys::new(current, config.content.old_keys.iter().map(read).collect::<Result<_, _>>()?))
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!("failed to listen on {listen} ([server] listen sets another address; is a gateway running already?)")
    })
}

type Server = JoinHandle<std::io::Result<()>>;

/// The server, and what tells it that it may close idle connections and end.
fn start_server(
    listener: TcpListener,
    gateway: &Arc<Gateway>,
    certificates: Option<&Arc<Certificates>>,
) -> (Server, Arc<Notify>) {
    let stopped = Arc::new(Notify::new());
    let router = router(Arc::clone(gateway)).into_make_service_with_connect_info::<PeerAddress>();
    let told = Arc::clone(&stopped);
    let told = async move { told.notified().await };
    if let Some(certificates) = certificates {
        let listener = TlsListener::new(listener, Arc::clone(certificates));
        let serve = axum::serve(listener, router).with_graceful_shutdown(told);
        return (tokio::spawn(async move { serve.await }), stopped);
    }
    let serve = axum::serve(PlainListener(listener), router).with_graceful_shutdown(told);
    (tokio::spawn(async move { serve.await }), stopped)
}

fn snapshot(config: Config, engine: &LocalEngine, sources: &Sources) -> anyhow::Result<Snapshot> {
    let now_s = u64::try_from(sources.now().as_second()).unwrap_or_default();
    Ok(Snapshot::new(config, engine.service(), engine.models(), None, now_s)?)
}

/// SIGHUP and a changed file read the configuration anew; SIGINT and SIGTERM end.
async fn run_until_stopped(gateway: &Gateway, engine: &LocalEngine, file: &mut WatchedFile, signals: &mut Signals) {
    loop {
        let asked = tokio::select! {
            asked = signals.next() => asked,
            () = file.changed() => Asked::Reload,
        };
        if asked == Asked::Stop {
            return;
        }
        file.note();
        let reloaded = load(file.path())
            .map_err(anyhow::Error::from)
            .and_then(|loaded| snapshot(loaded.config, engine, &gateway.sources));
        match reloaded {
            Ok(snapshot) => {
                gateway.put_in_force(snapshot).await;
                // What came or went while the file was read.
                gateway.follow_local(&engine.models());
                tracing::info!("the configuration was read anew; [server], [store] and [local] need a restart");
            }
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error:#}");
                gateway.alerts.raise(Event::ConfigReloadFailed, About::default());
            }
        }
    }
}

async fn refresh_directory(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(DIRECTORY_REFRESH).await;
        if let Err(error) = gateway.reload_directory().await {
            tracing::error!(%error, "keys, switches and exchange rates could not be read; those in memory stay in force");
        }
    }
}

/// Sealed conversations that nobody has used for too long.
async fn forget_expired(gateway: Arc<Gateway>) {
    loop {
        if let Err(error) = gateway.store().delete_expired_conversations(gateway.now_ms()).await {
            tracing::error!(%error, "expired conversations could not be deleted; they are tried again");
        }
        if let Err(error) = gateway.forget_sessions().await {
            tracing::error!(%error, "expired sessions could not be deleted; they are tried again");
        }
        if let Err(error) = gateway.shelf.delete_expired(gateway.now_ms()).await {
            tracing::error!(%error, "expired content could not be deleted; it is tried again");
        }
        if let Err(error) = gateway.store().acts().delete_expired(gateway.now_ms().cast_signed()).await {
            tracing::error!(%error, "expired answers to administrators could not be deleted; they are tried again");
        }
        tokio::time::sleep(EXPIRY_EVERY).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}

struct Signals {
    /// SIGHUP came while nobody could heed it.
    is_reload_due: bool,
    interrupt: Signal,
    terminate: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            is_reload_due: false,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        if std::mem::take(&mut self.is_reload_due) {
            return Asked::Reload;
        }
        self.received().await
    }

    async fn received(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.reload.recv() => Asked::Reload,
        }
    }

    async fn stop(&mut self) {
        while self.received().await != Asked::Stop {
            self.is_reload_due = true;
        }
    }
}

fn announce(address: SocketAddr, gateway: &Gateway, engine: &LocalEngine, first: Option<&FirstKeys>) {
    let scheme = if gateway.snapshot().config.tls.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{address}");
    for (id, reason) in &engine.broken() {
        let folder = gateway.snapshot().config.local.models_dir.join(id);
        output::line(&format!("Not served: {}: {reason}", folder.display()));
    }
    let snapshot = gateway.snapshot();
    let models: Vec<&str> = snapshot.table.routes().map(|route| route.alias.as_str()).collect();
    output::line(&format!("Shekara listens on {address}"));
    output::line(&format!("Models: {}", if models.is_empty() { "none".to_owned() } else { models.join(", ") }));
    let Some(first) = first else {
        output::line("Keys: as made before; `shekara keys create --name NAME` makes another.");
        return;
    };
    output::line(&format!("Admin key (shown once):       {}", first.admin));
    output::line(&format!("Application key (shown once): {}", first.application));
    // A local model answers whatever else is set up.
    let written = snapshot.config.routes.first().map(|route| route.alias.clone());
    output::line("Try it:");
    let Some(model) = engine.chat_model().or(written) else {
        output::line(&format!("curl {address}/v1/models -H 'Authorization: Bearer {}'", first.application));
        return;
    };
    output::line(&format!(
        "curl {address}/v1/chat/completions -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \
         -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Здравствуйте! Где моя посылка?\"}}]}}'",
        first.application
    ));
}
