//! The memory behind the blocks.

use crate::kernels::cpu::{KvDtype, KvLayer, KvShape};

/// Keys and values of every layer, `num_blocks` blocks each.
pub struct KvTensors {
    layers: Vec<KvLayer>,
}

impl KvTensors {
    pub fn new(shape: KvShape, dtype: KvDtype, num_layers: usize, num_blocks: usize) -> Self {
        let layers = (0..num_layers).map(|_| KvLayer::new(shape, dtype, num_blocks)).collect();
        Self { layers }
    }

    pub fn layer_mut(&mut self, layer: usize) -> &mut KvLayer {
        &mut self.layers[layer]
    }
}
