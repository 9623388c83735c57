//! Ids of what an answer consists of, made from a seed that the caller brings: nothing here knows time or chance.

/// Gives `resp_<seed>`, `msg_<seed>_1`, `fc_<seed>_2` … A seed must be unique to its answer.
#[derive(Debug, Clone)]
pub struct IdSeed {
    seed: String,
    count: u32,
}

impl IdSeed {
    pub fn new(seed: impl Into<String>) -> Self {
        Self { seed: seed.into(), count: 0 }
    }

    /// The answer's own id, the same however often it is asked for.
    pub fn answer(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.seed)
    }

    /// An id that has not been given before.
    pub fn next(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_{}_{}", self.seed, self.count)
    }
}
