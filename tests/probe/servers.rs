//! Protocols by name against the servers that Debian has for them: once as they should be, and broken.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use belfry::clock::Clock;
use belfry::probe::Env;
use rustls::pki_types::CertificateDer;

use crate::real::{Real, free_port, words};
use crate::tls::chain;
use crate::{PATIENT, env, probe, text};

/// An authority, and what a server needs of it in a folder: `cert.pem` with its chain, and `key.pem`.
struct Authority {
    root: CertificateDer<'static>,
    certificate: String,
    key: String,
}

impl Authority {
    /// A certificate for localhost.
    fn new() -> Self {
        let chain = chain("localhost", 90, 900);
        let certificates = chain.certificates.iter();
        Self {
            root: chain.root,
            certificate: certificates.map(|der| pem("CERTIFICATE", der)).collect(),
            key: pem("PRIVATE KEY", chain.key.secret_der()),
        }
    }

    fn write(&self, folder: &Path) {
        write(folder, "cert.pem", &self.certificate);
        // Some servers want nobody else to read it.
        let key = write(folder, "key.pem", &self.key);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(key, mode).expect("it is ours");
    }

    fn env(&self) -> Env {
        Env::new(Clock::start(), Arc::default()).trusting(self.root.clone())
    }
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("it is ASCII"))
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

/// Writes a file of a server, and says where it is.
fn write(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).expect("there is room");
    file.display().to_string()
}

/// Long enough for what a server says by itself; who waits for something else waits so long for it.
const BRIEF: Duration = Duration::from_secs(3);

/// What is said of a port of localhost within `timeout`, without the time it took.
async fn asked(env: &Env, port: u16, keys: &str, timeout: Duration) -> String {
    let keys = format!("tcp = {{ address = \"localhost:{port}\", ip = \"4\", {keys} }}");
    let outcome = probe(&keys).run(env, timeout).await;
    format!("{}: {}", outcome.verdict.word(), text(&outcome))
}

/// Every protocol is spoken on its port.
async fn speaks(env: &Env, protocols: &[(&str, u16)]) {
    for (preset, port) in protocols {
        let said = asked(env, *port, &format!("preset = \"{preset}\""), PATIENT).await;
        assert_eq!(said, format!("pass: speaks {preset} in T"));
    }
}

/// The same where TLS is asked for in the clear.
async fn speaks_after_starttls(env: &Env, preset: &str, port: u16) {
    let keys = format!("preset = \"{preset}\", starttls = \"{preset}\"");
    let said = asked(env, port, &keys, PATIENT).await;
    assert_eq!(said, format!("pass: speaks {preset} in T"), "with TLS");
}

/// The server ends, and then none is spoken.
async fn ends(mut server: Real, protocols: &[(&str, u16)]) {
    server.stop().await;
    for (preset, port) in protocols {
        let said = asked(&env(), *port, &format!("preset = \"{preset}\""), PATIENT).await;
        let refused = format!("fail: nothing listens on localhost:{port} ");
        assert!(said.starts_with(&refused), "{preset}: {said}");
    }
}

