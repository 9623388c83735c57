//! What gateways tell each other of a deployment, as lines of words and numbers: that it rests, that it answers again, and
//! who may try first whether it does.
//!
//! Times are durations, for clocks of gateways differ. Names are digests that only a gateway with the same deployment knows.

use std::fmt::Write as _;

/// Whoever tells something, about the deployment of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub name: String,
    /// For [`RestBoard::told`].
    pub serial: u64,
    pub word: Word,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    Rests(Rest),
    /// A request that began so many milliseconds ago was answered.
    Well {
        began_ago_ms: u64,
    },
    /// Its rest has been over for so many milliseconds; may this gateway try first?
    Asks {
        over_ms: u64,
    },
}

/// Why and for how long a deployment is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// One word.
    pub kind: String,
    pub failed_ago_ms: u64,
    pub left_ms: u64,
    /// For failures or slowness, and not only because it said so.
    pub is_open: bool,
    pub failures: u32,
    pub slow: u32,
}

/// What is known in Redis of the deployment of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub name: String,
    /// This gateway told it.
    pub is_own: bool,
    /// This gateway may try first when the rest is over.
    pub may_try: bool,
    pub word: Word,
}

/// Who has news, and whom news are told.
pub trait RestBoard: Send + Sync {
    /// What is still to be told, at most so much.
    fn news(&self, most: usize) -> Vec<News>;
    /// These need not be told again, unless there is something newer.
    fn told(&self, news: &[News]);
    fn hear(&self, heard: Vec<Heard>);
    /// Whether there are others to agree with. At the start there are none.
    fn set_shared(&self, is_shared: bool);
    /// Rises when other names are known than before, so that all is to be heard anew.
    fn generation(&self) -> u64;
    /// Redis may have forgotten what is known here: it is told again.
    fn tell_all(&self);
}

impl News {
    pub(super) fn line(&self) -> String {
        let mut line = String::with_capacity(96);
        // Writing to a text never fails.
        let _ = match &self.word {
            Word::Rests(rest) => {
                let Rest { kind, failed_ago_ms, left_ms, is_open, failures, slow } = rest;
                let open = u8::from(*is_open);
                write!(line, "rest {} {kind} {failed_ago_ms} {left_ms} {open} {failures} {slow}", self.name)
            }
            Word::Well { began_ago_ms } => write!(line, "well {} {began_ago_ms}", self.name),
            Word::Asks { over_ms } => write!(line, "ask {} {over_ms}", self.name),
        };
        line
    }
}

impl Heard {
    /// As the script says it; none for what it never says.
    pub(super) fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, is_own, may_try, kind, ago, left, open, failures, slow] = words[..] else { return None };
        let ago_ms = ago.parse().ok()?;
        let word = if kind == "well" {
            Word::Well { began_ago_ms: ago_ms }
        } else {
            Word::Rests(Rest {
                kind: kind.to_owned(),
                failed_ago_ms: ago_ms,
                left_ms: left.parse().ok()?,
                is_open: open == "1",
                failures: failures.parse().ok()?,
                slow: slow.parse().ok()?,
            })
        };
        Some(Self { name: name.to_owned(), is_own: is_own == "1", may_try: may_try == "1", word })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_of_words_and_numbers_and_read_back() {
        let rest =
            Rest { kind: "rate_limit".into(), failed_ago_ms: 5, left_ms: 7_000, is_open: false, failures: 1, slow: 0 };
        let news = |word| News { name: "ab12".into(), serial: 1, word };
        assert_eq!(news(Word::Rests(rest.clone())).line(), "rest ab12 rate_limit 5 7000 0 1 0");
        assert_eq!(news(Word::Well { began_ago_ms: 9 }).line(), "well ab12 9");
        assert_eq!(news(Word::Asks { over_ms: 3 }).line(), "ask ab12 3");
        let heard = Heard::read("ab12 0 1 rate_limit 5 7000 0 1 0").unwrap();
        assert_eq!(heard, Heard { name: "ab12".into(), is_own: false, may_try: true, word: Word::Rests(rest) });
        let well = Heard::read("ab12 1 0 well 9 0 0 0 0").unwrap();
        assert_eq!((well.is_own, well.word), (true, Word::Well { began_ago_ms: 9 }));
        for garbage in ["", "ab12", "a b c d e f g h i", "ab12 0 1 5xx 5 -7 0 1 0", "a 0 0 5xx 1 1 1 1 1 1"] {
            assert_eq!(Heard::read(garbage), None, "{garbage}");
        }
    }
}
