//! What is put under load: on this machine only, unless somebody says that they own it; and there at all.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Url};
use serde_json::Value;

use crate::args::{Args, PING_UUIDS};
use crate::plan::Plan;
use crate::scenario::Kind;

/// How long the daemon may take to answer one question before the run. It is on this machine, and idle.
const PATIENCE: Duration = Duration::from_secs(3);

/// Heartbeats to look for: enough to spread pings over, few enough to be asked one by one.
const MOST_HEARTBEATS: usize = 50;

/// The three addresses, each without a slash at its end.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) status: String,
    pub(crate) hello: String,
    pub(crate) shrunken: String,
}

/// What the daemon told before the run.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Name of a check, for the reader of its page.
    pub(crate) check: String,
    /// Where jobs ping.
    pub(crate) pings: Vec<String>,
    /// Scenarios that cannot be played here.
    pub(crate) left_out: Vec<Kind>,
    /// What the user should know of that.
    pub(crate) remarks: Vec<String>,
}

impl Target {
    /// The addresses that were asked for.
    pub(crate) fn parse(args: &Args, to_goose: Option<&str>) -> anyhow::Result<Self> {
        ensure!(
            to_goose.is_none(),
            "give --host before the `--`, so that the hello pages are looked for there as well"
        );
        let status = address(&args.host, args.i_own_this_host)?;
        let beside = |given: &Option<String>, port: u16| {
            let Some(given) = given else {
                let mut url = status.clone();
                url.set_port(Some(port))
                    .map_err(|()| anyhow::anyhow!("{url} cannot have a port"))?;
                return Ok(url);
            };
            address(given, args.i_own_this_host)
        };
        Ok(Self {
            hello: bare(&beside(&args.hello, 5000)?),
            shrunken: bare(&beside(&args.shrunken, 3000)?),
            status: bare(&status),
        })
    }
}

/// A URL that may be put under load.
fn address(text: &str, owned: bool) -> anyhow::Result<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
        .with_context(|| {
            format!("{text:?} is not an address; write it as http://127.0.0.1:8080")
        })?;
    let host = url.host_str().unwrap_or_default();
    let loopback = host
        .trim_matches(['[', ']'])
        .parse()
        .map_or(host == "localhost", |ip: IpAddr| ip.is_loopback());
    ensure!(
        loopback || owned,
        "{host} is not this machine: a load test is an attack on whoever did not ask for it. \
         If it is yours, say so with --i-own-this-host"
    );
    Ok(url)
}

