//! From Hugging Face's names of tensors to those of GGUF files.

use super::family::Family;

/// Names of a layer's projections and norms, without the one that families disagree about.
const LAYER: [(&str, &str); 31] = [
    ("input_layernorm", "attn_norm"),
    ("post_self_attn_layernorm", "post_attention_norm"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
    ("post_mlp_layernorm", "post_ffw_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.qkv_proj", "attn_qkv"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.sinks", "attn_sinks"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.q_layernorm", "attn_q_norm"),
    ("self_attn.k_layernorm", "attn_k_norm"),
    ("self_attn.query_layernorm", "attn_q_norm"),
    ("self_attn.key_layernorm", "attn_k_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("mlp.gate_up_proj", "ffn_up"),
    ("mlp.c_fc", "ffn_up"),
    ("mlp.c_proj", "ffn_down"),
    ("mlp.gate", "ffn_gate_inp"),
    ("mlp.router", "ffn_gate_inp"),
    ("block_sparse_moe.gate", "ffn_gate_inp"),
    ("block_sparse_moe.router.layer", "ffn_gate_inp"),
    ("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
    ("mlp.shared_expert.up_proj", "ffn_up_shexp"),
    ("mlp.shared_expert.down_proj", "ffn_down_shexp"),
    ("mlp.shared_expert_gate", "ffn_gate_inp_shexp"),
];

/// Names of an expert's projections.
const EXPERT: [(&str, &str); 6] = [
    ("gate_proj", "ffn_gate"),
    ("up_proj", "ffn_up"),
    ("down_proj", "ffn_down"),
    ("w1", "ffn_gate"),
    ("w3", "ffn_up"),
    ("w2", "ffn_down"),
];

/// What the stored values are, against what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    AsAsked,
    /// Rows of queries in another order.
    Queries,
    /// Rows of keys in another order.
    Keys,
    /// One more.
    PlusOne,
}

/// Where a tensor lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub tensor: String,
    /// It is one of the slices along the first dimension.
    pub slice: Option<usize>,
    /// The name that the slice had as a tensor of its own in older files.
    pub alone: Option<String>,
    pub stored: Stored,
}

/// Where the tensor of a Hugging Face name lies; none if no file has such a one.
pub(super) fn place(family: &Family, name: &str) -> Option<Place> {
    let whole = |tensor: String, stored| Some(Place { tensor, slice: None, alone: None, stored });
    let norm = if family.norms_with_one { Stored::PlusOne } else { Stored::AsAsked };
    match name {
        "model.embed_tokens.weight" => return whole("token_embd.weight".to_owned(), Stored::AsAsked),
        "lm_head.weight" => return whole("output.weight".to_owned(), Stored::AsAsked),
        "model.norm.weight" => return whole("output_norm.weight".to_owned(), norm),
        "model.norm.bias" => return whole("output_norm.bias".to_owned(), Stored::AsAsked),
        _ => {}
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    if rest == "self_attn.sinks" {
        return whole(format!("blk.{layer}.attn_sinks.weight"), Stored::AsAsked);
    }
    let (module, leaf) = rest.rsplit_once('.')?;
    if let Some((_, expert)) = module.split_once(".experts.") {
        let (index, projection) = expert.split_once('.')?;
        let (_, stem) = EXPERT.iter().find(|(theirs, _)| *theirs == projection)?;
        let index: usize = index.parse().ok()?;
        return Some(Place {
            tensor: format!("blk.{layer}.{stem}_exps.{leaf}"),
            slice: Some(index),
            alone: Some(format!("blk.{layer}.{stem}.{index}.{leaf}")),
            stored: Stored::AsAsked,
        });
    }
    if let Some((heads, head)) = module.rsplit_once(".norms.") {
        let stem = layer_stem(family, heads)?;
        let tensor = format!("blk.{layer}.{stem}.{leaf}");
        return Some(Place { tensor, slice: head.parse().ok(), alone: None, stored: Stored::AsAsked });
    }
    let stored = match module {
        "self_attn.q_proj" if family.permuted => Stored::Queries,
        "self_attn.k_proj" if family.permuted => Stored::Keys,
        _ if module.ends_with("norm") && leaf == "weight" => norm,
        _ => Stored::AsAsked,
    };
    whole(format!("blk.{layer}.{}.{leaf}", layer_stem(family, module)?), stored)
}

fn layer_stem(family: &Family, module: &str) -> Option<&'static str> {
    if module == "post_attention_layernorm" {
        return Some(family.post_attention);
    }
    LAYER.iter().find(|(theirs, _)| *theirs == module).map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use super::super::family;
    use super::*;

    #[test]
    fn names_of_experts_norms_and_permuted_rows() {
        let place = |family: &str, name: &str| place(family::find(family).expect("a family"), name).expect("a place");
        let found = place("llama", "model.layers.7.block_sparse_moe.experts.3.w2.weight");
        assert_eq!((found.tensor.as_str(), found.slice), ("blk.7.ffn_down_exps.weight", Some(3)));
        assert_eq!(found.alone.as_deref(), Some("blk.7.ffn_down.3.weight"));
        assert_eq!(place("llama", "model.layers.0.self_attn.k_proj.bias").stored, Stored::Keys);
        assert_eq!(place("qwen2", "model.layers.0.self_attn.k_proj.bias").stored, Stored::AsAsked);
        let found = place("gemma2", "model.layers.1.post_attention_layernorm.weight");
        assert_eq!((found.tensor.as_str(), found.stored), ("blk.1.post_attention_norm.weight", Stored::PlusOne));
        assert_eq!(place("llama", "model.layers.1.post_attention_layernorm.weight").tensor, "blk.1.ffn_norm.weight");
        let found = place("stablelm", "model.layers.1.self_attn.q_layernorm.norms.2.weight");
        assert_eq!((found.tensor.as_str(), found.slice), ("blk.1.attn_q_norm.weight", Some(2)));
        assert!(super::place(&family::FAMILIES[0], "model.layers.x.mlp.up_proj.weight").is_none());
    }
}
