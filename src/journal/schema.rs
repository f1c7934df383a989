//! How the file is opened, what must be true of it, and how it becomes the newest form.

use std::fmt;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::Error;
use super::quarantine::with;

mod embedded {
    refinery::embed_migrations!("migrations/journal");
}

/// Bytes of the writer's page cache, negative as SQLite wants KiB: enough for the pages that every commit
/// touches.
const WRITER_CACHE: i64 = -1_024;
/// Of a reader, which lives for one query.
const READER_CACHE: i64 = -256;
/// How long a lock of somebody else (a curious `sqlite3`) is waited for: below the second in which the
/// writer has to show progress.
const PATIENCE: Duration = Duration::from_millis(900);
/// The WAL is cut back to this after it was longer.
const WAL_LIMIT: i64 = 16 << 20;
/// A journal up to this size is checked page by page at the start; of a larger one only the tables that
/// the engine starts from, because the rest would take seconds. The backup checks all of it.
const CHECK_ALL: u64 = 64 << 20;
/// The tables that the engine starts from.
const VITAL: [&str; 6] = [
    "meta",
    "check_def",
    "state",
    "incident",
    "outbox",
    "message",
];

/// Why there is no journal.
pub(super) enum Trouble {
    /// The file is not a journal that we can use; why. It has to be moved aside.
    Unusable(String),
    /// The file may be all right, but the disk has no room to open it.
    Full,
    /// The file may be all right, but the disk does not let us to it now.
    Unreachable(anyhow::Error),
    /// It is not for us, or somebody else has it. Nothing becomes better by waiting for it.
    Held(anyhow::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(why) => f.write_str(why),
            Self::Full => f.write_str("the disk is full"),
            Self::Unreachable(error) | Self::Held(error) => write!(f, "{error:#}"),
        }
    }
}

/// The connection that writes. `create`: whether the file may be new.
pub(super) fn writer(path: &Path, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let conn = Connection::open_with_flags(path, flags)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.busy_timeout(PATIENCE)?;
    conn.pragma_update(None, "page_size", 4_096)?;
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "cache_size", WRITER_CACHE)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    Ok(conn)
}

/// Makes the file if it is not there. SQLite gives its other files the permissions of this one, and ping
/// addresses are in it.
pub(super) fn touch(path: &Path) -> Result<(), Trouble> {
    let made = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    let Err(error) = made else { return Ok(()) };
    let kind = error.kind();
    let error = anyhow!(error).context(format!("opening {}", path.display()));
    let is = |kinds: &[ErrorKind]| kinds.contains(&kind);
    Err(if is(&[ErrorKind::StorageFull, ErrorKind::QuotaExceeded]) {
        Trouble::Full
    } else if is(&[ErrorKind::PermissionDenied, ErrorKind::IsADirectory]) {
        Trouble::Held(error.context(
            "the journal has to be a file that the user may read and write that Belfry runs as",
        ))
    } else {
        Trouble::Unreachable(error)
    })
}

/// A connection that reads where the disk is full, cannot be written, or has a damaged file. Without a WAL the
/// file is read as if nothing could change it, which needs no other file beside it; with one, the memory that
/// readers share lies in a file where there is room for it, else in our own.
pub(super) fn look_at(path: &Path) -> rusqlite::Result<Connection> {
    let wal = std::fs::metadata(with(path, "-wal")).map_or(0, |file| file.len());
    let looked = |conn: Connection| {
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .map(|()| conn)
    };
    if wal == 0 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let name = percent_encoding::percent_encode(
            path.as_os_str().as_encoded_bytes(),
            percent_encoding::NON_ALPHANUMERIC,
        );
        let uri = format!("file:{name}?immutable=1");
        return Connection::open_with_flags(uri, flags).and_then(looked);
    }
    reader(path).and_then(looked).or_else(|_| {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        looked(conn)
    })
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(PATIENCE)?;
    conn.pragma_update(None, "cache_size", READER_CACHE)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// Opens the journal at `path`, new or old, checks it and brings it to the newest form.
