//! Carries news of deployments between a gateway and Redis, in the background and on a connection of its own.
//!
//! Always so: no request waits for it; what is to be told waits with its board while Redis is away; and every exchange tells
//! and hears in one step, so that who was away learns what the others know. Other gateways hear of something within
//! [`EVERY`] and two ways to Redis.

use std::sync::Arc;
use std::time::Duration;

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::call::Call;
use super::link::{CONNECT_TIMEOUT, Link, reason, run_on};
use super::names::rests_base;
use super::rest::{Heard, News, RestBoard};
use super::script::Script;
use super::settings::{BadSettings, SharedSettings};

/// How often others are listened to. What is to be told goes at once.
const EVERY: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(1);
/// No lines are told in one exchange beyond these.
const TOLD_AT_ONCE: usize = 100;

/// Goes on until it is dropped.
#[derive(Debug)]
pub struct RestCourier {
    task: JoinHandle<()>,
    has_heard: watch::Receiver<bool>,
}

impl Drop for RestCourier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RestCourier {
    /// Redis may be away: it is looked for in the background, within a Tokio runtime. `wake` says that there are news.
    ///
    /// # Errors
    /// No way to Redis can be made of the settings.
    pub fn start(settings: &SharedSettings, board: Arc<dyn RestBoard>, wake: Arc<Notify>) -> Result<Self, BadSettings> {
        let (hears, has_heard) = watch::channel(false);
        let courier = Courier {
            hears,
            link: Link::new(settings.client()?, settings.timeout),
            script: Script::alone(include_str!("scripts/rests.lua").to_owned()),
            base: rests_base(&settings.prefix),
            gateway: settings.gateway.clone(),
            board,
            wake,
        };
        Ok(Self { task: tokio::spawn(async move { courier.carry().await }), has_heard })
    }

    /// Waits until what the others know is known here, but no longer than this.
    pub async fn heard(&self, within: Duration) -> bool {
        let mut has_heard = self.has_heard.clone();
        timeout(within, has_heard.wait_for(|has_heard| *has_heard)).await.is_ok_and(|heard| heard.is_ok())
    }
}

struct Courier {
    link: Link,
    script: Script,
    base: String,
    gateway: String,
    board: Arc<dyn RestBoard>,
    wake: Arc<Notify>,
    hears: watch::Sender<bool>,
}

/// How far this gateway has heard.
struct Position {
    version: u64,
    generation: u64,
}

impl Courier {
    async fn carry(&self) {
        let mut is_known_away = false;
        loop {
            let error = match self.link.connect().await {
                Ok(connection) => self.carry_over(connection, &mut is_known_away).await,
                Err(error) => error,
            };
            self.board.set_shared(false);
            if !is_known_away {
                tracing::warn!(
                    error = reason(&error),
                    "Redis is away: which deployments rest is each gateway's own knowledge until it is back"
                );
            }
            is_known_away = true;
            sleep(RETRY).await;
        }
    }

    /// Until Redis does not answer, or not as it should.
    async fn carry_over(&self, mut connection: MultiplexedConnection, is_known_away: &mut bool) -> RedisError {
        let mut position = Position { version: 0, generation: self.board.generation() };
        // What the others know counts before what is told again.
        if let Err(error) = self.exchange(&mut connection, &[], &mut position).await {
            return error;
        }
        self.board.tell_all();
        self.hears.send_replace(true);
        let mut is_shared = false;
        loop {
            let generation = self.board.generation();
            if position.generation != generation {
                position = Position { version: 0, generation };
            }
            let news = self.board.news(TOLD_AT_ONCE);
            if let Err(error) = self.exchange(&mut connection, &news, &mut position).await {
                return error;
            }
            self.board.told(&news);
            if !is_shared {
                // One that reads and does not write has failed by now.
                (is_shared, *is_known_away) = (true, false);
                self.board.set_shared(true);
                tracing::info!("Redis is there: which deployments rest is known to all gateways");
            }
            if news.len() < TOLD_AT_ONCE {
                let _ = timeout(EVERY, self.wake.notified()).await;
            }
        }
    }

    async fn exchange(
        &self,
        connection: &mut MultiplexedConnection,
        news: &[News],
        position: &mut Position,
    ) -> Result<(), RedisError> {
        let mut args = vec![self.base.clone(), self.gateway.clone(), position.version.to_string()];
        args.extend(news.iter().map(News::line));
        let call = Call { keys: vec![format!("{}index", self.base)], args };
        let lines = timeout(CONNECT_TIMEOUT, run_on::<String>(connection, &self.script, &call)).await;
        let lines = lines.map_err(|_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut)))??;
        let mut lines = lines.iter();
        let version = lines.next().and_then(|version| version.parse().ok());
        position.version = version.unwrap_or_default();
        let heard: Vec<Heard> = lines.filter_map(|line| Heard::read(line)).collect();
        if !heard.is_empty() {
            self.board.hear(heard);
        }
        Ok(())
    }
}
