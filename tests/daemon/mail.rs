//! Pings by e-mail: a real client, a client with ill intent, and what is left of either.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use lettre::message::{MultiPart, header::ContentType};
use lettre::{Message, SmtpTransport, Transport as _};
use serde_json::Value;

use crate::daemon::{Daemon, PATIENCE, free, request};
use crate::disk::SmallDisk;
use crate::{JOB, job, ping};

const KEY: &str = "kB2d0xQ8mT-4_zzW1abcDE";
const TOKEN: &str = "hcw_0123456789abcdefghijklmnopqr";
/// A heartbeat that looks for words in subjects and texts.
const CHOOSY: &str = "0b1e7b1e-0000-4000-8000-00000000cafe";

/// A daemon that takes pings by e-mail, and where.
struct Site {
    daemon: Daemon,
    at: SocketAddr,
}

fn configuration(at: SocketAddr, limits: &str) -> String {
    format!(
        "[mail_pings]\nlisten = \"{at}\"\ndomain = \"ping.example.org\"\n\n\
         [heartbeats]\nping_key = \"{KEY}\"\n{limits}\n\n[token.page]\nsecret = \"{TOKEN}\"\nrights = \"write\"\n\n{}\n\
         [heartbeat.choosy]\nevery = \"1d\"\nuuid = \"{CHOOSY}\"\nfilter_subject = true\nfilter_body = true\n\
         failure_kw = \"ERROR\"\nsuccess_kw = \"backup complete\"\nstart_kw = \"begins\"\nfilter_default_fail = true\n",
        job("1d", "1h")
    )
}

impl Site {
    fn new() -> Self {
        Self::limited("")
    }

    fn limited(limits: &str) -> Self {
        let at = free();
        let daemon = Daemon::started(&configuration(at, limits));
        Self { daemon, at }
    }

    /// Sends as a program would that knows how.
    fn send(
        &self,
        to: &str,
        mail: impl FnOnce(lettre::message::MessageBuilder) -> Message,
    ) -> Result<(), String> {
        let builder = Message::builder()
            .from("Cron <root@web-1.example.org>".parse().unwrap())
            .to(to.parse().unwrap());
        let client = SmtpTransport::builder_dangerous(self.at.ip().to_string())
            .port(self.at.port())
            .build();
        let sent = client.send(&mail(builder));
        sent.map(drop).map_err(|error| error.to_string())
    }

    fn say(&self, to: &str, subject: &str, text: &str) -> Result<(), String> {
        self.send(to, |mail| {
            mail.subject(subject).body(text.to_owned()).unwrap()
        })
    }

    fn check(&self, name: &str) -> Value {
        self.daemon.json(&format!("/api/v1/checks/{name}"))
    }

    fn pings(&self, name: &str) -> u64 {
        self.check(name)["pings"].as_u64().unwrap_or_default()
    }
}

/// A client that says what it likes.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn new(at: SocketAddr) -> Self {
        let stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Greeted, and ready for a mail.
    fn greeted(at: SocketAddr) -> Self {
        let mut client = Self::new(at);
        assert!(client.hear().starts_with("220 ping.example.org "));
        assert!(client.ask("EHLO me").starts_with("250"));
        client
    }

    fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// The last line of the next answer; nothing where the connection is closed.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn ask(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.hear()
    }

    /// Up to DATA.
    fn about_to_send(&mut self, to: &str) {
        assert_eq!(self.ask("MAIL FROM:<me@example.org>"), "250 2.1.0 OK");
        assert_eq!(self.ask(&format!("RCPT TO:<{to}>")), "250 2.1.5 OK");
        assert!(self.ask("DATA").starts_with("354 "));
    }
}

fn address(uuid: &str) -> String {
    format!("{uuid}@ping.example.org")
}

