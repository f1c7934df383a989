//! Restarts in place: the daemon becomes another program, and nobody who connects meanwhile is turned away.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE, free, pause, until};

/// Clients that connect all the time, each with a heartbeat of its own.
const CLIENTS: usize = 6;

fn uuid(client: usize) -> String {
    format!("0b1e7b1e-0000-4000-8000-00000000b0{client:02}")
}

fn jobs() -> String {
    let job = |client| {
        let uuid = uuid(client);
        format!("[heartbeat.job-{client}]\nevery = \"1d\"\nuuid = \"{uuid}\"\n")
    };
    (0..CLIENTS).map(job).collect()
}

/// One ping on a connection of its own, and the whole answer.
fn ping(address: SocketAddr, client: usize) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let uuid = uuid(client);
    write!(
        stream,
        "GET /ping/{uuid} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Pings until it is told to end. Returns how many were answered with 200.
fn client(
    address: SocketAddr,
    client: usize,
    ended: Arc<AtomicBool>,
    all: Arc<AtomicUsize>,
) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut taken = 0;
        while !ended.load(Ordering::SeqCst) {
            let answer = ping(address, client);
            assert!(answer.is_ok(), "turned away after {taken}: {answer:?}");
            let answer = answer.unwrap_or_default();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            taken += 1;
            all.fetch_add(1, Ordering::SeqCst);
            pause();
        }
        taken
    })
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Which program the process is.
fn program(daemon: &Daemon) -> PathBuf {
    std::fs::read_link(format!("/proc/{}/exe", daemon.pid())).unwrap()
}

/// Starts it as a file of its own, which can be replaced.
fn started_as_copy(extra: &str) -> (Daemon, PathBuf) {
    let mut daemon = Daemon::new(extra);
    let copy = daemon.dir.path().join("belfry");
    install(&copy);
    daemon.spawn_by(&["/bin/sh", "-c", "shift; exec ./belfry \"$@\"", "sh"]);
    daemon.until("ready", |d| {
        d.get("/readyz").is_some_and(|(status, _)| status == 200)
    });
    (daemon, copy)
}

/// Puts the program there as a package would: a new file is moved over the old one.
fn install(place: &std::path::Path) {
    let new = place.with_extension("new");
    std::fs::copy(env!("CARGO_BIN_EXE_belfry"), &new).unwrap();
    std::fs::rename(new, place).unwrap();
}

#[test]
fn no_client_is_refused_or_reset_over_three_restarts_and_every_acknowledged_ping_is_kept() {
    let (daemon, copy) = started_as_copy(&jobs());
    let (ended, all) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| client(daemon.status, number, Arc::clone(&ended), Arc::clone(&all)))
        .collect();
    let pid = daemon.pid();
    for round in 0..3 {
        let before = all.load(Ordering::SeqCst);
        until(
            "pings go on",
            || all.load(Ordering::SeqCst) > before + 10 * CLIENTS,
            || daemon.log(),
        );
        // Another file each time, the last time none.
        if round == 2 {
            std::fs::remove_file(&copy).unwrap();
        } else {
            install(&copy);
        }
        let output = daemon.command(&["restart"]);
        assert!(output.status.success(), "{}{}", said(&output), daemon.log());
        let now = program(&daemon);
        let is_gone = now.to_string_lossy().ends_with(" (deleted)");
        assert_eq!(is_gone, round == 2, "{}", now.display());
    }
    ended.store(true, Ordering::SeqCst);
    let taken: Vec<usize> = clients.into_iter().map(|c| c.join().unwrap()).collect();
    for (number, taken) in taken.iter().enumerate() {
        let check = daemon.json(&format!("/api/v1/checks/job-{number}"));
        assert_eq!(check["pings"], *taken, "{check}");
    }
    assert_eq!(daemon.pid(), pid);
    assert_eq!(daemon.log().matches("restarting in place").count(), 3);
}

#[test]
fn a_new_address_is_listened_at_and_an_old_one_is_let_go() {
    let mut daemon = Daemon::started("");
    let (old, new) = (daemon.hello, free());
    daemon.hello = new;
    daemon.configure("");
    let output = daemon.command(&["restart"]);
    assert!(output.status.success(), "{}{}", said(&output), daemon.log());
    assert!(TcpStream::connect(new).is_ok());
    let error = TcpStream::connect(old).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(daemon.terminate().success());
    assert!(TcpStream::connect(new).is_err());
}

