//! `[daemon]`, `[postgres]` and `[page]`: who and where this daemon is.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{accept, zone};
use crate::core::text;
use crate::settings::{Report, Secret, Section};

/// Longest name of a daemon, in characters: as long as a host's name (RFC 1035, one label).
const NAME_CHARS: usize = 63;
/// Where the data lies if nothing is said: beside where it was started.
const DATA_DIR: &str = "data";

/// What `[daemon]` says.
pub(super) struct Daemon {
    pub node: Arc<str>,
    pub data_dir: PathBuf,
    pub zone: TimeZone,
}

impl Daemon {
    pub(super) fn read(section: Option<Section<'_>>, report: &Report<'_>) -> Self {
        let (mut name, mut data_dir, mut zone) = (None, None, None);
        if let Some(mut section) = section {
            name = node(&mut section);
            data_dir = section.string("data_dir");
            if data_dir.as_deref() == Some("") {
                section.refuse(
                    "data_dir",
                    "\"data_dir\" is empty",
                    "write data_dir = \"data\"",
                );
            }
            zone = timezone(&mut section);
            section.finish();
        }
        // systemd makes the folder of StateDirectory= and names it; of several the first is ours.
        let state = report.variable("STATE_DIRECTORY");
        let state = state.as_deref().and_then(|list| list.split(':').next());
        let usual = state.filter(|path| !path.is_empty()).unwrap_or(DATA_DIR);
        Self {
            node: name.unwrap_or_else(hostname).into(),
            data_dir: data_dir.map_or_else(|| PathBuf::from(usual), PathBuf::from),
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }
}

/// The host's name, for people: without its domain it is what they call it.
fn hostname() -> String {
    let name = hostname::get().unwrap_or_default();
    let name = name.to_string_lossy();
    let first = name.split('.').next().unwrap_or_default();
    match text::line(first, NAME_CHARS) {
        name if name.is_empty() => "localhost".to_owned(),
        name => name,
    }
}

fn node(section: &mut Section<'_>) -> Option<String> {
    let name = section.string("name")?;
    let plain = text::line(&name, NAME_CHARS);
    if plain.is_empty() || plain != name {
        let hint = format!("write up to {NAME_CHARS} characters on one line: name = \"web-1\"");
        section.refuse("name", "\"name\" cannot be the name of a daemon", hint);
        return None;
    }
    Some(name)
}

pub(super) fn timezone(section: &mut Section<'_>) -> Option<TimeZone> {
    let name = section.string("timezone")?;
    let near = match zone::find(&name) {
        Ok(zone) => return Some(zone),
        Err(near) => near,
    };
    let hint = near.map_or_else(
        || "write it as in the IANA database: timezone = \"Europe/Berlin\"".to_owned(),
        |near| format!("did you mean \"{near}\"?"),
    );
    section.refuse("timezone", format!("\"{name}\" is no time zone"), hint);
    None
}

/// `[postgres]`: the address of the archive; none where it is empty.
pub(super) fn postgres(section: Option<Section<'_>>) -> Option<Secret> {
    let mut section = section?;
    let has_url = section.has("url");
    let url = section.secret("url");
    if !has_url {
        section.refuse(
            "url",
            "\"url\" is missing",
            "add url = \"${DATABASE_URL:-}\" to [postgres]",
        );
    }
    section.finish();
    url.filter(|url| !url.expose().trim().is_empty())
}

/// `[page]`: where people reach the status page, for the links in mails; without a slash at its end.
pub(super) fn page(section: Option<Section<'_>>) -> Option<String> {
    let mut section = section?;
    let url = accept::web_address(&mut section, "url");
    section.finish();
    url.map(|url| url.trim_end_matches('/').to_owned())
}
