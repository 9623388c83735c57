//! Passwords, keys and tokens: known by how they begin, by the block or the link they stand in, or by the word beside.

mod block;
mod code;
mod command;
mod labelled;
mod link;
mod prefixed;
mod seed;
mod table;
mod unknown;
mod value;

use super::budget::Budget;
use super::candidate::Found;
use super::text::Text;

/// Every secret of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    prefixed::scan(text, budget, found);
    block::scan(text, budget, found);
    link::scan(text, budget, found);
    labelled::scan(text, budget, found);
    code::scan(text, budget, found);
    command::scan(text, budget, found);
    seed::scan(text, budget, found);
    table::scan(text, budget, found);
    unknown::scan(text, budget, found);
}
