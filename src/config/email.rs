//! `[email]`: how mail leaves, from whom and to whom.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use lettre::message::Mailbox;

use super::{accept, schedule};
use crate::channel::relay::Relay;
use crate::core::check::Recipient;
use crate::core::schedule::Calendar;
use crate::settings::Section;

/// Most relays: each is tried for a while before the next.
const MAX_RELAYS: usize = 8;
/// The folder below the data that mails are written to where there is no relay.
const FOLDER: &str = "mail";
/// Who mails are addressed to where nobody is named and nothing leaves.
const NOBODY: &str = "root@localhost";

/// How mail leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Email {
    /// Tried in order; at least one.
    pub relays: Vec<Relay>,
    pub from: Mailbox,
    /// Who is told, unless a check says otherwise; also who gets digests and test mails.
    pub to: Arc<[Recipient]>,
    /// When the daily summary is due, in UTC; none for no summary.
    pub digest: Option<Calendar>,
}

impl Email {
    pub(super) fn read(section: Option<Section<'_>>, node: &str, data_dir: &Path) -> Self {
        let nobody: Arc<[Recipient]> = Arc::from([Recipient {
            channel: "email".into(),
            address: NOBODY.into(),
        }]);
        let mut email = Self {
            relays: vec![Relay::Folder(data_dir.join(FOLDER))],
            from: usual_sender(node),
            to: nobody,
            digest: None,
        };
        let Some(mut section) = section else {
            return email;
        };
        let relays = relays(&mut section);
        let to = accept::recipients(&mut section, "to").filter(|to| !to.is_empty());
        if to.is_none() && !relays.is_empty() && !section.has("to") {
            let hint = "add to = [\"you@example.org\"] to [email]";
            section.refuse("to", "nobody is told: \"to\" is missing", hint);
        }
        if let Some(from) = section.string("from") {
            let span = section.span_of("from");
            email.from = accept::mailbox(&section, &from, span).unwrap_or(email.from);
        }
        email.digest = schedule::calendar(&mut section, "digest", &TimeZone::UTC);
        email.to = to.unwrap_or(email.to);
        if !relays.is_empty() {
            email.relays = relays;
        }
        section.finish();
        email
    }
}

/// `Belfry <belfry@web-1>`, as far as the name of the node can be a host's.
fn usual_sender(node: &str) -> Mailbox {
    let address = format!("belfry@{node}").parse();
    let fallback =
        || lettre::Address::new("belfry", "localhost").expect("both parts are plain words");
    Mailbox::new(
        Some("Belfry".to_owned()),
        address.unwrap_or_else(|_| fallback()),
    )
}

fn relays(section: &mut Section<'_>) -> Vec<Relay> {
    let password = section.secret("password");
    let urls = section.strings("relays").unwrap_or_default();
    if urls.len() > MAX_RELAYS {
        let message = format!("more than {MAX_RELAYS} relays");
        section.refuse(
            "relays",
            message,
            "keep those that are independent of each other",
        );
    }
    let mut relays = Vec::new();
    for (url, span) in urls.into_iter().filter(|(url, _)| !url.is_empty()) {
        match Relay::parse(&url, password.clone()) {
            Ok(relay) => relays.push(relay),
            // The URL may hold a password, so only what the relay says of it is repeated.
            Err(error) => {
                let hint = "write \"smtp://localhost:25\" or \"smtps://user@mail.example.org:465\"";
                section
                    .report
                    .at(section.source, span, error, Some(hint.to_owned()));
            }
        }
    }
    relays
}
