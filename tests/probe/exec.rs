//! Commands: real plugins, and processes that misbehave in every way we know.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry::core::outcome::{Outcome, Verdict};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{env, look, look_briefly, probe, said};

/// In the configuration a dollar is two.
fn exec(argv: &[&str]) -> String {
    format!("exec = {{ command = {argv:?} }}").replace('$', "$$")
}

fn sh(script: &str) -> String {
    exec(&["/bin/sh", "-c", script])
}

fn plugin(name: &str, arguments: &[&str]) -> String {
    let path = format!("/usr/lib/nagios/plugins/{name}");
    let mut argv = vec![path.as_str()];
    argv.extend(arguments);
    exec(&argv)
}

async fn look_at(text: String) -> Outcome {
    look(&text).await
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    let mut metrics = outcome.metrics.iter().flat_map(|all| all.iter());
    let found = metrics.find(|metric| metric.name.as_ref() == name);
    found.expect(name).value
}

/// The process that wrote its number to a file of this name.
async fn process(folder: &TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    for _ in 0..500 {
        if let Ok(text) = fs::read_to_string(&path)
            && text.ends_with('\n')
        {
            return Path::new("/proc").join(text.trim());
        }
        sleep(Duration::from_millis(10)).await;
    }
    unreachable!("{name} was never written");
}

