//! Looks of the real binary where this process cannot be itself: as somebody else, without /proc, in a network of its
//! own. What it mounts and makes is seen by it alone, and gone with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What runs a command as nobody.
pub(crate) const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/// A folder that everybody may pass, with the binary in it.
pub(crate) struct Inside {
    pub(crate) folder: TempDir,
}

impl Inside {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let inside = Self { folder };
        mode(inside.path(), 0o755);
        let (ours, theirs) = (env!("CARGO_BIN_EXE_belfry"), inside.path().join("belfry"));
        let linked = fs::hard_link(ours, &theirs);
        linked
            .or_else(|_| fs::copy(ours, &theirs).map(drop))
            .expect("there is room");
        inside
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What `[check.it]` with this key is found to be, by whom this process runs as, or by nobody where that is root.
    pub(crate) fn as_nobody(&self, key: &str) -> String {
        let prefix = if is_root() { NOBODY } else { "" };
        self.look(
            "it",
            &format!("[check.it]\n{key}\n"),
            &format!("exec {prefix} \"$@\""),
        )
    }

    /// The same with mounts and a network of its own, after a shell has done `script`; none where we may not.
    pub(crate) fn apart(&self, key: &str, script: &str) -> Option<String> {
        self.apart_with("it", &format!("[check.it]\n{key}\n"), script)
    }

    /// The same for the check of this name in a whole configuration.
    pub(crate) fn apart_with(&self, name: &str, text: &str, script: &str) -> Option<String> {
        let may = Command::new("unshare")
            .args(["--net", "--mount", "true"])
            .status();
        let may = may.is_ok_and(|status| status.success());
        assert!(may || !is_root(), "root may have namespaces of its own");
        may.then(|| self.look(name, text, script))
    }

    /// Runs `belfry check` by way of a script, whose arguments are the command.
    fn look(&self, name: &str, text: &str, script: &str) -> String {
        let config = self.path().join("belfry.toml");
        fs::write(&config, text).expect("there is room");
        mode(&config, 0o644);
        let mut command = if script.starts_with("exec ") {
            Command::new("sh")
        } else {
            let mut command = Command::new("unshare");
            command.args(["--net", "--mount", "sh"]);
            command
        };
        command.args(["-ec", script, "sh"]);
        command
            .arg(self.path().join("belfry"))
            .arg("--config")
            .arg(&config);
        command
            .args(["check", name, "--json"])
            .current_dir(self.path());
        let ran = command
            .env_remove("DATABASE_URL")
            .output()
            .expect("it can be run");
        let line = String::from_utf8_lossy(&ran.stdout);
        let told: Value = serde_json::from_str(line.trim()).unwrap_or_default();
        let word = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        assert!(told.is_object(), "{script}: {ran:?}");
        format!("{}: {}", word("verdict"), word("message"))
    }
}

/// Sets who may do what with a file or folder.
pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is ours");
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
fn what_another_user_may_not_see_is_unknown_with_what_to_do() {
    let inside = Inside::new();
    let at = inside.path().display();
    let (closed, secret) = (inside.path().join("closed"), inside.path().join("secret"));
    fs::create_dir(&closed).expect("there is room");
    fs::write(closed.join("f"), "x").expect("there is room");
    fs::write(&secret, "1\n").expect("there is room");
    // Not even for us, should we not be root.
    mode(&closed, 0o000);
    mode(&secret, 0o000);
    let sum = "0".repeat(64);
    let denied = "Permission denied (os error 13)";
    for (key, told) in [
        (
            format!("file = {{ path = \"{at}/closed/f\" }}"),
            format!(
                "we may not look at {at}/closed/f; give our user the right to, or see ProtectHome= of our unit"
            ),
        ),
        (
            format!("file = {{ path = \"{at}/closed\" }}"),
            format!(
                "we may not look at {at}/closed; give our user the right to, or see ProtectHome= of our unit"
            ),
        ),
        (
            format!("file = {{ path = \"{at}/secret\", content = \"x\" }}"),
            format!("the content cannot be read: {denied}"),
        ),
        (
            format!("file = {{ path = \"{at}/secret\", checksum = \"{sum}\" }}"),
            format!("no checksum: {denied}"),
        ),
        (
            format!("disk = {{ path = \"{at}/closed/f\" }}"),
            format!("we may not look at {at}/closed/f; let the user of our unit pass its folders"),
        ),
        (
            format!("log = {{ file = \"{at}/secret\", match = \"x\" }}"),
            format!(
                "we may not read {at}/secret; add our user to its group (SupplementaryGroups=adm in our unit)"
            ),
        ),
        (
            format!("process = {{ pidfile = \"{at}/secret\" }}"),
            format!("{at}/secret cannot be read: {denied}"),
        ),
        (
            format!("exec = {{ command = [\"{at}/secret\"] }}"),
            format!("{at}/secret cannot be run: we may not run it; look at its mode and owner"),
        ),
        (
            "exec = { command = [\"/bin/true\"], user = \"root\" }".to_owned(),
            "only root can run a command as root: run Belfry as root, or leave \"user\" out"
                .to_owned(),
        ),
    ] {
        assert_eq!(inside.as_nobody(&key), format!("unknown: {told}"), "{key}");
    }
    if is_root() {
        let as_itself = "exec = { command = [\"/bin/echo\", \"me\"], user = \"nobody\" }";
        assert_eq!(inside.as_nobody(as_itself), "pass: me");
    }
    mode(&closed, 0o755);
}

#[test]
fn without_proc_or_sys_nothing_is_known_of_the_machine() {
    let inside = Inside::new();
    let without = |key: &str, what: &str| {
        inside.apart(key, &format!("mount -t tmpfs none /{what}; \"$@\" || true"))
    };
    for (key, what, told) in [
        ("host = {}", "proc", "unknown: /proc cannot be read: "),
        (
            "process = { name = \"x\" }",
            "proc",
            "unknown: /proc cannot be read: ",
        ),
        (
            "net = { interface = \"lo\" }",
            "sys",
            "unknown: /sys/class/net cannot be read: is /sys mounted?",
        ),
    ] {
        let Some(said) = without(key, what) else {
            return;
        };
        assert!(said.starts_with(told), "{key}: {said}");
    }
}

#[test]
fn processes_that_the_kernel_hides_from_us_are_not_taken_for_gone() {
    let inside = Inside::new();
    let pidfile = inside.path().join("it.pid");
    fs::write(&pidfile, std::process::id().to_string()).expect("there is room");
    mode(&pidfile, 0o644);
    let hide = format!("mount -t proc -o hidepid=2 proc /proc; {NOBODY} \"$@\" || true");
    let hidden = "unknown: processes of others are hidden from us; set ProtectProc=default in our unit, or mount /proc \
                  without hidepid=";
    for key in [
        format!("process = {{ pidfile = {pidfile:?} }}"),
        "process = { name = \"no-such-process\" }".to_owned(),
    ] {
        let Some(said) = inside.apart(&key, &hide) else {
            return;
        };
        assert_eq!(said, hidden, "{key}");
    }
}
