//! What is said to log in, and what must not be repeated of it.

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::commands::Auth;

use super::settings::Login;
use super::wire::Reply;

/// The lines of a login in one step.
pub(super) fn plain(login: &Login) -> Option<Vec<String>> {
    let line = Auth::new(Mechanism::Plain, login.credentials(), None).ok()?;
    Some(vec![line.to_string()])
}

/// The lines of a login that asks for user and password one by one. What it asks is not looked at: it has
/// been the same two questions, in this order, for twenty years, in many spellings.
pub(super) fn stepwise(login: &Login) -> Option<Vec<String>> {
    let line = |challenge: Option<&str>| {
        let challenge = challenge.map(str::to_owned);
        let line = Auth::new(Mechanism::Login, login.credentials(), challenge).ok()?;
        Some(line.to_string())
    };
    Some(vec![
        line(None)?,
        line(Some("Username:"))?,
        line(Some("Password:"))?,
    ])
}

/// A reply in which a server repeats what must not be seen, without it.
pub(super) fn hide(mut reply: Reply, login: &Login, lines: &[String]) -> Reply {
    let sent = lines
        .iter()
        .filter_map(|line| line.split_whitespace().last());
    let secrets = sent.chain([login.password.expose()]);
    for secret in secrets.filter(|secret| !secret.is_empty() && *secret != "LOGIN") {
        for line in &mut reply.lines {
            *line = line.replace(secret, "…");
        }
    }
    reply
}
