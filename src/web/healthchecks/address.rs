//! The addresses of the API, and which methods and keys each takes.

use http::Method;
use uuid::Uuid;

use crate::config::Rights;
use crate::core::text::uuid;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Checks,
    One(Uuid),
    /// By what stands for its UUID where that is not told: a SHA-1 in hexadecimal.
    ByKey(String),
    Pause(Uuid),
    Resume(Uuid),
    Pings(Uuid),
    PingBody(Uuid, u64),
    Flips(Uuid),
    FlipsByKey(String),
    Channels,
    Badges,
    Status,
    Metrics,
}

impl Target {
    /// The methods it takes, as `Access-Control-Allow-Methods` tells them.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Checks => "GET, POST, OPTIONS",
            Self::One(_) => "GET, POST, DELETE, OPTIONS",
            Self::Pause(_) | Self::Resume(_) => "POST, OPTIONS",
            Self::ByKey(_)
            | Self::Pings(_)
            | Self::PingBody(..)
            | Self::Flips(_)
            | Self::FlipsByKey(_)
            | Self::Channels
            | Self::Badges
            | Self::Status
            | Self::Metrics => "GET, OPTIONS",
        }
    }

    /// What a key has to open for it.
    pub(super) fn needs(&self, method: &Method) -> Rights {
        match self {
            Self::Checks | Self::One(_) if *method == Method::GET => Rights::Read,
            Self::ByKey(_) | Self::Flips(_) | Self::FlipsByKey(_) | Self::Badges => Rights::Read,
            Self::Checks
            | Self::One(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Pings(_)
            | Self::PingBody(..)
            | Self::Channels
            | Self::Status
            | Self::Metrics => Rights::Write,
        }
    }
}

/// What an address after `/compat/healthchecks/api/` names, and in which version. Lists end in a slash, and
/// nothing else does; without it they are taken, too, since Django sends such clients on to there.
pub(super) fn read(rest: &str) -> Option<(u8, Target)> {
    let (version, path) = rest.split_once('/')?;
    let version = match version {
        "v1" => 1,
        "v2" => 2,
        "v3" => 3,
        _ => return None,
    };
    let parts: Vec<&str> = path.split('/').collect();
    let target = match *parts.as_slice() {
        ["checks"] | ["checks", ""] => Target::Checks,
        ["channels"] | ["channels", ""] => Target::Channels,
        ["badges"] | ["badges", ""] => Target::Badges,
        ["status"] | ["status", ""] => Target::Status,
        ["metrics"] | ["metrics", ""] => Target::Metrics,
        ["checks", one] => match uuid(one) {
            Some(uuid) => Target::One(uuid),
            None => Target::ByKey(unique_key(one)?),
        },
        ["checks", one, "pause"] => Target::Pause(uuid(one)?),
        ["checks", one, "resume"] => Target::Resume(uuid(one)?),
        ["checks", one, "pings"] | ["checks", one, "pings", ""] => Target::Pings(uuid(one)?),
        ["checks", one, "pings", n, "body"] => {
            let is_number = n.bytes().all(|digit| digit.is_ascii_digit());
            let n = n.parse().ok().filter(|_| is_number);
            Target::PingBody(uuid(one)?, n?)
        }
        ["checks", one, "flips"] | ["checks", one, "flips", ""] => match uuid(one) {
            Some(uuid) => Target::Flips(uuid),
            None => Target::FlipsByKey(unique_key(one)?),
        },
        _ => return None,
    };
    Some((version, target))
}

fn unique_key(text: &str) -> Option<String> {
    let is_one = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_one.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_read_and_nothing_beside_them() {
        let uuid = "5d2f1a1e-7f3d-4a53-9d3a-0c8c0f4d2a11";
        let id = Uuid::try_parse(uuid).expect("a uuid");
        let key = "a6c7b0a8a66bed0df66abfdab3c77736861703ee";
        for (path, target) in [
            ("checks/".to_owned(), Target::Checks),
            ("checks".to_owned(), Target::Checks),
            (format!("checks/{uuid}"), Target::One(id)),
            (format!("checks/{key}"), Target::ByKey(key.to_owned())),
            (format!("checks/{uuid}/pause"), Target::Pause(id)),
            (format!("checks/{uuid}/resume"), Target::Resume(id)),
            (format!("checks/{uuid}/pings/"), Target::Pings(id)),
            (
                format!("checks/{uuid}/pings/7/body"),
                Target::PingBody(id, 7),
            ),
            (format!("checks/{uuid}/flips/"), Target::Flips(id)),
            (
                format!("checks/{key}/flips/"),
                Target::FlipsByKey(key.to_owned()),
            ),
            ("channels/".to_owned(), Target::Channels),
            ("badges/".to_owned(), Target::Badges),
            ("status/".to_owned(), Target::Status),
            ("metrics/".to_owned(), Target::Metrics),
        ] {
            for version in 1..=3 {
                let found = read(&format!("v{version}/{path}"));
                assert_eq!(found, Some((version, target.clone())), "{path}");
            }
        }
        for path in [
            String::new(),
            "v3".to_owned(),
            "v3/".to_owned(),
            "v4/checks/".to_owned(),
            "3/checks/".to_owned(),
            format!("v3/checks/{}", uuid.replace('-', "")),
            format!("v3/checks/{uuid}/"),
            format!("v3/checks/{uuid}/pause/"),
            format!("v3/checks/{key}/pings/"),
            format!("v3/checks/{uuid}/pings/x/body"),
            format!("v3/checks/{uuid}/pings/+7/body"),
            format!("v3/checks/{uuid}/pings//body"),
            format!("v3/checks//{uuid}"),
        ] {
            assert_eq!(read(&path), None, "{path}");
        }
    }

    #[test]
    fn a_key_that_only_reads_opens_what_tells_no_address() {
        let id = Uuid::nil();
        for (target, method, needed) in [
            (Target::Checks, Method::GET, Rights::Read),
            (Target::Checks, Method::POST, Rights::Write),
            (Target::One(id), Method::GET, Rights::Read),
            (Target::One(id), Method::POST, Rights::Write),
            (Target::One(id), Method::DELETE, Rights::Write),
            (Target::Flips(id), Method::GET, Rights::Read),
            (Target::Badges, Method::GET, Rights::Read),
            (Target::Pings(id), Method::GET, Rights::Write),
            (Target::PingBody(id, 1), Method::GET, Rights::Write),
            (Target::Channels, Method::GET, Rights::Write),
            (Target::Pause(id), Method::POST, Rights::Write),
        ] {
            assert_eq!(target.needs(&method), needed, "{target:?} {method}");
        }
    }
}
