//! Backups of both databases: nothing is forgotten, nothing changes on its way, and what was touched is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::{AnyConnection, Row as _};
use tempfile::TempDir;

use super::cell::{Cell, Kind};
use super::file::{BackupWriter, MAGIC};
use super::loosened::run;
use super::schema::{Column, Schema, Table};
use super::tables::Inserter;
use super::*;
use crate::audit::{Digest, Time};
use crate::config::{Database, StoreConfig};
use crate::signing::{PublicKeys, Signer};
use crate::store::database::{Dialect, connect_as_it_is, connect_new_file, latest_version, migrate_to, version_of};
use crate::store::test_store::{TestStore, WRITER, test_stores};
use crate::store::{DataDir, SqlStore, Store as _};

const TIME: &str = "2026-12-01T00:00:00.000Z";

fn silent() -> impl FnMut(&str, u64) + Send {
    |_: &str, _: u64| {}
}

/// A data folder of its own before a database.
struct Place {
    config: StoreConfig,
    folder: TempDir,
}

impl Place {
    fn of(database: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { config: StoreConfig { database, data_dir: folder.path().join("data"), key_secret: None }, folder }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(folder.path().join("data/shekara.db"));
        Self { config: StoreConfig { database, data_dir: folder.path().join("data"), key_secret: None }, folder }
    }

    async fn back_up(&self, with_secrets: bool) -> (PathBuf, BackupManifest) {
        let file = self.folder.path().join("x.backup");
        let signer = Signer::from_seed(&[7; 32]);
        let order = BackupOrder {
            signer: Some(&signer),
            earlier_keys: &[],
            configured: &[],
            with_secrets,
            now: TIME.parse::<Timestamp>().unwrap(),
        };
        let data = DataDir::create(&self.config).unwrap();
        let taken = back_up(&self.config, &data, (&file, order), &mut silent()).await.unwrap();
        (file, taken.manifest)
    }

    async fn restore(&self, file: &Path, is_forced: bool) -> Result<Restored, BackupError> {
        let own_keys = PublicKeys::default();
        let now: Time = TIME.parse().unwrap();
        let order =
            RestoreOrder { file, is_forced, trusted: None, own_keys: &own_keys, configured: &[], now, fresh: [9; 32] };
        restore(&self.config, order, &mut silent()).await
    }
}

/// One empty place of each kind.
async fn places() -> Vec<(TestStore, Place)> {
    let place = |test: TestStore| {
        let place = Place::of(test.database.clone());
        (test, place)
    };
    test_stores().await.into_iter().map(place).collect()
}

fn sums(manifest: &BackupManifest) -> BTreeMap<&str, (u64, Digest)> {
    // What a restore is allowed to change.
    let own = ["journal_positions", "directory_generation"];
    let sections = manifest.sections.iter().filter(|section| !own.contains(&section.name.as_str()));
    sections.map(|section| (section.name.as_str(), (section.rows, section.sha256))).collect()
}

/// Tables, columns, kinds and keys as a database itself tells of them.
async fn catalogue(connection: &mut AnyConnection, dialect: Dialect) -> BTreeMap<String, Vec<Column>> {
    let query = match dialect {
        Dialect::Sqlite => {
            "SELECT m.name AS tab, c.name AS col, c.type AS kind, c.pk AS place FROM sqlite_master AS m, \
             pragma_table_info(m.name) AS c WHERE m.type = 'table' ORDER BY m.name, c.cid"
        }
        Dialect::Postgres => {
            "SELECT CAST(c.table_name AS TEXT) AS tab, CAST(c.column_name AS TEXT) AS col, \
             CAST(c.data_type AS TEXT) AS kind, CAST(coalesce(k.ordinal_position, 0) AS BIGINT) AS place \
             FROM information_schema.columns AS c LEFT JOIN \
             (information_schema.table_constraints AS t JOIN information_schema.key_column_usage AS k \
             ON k.constraint_schema = t.constraint_schema AND k.constraint_name = t.constraint_name \
             AND k.table_name = t.table_name AND t.constraint_type = 'PRIMARY KEY') \
             ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name \
             WHERE c.table_schema = current_schema() ORDER BY 1, c.ordinal_position"
        }
    };
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in sqlx::query(query).fetch_all(connection).await.unwrap() {
        let (table, kind): (String, String) = (row.get("tab"), row.get("kind"));
        if table == "_sqlx_migrations" || table.starts_with("sqlite_") {
            continue;
        }
        let kind = Kind::declared(&kind).or_else(|| Kind::of_postgres(&kind));
        let kind = kind.unwrap_or_else(|| panic!("{table} has a column that no backup can hold"));
        let place = row.get::<i64, _>("place");
        let column = Column { name: row.get("col"), kind, key_place: (place > 0).then_some(place) };
        tables.entry(table).or_default().push(column);
    }
    tables
}