#[test]
fn a_mail_is_a_success_and_words_in_it_say_otherwise() {
    let site = Site::new();
    site.say(&address(JOB), "backup ✓ done", "42 files\nall of them")
        .unwrap();
    let check = site.check("job");
    assert_eq!(
        (&check["pings"], &check["state"]),
        (&1.into(), &"up".into())
    );
    let by_name = format!("{KEY}+job@PING.example.org");
    site.say(&by_name, "", "again").unwrap();
    assert_eq!(site.pings("job"), 2);
    let (_, page) = site.daemon.get("/checks/job").unwrap();
    for shown in [
        "Subject: backup ✓ done",
        "42 files",
        "Email from root@web-1.example.org",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }

    let choosy = address(CHOOSY);
    for (subject, text, state) in [
        ("nightly", "backup complete", "up"),
        ("ERROR in backup", "backup complete", "down"),
        ("backup complete", "fine", "up"),
        ("nothing", "of note", "down"),
    ] {
        site.say(&choosy, subject, text).unwrap();
        assert_eq!(site.check("choosy")["state"], state, "{subject}, {text}");
    }
    // In both forms of a mail of two, and however it is packed.
    let html = "<p>backup <b>done</b>, no ERROR: ä</p>".to_owned();
    let both = MultiPart::alternative_plain_html("backup complete".to_owned(), html);
    site.send(&choosy, |mail| mail.subject("two").multipart(both).unwrap())
        .unwrap();
    assert_eq!(site.check("choosy")["state"], "down");
    site.send(&choosy, |mail| {
        let mail = mail
            .subject("=?utf-8?q?no?=")
            .header(ContentType::TEXT_PLAIN);
        mail.body("backup complete ✓ ".repeat(200)).unwrap()
    })
    .unwrap();
    assert_eq!(site.check("choosy")["state"], "up");

    // As healthchecks.io shows pings by e-mail.
    let path = format!("/compat/healthchecks/api/v3/checks/{JOB}/pings/");
    let mut client = TcpStream::connect(site.daemon.status).unwrap();
    let head = format!(
        "Host: {}\r\nX-Api-Key: {TOKEN}\r\nConnection: close",
        site.daemon.status
    );
    write!(client, "GET {path} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.contains("\"scheme\":\"email\"") && answer.contains("\"method\":\"\""),
        "{answer}"
    );
}

#[test]
fn what_was_answered_with_250_is_kept_over_a_kill_and_a_restart_keeps_the_address() {
    let mut site = Site::new();
    for round in 1..=3 {
        site.say(&address(JOB), "done", "").unwrap();
        site.daemon.kill();
        site.daemon.start();
        assert_eq!(site.pings("job"), round);
    }
    let output = site.daemon.command(&["restart"]);
    assert!(output.status.success(), "{}", site.daemon.log());
    site.say(&address(JOB), "done", "").unwrap();
    assert_eq!(site.pings("job"), 4);
}

#[test]
fn what_cannot_be_kept_is_to_be_sent_again() {
    let disk = SmallDisk::mount(4);
    let mut daemon = Daemon::new("");
    let at = free();
    let text = format!(
        "[daemon]\ndata_dir = \"{}/data\"\n[listen]\nstatus = \"{}\"\nhello = \"off\"\nshrunken = \"off\"\n{}",
        disk.path.path().display(),
        daemon.status,
        configuration(at, "")
    );
    daemon.write_config(&text);
    daemon.start();
    let site = Site { daemon, at };
    site.say(&address(JOB), "done", "").unwrap();
    disk.fill();
    site.daemon.until("refusing pings", |d| {
        ping(d).is_some_and(|(status, _)| status == 503)
    });
    let refused = site.say(&address(JOB), "done", "").unwrap_err();
    assert!(refused.contains("451"), "{refused}");
}

#[test]
fn every_command_has_its_answer_and_a_mail_to_nobody_is_refused_at_once() {
    let site = Site::new();
    let mut client = Client::new(site.at);
    assert!(client.hear().starts_with("220 "));
    let stranger = address("00000000-0000-4000-8000-000000000000");
    let wrong_key = format!("{KEY}x+job@ping.example.org");
    let nobody = format!("{KEY}+nobody@ping.example.org");
    for (command, answer) in [
        ("MAIL FROM:<a@b>".to_owned(), "503 5.5.1"),
        ("HELO me".to_owned(), "250 ping.example.org"),
        ("DATA".to_owned(), "503 5.5.1"),
        (format!("RCPT TO:<{}>", address(JOB)), "503 5.5.1"),
        ("MAIL FROM:<a@b> SIZE=2000000".to_owned(), "552 5.3.4"),
        ("MAIL FROM:<> SIZE=1000".to_owned(), "250 2.1.0"),
        ("MAIL FROM:<a@b>".to_owned(), "503 5.5.1"),
        ("DATA".to_owned(), "503 5.5.1"),
        (format!("RCPT TO:<{stranger}>"), "550 5.1.1 Invalid mailbox"),
        (
            format!("RCPT TO:<{wrong_key}>"),
            "550 5.1.1 Invalid mailbox",
        ),
        (format!("RCPT TO:<{nobody}>"), "550 5.1.1 Invalid mailbox"),
        (
            format!("RCPT TO:<{JOB}@example.org>"),
            "550 5.1.1 Recipient rejected",
        ),
    ] {
        let heard = client.ask(&command);
        assert!(heard.starts_with(answer), "{command}: {heard}");
    }
    let mut client = Client::greeted(site.at);
    for (command, answer) in [
        ("VRFY root", "252 "),
        ("NOOP", "250 2.0.0"),
        ("HELP", "214 "),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "502 5.5.1"),
        ("BDAT 10 LAST", "502 5.5.1"),
        ("EXPN list", "502 5.5.1"),
        ("FETCH", "500 5.5.1"),
        ("RCPT", "501 "),
        ("RSET", "250 2.0.0"),
        ("QUIT", "221 2.0.0"),
    ] {
        let heard = client.ask(command);
        assert!(heard.starts_with(answer), "{command}: {heard}");
    }
    assert_eq!(client.hear(), "");
    assert_eq!(site.pings("job"), 0);
}

