//! One value of a row: out of a database, as JSON, and into the other one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, Row as _};

use crate::store::database::Dialect;

type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Text,
    Integer,
    Real,
    Blob,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null(Kind),
    Text(String),
    Integer(i64),
    Real(f64),
    Blob(Vec<u8>),
}

impl Kind {
    /// As SQLite's strict tables declare it.
    pub(super) fn declared(name: &str) -> Option<Self> {
        match name {
            "TEXT" => Some(Self::Text),
            "INTEGER" | "INT" => Some(Self::Integer),
            "REAL" => Some(Self::Real),
            "BLOB" => Some(Self::Blob),
            _ => None,
        }
    }

    /// As PostgreSQL's catalogue has it.
    #[cfg(test)]
    pub(super) fn of_postgres(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "bigint" => Some(Self::Integer),
            "double precision" => Some(Self::Real),
            "bytea" => Some(Self::Blob),
            _ => None,
        }
    }
}

impl Cell {
    pub(super) fn of(row: &AnyRow, at: usize, kind: Kind) -> Result<Self, sqlx::Error> {
        Ok(match kind {
            Kind::Text => row.try_get::<Option<String>, _>(at)?.map(Self::Text),
            Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map(Self::Integer),
            // SQLite knows no negative zero: it is the other one everywhere.
            Kind::Real => row.try_get::<Option<f64>, _>(at)?.map(|number| Self::Real(number + 0.0)),
            Kind::Blob => row.try_get::<Option<Vec<u8>>, _>(at)?.map(Self::Blob),
        }
        .unwrap_or(Self::Null(kind)))
    }

    /// `None` for a number that is none.
    pub(super) fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Null(_) => Value::Null,
            Self::Text(text) => Value::from(text.as_str()),
            Self::Integer(number) => Value::from(*number),
            // As the shortest text that reads back as the same number.
            Self::Real(number) => number.is_finite().then(|| Value::from(format!("{number:?}")))?,
            Self::Blob(bytes) => Value::from(STANDARD.encode(bytes)),
        })
    }

    pub(super) fn read(value: Value, kind: Kind) -> Option<Self> {
        match (value, kind) {
            (Value::Null, kind) => Some(Self::Null(kind)),
            (Value::String(text), Kind::Text) => Some(Self::Text(text)),
            (Value::Number(number), Kind::Integer) => number.as_i64().map(Self::Integer),
            (Value::String(text), Kind::Real) => text.parse().ok().map(Self::Real),
            (Value::String(text), Kind::Blob) => STANDARD.decode(text).ok().map(Self::Blob),
            _ => None,
        }
    }

    pub(super) fn num_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
            Self::Null(_) | Self::Integer(_) | Self::Real(_) => size_of::<i64>(),
        }
    }

    /// The place of a value in a statement. A missing number would be sent to PostgreSQL as one of another type than one that
    /// is there, under a statement that is kept for both: there, numbers go as texts, which it reads exactly.
    pub(super) fn place(kind: Kind, at: usize, dialect: Dialect) -> String {
        match (dialect, kind) {
            (Dialect::Postgres, Kind::Real) => format!("CAST(${at} AS DOUBLE PRECISION)"),
            _ => format!("${at}"),
        }
    }

    pub(super) fn bind(self, query: Query<'_>, dialect: Dialect) -> Query<'_> {
        match self {
            Self::Null(Kind::Text) => query.bind(None::<String>),
            Self::Null(Kind::Integer) => query.bind(None::<i64>),
            Self::Null(Kind::Real) if dialect == Dialect::Postgres => query.bind(None::<String>),
            Self::Null(Kind::Real) => query.bind(None::<f64>),
            Self::Null(Kind::Blob) => query.bind(None::<Vec<u8>>),
            Self::Text(text) => query.bind(text),
            Self::Integer(number) => query.bind(number),
            Self::Real(number) if dialect == Dialect::Postgres => query.bind(format!("{number:?}")),
            Self::Real(number) => query.bind(number),
            Self::Blob(bytes) => query.bind(bytes),
        }
    }
}
