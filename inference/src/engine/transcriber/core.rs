//! The loop of a transcriber's thread: a window more is heard where there is a place, then every window under way says one
//! token more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TryRecvError;

use crate::engine::EngineStats;
use crate::models::whisper::{DecoderRows, WhisperModel, WhisperVocabulary};

use super::handle::{Command, Outlets, Submission};
use super::segments::{Cut, WindowFrames};
use super::window::{Said, Window, WindowRules};
use super::{Segment, TokenText, TranscriptionEvent};

/// A request, its windows one after the other.
struct Request {
    submission: Submission,
    /// First frame of the next window.
    next_frame: usize,
    language: Option<u32>,
    /// Told when the last window is written down.
    is_detected: bool,
}

/// A request whose window is under way.
struct Active {
    place: usize,
    frames: WindowFrames,
    stage: Stage,
    request: Request,
}

enum Stage {
    /// The first token shows the language.
    Language,
    Text(Window),
}

pub(super) struct TranscriberCore {
    pub model: WhisperModel,
    pub vocabulary: WhisperVocabulary,
    pub text: TokenText,
    pub compute: Arc<rayon::ThreadPool>,
    pub outlets: Outlets,
    waiting: VecDeque<Request>,
    active: Vec<Active>,
    free_places: Vec<usize>,
}

impl TranscriberCore {
    pub(super) fn new(
        model: WhisperModel,
        (vocabulary, text): (WhisperVocabulary, TokenText),
        compute: Arc<rayon::ThreadPool>,
        outlets: Outlets,
    ) -> Self {
        let free_places = (0..model.num_places()).rev().collect();
        let (waiting, active) = (VecDeque::new(), Vec::new());
        Self { model, vocabulary, text, compute, outlets, waiting, active, free_places }
    }

    pub(super) fn run(mut self) {
        loop {
            if !self.take_commands() || self.outlets.stop.load(Ordering::Acquire) {
                return;
            }
            self.forget_abandoned();
            self.publish();
            self.begin_window();
            self.step();
            self.publish();
        }
    }

    /// Waits for a request where there is none; whether the thread goes on.
    fn take_commands(&mut self) -> bool {
        if self.waiting.is_empty() && self.active.is_empty() {
            let Ok(command) = self.outlets.commands.recv() else { return false };
            if !self.take(command) {
                return false;
            }
        }
        loop {
            let goes_on = match self.outlets.commands.try_recv() {
                Ok(command) => self.take(command),
                // Without handles the last requests are finished.
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return true,
            };
            if !goes_on {
                return false;
            }
        }
    }

    fn take(&mut self, command: Command) -> bool {
        let Command::Transcribe(submission) = command else { return false };
        let language = submission.task.language;
        let request = Request { submission: *submission, next_frame: 0, language, is_detected: language.is_some() };
        self.next_window(request);
        true
    }

    fn publish(&self) {
        let (running, waiting) = (self.active.len(), self.waiting.len());
        self.outlets.stats.send_replace(EngineStats { running, waiting, ..EngineStats::default() });
    }

    /// Clients that went away need no text.
    fn forget_abandoned(&mut self) {
        self.waiting.retain(|request| !request.submission.events.is_closed());
        let (kept, gone) = self.active.drain(..).partition(|active| !active.request.submission.events.is_closed());
        self.active = kept;
        self.free_places.extend(gone.into_iter().map(|active: Active| active.place));
    }

    /// Queues a request behind the others for its next window, or ends it.
    fn next_window(&mut self, request: Request) {
        if request.next_frame < request.submission.task.audio.num_frames() {
            self.waiting.push_back(request);
            return;
        }
        let language = request.language.and_then(|token| self.vocabulary.language_code(token)).map(str::to_owned);
        send(&request, TranscriptionEvent::Finished { language });
    }

    /// One window at a time, so that texts under way do not stand still for long.
    fn begin_window(&mut self) {
        let Some(place) = self.free_places.pop() else { return };
        let Some(request) = self.waiting.pop_front() else {
            self.free_places.push(place);
            return;
        };
        let audio = &request.submission.task.audio;
        let most = self.model.config().window_frames();
        let first = request.next_frame;
        let features = audio.window(first, most);
        let frames = WindowFrames { first, count: most.min(audio.num_frames() - first) };
        let model = &mut self.model;
        self.compute.install(|| model.hear(place, &features));
        let stage = if request.is_detected || self.vocabulary.languages.is_empty() {
            Stage::Text(self.window(&request, frames))
        } else {
            Stage::Language
        };
        self.active.push(Active { place, frames, stage, request });
    }