/// Waits until a process is gone: not even a zombie of ours is left. When the first process of a system reaps those
/// that lost their parent is its own affair.
async fn gone(process: &Path) {
    let ours = format!("PPid:\t{}\n", std::process::id());
    for _ in 0..500 {
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        let orphan = status.contains("State:\tZ") && !status.contains(&ours);
        if status.is_empty() || orphan {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    let status = fs::read_to_string(process.join("status"));
    unreachable!("{} is still there: {status:?}", process.display());
}

#[tokio::test]
async fn real_plugins_say_what_they_found() {
    for (code, verdict) in ["0", "1", "2", "3"].into_iter().zip(Verdict::ALL) {
        let outcome = look(&plugin("check_dummy", &[code, "a text"])).await;
        assert_eq!(outcome.verdict, verdict, "{}", said(&outcome));
        assert!(outcome.message().ends_with("a text"), "{}", said(&outcome));
        assert!(outcome.latency_us.is_some());
    }
    let outcome = look(&plugin(
        "check_load",
        &["-w", "900,900,900", "-c", "999,999,999"],
    ))
    .await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    assert!(metric(&outcome, "load1") >= 0.0);
    let outcome = look(&plugin("check_load", &["-w", "0,0,0", "-c", "0,0,0"])).await;
    assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
    let outcome = look(&plugin("check_disk", &["-w", "0%", "-c", "0%", "-p", "/"])).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    assert!(metric(&outcome, "/") > 1e6, "bytes: {outcome:?}");
    let outcome = look(&plugin(
        "check_procs",
        &["-c", "1:", "-C", "no-such-process"],
    ))
    .await;
    assert!(
        said(&outcome).starts_with("fail: PROCS CRITICAL: 0 processes"),
        "{}",
        said(&outcome)
    );
    let outcome = look(&plugin("check_load", &["--nonsense"])).await;
    assert_eq!(outcome.verdict, Verdict::Unknown, "{}", said(&outcome));
}

#[tokio::test]
async fn why_is_told_with_the_ranges_of_the_plugin() {
    let probe = probe(&sh("echo \"SLOW|rta=120ms;100;500\"; echo more; exit 1"));
    let (outcome, findings) = probe.explain(&env(), crate::PATIENT).await;
    assert_eq!(said(&outcome), "warn: SLOW");
    let told: Vec<String> = findings
        .iter()
        .map(|f| {
            format!(
                "{} {}: {} / {}",
                f.verdict.word(),
                f.what,
                f.expected,
                f.found
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "warn end: exit code 0 / exit code 1",
            "warn rta: 0ms to 100ms, else warn; 0ms to 500ms, else fail / 120ms",
            "pass output:  / more",
        ]
    );
}

#[tokio::test]
async fn a_number_beyond_the_plugins_own_range_is_told_as_a_failure() {
    let probe = probe(&sh("echo \"SLOW|rta=900ms;100;500 n=7;5:\"; exit 2"));
    let (_, findings) = probe.explain(&env(), crate::PATIENT).await;
    let verdicts: Vec<_> = findings
        .iter()
        .map(|f| (f.what.as_str(), f.verdict))
        .collect();
    let expected = [
        ("end", Verdict::Fail),
        ("rta", Verdict::Fail),
        ("n", Verdict::Pass),
    ];
    assert_eq!(verdicts, expected);
}

#[tokio::test]
async fn beyond_as_many_commands_as_may_run_at_once_others_wait_and_say_so() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().display();
    let started = || fs::read_dir(folder.path()).unwrap().count();
    let mut looks: JoinSet<Outcome> = (0..32)
        .map(|n| look_at(sh(&format!("touch {at}/{n}; sleep 600"))))
        .collect();
    while started() < 32 {
        sleep(Duration::from_millis(10)).await;
    }
    let outcome = look_briefly(&exec(&["/bin/true"])).await;
    assert_eq!(
        said(&outcome),
        "unknown: 32 commands run already; the others wait"
    );
    looks.shutdown().await;
    let outcome = look(&exec(&["/bin/true"])).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
}

#[tokio::test]
async fn nothing_is_inherited_but_path_language_and_what_is_said() {
    let outcome = look(
        "exec = { command = [\"/bin/sh\", \"-c\", \"env | cut -d= -f1 | sort | grep -vE '^(LANG|PATH|PWD|SHLVL|OLDPWD|_)$$' | tr '\\\\n' ' '; echo $$WHO; pwd; cat\"], environment = { WHO = \"me and you\" }, directory = \"/usr\" }",
    )
    .await;
    assert_eq!(said(&outcome), "pass: WHO me and you");
    let outcome = look("exec = { command = [\"/bin/pwd\"], directory = \"/usr\" }").await;
    assert_eq!(said(&outcome), "pass: /usr");
    let outcome = look(&exec(&["/bin/pwd"])).await;
    assert_eq!(said(&outcome), "pass: /");
    let ours = tempfile::NamedTempFile::new().unwrap();
    let listing = sh(&format!(
        "readlink /proc/self/fd/* | grep -c {}; true",
        ours.path().display()
    ));
    assert_eq!(said(&look(&listing).await), "pass: 0", "{listing}");
    let outcome = look(&exec(&["/bin/echo", "$HOME; `id` *"])).await;
    assert_eq!(said(&outcome), "pass: $HOME; `id` *");
}

#[tokio::test]
async fn what_cannot_be_run_is_unknown_with_what_to_do() {
    for (text, told) in [
        (
            exec(&["/no/such/check"]),
            "unknown: /no/such/check cannot be run: there is no such file, or its interpreter is missing",
        ),
        (
            exec(&["/etc/passwd"]),
            "unknown: /etc/passwd cannot be run: we may not run it; look at its mode and owner",
        ),
        (
            "exec = { command = [\"/bin/true\"], directory = \"/no/such\" }".to_owned(),
            "unknown: there is no directory /no/such to run it in",
        ),
        (
            "exec = { command = [\"/bin/true\"], user = \"nosuchuser\" }".to_owned(),
            "unknown: there is no user nosuchuser; create it",
        ),
    ] {
        assert_eq!(said(&look(&text).await), told);
    }
}

#[tokio::test]
async fn what_is_no_program_is_unknown_with_the_words_of_the_system() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("garbage");
    fs::write(&path, [0x7f, 1, 2, 3]).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&path, mode).unwrap();
    let told = said(&look(&exec(&[path.to_str().unwrap()])).await);
    assert!(
        told.starts_with("unknown: ") && told.contains(" cannot be run: Exec format error"),
        "{told}"
    );
}

#[tokio::test]
async fn root_runs_it_as_somebody_else_and_nobody_else_does() {
    let text = "exec = { command = [\"/bin/sh\", \"-c\", \"echo $$(id -un) $$(id -G | wc -w)\"], user = \"nobody\" }";
    let told = said(&look(text).await);
    if nix::unistd::geteuid().is_root() {
        assert_eq!(told, "pass: nobody 1");
    } else {
        assert_eq!(
            told,
            "unknown: only root can run a command as nobody: run Belfry as root, or leave \"user\" out"
        );
    }
}