/// What is spoken there is something else, and that is said.
async fn is_no(env: &Env, (preset, port): (&str, u16), part: &str) {
    let said = asked(env, port, &format!("preset = \"{preset}\""), BRIEF).await;
    assert!(
        said.starts_with("fail: ") && said.contains(part),
        "{preset}: {said}"
    );
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

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
async fn mysql_is_spoken_by_mariadb() {
    let server = Real::listening("mariadbd", |folder, port| {
        let data = folder.join("data");
        fs::create_dir(&data).expect("there is room");
        let user = if is_root() { " --user=root" } else { "" };
        let (data, socket) = (data.display(), folder.join("socket"));
        words(&format!(
            "--no-defaults --datadir={data} --socket={} --port={port} --bind-address=127.0.0.1 --skip-grant-tables{user}",
            socket.display()
        ))
    })
    .await;
    let all = [("mysql", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("postgres", server.port), "MariaDB").await;
    is_no(&env(), ("smtp", server.port), "MariaDB").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn ldap_in_the_clear_with_starttls_and_ldaps_are_spoken_by_slapd() {
    let authority = Authority::new();
    let secure = free_port();
    let server = Real::listening("slapd", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "pidfile {place}/pid\nTLSCertificateFile {place}/cert.pem\nTLSCertificateKeyFile {place}/key.pem\n"
        );
        let file = write(folder, "slapd.conf", &text);
        let urls = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{secure}/");
        let mut arguments = words(&format!("-d 0 -f {file} -h"));
        arguments.push(urls);
        arguments
    })
    .await;
    let env = authority.env();
    let all = [("ldap", server.port), ("ldaps", secure)];
    speaks(&env, &all).await;
    speaks_after_starttls(&env, "ldap", server.port).await;
    is_no(&env, ("ldaps", server.port), "TLS").await;
    is_no(&crate::env(), ("ldaps", secure), "certificate").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn ftp_is_spoken_by_vsftpd() {
    let authority = Authority::new();
    let server = Real::listening("vsftpd", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\n\
             secure_chroot_dir={place}\nssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={place}/cert.pem\n\
             rsa_private_key_file={place}/key.pem\nssl_tlsv1=YES\n"
        );
        vec![write(folder, "vsftpd.conf", &text)]
    })
    .await;
    let all = [("ftp", server.port)];
    speaks(&env(), &all).await;
    speaks_after_starttls(&authority.env(), "ftp", server.port).await;
    is_no(&env(), ("ssh", server.port), "answered \"220 (vsFTPd").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn rsync_is_spoken_by_its_daemon() {
    let server = Real::listening("rsync", |folder, port| {
        let file = write(folder, "rsyncd.conf", "use chroot = no\n");
        words(&format!(
            "--daemon --no-detach --config={file} --port={port} --address=127.0.0.1"
        ))
    })
    .await;
    let all = [("rsync", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("ftp", server.port), "answered \"@RSYNCD: ").await;
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
async fn dns_over_udp_tcp_and_tls_is_spoken_by_unbound() {
    let authority = Authority::new();
    let secure = free_port();
    let server = Real::listening("unbound", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "server:\n interface: 127.0.0.1@{port}\n interface: 127.0.0.1@{secure}\n tls-port: {secure}\n \
             tls-service-pem: \"{place}/cert.pem\"\n tls-service-key: \"{place}/key.pem\"\n do-daemonize: no\n \
             chroot: \"\"\n username: \"\"\n directory: \"{place}\"\n pidfile: \"{place}/pid\"\n use-syslog: no\n \
             module-config: \"iterator\"\n local-zone: \"example.test.\" static\n \
             local-data: \"www.example.test. 60 IN A 192.0.2.7\"\n local-zone: \"refused.test.\" refuse\n\
             remote-control:\n control-enable: no\n"
        );
        vec!["-d".to_owned(), "-c".to_owned(), write(folder, "unbound.conf", &text)]
    })
    .await;
    let (env, port) = (authority.env(), server.port);
    let within = async |timeout: Duration, keys: &str| {
        let outcome = probe(&format!("dns = {{ {keys} }}"))
            .run(&env, timeout)
            .await;
        format!("{}: {}", outcome.verdict.word(), text(&outcome))
    };
    let ask = async |keys: &str| within(PATIENT, keys).await;
    let www = "name = \"www.example.test\", expect = \"192.0.2.7\"";
    let at =
        |port: u16, more: &str| format!("{www}, server = \"localhost:{port}\", ip = \"4\"{more}");
    for keys in [
        at(port, ""),
        at(port, ", transport = \"tcp\""),
        at(secure, ", transport = \"tls\""),
    ] {
        let said = ask(&keys).await;
        assert!(said.starts_with("pass: "), "{keys}: {said}");
    }
    let other = |name: &str| format!("name = \"{name}\", server = \"127.0.0.1:{port}\"");
    for (name, part) in [
        ("no.example.test", "NXDOMAIN"),
        ("www.refused.test", "REFUSED"),
    ] {
        let said = ask(&other(name)).await;
        assert!(
            said.starts_with("fail: ") && said.contains(part),
            "{name}: {said}"
        );
    }
    let said = within(BRIEF, &at(port, ", transport = \"tls\"")).await;
    assert!(said.starts_with("fail: "), "in the clear: {said}");
    let mut server = server;
    server.stop().await;
    let said = ask(&at(port, ", transport = \"tcp\"")).await;
    assert!(
        said.starts_with("fail: ") && said.contains("connection refused"),
        "{said}"
    );
}
