//! IIN and BIN: twelve digits. A valid date and check digit need no company; beside a context word
//! any twelve digits count, because the state's own rules let an IIN differ from birth data and a
//! mistyped one is nearly as telling.

use super::checks::{has_iin_date, is_bin, is_iin};
use super::digit_window::Window;
use crate::pii::Entity;
use crate::pii::detector::candidate::Strength;
use crate::pii::detector::context::topics::{BIN, IIN, Topics};

pub(crate) const LEN: usize = 12;

/// What a window of twelve digits is by its own structure.
pub(crate) fn by_structure(window: &Window<'_>) -> Option<(Entity, Strength)> {
    let digits = window.digits();
    if is_iin(digits) {
        Some((Entity::Iin, Strength::Identified))
    } else if is_bin(digits) {
        Some((Entity::Bin, Strength::Organisation))
    } else {
        None
    }
}

/// What a window of twelve digits is by the words around it. Inside a longer list of groups only
/// its first or last alignment is taken at its word. `topics` is asked last, as it is dear.
pub(crate) fn by_context(window: &Window<'_>, topics: impl FnOnce() -> Topics) -> Option<(Entity, Strength)> {
    if !(window.is_contiguous() || window.starts_isolated() || window.ends_isolated()) {
        return None;
    }
    let topics = topics();
    if topics & (IIN | BIN) == 0 {
        return None;
    }
    let digits = window.digits();
    // Sole traders put their IIN where a BIN is asked for.
    let says_bin_only = topics & IIN == 0;
    if is_bin(digits) && topics & BIN != 0 || says_bin_only && !has_iin_date(digits) {
        Some((Entity::Bin, Strength::Organisation))
    } else {
        Some((Entity::Iin, Strength::Context))
    }
}
