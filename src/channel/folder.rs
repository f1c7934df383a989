//! Mail as files in a folder: `.eml`, readable by every mail program and on the page "Mail".

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::email::word;
use super::smtp::{Delay, Delivered};
use crate::core::outbox::Notification;
use crate::core::text;

/// A file of some kilobytes on a disk that works is there in milliseconds; on one that does not, somebody
/// else wants the place in the queue.
const WRITE: Duration = Duration::from_secs(30);

/// Writes the mail of `notification` to a file in `folder`, which is made where it is missing. The name
/// follows from the notification, so a second attempt replaces the same file: here it is exactly once.
pub async fn deliver(
    folder: &Path,
    notification: &Notification,
    before_content: impl Future<Output = bool> + Send,
) -> Delivered {
    if !before_content.await {
        return Delivered::Withheld;
    }
    let name = name(notification);
    let (target, bytes) = (folder.join(&name), Arc::clone(&notification.message));
    let written = timeout(WRITE, spawn_blocking(move || write(&target, &bytes))).await;
    let trouble = match written {
        Ok(Ok(Ok(()))) => return Delivered::Accepted { reply: name },
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(broken)) => broken.to_string(),
        Err(_) => format!("the disk did not answer within {} s", WRITE.as_secs()),
    };
    let reply = format!("cannot write to {}: {trouble}", folder.display());
    Delivered::Deferred {
        reply: text::line(&reply, text::MESSAGE_CHARS),
        why: Delay::Broken,
    }
}

fn name(notification: &Notification) -> String {
    let created = notification.created.utc().strftime("%Y%m%dT%H%M%SZ");
    format!("{created}-{}.eml", word(&notification.nid.0))
}

/// Whole or not at all: written beside the target, made durable, then renamed, and the folder made
/// durable, too.
fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder: PathBuf = target.parent().map(Path::to_path_buf).unwrap_or_default();
    fs::create_dir_all(&folder)?;
    let beside = target.with_extension("tmp");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, target)?;
    File::open(&folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::smtp::tests::notification;

    #[tokio::test]
    async fn a_mail_becomes_one_file_however_often_it_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let mail = folder.path().join("mail");
        let alarm = notification("ops@example.org", b"Subject: x\r\n\r\nbody\r\n");
        for _ in 0..2 {
            let reply = "20261123T215407Z-00ff.eml".to_owned();
            assert_eq!(
                deliver(&mail, &alarm, async { true }).await,
                Delivered::Accepted { reply }
            );
        }
        let files: Vec<_> = fs::read_dir(&mail)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        assert_eq!(files, [mail.join("20261123T215407Z-00ff.eml")]);
        assert_eq!(fs::read(&files[0]).unwrap(), *alarm.message);
    }

    #[tokio::test]
    async fn what_must_not_leave_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let alarm = notification("ops@example.org", b"x");
        assert_eq!(
            deliver(folder.path(), &alarm, async { false }).await,
            Delivered::Withheld
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_defers_and_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mail");
        fs::write(&file, "in the way").unwrap();
        let alarm = notification("ops@example.org", b"x");
        let Delivered::Deferred { reply, why } = deliver(&file, &alarm, async { true }).await
        else {
            panic!("it was not deferred");
        };
        assert!(reply.starts_with("cannot write to /"), "{reply}");
        assert_eq!(why, Delay::Broken);
    }
}
