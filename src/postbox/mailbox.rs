//! Whose an address is: `UUID@domain`, or `KEY+NAME@domain` with a ping key.

use std::net::IpAddr;
use std::sync::Arc;

use super::Sources;
use super::reply::Reply;
use crate::core::check::CheckId;
use crate::core::engine::{Slug, Watched};
use crate::core::text;

/// The heartbeat of an address of RFC 5321. Answered from memory; nobody who guesses costs more.
pub(super) fn find(sources: &Sources, peer: IpAddr, address: &str) -> Result<CheckId, Reply> {
    let now = sources.clock.now();
    match look_up(sources, address) {
        Ok(watched) => match sources.buckets.take(now, peer, Some(watched.id)) {
            Ok(()) => Ok(watched.id),
            Err(seconds) => Err(limited(sources, seconds)),
        },
        Err(nobody) => match sources.buckets.take_unknown(now, peer) {
            Ok(()) => Err(nobody),
            Err(seconds) => Err(limited(sources, seconds)),
        },
    }
}

fn limited(sources: &Sources, seconds: u64) -> Reply {
    sources.vitals.pings_limited.bump();
    Reply::limited(seconds)
}

fn look_up(sources: &Sources, address: &str) -> Result<Arc<Watched>, Reply> {
    let (local, domain) = address.rsplit_once('@').ok_or(Reply::OTHER_DOMAIN)?;
    if !domain.eq_ignore_ascii_case(&sources.domain) {
        return Err(Reply::OTHER_DOMAIN);
    }
    let view = sources.view.borrow();
    if let Some((key, name)) = local.split_once('+') {
        // A wrong key costs what a right one does.
        let is_known = sources.keys.borrow().has(key);
        let is_written_right = !name.bytes().any(|byte| byte.is_ascii_uppercase());
        return match view.engine.slug(name) {
            _ if !is_known || !is_written_right => Err(Reply::NO_MAILBOX),
            Slug::One(watched) => Ok(Arc::clone(watched)),
            Slug::Many => Err(Reply::AMBIGUOUS),
            Slug::Nobody => Err(Reply::NO_MAILBOX),
        };
    }
    let found = text::uuid(local).and_then(|uuid| view.engine.beat(&uuid).cloned());
    found.ok_or(Reply::NO_MAILBOX)
}
