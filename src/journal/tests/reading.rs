//! What only tests ask of a journal.

use crate::journal::{Reader, ledger};

impl Reader {
    /// How many events the ledger has, each as it was written; else the error says which is not.
    pub(crate) async fn verify(&self) -> anyhow::Result<u64> {
        Ok(self.query(ledger::verify).await??)
    }
}