/// Scheme, host and port.
fn bare(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Asks the daemon whether it is there, and for what the scenarios need.
pub(crate) async fn ask(target: &Target, args: &Args, plan: &Plan) -> anyhow::Result<Found> {
    // A proxy from the environment would stand between the test and this machine.
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let mut found = Found::default();
    get(&client, &target.status, "/healthz").await?;
    if plan.scenario.contains_key(&Kind::Hello) {
        get(&client, &target.hello, "/").await?;
        get(&client, &target.shrunken, "/").await?;
    }
    let checks = json(&client, &target.status, "/api/v1/checks").await?;
    let checks = checks.as_array().or_else(|| checks["checks"].as_array());
    let checks = checks.map(Vec::as_slice).unwrap_or_default();
    if let Some(name) = checks.iter().find_map(|check| check["name"].as_str()) {
        name.clone_into(&mut found.check);
    } else if plan.scenario.contains_key(&Kind::Status) || plan.scenario.contains_key(&Kind::Api) {
        bail!(
            "{} watches nothing: the plan reads the page of a check",
            target.status
        );
    }
    if let Some(share) = plan.scenario.get(&Kind::Jobs) {
        found.pings = told(target, args, &share.uuids);
        if found.pings.is_empty() {
            found.pings = heartbeats(&client, target, checks).await?;
        }
        if found.pings.is_empty() {
            found.left_out.push(Kind::Jobs);
            found.remarks.push(format!(
                "no heartbeat is known, so the scenario `jobs` is left out: \
                 name one with --ping-uuid or ${PING_UUIDS}"
            ));
        }
    }
    ensure!(
        found.left_out.len() < plan.scenario.len(),
        "nothing of the plan is left to play: {}",
        found.remarks.join("; ")
    );
    Ok(found)
}

/// The heartbeats that the user named: on the command line, else in the environment, else in the plan.
fn told(target: &Target, args: &Args, plan: &[String]) -> Vec<String> {
    let environment = std::env::var(PING_UUIDS).unwrap_or_default();
    let environment: Vec<String> = environment
        .split([',', ' '])
        .filter(|uuid| !uuid.is_empty())
        .map(str::to_owned)
        .collect();
    let first = [args.ping_uuid.as_slice(), &environment, plan]
        .into_iter()
        .find(|list| !list.is_empty());
    let at = |uuid: &String| format!("{}/ping/{uuid}", target.status);
    first.unwrap_or_default().iter().map(at).collect()
}

/// The heartbeats that the daemon shows to an operator on this machine.
async fn heartbeats(
    client: &Client,
    target: &Target,
    checks: &[Value],
) -> anyhow::Result<Vec<String>> {
    let mut urls = Vec::new();
    let names = checks
        .iter()
        .filter(|check| check["kind"] == "heartbeat")
        .filter_map(|check| check["name"].as_str());
    for name in names.take(MOST_HEARTBEATS) {
        let check = json(client, &target.status, &format!("/api/v1/checks/{name}")).await?;
        // Only the path is taken: the host in it is the public one.
        let path = check["ping_url"]
            .as_str()
            .and_then(|url| url.find("/ping/").map(|at| url.split_at(at).1));
        urls.extend(path.map(|path| format!("{}{path}", target.status)));
    }
    Ok(urls)
}

/// Gets JSON.
async fn json(client: &Client, origin: &str, path: &str) -> anyhow::Result<Value> {
    let answer = get(client, origin, path).await?;
    answer
        .json()
        .await
        .with_context(|| format!("{origin}{path} does not answer as Belfry does"))
}

/// Gets what must be there.
async fn get(client: &Client, origin: &str, path: &str) -> anyhow::Result<reqwest::Response> {
    match client.get(format!("{origin}{path}")).send().await {
        Ok(answer) if answer.status().is_success() => Ok(answer),
        Ok(answer) => bail!(
            "something answers at {origin}, but not as Belfry does: GET {path} said {}",
            answer.status()
        ),
        Err(error) if error.is_connect() => bail!(
            "nothing answers at {origin} \u{2014} start it with `cargo run` in another terminal"
        ),
        Err(error) => Err(error).with_context(|| format!("asking {origin}{path}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn parsed(args: &[&str]) -> anyhow::Result<Target> {
        let line = ["loadtest"].iter().chain(args);
        Target::parse(&Args::try_parse_from(line).unwrap(), None)
    }

    #[test]
    fn the_hello_pages_are_beside_the_status_page() {
        let target = parsed(&["--host", "http://[::1]:9000/"]).unwrap();
        assert_eq!(target.status, "http://[::1]:9000");
        assert_eq!(target.hello, "http://[::1]:5000");
        assert_eq!(target.shrunken, "http://[::1]:3000");
        let target = parsed(&["--hello", "http://127.0.0.2:1"]).unwrap();
        assert_eq!(target.hello, "http://127.0.0.2:1");
    }

    #[test]
    fn only_this_machine_is_put_under_load_unless_it_is_owned() {
        for stranger in [
            "http://192.0.2.1:8080",
            "http://example.org",
            "http://localhost.example.org",
            "http://127.0.0.1@example.org",
            "http://[2001:db8::1]",
        ] {
            let said = format!("{:#}", parsed(&["--host", stranger]).unwrap_err());
            assert!(said.contains("--i-own-this-host"), "{stranger}: {said}");
            parsed(&["--host", stranger, "--i-own-this-host"]).unwrap();
            parsed(&["--hello", stranger]).unwrap_err();
        }
        for mistake in ["127.0.0.1:8080", "file:///etc", ""] {
            let said = format!("{:#}", parsed(&["--host", mistake]).unwrap_err());
            assert!(said.contains("write it as"), "{mistake}: {said}");
        }
    }
}
