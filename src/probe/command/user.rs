//! Whom a command runs as.

use nix::unistd::{User, geteuid};

use crate::core::outcome::Outcome;
use crate::probe::error::Looked;

/// The numbers of a user and its group; none where that is us. May hang, where the user database is remote.
pub(super) fn identity(name: &str) -> Looked<Option<(u32, u32)>> {
    let user = User::from_name(name)
        .map_err(|error| Outcome::unknown(&format!("the user {name} cannot be found: {error}")))?
        .ok_or_else(|| Outcome::unknown(&format!("there is no user {name}; create it")))?;
    let own = geteuid();
    if user.uid == own {
        Ok(None)
    } else if own.is_root() {
        Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
    } else {
        Err(Outcome::unknown(&format!(
            "only root can run a command as {name}: run Belfry as root, or leave \"user\" out"
        )))
    }
}
