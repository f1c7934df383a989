//! How a check looks at a glance: its state, and what the state alone does not tell.

use maud::{Markup, Render, html};

use crate::core::engine::{Engine, Watched};
use crate::core::state::Phase;

/// What a row shows, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Face {
    Down,
    /// Down, and its alert is held because of a parent.
    Held,
    Degraded,
    /// It was good when we could look last, and now we cannot.
    Unknown,
    New,
    Up,
    Paused,
}

impl Face {
    pub(super) const ALL: [Self; 7] = [
        Self::Down,
        Self::Held,
        Self::Degraded,
        Self::Unknown,
        Self::New,
        Self::Up,
        Self::Paused,
    ];

    /// The face of a check now. Down stays down while nobody can look: that is what was seen last, and
    /// an incident is open for it.
    pub(super) fn of(engine: &Engine, watched: &Watched) -> Self {
        match watched.phase() {
            Phase::Down
                if watched.record.incident.is_none() && engine.held_by(watched).is_some() =>
            {
                Self::Held
            }
            Phase::Up | Phase::Degraded | Phase::New if !engine.is_seen(watched) => Self::Unknown,
            phase @ (Phase::New | Phase::Up | Phase::Degraded | Phase::Down | Phase::Paused) => {
                Self::of_phase(phase)
            }
        }
    }

    /// The face of a bare state.
    pub(super) fn of_phase(phase: Phase) -> Self {
        match phase {
            Phase::New => Self::New,
            Phase::Up => Self::Up,
            Phase::Degraded => Self::Degraded,
            Phase::Down => Self::Down,
            Phase::Paused => Self::Paused,
        }
    }

    /// The word for it, which is also its class in the sheet and the name of its sign.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Held => "held",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::New => "new",
            Self::Up => "up",
            Self::Paused => "paused",
        }
    }

    /// Whether somebody should look at it.
    pub(super) fn needs_attention(self) -> bool {
        match self {
            Self::Down | Self::Held | Self::Degraded | Self::Unknown => true,
            Self::New | Self::Up | Self::Paused => false,
        }
    }

    /// The lines of its sign, in a box of 16 by 16.
    fn stroke(self) -> &'static str {
        match self {
            Self::Down => "M5 5l6 6M11 5l-6 6",
            Self::Held => "M4.6 8h.01M8 8h.01M11.4 8h.01",
            Self::Degraded => "M8 4.4v4.4M8 11.7v.01",
            Self::Unknown => "M6.2 6.1a1.9 1.9 0 1 1 2.6 1.9c-.6.3-.8.6-.8 1.2M8 11.7v.01",
            Self::New => "M8 4.8V8l2 1.4",
            Self::Up => "M4.6 8.4l2.3 2.3 4.5-5",
            Self::Paused => "M6.5 5.6v4.8M9.5 5.6v4.8",
        }
    }

    /// What the sign stands on: no two of the states that matter share a shape.
    fn ground(self) -> Markup {
        match self {
            Self::Down => html! { rect width="16" height="16" rx="3" {} },
            Self::Degraded => {
                html! { path d="M0 14V8a8 8 0 0 1 16 0v6a2 2 0 0 1-2 2H2a2 2 0 0 1-2-2z" {} }
            }
            Self::Up | Self::Unknown | Self::Held => html! { circle cx="8" cy="8" r="8" {} },
            Self::New | Self::Paused => html! { circle.ring cx="8" cy="8" r="7.3" {} },
        }
    }
}

/// The sign: a shape and a colour for the eye, a word for the ear.
impl Render for Face {
    fn render(&self) -> Markup {
        html! { svg class={ "sign " (self.word()) } role="img" aria-label=(self.word()) { use href={ "#s-" (self.word()) } {} } }
    }
}

/// The shapes that the signs of a page refer to; drawn once per page.
pub(super) fn symbols() -> Markup {
    html! {
        svg.symbols aria-hidden="true" {
            @for face in Face::ALL {
                symbol id={ "s-" (face.word()) } viewBox="0 0 16 16" {
                    (face.ground())
                    path.stroke d=(face.stroke()) {}
                }
            }
        }
    }
}
