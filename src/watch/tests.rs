//! What people and programs do to files, on real ones.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::config::{Plan, Source, load_with};

/// Much longer than any of it takes; only a failure waits for it.
const LONG: Duration = Duration::from_secs(20);
const ONE: &str = "[check.one]\ntcp = { address = \"127.0.0.1:1\" }\n";
const TWO: &str = "[check.two]\ntcp = { address = \"127.0.0.1:1\" }\n";

/// A folder that is followed.
struct Scene {
    folder: TempDir,
    changes: Changes,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Scene {
    /// A folder with `belfry.toml`, followed as a configuration is.
    fn start() -> Self {
        Self::start_with(PACE, open)
    }

    fn start_with(pace: Pace, open: Open) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("belfry.toml"), ONE).unwrap();
        Self::start_in(folder, pace, open)
    }

    fn start_in(folder: TempDir, pace: Pace, open: Open) -> Self {
        let paths = ["belfry.toml", "conf.d", "hello"].map(|name| folder.path().join(name));
        let (watch, changes) = follow_at(pace, open, paths.to_vec());
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(watch.run(stop.clone()));
        Self {
            folder,
            changes,
            stop,
            tasks,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn changed(&mut self, what: &str) {
        let next = timeout(LONG, self.changes.next()).await;
        assert_eq!(next, Ok(true), "{what} was not noticed");
    }

    /// What the configuration says now, if it says anything.
    fn names(&self) -> Option<Vec<String>> {
        let source = Source::File(self.path("belfry.toml"));
        let plan: Plan = load_with(&source, &|_| None).ok()?;
        let names = plan
            .checks
            .iter()
            .map(|planned| planned.check.name.to_string());
        Some(names.filter(|name| !name.starts_with("belfry.")).collect())
    }

    /// Waits to be told of a change, and on until the configuration says this.
    async fn says(&mut self, names: &[&str]) {
        self.changed("an edit").await;
        while self.names().is_none_or(|now| now != names) {
            self.changed("the rest of an edit").await;
        }
    }

    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        assert!(!self.changes.next().await, "an ended watch says so");
    }
}

fn write_by_rename(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn an_editor_that_renames_is_noticed_every_time() {
    let mut scene = Scene::start();
    let path = scene.path("belfry.toml");
    for (text, name) in [(TWO, "two"), (ONE, "one"), (TWO, "two")] {
        write_by_rename(&path, text);
        scene.says(&[name]).await;
    }
    scene.end().await;
}

#[tokio::test]
async fn a_half_written_file_is_no_configuration_and_the_other_half_is_noticed() {
    let mut scene = Scene::start();
    let path = scene.path("belfry.toml");
    fs::write(&path, "").unwrap();
    scene.changed("the truncation").await;
    assert_eq!(scene.names(), None, "an empty file is no configuration");
    fs::write(&path, TWO.split_at(TWO.len() / 2).0).unwrap();
    scene.changed("the first half").await;
    assert_eq!(scene.names(), None, "half a file is no configuration");
    fs::write(&path, TWO).unwrap();
    scene.changed("the whole").await;
    assert_eq!(scene.names().unwrap(), ["two"]);
    scene.end().await;
}

#[tokio::test]
async fn a_link_that_is_swapped_is_noticed_wherever_in_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    // As Kubernetes mounts a ConfigMap: belfry.toml → ..data/belfry.toml, ..data → ..1.
    for (version, text) in [("..1", ONE), ("..2", TWO)] {
        fs::create_dir(root.join(version)).unwrap();
        fs::write(root.join(version).join("belfry.toml"), text).unwrap();
    }
    symlink("..1", root.join("..data")).unwrap();
    symlink("..data/belfry.toml", root.join("belfry.toml")).unwrap();
    let mut scene = Scene::start_in(folder, PACE, open);
    assert_eq!(scene.names().unwrap(), ["one"]);
    symlink("..2", scene.path("..new")).unwrap();
    fs::rename(scene.path("..new"), scene.path("..data")).unwrap();
    scene.changed("the swap").await;
    assert_eq!(scene.names().unwrap(), ["two"]);
    // What the link leads to now is followed, too.
    fs::write(scene.path("..2/belfry.toml"), ONE).unwrap();
    scene.says(&["one"]).await;
    scene.end().await;
}

#[tokio::test]
async fn permissions_count_as_a_change() {
    let mut scene = Scene::start();
    let path = scene.path("belfry.toml");
    for mode in [0o000, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        scene.changed("a change of permissions").await;
    }
    assert_eq!(scene.names().unwrap(), ["one"]);
    scene.end().await;
}

