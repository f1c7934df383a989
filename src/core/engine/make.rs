//! Heartbeats that are made while running. What the configuration has is not changed here; where it takes the
//! name of one that was made, it wins.

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdSet;
use uuid::Uuid;

use super::plan::removed;
use super::{Engine, Record, Watched, index};
use crate::core::check::{Check, CheckId};
use crate::core::event::Event;
use crate::core::heartbeat::made::MOST_BY_PINGS;
use crate::core::heartbeat::{Beat, Made, Ping};
use crate::core::text;
use crate::core::time::Time;

/// Who goes by a slug.
#[derive(Clone, Copy, Debug)]
pub enum Slug<'a> {
    Nobody,
    One(&'a Arc<Watched>),
    /// More than one, of which none is meant more than another.
    Many,
}

impl Engine {
    /// The heartbeats that were made, in the order of their numbers.
    pub fn made(&self) -> impl Iterator<Item = &Arc<Watched>> {
        self.made.iter().filter_map(|&check| self.watched(check))
    }

    /// How many were made.
    pub fn made_count(&self) -> usize {
        self.made.len()
    }

    /// The heartbeat with this slug: one of the configuration by what it says, else by its name; one that was made by
    /// what was said.
    pub fn slug(&self, slug: &str) -> Slug<'_> {
        let goes_by_name = |w: &&Arc<Watched>| {
            let rule = w.check.heartbeat.as_ref();
            w.record.made.is_none() && rule.is_some_and(|rule| rule.slug.is_none())
        };
        let named = self.named(slug).filter(goes_by_name);
        let said = [&self.planned_slugs, &self.slugs];
        let said = said.into_iter().filter_map(|all| all.get(slug)).flatten();
        let said = said.filter_map(|&check| self.watched(check));
        let mut all = named
            .into_iter()
            .chain(said.filter(|watched| watched.active));
        match (all.next(), all.next()) {
            (None, _) => Slug::Nobody,
            (Some(one), None) => Slug::One(one),
            (Some(_), Some(_)) => Slug::Many,
        }
    }

    /// A ping by a slug: of the heartbeat that has it, else of one that is made for it.
    pub(super) fn provision(
        &self,
        now: Time,
        slug: &Arc<str>,
        uuid: Uuid,
        ping: &Ping,
    ) -> Vec<Event> {
        match self.slug(slug) {
            Slug::One(watched) => return self.hear(now, watched.id, ping),
            Slug::Many => return Vec::new(),
            Slug::Nobody => {}
        }
        let mut events = self.make(now, uuid, &Made::of_slug(slug), MOST_BY_PINGS);
        let mut after = self.clone();
        for event in &events {
            after.apply(event);
        }
        if let Some(&check) = after.beats.get(&uuid) {
            events.extend(after.hear(now, check, ping));
        }
        events
    }

    /// Makes one, unless there are `most` already. A name that was there before gets its number again.
    pub(super) fn make(&self, now: Time, uuid: Uuid, made: &Made, most: usize) -> Vec<Event> {
        if self.made.len() >= most || self.beats.contains_key(&uuid) {
            return Vec::new();
        }
        let is_gone = |name: &str| {
            let known = self.names.get(name).and_then(|&check| self.watched(check));
            known.is_none_or(|watched| !watched.active)
        };
        let name = free(&made.plain_name(), is_gone);
        let next = CheckId(u32::try_from(self.checks.len()).unwrap_or(u32::MAX));
        let check = self.names.get(&name).copied().unwrap_or(next);
        vec![Event::BeatMade {
            check,
            at: now,
            name,
            uuid,
            made: Arc::new(Made {
                created: now,
                ..made.clone()
            }),
        }]
    }

    /// Changes one. It is called anew where what it is called follows from what has changed.
    pub(super) fn alter(&self, now: Time, check: CheckId, made: &Arc<Made>) -> Vec<Event> {
        let Some((watched, old)) = self.made_one(check).filter(|(_, old)| *old != made) else {
            return Vec::new();
        };
        let plain = made.plain_name();
        let name = if plain == old.plain_name() {
            Arc::clone(&watched.check.name)
        } else {
            free(&plain, |name| !self.names.contains_key(name))
        };
        vec![Event::BeatChanged {
            check,
            at: now,
            name,
            made: Arc::clone(made),
        }]
    }

    /// Deletes one.
    pub(super) fn unmake(&self, now: Time, check: CheckId, by: &str) -> Vec<Event> {
        let why = format!("deleted by {}", text::line(by, 80));
        self.made_one(check)
            .map_or_else(Vec::new, |(watched, _)| removed(now, watched, &why))
    }

    /// What becomes of one whose name the configuration takes, and whether it is the one that is configured now:
    /// a heartbeat goes on with its address and history, anything else leaves it alone under another name.
    pub(super) fn yielded(
        &self,
        now: Time,
        watched: &Watched,
        planned: &Check,
        taken: &BTreeSet<&str>,
    ) -> (Option<Event>, bool) {
        let check = watched.id;
        if planned.heartbeat.is_some() {
            return (Some(Event::BeatTakenOver { check, at: now }), true);
        }
        let is_free = |name: &str| !self.names.contains_key(name) && !taken.contains(name);
        let event = watched.record.made.as_ref().map(|made| Event::BeatChanged {
            check,
            at: now,
            name: free(&watched.check.name, is_free),
            made: Arc::clone(made),
        });
        (event, false)
    }

    fn made_one(&self, check: CheckId) -> Option<(&Arc<Watched>, &Arc<Made>)> {
        let watched = self.watched(check).filter(|watched| watched.active)?;
        Some((watched, watched.record.made.as_ref()?))
    }

    /// Takes it in: nothing of one that had its name before is its own, but for the number and the uptime.
    pub(super) fn add_made(
        &mut self,
        check: CheckId,
        at: Time,
        (name, made): (&Arc<str>, &Arc<Made>),
        uuid: Uuid,
    ) {
        let rules = Arc::new(made.check(name, &self.roster));
        let before = self.watched(check).and_then(|w| w.record.beat.as_ref());
        let old: Vec<Uuid> = before.map(Beat::addresses).unwrap_or_default();
        self.unhear(check, &old);
        if self.watched(check).is_none() {
            self.add(check, rules, at);
        } else {
            self.on(check, |watched| {
                let old = std::mem::replace(&mut watched.record, Record::new(at));
                watched.record.incidents = old.incidents;
                (watched.active, watched.check) = (true, rules);
            });
        }
        self.key(check, uuid);
        self.on(check, |watched| {
            watched.record.made = Some(Arc::clone(made));
        });
        self.list_made(check, made);
    }

    pub(super) fn change_made(&mut self, check: CheckId, name: &Arc<str>, made: &Arc<Made>) {
        self.forget_made(check);
        let rules = Arc::new(made.check(name, &self.roster));
        let old = self.watched(check).map(|w| Arc::clone(&w.check.name));
        if let Some(old) = old.filter(|old| old != name)
            && self.names.get(&old) == Some(&check)
        {
            self.names.remove(&old);
        }
        self.names.insert(Arc::clone(name), check);
        self.on(check, |watched| {
            watched.record.made = Some(Arc::clone(made));
            watched.govern(&rules);
        });
        self.list_made(check, made);
    }

    /// Puts those that were made under the rules of a new roster.
    pub(super) fn govern_made(&mut self) {
        let planned: BTreeSet<Arc<str>> = if self.made.is_empty() {
            BTreeSet::new()
        } else {
            let checks = self.roster.checks.iter();
            checks.map(|check| Arc::clone(&check.name)).collect()
        };
        for check in self.made.clone() {
            let Some((watched, made)) = self.made_one(check) else {
                continue;
            };
            let rules = made.check(&watched.check.name, &self.roster);
            if planned.contains(&watched.check.name) || *watched.check == rules {
                continue;
            }
            self.on(check, |watched| watched.govern(&Arc::new(rules)));
        }
    }

    pub(super) fn list_made(&mut self, check: CheckId, made: &Made) {
        self.made.insert(check);
        if !made.slug.is_empty() {
            let mut those: OrdSet<CheckId> =
                self.slugs.get(&made.slug).cloned().unwrap_or_default();
            those.insert(check);
            self.slugs.insert(Arc::clone(&made.slug), those);
        }
    }

    /// It is none of those that were made any more.
    pub(super) fn forget_made(&mut self, check: CheckId) {
        if self.made.remove(&check).is_none() {
            return;
        }
        let Some(slot) = self.checks.get_mut(index(check)) else {
            return;
        };
        let Some(made) = Arc::make_mut(slot).record.made.take() else {
            return;
        };
        if let Some(those) = self.slugs.get_mut(&made.slug) {
            those.remove(&check);
            if those.is_empty() {
                self.slugs.remove(&made.slug);
            }
        }
    }
}

/// `name`, or the first of `name 2`, `name 3`, … that is free.
fn free(name: &str, is_free: impl Fn(&str) -> bool) -> Arc<str> {
    if is_free(name) {
        return name.into();
    }
    let mut numbered = (2_u32..).map(|number| format!("{name} {number}"));
    let found = numbered.find(|name| is_free(name));
    found.unwrap_or_else(|| name.to_owned()).into()
}
