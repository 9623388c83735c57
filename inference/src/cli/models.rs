//! `models …` and what its commands have in common.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::list::ListArgs;
use super::pull::PullArgs;
use super::verify::VerifyArgs;

#[derive(Subcommand)]
pub enum ModelsCommand {
    /// List the models of the directory, or with --available those that `pull` knows by name
    List(ListArgs),
    /// Bring a model from a hub, a mirror or a copied cache
    Pull(PullArgs),
    /// Check every model's files; fails if one is broken
    Verify(VerifyArgs),
}

#[derive(Args)]
pub struct ModelsArgs {
    /// One folder per model
    #[arg(long, default_value = "models", env = "SHEKARA_MODELS_DIR")]
    pub models_dir: PathBuf,
}

pub fn run_models(command: &ModelsCommand) -> anyhow::Result<()> {
    match command {
        ModelsCommand::List(args) => args.run(),
        ModelsCommand::Pull(args) => args.run(),
        ModelsCommand::Verify(args) => args.run(),
    }
}