#[test]
fn no_mail_can_hide_another_behind_an_end_that_is_none() {
    let site = Site::new();
    let hidden = format!(
        "MAIL FROM:<x@y>\r\nRCPT TO:<{}>\r\nDATA\r\nsmuggled\r\n",
        address(CHOOSY)
    );
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n\0.\r\n",
    ] {
        let mut client = Client::greeted(site.at);
        client.about_to_send(&address(JOB));
        client.write(format!("Subject: x\r\n\r\nhello{end}{hidden}").as_bytes());
        client.write(b"\r\n.\r\nNOOP\r\n");
        let heard = client.hear();
        // It is one mail in any case; one with loose lines is none at all.
        let is_whole = end.contains('\0');
        assert!(
            heard.starts_with(if is_whole { "250 2.0.0" } else { "554 5.6.0" }),
            "{end:?}: {heard}"
        );
        assert_eq!(client.hear(), "250 2.0.0 OK", "{end:?}");
    }
    assert_eq!((site.pings("job"), site.pings("choosy")), (1, 0));
    let mut client = Client::greeted(site.at);
    client.write(b"NOOP\nNOOP\r\n");
    assert!(client.hear().starts_with("500 5.5.2"));
    assert!(client.hear().starts_with("250 "));
}

#[test]
fn what_is_too_large_too_long_too_many_or_wrong_too_often_is_bounded() {
    let site = Site::limited("per_heartbeat = \"12/min\"\n");
    let mut client = Client::greeted(site.at);
    client.about_to_send(&address(JOB));
    let line = [&[b'x'; 998][..], b"\r\n"].concat();
    for _ in 0..1_100 {
        client.write(&line);
    }
    assert!(client.ask(".").starts_with("552 5.3.4"));
    // The connection goes on, and what fits is taken: of it the beginning is kept.
    client.about_to_send(&address(JOB));
    for _ in 0..900 {
        client.write(&line);
    }
    assert_eq!(client.ask("."), "250 2.0.0 OK");
    assert_eq!(site.pings("job"), 1);
    // There were two pings to it within the time of one and the burst.
    assert_eq!(client.ask("MAIL FROM:<a@b>"), "250 2.1.0 OK");
    let limited = client.ask(&format!("RCPT TO:<{}>", address(JOB)));
    assert!(limited.starts_with("451 4.7.1 rate limited"), "{limited}");
    client.write(&[b'y'; 5_000]);
    assert!(client.ask("").starts_with("500 5.5.2"));
    let last = (0..20)
        .map(|_| client.ask("WHAT"))
        .find(|heard| !heard.starts_with("500"));
    assert!(last.unwrap().starts_with("421 4.7.0 too many mistakes"));
    assert_eq!(client.hear(), "");

    let mut all = Vec::new();
    let full = loop {
        let mut client = Client::new(site.at);
        let heard = client.hear();
        if !heard.starts_with("220 ") {
            break heard;
        }
        all.push(client);
    };
    assert!(full.starts_with("421 4.3.2"), "{full}");
    assert_eq!(all.len(), 64);
    let (status, _) = request(site.daemon.status, "GET", &format!("/ping/{CHOOSY}"), "").unwrap();
    assert_eq!(status, 200);
    drop(all);
    site.daemon.until("free again", |_| {
        site.say(&address(CHOOSY), "backup complete", "").is_ok()
    });
}
