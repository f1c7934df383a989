//! Which pings count, and as what: by their method, and by words in what they carry. After `methods`,
//! `filter_…` and `…_kw` of healthchecks.io.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Signal;

/// What a heartbeat makes of its pings before they count.
///
/// Words are parted by commas; spaces around them do not matter, capitals do. The first list that has a word in
/// the text decides: failure, success, start; with none of them a ping is ignored, or a failure by
/// `default_fail`. That replaces what the address says, a log but not an exit code included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, as it is written and shown"
)]
pub struct Filter {
    /// Only POST counts; a browser or a scanner that follows the address does no harm.
    pub only_post: bool,
    /// Words are sought in the subject of pings by e-mail.
    pub subject: bool,
    /// Words are sought in the text of pings by e-mail.
    pub body: bool,
    /// Words are sought in the body of pings by HTTP.
    pub http_body: bool,
    /// A ping with none of the words is a failure.
    pub default_fail: bool,
    pub start: Arc<str>,
    pub success: Arc<str>,
    pub failure: Arc<str>,
}

impl Filter {
    /// What a ping by HTTP means that the address calls `signal`.
    pub(super) fn of_http(&self, signal: Signal, method: &str, body: &[u8]) -> Signal {
        if self.only_post && method != "POST" {
            return Signal::Ignored;
        }
        if !self.http_body {
            return signal;
        }
        let text = String::from_utf8_lossy(body);
        self.by_words(signal, |word| text.contains(word))
    }

    /// What a ping by e-mail means: success, where no words are sought in it.
    pub fn of_mail(&self, subject: &str, text: &str) -> Signal {
        if !self.subject && !self.body {
            return Signal::Success;
        }
        let sought = [(self.subject, subject), (self.body, text)];
        self.by_words(Signal::Success, |word| {
            sought.iter().any(|(on, place)| *on && place.contains(word))
        })
    }

    fn by_words(&self, signal: Signal, is_there: impl Fn(&str) -> bool) -> Signal {
        let has = |words: &Arc<str>| words_of(words).any(&is_there);
        if has(&self.failure) {
            failed(signal)
        } else if has(&self.success) {
            Signal::Success
        } else if has(&self.start) {
            Signal::Start
        } else if self.default_fail {
            failed(signal)
        } else {
            Signal::Ignored
        }
    }
}

/// In words, for pages.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = [
            (self.http_body, "bodies"),
            (self.subject, "subjects of mails"),
            (self.body, "texts of mails"),
        ];
        let places = places.iter().filter(|(on, _)| *on);
        let places: Vec<&str> = places.map(|(_, place)| *place).collect();
        let mut parts = Vec::new();
        if self.only_post {
            parts.push("only POST".to_owned());
        }
        if !places.is_empty() {
            let lists = [
                (&self.failure, "failure"),
                (&self.success, "success"),
                (&self.start, "start"),
            ];
            let lists = lists.iter().filter(|(words, _)| !words.is_empty());
            let lists = lists.map(|(words, meaning)| format!("{words}: {meaning}"));
            let rest = if self.default_fail {
                "else: failure"
            } else {
                "else: ignored"
            };
            let all: Vec<String> = lists.chain([rest.to_owned()]).collect();
            let places = places.join(" and ");
            parts.push(format!("by words in {places} ({})", all.join("; ")));
        }
        if parts.is_empty() {
            parts.push("every ping".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

/// A failure, with the exit code where there is one.
fn failed(signal: Signal) -> Signal {
    match signal {
        Signal::Exit(1..) => signal,
        Signal::Exit(0)
        | Signal::Success
        | Signal::Start
        | Signal::Fail
        | Signal::Log
        | Signal::Ignored => Signal::Fail,
    }
}

fn words_of(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Filter {
        Filter {
            http_body: true,
            start: "began".into(),
            success: "done, OK".into(),
            failure: "ERROR,".into(),
            ..Filter::default()
        }
    }

    #[test]
    fn the_first_list_with_a_word_in_the_body_decides_whatever_the_address_says() {
        for (body, meaning) in [
            ("it is done", Signal::Success),
            ("OK", Signal::Success),
            ("done with ERRORs", Signal::Fail),
            ("began, not done", Signal::Success),
            ("began", Signal::Start),
            ("error", Signal::Ignored),
            ("", Signal::Ignored),
        ] {
            for signal in [Signal::Success, Signal::Start, Signal::Fail, Signal::Log] {
                let found = words().of_http(signal, "POST", body.as_bytes());
                assert_eq!(found, meaning, "{body}, {signal:?}");
            }
        }
        let strict = Filter {
            default_fail: true,
            ..words()
        };
        let nothing = strict.of_http(Signal::Success, "GET", b"");
        assert_eq!(nothing, Signal::Fail);
        let code = strict.of_http(Signal::Exit(3), "POST", b"ERROR \xff");
        assert_eq!(code, Signal::Exit(3), "the exit code is kept");
    }

    #[test]
    fn words_are_sought_where_a_mail_is_to_be_looked_at_and_nowhere_else() {
        let filter = |subject, body, default_fail| Filter {
            subject,
            body,
            default_fail,
            only_post: true,
            ..words()
        };
        for (found, meaning) in [
            (
                filter(true, false, false).of_mail("done", "ERROR,"),
                Signal::Success,
            ),
            (
                filter(false, true, false).of_mail("done", "ERROR"),
                Signal::Fail,
            ),
            (
                filter(true, true, false).of_mail("done", "ERROR"),
                Signal::Fail,
            ),
            (
                filter(true, true, false).of_mail("began", "so"),
                Signal::Start,
            ),
            (filter(true, true, false).of_mail("x", "y"), Signal::Ignored),
            (filter(true, false, true).of_mail("x", "done"), Signal::Fail),
            (
                filter(false, false, true).of_mail("ERROR", "ERROR"),
                Signal::Success,
            ),
        ] {
            assert_eq!(found, meaning);
        }
    }

    #[test]
    fn where_only_post_counts_no_word_makes_another_method_count() {
        let filter = Filter {
            only_post: true,
            default_fail: true,
            ..words()
        };
        for method in ["GET", "HEAD", "PUT"] {
            let found = filter.of_http(Signal::Fail, method, b"done");
            assert_eq!(found, Signal::Ignored, "{method}");
        }
        assert_eq!(
            filter.of_http(Signal::Log, "POST", b"done"),
            Signal::Success
        );
    }

    #[test]
    fn a_page_says_what_counts() {
        assert_eq!(
            words().to_string(),
            "by words in bodies (ERROR,: failure; done, OK: success; began: start; else: ignored)"
        );
        let only_post = Filter {
            only_post: true,
            ..Filter::default()
        };
        assert_eq!(only_post.to_string(), "only POST");
        assert_eq!(Filter::default().to_string(), "every ping");
    }

    #[test]
    fn words_that_are_not_sought_in_bodies_decide_nothing() {
        let filter = Filter {
            http_body: false,
            subject: true,
            body: true,
            default_fail: true,
            ..words()
        };
        let found = filter.of_http(Signal::Start, "POST", b"ERROR");
        assert_eq!(found, Signal::Start);
    }
}
