//! Which parameter of a connection string it is that cannot be taken. Nothing is said of the rest, and of a name only
//! what cannot be a part of a password.

use tokio_postgres::Config;

use super::conninfo::{OURS, pairs};
use crate::settings::near;

/// What the library takes, as far as it means something here (PostgreSQL manual, 34.1.2).
const THEIRS: [&str; 16] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
];
/// What libpq has beside that.
const LIBPQ: [&str; 18] = [
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "load_balance_hosts",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcompression",
    "sslcrl",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
];

/// What is wrong with the parameters of `text`, and what to do; none where it is something else.
pub(super) fn wrong(text: &str) -> Option<String> {
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if !is_url {
        let all = pairs(text)?;
        // A password with a blank in it, and no quotes around it, has its end where a name should be.
        return all
            .iter()
            .find_map(|(key, value)| of_one(key, value, false));
    }
    let (before, query) = text.split_once('?')?;
    if !before.contains('@') && query.contains('@') {
        return Some("write %3F for a ? in the password".to_owned());
    }
    let all = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut all =
        all.map(|(key, value)| (key, value, !query.contains('@') && !before.contains(key)));
    all.find_map(|(key, value, may_be_told)| of_one(key, value, may_be_told))
}

fn of_one(key: &str, value: &str, may_be_told: bool) -> Option<String> {
    if OURS.contains(&key) {
        return None;
    }
    if THEIRS.contains(&key) {
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        let value = value.replace('\\', "\\\\").replace('\'', "\\'");
        let is_good = format!("{key}='{value}'").parse::<Config>().is_ok();
        return (!is_good).then(|| format!("the value of its parameter {key} cannot be read"));
    }
    if LIBPQ.contains(&key) {
        return Some(format!(
            "leave out its parameter {key}, which is not known here"
        ));
    }
    let is_word = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let named = if may_be_told && is_word {
        format!("its parameter \"{key}\" is not known")
    } else {
        "one of its parameters is not known".to_owned()
    };
    let meant = near(key, OURS.into_iter().chain(THEIRS));
    Some(match meant {
        Some(meant) => format!("{named}; did you mean \"{meant}\"?"),
        None => format!(
            "{named}; there are sslmode, sslrootcert, sslcert, sslkey, passfile, service, connect_timeout, options, …"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_not_known_is_named_and_no_password_is() {
        for (text, told) in [
            (
                "postgres://u:p@h/d?sslmod=require",
                "its parameter \"sslmod\" is not known; did you mean \"sslmode\"?",
            ),
            (
                "postgres://u:p@h/d?colour=red",
                "its parameter \"colour\" is not known; there are sslmode, ",
            ),
            (
                "postgres://u:p@h/d?sslmode=require&gssencmode=disable",
                "leave out its parameter gssencmode, which",
            ),
            (
                "postgres://u:p@h/d?connect_timeout=soon",
                "the value of its parameter connect_timeout cannot be read",
            ),
            (
                "host=h user=u gssencmode=disable",
                "leave out its parameter gssencmode, which",
            ),
            // What may be a part of a password is not told.
            (
                "postgres://u:hun?ter2=x@h/d",
                "write %3F for a ? in the password",
            ),
            (
                "postgres://u:p@ss?ter2=x@h/d",
                "one of its parameters is not known; there are",
            ),
            (
                "postgres://u:ter2@h/d?ter2=1",
                "one of its parameters is not known; there are",
            ),
            (
                "host=h user=u password=hun ter2=x",
                "one of its parameters is not known; there are",
            ),
            (
                "postgres://u:p@h/d?ter%20=1",
                "one of its parameters is not known; there are",
            ),
        ] {
            let wrong = wrong(text).expect("it is wrong");
            assert!(wrong.starts_with(told), "{text}: {wrong}");
            assert!(!wrong.contains("ter2"), "{text}: {wrong}");
        }
        for text in [
            "postgres://u:p@h/d",
            "postgres://u:p@h:70000/d",
            "postgres://u:p@h/d?connect_timeout=3&sslmode=require&target_session_attrs=any&options=-c%20a%3Db",
            "host=h user=u dbname='a b'",
            "nothing",
        ] {
            assert_eq!(wrong(text), None, "{text}");
        }
    }
}
