//! Memory that layers compute in, handed from one to the next.

/// Buffers of one forward pass. They grow to the largest step seen and never shrink.
#[derive(Default)]
pub struct Scratch {
    /// What a layer's first projections give.
    pub wide: Vec<f32>,
    /// What its last projection reads.
    pub narrow: Vec<f32>,
    /// Inputs laid out for the linear kernel.
    pub interleaved: Vec<f32>,
    /// Rows of one expert, or latent keys and values.
    pub gathered: Vec<f32>,
    /// One expert's answers, or latent keys and values expanded.
    pub expanded: Vec<f32>,
    /// Every row's weight of every expert, or what latent projections read.
    pub routed: Vec<f32>,
}

impl Scratch {
    pub const COUNT: usize = 6;

    pub fn buffers(&mut self) -> [&mut Vec<f32>; Self::COUNT] {
        let Self { wide, narrow, interleaved, gathered, expanded, routed } = self;
        [wide, narrow, interleaved, gathered, expanded, routed]
    }

    pub fn size_in_bytes(&self) -> usize {
        let Self { wide, narrow, interleaved, gathered, expanded, routed } = self;
        let all = [wide, narrow, interleaved, gathered, expanded, routed];
        all.into_iter().map(Vec::capacity).sum::<usize>() * size_of::<f32>()
    }
}
