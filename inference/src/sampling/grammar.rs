//! placeholder until the real one is merged
pub struct GrammarMatcher;
impl GrammarMatcher {
    pub fn mask(&mut self, _: &mut [f32]) {}
    pub fn advance(&mut self, drawn: u32, _: usize) -> u32 { drawn }
    pub fn forced(&mut self, _: usize) -> Vec<u32> { Vec::new() }
    pub fn is_finished(&mut self) -> bool { false }
}
#[derive(Clone)]
pub struct CompiledGrammar;
impl CompiledGrammar { pub fn matcher(&self) -> GrammarMatcher { GrammarMatcher } }
