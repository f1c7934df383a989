//! What happens when files are edited: the configuration, what it names, and the hello pages.

use crate::daemon::{Daemon, free, request, root};
use crate::target::Target;
use crate::{JOB, job, shop};

#[test]
fn a_wrong_configuration_changes_nothing_and_is_shown_until_it_is_right() {
    let target = Target::start();
    let daemon = Daemon::started(&shop(&target));
    daemon.until("up", |d| d.state("shop") == "up");
    let hits = target.hits.load(std::sync::atomic::Ordering::SeqCst);
    daemon.configure(&format!("{}\nevry = \"1s\"\n", shop(&target)));
    daemon.until("refused", |d| d.state("belfry.config") == "down");
    daemon.until("shown above the page", |d| {
        d.get("/")
            .is_some_and(|(_, page)| page.contains("did you mean"))
    });
    daemon.until("still looking", |_| {
        target.hits.load(std::sync::atomic::Ordering::SeqCst) > hits + 2
    });
    assert_eq!(daemon.state("shop"), "up");
    daemon.configure(&format!("{}\n{}", shop(&target), job("1h", "1h")));
    daemon.until("in force", |d| {
        d.state("belfry.config") == "up" && d.state("job") == "new"
    });
    assert_eq!(daemon.state("shop"), "up", "a reload begins nothing anew");
}

#[test]
fn a_saved_hello_page_is_there_without_a_restart_and_a_broken_one_is_not() {
    let daemon = Daemon::new("");
    let folder = daemon.dir.path().join("hello");
    std::fs::create_dir(&folder).expect("made");
    for file in ["hello.html", "shrunken.html", "shrunken.css", "logo.svg"] {
        std::fs::copy(root().join("config/hello").join(file), folder.join(file)).expect("copied");
    }
    let mut daemon = daemon;
    daemon.start();
    let page = |daemon: &Daemon| {
        request(daemon.hello, "GET", "/", "")
            .map(|(_, page)| page)
            .unwrap_or_default()
    };
    assert!(page(&daemon).contains("<h1 style='color:orange'>Hello World!</h1>"));
    std::fs::write(folder.join("hello.html"), "<h1>Hello again!</h1>").expect("written");
    daemon.until("the new page", |d| page(d).contains("Hello again!"));
    std::fs::write(folder.join("hello.html"), [0xff, 0xfe, 0x00]).expect("written");
    daemon.until("a note", |d| d.log().contains("hello.html"));
    assert!(
        page(&daemon).contains("Hello again!"),
        "the last good page stays"
    );
}

#[test]
fn a_secret_in_a_file_is_followed_like_the_configuration_that_names_it() {
    let daemon = Daemon::new("");
    let secret = daemon.dir.path().join("password");
    std::fs::write(&secret, "one").expect("written");
    daemon.configure(
        "[email]\nrelays = [\"smtps://belfry@127.0.0.1:9\"]\npassword = { file = \"password\" }\nfrom = \"Belfry <belfry@example.org>\"\nto = [\"ops@example.org\"]\n",
    );
    let mut daemon = daemon;
    daemon.start();
    daemon.until("in force", |d| d.state("belfry.config") == "up");
    let taken = |d: &Daemon| d.log().matches("taken into force").count();
    std::fs::write(&secret, "two").expect("written");
    daemon.until("taken", |d| taken(d) == 1);
    std::fs::remove_file(&secret).expect("removed");
    daemon.until("refused", |d| d.state("belfry.config") == "down");
    std::fs::write(&secret, "three").expect("written");
    daemon.until("in force again", |d| d.state("belfry.config") == "up");
}

