//! What a server is expected to be: its role, its version, its settings.

use super::found::Found;
use super::rows::Rows;
use super::server::Server;
use crate::core::outcome::Verdict;
use crate::core::text;
use crate::probe::finding::Finding;
use crate::settings::Section;

/// Longest value of a setting that is told, in characters.
const CHARS: usize = 80;

/// What needs no question of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Expected {
    role: Option<&'static str>,
    /// The lowest version, as a text and as `server_version_num` writes it.
    version: Option<(String, u32)>,
}

impl Expected {
    /// Reads `role` and `version`.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let role = section.choice("role", &["primary", "standby"]);
        let text = section.string("version");
        let version = text.as_deref().and_then(number);
        if text.is_some() && version.is_none() {
            let hint = "write version = \"15.4\", the lowest that will do";
            section.refuse("version", "\"version\" is not a version", hint);
        }
        Self {
            role,
            version: text.zip(version),
        }
    }

    pub(super) fn judge(&self, server: &Server) -> Found {
        let mut found = Found::default();
        if let Some(role) = self.role {
            let is = server.word();
            let finding = Finding::new("role", role, is, role == is);
            found.holds(finding, &format!("it is a {is}, not a {role}"));
        }
        if let Some((text, least)) = &self.version {
            let finding = Finding::warned(
                "version",
                format!("at least {text}"),
                server.version.as_str(),
                server.number < *least,
            );
            found.holds(finding, &format!("older than {text}"));
        }
        found
    }
}

/// `15.4` as 150004, `15` as 150000.
fn number(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    ((10..1_000).contains(&major) && minor < 10_000).then(|| major * 10_000 + minor)
}

/// `settings = { fsync = "on" }`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values(Vec<(String, String)>);

impl Values {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let pairs = section.pairs("settings")?;
        let is_name = |name: &str| {
            name.chars()
                .all(|c| c.is_alphanumeric() || "_.".contains(c))
        };
        for (name, _) in pairs.iter().filter(|(name, _)| !is_name(name)) {
            let message = format!("\"{name}\" is no name of a setting");
            section.refuse("settings", message, "write settings = { fsync = \"on\" }");
        }
        Some(Self(pairs))
    }

    pub(super) fn ask(&self) -> String {
        let names: Vec<String> = self
            .0
            .iter()
            .map(|(name, _)| format!("'{}'", name.to_lowercase()))
            .collect();
        format!(
            "SELECT lower(name) AS name, setting, coalesce(unit, '') AS unit, \
             current_setting(name) AS shown FROM pg_settings WHERE lower(name) IN ({})",
            names.join(", ")
        )
    }

    /// A value can be written as `SHOW` writes it (`4GB`), or as a number in its unit.
    pub(super) fn judge(&self, rows: &Rows) -> Option<Found> {
        let mut found = Found::default();
        for (name, wanted) in &self.0 {
            let lower = name.to_lowercase();
            let row = rows.iter().find(|row| row.text("name") == Some(&lower));
            let Some(row) = row else {
                let finding = Finding::new(
                    name,
                    wanted,
                    "there is no such setting, or it is hidden from us",
                    true,
                );
                let said = format!("{name} cannot be seen");
                found.holds(finding.worth(Verdict::Unknown), &said);
                continue;
            };
            let (setting, shown) = (row.text("setting")?, row.text("shown")?);
            let with_unit = format!("{setting}{}", row.text("unit")?);
            let holds = [setting, shown, &with_unit]
                .iter()
                .any(|is| is.eq_ignore_ascii_case(wanted));
            let shown = text::line(shown, CHARS);
            let finding = Finding::new(name, wanted, &shown, holds);
            found.holds(finding, &format!("{name} is {shown}, not {wanted}"));
        }
        Some(found)
    }
}
