//! Files and names.

use super::*;

/// vsftpd with these lines more.
async fn vsftpd(authority: &Authority, more: &str) -> Real {
    Real::listening("vsftpd", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nrun_as_launching_user=YES\n\
             secure_chroot_dir={place}\nssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={place}/cert.pem\n\
             rsa_private_key_file={place}/key.pem\nssl_tlsv1=YES\n{more}"
        );
        vec![write(folder, "vsftpd.conf", &text)]
    })
    .await
}

#[tokio::test]
async fn ftp_is_spoken_by_vsftpd() {
    let authority = Authority::new();
    let server = vsftpd(&authority, "").await;
    let all = [("ftp", server.port)];
    speaks(&env(), &all).await;
    speaks_after_starttls(&authority.env(), "ftp", server.port).await;
    is_no(&env(), ("ssh", server.port), "answered \"220 (vsFTPd").await;
    is_no(&env(), ("ftps", server.port), "TLS").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn ftp_with_tls_from_the_beginning_is_spoken_and_one_that_is_full_is_told() {
    let authority = Authority::new();
    let server = vsftpd(&authority, "implicit_ssl=YES\n").await;
    let all = [("ftps", server.port)];
    speaks(&authority.env(), &all).await;
    is_no(&env(), ("ftps", server.port), "certificate").await;
    is_no(&env(), ("ftp", server.port), "").await;
    ends(server, &all).await;
    let server = vsftpd(&authority, "max_clients=1\n").await;
    let part = "answered \"421 There are too many";
    is_full(server.port, "ftp", part).await;
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
             local-data: \"www.example.test. 60 IN A 192.0.2.7\"\n \
             local-data: \"example.test. 60 IN SOA ns.example.test. admin.example.test. 1 7200 900 1209600 86400\"\n \
             local-data: \"example.test. 60 IN NS ns.example.test.\"\n local-zone: \"refused.test.\" refuse\n\
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
    for (kind, expected) in [
        (
            "SOA",
            "ns.example.test admin.example.test 1 7200 900 1209600 86400",
        ),
        ("NS", "ns.example.test"),
    ] {
        let said = ask(&format!(
            "name = \"example.test\", type = \"{kind}\", expect = \"{expected}\", server = \"127.0.0.1:{port}\""
        ))
        .await;
        assert!(said.starts_with("pass: "), "{kind}: {said}");
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
