//! A broken folder is reported with its reason and does not hinder the rest.

use serde_json::{Value, json};

use crate::support::{Dtype, Models, copy_folder, fixture, read_safetensors, request, settings, write_safetensors};

/// Each way to break a folder, and what its report must mention.
type Damage = (&'static str, fn(&std::path::Path), &'static str);

fn rewrite(path: &std::path::Path, change: fn(&mut Value)) {
    let text = std::fs::read(path).expect("readable");
    let mut value = serde_json::from_slice(&text).expect("JSON");
    change(&mut value);
    std::fs::write(path, value.to_string()).expect("write");
}

/// Puts `value` into the middle of one tensor.
fn spoil(path: &std::path::Path, value: f32, dtype: Dtype) {
    let path = path.join("model.safetensors");
    let mut tensors = read_safetensors(&path);
    let spoilt = tensors.iter_mut().find(|tensor| tensor.name == "model.layers.1.mlp.down_proj.weight");
    let values = &mut spoilt.expect("in the fixture").values;
    let middle = values.len() / 2;
    values[middle] = value;
    write_safetensors(&path, &tensors, dtype);
}

fn write_template(path: &std::path::Path, template: &str) {
    std::fs::write(path.join("chat_template.jinja"), template).expect("write");
}

const NOT_FINITE: &str = "tensor model.layers.1.mlp.down_proj.weight holds values that are not finite";

const DAMAGES: [Damage; 20] = [
    (
        "truncated-weights",
        |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path.join("model.safetensors"));
            file.expect("open").set_len(100_000).expect("truncate");
        },
        "truncated",
    ),
    (
        "garbage-weights",
        |path| std::fs::write(path.join("model.safetensors"), [0xff; 4096]).expect("write"),
        "safetensors",
    ),
    ("no-weights", |path| std::fs::remove_file(path.join("model.safetensors")).expect("remove"), "no .safetensors"),
    (
        "missing-tensor",
        |path| {
            let path = path.join("model.safetensors");
            let mut tensors = read_safetensors(&path);
            tensors.retain(|tensor| !tensor.name.ends_with("layers.1.mlp.up_proj.weight"));
            write_safetensors(&path, &tensors, Dtype::Bf16);
        },
        "model.layers.1.mlp.up_proj.weight is missing",
    ),
    (
        "wrong-shape",
        |path| rewrite(&path.join("config.json"), |config| config["intermediate_size"] = json!(96)),
        "has shape",
    ),
    ("nan-bf16", |path| spoil(path, f32::NAN, Dtype::Bf16), NOT_FINITE),
    ("infinite-f16", |path| spoil(path, f32::NEG_INFINITY, Dtype::F16), NOT_FINITE),
    ("infinite-f32", |path| spoil(path, f32::INFINITY, Dtype::F32), NOT_FINITE),
    ("no-config", |path| std::fs::remove_file(path.join("config.json")).expect("remove"), "config.json is missing"),
    (
        "unreadable-config",
        |path| {
            std::fs::remove_file(path.join("config.json")).expect("remove");
            std::fs::create_dir(path.join("config.json")).expect("create");
        },
        "config.json cannot be read: ",
    ),
    (
        "empty",
        |path| {
            std::fs::remove_dir_all(path).expect("remove");
            std::fs::create_dir(path).expect("create");
        },
        "the folder is empty",
    ),
    ("bad-config", |path| std::fs::write(path.join("config.json"), "{").expect("write"), "not a JSON object"),
    (
        "unknown-architecture",
        |path| rewrite(&path.join("config.json"), |config| config["architectures"] = json!(["MambaForCausalLM"])),
        "supported are LlamaForCausalLM, MistralForCausalLM",
    ),
    (
        "no-tokenizer",
        |path| std::fs::remove_file(path.join("tokenizer.json")).expect("remove"),
        "tokenizer.json is missing",
    ),
    (
        "bad-tokenizer",
        |path| std::fs::write(path.join("tokenizer.json"), "{}").expect("write"),
        "not a valid tokenizer",
    ),
    (
        "no-template",
        |path| std::fs::remove_file(path.join("tokenizer_config.json")).expect("remove"),
        "no chat template",
    ),
    ("bad-template", |path| write_template(path, "{% for %}"), "template does not parse"),
    (
        "failing-template",
        |path| write_template(path, "{{ foo.bar.baz }}"),
        "template does not render a plain message: undefined value",
    ),
    (
        "endless-template",
        |path| write_template(path, "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"),
        "template does not render a plain message: invalid operation: recursion limit exceeded",
    ),
    ("empty-template", |path| write_template(path, "{% if tools %}x{% endif %}"), "no tokens of a plain message"),
];

