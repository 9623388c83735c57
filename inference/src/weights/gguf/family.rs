//! The architectures of GGUF files: which Hugging Face one each is, and what its files do otherwise.

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// `general.architecture`
    pub name: &'static str,
    pub architecture: &'static str,
    /// The architecture where the model has experts.
    pub with_experts: &'static str,
    /// Rows of queries and keys stand in the order of a rotation that turns neighbours.
    pub permuted: bool,
    /// Norms are stored with the one that the model adds.
    pub norms_with_one: bool,
    /// What `post_attention_layernorm` is called.
    pub post_attention: &'static str,
    /// Weights of the chosen experts are made to sum to one, where the file does not say.
    pub renormalises: bool,
}

const PLAIN: Family = Family {
    name: "",
    architecture: "",
    with_experts: "",
    permuted: false,
    norms_with_one: false,
    post_attention: "ffn_norm",
    renormalises: false,
};

const fn family(name: &'static str, architecture: &'static str) -> Family {
    Family { name, architecture, ..PLAIN }
}

const POST: &str = "post_attention_norm";

pub(super) const FAMILIES: [Family; 25] = [
    Family { permuted: true, with_experts: "MixtralForCausalLM", ..family("llama", "LlamaForCausalLM") },
    family("qwen2", "Qwen2ForCausalLM"),
    Family { with_experts: "Qwen2MoeForCausalLM", ..family("qwen2moe", "") },
    family("qwen3", "Qwen3ForCausalLM"),
    Family { with_experts: "Qwen3MoeForCausalLM", renormalises: true, ..family("qwen3moe", "") },
    Family { norms_with_one: true, ..family("gemma", "GemmaForCausalLM") },
    Family { norms_with_one: true, post_attention: POST, ..family("gemma2", "Gemma2ForCausalLM") },
    Family { norms_with_one: true, post_attention: POST, ..family("gemma3", "Gemma3ForCausalLM") },
    family("phi3", "Phi3ForCausalLM"),
    Family { with_experts: "GptOssForCausalLM", post_attention: POST, ..family("gpt-oss", "") },
    Family { permuted: true, ..family("granite", "GraniteForCausalLM") },
    Family { permuted: true, with_experts: "GraniteMoeForCausalLM", ..family("granitemoe", "") },
    Family { permuted: true, ..family("smollm3", "SmolLM3ForCausalLM") },
    Family { permuted: true, ..family("olmo", "OlmoForCausalLM") },
    Family { post_attention: POST, ..family("olmo2", "Olmo2ForCausalLM") },
    Family { with_experts: "OlmoeForCausalLM", ..family("olmoe", "") },
    family("glm4", "Glm4ForCausalLM"),
    family("starcoder2", "Starcoder2ForCausalLM"),
    family("stablelm", "StableLmForCausalLM"),
    family("command-r", "CohereForCausalLM"),
    family("cohere2", "Cohere2ForCausalLM"),
    Family { post_attention: POST, ..family("exaone4", "Exaone4ForCausalLM") },
    family("ernie4_5", "Ernie4_5ForCausalLM"),
    family("hunyuan-dense", "HunYuanDenseV1ForCausalLM"),
    Family { post_attention: POST, ..family("seed_oss", "SeedOssForCausalLM") },
];

pub(super) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
