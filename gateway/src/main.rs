//! The `shekara` binary.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes thousands of short-lived strings, which this one hands out with far less work than the system's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    shekara_gateway::cli::main()
}
