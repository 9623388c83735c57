//! The memory behind the blocks.

use crate::kernels::cpu::{KvDtype, KvLayer, KvShape};

/// Keys and values of every layer, `num_blocks` blocks each.
pub struct KvTensors {
    layers: Vec<KvLayer>,
    /// All layers of the model use one after the other.
    is_shared: bool,
}

impl KvTensors {
    pub fn new(shape: KvShape, dtype: KvDtype, num_layers: usize, num_blocks: usize) -> Self {
        let layers = (0..num_layers).map(|_| KvLayer::new(shape, dtype, num_blocks)).collect();
        Self { layers, is_shared: false }
    }

    /// Memory of a single layer, which each layer of a step writes over: for steps that nothing is to be kept of.
    pub fn shared(shape: KvShape, dtype: KvDtype, num_blocks: usize) -> Self {
        Self { layers: vec![KvLayer::new(shape, dtype, num_blocks)], is_shared: true }
    }

    pub fn layer_mut(&mut self, layer: usize) -> &mut KvLayer {
        &mut self.layers[if self.is_shared { 0 } else { layer }]
    }
}
