//! Lists: checks, channels and badges; and whether we are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use uuid::Uuid;

use super::show::{slug, unique_key};
use super::spec::Told;
use super::{App, Call, Refusal};
use crate::core::check::Recipient;
use crate::core::engine::Watched;
use crate::web::badge;
use crate::web::body::Body;
use crate::web::{query, respond};

/// `status/`: whether the journal answers.
pub(super) async fn status(app: &App) -> Result<Response<Body>, Refusal> {
    match timeout(app.limits.query, app.reader.identity()).await {
        Ok(Ok(_)) => Ok(respond::plain(StatusCode::OK, "OK")),
        Ok(Err(_)) | Err(_) => Err(Refusal::Busy),
    }
}

impl Call {
    /// Every heartbeat, in the order in which they are watched.
    pub(super) fn all(&self) -> Vec<Arc<Watched>> {
        let view = self.app.view.borrow();
        let beats = view.engine.active().filter(|w| w.record.beat.is_some());
        beats.cloned().collect()
    }

    /// `checks/?tag=…&tag=…&slug=…`: those that have all of these.
    pub(super) fn checks(&self) -> Value {
        let pairs: Vec<(String, String)> = query::pairs(&self.query).collect();
        let said = |key: &'static str| pairs.iter().filter(move |(known, _)| known == key);
        let wanted = said("slug").next_back().map(|(_, slug)| slug.as_str());
        let wanted = wanted.filter(|slug| !slug.is_empty());
        let chosen = |watched: &&Arc<Watched>| {
            said("tag").all(|(_, tag)| tags(watched).any(|own| own == tag))
                && wanted.is_none_or(|wanted| wanted == slug(watched))
        };
        let all = self.all();
        let checks: Vec<Value> = all.iter().filter(chosen).map(|w| self.check(w)).collect();
        json!({ "checks": checks })
    }

    pub(super) fn by_uuid(&self, uuid: Uuid) -> Result<Arc<Watched>, Refusal> {
        let found = self.app.view.borrow().engine.beat(&uuid).cloned();
        found.ok_or_else(Refusal::not_found)
    }

    pub(super) fn by_unique_key(&self, key: &str) -> Result<Arc<Watched>, Refusal> {
        let is_it = |watched: &Arc<Watched>| {
            let beat = watched.record.beat.as_ref();
            beat.is_some_and(|beat| unique_key(&beat.uuid) == key)
        };
        let found = self.all().into_iter().find(is_it);
        found.ok_or_else(Refusal::not_found)
    }

    /// `channels/`: the addresses that mails go to.
    pub(super) fn channels(&self) -> Value {
        let roster = Arc::clone(&self.app.view.borrow().engine.roster);
        let channels = roster.recipients.iter().map(|recipient| {
            json!({
                "id": channel_id(recipient),
                "name": recipient.address,
                "kind": recipient.channel,
            })
        });
        json!({ "channels": channels.collect::<Vec<_>>() })
    }

    /// The addresses that `channels` of a request names: `*` for all, now and later, else ids or names with
    /// commas between.
    pub(super) fn told(&self, channels: &str) -> Result<Told, Refusal> {
        match channels {
            "*" => return Ok(None),
            "" => return Ok(Some(Vec::new())),
            _ => {}
        }
        let roster = Arc::clone(&self.app.view.borrow().engine.roster);
        let mut told: Vec<Arc<str>> = Vec::new();
        for word in channels.split(',') {
            if word.is_empty() {
                return Err(bad("empty channel identifier".to_owned()));
            }
            let found = roster.recipients.iter().find(|recipient| {
                *recipient.address == *word || channel_id(recipient).to_string() == word
            });
            let Some(recipient) = found else {
                return Err(bad(format!("invalid channel identifier: {word}")));
            };
            if !told.contains(&recipient.address) {
                told.push(Arc::clone(&recipient.address));
            }
        }
        Ok(Some(told))
    }

    /// `badges/`: where the pictures of each tag are, and of all together.
    pub(super) fn badges(&self) -> Value {
        let all = self.all();
        let names = all.iter().flat_map(|watched| tags(watched));
        let badge = |tag: &str| {
            let at = |form: &str| {
                let (form, query) = form.split_once('?').unwrap_or((form, ""));
                let address = badge::address_of_tag(&self.app, tag, form);
                let mark = if query.is_empty() { "" } else { "?" };
                format!("{}{address}{mark}{query}", self.root)
            };
            json!({
                "svg": at("svg?states=2"),
                "svg3": at("svg"),
                "json": at("json?states=2"),
                "json3": at("json"),
                "shields": at("shields?states=2"),
                "shields3": at("shields"),
            })
        };
        let badges: BTreeMap<&str, Value> = std::iter::once("*")
            .chain(names)
            .map(|tag| (tag, badge(tag)))
            .collect();
        json!({ "badges": badges })
    }
}

/// The channels of a check, as it shows them.
pub(super) fn channels_of(watched: &Watched) -> String {
    let ids = watched.check.recipients.iter().map(channel_id);
    let mut ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    ids.sort();
    ids.join(",")
}

/// The tags of a heartbeat.
fn tags(watched: &Watched) -> impl Iterator<Item = &str> {
    let made = watched.record.made.iter();
    made.flat_map(|made| made.tags())
}

fn bad(error: String) -> Refusal {
    Refusal::says(StatusCode::BAD_REQUEST, error)
}

/// A channel has no id of its own; this one follows from its address and is always the same.
fn channel_id(recipient: &Recipient) -> Uuid {
    let text = format!("{}\n{}", recipient.channel, recipient.address);
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut bytes = [0; 16];
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = from);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
