//! `belfry ping NAME`: one ping to the running daemon.

use std::process::ExitCode;

use bytes::Bytes;
use hyper::Method;

use super::client::Daemon;
use super::{Failure, heartbeat};
use crate::config::Source;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The heartbeat's name.
    name: String,
    /// The job has started.
    #[arg(long, group = "signal")]
    start: bool,
    /// The job has failed.
    #[arg(long, group = "signal")]
    fail: bool,
    /// Only a note.
    #[arg(long, group = "signal", value_name = "TEXT")]
    log: Option<String>,
    /// The job ended with this exit code.
    #[arg(long, group = "signal", value_name = "CODE")]
    exit: Option<u8>,
}

impl Arguments {
    /// What comes after the ping address, and the body.
    fn suffix(&self) -> (String, Bytes) {
        match (self.start, self.fail, &self.log, self.exit) {
            (true, ..) => ("/start".to_owned(), Bytes::new()),
            (_, true, ..) => ("/fail".to_owned(), Bytes::new()),
            (_, _, Some(text), _) => ("/log".to_owned(), Bytes::from(text.clone())),
            (_, _, _, Some(code)) => (format!("/{code}"), Bytes::new()),
            _ => (String::new(), Bytes::new()),
        }
    }
}

pub(super) fn run(source: &Source, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let daemon = Daemon::of(source);
    let said = super::block_on(async {
        let place = match heartbeat::path(&daemon, &arguments.name).await? {
            Ok(path) => path,
            Err(answer) => anyhow::bail!(answer.told()),
        };
        let (suffix, body) = arguments.suffix();
        let path = format!("{place}{suffix}");
        let answer = daemon.ask(Method::POST, &path, body).await?;
        anyhow::ensure!(
            answer.status == 200,
            "the daemon answered {}",
            answer.told()
        );
        anyhow::Ok(answer.body)
    })??;
    super::say(said);
    Ok(ExitCode::SUCCESS)
}
