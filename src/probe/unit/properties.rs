//! What `systemctl show` prints: `Name=value`, a line each, in no order.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Properties {
    /// `loaded`, `not-found`, `masked`, `error`, `bad-setting`.
    pub(super) load: String,
    pub(super) active: String,
    /// The state in the words of the unit's own kind: `running`, `dead`, `auto-restart`.
    pub(super) sub: String,
    /// Why it is as it is: `success`, `exit-code`, `oom-kill`. Not of every kind of unit.
    pub(super) result: Option<String>,
    /// Of services only.
    pub(super) restarts: Option<u64>,
}

impl Properties {
    pub(super) const ASKED: &'static str = "LoadState,ActiveState,SubState,Result,NRestarts";

    /// None where no state is among them.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut all = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "LoadState" => value.clone_into(&mut all.load),
                "ActiveState" => value.clone_into(&mut all.active),
                "SubState" => value.clone_into(&mut all.sub),
                "Result" if !value.is_empty() => all.result = Some(value.to_owned()),
                "NRestarts" => all.restarts = value.parse().ok(),
                _ => {}
            }
        }
        (!all.active.is_empty()).then_some(all)
    }
}
