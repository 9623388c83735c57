//! The one connection to Redis, shared by all requests, and whether there is one.
//!
//! A request uses it or goes without: it never makes one. Whoever finds it broken or silent takes it away for all, and
//! the keeper makes another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::call::Call;
use super::script::Script;

/// A connection is made behind everybody's back, and may take longer than a request may wait.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) struct Link {
    client: Client,
    timeout: Duration,
    now: Mutex<Connected>,
    /// There is something to do for the keeper.
    pub(super) wake: Notify,
    opened: Notify,
}

struct Connected {
    connection: Option<MultiplexedConnection>,
    /// Counts the times that it was lost.
    outage: u64,
}

/// Redis did not answer, or not as it should.
#[derive(Debug)]
pub(super) struct Gone {
    /// It may have done what it was asked for.
    pub(super) was_sent: bool,
}

impl Link {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        let now = Mutex::new(Connected { connection: None, outage: 1 });
        Self { client, timeout, now, wake: Notify::new(), opened: Notify::new() }
    }

    /// Which outage this is, if there is one.
    pub(super) fn outage(&self) -> Option<u64> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.connection.is_none() { Some(now.outage) } else { None }
    }

    /// A new connection that answers, for nobody but who asked.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        // Whoever asks knows how long to wait.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connect = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            redis::cmd("PING").exec_async(&mut connection).await?;
            Ok(connection)
        };
        timeout(CONNECT_TIMEOUT, connect).await.unwrap_or_else(|_| Err(silent()))
    }

    /// From here on, requests use this one.
    pub(super) fn open(&self, connection: MultiplexedConnection) {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).connection = Some(connection);
        self.opened.notify_waiters();
    }

    /// Waits until there is one.
    pub(super) async fn is_open(&self) {
        loop {
            let opened = self.opened.notified();
            tokio::pin!(opened);
            // Who is told of the next one must be listening before it is looked.
            opened.as_mut().enable();
            if self.outage().is_none() {
                return;
            }
            opened.await;
        }
    }

    /// Runs a script and gives its numbers.
    pub(super) async fn run(&self, script: &Script, call: &Call, deadline: Instant) -> Result<Vec<i64>, Gone> {
        let (mut connection, outage) = {
            let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            (now.connection.clone().ok_or(Gone { was_sent: false })?, now.outage)
        };
        let begun = Instant::now();
        match timeout_at(deadline, run_on(&mut connection, script, call)).await {
            Ok(Ok(numbers)) => Ok(numbers),
            Ok(Err(error)) => {
                self.lose(outage, &error);
                Err(Gone { was_sent: true })
            }
            Err(_) => {
                // A request that had little time left says nothing about Redis.
                if begun.elapsed() * 2 >= self.timeout {
                    self.lose(outage, &silent());
                }
                Err(Gone { was_sent: true })
            }
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout
    }

    fn lose(&self, outage: u64, error: &RedisError) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have seen it, and another may be there.
        if now.outage == outage && now.connection.take().is_some() {
            now.outage += 1;
            drop(now);
            tracing::warn!(error = reason(error), "Redis is away: limits are no longer shared");
            self.wake.notify_one();
        }
    }
}

fn silent() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Redis' own words could name a user.
pub(super) fn reason(error: &RedisError) -> &str {
    error.code().unwrap_or(match error.kind() {
        ErrorKind::Io if error.is_timeout() => "it did not answer in time",
        ErrorKind::Io => "the connection failed",
        ErrorKind::AuthenticationFailed => "it does not know this user or password",
        _ => "it gave an answer that is none",
    })
}

/// The same on a connection that is not yet everybody's.
pub(super) async fn run_alone(
    mut connection: MultiplexedConnection,
    script: &Script,
    call: &Call,
) -> Result<Vec<i64>, Gone> {
    match timeout(CONNECT_TIMEOUT, run_on(&mut connection, script, call)).await {
        Ok(Ok(numbers)) => Ok(numbers),
        Ok(Err(error)) => {
            tracing::debug!(error = reason(&error), "Redis does not count");
            Err(Gone { was_sent: true })
        }
        Err(_) => Err(Gone { was_sent: true }),
    }
}

pub(super) async fn run_on<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    script: &Script,
    call: &Call,
) -> Result<Vec<T>, RedisError> {
    match command("EVALSHA", &script.hash, call).query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            command("EVAL", &script.source, call).query_async(connection).await
        }
        answered => answered,
    }
}

fn command(word: &str, script: &str, call: &Call) -> Cmd {
    let mut command = redis::cmd(word);
    command.arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.args);
    command
}
