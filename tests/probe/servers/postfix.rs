//! Mail, by Postfix. As a package it would take the place of any other mail server, so scripts/test only unpacks its
//! files.

use std::os::unix::fs::{PermissionsExt, chown};

use nix::unistd::{Group, User};

use super::*;

/// Where its files are.
const POSTFIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/debian/postfix");
/// Whom it runs as, instead of users of its own: such as have nothing to do here.
const OWNER: &str = "list";
const GROUP: &str = "irc";

/// Its queue: folders of its own, and one for others.
fn queue(folder: &Path) {
    let owner = User::from_name(OWNER).ok().flatten();
    let owner = owner.expect("Debian has it").uid.as_raw();
    let group = Group::from_name(GROUP).ok().flatten();
    let group = group.expect("Debian has it").gid.as_raw();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder, open).expect("it is ours");
    for name in ["data", "spool/private", "spool/public", "spool/pid"] {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("there is room");
        let (owner, group) = match name {
            "spool/pid" => (None, None),
            "spool/public" => (Some(owner), Some(group)),
            _ => (Some(owner), None),
        };
        chown(&path, owner, group).expect("we are root");
    }
}

/// Its settings: `port` with STARTTLS, `secure` with TLS, and `shut` for nobody.
fn settle(folder: &Path, [port, secure, shut]: [u16; 3]) {
    let place = folder.display();
    let main = format!(
        "compatibility_level = 3.6\nqueue_directory = {place}/spool\ndata_directory = {place}/data\n\
         daemon_directory = {POSTFIX}/usr/lib/postfix/sbin\ncommand_directory = {POSTFIX}/usr/sbin\n\
         shlib_directory = {POSTFIX}/usr/lib/postfix\n\
         import_environment = MAIL_CONFIG LD_LIBRARY_PATH={POSTFIX}/usr/lib/postfix\n\
         mail_owner = {OWNER}\nsetgid_group = {GROUP}\ndefault_privs = nobody\n\
         inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = mail.belfry.test\nmydestination =\n\
         alias_maps =\nalias_database =\nlocal_recipient_maps =\nsmtpd_tls_security_level = may\n\
         smtpd_tls_cert_file = {place}/cert.pem\nsmtpd_tls_key_file = {place}/key.pem\n"
    );
    let master = format!(
        "127.0.0.1:{port} inet n - n - - smtpd\n\
         127.0.0.1:{secure} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
         127.0.0.1:{shut} inet n - n - - smtpd -o smtpd_client_restrictions=reject -o smtpd_delay_reject=no\n\
         anvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\n"
    );
    write(folder, "main.cf", &main);
    write(folder, "master.cf", &master);
}

#[tokio::test]
async fn smtp_with_starttls_and_smtps_are_spoken_by_postfix() {
    // It starts as root only, and becomes others itself.
    if !is_root() {
        return;
    }
    let program = format!("{POSTFIX}/usr/lib/postfix/sbin/master");
    assert!(
        Path::new(&program).exists(),
        "{program} is not there; scripts/test unpacks it"
    );
    let authority = Authority::new();
    let [secure, shut] = [(); 2].map(|()| free_port());
    let server = Real::listening("env", |folder, port| {
        authority.write(folder);
        queue(folder);
        settle(folder, [port, secure, shut]);
        let libraries = format!("LD_LIBRARY_PATH={POSTFIX}/usr/lib/postfix");
        let mut arguments = vec![libraries, program];
        arguments.extend(words(&format!("-c {} -d", folder.display())));
        arguments
    })
    .await;
    let (env, port) = (authority.env(), server.port);
    let all = [("smtp", port), ("submission", port), ("smtps", secure)];
    speaks(&env, &all).await;
    speaks_after_starttls(&env, "smtp", port).await;
    is_no(&env, ("smtps", port), "TLS").await;
    is_no(&env, ("imap", port), "answered \"220 mail.belfry.test").await;
    is_no(&env, ("smtp", shut), "answered \"554 5.7.1 ").await;
    is_no(&crate::env(), ("submission", port), "certificate").await;
    is_no(&crate::env(), ("smtps", secure), "certificate").await;
    ends(server, &all).await;
}
