//! What stands above every page: one line per fact, set and cleared by whoever knows it, so that no news
//! wipes out what is still true.

use std::sync::Arc;

/// What there may be to say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact {
    /// The journal was moved aside since the start.
    Journal,
    /// Something changed that only a restart takes into force.
    Restart,
    /// The configuration is refused.
    Configuration,
    /// A hello page cannot be read.
    Hello,
}

/// The lines, in the order of [`Fact`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Notices([Option<Arc<str>>; 4]);

impl Notices {
    /// Sets what is to be said of `fact`; none when there is nothing any more.
    pub(super) fn set(&mut self, fact: Fact, text: Option<&str>) {
        let place = match fact {
            Fact::Journal => 0,
            Fact::Restart => 1,
            Fact::Configuration => 2,
            Fact::Hello => 3,
        };
        self.0[place] = text.map(Arc::from);
    }

    /// All of them in one text.
    pub(super) fn text(&self) -> Option<Arc<str>> {
        let lines: Vec<&str> = self.0.iter().flatten().map(AsRef::as_ref).collect();
        (!lines.is_empty()).then(|| lines.join(" \u{b7} ").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_stays_until_it_is_cleared_whatever_is_said_of_others() {
        let mut notices = Notices::default();
        assert_eq!(notices.text(), None);
        notices.set(Fact::Hello, Some("hello.html: not UTF-8"));
        notices.set(Fact::Restart, Some("[listen] changed"));
        notices.set(Fact::Configuration, Some("refused"));
        notices.set(Fact::Configuration, None);
        let text = notices.text();
        assert_eq!(
            text.as_deref(),
            Some("[listen] changed \u{b7} hello.html: not UTF-8")
        );
        notices.set(Fact::Hello, None);
        assert_eq!(notices.text().as_deref(), Some("[listen] changed"));
    }
}
