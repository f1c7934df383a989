//! News, by the readers' server of INN. Debian's package wants a domain name of the machine before it lets itself be
//! installed, so scripts/test only unpacks its files.

use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use nix::unistd::User;

use super::*;

/// Where its files are.
const INN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/debian/inn2");

/// A program of it, with what it needs of its environment.
fn inn(program: &str, folder: &Path) -> Vec<String> {
    let program = format!("{INN}/usr/lib/news/bin/{program}");
    assert!(
        Path::new(&program).exists(),
        "{program} is not there; scripts/test unpacks it"
    );
    vec![
        format!("LD_LIBRARY_PATH={INN}/usr/lib/news:{INN}/usr/lib/x86_64-linux-gnu"),
        format!("INNCONF={}/inn.conf", folder.display()),
        program,
    ]
}

/// Everything that it reads, and an empty spool with one group.
fn settle(folder: &Path) {
    let (place, user) = (folder.display(), user().name);
    let conf = format!(
        "mta: \"/bin/false %s\"\norganization: Belfry\ndomain: belfry.test\npathhost: news.belfry.test\n\
         fromhost: news.belfry.test\novmethod: tradindexed\nhismethod: hisv6\nenableoverview: true\n\
         pathnews: {place}\npathetc: {place}\npathdb: {place}\npathrun: {place}\npathspool: {place}\n\
         pathoverview: {place}\npathlog: {place}\npathtmp: {place}\nrunasuser: {user}\n\
         tlscertfile: {place}/cert.pem\ntlskeyfile: {place}/key.pem\n"
    );
    for (name, text) in [
        ("inn.conf", conf.as_str()),
        (
            "readers.conf",
            "auth all { hosts: \"*\" default: \"<anyone>\" }\n\
             access all { users: \"<anyone>\" newsgroups: \"*\" access: R }\n",
        ),
        (
            "storage.conf",
            "method tradspool {\n newsgroups: *\n class: 0\n}\n",
        ),
        ("active", "local.test 0000000000 0000000001 y\n"),
    ] {
        write(folder, name, text);
    }
    // Makes an index without an article in it.
    let made = Command::new("env")
        .args(inn("overchan", folder))
        .stdin(std::process::Stdio::null())
        .output();
    assert!(made.expect("it can be run").status.success());
    let all = fs::read_dir(folder).expect("it is ours");
    for file in all.filter_map(Result::ok) {
        own(&file.path());
    }
    own(folder);
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

/// It becomes the user of news where it is root.
fn user() -> User {
    let found = if is_root() {
        User::from_name("news")
    } else {
        User::from_uid(nix::unistd::geteuid())
    };
    found.ok().flatten().expect("Debian has it")
}

fn own(path: &Path) {
    if is_root() {
        chown(path, Some(user().uid.as_raw()), None).expect("we are root");
    }
}

#[tokio::test]
async fn nntp_in_the_clear_and_with_starttls_is_spoken_by_inn() {
    let authority = Authority::new();
    let server = Real::listening("env", |folder, port| {
        authority.write(folder);
        settle(folder);
        let mut arguments = inn("nnrpd", folder);
        arguments.extend(words(&format!("-D -f -b 127.0.0.1 -p {port}")));
        arguments
    })
    .await;
    let all = [("nntp", server.port)];
    speaks(&env(), &all).await;
    speaks_after_starttls(&authority.env(), "nntp", server.port).await;
    is_no(&env(), ("smtp", server.port), "answered \"201 ").await;
    is_no(&env(), ("nntps", server.port), "TLS").await;
    let keys = "preset = \"nntp\", starttls = \"nntp\"";
    let said = asked(&env(), server.port, keys, PATIENT).await;
    assert!(said.starts_with("fail: the certificate "), "{said}");
    ends(server, &all).await;
}

#[tokio::test]
async fn nntps_is_spoken_by_inn() {
    let authority = Authority::new();
    let server = Real::listening("env", |folder, port| {
        authority.write(folder);
        settle(folder);
        let mut arguments = inn("nnrpd", folder);
        arguments.extend(words(&format!("-D -f -S -b 127.0.0.1 -p {port}")));
        arguments
    })
    .await;
    let all = [("nntps", server.port)];
    speaks(&authority.env(), &all).await;
    is_no(&env(), ("nntps", server.port), "certificate").await;
    is_no(&env(), ("nntp", server.port), "").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn news_that_are_shut_are_told_as_such() {
    let authority = Authority::new();
    let server = Real::listening("env", |folder, port| {
        authority.write(folder);
        settle(folder);
        // As after a disk was lost: nobody can be served.
        fs::remove_file(folder.join("group.index")).expect("it was made");
        let mut arguments = inn("nnrpd", folder);
        arguments.extend(words(&format!("-D -f -b 127.0.0.1 -p {port}")));
        arguments
    })
    .await;
    is_no(&env(), ("nntp", server.port), "answered \"400 ").await;
}
