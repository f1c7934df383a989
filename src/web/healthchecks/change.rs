//! Changes: make, change, delete, pause and resume. One after the other, so that of two that look for the same
//! check before they make it the second finds it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;
use uuid::Uuid;

use super::spec::{Spec, Told, Unique};
use super::{Call, Refusal};
use crate::core::engine::Watched;
use crate::core::heartbeat::Made;
use crate::core::heartbeat::made::MOST;
use crate::core::input::Input;
use crate::core::schedule::Schedule;
use crate::core::state::Phase;
use crate::inbox::Answer;

impl Call {
    /// `POST checks/`: makes one, or changes the first that has what `unique` names.
    pub(super) async fn create(
        &self,
        fields: &Map<String, Value>,
    ) -> Result<(StatusCode, Value), Refusal> {
        let spec = Spec::read(fields)?;
        let _turn = self.turn().await?;
        if let Some(known) = self.matching(&spec) {
            let changed = self.change(&known, spec).await?;
            return Ok((StatusCode::OK, changed));
        }
        if self.app.view.borrow().engine.made_count() >= MOST {
            return Err(Refusal::Bare(StatusCode::FORBIDDEN));
        }
        let told = self.told_by(&spec)?;
        let made = Arc::new(spec.onto(Made::default(), told, self.version));
        let uuid = Uuid::new_v4();
        self.ask(Input::Make { uuid, made }).await?;
        Ok((StatusCode::CREATED, self.check(&*self.by_uuid(uuid)?)))
    }

    /// `POST checks/UUID`: what is said is changed, the rest stays.
    pub(super) async fn update(
        &self,
        uuid: Uuid,
        fields: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        self.by_uuid(uuid)?;
        let spec = Spec::read(fields)?;
        let _turn = self.turn().await?;
        self.change(&*self.by_uuid(uuid)?, spec).await
    }

    async fn change(&self, watched: &Watched, spec: Spec) -> Result<Value, Refusal> {
        let made = Made::clone(made(watched)?);
        let told = self.told_by(&spec)?;
        let made = Arc::new(spec.onto(made, told, self.version));
        let check = watched.id;
        self.ask(Input::Change { check, made }).await?;
        let view = Arc::clone(&self.app.view.borrow());
        let changed = view.engine.watched(check).ok_or_else(Refusal::not_found)?;
        Ok(self.check(changed))
    }

    /// `DELETE checks/UUID`: as it was.
    pub(super) async fn delete(&self, uuid: Uuid) -> Result<Value, Refusal> {
        let _turn = self.turn().await?;
        let watched = self.by_uuid(uuid)?;
        made(&watched)?;
        let (check, by) = (watched.id, Arc::clone(&self.by));
        self.ask(Input::Unmake { check, by }).await?;
        Ok(self.check(&watched))
    }

    /// `POST checks/UUID/pause`.
    pub(super) async fn pause(&self, uuid: Uuid) -> Result<Value, Refusal> {
        let watched = self.by_uuid(uuid)?;
        made(&watched)?;
        let (check, by) = (watched.id, Arc::clone(&self.by));
        self.ask(Input::Pause { check, by }).await?;
        Ok(self.check(&*self.by_uuid(uuid)?))
    }

    /// `POST checks/UUID/resume`: as if it were new.
    pub(super) async fn resume(&self, uuid: Uuid) -> Result<Value, Refusal> {
        let watched = self.by_uuid(uuid)?;
        made(&watched)?;
        if watched.phase() != Phase::Paused {
            let why = "check is not paused";
            return Err(Refusal::Text(StatusCode::CONFLICT, why));
        }
        let (check, by) = (watched.id, Arc::clone(&self.by));
        self.ask(Input::Resume { check, by }).await?;
        Ok(self.check(&*self.by_uuid(uuid)?))
    }

    /// The first that has all that `unique` names. Where a field of it is not said, none is meant.
    fn matching(&self, spec: &Spec) -> Option<Arc<Watched>> {
        if spec.unique.is_empty() {
            return None;
        }
        let has = |watched: &Watched, unique: Unique| {
            let made = watched.record.made.as_deref();
            let every = match watched.check.schedule {
                Schedule::Every(every) => Some(every),
                // One that goes by a calendar keeps the interval that it had.
                Schedule::Calendar(_) => made.map(|made| made.timeout),
            };
            let name = made.map_or(&watched.check.name, |made| &made.name);
            let grace = watched.check.heartbeat.as_ref().map(|rule| rule.grace);
            let same = |said: &Option<String>, own: &str| said.as_deref() == Some(own);
            let spans = |said: Option<Duration>, own| said.is_some() && said == own;
            match unique {
                Unique::Name => same(&spec.name, name),
                Unique::Slug => same(&spec.slug, super::show::slug(watched)),
                Unique::Tags => same(&spec.tags, made.map_or("", |made| &made.tags)),
                Unique::Timeout => spans(spec.timeout, every),
                Unique::Grace => spans(spec.grace, grace),
            }
        };
        let mut all = self.all();
        all.sort_by_key(|watched| watched.id);
        let meant = |watched: &Arc<Watched>| spec.unique.iter().all(|&u| has(watched, u));
        all.into_iter().find(meant)
    }

    fn told_by(&self, spec: &Spec) -> Result<Option<Told>, Refusal> {
        let channels = spec.channels.as_deref();
        channels.map(|channels| self.told(channels)).transpose()
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        match timeout(self.app.limits.decision, self.app.changes.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Refusal::Busy),
        }
    }

    /// Waits until it is decided and durable. What changes nothing is as good as done.
    async fn ask(&self, input: Input) -> Result<(), Refusal> {
        match self.app.inbox.ask(input, self.app.limits.decision).await {
            Answer::Done | Answer::Nothing => Ok(()),
            Answer::NotDurable | Answer::Busy => Err(Refusal::Busy),
        }
    }
}

/// What was said of one that was made. Of one of the configuration nothing is changed here.
fn made(watched: &Watched) -> Result<&Arc<Made>, Refusal> {
    watched.record.made.as_ref().ok_or_else(|| {
        let name = &watched.check.name;
        let error = format!(
            "this check is in the configuration, [heartbeat.{name}]: it can be read here and is changed there"
        );
        Refusal::says(StatusCode::FORBIDDEN, error)
    })
}
