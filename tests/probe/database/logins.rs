//! Ways to log in that libpq knows.

use super::*;
use crate::tls::Chain;

/// A file of the test with such a text, for nobody else.
fn private(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("the folder can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    path.display().to_string()
}

fn pem(label: &str, der: &[u8]) -> String {
    let coded = openssl_base64(der);
    format!("-----BEGIN {label}-----\n{coded}-----END {label}-----\n")
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
    // Nobody but those who are named is trusted.
    let other = private(&folder, "other", &pem("CERTIFICATE", &client.root));
    assert_fails(
        &look(&url(&other, "client", &client)).await,
        "the certificate of localhost",
    );
}