#[tokio::test]
async fn each_kind_of_damage_is_named_and_the_sound_model_answers() {
    let models = Models::new(&["qwen3-tiny"]);
    for (name, damage, _) in DAMAGES {
        copy_folder(&fixture("llama-tiny"), &models.path(name));
        damage(&models.path(name));
    }
    std::fs::write(models.path("README.md"), "not a model").expect("write");
    std::fs::create_dir(models.path(".cache")).expect("create");
    std::os::unix::fs::symlink(fixture("llama-tiny"), models.path("linked")).expect("link");
    let server = models.serve(settings());
    for (name, _, reason) in DAMAGES {
        let found = server.failure(name);
        assert!(found.contains(reason), "{name}: {found}");
        assert_eq!(found.matches("os error").count(), usize::from(name == "unreadable-config"), "{found}");
        let answer = server.chat(&request(name, "x", 2)).await;
        assert_eq!(answer.error(), (404, "model_not_found", "model"), "{name}");
    }
    assert_eq!(server.chat(&request("qwen3-tiny", "x", 2)).await.status, 200);
    assert_eq!(server.chat(&request("linked", "x", 2)).await.status, 200);
    let served = server.get("/v1/models").await.body;
    let ids: Vec<&str> = served["data"].as_array().expect("a list").iter().filter_map(|m| m["id"].as_str()).collect();
    assert_eq!(ids, ["linked", "qwen3-tiny"]);
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, 200);
    let listed = ready.body["models"].as_array().expect("a list");
    assert_eq!(listed.len(), DAMAGES.len() + 2);
    for name in ["no-tokenizer", "empty"] {
        let model = listed.iter().find(|model| model["id"] == name);
        assert_eq!(model.expect("listed")["status"], "failed");
    }
}

#[tokio::test]
async fn a_directory_that_does_not_exist_serves_nothing() {
    let models = Models::new(&[]);
    std::fs::remove_dir(models.directory.path()).expect("remove");
    let server = models.serve(settings());
    assert_eq!(server.get("/v1/models").await.body, json!({"object": "list", "data": []}));
    assert_eq!(server.chat(&request("any", "x", 2)).await.error(), (404, "model_not_found", "model"));
}

#[tokio::test]
async fn sharded_weights_answer_like_a_single_file() {
    let models = Models::new(&["llama-tiny"]);
    copy_folder(&fixture("llama-tiny"), &models.path("sharded"));
    let tensors = read_safetensors(&models.path("sharded").join("model.safetensors"));
    std::fs::remove_file(models.path("sharded").join("model.safetensors")).expect("remove");
    let mut map = serde_json::Map::new();
    for (index, shard) in tensors.chunks(tensors.len().div_ceil(3)).enumerate() {
        let name = format!("model-{index}.safetensors");
        write_safetensors(&models.path("sharded").join(&name), shard, Dtype::Bf16);
        map.extend(shard.iter().map(|tensor| (tensor.name.clone(), json!(name))));
    }
    let index = json!({"metadata": {}, "weight_map": map}).to_string();
    std::fs::write(models.path("sharded").join("model.safetensors.index.json"), index).expect("write");
    let server = models.serve(settings());
    let single = server.chat(&request("llama-tiny", "Сәлем", 20)).await;
    let sharded = server.chat(&request("sharded", "Сәлем", 20)).await;
    assert_eq!(single.content(), sharded.content());
}
