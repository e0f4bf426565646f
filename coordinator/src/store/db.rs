//! The facade over the database: `Db`, `Tx`, `Row`, `Value`. The only file that names sqlx or a kind of database.
//!
//! Beneath it lies sqlx's `Any` driver: every statement is written once, with `$N`, and columns are only `TEXT` and `BIGINT`,
//! so that both databases behave alike by construction. SQLite has one writing connection (its own pool of one, so nobody waits
//! on a busy file) and a few reading ones; Postgres has one pool for both.

mod row;
mod value;

pub use value::Value;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Once},
    time::Duration,
};

use sqlx::{
    Any, AnyPool, Column as _, Connection as _, Row as _, Transaction,
    any::{AnyArguments, AnyPoolOptions, AnyRow},
    query::Query,
};
use tokio::sync::Notify;

use super::Error;
use crate::fault;

/// SQLite's codes of an fsync that failed: of a file, of a folder.
const FSYNC_FAILED: [&str; 2] = ["1034", "1290"];
static UNKEPT: Notify = Notify::const_new();

/// Ends when an fsync of the database has failed in this process. The kernel may have dropped what was to be written and called it
/// clean: from then on nobody knows what the file holds, and a second fsync would say that all is well.
pub async fn unkept() {
    UNKEPT.notified().await;
}

/// Which database it is. Statements are the same; only locking of candidates and start-up differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One file, one coordinator.
    Sqlite,
    /// A server.
    Postgres,
}

/// A row of an answer; columns are asked for by name.
pub struct Row {
    table: &'static str,
    row: AnyRow,
}

impl Row {
    /// The error for a column that does not fit.
    #[must_use]
    pub fn corrupt(&self, column: &str) -> Error {
        let id = self.row.try_get::<String, _>("id").unwrap_or_default();
        Error::Corrupt { table: self.table, column: column.to_owned(), id }
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn text(&self, column: &str) -> Result<String, Error> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// Text or null.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, Error> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn int(&self, column: &str) -> Result<i64, Error> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A whole number or null.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, Error> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// Names of the columns, for tests.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.row.columns().iter().map(|c| c.name().to_owned()).collect()
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    kind: Kind,
    write: AnyPool,
    read: AnyPool,
    // Held for as long as the database is: the exclusive lock of SQLite's one coordinator.
    _lock: Option<Arc<File>>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a password.
        f.debug_struct("Db").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// How a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// As the one coordinator of a SQLite file: refused while another process has it. On Postgres the same as `Tool`.
    Coordinator,
    /// Beside a coordinator, for a tool or a test.
    Tool,
}

impl Db {
    /// Opens `sqlite:<path>` (created if absent) or `postgres://…`, sets and reads back the durability settings on every
    /// connection, and refuses what would lose a written intent.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub async fn open(url: &str, how: Open) -> Result<Self, Error> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.trim_start_matches("//").split('?').next().unwrap_or_default();
            Self::open_sqlite(Path::new(path), how).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = AnyPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(Duration::from_secs(30))
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        for setting in ["SHOW fsync", "SHOW full_page_writes", "SHOW synchronous_commit"]
                        {
                            let row = sqlx::query(setting).fetch_one(&mut *connection).await?;
                            if row.try_get::<String, _>(0)? == "off" {
                                return Err(refuse(
                                    "Postgres runs with durability switched off (fsync, full_page_writes or synchronous_commit)",
                                ));
                            }
                        }
                        Ok(())
                    })
                })
                .connect(url)
                .await
                .map_err(cannot_open)?;
            Ok(Self { kind: Kind::Postgres, write: pool.clone(), read: pool, _lock: None })
        } else {
            Err(Error::Unusable(
                "the database address must begin with `sqlite:` or `postgres:`".to_owned(),
            ))
        }
    }

    async fn open_sqlite(path: &Path, how: Open) -> Result<Self, Error> {
        let lock = (how == Open::Coordinator).then(|| take_lock(path)).transpose()?;
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let pool = |connections| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .min_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(Duration::from_secs(30))
                .after_connect(|connection, _| Box::pin(sqlite_settings(connection)))
                // A full disk and an I/O error make SQLite end a transaction by itself; the driver's own end of it then fails and
                // the connection counts as inside one for ever. Such a one is closed, and the next transaction has a new one. The
                // end of a transaction that was dropped only waits in the driver until it is asked for something: hence the ping.
                .after_release(|connection, _| {
                    Box::pin(async move {
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction())
                    })
                })
                .connect(&url)
        };
        let write = pool(1).await.map_err(cannot_open)?;
        if how == Open::Coordinator {
            let told = sqlx::query("PRAGMA quick_check(1)").fetch_one(&write).await;
            let told = told.and_then(|row| row.try_get::<String, _>(0)).map_err(cannot_open)?;
            if told != "ok" {
                return Err(Error::Unusable(format!(
                    "{} is damaged ({told}); put a backup in its place",
                    path.display()
                )));
            }
        }
        let read = pool(4).await.map_err(cannot_open)?;
        Ok(Self { kind: Kind::Sqlite, write, read, _lock: lock.map(Arc::new) })
    }

    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Begins a writing transaction. On SQLite at once with the write lock, so that nothing read in it can be overtaken.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn begin(&self) -> Result<Tx, Error> {
        let inner = match self.kind {
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        };
        Ok(Tx { inner, kind: self.kind })
    }

    /// Rows outside any transaction; the table's name goes into errors only.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn all(
        &self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let rows = bind(sql, values).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(|row| Row { table, row }).collect())
    }

    /// One row or none, outside any transaction.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn opt(
        &self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        let row = bind(sql, values).fetch_optional(&self.read).await?;
        Ok(row.map(|row| Row { table, row }))
    }

    /// Runs a script of several statements in one transaction (migrations only).
    ///
    /// # Errors
    /// [`Error::Database`].
    pub(super) async fn script(tx: &mut Tx, sql: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(sql).execute(&mut *tx.inner).await?;
        Ok(())
    }

    /// Shows that the database can be written: takes the write lock, touches a row, and takes it back.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn probe(&self) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.exec("UPDATE audit_head SET seq = seq WHERE id = 1", Vec::new()).await?;
        Ok(())
    }

    /// Closes every connection; a WAL file is folded into the database.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A writing transaction. Dropped without [`Tx::commit`] it changes nothing.
