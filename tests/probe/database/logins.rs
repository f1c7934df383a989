//! Ways to log in that libpq knows.

use super::*;
use crate::servers::pem;
use crate::tls::Chain;

/// A file of the test with such a text, for nobody else.
fn private(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the folder can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    path.display().to_string()
}

/// Its certificate with those above it, and its key.
fn pems(chain: &Chain) -> (String, String) {
    let all = chain.certificates.iter().take(2);
    let certificates: String = all.map(|der| pem("CERTIFICATE", der)).collect();
    (certificates, pem("PRIVATE KEY", chain.key.secret_der()))
}

#[tokio::test]
async fn a_service_and_a_password_file_are_enough() {
    let postgres = Postgres::start(&[]);
    let folder = tempfile::tempdir().expect("there is room");
    let port = postgres.port();
    let service = format!("[shop]\nhost=127.0.0.1\nport={port}\ndbname=postgres\nuser={USER}\n");
    let services = private(&folder, "services", &service);
    let right = private(
        &folder,
        "right",
        &format!("127.0.0.1:{port}:*:{USER}:{PASSWORD}\n"),
    );
    let wrong = private(
        &folder,
        "wrong",
        &format!("127.0.0.1:1:*:{USER}:{PASSWORD}\n*:*:*:*:hunter2\n"),
    );
    let url = |passwords: &str| format!("service=shop servicefile={services} passfile={passwords}");
    let outcome = look(&check(&url(&right))).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    assert_fails(
        &look(&check(&url(&wrong))).await,
        "password authentication failed",
    );
}

#[tokio::test]
async fn both_sides_prove_who_they_are_by_certificates() {
    let postgres = Postgres::start(&[]);
    let (server, client, stranger) = (
        chain("localhost", 80, 400),
        chain(USER, 80, 400),
        chain(USER, 80, 400),
    );
    postgres.stop();
    let (certificates, key) = pems(&server);
    postgres.place("server.crt", &certificates);
    postgres.place("server.key", &key);
    postgres.place("root.crt", &pem("CERTIFICATE", &client.root));
    postgres.place("pg_hba.conf", "hostssl all all 127.0.0.1/32 cert\n");
    postgres.place(
        "postgresql.auto.conf",
        "ssl = on\nssl_ca_file = 'root.crt'\n",
    );
    postgres.resume();

    let folder = tempfile::tempdir().expect("there is room");
    let root = private(&folder, "root", &pem("CERTIFICATE", &server.root));
    let url = |root: &str, name: &str, own: &Chain| {
        let (certificates, key) = pems(own);
        let certificates = private(&folder, &format!("{name}.crt"), &certificates);
        let key = private(&folder, &format!("{name}.key"), &key);
        let port = postgres.port();
        check(&format!(
            "postgres://{USER}@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={root}&sslcert={certificates}&sslkey={key}"
        ))
    };
    let outcome = look(&url(&root, "client", &client)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    let outcome = look(&url(&root, "stranger", &stranger)).await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
    let mixed = Chain {
        root: client.root.clone(),
        certificates: client.certificates.clone(),
        key: stranger.key.clone_key(),
        authority_key: String::new(),
    };
    let outcome = look(&url(&root, "mixed", &mixed)).await;
    assert_says(&outcome, Verdict::Unknown, &["our certificate: "]);
    // Nobody but those who are named is trusted.
    let other = private(&folder, "other", &pem("CERTIFICATE", &client.root));
    assert_fails(
        &look(&url(&other, "client", &client)).await,
        "the certificate of localhost",
    );
}

#[tokio::test]
async fn a_postgres_is_asked_over_its_socket_and_over_tls() {
    let postgres = Postgres::start(&[]);
    let folder = postgres.socket_folder().display().to_string();
    let password = PASSWORD.replace(' ', "%20");
    let socket = format!(
        "postgres://{USER}:{password}@/postgres?host={folder}&port={}",
        postgres.port()
    );
    let outcome = look(&check(&socket)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    let outcome = look(&check(&format!("{}?sslmode=require", postgres.url()))).await;
    assert_fails(&outcome, "server does not support TLS");

    let chain = chain("localhost", 80, 400);
    postgres.stop();
    let (certificate, key) = (
        postgres.data().join("server.crt"),
        postgres.data().join("server.key"),
    );
    let certificates: Vec<String> = chain
        .certificates
        .iter()
        .map(|der| pem("CERTIFICATE", der))
        .collect();
    fs::write(&certificate, certificates.concat()).unwrap();
    fs::write(&key, pem("PRIVATE KEY", chain.key.secret_der())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(postgres.data()).unwrap());
    chown(&key, Some(owner), None).unwrap();
    fs::write(postgres.data().join("postgresql.auto.conf"), "ssl = on\n").unwrap();
    postgres.resume();

    let by_name = postgres.url().replace("127.0.0.1", "localhost");
    let verified = check(&format!("{by_name}?sslmode=verify-full"));
    let trusting = Env::new(Clock::start(), Arc::default()).trusting(chain.root);
    let outcome = probe(&verified).run(&trusting, PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    assert_fails(&look(&verified).await, "is not trusted (unknown issuer");
    let by_address = check(&format!("{}?sslmode=require", postgres.url()));
    let outcome = probe(&by_address).run(&trusting, PATIENT).await;
    assert_fails(&outcome, "not for 127.0.0.1");
    // As libpq does by default: encrypted, from whomever.
    let outcome = look(&check(&postgres.url())).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
}
