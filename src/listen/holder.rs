//! Who listens on a port, read from /proc.

use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process};

/// The process that listens on a TCP port, for people: `nginx (pid 812)`. None when it cannot be seen.
pub(super) fn of(port: u16) -> Option<String> {
    let sockets: Vec<TcpNetEntry> = [procfs::net::tcp(), procfs::net::tcp6()]
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let listens = |socket: &&TcpNetEntry| {
        socket.state == TcpState::Listen && socket.local_address.port() == port
    };
    let inode = sockets.iter().find(listens)?.inode;
    let process = procfs::process::all_processes()
        .ok()?
        .flatten()
        .find(|process| has(process, inode))?;
    let name = process
        .stat()
        .map_or_else(|_| "a process".to_owned(), |stat| stat.comm);
    Some(format!("{name} (pid {})", process.pid))
}

fn has(process: &Process, inode: u64) -> bool {
    let is = |target: &FDTarget| matches!(target, FDTarget::Socket(found) if *found == inode);
    process
        .fd()
        .is_ok_and(|fds| fds.flatten().any(|fd| is(&fd.target)))
}
