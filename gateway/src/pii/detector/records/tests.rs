//! Records as callers see them.
