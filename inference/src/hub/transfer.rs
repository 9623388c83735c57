//! Fetches one file: goes on where it was cut off, hashes as it comes, gives up after a while.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode};

use super::checksum::Hasher;
use super::client::{Address, exchange, host};
use super::{Checksum, ClientError, Disk, HubClient, PullError, PullEvent};

/// Tries in a row that bring not one byte.
const MAX_FRUITLESS_TRIES: u32 = 5;
/// Tries of one file altogether.
const MAX_TRIES: u32 = 1000;
/// Whoever asks for a longer pause is not waited for.
const MAX_WAIT: Duration = Duration::from_mins(5);

/// Told what happens.
pub(super) type Report<'a> = &'a (dyn Fn(PullEvent<'_>) + Sync);

/// A file on its way, as long as it has got.
pub(super) struct Part<'a> {
    path: PathBuf,
    file: File,
    length: u64,
    hasher: Hasher,
    size: u64,
    checksum: Option<&'a Checksum>,
}

impl<'a> Part<'a> {
    /// Takes up what an earlier try has left.
    pub(super) fn open(path: &Path, size: u64, checksum: Option<&'a Checksum>) -> Result<Self, PullError> {
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return Err(PullError::Link { path: path.to_owned() });
        }
        let io = |source| PullError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io)?;
        let mut hasher = Hasher::new(checksum, size);
        let mut length = file.metadata().map_err(io)?.len();
        if length > size {
            file.set_len(0).map_err(io)?;
            length = 0;
        }
        hasher.read(&mut file).map_err(io)?;
        Ok(Self { path: path.to_owned(), file, length, hasher, size, checksum })
    }

    fn restart(&mut self) -> Result<(), PullError> {
        self.file.set_len(0).map_err(PullError::io(&self.path))?;
        self.length = 0;
        self.hasher = Hasher::new(self.checksum, self.size);
        Ok(())
    }

    fn append(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), PullError> {
        disk.append(&mut self.file, bytes).map_err(PullError::io(&self.path))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn is_whole(&self) -> bool {
        self.length == self.size
    }

    /// Moves the file to its name; the SHA-256 is returned.
    fn finish(self, target: &Path) -> Result<String, PullError> {
        let Self { path, file, hasher, checksum, .. } = self;
        file.sync_all().map_err(PullError::io(&path))?;
        match hasher.finish(checksum) {
            Ok(sha256) => {
                std::fs::rename(&path, target).map_err(PullError::io(&path))?;
                Ok(sha256)
            }
            Err(found) => {
                std::fs::remove_file(&path).map_err(PullError::io(&path))?;
                let expected = match checksum {
                    Some(Checksum::Sha256(text) | Checksum::GitBlob(text)) => text.clone(),
                    None => String::new(),
                };
                Err(PullError::WrongChecksum { file: file_name(target), expected, found })
            }
        }
    }
}

/// Brings the rest of `part` and moves it to `target`.
///
/// # Errors
/// If the hub refuses, keeps failing, or sends something else than it announced.
pub(super) async fn fetch(
    client: &HubClient,
    address: Address<'_>,
    (mut part, target): (Part<'_>, &Path),
    disk: &dyn Disk,
    report: Report<'_>,
) -> Result<String, PullError> {
    let resumed = part.length > 0;
    let (size, checksum, path) = (part.size, part.checksum, part.path.clone());
    bring(client, address, &mut part, disk, report).await?;
    match part.finish(target) {
        // What an earlier run has left may be damaged; one whole try is fair.
        Err(PullError::WrongChecksum { .. }) if resumed => {
            report(PullEvent::Restarted { file: address.name.as_str() });
            let mut part = Part::open(&path, size, checksum)?;
            bring(client, address, &mut part, disk, report).await?;
            part.finish(target)
        }
        result => result,
    }
}

async fn bring(
    client: &HubClient,
    address: Address<'_>,
    part: &mut Part<'_>,
    disk: &dyn Disk,
    report: Report<'_>,
) -> Result<(), PullError> {
    let mut fruitless = 0;
    for _ in 0..MAX_TRIES {
        if part.is_whole() && part.size > 0 {
            return Ok(());
        }
        let before = part.length;
        let error = match attempt(client, address, part, (disk, report)).await {
            Ok(()) => return Ok(()),
            Err(PullError::Client(error)) if error.is_passing() => error,
            Err(error) => return Err(error),
        };
        fruitless = if part.length > before { 1 } else { fruitless + 1 };
        pause(client, error, fruitless, report).await?;
    }
    let missing = part.size - part.length;
    Err(PullError::GivenUp { tries: MAX_TRIES, source: ClientError::Cut { host: client.endpoint(), missing } })
}

/// Waits before the next try.
///
/// # Errors
/// If there were too many, or the hub asks for too long a pause.
pub(super) async fn pause(
    client: &HubClient,
    error: ClientError,
    tries: u32,
    report: Report<'_>,
) -> Result<(), PullError> {
    let wait = match &error {
        ClientError::RateLimited { wait } if *wait > MAX_WAIT => return Err(error.into()),
        ClientError::RateLimited { wait } => *wait,
        _ => client.retry_delay.saturating_mul(1 << tries.min(5).saturating_sub(1)),
    };
    if tries >= MAX_FRUITLESS_TRIES {
        return Err(PullError::GivenUp { tries, source: error });
    }
    report(PullEvent::Waiting { wait, error: &error });
    tokio::time::sleep(wait).await;
    Ok(())
}

async fn attempt(
    client: &HubClient,
    address: Address<'_>,
    part: &mut Part<'_>,
    (disk, report): (&dyn Disk, Report<'_>),
) -> Result<(), PullError> {
    let file = address.name.as_str();
    let (mut response, announced) = client.open(address, part.length).await?;
    let wrong_size =
        |found| PullError::Client(ClientError::WrongSize { file: file.to_owned(), expected: part.size, found });
    if let Some(found) = announced.size.filter(|found| *found != part.size) {
        return Err(wrong_size(found));
    }
    let start = match response.status() {
        StatusCode::PARTIAL_CONTENT => range_start(&response).unwrap_or(0),
        _ => 0,
    };
    let expected = part.size - start.min(part.size);
    if let Some(found) = response.content_length().filter(|found| response.status().is_success() && *found != expected)
    {
        return Err(wrong_size(start + found));
    }
    if start != part.length {
        part.restart()?;
        report(PullEvent::Restarted { file });
        if start > 0 || response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // Another part than the one asked for; the whole will do.
            let cut = ClientError::Cut { host: host(response.url()), missing: part.size };
            return Err(cut.into());
        }
    }
    let url = response.url().clone();
    while let Some(chunk) = response.chunk().await.map_err(|error| exchange(&url, error))? {
        if part.length + chunk.len() as u64 > part.size {
            return Err(PullError::TooLong { file: file.to_owned(), size: part.size });
        }
        part.append(disk, &chunk)?;
        report(PullEvent::Advanced { bytes: chunk.len() as u64 });
    }
    match part.size - part.length {
        0 => Ok(()),
        missing => Err(ClientError::Cut { host: host(&url), missing }.into()),
    }
}

/// Where a part begins: `bytes 100-199/200`.
fn range_start(response: &Response) -> Option<u64> {
    let text = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    text.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