pub(super) fn open(path: &Path) -> Result<Connection, Trouble> {
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    let mut conn = writer(path, true).map_err(|error| trouble(&error))?;
    if length > 0 {
        not_newer(&conn)?;
        check(&conn, length)?;
    }
    embedded::migrations::runner()
        .run(&mut conn)
        .map_err(|error| migrating(&error))?;
    Ok(conn)
}

fn not_newer(conn: &Connection) -> Result<(), Trouble> {
    let known = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| i64::from(migration.version()))
        .max()
        .unwrap_or(0);
    let table = "SELECT 1 FROM sqlite_schema WHERE name = 'refinery_schema_history'";
    let has = conn
        .query_row(table, [], |_| Ok(()))
        .optional()
        .map_err(|error| trouble(&error))?;
    if has.is_none() {
        return Ok(());
    }
    let newest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    let version: i64 = conn
        .query_row(newest, [], |row| row.get(0))
        .map_err(|error| trouble(&error))?;
    if version > known {
        return Err(Trouble::Unusable(format!(
            "it was written by a newer Belfry (form {version}, this one knows {known})"
        )));
    }
    Ok(())
}

fn check(conn: &Connection, length: u64) -> Result<(), Trouble> {
    if length <= CHECK_ALL {
        return checked(conn, "PRAGMA quick_check(1)");
    }
    VITAL
        .iter()
        .try_for_each(|table| checked(conn, &format!("PRAGMA quick_check({table})")))
}

fn checked(conn: &Connection, pragma: &str) -> Result<(), Trouble> {
    let said: String = conn
        .query_row(pragma, [], |row| row.get(0))
        .map_err(|error| trouble(&error))?;
    if said == "ok" {
        Ok(())
    } else {
        Err(Trouble::Unusable(said))
    }
}

fn migrating(error: &refinery::Error) -> Trouble {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(known) = error.downcast_ref().and_then(outside) {
            return known;
        }
        cause = error.source();
    }
    Trouble::Unusable(error.to_string())
}

/// Sorts an error of opening or reading.
pub(super) fn trouble(error: &rusqlite::Error) -> Trouble {
    outside(error).unwrap_or_else(|| Trouble::Unusable(error.to_string()))
}

/// What an error is that says nothing about what is in the file.
fn outside(error: &rusqlite::Error) -> Option<Trouble> {
    const DISK: [ErrorCode; 3] = [
        ErrorCode::SystemIoFailure,
        ErrorCode::CannotOpen,
        ErrorCode::ReadOnly,
    ];
    const NOT_OURS: [ErrorCode; 5] = [
        ErrorCode::PermissionDenied,
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::OutOfMemory,
        ErrorCode::FileLockingProtocolFailed,
    ];
    let code = error.sqlite_error_code()?;
    let told = || anyhow!("{error}").context("opening the journal");
    if refused(error) == Error::Full {
        Some(Trouble::Full)
    } else if DISK.contains(&code) {
        Some(Trouble::Unreachable(told()))
    } else {
        NOT_OURS.contains(&code).then(|| Trouble::Held(told()))
    }
}

/// Whether an error says that what is in the file is no journal any more.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// What a failed write is for whoever asked for it.
pub(super) fn refused(error: &rusqlite::Error) -> Error {
    use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    match (error.sqlite_error_code(), error.sqlite_error()) {
        (Some(ErrorCode::DiskFull), _) => Error::Full,
        (_, Some(why))
            if [SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE].contains(&why.extended_code) =>
        {
            Error::Full
        }
        _ => Error::Broken(error.to_string()),
    }
}

/// Whether the connection is of no use any more after this error.
pub(super) fn is_fatal(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    refused(error) != Error::Full
        && !matches!(
            code,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
}
