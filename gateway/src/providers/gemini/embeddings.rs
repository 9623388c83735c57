//! Embeddings: a batch of texts in Gemini's words, and the vectors as OpenAI's list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use crate::providers::chat_fields::ChatFields;

/// # Errors
/// 400: the request asks for what this API does not have; the field is named.
pub(super) fn batch_body((body, model): (&[u8], &str), drops_unsupported: bool) -> Result<Vec<u8>, ApiError> {
    let request: Map<String, Value> = serde_json::from_slice(body).map_err(|_| ApiError::internal())?;
    let fields = ChatFields::new(&request, drops_unsupported);
    fields.check(&["input", "dimensions", "encoding_format"])?;
    let one = |text: &Value| {
        let text = text.as_str().ok_or_else(|| ApiError::unsupported("input", "Input other than texts is"))?;
        let mut request = json!({ "model": format!("models/{model}"), "content": { "parts": [{ "text": text }] } });
        if let Some(dimensions) = fields.get("dimensions") {
            request["outputDimensionality"] = dimensions.clone();
        }
        Ok(request)
    };
    let requests: Vec<Value> = match fields.get("input") {
        Some(Value::Array(texts)) => texts.iter().map(one).collect::<Result<_, ApiError>>()?,
        input => vec![one(input.unwrap_or(&Value::Null))?],
    };
    serde_json::to_vec(&json!({ "requests": requests })).map_err(|_| ApiError::internal())
}

pub(super) fn wants_base64(body: &[u8]) -> bool {
    let request: Result<Map<String, Value>, _> = serde_json::from_slice(body);
    request.is_ok_and(|request| request.get("encoding_format").is_some_and(|format| format == "base64"))
}

/// `None` for what holds no vectors. Counts are told only where the answer has them.
pub(super) fn as_list(answer: &Value, model: &str, as_base64: bool) -> Option<Value> {
    let vectors = answer["embeddings"].as_array()?.iter().enumerate().map(|(index, embedding)| {
        let values = embedding["values"].as_array().filter(|values| !values.is_empty())?;
        let vector = if as_base64 { packed(values)? } else { json!(values) };
        Some(json!({ "object": "embedding", "index": index, "embedding": vector }))
    });
    let mut list = json!({ "object": "list", "data": vectors.collect::<Option<Vec<_>>>()?, "model": model });
    if let Some(tokens) = answer["usageMetadata"]["promptTokenCount"].as_u64() {
        list["usage"] = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    }
    Some(list)
}

/// Little-endian floats in base64, as OpenAI's SDKs ask for.
#[allow(clippy::cast_possible_truncation, reason = "vectors are single-precision")]
fn packed(values: &[Value]) -> Option<Value> {
    let bytes: Option<Vec<[u8; 4]>> = values.iter().map(|value| Some((value.as_f64()? as f32).to_le_bytes())).collect();
    Some(json!(STANDARD.encode(bytes?.concat())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(request: &Value) -> Result<Value, ApiError> {
        let body = batch_body((request.to_string().as_bytes(), "gemini-embedding-001"), false)?;
        Ok(serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn texts_go_as_a_batch() {
        let one = |text: &str| {
            json!({ "model": "models/gemini-embedding-001", "content": { "parts": [{ "text": text }] },
                "outputDimensionality": 3 })
        };
        let asked =
            json!({ "model": "a", "input": ["x", "y"], "dimensions": 3, "encoding_format": "float", "user": "u" });
        assert_eq!(body(&asked).unwrap(), json!({ "requests": [one("x"), one("y")] }));
        assert_eq!(body(&json!({ "input": "x", "dimensions": 3 })).unwrap(), json!({ "requests": [one("x")] }));
        for (request, param) in
            [(json!({ "input": [[1, 2]] }), "input"), (json!({ "input": "x", "task": "y" }), "task")]
        {
            assert_eq!(body(&request).unwrap_err().param.as_deref(), Some(param));
        }
    }

    #[test]
    fn vectors_come_as_a_list() {
        let answer = json!({ "embeddings": [{ "values": [0.5, -1.0] }], "usageMetadata": { "promptTokenCount": 2 } });
        let list = as_list(&answer, "m", false).unwrap();
        assert_eq!(list["data"], json!([{ "object": "embedding", "index": 0, "embedding": [0.5, -1.0] }]));
        assert_eq!(list["usage"], json!({ "prompt_tokens": 2, "total_tokens": 2 }));
        let packed = as_list(&answer, "m", true).unwrap();
        assert_eq!(packed["data"][0]["embedding"], "AAAAPwAAgL8=");
        for nothing in [json!({}), json!({ "embeddings": [{}] }), json!({ "embeddings": [{ "values": [] }] })] {
            assert_eq!(as_list(&nothing, "m", false), None, "{nothing}");
        }
    }
}
