//! Masking as its callers see it.