#[test]
fn a_socket_of_a_service_manager_is_kept_whatever_the_configuration_says_of_addresses() {
    let mut daemon = Daemon::new("");
    let given = free();
    let configured = std::mem::replace(&mut daemon.status, given);
    let listen = format!("--listen={given}");
    daemon.spawn_by(&["systemd-socket-activate", &listen, "--fdname=status"]);
    let is_ready = |d: &Daemon| d.get("/readyz").is_some_and(|(status, _)| status == 200);
    daemon.until("ready", is_ready);
    for _ in 0..2 {
        let since = daemon.json("/api/v1/status")["started_at"].clone();
        daemon.signal("USR2");
        daemon.until("restarted", |d| {
            let now = d.json("/api/v1/status")["started_at"].clone();
            now.is_string() && now != since
        });
    }
    // Whose configuration says that it is elsewhere.
    assert!(TcpStream::connect(configured).is_err());
}

#[test]
fn what_would_not_start_is_not_begun_and_the_daemon_goes_on() {
    let mut daemon = Daemon::started("");
    let since = daemon.json("/api/v1/status")["started_at"].clone();
    assert!(since.is_string());

    // An address that somebody else has.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hello = daemon.hello;
    daemon.hello = taken.local_addr().unwrap();
    daemon.configure("");
    let output = daemon.command(&["restart"]);
    let named = format!("port {} is taken by", daemon.hello.port());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&named), "{}", said(&output));
    assert!(daemon.log().contains("no restart") && daemon.log().contains(&named));

    // A configuration that is none.
    daemon.hello = hello;
    daemon.configure("[check.shop]\nhtp = 1\n");
    let output = daemon.command(&["restart"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("htp"), "{}", said(&output));
    daemon.signal("USR2");
    daemon.until("refused", |d| d.log().matches("no restart").count() == 2);
    assert_eq!(daemon.json("/api/v1/status")["started_at"], since);
}

#[test]
fn a_daemon_is_found_and_moves_when_another_data_folder_was_written_into_its_configuration() {
    let daemon = Daemon::started("");
    let (config, data) = (
        daemon.dir.path().join("belfry.toml"),
        daemon.dir.path().join("data"),
    );
    let moved = daemon.dir.path().join("moved");
    let text = std::fs::read_to_string(&config).unwrap();
    let (old, new) = (data.display().to_string(), moved.display().to_string());
    assert!(text.contains(&old), "{text}");
    std::fs::write(&config, text.replace(&old, &new)).unwrap();
    let output = daemon.command(&["restart"]);
    assert!(output.status.success(), "{}{}", said(&output), daemon.log());
    assert!(moved.join("operator-token").is_file());
    assert_eq!(daemon.json("/api/v1/status")["data_dir"], new);
}

#[test]
fn a_data_folder_that_cannot_be_is_refused_before_anything_ends() {
    let (daemon, other) = (Daemon::started(""), Daemon::started(""));
    let config = daemon.dir.path().join("belfry.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let old = daemon.data().display().to_string();
    let no_folder = config.join("x").display().to_string();
    for (new, why) in [
        (no_folder, "making the data folder"),
        (other.data().display().to_string(), "another Belfry"),
    ] {
        std::fs::write(&config, text.replace(&old, &new)).unwrap();
        let since = daemon.log().matches("no restart").count();
        daemon.signal("USR2");
        daemon.until("refused", |d| d.log().matches("no restart").count() > since);
        assert!(daemon.log().contains(why), "{}", daemon.log());
        assert_eq!(daemon.get("/healthz").unwrap().0, 200);
    }
}

#[test]
fn where_none_runs_there_is_none_to_restart() {
    let daemon = Daemon::new("");
    let output = daemon.command(&["restart"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no daemon"), "{}", said(&output));
}

#[test]
fn a_request_that_comes_after_the_end_was_told_is_answered() {
    let daemon = Daemon::started("");
    let mut early = TcpStream::connect(daemon.status).unwrap();
    early
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // That it is let in is seen by a later one, which is served.
    assert!(daemon.get("/healthz").is_some());
    daemon.signal("TERM");
    daemon.until("told", |d| d.log().contains("SIGTERM"));
    write!(
        early,
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        daemon.status
    )
    .unwrap();
    let mut answer = String::new();
    early.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
