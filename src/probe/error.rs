//! What an error of the operating system says, and of whom: of the target (fail), or of us (unknown).

use std::io::{self, ErrorKind};

use crate::core::outcome::Outcome;

/// What a step of a probe found; `Err` is an outcome that is final already.
pub(super) type Looked<T> = Result<T, Outcome>;

/// Linux's numbers for "too many open files" in the process, and in the system; Rust has no kind for them.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;
/// "Address family not supported by protocol": a system without IPv6.
const EAFNOSUPPORT: i32 = 97;
/// "No buffer space available".
const ENOBUFS: i32 = 105;

/// Whether `error` is of our own making, so that nothing is known of the target.
pub(super) fn is_ours(error: &io::Error) -> bool {
    ours(error).is_some()
}

/// The outcome of an error that came up while talking to `at`.
pub(super) fn outcome(error: &io::Error, at: &str) -> Outcome {
    match ours(error) {
        Some(reason) => Outcome::unknown(reason),
        None => Outcome::fail(&theirs(error, at)),
    }
}

fn ours(error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error() {
        Some(EMFILE) => {
            return Some("we have too many open files (EMFILE); raise LimitNOFILE= of our unit");
        }
        Some(ENFILE) => {
            return Some("the system has too many open files (ENFILE); raise fs.file-max");
        }
        Some(EAFNOSUPPORT) => {
            return Some("this system does not speak to such addresses (is IPv6 off?)");
        }
        Some(ENOBUFS) => return Some("the system has no buffers left for the network (ENOBUFS)"),
        _ => {}
    }
    // ErrorKind is not exhaustive: what is not listed is the target's.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the standard library adds kinds; an unknown one is told as it is"
    )]
    match error.kind() {
        ErrorKind::NetworkUnreachable => Some("our network has no way there (network unreachable)"),
        ErrorKind::NetworkDown => Some("our network is down"),
        ErrorKind::AddrNotAvailable => {
            Some("we have no free local port or address for the connection (EADDRNOTAVAIL)")
        }
        ErrorKind::PermissionDenied => {
            Some("we may not connect there (permission denied); look at our firewall and unit")
        }
        ErrorKind::OutOfMemory => Some("our system is out of memory"),
        _ => None,
    }
}

fn theirs(error: &io::Error, at: &str) -> String {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the standard library adds kinds; an unknown one is told as it is"
    )]
    match error.kind() {
        ErrorKind::ConnectionRefused => format!("nothing listens on {at} (connection refused)"),
        ErrorKind::HostUnreachable => format!("{at} cannot be reached (no route to host)"),
        ErrorKind::TimedOut => format!("{at} does not answer (connection timed out)"),
        ErrorKind::NotFound => format!("nothing listens on {at} (no such socket)"),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            format!("{at} cut the connection (connection reset)")
        }
        ErrorKind::UnexpectedEof => format!("{at} closed the connection without an answer"),
        _ => format!("talking to {at}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::outcome::Verdict;

    #[test]
    fn our_own_trouble_is_never_held_against_the_target() {
        // EPERM, ENFILE, EMFILE, EAFNOSUPPORT, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, ENOBUFS
        for code in [1, 23, 24, 97, 99, 100, 101, 105] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(outcome(&error, "h:1").verdict, Verdict::Unknown, "{error}");
        }
        // ECONNABORTED, ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH
        for code in [103, 104, 110, 111, 113] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(outcome(&error, "h:1").verdict, Verdict::Fail, "{error}");
        }
    }

    #[test]
    fn a_refused_connection_is_told_in_plain_words() {
        let error = io::Error::from_raw_os_error(111);
        assert_eq!(
            outcome(&error, "127.0.0.1:5432").message(),
            "nothing listens on 127.0.0.1:5432 (connection refused)"
        );
    }
}
