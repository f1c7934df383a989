//! What the hello pages show: a folder of files that people edit, or what is built in.

use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

use super::policy::policy;
use crate::core::text;
use crate::web::respond;
use crate::web::stored::Stored;

/// Longest file, in bytes: a page that greets, not a site.
const FILE_BYTES: u64 = 256 * 1024;

/// Which page of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Hello,
    Shrunken,
}

/// What both pages show.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    hello: Page,
    shrunken: Page,
    logo: Piece,
    style: Piece,
}

/// A page.
#[derive(Clone, Debug)]
struct Page {
    source: String,
    stored: Stored,
    /// Names this version of the page with everything that it loads.
    tag: String,
}

/// One file that a page loads, and the answer made of it.
#[derive(Clone, Debug)]
struct Piece {
    source: String,
    stored: Stored,
}

/// The same files make the same page.
impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.tag == other.tag
    }
}

/// The same file makes the same answer.
impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// A file of the folder.
#[derive(Clone, Copy)]
struct File {
    name: &'static str,
    built_in: &'static str,
}

const HELLO: File = File {
    name: "hello.html",
    built_in: include_str!("../../config/hello/hello.html"),
};
const SHRUNKEN: File = File {
    name: "shrunken.html",
    built_in: include_str!("../../config/hello/shrunken.html"),
};
const LOGO: File = File {
    name: "logo.svg",
    built_in: include_str!("../../config/hello/logo.svg"),
};
const STYLE: File = File {
    name: "shrunken.css",
    built_in: include_str!("../../config/hello/shrunken.css"),
};

impl Default for Content {
    /// What is built in.
    fn default() -> Self {
        Self::of([HELLO, SHRUNKEN, LOGO, STYLE].map(|file| file.built_in.to_owned()))
    }
}

impl Content {
    /// Reads the files of `folder`, or takes what is built in; with notes for people about what could not
    /// be read, in place of which what is built in is shown.
    pub fn read(folder: Option<&Path>) -> (Self, Vec<String>) {
        Self::default().again(folder)
    }

    /// Reads the files again. One that cannot be read, is too large or is no text leaves its part as it is,
    /// with a note for people that says why; one that was never there, with what is built in and no note.
    pub fn again(&self, folder: Option<&Path>) -> (Self, Vec<String>) {
        let Some(folder) = folder else {
            return (Self::default(), Vec::new());
        };
        let mut notes = Vec::new();
        let mut source = |file: File, last: &String| {
            let path = folder.join(file.name);
            load(&path).unwrap_or_else(|why| {
                // One that was never there is not missed: what is built in stands for it.
                let is_missed = last != file.built_in || path.exists();
                if is_missed {
                    let path = text::line(&path.display().to_string(), 200);
                    notes.push(format!("{path}: {why}; what was shown before stays"));
                }
                last.clone()
            })
        };
        let sources = [
            source(HELLO, &self.hello.source),
            source(SHRUNKEN, &self.shrunken.source),
            source(LOGO, &self.logo.source),
            source(STYLE, &self.style.source),
        ];
        (Self::of(sources), notes)
    }

    /// The pages of these files. The tag of each covers all that it loads, so that a browser that has it open
    /// loads it anew whichever of them is edited.
    fn of([hello, shrunken, logo, style]: [String; 4]) -> Self {
        let link = "<link rel=\"stylesheet\" href=\"/shrunken.css\">\n";
        let tags = [tag(&[&hello, &logo]), tag(&[&shrunken, &logo, &style])];
        let [hello_tag, shrunken_tag] = tags;
        Self {
            hello: Page {
                stored: page("Hello World!", "", &hello, &hello_tag),
                source: hello,
                tag: hello_tag,
            },
            shrunken: Page {
                stored: page("Hello shrunken world!", link, &shrunken, &shrunken_tag),
                source: shrunken,
                tag: shrunken_tag,
            },
            logo: Piece {
                stored: plain("image/svg+xml", &logo),
                source: logo,
            },
            style: Piece {
                stored: plain("text/css; charset=utf-8", &style),
                source: style,
            },
        }
    }

    /// The page.
    pub(super) fn page(&self, which: Which) -> &Stored {
        match which {
            Which::Hello => &self.hello.stored,
            Which::Shrunken => &self.shrunken.stored,
        }
    }

    pub(super) fn logo(&self) -> &Stored {
        &self.logo.stored
    }

    pub(super) fn style(&self) -> &Stored {
        &self.style.stored
    }

    /// The name of the version of a page that is shown now.
    pub(super) fn tag(&self, which: Which) -> &str {
        match which {
            Which::Hello => &self.hello.tag,
            Which::Shrunken => &self.shrunken.tag,
        }
    }
}