#[tokio::test]
async fn a_crash_is_unknown() {
    let outcome = look(&sh("echo half; kill -SEGV $$")).await;
    assert_eq!(said(&outcome), "unknown: killed by SIGSEGV: half");
    let outcome = look(&sh("exit 77")).await;
    assert_eq!(said(&outcome), "unknown: exit code 77");
}

#[tokio::test]
async fn one_that_hangs_is_ended_with_all_it_started() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().display();
    let outcome = look_briefly(&sh(&format!(
        "echo so far; echo $$ >{at}/first; sleep 600 & echo $! >{at}/second; wait"
    )))
    .await;
    assert_eq!(said(&outcome), "fail: did not end within 320 ms: so far");
    for name in ["first", "second"] {
        gone(&process(&folder, name).await).await;
    }
}

#[tokio::test]
async fn one_that_ignores_to_be_asked_is_killed() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().display();
    let script = format!(
        "trap \"\" TERM INT HUP; echo $$ >{at}/first; (echo $(exec sh -c \"echo \\$PPID\") >{at}/second; while :; do sleep 0.05; done) & while :; do sleep 0.05; done"
    );
    let outcome = look_briefly(&sh(&script)).await;
    assert_eq!(said(&outcome), "fail: did not end within 320 ms");
    for name in ["first", "second"] {
        gone(&process(&folder, name).await).await;
    }
}

#[tokio::test]
async fn one_that_prints_for_ever_is_cut_and_ended() {
    let outcome = look_briefly(&exec(&["/usr/bin/yes", "all is well"])).await;
    assert_eq!(
        said(&outcome),
        "fail: did not end within 320 ms: all is well"
    );
    // Much, but not for ever: it is read to its end, and 64 KiB of it are kept.
    let (outcome, findings) = probe(&sh("yes | head -c 300000000; exit 1"))
        .explain(&env(), crate::PATIENT)
        .await;
    assert_eq!(said(&outcome), "warn: y");
    assert!(
        findings
            .iter()
            .any(|f| f.found.starts_with("more than 65536 bytes")),
        "{findings:?}"
    );
    let outcome = look(&sh("head -c 300000000 /dev/zero")).await;
    assert_eq!(outcome.verdict, Verdict::Pass);
}

#[tokio::test]
async fn children_that_keep_the_pipe_open_hold_no_look_and_are_ended() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().display();
    let started = Instant::now();
    let outcome = look(&sh(&format!("sleep 600 & echo $! >{at}/child; echo OK"))).await;
    assert_eq!(said(&outcome), "pass: OK");
    assert!(started.elapsed() < Duration::from_secs(10));
    gone(&process(&folder, "child").await).await;
    let outcome = look(&sh(&format!("yes & echo $! >{at}/loud; exit 2"))).await;
    assert_eq!(outcome.verdict, Verdict::Fail);
    gone(&process(&folder, "loud").await).await;
}

#[tokio::test]
async fn one_that_closes_its_output_is_still_waited_for() {
    let outcome = look(&sh("echo early; exec >&- 2>&-; sleep 0.3; exit 2")).await;
    assert_eq!(said(&outcome), "fail: early");
}

#[tokio::test]
async fn a_look_that_is_given_up_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let at = folder.path().display();
    let probe = probe(&sh(&format!(
        "echo $$ >{at}/it; trap \"\" TERM; sleep 600; sleep 600"
    )));
    let env = env();
    let process = tokio::select! {
        outcome = probe.run(&env, crate::PATIENT) => unreachable!("{outcome:?}"),
        process = process(&folder, "it") => process,
    };
    gone(&process).await;
}

#[tokio::test]
async fn many_at_once_leak_neither_descriptors_nor_zombies() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    look(&exec(&["/bin/true"])).await;
    let before = open();
    let mut looks: JoinSet<Outcome> = (0..200).map(|_| look_at(sh("exit 1"))).collect();
    while let Some(outcome) = looks.join_next().await {
        assert_eq!(said(&outcome.unwrap()), "warn: exit code 1");
    }
    assert!(open() <= before + 8, "{before} before, {} after", open());
}
