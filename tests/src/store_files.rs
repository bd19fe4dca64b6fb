//! The data folder from outside: every file, and every value of every table with compression undone.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

/// One value of the database.
#[derive(Debug)]
pub struct Cell {
    /// Its table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// Its bytes, decompressed when they are zstd.
    pub bytes: Vec<u8>,
}

/// Every file below `folder`.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Every value of every table, read while nobody else has the database open.
pub async fn database_cells(path: &Path) -> Vec<Cell> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let mut cells = Vec::new();
    for table in tables {
        let select = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        for row in sqlx::query(select).fetch_all(&mut connection).await.unwrap() {
            cells.extend(cells_of(&table, &row));
        }
    }
    connection.close().await.unwrap();
    cells
}

fn cells_of(table: &str, row: &SqliteRow) -> Vec<Cell> {
    let value = |index: usize| -> Vec<u8> {
        let raw = row.try_get_raw(index).unwrap();
        if raw.is_null() {
            return Vec::new();
        }
        match raw.type_info().name() {
            "INTEGER" => row.get_unchecked::<i64, _>(index).to_string().into_bytes(),
            "REAL" => row.get_unchecked::<f64, _>(index).to_string().into_bytes(),
            "TEXT" => row.get_unchecked::<String, _>(index).into_bytes(),
            _ => {
                let bytes: Vec<u8> = row.get_unchecked(index);
                zstd::stream::decode_all(bytes.as_slice()).unwrap_or(bytes)
            }
        }
    };
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(index, column)| Cell {
            table: table.to_owned(),
            column: column.name().to_owned(),
            bytes: value(index),
        })
        .collect()
}
