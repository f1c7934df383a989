//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The environment variable that names heartbeats, as `--ping-uuid` does.
pub(crate) const PING_UUIDS: &str = "BELFRY_PING_UUIDS";

/// Load-tests a running Belfry on this machine.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, after_help = crate::plan::LIST)]
pub(crate) struct Args {
    /// One of the plans below, or the path of a TOML file
    #[arg(default_value = "smoke")]
    pub(crate) plan: String,
    /// Address of the status page
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) host: String,
    /// Address of the first hello page [default: port 5000 on the host of --host]
    #[arg(long, value_name = "URL")]
    pub(crate) hello: Option<String>,
    /// Address of the second hello page [default: port 3000 on the host of --host]
    #[arg(long, value_name = "URL")]
    pub(crate) shrunken: Option<String>,
    /// Ping this heartbeat; may be repeated, or listed with commas (also $`BELFRY_PING_UUIDS`)
    #[arg(long, value_name = "UUID", value_delimiter = ',')]
    pub(crate) ping_uuid: Vec<String>,
    /// Write a report for people here
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Write a report for programs here; it can be the --baseline-file of a later run
    #[arg(long, value_name = "FILE.json")]
    pub(crate) json: Option<PathBuf>,
    /// Allow a host that is not this machine: it is mine, and may be put under load
    #[arg(long)]
    pub(crate) i_own_this_host: bool,
    /// Options of goose itself; `loadtest -- --help` lists them
    #[arg(last = true, value_name = "GOOSE OPTIONS")]
    goose: Vec<String>,
}

impl Args {
    /// What goose is to read as its command line, with its name first.
    pub(crate) fn for_goose(&self) -> impl Iterator<Item = &str> {
        ["loadtest --"]
            .into_iter()
            .chain(self.goose.iter().map(String::as_str))
    }

    /// Whether one of these options was given to goose.
    pub(crate) fn goose_has(&self, options: &[&str]) -> bool {
        self.goose.iter().any(|given| {
            let name = given
                .split_once('=')
                .map_or(given.as_str(), |(name, _)| name);
            options.contains(&name)
        })
    }
}
