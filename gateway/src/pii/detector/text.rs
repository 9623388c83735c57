//! What every recogniser gets: one view, the words of it, and the words around a place that say what stands there.
//! What not every text needs is made when it is first asked for.

use std::cell::OnceCell;
use std::ops::Range;

use super::context::columns::Columns;
use super::context::context_words::ContextWords;
use super::context::finder::ContextFinder;
use super::context::topics::Topics;
use super::views::normalize::View;
use super::views::tokens::{Case, Token, tokens};

/// One view of a text and what is known about it.
pub(crate) struct Text<'v> {
    view: &'v View<'v>,
    finder: &'v ContextFinder,
    /// The keys under which the text stood.
    keys: &'v str,
    context: OnceCell<ContextWords>,
    columns: OnceCell<Columns>,
    tokens: OnceCell<Vec<Token>>,
    given: OnceCell<Topics>,
}

impl<'v> Text<'v> {
    pub(crate) fn new(view: &'v View<'v>, finder: &'v ContextFinder, keys: &'v str) -> Self {
        let (context, columns, tokens, given) = Default::default();
        Self { view, finder, keys, context, columns, tokens, given }
    }

    /// The folded text.
    pub(crate) fn bytes(&self) -> &'v [u8] {
        self.view.bytes()
    }

    pub(crate) fn view(&self) -> &'v View<'v> {
        self.view
    }

    /// The keys above the text, as they are written.
    pub(crate) fn keys(&self) -> &'v str {
        self.keys
    }

    /// How the word that is exactly this range was written; `None` where none is.
    pub(crate) fn case_of(&self, range: &Range<usize>) -> Option<Case> {
        let tokens = self.tokens();
        let token = tokens.get(tokens.partition_point(|token| token.range.start < range.start))?;
        (token.range == *range).then_some(token.case)
    }

    /// The words of the text by position.
    pub(crate) fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokens(self.view))
    }

    /// What the words around a place speak for, the keys above the text included.
    pub(crate) fn topics_near(&self, range: &Range<usize>) -> Topics {
        self.context().near(self.bytes(), range) | self.columns().above(range)
    }

    /// Everything that [`Self::topics_near`] could answer for any place inside `range`.
    pub(crate) fn topics_around(&self, range: &Range<usize>) -> Topics {
        self.context().around(range) | self.columns().above(range)
    }

    fn columns(&self) -> &Columns {
        self.columns.get_or_init(|| {
            let context = self.context();
            let marked = self.view.with_tabs();
            Columns::new(&marked, |cell| context.inside(cell))
        })
    }

    /// The word that speaks for one of `topics` at a place, as the word list spells it; for reports.
    pub(crate) fn word_near(&self, range: &Range<usize>, topics: Topics) -> Option<&'static str> {
        let above = || self.context().given() | self.columns().above(range);
        let given = || (above() & topics != 0).then_some("key");
        self.context().word_near(self.bytes(), range, topics).or_else(given)
    }

    /// What the keys above the text speak for, without a look at the text itself.
    pub(crate) fn given(&self) -> Topics {
        *self.given.get_or_init(|| self.finder.topics(self.keys))
    }

    pub(crate) fn context(&self) -> &ContextWords {
        self.context.get_or_init(|| self.finder.words(self.view, self.tokens(), self.given()))
    }
}