    fn window(&self, request: &Request, frames: WindowFrames) -> Window {
        let (vocabulary, task) = (&self.vocabulary, &request.submission.task);
        let most = self.model.config().decoder.max_positions;
        let mut prompt = Vec::new();
        if let Some(previous) = vocabulary.previous.filter(|_| frames.first == 0 && !task.prompt.is_empty()) {
            prompt.push(previous);
            let kept = (most / 2).saturating_sub(1).min(task.prompt.len());
            prompt.extend(&task.prompt[task.prompt.len() - kept..]);
        }
        let start = prompt.len();
        prompt.push(vocabulary.start);
        if let (Some(language), Some(tasks)) = (request.language, vocabulary.tasks) {
            prompt.extend([language, tasks[usize::from(task.translate)]]);
        }
        if !task.timestamps {
            prompt.push(vocabulary.no_timestamps);
        }
        // Half of the positions are for what was said before, so that the other half is always free.
        let max_tokens = (most / 2).min(most.saturating_sub(prompt.len())).max(1);
        Window::new(prompt, start, max_tokens, frames.first)
    }

    /// One token more of every window.
    fn step(&mut self) {
        if self.active.is_empty() {
            return;
        }
        let rows: Vec<DecoderRows<'_>> = self.active.iter().map(|active| active.rows(&self.vocabulary)).collect();
        let wanted: Vec<usize> = rows.iter().map(|rows| rows.num_logit_rows).collect();
        let model = &mut self.model;
        let mut logits = self.compute.install(|| model.read(&rows));
        let mut rest = logits.as_mut_slice();
        let mut going = Vec::new();
        for (mut active, wanted) in std::mem::take(&mut self.active).into_iter().zip(wanted) {
            let (own, others) = rest.split_at_mut(wanted * self.vocabulary.vocab_size as usize);
            rest = others;
            match self.advance(&mut active, own) {
                None => going.push(active),
                Some(said) => self.finish_window(active, &said),
            }
        }
        self.active.append(&mut going);
    }

    fn advance(&self, active: &mut Active, logits: &mut [f32]) -> Option<Said> {
        let task = &active.request.submission.task;
        let rules = WindowRules {
            vocabulary: &self.vocabulary,
            text: &self.text,
            timestamps: task.timestamps,
            temperatures: &task.temperatures,
        };
        if let Stage::Text(window) = &mut active.stage {
            return window.say(logits, &rules);
        }
        active.request.language = likeliest_language(&self.vocabulary, logits);
        active.request.is_detected = true;
        active.stage = Stage::Text(self.window(&active.request, active.frames));
        None
    }

    fn finish_window(&mut self, active: Active, said: &Said) {
        let Active { place, frames, mut request, .. } = active;
        self.free_places.push(place);
        let (cuts, advance) = if request.submission.task.timestamps {
            frames.cut(&self.vocabulary, &said.tokens)
        } else {
            (vec![frames.whole(&said.tokens)], frames.count)
        };
        let (cuts, advance) = if said.is_silence() { (Vec::new(), frames.count) } else { (cuts, advance) };
        let segments = cuts.into_iter().filter_map(|cut| self.segment(&request, frames, cut, said)).collect();
        send(&request, TranscriptionEvent::Window(segments));
        request.next_frame = frames.first + advance.min(frames.count.max(1));
        self.next_window(request);
    }

    /// None where nothing was said.
    fn segment(&self, request: &Request, frames: WindowFrames, cut: Cut<'_>, said: &Said) -> Option<Segment> {
        let text = (self.text)(cut.tokens);
        if text.trim().is_empty() {
            return None;
        }
        let seconds = request.submission.task.audio.seconds();
        Some(Segment {
            window_frame: frames.first,
            start: cut.start.min(seconds),
            end: cut.end.min(seconds),
            text,
            tokens: cut.tokens.to_vec(),
            temperature: said.temperature,
            avg_logprob: said.avg_logprob,
            compression_ratio: said.compression_ratio,
            no_speech_prob: said.no_speech,
        })
    }
}

impl Active {
    fn rows<'a>(&'a self, vocabulary: &'a WhisperVocabulary) -> DecoderRows<'a> {
        let (tokens, first_position, num_logit_rows) = match &self.stage {
            Stage::Language => (std::slice::from_ref(&vocabulary.start), 0, 1),
            Stage::Text(window) => window.rows(),
        };
        DecoderRows { place: self.place, tokens, first_position, num_logit_rows }
    }
}

fn likeliest_language(vocabulary: &WhisperVocabulary, logits: &[f32]) -> Option<u32> {
    let tokens = vocabulary.languages.iter().map(|(_, token)| *token);
    tokens.max_by(|a, b| logits[*a as usize].total_cmp(&logits[*b as usize]).then(b.cmp(a)))
}

fn send(request: &Request, event: TranscriptionEvent) {
    // There is room for as many as there can be; a client that went away needs none.
    let _ = request.submission.events.try_send(event);
}
