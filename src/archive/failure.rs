//! What can go wrong between the journal and Postgres, and whether trying again helps.

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;

use crate::core::text::message;
use crate::core::time::human;

/// Why something was not archived. Nothing here holds an address or a password.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing is wrong with what was sent: the same again later, over a new connection.
    Later(String),
    /// Postgres does not take this data, now or later.
    Refused(String),
    /// The cursor is not where it was: a second archivist of the same journal was faster.
    Moved,
}

impl Failure {
    /// `doing` says what was tried: `connecting to Postgres`.
    pub(super) fn later(doing: &str, why: &str) -> Self {
        Self::Later(format!("{doing}: {}", message(why)))
    }

    /// Sorts an error of Postgres or of the way to it. All are tried again later.
    pub(super) fn postgres(doing: &str, error: &tokio_postgres::Error) -> Self {
        Self::Later(describe(doing, error))
    }

    /// The same for rows: data exceptions (class 22), violated constraints (23) and values that are too
    /// large for Postgres (54) stay what they are however often they are sent.
    pub(super) fn rows(doing: &str, error: &tokio_postgres::Error) -> Self {
        let class = error.code().and_then(|code| code.code().get(..2));
        let text = describe(doing, error);
        match class {
            Some("22" | "23" | "54") => Self::Refused(text),
            _ => Self::Later(text),
        }
    }
}

/// One statement, at most `limit` long; its error sorted by `sort`.
pub(super) async fn within<T>(
    limit: Duration,
    doing: &str,
    sort: fn(&str, &tokio_postgres::Error) -> Failure,
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(sort(doing, &error)),
        Err(_) => Err(Failure::later(doing, &silence(limit))),
    }
}

/// What is said of somebody who did not answer.
pub(super) fn silence(limit: Duration) -> String {
    format!("no answer within {}", human(limit))
}

/// The message of the server with its code and what to do, or the chain of causes on the way to it.
fn describe(doing: &str, error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        let code = server.code();
        let hint = hint(code).map(|hint| format!("; {hint}"));
        let told = message(server.message());
        return format!(
            "{doing}: {told} (SQLSTATE {}){}",
            code.code(),
            hint.unwrap_or_default()
        );
    }
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    format!("{doing}: {}", message(&chain))
}

/// What to do about the errors that an administrator can end.
fn hint(code: &SqlState) -> Option<&'static str> {
    match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Some("check user and password in [postgres] url, and pg_hba.conf")
        }
        SqlState::INVALID_CATALOG_NAME => {
            Some("create the database, or name another in [postgres] url")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => Some(
            "let the role create its schema (GRANT CREATE ON DATABASE … TO …), or make it the owner of schema belfry",
        ),
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            Some("name the primary in [postgres] url, or lift default_transaction_read_only")
        }
        SqlState::DISK_FULL => Some("the server needs space; everything waits in the journal"),
        SqlState::TOO_MANY_CONNECTIONS => {
            Some("raise max_connections, or end connections that nobody uses")
        }
        _ => None,
    }
}