#[tokio::test]
async fn every_table_and_column_of_both_databases_is_in_a_backup() {
    for (test, place) in places().await {
        let mut connection = test.store.pool.acquire().await.unwrap();
        let there = catalogue(&mut connection, test.store.dialect).await;
        drop(connection);
        assert!(there.len() > 15, "{there:?}");
        let schema = Schema::of(latest_version()).await.unwrap();
        let sorted = |mut columns: Vec<Column>| {
            columns.sort_by(|a, b| a.name.cmp(&b.name));
            columns
        };
        for (name, columns) in &there {
            let known = schema.table(name).unwrap_or_else(|| panic!("table {name} is forgotten"));
            assert_eq!(sorted(known.columns.clone()), sorted(columns.clone()), "{name} {:?}", test.store.dialect);
        }
        assert_eq!(schema.tables.len(), there.len());
        let (_, manifest) = place.back_up(false).await;
        let saved: Vec<&str> = manifest.sections.iter().map(|section| section.name.as_str()).collect();
        assert!(there.keys().all(|name| saved.contains(&name.as_str())), "{saved:?}");
    }
}

/// Values that come back wrong where anything on the way is careless.
fn cells(kind: Kind, table: &str, at: usize) -> BoxedStrategy<Cell> {
    let texts = prop_oneof![Just(String::new()), Just("'; \"x\" \\ \n ₸ ә 🦅".to_owned()), "[a-zA-Z_]{0,12}"];
    match kind {
        Kind::Text => texts.prop_map(move |text| Cell::Text(format!("{text}{at}"))).boxed(),
        // Sums of the ledger must fit.
        Kind::Integer if table == "ledger" => (-1_000_000_000_i64..1_000_000_000).prop_map(Cell::Integer).boxed(),
        Kind::Integer => prop_oneof![Just(i64::MIN), Just(i64::MAX), -9_i64..9].prop_map(Cell::Integer).boxed(),
        Kind::Real => prop_oneof![Just(0.1 + 0.2), Just(-0.0), Just(1e300), any::<f32>().prop_map(f64::from)]
            .prop_filter("a number", |number| number.is_finite())
            .prop_map(Cell::Real)
            .boxed(),
        Kind::Blob => proptest::collection::vec(any::<u8>(), 0..9)
            .prop_map(move |bytes| Cell::Blob([bytes, at.to_le_bytes().to_vec()].concat()))
            .boxed(),
    }
}

async fn may_be_null(memory: &mut AnyConnection, table: &str) -> Vec<String> {
    let query = "SELECT name FROM pragma_table_info($1) WHERE \"notnull\" = 0 AND pk = 0";
    let rows = sqlx::query(query).bind(table).fetch_all(memory).await.unwrap();
    rows.iter().map(|row| row.get("name")).collect()
}

/// What a table refers to: its column, the other table, the other's column.
async fn references(memory: &mut AnyConnection, table: &str) -> Vec<(String, String, String)> {
    let query = "SELECT \"from\" AS own, \"table\" AS tab, \"to\" AS other FROM pragma_foreign_key_list($1)";
    let rows = sqlx::query(query).bind(table).fetch_all(memory).await.unwrap();
    rows.iter().map(|row| (row.get("own"), row.get("tab"), row.get("other"))).collect()
}

