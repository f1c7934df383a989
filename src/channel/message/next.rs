//! What whoever gets an alarm can do next: what is true of every check of its kind, beside its runbook.

use super::Writer;
use crate::core::check::Check;
use crate::core::incident::Incident;

impl Writer<'_> {
    /// First to find out more, then to say that somebody is on it, while nobody has.
    pub(super) fn next_steps(&self, incident: Option<&Incident>) -> Vec<(String, String)> {
        let node = self.node();
        let find_out = self
            .watched()
            .map(|watched| find_out(&watched.check, &node));
        let acknowledge = incident
            .filter(|incident| incident.acknowledged.is_none())
            .map(|incident| {
                let id = &incident.id;
                format!("To say that you are on it: `belfry ack {id}` on {node}, or the button on the page of the incident there.")
            });
        let steps = find_out.into_iter().chain(acknowledge);
        steps.map(|step| (String::new(), step)).collect()
    }
}

/// How to find out more.
fn find_out(check: &Check, node: &str) -> String {
    match &*check.kind {
        "heartbeat" => {
            "Look at the log of the job, and at what it said last; its next good ping ends this."
                .to_owned()
        }
        "config" => format!("`belfry validate` on {node} says what is wrong and what to write."),
        // These figures are the daemon's own; another process would look at its own in vain.
        "own" => format!(
            "`belfry status` on {node} says how the rest of Belfry is, and its log says why."
        ),
        _ => {
            let name = quoted(&check.name);
            format!(
                "`belfry check {name} --explain` on {node} looks again now and tells every finding."
            )
        }
    }
}

/// A name as a shell takes it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.chars().all(plain) && !name.starts_with('-') {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reaches_a_command_as_it_is() {
        for (name, quoted_name) in [
            ("shop", "shop"),
            ("belfry.hello", "belfry.hello"),
            ("my shop", "'my shop'"),
            ("$(reboot)", "'$(reboot)'"),
            ("joe's", "'joe'\\''s'"),
        ] {
            assert_eq!(quoted(name), quoted_name);
        }
    }
}
