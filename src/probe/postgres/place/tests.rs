//! URLs as people write them, and files as libpq has them.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn parse(url: &str) -> Result<Option<Place>, String> {
    let report = Report::new(&|_| None, Path::new("/"));
    Place::parse(url, Reading(&report))
}

#[test]
fn files_say_what_the_url_does_not() {
    let file = |text: &str, mode| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(file.path(), permissions).unwrap();
        file
    };
    let services = file(
        "[shop]\nhost=h\nport=6000\nuser=u\nsslmode=verify-full\n",
        0o644,
    );
    let passwords = file("h:6000:d:u:hunter2\n", 0o600);
    let (services, path) = (services.path().display(), passwords.path().display());
    let url = format!("postgres:///d?service=shop&servicefile={services}&passfile={path}");
    let place = parse(&url).unwrap().unwrap();
    assert_eq!(place.shown(), "postgres://u@h:6000/d");
    assert!(place.is_verified());
    assert_eq!(place.login.get_password(), Some(&b"hunter2"[..]));
    let own = format!("user=bob dbname=d service=shop servicefile='{services}' sslmode=disable");
    let place = parse(&own).unwrap().unwrap();
    assert_eq!(
        (place.shown().as_str(), place.is_verified()),
        ("postgres://bob@h:6000/d", false)
    );

    let open = file("*:*:*:*:x\n", 0o644);
    for (url, hint) in [
        (
            format!("postgres://u@h/d?passfile={}", open.path().display()),
            "others may read it; chmod 0600",
        ),
        (
            format!("postgres://u@h/d?service=none&servicefile={services}"),
            "it is in no service file",
        ),
        (
            "postgres://u@h/d?sslrootcert=/nowhere".to_owned(),
            "sslrootcert: cannot read it",
        ),
        (
            format!("postgres://u@h/d?sslrootcert={services}"),
            "there is no certificate",
        ),
        (
            "postgres://u@h/d?sslcert=/nowhere".to_owned(),
            "sslcert and sslkey belong together",
        ),
        (
            "postgres://u@h/d?sslmode=always".to_owned(),
            "sslmode is disable, prefer (as allow",
        ),
    ] {
        let error = parse(&url).unwrap_err();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn a_url_names_ways_to_the_server() {
    for (url, shown) in [
        ("postgres://u@h/d", "postgres://u@h:5432/d"),
        (
            "postgresql://u:p@127.0.0.1:6000",
            "postgres://u@127.0.0.1:6000/u",
        ),
        ("postgres://u@a:1,b:2/d", "postgres://u@a:1,b:2/d"),
        (
            "host=/run/pg user=u dbname=d",
            "postgres://u@/run/pg/.s.PGSQL.5432/d",
        ),
        (
            "postgres://u@h/d?sslmode=verify-full",
            "postgres://u@h:5432/d",
        ),
    ] {
        let place = parse(url).unwrap().unwrap();
        assert_eq!(place.shown(), shown);
        assert_eq!(place.is_verified(), url.contains("verify"), "{url}");
    }
    assert!(parse("postgres:///d").is_err());
    assert!(parse("host=h dbname=d").is_err());
}

#[test]
fn a_password_that_a_server_echoes_is_taken_out() {
    let place = parse("postgres://u:hunter2@h/d").unwrap().unwrap();
    assert_eq!(place.masked("you said hunter2!"), "you said …!");
    let place = parse("postgres://u@h/d").unwrap().unwrap();
    assert_eq!(place.masked("as it is"), "as it is");
}

#[test]
fn what_is_said_of_sslmode_is_what_each_of_its_words_does() {
    let manual = include_str!("../../../../docs/checks.md");
    for (word, verified) in [
        ("disable", false),
        ("allow", false),
        ("prefer", false),
        ("require", true),
        ("verify-ca", true),
        ("verify-full", true),
    ] {
        let place = parse(&format!("postgres://u@h/d?sslmode={word}"));
        assert_eq!(place.unwrap().unwrap().is_verified(), verified, "{word}");
        assert!(SSLMODES.contains(word), "{word}");
        assert!(manual.contains(&format!("`{word}`")), "{word}");
    }
}