#[tokio::test]
async fn a_folder_that_is_removed_and_made_again_is_followed_again() {
    let mut scene = Scene::start();
    let (more, file) = (scene.path("conf.d"), scene.path("conf.d/more.toml"));
    fs::create_dir(&more).unwrap();
    scene.changed("the new folder").await;
    for at_once in [false, true, false, true] {
        fs::write(&file, TWO).unwrap();
        scene.says(&["one", "two"]).await;
        let three = TWO.replace("two", "three");
        write_by_rename(&file, &three);
        scene.says(&["one", "three"]).await;
        fs::remove_dir_all(&more).unwrap();
        if !at_once {
            scene.says(&["one"]).await;
        }
        fs::create_dir(&more).unwrap();
        // The poll comes later than this gives up: only events can tell.
        scene.changed("the folder made again").await;
    }
    scene.end().await;
}

#[tokio::test]
async fn a_file_deep_in_the_hello_folder_is_noticed() {
    let mut scene = Scene::start();
    fs::create_dir_all(scene.path("hello")).unwrap();
    scene.changed("the folder").await;
    fs::write(scene.path("hello/logo.svg"), "<svg/>").unwrap();
    scene.changed("the file").await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edits_in_a_burst_are_told_a_few_times() {
    let mut scene = Scene::start();
    let path = scene.path("belfry.toml");
    for round in 0..1_000 {
        write_by_rename(&path, &format!("{ONE}# {round}\n"));
    }
    write_by_rename(&path, TWO);
    scene.says(&["two"]).await;
    let told = scene.changes.told.borrow().changes;
    assert!(told < 100, "told {told} times of 1001 edits");
    scene.end().await;
}

#[tokio::test]
async fn without_events_a_change_is_found_all_the_same() {
    let pace = Pace {
        blind: Duration::from_millis(50),
        ..PACE
    };
    let no_events: Open = |_, _| Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch));
    let mut scene = Scene::start_with(pace, no_events);
    write_by_rename(&scene.path("belfry.toml"), TWO);
    scene.changed("an edit").await;
    let why = scene
        .changes
        .blind()
        .expect("it is said that there are no events");
    assert!(why.contains("inotify"), "{why}");
    fs::write(scene.path("belfry.toml"), ONE).unwrap();
    scene.changed("a second edit").await;
    scene.end().await;
}

#[tokio::test]
async fn what_nobody_told_of_is_found_by_the_poll() {
    let pace = Pace {
        poll: Duration::from_millis(50),
        ..PACE
    };
    // It opens, and never says a word: a network file system, or a queue that overflowed.
    let silent: Open = |_, _| notify::recommended_watcher(|_| {});
    let mut scene = Scene::start_with(pace, silent);
    for text in [TWO, ONE] {
        fs::write(scene.path("belfry.toml"), text).unwrap();
        scene.changed("an edit").await;
    }
    assert_eq!(scene.changes.blind(), None);
    scene.end().await;
}

#[tokio::test]
async fn what_changes_before_the_task_runs_is_told_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("belfry.toml");
    fs::write(&file, ONE).unwrap();
    let paths = vec![file.clone()];
    let (watch, mut changes) = follow(paths.clone());
    let (quiet, mut nothing) = follow(paths);
    drop((quiet, fs::write(&file, TWO)));
    assert!(
        !nothing.next().await,
        "a watch that never ran has nothing to tell"
    );
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(watch.run(stop.clone()));
    assert_eq!(timeout(LONG, changes.next()).await, Ok(true));
    // It was told once: however long it is looked at, there is no second time.
    let again = timeout(Duration::from_secs(1), changes.next()).await;
    assert!(again.is_err(), "our own reading is no change");
    stop.cancel();
    assert!(!changes.next().await);
}

#[test]
fn the_same_files_have_the_same_fingerprint_and_reading_them_is_no_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, "one").unwrap();
    let paths = [folder.path().to_owned(), folder.path().join("missing")];
    let first = Fingerprint::of(&paths);
    assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    assert_eq!(first, Fingerprint::of(&paths));
    fs::write(&file, "two").unwrap();
    assert_ne!(first, Fingerprint::of(&paths));
}

#[tokio::test]
async fn a_file_that_is_followed_later_is_followed_like_the_others_there_or_not() {
    let mut scene = Scene::start_with(PACE, open);
    let elsewhere = tempfile::tempdir().unwrap();
    let secret = elsewhere.path().join("password");
    scene.changes.also(vec![secret.clone()]);
    scene.changed("what happened before is not known").await;
    fs::write(&secret, "one").unwrap();
    scene.changed("it is there").await;
    fs::write(&secret, "two").unwrap();
    scene.changed("it is another one").await;
    scene.end().await;
}