pub struct Tx {
    inner: Transaction<'static, Any>,
    kind: Kind,
}

impl Tx {
    /// Which database it is; for the one statement that has two texts.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Runs a statement; how many rows it touched.
    ///
    /// # Errors
    /// [`Error::Unique`], [`Error::Check`], [`Error::Database`].
    pub async fn exec(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        Ok(bind(sql, values).execute(&mut *self.inner).await?.rows_affected())
    }

    /// Every row of the answer; the table's name goes into errors only.
    ///
    /// # Errors
    /// As [`Tx::exec`].
    pub async fn all(
        &mut self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        let rows = bind(sql, values).fetch_all(&mut *self.inner).await?;
        Ok(rows.into_iter().map(|row| Row { table, row }).collect())
    }

    /// One row or none.
    ///
    /// # Errors
    /// As [`Tx::exec`].
    pub async fn opt(
        &mut self,
        table: &'static str,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Option<Row>, Error> {
        // All rows are fetched: with SQLite a statement left half-read would keep its cursor open inside the transaction.
        Ok(self.all(table, sql, values).await?.into_iter().next())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`Error::Database`]: whether it was written is then unknown.
    pub(super) async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await?;
        Ok(())
    }
}

fn bind(sql: &'static str, values: Vec<Value>) -> Query<'static, Any, AnyArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
    })
}

async fn sqlite_settings(connection: &mut sqlx::AnyConnection) -> Result<(), sqlx::Error> {
    for (set, read_back, wanted) in [
        ("PRAGMA busy_timeout = 5000", "PRAGMA busy_timeout", "5000"),
        ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"),
        if fault::broken("not-synced") {
            ("PRAGMA synchronous = OFF", "PRAGMA synchronous", "0")
        } else {
            ("PRAGMA synchronous = FULL", "PRAGMA synchronous", "2")
        },
        ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"),
        ("PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1"),
    ] {
        sqlx::query(set).fetch_all(&mut *connection).await?;
        let row = sqlx::query(read_back).fetch_one(&mut *connection).await?;
        let found = row
            .try_get::<i64, _>(0)
            .map(|n| n.to_string())
            .or_else(|_| row.try_get::<String, _>(0))?;
        if found != wanted {
            return Err(refuse(&format!("SQLite did not take `{set}`: it answers `{found}`")));
        }
    }
    Ok(())
}

/// The lock lies beside the database: `fleet.db.lock`. The file stays; the lock ends with the process, however it ends.
fn take_lock(database: &Path) -> Result<File, Error> {
    let mut path = PathBuf::from(database).into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| {
            Error::Unusable(format!(
                "cannot open {}: {e}; check the folder's owner and mode",
                path.display()
            ))
        })?;
    file.try_lock().map_err(|_| {
        Error::Unusable(format!(
            "another coordinator is using {}; a SQLite database has exactly one. Stop it, or use Postgres for several",
            database.display()
        ))
    })?;
    Ok(file)
}

fn refuse(sentence: &str) -> sqlx::Error {
    sqlx::Error::Configuration(sentence.to_owned().into())
}

fn cannot_open(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(sentence) => Error::Unusable(sentence.to_string()),
        other => Error::Unusable(format!("cannot open the database: {other}")),
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            // SQLite tells no constraint's name: statements are written so that the kind is enough.
            sqlx::Error::Database(e) => match e.kind() {
                ErrorKind::UniqueViolation => Self::Unique,
                ErrorKind::CheckViolation
                | ErrorKind::NotNullViolation
                | ErrorKind::ForeignKeyViolation => Self::Check(e.message().to_owned()),
                _ => {
                    if e.code().is_some_and(|code| FSYNC_FAILED.contains(&&*code)) {
                        UNKEPT.notify_one();
                    }
                    Self::Database(error.to_string())
                }
            },
            _ => Self::Database(error.to_string()),
        }
    }
}
