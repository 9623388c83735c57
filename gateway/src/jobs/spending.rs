//! Once a day: tells of tenants whose day before cost far more than the days before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::alerts::{About, Event};
use crate::ledger::{Dimension, Forecast, LedgerFilter, forecast, jump, quarter_of};
use crate::pipeline::Gateway;
use crate::store::{Store, StoreError};

/// How often it is looked whether another day has begun.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// Looks at each day that has ended, for as long as it is polled.
pub async fn watch(gateway: Arc<Gateway>) {
    let mut seen = None;
    loop {
        let today = today(&gateway);
        if seen != Some(today) {
            match tell_jumps(&gateway, today).await {
                Ok(()) => seen = Some(today),
                Err(error) => tracing::error!(%error, "yesterday's spending could not be looked at; it is tried again"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn today(gateway: &Gateway) -> Date {
    gateway.snapshot().config.utc_offset.to_datetime(gateway.sources.now()).date()
}

/// # Errors
/// The ledger cannot be read.
pub async fn tell_jumps(gateway: &Gateway, today: Date) -> Result<(), StoreError> {
    let Ok(yesterday) = today.yesterday() else { return Ok(()) };
    let filter = LedgerFilter {
        until: Some(today),
        from: today.checked_sub(jiff::Span::new().days(16)).ok(),
        ..LedgerFilter::default()
    };
    let groups = gateway.store().ledger().usage(filter, vec![Dimension::Tenant, Dimension::Day]).await?;
    let mut by_tenant: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for group in groups {
        let [tenant, day] = group.names.as_slice() else { continue };
        if let Ok(day) = day.parse::<Date>() {
            by_tenant.entry(tenant.clone()).or_default().push((day, group.totals.tenge));
        }
    }
    for (tenant, days) in by_tenant {
        if let Ok(Some(times)) = jump(&days, yesterday) {
            tracing::warn!(tenant, times, %yesterday, "a tenant's spending has jumped");
            let tenant = Some(tenant.as_str());
            gateway.alerts.raise(Event::SpendJumped, About { tenant, subject: tenant, ..About::default() });
        }
    }
    Ok(())
}

/// What the quarter of `today` will have cost of the rows that fit, if it goes on like this. None beyond the calendar.
///
/// # Errors
/// The ledger cannot be read.
pub async fn quarters_forecast(
    store: &dyn Store,
    filter: LedgerFilter,
    today: Date,
) -> Result<Option<Forecast>, StoreError> {
    // Before the quarter's first day for as long as days are called recent.
    let from = quarter_of(today).and_then(|(from, _)| from.checked_sub(jiff::Span::new().days(31)).ok());
    let groups = store.ledger().usage(LedgerFilter { from, ..filter }, vec![Dimension::Day]).await?;
    let day = |name: &String| name.parse::<Date>().ok();
    let days: Vec<_> =
        groups.iter().filter_map(|group| Some((group.names.first().and_then(day)?, group.totals.tenge))).collect();
    Ok(forecast(&days, today).ok().flatten())
}
