//! What keeps data: redis, memcached, `MariaDB`, PostgreSQL and slapd, as they should be, full, and shut.

use super::*;
use crate::postgres::Postgres;

#[tokio::test]
async fn redis_with_tls_is_spoken_and_one_that_is_full_is_told() {
    let authority = Authority::new();
    let secure = free_port();
    let server = Real::listening("redis-server", |folder, port| {
        authority.write(folder);
        words(&format!(
            "--port {port} --tls-port {secure} --bind 127.0.0.1 --maxclients 2 --tls-auth-clients no \
             --tls-cert-file cert.pem --tls-key-file key.pem"
        ))
    })
    .await;
    let (env, port) = (authority.env(), server.port);
    let all = [("redis", port), ("rediss", secure)];
    speaks(&env, &all).await;
    is_no(&env, ("rediss", port), "TLS").await;
    is_no(&crate::env(), ("rediss", secure), "certificate").await;
    is_full(port, "redis", "answered \"-ERR max number of clients").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn memcached_that_is_full_is_told_and_one_that_has_ended() {
    let server = Real::listening("memcached", |_, port| {
        words(&format!(
            "-l 127.0.0.1 -p {port} -U 0 -u nobody -t 1 -c 20 -o maxconns_fast"
        ))
    })
    .await;
    let all = [("memcached", server.port)];
    is_full(server.port, "memcached", "answered \"ERROR Too many open").await;
    ends(server, &all).await;
}

/// `MariaDB` without users, in a folder of its own.
async fn mariadb(more: &'static str) -> Real {
    Real::listening("mariadbd", |folder, port| {
        let data = folder.join("data");
        fs::create_dir(&data).expect("there is room");
        let user = if is_root() { " --user=root" } else { "" };
        let (data, socket) = (data.display(), folder.join("socket"));
        words(&format!(
            "--no-defaults --datadir={data} --socket={} --port={port} --bind-address=127.0.0.1 \
             --skip-grant-tables{user} {more}",
            socket.display()
        ))
    })
    .await
}

#[tokio::test]
async fn mysql_is_spoken_by_mariadb() {
    let server = mariadb("").await;
    let all = [("mysql", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("postgres", server.port), "MariaDB").await;
    is_no(&env(), ("smtp", server.port), "MariaDB").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn a_mariadb_that_is_full_is_told() {
    // Ten is the least that it takes, and there is one more for an administrator.
    let server = mariadb("--max-connections=10").await;
    is_full(server.port, "mysql", "Too many connections").await;
}

#[tokio::test]
async fn postgres_is_spoken_and_one_that_hangs_or_has_ended_is_told() {
    let server = Postgres::start(&[]);
    let port = server.port();
    speaks(&env(), &[("postgres", port)]).await;
    is_no(&env(), ("ldap", port), "").await;
    server.freeze();
    let said = asked(&env(), port, "preset = \"postgres\"", BRIEF).await;
    assert!(said.starts_with("fail: no answer within "), "{said}");
    server.thaw();
    server.stop();
    let said = asked(&env(), port, "preset = \"postgres\"", PATIENT).await;
    assert!(said.starts_with("fail: nothing listens on "), "{said}");
}

/// slapd in the clear and with TLS, with these lines more.
async fn slapd(authority: &Authority, secure: u16, more: &str) -> Real {
    Real::listening("slapd", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "pidfile {place}/pid\nTLSCertificateFile {place}/cert.pem\nTLSCertificateKeyFile {place}/key.pem\n{more}"
        );
        let file = write(folder, "slapd.conf", &text);
        let urls = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{secure}/");
        let mut arguments = words(&format!("-d 0 -f {file} -h"));
        arguments.push(urls);
        arguments
    })
    .await
}

#[tokio::test]
async fn ldap_in_the_clear_with_starttls_and_ldaps_are_spoken_by_slapd() {
    let (authority, secure) = (Authority::new(), free_port());
    let server = slapd(&authority, secure, "").await;
    let env = authority.env();
    let all = [("ldap", server.port), ("ldaps", secure)];
    speaks(&env, &all).await;
    speaks_after_starttls(&env, "ldap", server.port).await;
    is_no(&env, ("ldaps", server.port), "TLS").await;
    is_no(&crate::env(), ("ldaps", secure), "certificate").await;
    ends(server, &all).await;
}

#[tokio::test]
async fn a_directory_that_wants_more_is_there_and_one_that_serves_nobody_is_not() {
    let authority = Authority::new();
    // No anonymous bind, and none without TLS: it is there.
    for more in ["disallow bind_anon\n", "security tls=1\n"] {
        let server = slapd(&authority, free_port(), more).await;
        speaks(&env(), &[("ldap", server.port)]).await;
    }
    let server = slapd(
        &authority,
        free_port(),
        "database frontend\nrestrict bind\n",
    )
    .await;
    is_no(&env(), ("ldap", server.port), "does not match").await;
}
