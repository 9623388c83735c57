//! The error policy as one table: every way in which a target can fail, for plain, streamed and tool-calling requests, with
//! and without another target. Exact numbers of upstream calls, what the client sees, and what the audit keeps.

mod chaos;
mod matrix;
mod table;
