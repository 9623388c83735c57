//! What a month comes to: a line for each project, apart by whether it is production and by the side of the border, and one
//! for each closed month of which something came late.
//!
//! A line is «1 услуга», whose sum is its price: the ledger rounds each of its rows by itself, so that no price of a token
//! gives the sum exactly. The tokens stand in the appendix, to the last one.

use std::collections::BTreeMap;

use super::error::InvoiceError;
use super::names::Names;
use crate::auth::Tenant;
use crate::billing::Tenge;
use crate::invoices::{LineDraft, Month, Pricing, Quantity, Unit};
use crate::store::{MonthStanding, Store, UsageGroup, UsageRow};

/// The environment whose use is not a test.
const PRODUCTION: &str = "prod";
const MILLIONTHS: i64 = 1_000_000;
const MS_PER_MINUTE: i64 = 60_000;

#[derive(Debug)]
pub(super) struct Bill {
    pub(super) lines: Vec<LineDraft>,
    pub(super) usage: Vec<UsageRow>,
    /// The ledger's own sum.
    pub(super) total: Tenge,
    /// The month itself if it has rows, and closed ones of which something is not billed yet.
    pub(super) billed: Vec<MonthStanding>,
}

/// How often a bill is made anew that the ledger has overtaken.
pub(super) const MAX_TRIES: usize = 5;

/// None where the ledger went on meanwhile.
pub(super) async fn bill(
    store: &dyn Store,
    tenant: &Tenant,
    month: Month,
    standings: &[MonthStanding],
) -> Result<Option<Bill>, InvoiceError> {
    let groups = store.invoices().usage_groups(tenant.id.clone(), month).await?;
    let names = Names::of(store, &tenant.id).await?;
    let own = standings.iter().find(|standing| standing.month == month);
    let late = standings.iter().filter(|standing| standing.is_closed && standing.month != month && is_late(standing));
    let mut lines = lines_of(&groups, &names, month)?;
    let mut usage = groups.iter().map(|group| usage_row(group, &names)).collect::<Result<Vec<_>, _>>()?;
    let mut billed: Vec<MonthStanding> = own.copied().into_iter().collect();
    for standing in late {
        let sum = standing.tenge.minus(standing.billed)?;
        lines.push(correction(standing.month, sum));
        usage.push(late_usage(standing, sum)?);
        billed.push(*standing);
    }
    let sums = billed.iter().map(|standing| standing.tenge.minus(standing.billed)).collect::<Result<Vec<_>, _>>()?;
    let total = Tenge::sum(sums)?;
    let is_same = Tenge::sum(usage.iter().map(|row| row.sum))? == total;
    Ok(is_same.then_some(Bill { lines, usage, total, billed }))
}

fn is_late(standing: &MonthStanding) -> bool {
    standing.tenge != standing.billed || standing.tokens != standing.billed_tokens
}

fn lines_of(groups: &[UsageGroup], names: &Names, month: Month) -> Result<Vec<LineDraft>, InvoiceError> {
    let mut sums: BTreeMap<(bool, &str, bool), Tenge> = BTreeMap::new();
    for group in groups {
        let is_test = group.environment != PRODUCTION;
        let sum = sums.entry((is_test, &group.project, group.is_external)).or_default();
        *sum = sum.plus(group.tenge)?;
    }
    let line = |((is_test, project, is_external), sum): ((bool, &str, bool), Tenge)| {
        let project = names.project(project);
        let (models, models_kk) = if is_external {
            ("внешним ИИ-моделям", "Сыртқы ЖИ-модельдерге")
        } else {
            ("локальным ИИ-моделям", "Жергілікті ЖИ-модельдерге")
        };
        let (test, test_kk) =
            if is_test { (", тестовая среда", ", сынақ ортасы") } else { ("", "") };
        service(
            format!("Доступ к {models}, проект «{project}»{test}, {}", month.russian()),
            format!("{models_kk} қолжетімділік, «{project}» жобасы{test_kk}, {}", month.kazakh()),
            sum,
        )
    };
    Ok(sums.into_iter().map(line).collect())
}

fn correction(month: Month, sum: Tenge) -> LineDraft {
    service(
        format!("Корректировка за {}: использование, учтённое после закрытия месяца", month.russian()),
        format!("{} үшін түзету: ай жабылғаннан кейін есепке алынған пайдалану", month.kazakh()),
        sum,
    )
}

pub(super) fn service(name_ru: String, name_kk: String, sum: Tenge) -> LineDraft {
    let sign = if sum.is_negative() { -1 } else { 1 };
    LineDraft {
        code: None,
        name_ru,
        name_kk: Some(name_kk),
        unit: Unit::service(),
        quantity: Quantity::from_millionths(sign * MILLIONTHS),
        pricing: Pricing::Summed,
        sum,
    }
}

fn usage_row(group: &UsageGroup, names: &Names) -> Result<UsageRow, InvoiceError> {
    let project = names.project(&group.project);
    let is_production = group.environment == PRODUCTION;
    let (unit, quantity) = quantity(group)?;
    Ok(UsageRow {
        project: if is_production { project.to_owned() } else { format!("{project} ({})", group.environment) },
        department: group.department.as_ref().map(|id| names.department(id).to_owned()),
        key: names.key(&group.key_id).to_owned(),
        model: if group.model.trim().is_empty() { "–".to_owned() } else { group.model.clone() },
        unit: unit.to_owned(),
        quantity,
        tokens: group.tokens,
        sum: group.tenge,
    })
}

/// Tokens, or what else was used.
fn quantity(group: &UsageGroup) -> Result<(&'static str, Quantity), InvoiceError> {
    let whole = |count: i64| Quantity::from_millionths(count.saturating_mul(MILLIONTHS));
    Ok(match group {
        UsageGroup { tokens: 0, images: 0, audio_ms: 0, .. } => ("вызов", whole(group.num_rows.cast_signed())),
        UsageGroup { tokens: 0, images: 0, audio_ms, .. } => {
            ("мин", Quantity::from_millionths(audio_ms.saturating_mul(MILLIONTHS) / MS_PER_MINUTE))
        }
        UsageGroup { tokens: 0, images, .. } => ("шт.", whole(*images)),
        UsageGroup { tokens, .. } => ("тыс. токенов", Quantity::thousands_of_tokens(*tokens)?),
    })
}

fn late_usage(standing: &MonthStanding, sum: Tenge) -> Result<UsageRow, InvoiceError> {
    let tokens = standing.tokens - standing.billed_tokens;
    Ok(UsageRow {
        project: format!("Корректировка за {}", standing.month.russian()),
        department: None,
        key: "–".to_owned(),
        model: "–".to_owned(),
        unit: "тыс. токенов".to_owned(),
        quantity: Quantity::thousands_of_tokens(tokens)?,
        tokens,
        sum,
    })
}
