//! Stop strings in streamed text: found across token borders, and never shown even in part.

/// Watches a text for the first of several strings.
#[derive(Debug, Default)]
pub(super) struct StopStrings {
    stops: Vec<String>,
    /// The stop string that ends a text is shown.
    include: bool,
    /// The end of the text so far that may be the beginning of a stop string.
    held: String,
}

/// What may be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Screened {
    pub text: String,
    /// The stop string that was found; `text` ends before it, or with it.
    pub stopped: Option<String>,
}

impl StopStrings {
    pub(super) fn new(stops: Vec<String>, include: bool) -> Self {
        Self { stops, include, held: String::new() }
    }

    /// Takes the next piece of text.
    pub(super) fn push(&mut self, delta: &str) -> Screened {
        if self.stops.is_empty() {
            return Screened { text: delta.to_owned(), stopped: None };
        }
        let mut text = std::mem::take(&mut self.held);
        text.push_str(delta);
        let found = self.stops.iter().filter_map(|stop| Some((text.find(stop.as_str())?, stop)));
        if let Some((at, stop)) = found.min_by_key(|(at, _)| *at) {
            text.truncate(if self.include { at + stop.len() } else { at });
            return Screened { text, stopped: Some(stop.clone()) };
        }
        let keep = self.stops.iter().map(|stop| longest_overlap(&text, stop)).max().unwrap_or(0);
        self.held = text.split_off(text.len() - keep);
        Screened { text, stopped: None }
    }

    /// The text held back, when it turns out that nothing follows.
    pub(super) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Bytes of the longest end of `text` that `stop` begins with.
fn longest_overlap(text: &str, stop: &str) -> usize {
    let starts = stop.char_indices().map(|(at, _)| at).skip(1);
    starts.filter(|length| text.ends_with(&stop[..*length])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], deltas: &[&str]) -> (String, bool) {
        let mut strings = StopStrings::new(stops.iter().map(|&stop| stop.to_owned()).collect(), false);
        let mut shown = String::new();
        for delta in deltas {
            let screened = strings.push(delta);
            shown.push_str(&screened.text);
            if screened.stopped.is_some() {
                return (shown, true);
            }
        }
        shown.push_str(&strings.finish());
        (shown, false)
    }

    #[test]
    fn stops_across_borders_and_shows_no_part() {
        assert_eq!(run(&["конец"], &["это ко", "не", "ц истории"]), ("это ".to_owned(), true));
        assert_eq!(run(&["ab", "b"], &["xa", "b"]), ("x".to_owned(), true));
        assert_eq!(run(&["STOP"], &["a ST", "AY"]), ("a STAY".to_owned(), false));
        assert_eq!(run(&["STOP"], &["a ST"]), ("a ST".to_owned(), false));
    }

    #[test]
    fn the_stop_string_is_named_and_shown_if_wanted() {
        let mut strings = StopStrings::new(vec!["b".to_owned(), "cd".to_owned()], true);
        assert_eq!(strings.push("ac"), Screened { text: "a".to_owned(), stopped: None });
        assert_eq!(strings.push("de"), Screened { text: "cd".to_owned(), stopped: Some("cd".to_owned()) });
    }

    proptest! {
        #[test]
        fn splits_do_not_matter(text in "[abә]{0,20}", stop in "[abә]{1,4}", cuts in prop::collection::vec(0usize..20, 0..6)) {
            let characters: Vec<char> = text.chars().collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(characters.len())).collect();
            cuts.extend([0, characters.len()]);
            cuts.sort_unstable();
            let pieces: Vec<String> = cuts.windows(2).map(|cut| characters[cut[0]..cut[1]].iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let expected = match text.find(&stop) {
                Some(at) => (text[..at].to_owned(), true),
                None => (text.clone(), false),
            };
            prop_assert_eq!(run(&[&stop], &pieces), expected);
        }
    }
}
