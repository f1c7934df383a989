//! All that is asked of a server: aspects, settings, and questions of the user's own.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;
use toml::de::DeValue;

use super::aspect::ASPECTS;
use super::chosen::Chosen;
use super::expected::Values;
use super::found::{Found, Judging};
use super::past::Past;
use super::query::Query;
use super::rows::Rows;
use super::server::{Needs, Server};
use crate::settings::Section;

/// Most questions of the user's own; each look asks them one after the other.
const QUERIES: usize = 20;

/// One thing to ask.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Task {
    Aspect(Chosen),
    Settings(Values),
    Query(Query),
}

impl Task {
    /// Reads the keys of all aspects, `settings` and `query`. What is written comes first: where there are more
    /// numbers than a look may have, the user's own are kept.
    pub(super) fn read(section: &mut Section<'_>) -> Vec<Self> {
        let aspects = ASPECTS
            .iter()
            .filter_map(|aspect| Chosen::read(section, aspect));
        let mut tasks: Vec<Self> = aspects.map(Self::Aspect).collect();
        tasks.extend(Values::read(section).map(Self::Settings));
        let queries = section.tables("query").unwrap_or_default();
        if queries.len() > QUERIES {
            let message = format!("more than {QUERIES} of \"query\"");
            section.refuse("query", message, "spread them over several checks");
        }
        let mut names: Vec<String> = Vec::new();
        let queries = queries.into_iter().filter_map(|query| {
            let name = query.value_of("name").and_then(DeValue::as_str);
            let name = name.map(Query::shown).unwrap_or_default();
            if !name.is_empty() && names.contains(&name) {
                let message = format!("\"{name}\" is the name of another question");
                query.refuse(
                    "name",
                    message,
                    "give each one of its own: its number is kept by it",
                );
            }
            names.push(name);
            Query::read(query)
        });
        tasks.extend(queries.map(Self::Query));
        tasks.sort_by_key(|task| !task.is_written());
        tasks
    }

    /// Its name for people.
    pub(super) fn what(&self) -> Cow<'_, str> {
        match self {
            Self::Aspect(chosen) => Cow::Owned(chosen.aspect.what()),
            Self::Settings(_) => Cow::Borrowed("settings"),
            Self::Query(query) => Cow::Borrowed(&query.name),
        }
    }

    pub(super) fn is_written(&self) -> bool {
        match self {
            Self::Aspect(chosen) => chosen.is_written,
            Self::Settings(_) | Self::Query(_) => true,
        }
    }

    /// How long its result holds.
    pub(super) fn every(&self) -> Duration {
        match self {
            Self::Aspect(chosen) => chosen.every,
            Self::Settings(_) => Duration::ZERO,
            Self::Query(query) => query.every,
        }
    }

    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::Aspect(chosen) => chosen.aspect.needs,
            Self::Settings(_) | Self::Query(_) => Needs::Nothing,
        }
    }

    /// The question; none where such a server has nothing to say to it.
    pub(super) fn ask(&self, server: &Server) -> Option<Cow<'static, str>> {
        match self {
            Self::Aspect(chosen) => (chosen.aspect.ask)(server).map(Cow::Borrowed),
            Self::Settings(values) => Some(Cow::Owned(values.ask())),
            Self::Query(query) => Some(Cow::Owned(query.ask())),
        }
    }

    /// What the answer is worth; none where it is not one to the question.
    pub(super) fn judge(
        &self,
        rows: &Rows,
        past: &mut Past,
        server: &Server,
        now: Instant,
    ) -> Option<Found> {
        match self {
            Self::Aspect(chosen) => {
                let Chosen {
                    aspect,
                    levels,
                    ignore,
                    is_written,
                    ..
                } = chosen;
                let how = (*aspect, *levels, *is_written);
                let mut judging = Judging::new(how, ignore.as_ref(), rows, past, now);
                (aspect.judge)(&mut judging)?;
                Some(judging.finish(server))
            }
            Self::Settings(values) => values.judge(rows),
            Self::Query(query) => query.judge(rows),
        }
    }
}
