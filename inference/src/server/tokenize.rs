//! vLLM's `/tokenize` and `/detokenize`. What they do is bounded by the size of the body.

use axum::Json;
use axum::extract::{Request, State};
use shekara_protocol::error::ApiError;
use shekara_protocol::tokenize::{
    DetokenizeResponse, TokenizeInput, TokenizeResponse, parse_detokenize, parse_tokenize,
};

use crate::frontend::ModelFrontend;

use super::ServerState;
use super::body;
use super::error::ErrorResponse;
use super::models::find_or_only;

pub(super) async fn tokenize(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<TokenizeResponse>, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let request = body::off_thread(move || body::strictly(&body, parse_tokenize)).await?;
    request.input()?;
    let model = find_or_only(&state.catalog, request.model.as_deref()).await?;
    let tokenize = move || {
        let input = request.input()?;
        let tokens = tokens(&model.frontend, &input)?;
        let strs = || tokens.iter().map(|id| model.frontend.token(*id).unwrap_or_default()).collect();
        Ok(TokenizeResponse {
            count: tokens.len(),
            max_model_len: model.engine.max_context(),
            token_strs: (request.return_token_strs == Some(true)).then(strs),
            tokens,
        })
    };
    Ok(Json(body::off_thread(tokenize).await?))
}

pub(super) async fn detokenize(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<DetokenizeResponse>, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let request = body::off_thread(move || body::strictly(&body, parse_detokenize)).await?;
    let model = find_or_only(&state.catalog, request.model.as_deref()).await?;
    let detokenize = move || {
        if request.tokens.iter().any(|id| model.frontend.token(*id).is_none()) {
            let message = "Invalid 'tokens': expected ids of tokens that the model has.";
            return Err(ApiError::invalid("tokens", message));
        }
        Ok(DetokenizeResponse { prompt: model.frontend.detokenize(&request.tokens) })
    };
    Ok(Json(body::off_thread(detokenize).await?))
}

fn tokens(frontend: &ModelFrontend, input: &TokenizeInput<'_>) -> Result<Vec<u32>, ApiError> {
    match input {
        TokenizeInput::Text { text, add_special_tokens } => frontend.text_tokens(text, *add_special_tokens, "prompt"),
        TokenizeInput::Chat { request, add_special_tokens } => {
            let tokens = frontend.chat_tokens(request)?;
            if *add_special_tokens { with_special_tokens(frontend, tokens) } else { Ok(tokens) }
        }
    }
}

/// Puts around a conversation what the tokenizer puts around any text.
fn with_special_tokens(frontend: &ModelFrontend, tokens: Vec<u32>) -> Result<Vec<u32>, ApiError> {
    let plain = frontend.text_tokens("a", false, "messages")?;
    let whole = frontend.text_tokens("a", true, "messages")?;
    let at = whole.windows(plain.len().max(1)).position(|window| window == plain);
    let Some(at) = at else { return Ok(tokens) };
    let (before, after) = (&whole[..at], &whole[at + plain.len()..]);
    Ok([before, &tokens, after].concat())
}
