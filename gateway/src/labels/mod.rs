//! Labels: what is said, verifiably, about an answer that a machine made.
//!
//! A [`Label`] is the `shekara` object of an answer's body. It holds names, counts and codes that this program or its
//! operator chose, never a value of a prompt or an answer. A [`SignedLabel`] adds the digest of the output and a
//! detached Ed25519 signature over all that the label says and over the tenant: whoever holds output and label can show that
//! neither was changed. The law that asks for machine-readable marks and visible warnings on synthetic results is
//! Kazakhstan's 230-VIII, article 21; the visible warning is [`Notice`].
//!
//! Pure: no clock, no randomness, no network; times and ids come with the label.
//!
//! # What is signed
//!
//! UTF-8 text, each line ended by one line feed, in this order; a field that the label does not have has no line:
//!
//! ```text
//! shekara-label-v1
//! output_sha256=64 hex digits, lower case
//! tenant=the tenant's name
//! synthetic=true
//! request_id=…
//! time=…
//! route=…
//! provider=…
//! model=…
//! zone=…
//! reason=…
//! attempts=…
//! data_class=…
//! entities=iin=1,phone=2
//! action=…
//! notice=…
//! ```
//!
//! Values stand as the label has them; `entities` are sorted by name, and without any there is no line. No value has a
//! control character, so that a line is one field and nothing else. The digest is defined in [`OutputDigest`]; of an
//! answer that is one text it is what `sha256sum` prints.
//!
//! The tenant is signed but does not stand in the label: a published answer need not tell whose contract it was made
//! under. Who checks a label names the tenant; with another one the signature does not hold.
//!
//! # Checking without the gateway
//!
//! Any Ed25519 library (RFC 8032) will do: the public key is 32 bytes (base64 or PEM), `signature.value`
//! is the 64-byte signature in base64url without padding (RFC 4648, section 5), `signature.key_id` is the first 8 bytes
//! of SHA-256 of the public key in hex.
//!
//! 1. Compute the digest of the output that was received and compare it with `output_sha256`.
//! 2. Write the text above into `message`, with the tenant's name.
//! 3. Decode `signature.value` into `signature`.
//! 4. `openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in message -sigfile signature`

mod label;
mod notice;
mod output;
mod read;
mod signature;
mod verify;

pub use label::{Label, SignedLabel, Synthetic, Unsignable};
pub use notice::{Notice, UnknownNotice};
pub use output::{NotHex, OutputDigest, OutputSha256, TooManyFields};
pub use read::{ReadError, VerifyRequest};
pub use signature::LabelSignature;
pub use verify::{Reason, Verdict, verify};

#[cfg(test)]
mod tests;
