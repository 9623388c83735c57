//! Reversible masking: tokens stand for values outside, and the values come back in the answer.
//!
//! What always holds: the same value has the same token for the whole conversation, and no other value has it; a token
//! is restored by its core alone, whole, and only in its own conversation; what cannot be masked makes the request
//! stay; no value shows in an error or a debug print.

mod body;
mod case_ending;
mod compact;
mod conversation;
mod encoded_bytes;
mod entries;
mod error;
mod json_leaf;
mod kazakh_case;
mod key;
mod known_values;
mod person_name;
mod restorer;
mod russian_case;
mod sealed;
mod span;
mod stream_restorer;
mod stream_unit;
#[cfg(test)]
mod tests;
mod token;
mod token_match;
mod tripwire;
mod value;
mod vault;

pub(crate) use body::mask_scanned;
pub use body::{MaskedBody, mask_body};
pub use conversation::{Conversation, MaskedText};
pub use entries::Entries;
pub use error::MaskError;
pub(crate) use json_leaf::for_each_json_leaf;
pub use key::{ConversationId, MaskingSecret};
pub use restorer::Restorer;
pub use sealed::{NONCE_BYTES, SealError, UnsealError, seal, unseal};
pub use span::Span;
pub use stream_restorer::{StreamRestorer, TextKind};
pub use token::Token;
pub use tripwire::{Tripwire, TripwireHit};
pub use vault::{Vault, VaultError, VaultLimits};

/// What a route may tell the model, so that tokens come back as they went out.
pub const MODEL_HINT: &str = "Words in square brackets made of a type and eight characters, like [PERSON_XXXXXXXX], \
     stand for values that you cannot see. Treat each as the value it names. Wherever you mean that value, write the \
     token exactly as it is, brackets included; never translate, shorten, guess or invent one.";