/// Rows for all tables that refer to each other as they must; keys are told apart by the number of their row.
async fn random_rows(schema: &Schema, runner: &mut TestRunner) -> Made {
    sqlx::any::install_default_drivers();
    let mut memory = <AnyConnection as sqlx::Connection>::connect("sqlite::memory:").await.unwrap();
    migrate_to(&mut memory, Dialect::Sqlite, schema.version).await.unwrap();
    let mut made: Made = BTreeMap::new();
    let mut open: Vec<&Table> = schema.tables.iter().filter(|table| !table.is_seeded).collect();
    while !open.is_empty() {
        let table = open.remove(0);
        let refers = references(&mut memory, &table.name).await;
        let nullable = may_be_null(&mut memory, &table.name).await;
        if refers.iter().any(|(_, other, _)| *other != table.name && !made.contains_key(other)) {
            open.push(table);
            continue;
        }
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        while rows.len() < 7 {
            let mut row = random_row((table, &refers), (schema, &made, &rows), runner);
            for (column, cell) in table.columns.iter().zip(&mut row) {
                // Every other one, so that each column has both.
                if nullable.contains(&column.name) && rows.len().is_multiple_of(2) {
                    *cell = Cell::Null(column.kind);
                }
            }
            rows.push(row);
        }
        made.insert(table.name.clone(), rows);
    }
    made
}

/// Rows by table.
type Made = BTreeMap<String, Vec<Vec<Cell>>>;

/// One more row, which refers to those of its number in other tables and to the one before in its own.
fn random_row(
    (table, refers): (&Table, &[(String, String, String)]),
    (schema, made, rows): (&Schema, &Made, &[Vec<Cell>]),
    runner: &mut TestRunner,
) -> Vec<Cell> {
    let at = rows.len();
    let mut row = Vec::new();
    for column in &table.columns {
        let refers = refers.iter().find(|(own, _, _)| *own == column.name);
        row.push(match refers {
            Some((_, other, to)) => {
                let columns = &schema.table(other).unwrap().columns;
                let place = columns.iter().position(|column| column.name == *to).unwrap();
                if *other == table.name {
                    rows.last().map_or(Cell::Null(column.kind), |row| row[place].clone())
                } else {
                    made[other][at][place].clone()
                }
            }
            None if column.key_place.is_some() && column.kind == Kind::Integer => {
                Cell::Integer(i64::try_from(at).unwrap() * 1_000 + 1)
            }
            None => cells(column.kind, &table.name, at).new_tree(runner).unwrap().current(),
        });
    }
    row
}