#[test]
fn what_is_said_above_the_pages_stays_as_long_as_it_is_true_and_no_longer() {
    let daemon = Daemon::new("");
    let folder = daemon.dir.path().join("hello");
    std::fs::create_dir(&folder).expect("made");
    for file in ["hello.html", "shrunken.html", "shrunken.css", "logo.svg"] {
        std::fs::copy(root().join("config/hello").join(file), folder.join(file)).expect("copied");
    }
    let hello = folder.join("hello.html");
    std::fs::write(&hello, [0xff, 0xfe, 0x00]).expect("written");
    let mut daemon = daemon;
    daemon.start();
    let page = |daemon: &Daemon| daemon.get("/").map(|(_, page)| page).unwrap_or_default();
    let broken = |daemon: &Daemon| page(daemon).contains("hello.html");
    daemon.until("said at the start", broken);
    daemon.configure(&job("1h", "1h"));
    daemon.until("reloaded", |d| d.state("job") == "new");
    assert!(broken(&daemon), "an unrelated change mends nothing");
    let moved = std::fs::read_to_string(daemon.config()).expect("read");
    let moved = moved.replace("/data\"", "/elsewhere\"");
    daemon.write_config(&moved);
    daemon.until("a restart is wanted", |d| {
        page(d).contains("restart Belfry")
    });
    daemon.write_config(&format!(
        "{moved}\n{}",
        job("1h", "1h")
            .replace("job", "other")
            .replace("beef", "cafe")
    ));
    daemon.until("reloaded again", |d| d.state("other") == "new");
    assert!(
        page(&daemon).contains("restart Belfry"),
        "it is still wanted"
    );
    std::fs::write(&hello, "<h1>Hello again!</h1>").expect("written");
    daemon.until("mended", |d| !broken(d));
    assert!(page(&daemon).contains("restart Belfry"));
}

#[test]
fn while_the_file_is_wrong_or_ahead_the_command_line_shows_the_daemon_that_runs() {
    let daemon = Daemon::started(&job("1h", "1h"));
    let status = || {
        let output = daemon.command(&["status"]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(status().1, "");
    daemon.configure(&format!("{}grase = \"1h\"\n", job("1h", "1h")));
    let (shown, note) = status();
    assert!(shown.contains(JOB), "{shown}");
    assert!(note.contains("did you mean \"grace\"?"), "{note}");
    let ping = daemon.command(&["ping", "job"]);
    assert!(ping.status.success(), "{:?}", ping.stderr);
    // A daemon that has not heard of the file that we read.
    let other = Daemon::new("");
    let text = format!(
        "[listen]\nstatus = \"{}\"\n[heartbeat.other]\nevery = \"1h\"\ngrace = \"1h\"\n",
        daemon.status
    );
    other.write_config(&text);
    let output = other.command(&["status"]);
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said(&output.stdout).contains(JOB), "{output:?}");
    let note = "other is in the configuration, but not in the daemon that runs";
    assert!(said(&output.stderr).contains(note), "{output:?}");
}

#[test]
fn secrets_of_the_configuration_are_nowhere_to_be_seen() {
    let canary = "c4n4ry-pa55word";
    let daemon = Daemon::started(&format!(
        "[check.db]\npostgres = {{ url = \"postgres://belfry:{canary}@{}/x\" }}\nevery = \"200ms\"\n[check.web]\nhttp = {{ url = \"http://{}/\", headers = {{ Authorization = \"Bearer {canary}\" }} }}\nevery = \"200ms\"\n",
        free(),
        free()
    ));
    daemon.until("both down", |d| {
        d.state("db") == "down" && d.state("web") == "down"
    });
    for path in [
        "/",
        "/checks/db",
        "/checks/web",
        "/incidents",
        "/about",
        "/mail",
        "/metrics",
        "/api/v1/status",
        "/api/v1/checks/db",
        "/api/v1/checks/web",
    ] {
        let (status, page) = daemon.get(path).expect("an answer");
        assert_eq!(status, 200, "{path}");
        assert!(!page.contains(canary), "{path} shows it");
    }
    assert!(!daemon.log().contains(canary), "the log shows it");
    let mails = std::fs::read_dir(daemon.data().join("mail"))
        .expect("a folder")
        .flatten();
    for mail in mails {
        assert!(
            !String::from_utf8_lossy(&std::fs::read(mail.path()).expect("read")).contains(canary)
        );
    }
}
