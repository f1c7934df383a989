//! Mail, and what looks into it.

use super::*;

#[tokio::test]
async fn smtp_is_spoken_by_opensmtpd() {
    // It starts as root only, and becomes others itself. Beside another mail server it cannot be installed.
    let other = Path::new("/usr/sbin/sendmail").exists() && !Path::new("/usr/sbin/smtpd").exists();
    if !is_root() || other {
        return;
    }
    // In the clear only: that of Debian 12 loses its private key with OpenSSL 3. TLS is spoken by dovecot below.
    let server = Real::listening("smtpd", |folder, port| {
        let text = format!(
            "listen on 127.0.0.1 port {port} hostname localhost\naction \"out\" relay\nmatch for local action \"out\"\n"
        );
        vec!["-d".to_owned(), "-f".to_owned(), write(folder, "smtpd.conf", &text)]
    })
    .await;
    let all = [("smtp", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("submission", server.port), "answered \"50").await;
    is_no(&env(), ("smtps", server.port), "TLS").await;
    is_no(
        &env(),
        ("imap", server.port),
        "answered \"220 localhost ESMTP OpenSMTPD",
    )
    .await;
    ends(server, &all).await;
}

/// The configuration of a dovecot that has everything in one folder, with these services.
fn dovecot(folder: &Path, protocols: &str, services: &[(&str, &[(&str, u16)])]) -> Vec<String> {
    let own = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let own = own.ok().flatten().map(|user| user.name);
    let group = nix::unistd::Group::from_gid(nix::unistd::getegid());
    let group = group.ok().flatten().map(|group| group.name);
    let own = own.as_deref().filter(|_| !is_root());
    let group = group.as_deref().filter(|_| !is_root());
    let (internal, login) = (own.unwrap_or("dovecot"), own.unwrap_or("dovenull"));
    let group = group.unwrap_or("dovecot");
    let place = folder.display();
    let mut text = format!(
        "protocols = {protocols}\nlisten = 127.0.0.1\nbase_dir = {place}/run\nstate_dir = {place}\n\
         log_path = {place}/log\nhostname = localhost\nsubmission_relay_host = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{place}/cert.pem\nssl_key = <{place}/key.pem\n\
         default_internal_user = {internal}\ndefault_internal_group = {group}\ndefault_login_user = {login}\n\
         passdb {{\n driver = static\n args = nopassword=y\n}}\nservice anvil {{\n chroot =\n}}\n"
    );
    for (service, ports) in services {
        text.push_str(&["service ", service, " {\n chroot =\n"].concat());
        for (name, port) in *ports {
            let ssl = if name.ends_with('s') { "yes" } else { "no" };
            let port = port.to_string();
            let listener = [
                " inet_listener ",
                name,
                " {\n  port = ",
                &port,
                "\n  ssl = ",
                ssl,
                "\n }\n",
            ];
            text.push_str(&listener.concat());
        }
        text.push_str("}\n");
    }
    vec![
        "-F".to_owned(),
        "-c".to_owned(),
        write(folder, "dovecot.conf", &text),
    ]
}

#[tokio::test]
async fn imap_pop3_and_sieve_are_spoken_by_dovecot() {
    let authority = Authority::new();
    let [imaps, pop3, pop3s, sieve] = [(); 4].map(|()| free_port());
    let server = Real::listening("dovecot", |folder, imap| {
        authority.write(folder);
        let services: [(&str, &[(&str, u16)]); 3] = [
            ("imap-login", &[("imap", imap), ("imaps", imaps)]),
            ("pop3-login", &[("pop3", pop3), ("pop3s", pop3s)]),
            ("managesieve-login", &[("sieve", sieve)]),
        ];
        dovecot(folder, "imap pop3 sieve", &services)
    })
    .await;
    let (env, imap) = (authority.env(), server.port);
    let all = [
        ("imap", imap),
        ("imaps", imaps),
        ("pop3", pop3),
        ("pop3s", pop3s),
        ("sieve", sieve),
    ];
    speaks(&env, &all).await;
    for (preset, port) in [("imap", imap), ("pop3", pop3), ("sieve", sieve)] {
        speaks_after_starttls(&env, preset, port).await;
    }
    is_no(&env, ("pop3", imap), "answered \"* OK").await;
    is_no(&env, ("imap", pop3), "answered \"+OK").await;
    is_no(&env, ("imap", sieve), "answered \"\"IMPLEMENTATION").await;
    is_no(&env, ("imaps", imap), "TLS").await;
    is_no(&crate::env(), ("imaps", imaps), "certificate").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn smtp_with_starttls_smtps_and_lmtp_are_spoken_by_dovecot() {
    let authority = Authority::new();
    let [smtps, lmtp] = [(); 2].map(|()| free_port());
    let server = Real::listening("dovecot", |folder, port| {
        authority.write(folder);
        let services: [(&str, &[(&str, u16)]); 2] = [
            (
                "submission-login",
                &[("submission", port), ("submissions", smtps)],
            ),
            ("lmtp", &[("lmtp", lmtp)]),
        ];
        dovecot(folder, "submission lmtp", &services)
    })
    .await;
    let (env, port) = (authority.env(), server.port);
    let all = [
        ("smtp", port),
        ("submission", port),
        ("smtps", smtps),
        ("lmtp", lmtp),
    ];
    speaks(&env, &all).await;
    is_no(&env, ("smtps", port), "TLS").await;
    is_no(&env, ("smtp", lmtp), "^250").await;
    is_no(&crate::env(), ("smtps", smtps), "certificate").await;
    is_no(&crate::env(), ("submission", port), "certificate").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn spamd_is_known_by_its_pong() {
    let server = Real::listening("spamd", |_, port| {
        words(&format!(
            "-p {port} -i 127.0.0.1 --local --nouser-config -x --max-children 1 --min-children 1 -s stderr"
        ))
    })
    .await;
    let all = [("spamd", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("redis", server.port), "answered \"SPAMD/").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn clamav_is_known_by_its_pong() {
    let server = Real::listening("clamd", |folder, port| {
        // Signatures of its own: with those of the project it takes a gigabyte, and half a minute to start.
        write(folder, "own.ndb", "Belfry.Test:0:*:62656c667279\n");
        let place = folder.display();
        let root = if is_root() { "User root\n" } else { "" };
        let text = format!(
            "Foreground yes\nTCPAddr 127.0.0.1\nTCPSocket {port}\nDatabaseDirectory {place}\n\
             TemporaryDirectory {place}\nMaxThreads 1\n{root}"
        );
        vec!["-c".to_owned(), write(folder, "clamd.conf", &text)]
    })
    .await;
    let all = [("clamav", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("spamd", server.port), "answered \"UNKNOWN COMMAND").await;
    server.freeze();
    let said = asked(&env(), server.port, "preset = \"clamav\"", BRIEF).await;
    assert!(said.starts_with("fail: no answer within "), "{said}");
    server.thaw();
    ends(server, &all).await;
}
