//! The first start: an admin key and a first application key, shown once.

use crate::auth::{DataClass, KeySecret, KeySettings, NewKey, Role, mint};
use crate::pipeline::Sources;
use crate::store::{KeyFilter, Store, StoreError};

/// The plaintext of the keys that were just made.
pub(super) struct FirstKeys {
    pub(super) admin: String,
    pub(super) application: String,
}

/// Makes the keys if there are none at all.
pub(super) async fn first_keys(
    store: &dyn Store,
    secret: &KeySecret,
    sources: &Sources,
) -> Result<Option<FirstKeys>, StoreError> {
    if !store.tenancy().keys(KeyFilter { limit: 1, ..KeyFilter::default() }).await?.is_empty() {
        return Ok(None);
    }
    let new = |name: &str, role| NewKey {
        name: name.to_owned(),
        role,
        tenant: "default".to_owned(),
        project: "default".to_owned(),
        environment: "dev".to_owned(),
        data_class: DataClass::Public,
        settings: KeySettings::default(),
        expires_at_ms: None,
    };
    let now_ms = sources.now().as_millisecond();
    let admin = mint(new("first admin", Role::Owner), secret, sources.random(), now_ms);
    let application = mint(new("first application", Role::Application), secret, sources.random(), now_ms);
    store.tenancy().insert_key(admin.record).await?;
    store.tenancy().insert_key(application.record).await?;
    Ok(Some(FirstKeys { admin: admin.plaintext, application: application.plaintext }))
}
