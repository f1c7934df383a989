//! One thing wrong in a configuration.

use std::ops::Range;
use std::sync::Arc;

/// Where in which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: Arc<str>,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// Both count from 1; the column counts characters.
    pub line: usize,
    pub column: usize,
}

/// One thing wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// None where the whole is wrong (a file that cannot be read).
    pub place: Option<Place>,
    pub message: String,
    /// What to type instead.
    pub hint: Option<String>,
}

impl Problem {
    /// On one line: `config/belfry.toml:2:1: unknown key "nam"; did you mean "name"?`
    pub fn line(&self) -> String {
        let place = self
            .place
            .as_ref()
            .map(|p| format!("{}:{}:{}: ", p.file, p.line, p.column))
            .unwrap_or_default();
        let hint = self
            .hint
            .as_ref()
            .map(|hint| format!("; {hint}"))
            .unwrap_or_default();
        format!("{place}{}{hint}", self.message)
    }
}