async fn insert_all(test: &TestStore, schema: &Schema, rows: &Made) {
    let mut transaction = test.store.pool.begin().await.unwrap();
    let loosened = super::loosened::Loosened::begin(&mut transaction, test.store.dialect, schema).await.unwrap();
    for (name, rows) in rows {
        let mut inserter = Inserter::new(schema.table(name).unwrap(), test.store.dialect);
        for row in rows {
            inserter.push(&mut transaction, row.clone()).await.unwrap();
        }
        inserter.flush(&mut transaction).await.unwrap();
    }
    loosened.end(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn whatever_rows_there_are_they_come_back_in_either_database() {
    let schema = Schema::of(latest_version()).await.unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for _ in 0..3 {
        let rows = random_rows(&schema, &mut runner).await;
        assert!(rows.len() + 3 >= schema.tables.len(), "tables without rows");
        for (from, source) in places().await {
            insert_all(&from, &schema, &rows).await;
            let (file, saved) = source.back_up(false).await;
            for (name, rows) in &rows {
                assert_eq!(saved.section(name).unwrap().rows, rows.len() as u64, "{name}");
            }
            for (to, target) in places().await {
                to.store.pool.close().await;
                let restored = target.restore(&file, false).await.unwrap();
                assert_eq!(restored.manifest, saved);
                let again = target.back_up(false).await.1;
                assert_eq!(sums(&saved), sums(&again), "{:?} to {:?}", from.store.dialect, to.store.dialect);
                assert_eq!(saved.ledger, again.ledger);
            }
        }
    }
}

#[tokio::test]
async fn what_a_database_does_of_itself_it_does_after_a_restore() {
    for (from, source) in places().await {
        let content = "INSERT INTO content (tenant, kind, address, project, key_id, sealed, expires_at_ms) \
                       VALUES ($1, 'k', $2, 'p', 'key', $3, 1)";
        let keep = async |store: &SqlStore, at: u8| {
            let query = sqlx::query(content).bind("bank").bind(vec![at]).bind(vec![1_u8; 10]);
            query.execute(&store.pool).await.unwrap();
        };
        let audit = "INSERT INTO audit (request_id, time, tenant, project, environment, key_id, actor, endpoint, data_class, \
                     entities, pii_action, policy_version, outcome, status, streamed, attempts, total_ms) \
                     VALUES ($1, 't', 't', 'p', 'e', 'k', 'a', 'e', 'public', '{}', 'none', 'v', 'completed', 200, 0, 0, 1)";
        keep(&from.store, 1).await;
        sqlx::query(audit).bind("one").execute(&from.store.pool).await.unwrap();
        let (file, _) = source.back_up(false).await;
        for (to, target) in places().await {
            to.store.pool.close().await;
            target.restore(&file, false).await.unwrap();
            let store = SqlStore::open(&target.config.database, WRITER).await.unwrap();
            keep(&store, 2).await;
            let bytes: i64 =
                sqlx::query("SELECT bytes FROM content_bytes").fetch_one(&store.pool).await.unwrap().get("bytes");
            assert_eq!(bytes, 20);
            sqlx::query(audit).bind("two").execute(&store.pool).await.unwrap();
            let orphan = "INSERT INTO projects (tenant, id, created_at_ms) VALUES ('nobody', 'p', 1)";
            assert!(sqlx::query(orphan).execute(&store.pool).await.is_err(), "references are looked at again");
            assert_eq!(store.audit_page(crate::store::AuditFilter::default(), 0, 9).await.unwrap().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_record_with_sound_follows_one_without() {
    let record = |id: &str, seconds: Option<f64>| {
        let record = serde_json::json!({
            "request_id": id, "time": "2026-01-18T09:30:00.000Z", "tenant": "bank", "project": "p", "environment": "e",
            "key_id": "k", "actor": "a", "endpoint": "e", "route": null, "reason": null, "provider": null, "model": null,
            "zone": null, "data_class": "public", "entities": {}, "pii_action": "none", "policy_version": "v",
            "outcome": "completed", "status": 200, "error_code": null, "streamed": false, "attempts": 0,
            "prompt_tokens": null, "completion_tokens": null, "usage_source": null, "audio_seconds": seconds,
            "first_token_ms": null, "total_ms": 1,
        });
        crate::store::Projected::read(record.to_string().as_bytes()).unwrap()
    };
    for (test, _) in places().await {
        let records = vec![record("a", None), record("b", Some(0.1)), record("c", None), record("d", Some(2.5))];
        let upto = crate::store::Position { segment: 1, offset: 1 };
        test.store.append_audit(records, upto).await.unwrap();
        let rows = test.store.audit_page(crate::store::AuditFilter::default(), 0, 9).await.unwrap();
        let seconds: Vec<_> = rows.iter().map(|row| row.record.audio_seconds).collect();
        assert_eq!(seconds, [None, Some(0.1), None, Some(2.5)]);
    }
}

#[tokio::test]
async fn an_older_schema_is_restored_and_brought_up_to_date_and_a_newer_one_refused() {
    for version in 8..latest_version() {
        let source = Place::sqlite();
        DataDir::create(&source.config).unwrap();
        let Database::Sqlite(path) = &source.config.database else { unreachable!() };
        let pool = connect_new_file(path).await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        migrate_to(&mut connection, Dialect::Sqlite, version).await.unwrap();
        run(&mut connection, "INSERT INTO tenants (id, created_at_ms) VALUES ('bank', 1)".to_owned()).await.unwrap();
        drop(connection);
        pool.close().await;
        let (file, manifest) = source.back_up(false).await;
        assert_eq!(manifest.schema, version);
        for (to, target) in places().await {
            to.store.pool.close().await;
            target.restore(&file, false).await.unwrap();
            let (pool, dialect) = connect_as_it_is(&target.config.database).await.unwrap().unwrap();
            let mut connection = pool.acquire().await.unwrap();
            assert_eq!(version_of(&mut connection, dialect).await.unwrap(), Some(latest_version()));
            let found = sqlx::query("SELECT id, version FROM tenants").fetch_all(&mut *connection).await.unwrap();
            assert_eq!(
                (found.len(), found[0].get::<String, _>("id"), found[0].get::<i64, _>("version")),
                (1, "bank".into(), 1)
            );
        }
    }
    let (_held, target) = places().await.remove(0);
    let file = target.folder.path().join("newer.backup");
    let signer = Signer::from_seed(&[7; 32]);
    let writer = BackupWriter::begin(&file).unwrap();
    let template = target.back_up(false).await.1;
    let newer = |body_bytes, body_sha256, sections| {
        BackupManifest { schema: latest_version() + 1, body_bytes, body_sha256, sections, ..template }
            .sign(Some(&signer))
    };
    writer.finish(newer).unwrap();
    assert!(matches!(target.restore(&file, true).await, Err(BackupError::Newer { .. })));
}

#[tokio::test]
async fn whatever_byte_is_touched_the_backup_is_refused_and_nothing_is_written() {
    let (test, source) = places().await.remove(0);
    let schema = Schema::of(latest_version()).await.unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    insert_all(&test, &schema, &random_rows(&schema, &mut runner).await).await;
    DataDir::create(&source.config).unwrap().key_secret([1; 32]).unwrap();
    let (file, _) = source.back_up(true).await;
    let whole = std::fs::read(&file).unwrap();
    let target = Place::sqlite();
    let touched = target.folder.path().join("touched.backup");
    let refused = async |bytes: &[u8], what: String| {
        std::fs::write(&touched, bytes).unwrap();
        match target.restore(&touched, true).await {
            Err(BackupError::Damaged { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
        assert!(!target.config.data_dir.exists(), "{what}");
    };
    for at in (0..whole.len()).filter(|at| at % 31 == 0 || *at < 40 || *at + 90 > whole.len()) {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            refused(&bytes, format!("byte {at}")).await;
        }
    }
    for at in (0..whole.len()).step_by(397).chain([whole.len() - 1]) {
        refused(&whole[..at], format!("cut at {at}")).await;
    }
    refused(&[&whole[..], b"x"].concat(), "one byte more".to_owned()).await;
    refused(&[MAGIC, &whole[..]].concat(), "doubled".to_owned()).await;
    std::fs::write(&touched, &whole).unwrap();
    target.restore(&touched, false).await.unwrap();
}

#[tokio::test]
async fn a_stranger_s_signature_counts_only_where_nobody_asks_for_another() {
    let (_held, source) = places().await.remove(0);
    let (file, manifest) = source.back_up(false).await;
    let own: PublicKeys = [Signer::from_seed(&[7; 32]).public_key()].into_iter().collect();
    let other: PublicKeys = [Signer::from_seed(&[8; 32]).public_key()].into_iter().collect();
    assert_eq!(BackupFile::open(&file, Some(&own)).unwrap().manifest(), &manifest);
    let refused = BackupFile::open(&file, Some(&other)).unwrap_err().to_string();
    assert!(refused.contains("not signed with a key that is trusted"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_backup_is_not_written_over() {
    let (_held, source) = places().await.remove(0);
    let file = source.folder.path().join("x.backup");
    std::fs::write(&file, "[server]").unwrap();
    let data = DataDir::create(&source.config).unwrap();
    let now = TIME.parse::<Timestamp>().unwrap();
    let order = BackupOrder { signer: None, earlier_keys: &[], configured: &[], with_secrets: false, now };
    let refused = back_up(&source.config, &data, (&file, order), &mut silent()).await;
    assert!(matches!(refused, Err(BackupError::NotOurs { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[server]");
    std::fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        back_up(&source.config, &data, (&file, order), &mut silent()).await.unwrap();
    }
    let names: Vec<_> =
        std::fs::read_dir(source.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{names:?}");
}

#[tokio::test]
async fn a_half_restored_folder_opens_for_nobody_but_a_restore() {
    let (_held, source) = places().await.remove(0);
    let (file, _) = source.back_up(false).await;
    let target = Place::sqlite();
    target.restore(&file, false).await.unwrap();
    let data = DataDir::create(&target.config).unwrap();
    std::fs::write(data.root.join("restore.unfinished"), "").unwrap();
    assert!(matches!(DataDir::create(&target.config), Err(crate::store::StoreError::HalfRestored { .. })));
    let held = data.lock().unwrap();
    assert!(matches!(target.restore(&file, true).await, Err(BackupError::GatewayRuns { .. })));
    drop(held);
    target.restore(&file, true).await.unwrap();
    DataDir::create(&target.config).unwrap();
}
