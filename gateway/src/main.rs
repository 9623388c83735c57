//! The `shekara` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    shekara_gateway::cli::main()
}