/// The name of a version: the digest of its files, each with its length, so that no two lists are read as
/// one another.
fn tag(files: &[&String]) -> String {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.len().to_le_bytes());
        digest.update(file.as_bytes());
    }
    let digest = digest.finalize();
    let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

fn load(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be read ({error})"))?;
    let mut source = Vec::new();
    // One byte more than may be, so that too much is noticed whatever the file system says of its size.
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut source)
        .map_err(|error| format!("cannot be read ({error})"))?;
    if u64::try_from(source.len()).unwrap_or(u64::MAX) > FILE_BYTES {
        return Err("is larger than 256 KiB".to_owned());
    }
    String::from_utf8(source).map_err(|_| "is not UTF-8 text".to_owned())
}

/// A whole page around `fragment`, which is its body.
fn page(title: &str, links: &str, fragment: &str, tag: &str) -> Stored {
    let fragment = fragment.trim_end();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"/logo.svg\">\n{links}<script src=\"/reload.js?v={tag}\" defer></script>\n\
         </head>\n<body>{fragment}</body>\n</html>\n"
    );
    let mut headers = headers("text/html; charset=utf-8");
    if let Ok(policy) = HeaderValue::from_str(&policy(fragment)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    Stored::new(&headers, Bytes::from(html))
}

fn plain(kind: &'static str, text: &str) -> Stored {
    Stored::new(&headers(kind), Bytes::copy_from_slice(text.as_bytes()))
}

pub(super) fn headers(kind: &'static str) -> HeaderMap {
    let nothing = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    respond::safe(nothing, kind, "no-cache")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_edited_is_shown_and_what_is_broken_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in [HELLO, SHRUNKEN, LOGO, STYLE] {
            fs::write(folder.path().join(file.name), file.built_in).expect("a file");
        }
        let built_in = Content::default();
        let (first, notes) = built_in.again(Some(folder.path()));
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(first.tag(Which::Hello), built_in.tag(Which::Hello));

        fs::write(folder.path().join(HELLO.name), "<p>new</p>").expect("a file");
        let (second, notes) = first.again(Some(folder.path()));
        assert!(notes.is_empty());
        assert_ne!(second.tag(Which::Hello), first.tag(Which::Hello));
        assert_eq!(second.tag(Which::Shrunken), first.tag(Which::Shrunken));

        for broken in [vec![b'x'; 256 * 1024 + 1], vec![0xff, 0xfe]] {
            fs::write(folder.path().join(HELLO.name), broken).expect("a file");
            let (third, notes) = second.again(Some(folder.path()));
            assert_eq!(notes.len(), 1, "{notes:?}");
            assert!(notes[0].contains("hello.html"), "{notes:?}");
            assert_eq!(third.tag(Which::Hello), second.tag(Which::Hello));
        }
        fs::remove_file(folder.path().join(HELLO.name)).expect("it is there");
        let (fourth, notes) = second.again(Some(folder.path()));
        assert_eq!(notes.len(), 1);
        assert_eq!(fourth.tag(Which::Hello), second.tag(Which::Hello));
    }

    #[test]
    fn a_folder_or_file_that_was_never_there_is_not_complained_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("hello");
        let (content, notes) = Content::read(Some(&missing));
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(content, Content::default());

        fs::write(folder.path().join(HELLO.name), "<p>only this</p>").expect("a file");
        let (_, notes) = Content::read(Some(folder.path()));
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn whatever_a_page_loads_is_in_the_name_of_its_version() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in [HELLO, SHRUNKEN, LOGO, STYLE] {
            fs::write(folder.path().join(file.name), file.built_in).expect("a file");
        }
        let (mut last, _) = Content::read(Some(folder.path()));
        for (file, hello, shrunken) in [
            (LOGO, true, true),
            (STYLE, false, true),
            (HELLO, true, false),
            (SHRUNKEN, false, true),
        ] {
            let edited = format!("{}\n", file.built_in);
            fs::write(folder.path().join(file.name), edited).expect("a file");
            let (next, _) = last.again(Some(folder.path()));
            let is_new = |which| next.tag(which) != last.tag(which);
            let new = (is_new(Which::Hello), is_new(Which::Shrunken));
            assert_eq!(new, (hello, shrunken), "{}", file.name);
            assert_ne!(next, last, "{}", file.name);
            last = next;
        }
    }

    #[test]
    fn the_built_in_pages_say_what_they_should() {
        assert_eq!(
            HELLO.built_in.trim_end(),
            "<h1 style='color:orange'>Hello World!</h1>"
        );
        assert!(SHRUNKEN.built_in.contains("Hello shrunken world!"));
        assert!(SHRUNKEN.built_in.contains("alt=\"logo\""));
        assert!(STYLE.built_in.contains("prefers-reduced-motion"));
    }
}
