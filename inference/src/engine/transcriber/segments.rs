//! From a window's tokens to segments, and to where the next window begins: OpenAI's `transcribe`, after its times.

use crate::audio::FRAMES_PER_SECOND;
use crate::models::whisper::WhisperVocabulary;

/// Frames of a step of time.
const FRAMES_PER_TIME: usize = FRAMES_PER_SECOND / WhisperVocabulary::TIMES_PER_SECOND;
/// A window begins at least so many frames behind the one before, whatever the model says of times: a sound is read in a
/// bounded number of windows.
const LEAST_ADVANCE: usize = FRAMES_PER_SECOND;

/// Windows that a sound of so many frames has at most.
pub(super) fn max_windows(num_frames: usize) -> usize {
    num_frames / LEAST_ADVANCE + 1
}

/// A stretch of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut<'a> {
    /// Seconds from the sound's beginning.
    pub start: f64,
    pub end: f64,
    pub tokens: &'a [u32],
}

/// The frames that a window is about, in the whole sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowFrames {
    pub first: usize,
    pub count: usize,
}

impl WindowFrames {
    fn seconds(self, frames: usize) -> f64 {
        (self.first + frames) as f64 / FRAMES_PER_SECOND as f64
    }

    /// The window in one piece, as where there are no times.
    pub(super) fn whole(self, tokens: &[u32]) -> Cut<'_> {
        Cut { start: self.seconds(0), end: self.seconds(self.count), tokens }
    }

    /// Its segments, and the frames to the beginning of the next window.
    pub(super) fn cut<'a>(self, vocabulary: &WhisperVocabulary, tokens: &'a [u32]) -> (Vec<Cut<'a>>, usize) {
        let is_time = |at: usize| tokens.get(at).is_some_and(|token| vocabulary.is_timestamp(*token));
        let frames = |token: u32| (token - vocabulary.first_timestamp()) as usize * FRAMES_PER_TIME;
        let len = tokens.len();
        // The text goes on behind a pair of times; one time at the end says that nothing follows.
        let ends_alone = len >= 2 && is_time(len - 1) && !is_time(len - 2);
        let mut ends: Vec<usize> = (1..len).filter(|at| is_time(at - 1) && is_time(*at)).collect();
        if ends.is_empty() {
            let last = tokens.iter().rev().find(|token| vocabulary.is_timestamp(**token)).map(|token| frames(*token));
            let end = last.filter(|last| *last > 0).unwrap_or(self.count);
            return (vec![Cut { end: self.seconds(end), ..self.whole(tokens) }], self.count);
        }
        if ends_alone {
            ends.push(len);
        }
        let mut begin = 0;
        let mut cuts = Vec::new();
        for end in &ends {
            let tokens = &tokens[begin..*end];
            let time = |token: Option<&u32>| {
                token.filter(|token| vocabulary.is_timestamp(**token)).map_or(0, |token| frames(*token))
            };
            let (start, stop) = (time(tokens.first()), time(tokens.last()));
            cuts.push(Cut { start: self.seconds(start), end: self.seconds(stop), tokens });
            begin = *end;
        }
        let said = if ends_alone { self.count } else { frames(tokens[begin - 1]) };
        (cuts, said.max(LEAST_ADVANCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> WhisperVocabulary {
        WhisperVocabulary {
            start: 11,
            end: 10,
            previous: None,
            no_speech: 14,
            no_timestamps: 99,
            tasks: None,
            languages: Vec::new(),
            suppressed: Vec::new(),
            suppressed_first: Vec::new(),
            max_first_timestamp: 50,
            vocab_size: 1700,
        }
    }

    /// A time by its seconds.
    fn at(seconds: f64) -> u32 {
        100 + (seconds * 50.0).round() as u32
    }

    fn cut(tokens: &[u32]) -> (Vec<(f64, f64, usize)>, usize) {
        let (cuts, advance) = WindowFrames { first: 500, count: 2900 }.cut(&vocabulary(), tokens);
        (cuts.into_iter().map(|cut| (cut.start, cut.end, cut.tokens.len())).collect(), advance)
    }

    #[test]
    fn pairs_of_times_part_segments_and_the_last_says_where_to_go_on() {
        let tokens = [at(0.0), 1, 2, at(4.0), at(4.5), 3, at(7.0), at(7.0), 4];
        assert_eq!(cut(&tokens), (vec![(5.0, 9.0, 4), (9.5, 12.0, 3)], 700));
        let ended = [at(0.0), 1, at(4.0), at(4.5), 3, at(20.0)];
        assert_eq!(cut(&ended), (vec![(5.0, 9.0, 3), (9.5, 25.0, 3)], 2900));
    }

    #[test]
    fn without_pairs_the_window_is_one_segment() {
        assert_eq!(cut(&[at(0.0), 1, 2]), (vec![(5.0, 34.0, 3)], 2900));
        assert_eq!(cut(&[at(0.0), 1, at(3.0)]), (vec![(5.0, 8.0, 3)], 2900));
        assert_eq!(cut(&[]), (vec![(5.0, 34.0, 0)], 2900));
    }

    #[test]
    fn every_window_goes_on_by_a_second_at_least() {
        assert_eq!(cut(&[at(0.0), 1, at(0.0), at(0.0), 2]).1, LEAST_ADVANCE);
        assert_eq!((max_windows(0), max_windows(99), max_windows(3000)), (1, 1, 31));
    }
}
