//! A value that must not be seen.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::Section;

/// A password, key or URL with one. It has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps `value` from being printed.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that hands it to whom it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Section<'_> {
    /// A secret that must be there; it may be empty.
    pub fn required_secret(&mut self, key: &'static str) -> Option<Secret> {
        let secret = self.secret(key);
        if !self.has(key) {
            let hint = format!(
                "add {key} = {{ file = \"…\" }} to [{}], or {key} = \"\" where there is none",
                self.path
            );
            self.wrong(&self.span(), format!("\"{key}\" is missing"), Some(hint));
        }
        secret
    }

    /// A secret: a text, or `{ file = "…" }`, or `{ credential = "…" }` (a file in the folder that systemd
    /// names in `$CREDENTIALS_DIRECTORY`). The newline at the end of a file is not part of it.
    pub fn secret(&mut self, key: &'static str) -> Option<Secret> {
        let entry = self.entry(key)?;
        if entry.value.as_table().is_none() {
            return self.text_of(key, &entry).map(Secret::new);
        }
        let mut table = self.table(key)?;
        let (file, credential) = (table.string("file"), table.string("credential"));
        let span = table.span.clone();
        table.finish();
        let path = match (file, credential) {
            (Some(file), None) => self.report.folder().join(file),
            (None, Some(name)) => {
                if let Some(folder) = self.report.variable("CREDENTIALS_DIRECTORY") {
                    PathBuf::from(folder).join(name)
                } else {
                    let hint = format!(
                        "start under systemd with LoadCredential={name}:…, or write {key} = {{ file = \"…\" }}"
                    );
                    self.wrong(
                        &span,
                        "$CREDENTIALS_DIRECTORY is not set".to_owned(),
                        Some(hint),
                    );
                    return None;
                }
            }
            _ => {
                let hint =
                    format!("write {key} = {{ file = \"…\" }} or {key} = {{ credential = \"…\" }}");
                self.wrong(&span, format!("\"{key}\" names no secret"), Some(hint));
                return None;
            }
        };
        self.report.has_secret(&path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                let hint = "create it, readable for the user that Belfry runs as".to_owned();
                self.wrong(
                    &span,
                    format!("cannot read {}: {error}", path.display()),
                    Some(hint),
                );
                None
            }
        }
    }
}
