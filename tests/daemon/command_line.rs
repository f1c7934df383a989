//! The commands beside the daemon: their exit codes, and what they say.

use crate::daemon::{Daemon, free};
use crate::sink::Sink;
use crate::target::Target;
use crate::{JOB, blocking, email, job};

#[test]
fn the_command_line_has_the_exit_codes_it_promises() {
    let daemon = Daemon::new("");
    let code = |arguments: &[&str]| daemon.command(arguments).status.code();
    assert_eq!(code(&["--help"]), Some(0));
    assert_eq!(code(&["frobnicate"]), Some(64));
    assert_eq!(code(&["validate"]), Some(0));
    assert_eq!(code(&["status"]), Some(1), "nothing runs");
    assert!(String::from_utf8_lossy(&daemon.command(&["status"]).stderr).contains("belfry run"));
    daemon.write_config("");
    assert_eq!(code(&["validate"]), Some(78));
    let target = Target::start();
    for (check, expected) in [
        (
            format!("http = {{ url = \"http://{}/\" }}", target.address),
            0,
        ),
        (
            format!(
                "http = {{ url = \"http://{}/\", status = [201] }}",
                target.address
            ),
            2,
        ),
        (format!("tcp = {{ address = \"{}\" }}", free()), 2),
    ] {
        daemon.write_config(&format!("[check.it]\n{check}\n"));
        assert_eq!(code(&["check"]), Some(expected), "{check}");
    }
}

#[test]
fn status_and_ping_work_from_the_command_line() {
    let daemon = Daemon::started(&job("1h", "1h"));
    let said = |arguments: &[&str]| {
        String::from_utf8_lossy(&daemon.command(arguments).stdout).into_owned()
    };
    assert!(said(&["status"]).contains(JOB), "{}", said(&["status"]));
    assert_eq!(said(&["ping", "job"]), "OK\n");
    assert_eq!(said(&["ping", "job", "--exit", "3"]), "OK\n");
    assert_eq!(daemon.state("job"), "down");
    for (name, told) in [
        (
            "jop",
            "there is no heartbeat \"jop\"; did you mean \"job\"? `belfry status` lists them",
        ),
        (
            "belfry.hello",
            "belfry.hello is not a heartbeat; `belfry status` lists them",
        ),
    ] {
        let refused = daemon.command(&["ping", name]);
        assert_eq!(refused.status.code(), Some(1));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(said, format!("belfry: {told}\n"));
    }
}

#[test]
fn an_incident_is_acknowledged_as_its_mail_says() {
    let daemon = Daemon::started(&format!(
        "[email]\nto = [\"ops@example.org\"]\n[check.it]\ntcp = {{ address = \"{}\" }}\nevery = \"200ms\"\n",
        free()
    ));
    let mails = daemon.data().join("mail");
    let mail = || {
        let file = std::fs::read_dir(&mails).ok()?.flatten().next()?.path();
        let is_whole = file.extension().is_some_and(|kind| kind == "eml");
        std::fs::read_to_string(file).ok().filter(|_| is_whole)
    };
    daemon.until("mailed", |_| mail().is_some());
    let mail = mail().expect("it is there");
    let unfolded = mail.replace("=\r\n", "");
    let (_, rest) = unfolded.split_once("`belfry ack ").expect("it says how");
    let id = rest.split('`').next().expect("an id");
    let page = format!("http://{}/incidents/{id}", daemon.status);
    assert!(unfolded.contains(&page), "{mail}");
    let output = daemon.command(&["ack", id, "--by", "erika", "--note", "on it"]);
    assert!(output.status.success(), "{output:?}");
    let incident = daemon.json(&format!("/api/v1/incidents/{id}"));
    assert!(incident.to_string().contains("erika"), "{incident}");
    let unknown = daemon.command(&["ack", "0000"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert!(
        said.contains("`belfry status` lists those that are open"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_mail_goes_all_the_way_to_the_relays_answer_and_so_does_the_next() {
    let sink = Sink::honest().await;
    let relay = sink.address;
    blocking(move || {
        let daemon = Daemon::started(&email(relay));
        for _ in 0..2 {
            let output = daemon.command(&["mail", "test"]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                output.status.success(),
                "{said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            // The mails of earlier tests are no news.
            let lines: Vec<&str> = said.lines().collect();
            assert!(
                matches!(*lines, [line] if line.starts_with("ops@example.org: accepted")),
                "{said}"
            );
        }
    })
    .await;
    assert_eq!(sink.mails().len(), 2);
}
