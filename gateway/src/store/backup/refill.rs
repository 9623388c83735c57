//! The content of a backup into an empty database, in one transaction: the schema of then, the rows, a second look at what
//! they became, the schema of now, and what the journal had behind them.

use sqlx::{Any, Transaction};

use super::cell::Cell;
use super::file::tell;
use super::loosened::{Loosened, go_on_counting, run};
use super::read::{BackupFile, Head, Sections};
use super::schema::{Schema, quoted};
use super::secret::StoredSecret;
use super::tables::{Inserter, agrees, ledger_sums};
use super::{BackupError, Damage, JOURNAL, Progress, SECRETS};
use crate::store::Projected;
use crate::store::data_dir::from_hex;
use crate::store::database::{Dialect, Exclusive, has_table, latest_version, migrate_to};
use crate::store::projection::keep_all;

const TOLD_WITH: &str = "journal";

#[derive(Debug, Default)]
pub(super) struct Refilled {
    pub(super) num_journal: u64,
    /// Records of the journal that another version wrote.
    pub(super) num_unknown: u64,
    pub(super) secrets: Vec<(StoredSecret, [u8; 32])>,
}

/// A database on its way to what the backup has.
pub(super) struct Refill<'a, 't> {
    pub(super) transaction: &'a mut Transaction<'t, Any>,
    pub(super) dialect: Dialect,
    pub(super) backup: &'a BackupFile,
    pub(super) schema: &'a Schema,
}

/// The sections that a file must have, in their order.
pub(super) fn expect_sections(backup: &BackupFile, schema: &Schema) -> Result<(), BackupError> {
    let mut expected = schema.tables.iter().map(|table| table.name.as_str()).chain([JOURNAL]);
    let mut names = backup.manifest().sections.iter().map(|section| section.name.as_str());
    if let Some(missing) = expected.find(|name| names.next() != Some(name)) {
        return Err(backup.damaged(Damage::UnknownSection { section: missing.to_owned() }));
    }
    match (names.next(), names.next()) {
        (None | Some(SECRETS), None) => Ok(()),
        (Some(other), _) => Err(backup.damaged(Damage::UnknownSection { section: other.to_owned() })),
        (None, Some(_)) => Ok(()),
    }
}

impl Refill<'_, '_> {
    /// # Errors
    /// The database refuses, or did not become what the backup has. Nothing counts until the transaction ends.
    pub(super) async fn run(mut self, progress: &mut Progress<'_>) -> Result<Refilled, BackupError> {
        migrate_to(self.transaction, self.dialect, self.schema.version).await?;
        let mut loosened = Some(Loosened::begin(self.transaction, self.dialect, self.schema).await?);
        for table in self.schema.tables.iter().filter(|table| table.is_seeded) {
            run(self.transaction, format!("DELETE FROM {}", quoted(&table.name))).await?;
        }
        let damaged = |damage| self.backup.damaged(damage);
        let mut sections = self.backup.sections().map_err(damaged)?;
        let mut refilled = Refilled::default();
        while let Some(head) = sections.next_section().map_err(damaged)? {
            match head.section.as_str() {
                JOURNAL => {
                    if let Some(loosened) = loosened.take() {
                        loosened.end(self.transaction).await?;
                    }
                    self.compare(progress).await?;
                    self.bring_up_to_date().await?;
                    self.project(&mut sections, &mut refilled).await?;
                    progress(TOLD_WITH, refilled.num_journal);
                }
                SECRETS => self.read_secrets(&mut sections, &mut refilled)?,
                _ => self.fill(&head, &mut sections, progress).await?,
            }
        }
        Ok(refilled)
    }

    async fn fill(
        &mut self,
        head: &Head,
        sections: &mut Sections<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(), BackupError> {
        let unknown = || self.backup.damaged(Damage::UnknownSection { section: head.section.clone() });
        let table = self.schema.table(&head.section).ok_or_else(unknown)?;
        agrees(table, &head.columns).map_err(|damage| self.backup.damaged(damage))?;
        let mut inserter = Inserter::new(table, self.dialect);
        let mut num_rows = 0;
        while let Some(row) = sections.next_row().map_err(|damage| self.backup.damaged(damage))? {
            inserter.push(self.transaction, row).await?;
            num_rows += 1;
            tell(&mut *progress, &table.name, num_rows);
        }
        inserter.flush(self.transaction).await?;
        progress(&table.name, num_rows);
        Ok(())
    }

    /// Every table, read from the database, is what the manifest says of it.
    async fn compare(&mut self, progress: &mut Progress<'_>) -> Result<(), BackupError> {
        progress("comparing", 0);
        let manifest = self.backup.manifest();
        for table in &self.schema.tables {
            let (rows, sha256) = table.sum(self.transaction, self.dialect).await?;
            let is_same = manifest.section(&table.name).is_some_and(|sum| sum.rows == rows && sum.sha256 == sha256);
            if !is_same {
                return Err(BackupError::Differs { table: table.name.clone() });
            }
        }
        if self.schema.table("ledger").is_some() && ledger_sums(self.transaction).await? != manifest.ledger {
            return Err(BackupError::SumsDiffer);
        }
        Ok(())
    }

    async fn bring_up_to_date(&mut self) -> Result<(), BackupError> {
        go_on_counting(self.transaction, self.dialect, self.schema).await?;
        migrate_to(self.transaction, self.dialect, latest_version()).await?;
        // The journal of this writer stays behind; those of others, on other machines, go on from where they stood.
        let names = self.backup.manifest().writer.map(|writer| writer.to_string()).into_iter().chain([String::new()]);
        for name in names {
            let forget = sqlx::query("DELETE FROM journal_positions WHERE writer = $1").bind(name);
            forget.execute(&mut **self.transaction).await?;
        }
        // Whoever reads the directory in turns sees that it is another.
        if has_table(self.transaction, self.dialect, "directory_generation").await? {
            let next = "UPDATE directory_generation SET generation = generation + 1";
            run(self.transaction, next.to_owned()).await?;
        }
        Ok(())
    }

    async fn project(&mut self, sections: &mut Sections<'_>, refilled: &mut Refilled) -> Result<(), BackupError> {
        self.dialect.exclude(self.transaction, Exclusive::Audit).await?;
        while let Some(row) = sections.next_row().map_err(|damage| self.backup.damaged(damage))? {
            let Some(Cell::Blob(payload)) = row.first() else {
                return Err(self.backup.damaged(Damage::UnknownSection { section: JOURNAL.to_owned() }));
            };
            match Projected::read(payload) {
                Some(projected) => {
                    keep_all(self.transaction, self.dialect, &[projected]).await?;
                    refilled.num_journal += 1;
                }
                None => refilled.num_unknown += 1,
            }
        }
        Ok(())
    }

    fn read_secrets(&self, sections: &mut Sections<'_>, refilled: &mut Refilled) -> Result<(), BackupError> {
        let unknown = || self.backup.damaged(Damage::UnknownSection { section: SECRETS.to_owned() });
        while let Some(row) = sections.next_row().map_err(|damage| self.backup.damaged(damage))? {
            let [Cell::Text(name), Cell::Text(hex)] = row.as_slice() else { return Err(unknown()) };
            let secret = StoredSecret::by_file_name(name).ok_or_else(unknown)?;
            refilled.secrets.push((secret, from_hex(hex).ok_or_else(unknown)?));
        }
        Ok(())
    }
}
