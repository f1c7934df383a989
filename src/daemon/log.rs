//! Where the log goes: journald under systemd, else standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is logged where `$RUST_LOG` says nothing: of others only what is wrong.
const USUAL: &str = "warn,belfry=info";

/// Starts logging. `$RUST_LOG` filters as usual. A second call does nothing.
pub fn log_to_stderr_or_journal() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let registry = tracing_subscriber::registry().with(filter);
    // systemd sets this for services whose output goes to the journal.
    let journald = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let begun = if let Some(layer) = journald {
        registry.with(layer).try_init()
    } else {
        let terminal = std::io::stderr().is_terminal();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(terminal)
            .with_target(false);
        registry.with(layer).try_init()
    };
    // The only error is that logging has begun before.
    drop(begun);
}
