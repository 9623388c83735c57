//! `models pull`.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use shekara_inference::hub::{
    DEFAULT_ENDPOINT, HubCache, HubClient, HubSettings, KnownModel, KnownModels, ModelId, ModelRecord, Origin,
    PullEvent, PullOrder, RepoId, Revision, Staged, SystemDisk, Token, stage,
};

use super::ModelsArgs;
use super::inspection::inspect;
use super::progress::Progress;

#[derive(Args)]
pub struct PullArgs {
    /// A short name (`models list --available`), or ORG/NAME
    model: String,
    #[command(flatten)]
    models: ModelsArgs,
    /// A branch, a tag or a commit; the commit is recorded
    #[arg(long)]
    revision: Option<String>,
    /// The folder's name, and the model's in the API; else its short name, or NAME
    #[arg(long)]
    id: Option<String>,
    /// Which .gguf: its name, a pattern, or a quantisation such as Q4_K_M
    #[arg(long)]
    file: Option<String>,
    /// The hub, or a mirror of it
    #[arg(long, env = "HF_ENDPOINT", default_value = DEFAULT_ENDPOINT)]
    endpoint: String,
    /// Take it from this copy of a Hugging Face cache; nothing is sent
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Send nothing: take it from --cache, or from the cache of this machine
    #[arg(long)]
    offline: bool,
}

impl PullArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let catalogue = KnownModels::load();
        let (repo, known) = self.repository(&catalogue)?;
        if let Some(reason) = known.and_then(|known| known.not_yet.as_deref()) {
            tracing::warn!("{repo} is not served by this version: {reason}");
        }
        let order = self.order(repo, known)?;
        let what = format!("failed to pull {}", order.repo);
        let staged = self.stage(&order).context(what.clone())?;
        let problem = inspect(staged.path()).err();
        let was_current = staged.is_current();
        let record = staged.publish().context(what)?;
        if let Some(reason) = problem {
            tracing::warn!("{} is whole, but would not be served: {reason}", record.id);
        }
        report(&record, was_current)
    }

    fn repository<'a>(&self, catalogue: &'a KnownModels) -> anyhow::Result<(RepoId, Option<&'a KnownModel>)> {
        if self.model.contains('/') {
            let repo = RepoId::parse(&self.model)?;
            let known = catalogue.by_source(&repo);
            return Ok((repo, known));
        }
        let Some(known) = catalogue.by_name(&self.model) else {
            let similar = catalogue.similar(&self.model);
            let hint = if similar.is_empty() { String::new() } else { format!(" ({}?)", similar.join(", ")) };
            bail!("no model is known as {:?}{hint}; write ORG/NAME, or see `models list --available`", self.model)
        };
        Ok((RepoId::parse(&known.source)?, Some(known)))
    }

    fn order(&self, repo: RepoId, known: Option<&KnownModel>) -> anyhow::Result<PullOrder> {
        let id = self.id.as_deref().or(known.map(|known| known.name.as_str())).unwrap_or(repo.name());
        let revision = self.revision.as_deref().or(known.and_then(|known| known.revision.as_deref()));
        Ok(PullOrder {
            id: ModelId::parse(id)?,
            revision: revision.map_or_else(|| Ok(Revision::default()), Revision::parse)?,
            models_dir: self.models.models_dir.clone(),
            file: self.file.clone(),
            licence: known.map(|known| known.licence.clone()),
            repo,
        })
    }

    /// The model, whole, beside its place.
    fn stage(&self, order: &PullOrder) -> anyhow::Result<Staged> {
        let progress = Progress::new();
        let report = |event: PullEvent<'_>| progress.on(&event);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let staged = if self.offline || self.cache.is_some() {
            let cache = HubCache::new(&self.cache_dir()?);
            runtime.block_on(stage(Origin::Cache(&cache), order, &SystemDisk, &report))
        } else {
            let token = token()?;
            let client =
                HubClient::new(HubSettings { endpoint: self.endpoint.clone(), token, ..HubSettings::default() })?;
            runtime.block_on(stage(Origin::Hub(&client), order, &SystemDisk, &report))
        };
        progress.end();
        Ok(staged?)
    }

    fn cache_dir(&self) -> anyhow::Result<PathBuf> {
        if let Some(cache) = &self.cache {
            return Ok(cache.clone());
        }
        let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let home = || variable("HF_HOME").or_else(|| Some(variable("HOME")?.join(".cache/huggingface")));
        variable("HF_HUB_CACHE")
            .or_else(|| Some(home()?.join("hub")))
            .context("--offline needs a cache: name one with --cache, HF_HUB_CACHE or HF_HOME")
    }
}

fn token() -> anyhow::Result<Option<Token>> {
    let value = std::env::var("HF_TOKEN").ok();
    let path = std::env::var_os("HF_TOKEN_PATH").map(PathBuf::from);
    Token::find(value.as_deref(), path.as_deref()).context("failed to read the file that HF_TOKEN_PATH names")
}

fn report(record: &ModelRecord, was_current: bool) -> anyhow::Result<()> {
    let bytes: u64 = record.files.iter().map(|file| file.size).sum();
    let state = if was_current { "unchanged" } else { "pulled" };
    let ModelRecord { id, source, revision, files, licence } = record;
    let licence = licence.as_deref().unwrap_or("not stated");
    let mut output = std::io::stdout().lock();
    writeln!(output, "{id}\t{state}\t{source}@{revision}, {} files, {bytes} bytes, licence {licence}", files.len())?;
    Ok(())
}
