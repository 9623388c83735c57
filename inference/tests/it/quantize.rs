//! Weights rounded at load: what it costs in quality and saves in memory, and its cache on disk.

use std::path::PathBuf;

use serde_json::{Value, json};
use shekara_inference::catalog::{Catalog, CatalogSettings, ModelSettings};
use shekara_inference::server::{ServerState, router};
use shekara_inference::weights::Quantization;

use crate::architectures::exact;
use crate::support::{Models, Server, copy_folder, fixture};

const TEXT: &str = "Кордон: the border that your data does not cross. Қазақстан, 2026 жыл.";

fn serve(models: &Models, quantize: Option<Quantization>) -> Server {
    let one = ModelSettings { quantize, ..ModelSettings::default() };
    let settings =
        CatalogSettings { engine: exact(), models: [("model".to_owned(), one)].into(), ..CatalogSettings::default() };
    let catalog = Catalog::load(models.directory.path(), settings).expect("the directory opens");
    let app = router(ServerState::new(catalog.clone()).with_body_limit(1 << 20));
    Server { app, catalog }
}

/// The project's demo model, which was trained: random weights say little about quality.
fn demo() -> Models {
    let models = Models::new(&[]);
    copy_folder(&fixture("../../../models/demo"), &models.path("model"));
    models
}

async fn logprobs(server: &Server) -> Vec<f64> {
    server.model("model");
    let request = json!({"model": "model", "prompt": TEXT, "echo": true, "max_tokens": 0, "logprobs": 0});
    let answer = server.ask("/v1/completions", &request).await;
    let rows = answer.body["choices"][0]["logprobs"]["token_logprobs"].as_array().expect("numbers").clone();
    rows.iter().filter_map(Value::as_f64).collect()
}

fn mean_difference(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).sum::<f64>() / found.len() as f64
}

fn caches(models: &Models) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(models.path(".cache/quantized")).into_iter().flatten();
    entries.map(|entry| entry.expect("entry").path()).collect()
}

#[tokio::test]
async fn rounded_weights_say_nearly_the_same() {
    let models = demo();
    let expected = logprobs(&serve(&models, None)).await;
    for (quantization, most) in [(Quantization::Q8_0, 0.02), (Quantization::Fp8, 0.08), (Quantization::Q4K, 0.25)] {
        let found = logprobs(&serve(&models, Some(quantization))).await;
        let difference = mean_difference(&found, &expected);
        assert!(difference > 0.0 && difference < most, "{quantization:?}: {difference}");
    }
}

#[tokio::test]
async fn what_was_rounded_is_kept_and_damage_is_made_good() {
    let models = demo();
    let quantize = Some(Quantization::Q4K);
    let first = logprobs(&serve(&models, quantize)).await;
    let files = caches(&models);
    assert_eq!(files.len(), 1);
    let whole = std::fs::read(&files[0]).expect("a cache");
    assert_eq!(logprobs(&serve(&models, quantize)).await, first);
    // One wrong byte amid the weights: the tensor is rounded anew, and so is the file at the next start.
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 1;
    std::fs::write(&files[0], damaged).expect("write");
    assert_eq!(logprobs(&serve(&models, quantize)).await, first);
    assert_eq!(logprobs(&serve(&models, quantize)).await, first);
    assert_eq!(caches(&models), files);
    std::fs::write(&files[0], "no cache at all").expect("write");
    assert_eq!(logprobs(&serve(&models, quantize)).await, first);
    // Nowhere to write to.
    std::fs::remove_dir_all(models.path(".cache")).expect("remove");
    std::fs::write(models.path(".cache"), "a file in the way").expect("write");
    assert_eq!(logprobs(&serve(&models, quantize)).await, first);
}

#[tokio::test]
async fn every_way_of_storing_experts_and_projections_can_be_rounded() {
    for name in ["mixtral", "granite-moe", "deepseek-v3", "gpt-oss-mxfp4", "phi3", "falcon", "gpt-neox", "llama-fp8"] {
        for quantize in [Quantization::Q8_0, Quantization::Q4K, Quantization::Fp8] {
            let models = Models::new(&[]);
            copy_folder(&fixture("architectures").join(name), &models.path("model"));
            for file in ["tokenizer.json", "tokenizer_config.json"] {
                std::fs::copy(fixture("llama-tiny").join(file), models.path("model").join(file)).expect("copy");
            }
            let expected = logprobs(&serve(&models, None)).await;
            let difference = mean_difference(&logprobs(&serve(&models, Some(quantize))).await, &expected);
            assert!(difference < 1.0, "{name} {quantize:?}: {difference}");
        }
    }
}
