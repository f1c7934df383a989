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
    hello: Piece,
    shrunken: Piece,
    logo: Piece,
    style: Piece,
}

/// One file and the answer made of it.
#[derive(Clone, Debug)]
struct Piece {
    source: String,
    stored: Stored,
    /// Names this version.
    tag: String,
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
    make: fn(&str, &str) -> Stored,
}

const HELLO: File = File {
    name: "hello.html",
    built_in: include_str!("../../config/hello/hello.html"),
    make: |fragment, tag| page("Hello World!", "", fragment, tag),
};
const SHRUNKEN: File = File {
    name: "shrunken.html",
    built_in: include_str!("../../config/hello/shrunken.html"),
    make: |fragment, tag| {
        let style = "<link rel=\"stylesheet\" href=\"/shrunken.css\">\n";
        page("Hello shrunken world!", style, fragment, tag)
    },
};
const LOGO: File = File {
    name: "logo.svg",
    built_in: include_str!("../../config/hello/logo.svg"),
    make: |text, _| plain("image/svg+xml", text),
};
const STYLE: File = File {
    name: "shrunken.css",
    built_in: include_str!("../../config/hello/shrunken.css"),
    make: |text, _| plain("text/css; charset=utf-8", text),
};

impl Default for Content {
    /// What is built in.
    fn default() -> Self {
        let built_in = |file: File| Piece::new(file, file.built_in);
        Self {
            hello: built_in(HELLO),
            shrunken: built_in(SHRUNKEN),
            logo: built_in(LOGO),
            style: built_in(STYLE),
        }
    }
}

impl Content {
    /// Reads the files of `folder`, or takes what is built in; with notes for people about what could not
    /// be read, in place of which what is built in is shown.
    pub fn read(folder: Option<&Path>) -> (Self, Vec<String>) {
        Self::default().again(folder)
    }

    /// Reads the files again. One that cannot be read, is too large or is no text leaves its part as it is,
    /// with a note for people that says why.
    pub fn again(&self, folder: Option<&Path>) -> (Self, Vec<String>) {
        let last = self;
        let Some(folder) = folder else {
            return (Self::default(), Vec::new());
        };
        let mut notes = Vec::new();
        let mut piece = |file: File, last: &Piece| match load(&folder.join(file.name)) {
            Ok(source) if source == last.source => last.clone(),
            Ok(source) => Piece::new(file, &source),
            Err(why) => {
                notes.push(format!(
                    "{}: {why}; what was shown before stays",
                    text::line(&folder.join(file.name).display().to_string(), 200)
                ));
                last.clone()
            }
        };
        let content = Self {
            hello: piece(HELLO, &last.hello),
            shrunken: piece(SHRUNKEN, &last.shrunken),
            logo: piece(LOGO, &last.logo),
            style: piece(STYLE, &last.style),
        };
        (content, notes)
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

impl Piece {
    fn new(file: File, source: &str) -> Self {
        let digest = Sha256::digest(source.as_bytes());
        let tag = digest
            .iter()
            .take(6)
            .fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
        Self {
            source: source.to_owned(),
            stored: (file.make)(source, &tag),
            tag,
        }
    }
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
