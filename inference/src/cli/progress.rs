//! How a pull shows itself: a bar on a terminal, lines elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use shekara_inference::hub::PullEvent;

use super::list::with_causes;

/// Without a terminal, a line each time so many hundredths more are there.
const STEP: u64 = 10;

/// Where the events of one pull go.
pub struct Progress {
    bar: Option<ProgressBar>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    total: u64,
    done: u64,
    /// Of the file that is coming, so that it can be taken back.
    of_file: u64,
    shown: u64,
}

impl Progress {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
        if let Some(bar) = &bar
            && let Ok(style) = ProgressStyle::with_template(
                "{wide_msg} {percent:>3} % [{bar:24}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
            )
        {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, counts: Mutex::default() }
    }

    pub fn on(&self, event: &PullEvent<'_>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match *event {
            PullEvent::Planned { files, bytes, present } => {
                *counts = Counts { total: bytes, ..Counts::default() };
                if let Some(bar) = &self.bar {
                    bar.set_length(bytes);
                }
                let present =
                    if present > 0 { format!(", {} there already", HumanBytes(present)) } else { String::new() };
                self.say(&format!("{files} files, {}{present}", HumanBytes(bytes)));
            }
            PullEvent::Started { file, present, .. } => {
                counts.of_file = present;
                counts.done += present;
                match &self.bar {
                    Some(bar) => bar.set_message(file.to_owned()),
                    None => self.say(file),
                }
            }
            PullEvent::Advanced { bytes } => {
                counts.of_file += bytes;
                counts.done += bytes;
            }
            PullEvent::Restarted { file } => {
                counts.done -= counts.of_file.min(counts.done);
                counts.of_file = 0;
                self.say(&format!("{file}: from its beginning again"));
            }
            PullEvent::Finished { .. } => counts.of_file = 0,
            PullEvent::Unverified { file } => self.say(&format!("{file}: nobody says what its checksum must be")),
            PullEvent::Waiting { wait, error } => {
                self.say(&format!("{}; trying again in {} s", with_causes(error), wait.as_secs()));
            }
        }
        self.show(&mut counts);
    }

    fn show(&self, counts: &mut Counts) {
        if let Some(bar) = &self.bar {
            bar.set_position(counts.done);
        } else if let Some(hundredths) = (counts.done.min(counts.total) * 100).checked_div(counts.total) {
            if hundredths >= counts.shown + STEP {
                counts.shown = hundredths - hundredths % STEP;
                self.say(&format!("{} % of {}", counts.shown, HumanBytes(counts.total)));
            }
        }
    }

    /// A line of its own.
    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            // Nobody may be reading; the pull goes on.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
