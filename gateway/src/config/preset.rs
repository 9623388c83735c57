//! Providers and servers with OpenAI's API whose address is known. How their dialects differ is told in `providers`.

use serde::Deserialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    Cerebras,
    Deepinfra,
    Deepseek,
    Fireworks,
    Groq,
    Moonshot,
    Openrouter,
    Perplexity,
    Together,
    Xai,
    LlamaCpp,
    LmStudio,
    Ollama,
    Sglang,
    Vllm,
}

impl Preset {
    /// Where it is, if the configuration does not say: of a server, this machine and its usual port.
    pub fn base_url(self) -> &'static str {
        match self {
            Self::Cerebras => "https://api.cerebras.ai/v1",
            Self::Deepinfra => "https://api.deepinfra.com/v1/openai",
            Self::Deepseek => "https://api.deepseek.com/v1",
            Self::Fireworks => "https://api.fireworks.ai/inference/v1",
            Self::Groq => "https://api.groq.com/openai/v1",
            Self::Moonshot => "https://api.moonshot.ai/v1",
            Self::Openrouter => "https://openrouter.ai/api/v1",
            Self::Perplexity => "https://api.perplexity.ai",
            Self::Together => "https://api.together.xyz/v1",
            Self::Xai => "https://api.x.ai/v1",
            Self::LlamaCpp => "http://127.0.0.1:8080/v1",
            Self::LmStudio => "http://127.0.0.1:1234/v1",
            Self::Ollama => "http://127.0.0.1:11434/v1",
            Self::Sglang => "http://127.0.0.1:30000/v1",
            Self::Vllm => "http://127.0.0.1:8000/v1",
        }
    }

    /// As the configuration and the catalogue of prices write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cerebras => "cerebras",
            Self::Deepinfra => "deepinfra",
            Self::Deepseek => "deepseek",
            Self::Fireworks => "fireworks",
            Self::Groq => "groq",
            Self::Moonshot => "moonshot",
            Self::Openrouter => "openrouter",
            Self::Perplexity => "perplexity",
            Self::Together => "together",
            Self::Xai => "xai",
            Self::LlamaCpp => "llama-cpp",
            Self::LmStudio => "lm-studio",
            Self::Ollama => "ollama",
            Self::Sglang => "sglang",
            Self::Vllm => "vllm",
        }
    }

    /// Whether it is somebody else's, so that it can never lie inside the border.
    pub fn is_cloud(self) -> bool {
        !matches!(self, Self::LlamaCpp | Self::LmStudio | Self::Ollama | Self::Sglang | Self::Vllm)
    }
}
