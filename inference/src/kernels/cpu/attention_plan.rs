//! How the work of one call is cut into tiles, so that many cores end at about the same time.
//!
//! Where cuts are made changes no bit: rows of a tile do not feel each other, and a context that is
//! shared out is cut between splits, whose answers are merged in their order wherever they come from.

use std::ops::Range;

use super::attention::{AttentionShape, SequenceSpan};
use super::attention_tile::{SPLIT, state_len};

/// Pieces of about equal cost that a call is cut into: four each for sixteen cores.
const TASKS: usize = 64;
/// Query rows (query token times head of its group) that share one pass over the context, at most.
const MAX_ROWS: usize = 256;
/// Tiles have so many rows where there are enough of them, and only tiles of no more are cut along the context.
const MIN_ROWS: usize = 16;
/// Values that are kept between the two phases of a context that is shared out: 32 MiB.
const MAX_PARTIALS: usize = 8 << 20;

/// Query tokens `first..first + count` of a span, for the query heads of one key-value head, over some splits of
/// the context.
#[derive(Clone, Debug)]
pub(super) struct Tile<'a> {
    pub span: &'a SequenceSpan<'a>,
    pub first: usize,
    pub count: usize,
    pub head: usize,
    pub splits: Range<usize>,
    /// Where the answers of the splits go that are merged later, one after the other.
    pub partials: Option<usize>,
}

/// What is computed, and what is put together of it.
pub(super) struct Plan<'a> {
    /// The dearest first.
    pub tiles: Vec<Tile<'a>>,
    /// Whole tiles of which only parts are among [`Self::tiles`].
    pub shared: Vec<Tile<'a>>,
    /// Values that the answers of shared tiles' splits take.
    pub num_partials: usize,
    /// Multiply-adds of them all.
    pub cost: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(shape: &AttentionShape<'_>, spans: &'a [SequenceSpan<'a>]) -> Self {
        let whole = whole_tiles(shape, spans);
        let cost: usize = whole.iter().map(|tile| keys_seen(shape, tile)).sum();
        let mut plan =
            Self { tiles: Vec::new(), shared: Vec::new(), num_partials: 0, cost: cost * shape.kv.head_dim * 2 };
        for tile in whole {
            let rows = tile.count * shape.group();
            let at_once = (cost / TASKS).div_ceil(rows * SPLIT).max(1);
            let partials = tile.splits.len() * rows * state_len(shape.kv.padded_dim());
            if rows > MIN_ROWS || at_once >= tile.splits.len() || plan.num_partials + partials > MAX_PARTIALS {
                plan.tiles.push(tile);
                continue;
            }
            let tile = Tile { partials: Some(plan.num_partials), ..tile };
            for first in tile.splits.clone().step_by(at_once) {
                let before = (first - tile.splits.start) * rows * state_len(shape.kv.padded_dim());
                let partials = Some(plan.num_partials + before);
                let splits = first..(first + at_once).min(tile.splits.end);
                plan.tiles.push(Tile { splits, partials, ..tile.clone() });
            }
            plan.num_partials += partials;
            plan.shared.push(tile);
        }
        plan.tiles.sort_by_key(|tile| std::cmp::Reverse(keys_seen(shape, tile)));
        plan
    }
}

fn whole_tiles<'a>(shape: &AttentionShape<'_>, spans: &'a [SequenceSpan<'a>]) -> Vec<Tile<'a>> {
    let group = shape.group();
    let rows: usize = spans.iter().map(|span| span.num_rows * group * shape.kv.num_kv_heads).sum();
    let tokens_per_tile = ((rows / TASKS).clamp(MIN_ROWS, MAX_ROWS) / group).max(1);
    let mut tiles = Vec::new();
    for span in spans {
        for first in (0..span.num_rows).step_by(tokens_per_tile) {
            let count = tokens_per_tile.min(span.num_rows - first);
            let position = span.first_position + first;
            let splits = shape.first_visible(position) / SPLIT..(position + count).div_ceil(SPLIT);
            for head in 0..shape.kv.num_kv_heads {
                tiles.push(Tile { span, first, count, head, splits: splits.clone(), partials: None });
            }
        }
    }
    tiles
}

/// Keys times rows that look at them, about.
fn keys_seen(shape: &AttentionShape<'_>, tile: &Tile<'_>) -> usize {
    let end = (tile.splits.end * SPLIT).min(tile.span.first_position + tile.first + tile.count);
    (end - tile.splits.start * SPLIT) * tile.count * shape.group()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::cpu::KvShape;

    fn shape(num_heads: usize, num_kv_heads: usize) -> AttentionShape<'static> {
        let kv = KvShape { num_kv_heads, head_dim: 128, block_size: 16 };
        AttentionShape { num_heads, kv, scale: 1.0, window: None, softcap: None, sinks: None }
    }

    fn span(num_rows: usize, first_position: usize) -> SequenceSpan<'static> {
        SequenceSpan { first_row: 0, num_rows, first_position, block_table: &[] }
    }

    #[test]
    fn one_long_sequence_is_shared_out_evenly() {
        let spans = [span(1, 8191)];
        let plan = Plan::new(&shape(16, 8), &spans);
        assert_eq!((plan.tiles.len(), plan.shared.len()), (64, 8));
        assert!(plan.tiles.iter().all(|tile| tile.splits.len() == 4));
    }

    #[test]
    fn many_sequences_are_not_cut_but_for_the_longest() {
        let even = vec![span(1, 1023); 32];
        assert!(Plan::new(&shape(16, 8), &even).shared.is_empty());
        let mut uneven = even;
        uneven.push(span(1, 100_000));
        let plan = Plan::new(&shape(16, 8), &uneven);
        assert_eq!(plan.shared.len(), 8);
        let (dearest, all) = (keys_seen(&shape(16, 8), &plan.tiles[0]), plan.cost / 256);
        assert!(dearest * 32 < all, "{dearest} of {all}");
    }

    #[test]
    fn every_split_of_every_row_is_in_one_tile() {
        let spans = [span(700, 300), span(1, 5000), span(5, 900)];
        for shape in [shape(16, 8), shape(3, 1), AttentionShape { window: Some(300), ..shape(4, 2) }] {
            let plan = Plan::new(&shape, &spans);
            for span in &spans {
                for row in 0..span.num_rows {
                    let position = span.first_position + row;
                    for split in shape.first_visible(position) / SPLIT..=position / SPLIT {
                        for head in 0..shape.kv.num_kv_heads {
                            let holds = |tile: &&Tile<'_>| {
                                std::ptr::eq(tile.span, span)
                                    && (tile.first..tile.first + tile.count).contains(&row)
                                    && tile.head == head
                                    && tile.splits.contains(&split)
                            };
                            assert_eq!(plan.tiles.iter().filter(holds).count(), 1, "{row} {split} {head}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_kept_between_the_phases_is_bounded() {
        let spans = vec![span(8, 1_000_000); 40];
        let plan = Plan::new(&shape(16, 8), &spans);
        assert!(plan.num_partials <= MAX_PARTIALS);
    }
}
