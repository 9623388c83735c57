//! A store whose sealed conversations cannot be read any more; everything else works.

use std::io;
use std::sync::Arc;

use shekara_gateway::pii::masking::ConversationId;
use shekara_gateway::store::{
    ActStore, AuditFilter, AuditRow, ContentStore, InvoiceStore, LedgerStore, PeopleStore, Position, Projected, Store,
    StoreError, StoreFuture, TenancyStore, TokensUsed, TrailStore,
};

pub struct LostVault(pub Arc<dyn Store>);

fn lost<T: Send + 'static>() -> StoreFuture<'static, T> {
    let source = io::Error::other("the disk is gone");
    Box::pin(async move { Err(StoreError::File { path: "vault".into(), source }) })
}

impl Store for LostVault {
    fn tenancy(&self) -> &dyn TenancyStore {
        self.0.tenancy()
    }

    fn people(&self) -> &dyn PeopleStore {
        self.0.people()
    }

    fn journal_position(&self) -> StoreFuture<'_, Position> {
        self.0.journal_position()
    }

    fn append_audit(&self, records: Vec<Projected>, upto: Position) -> StoreFuture<'_, ()> {
        self.0.append_audit(records, upto)
    }

    fn tokens_used(&self, from: String, until: String) -> StoreFuture<'_, Vec<TokensUsed>> {
        self.0.tokens_used(from, until)
    }

    fn sealed_conversation(&self, _: ConversationId, _: u64) -> StoreFuture<'_, Option<Vec<u8>>> {
        lost()
    }

    fn keep_sealed_conversation(&self, _: ConversationId, _: Vec<u8>, _: u64) -> StoreFuture<'_, ()> {
        lost()
    }

    fn delete_expired_conversations(&self, _: u64) -> StoreFuture<'_, u64> {
        lost()
    }

    fn trail(&self) -> &dyn TrailStore {
        self.0.trail()
    }

    fn ledger(&self) -> &dyn LedgerStore {
        self.0.ledger()
    }

    fn invoices(&self) -> &dyn InvoiceStore {
        self.0.invoices()
    }

    fn acts(&self) -> &dyn ActStore {
        self.0.acts()
    }

    fn content(&self) -> &dyn ContentStore {
        self.0.content()
    }

    fn audit_page(&self, filter: AuditFilter, after: i64, limit: u32) -> StoreFuture<'_, Vec<AuditRow>> {
        self.0.audit_page(filter, after, limit)
    }
}
