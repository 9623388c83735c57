//! Segments as subtitles: SubRip and WebVTT.

use super::TranscriptSegment;

/// SubRip.
pub fn srt(segments: &[TranscriptSegment]) -> String {
    let cue = |(index, segment): (usize, &TranscriptSegment)| {
        let (start, end) = (time(segment.start, ','), time(segment.end, ','));
        format!("{}\n{start} --> {end}\n{}\n\n", index + 1, cue_text(segment))
    };
    segments.iter().enumerate().map(cue).collect()
}

/// WebVTT.
pub fn vtt(segments: &[TranscriptSegment]) -> String {
    let cue = |segment: &TranscriptSegment| {
        let (start, end) = (time(segment.start, '.'), time(segment.end, '.'));
        format!("{start} --> {end}\n{}\n\n", cue_text(segment))
    };
    "WEBVTT\n\n".to_owned() + &segments.iter().map(cue).collect::<String>()
}

/// A text that cannot be taken for the line of times, or end its cue.
fn cue_text(segment: &TranscriptSegment) -> String {
    let lines = segment.text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace("-->", "->")
}

/// `01:02:03,456`
fn time(seconds: f64, mark: char) -> String {
    let all = (seconds.max(0.0) * 1000.0).round() as u64;
    let (hours, minutes) = (all / 3_600_000, all / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}{mark}{:03}", all / 1000 % 60, all % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: f64, end: f64, text: &str) -> TranscriptSegment {
        TranscriptSegment {
            id: 0,
            seek: 0,
            start,
            end,
            text: text.to_owned(),
            tokens: Vec::new(),
            temperature: 0.0,
            avg_logprob: 0.0,
            compression_ratio: 1.0,
            no_speech_prob: 0.0,
        }
    }

    #[test]
    fn cues_have_times_and_one_text_each() {
        let segments = [segment(0.0, 1.5, " first"), segment(3_661.0, 3_662.040_5, " a --> b\n\nc")];
        let expected = "1\n00:00:00,000 --> 00:00:01,500\nfirst\n\n2\n01:01:01,000 --> 01:01:02,041\na -> b\nc\n\n";
        assert_eq!(srt(&segments), expected);
        let expected = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nfirst\n\n01:01:01.000 --> 01:01:02.041\na -> b\nc\n\n";
        assert_eq!(vtt(&segments), expected);
        assert_eq!((srt(&[]).as_str(), vtt(&[]).as_str()), ("", "WEBVTT\n\n"));
    }
}
