//! What stands in the log of what was decided.

use std::sync::Arc;

use crate::core::check::CheckId;
use crate::core::engine::Engine;
use crate::core::event::Event;

/// Tells the log what an operator would want to read there.
pub(super) fn tell(engine: &Engine, event: &Event) {
    let name = |check: &CheckId| name(engine, *check);
    match event {
        Event::Turned {
            check,
            from,
            state,
            reason,
            ..
        } => {
            let (check_name, to) = (name(check), state.phase().word());
            tracing::info!(check = %check_name, from = from.word(), to, "{check_name} is {to}: {reason}");
        }
        Event::IncidentOpened { incident } => {
            tracing::info!(incident = %incident.id, check = %incident.name, "incident {} opened: {}", incident.id, incident.evidence);
        }
        Event::IncidentClosed { incident, why, .. } => {
            tracing::info!(incident = %incident, "incident {incident} closed: {why}");
        }
        Event::FlappingBegan { check, .. } => {
            let check_name = name(check);
            tracing::info!(check = %check_name, "{check_name} flaps: its incident stays open until it is steady");
        }
        Event::Remedy { check, step, .. } => {
            let check_name = name(check);
            tracing::info!(check = %check_name, "remedy of {check_name}: {step}");
        }
        Event::Deafened {
            from, to, reason, ..
        } => {
            let deaf_ms = to.since(*from).as_millis();
            tracing::info!(deaf_ms, "could not hear from {from} to {to}: {reason}");
        }
        Event::BeatMade { check, name, .. } => {
            tracing::info!(check = %name, "heartbeat {name} ({check}) was made");
        }
        Event::BeatChanged { check, name, .. } => {
            tracing::info!(check = %name, "heartbeat {name} ({check}) was changed");
        }
        Event::BeatTakenOver { check, .. } => {
            let check_name = name(check);
            tracing::info!(check = %check_name, "heartbeat {check_name} was made while running and is in the configuration now");
        }
        Event::BeatRotated {
            check, until, by, ..
        } => {
            let check_name = name(check);
            tracing::info!(check = %check_name, by = %by, "heartbeat {check_name} has another address; its old one is heard until {until}");
        }
        Event::PlanAdopted { checks, .. } => tracing::info!(checks, "watching {checks} checks"),
        Event::CheckAdded { .. }
        | Event::CheckReturned { .. }
        | Event::CheckRemoved { .. }
        | Event::BeatKeyed { .. }
        | Event::BeatUnheard { .. }
        | Event::Observed { .. }
        | Event::Pinged { .. }
        | Event::Lapsed { .. }
        | Event::FlappingEnded { .. }
        | Event::Tallied { .. }
        | Event::IncidentWorsened { .. }
        | Event::IncidentAcknowledged { .. }
        | Event::IncidentNoted { .. }
        | Event::NotificationQueued { .. }
        | Event::NotificationMoved { .. }
        | Event::NotificationSuperseded { .. }
        | Event::ClockSet { .. } => {}
    }
}

fn name(engine: &Engine, check: CheckId) -> Arc<str> {
    let watched = engine.watched(check);
    watched.map_or_else(Arc::default, |watched| Arc::clone(&watched.check.name))
}
