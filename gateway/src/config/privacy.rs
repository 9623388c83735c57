//! `[privacy]` and `[labels]`, checked: recognisers compile, names are names, secrets are only pointed at.

use std::time::Duration;

use toml::Spanned;

use super::file::{ConversationsFile, LabelsFile, PrivacyFile, RecognizerFile, RuleFile};
use super::validate::{Invalid, invalid};
use crate::auth::{DataClass, KeyRecord};
use crate::labels::Notice;
use crate::pii::{CustomEntity, CustomRecognizer, Entity, PolicyOverrides, check_recognizer as check_usable};
use crate::secrets::{SecretError, SecretSource};

const MAX_CONVERSATIONS: usize = 1 << 24;

/// What holds for all routes.
#[derive(Debug, Clone)]
pub struct Privacy {
    pub default_local: Option<String>,
    pub scan_timeout: Duration,
    /// The local model that reads texts after the rules have, and how long it may take.
    pub classifier: Option<String>,
    pub classifier_timeout: Duration,
    pub overrides: PolicyOverrides,
    pub recognizers: Vec<CustomRecognizer>,
    pub examples: Vec<RecognizerExamples>,
    pub rules: Vec<Rule>,
    pub conversations: Conversations,
}

/// Texts that say whether a recogniser does what it should.
#[derive(Debug, Clone)]
pub struct RecognizerExamples {
    pub entity: Entity,
    pub matches: Vec<String>,
    pub rejects: Vec<String>,
}

/// Who is treated more strictly than their route says.
#[derive(Debug, Clone)]
pub struct Rule {
    tenant: Option<String>,
    project: Option<String>,
    environment: Option<String>,
    key: Option<String>,
    pub raised: PolicyOverrides,
    pub data_class: DataClass,
}

impl Rule {
    pub fn applies_to(&self, key: &KeyRecord) -> bool {
        let fits = |selector: &Option<String>, value: &str| selector.as_ref().is_none_or(|wanted| wanted == value);
        fits(&self.tenant, &key.tenant)
            && fits(&self.project, &key.project)
            && fits(&self.environment, &key.environment)
            && fits(&self.key, &key.id)
    }
}

/// What is remembered between the requests of a conversation.
#[derive(Debug, Clone)]
pub struct Conversations {
    pub ttl: Duration,
    pub max_conversations: usize,
    pub vault_key: Option<SecretSource>,
}

/// What answers say about themselves.
#[derive(Debug, Clone)]
pub struct LabelsConfig {
    pub signs: bool,
    pub signing_key: Option<SecretSource>,
    /// A visible notice, in its language.
    pub notice: Option<Notice>,
}

pub(super) fn check_privacy(file: PrivacyFile) -> Result<Privacy, Invalid> {
    let mut overrides = PolicyOverrides { actions: file.entities, thresholds: file.thresholds };
    let mut recognizers = Vec::with_capacity(file.recognizers.len());
    let mut examples = Vec::with_capacity(file.recognizers.len());
    for recognizer in file.recognizers {
        let (compiled, own_examples, action) = check_recognizer(recognizer, recognizers.len())?;
        overrides.actions.entry(own_examples.entity).or_insert(action);
        recognizers.push(compiled);
        examples.push(own_examples);
    }
    Ok(Privacy {
        default_local: file.default_local.map(Spanned::into_inner),
        scan_timeout: Duration::from_millis(file.scan_timeout_ms),
        classifier: file.classifier.map(Spanned::into_inner),
        classifier_timeout: Duration::from_millis(file.classifier_timeout_ms),
        overrides,
        recognizers,
        examples,
        rules: file.rules.into_iter().map(rule).collect(),
        conversations: check_conversations(&file.conversations)?,
    })
}

fn check_recognizer(
    file: RecognizerFile,
    index: usize,
) -> Result<(CustomRecognizer, RecognizerExamples, crate::pii::Action), Invalid> {
    let name = file.entity.get_ref();
    if Entity::BUILT_IN.iter().any(|entity| entity.as_str() == name) {
        return Err(invalid(&file.entity, format!("'{name}' is a built-in entity; choose another name")));
    }
    let message = "an entity's name is 1 to 64 lower-case letters, digits and underscores";
    let entity = CustomEntity::declare(name).ok_or_else(|| invalid(&file.entity, message))?;
    if !(1..=100).contains(file.score.get_ref()) {
        return Err(invalid(&file.score, "score is 1 to 100 percent"));
    }
    let recognizer = CustomRecognizer {
        entity,
        pattern: file.pattern.get_ref().clone(),
        check: file.check,
        context: file.context,
        score: file.score.into_inner(),
    };
    check_usable(&recognizer, index).map_err(|error| invalid(&file.pattern, error.to_string().replace('\n', " ")))?;
    let examples = RecognizerExamples { entity: Entity::Custom(entity), matches: file.matches, rejects: file.rejects };
    Ok((recognizer, examples, file.action))
}

fn rule(file: RuleFile) -> Rule {
    Rule {
        tenant: file.tenant,
        project: file.project,
        environment: file.environment,
        key: file.key,
        raised: PolicyOverrides { actions: file.entities, thresholds: file.thresholds },
        data_class: file.data_class,
    }
}

fn check_conversations(file: &ConversationsFile) -> Result<Conversations, Invalid> {
    let max = *file.max_conversations.get_ref();
    if !(1..=MAX_CONVERSATIONS).contains(&max) {
        return Err(invalid(&file.max_conversations, format!("max_conversations must be 1 to {MAX_CONVERSATIONS}")));
    }
    let vault_key = file.vault_key.as_ref().map(|source| secret("vault_key", source)).transpose()?;
    Ok(Conversations { ttl: Duration::from_secs(file.ttl_s), max_conversations: max, vault_key })
}

pub(super) fn check_labels(file: &LabelsFile) -> Result<LabelsConfig, Invalid> {
    let notice = file.notice.as_ref().map(|notice| {
        notice.get_ref().parse::<Notice>().map_err(|_| invalid(notice, "[labels] notice is 'ru', 'kk' or 'en'"))
    });
    let signing_key = file.signing_key.as_ref().map(|source| secret("signing_key", source)).transpose()?;
    Ok(LabelsConfig { signs: file.signatures, signing_key, notice: notice.transpose()? })
}

pub(super) fn secret(name: &str, source: &Spanned<String>) -> Result<SecretSource, Invalid> {
    let parsed = source.get_ref().parse().and_then(SecretSource::on_this_machine);
    parsed.map_err(|error: SecretError| invalid(source, format!("{name}: {error}")))
}
