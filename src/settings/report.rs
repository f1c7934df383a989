//! What a reading collects, and where it reads from.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Place, Problem, Stranger};

/// Most problems that are kept: a binary file has one on every line.
const MAX_PROBLEMS: usize = 100;

/// One file of a configuration.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is named in messages.
    pub name: Arc<str>,
    pub text: String,
}

impl Source {
    /// Line and column of a span.
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = (0..=span.start.min(self.text.len()))
            .rev()
            .find(|&i| self.text.is_char_boundary(i))
            .unwrap_or(0);
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Place {
            file: Arc::clone(&self.name),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            span,
        }
    }
}

/// Collects the problems of one reading, and knows where variables and secrets come from.
pub struct Report<'e> {
    problems: RefCell<Vec<Problem>>,
    left_out: Cell<usize>,
    environment: &'e dyn Fn(&str) -> Option<String>,
    /// What relative paths of secrets are relative to.
    folder: PathBuf,
    /// The files that secrets are in, whether they can be read or not.
    secrets: RefCell<BTreeSet<PathBuf>>,
    /// The files that others can write, by their names.
    strange: BTreeMap<Arc<str>, Stranger>,
}

impl<'e> Report<'e> {
    /// An empty report. `environment` looks up a variable; `folder` is where the configuration lies.
    pub fn new(environment: &'e dyn Fn(&str) -> Option<String>, folder: &Path) -> Self {
        Self {
            problems: RefCell::default(),
            left_out: Cell::new(0),
            environment,
            folder: folder.to_owned(),
            secrets: RefCell::default(),
            strange: BTreeMap::new(),
        }
    }

    /// Knows of files that others can write.
    #[must_use]
    pub fn with_strange(self, strange: BTreeMap<Arc<str>, Stranger>) -> Self {
        Self { strange, ..self }
    }

    /// Why a file of the configuration may be another's word.
    pub fn stranger(&self, file: &str) -> Option<&Stranger> {
        self.strange.get(file)
    }

    /// Notes that a secret is in this file.
    pub fn has_secret(&self, file: &Path) {
        self.secrets.borrow_mut().insert(file.to_owned());
    }

    /// The files that secrets are in: a change of one makes another configuration.
    pub fn secrets(&self) -> Vec<PathBuf> {
        self.secrets.borrow().iter().cloned().collect()
    }

    /// Notes a problem at a place of a file.
    pub fn at(
        &self,
        source: &Source,
        span: Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let place = Some(source.place(span));
        self.push(Problem {
            place,
            message: message.into(),
            hint,
        });
    }

    /// Notes a problem.
    pub fn push(&self, problem: Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push(problem);
        } else {
            self.left_out.set(self.left_out.get() + 1);
        }
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// Where the configuration lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All problems, in the order of the files and lines.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        if self.left_out.get() > 0 {
            let message = format!("{} more problems are not shown", self.left_out.get());
            problems.push(Problem {
                place: None,
                message,
                hint: None,
            });
        }
        problems
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }
}
