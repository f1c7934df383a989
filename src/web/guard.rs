//! Who asks, and what is answered to nobody, or not to him.

use std::net::IpAddr;

use http::StatusCode;
use http::request::Parts;
use hyper::body::{Body as _, Incoming};

use super::App;
use super::access::{self, Access, Standing};
use super::mistake::Mistake;
use super::route::{Endpoint, Found, Route};
use super::token::Token;
use crate::config::Rights;

impl App {
    /// Who asks.
    pub(super) fn standing(&self, request: &Parts, peer: IpAddr) -> Standing {
        let opens = |shown: &str| {
            self.token.as_ref().is_some_and(|token| token.is(shown))
                || matches!(self.tokens.borrow().find(shown), Some(token) if token.rights == Rights::Write)
        };
        access::standing(&self.facts.borrow().reached, opens, request, peer)
    }

    /// Whether a token is shown that opens nothing here: of another daemon, or of before.
    pub(super) fn is_fooled(&self, request: &Parts) -> bool {
        let Some(shown) = access::bearer(&request.headers) else {
            return false;
        };
        let is_ours = self.token.as_ref().is_some_and(|token| token.is(shown));
        !is_ours && self.tokens.borrow().find(shown).is_none()
    }

    /// Why a token of the configuration does not do: it only reads.
    fn only_reads(&self, request: &Parts) -> Option<Mistake> {
        let tokens = self.tokens.borrow();
        let name = &tokens.find(access::bearer(&request.headers)?)?.name;
        Some(Mistake::new(
            StatusCode::FORBIDDEN,
            &format!("the token {name} only reads"),
            "show one with rights = \"write\"; `belfry token new NAME` makes one",
        ))
    }

    /// How whoever asks is called in the history of what was done.
    pub(super) fn asker(&self, request: &Parts, peer: IpAddr) -> String {
        let tokens = self.tokens.borrow();
        let token = access::bearer(&request.headers).and_then(|shown| tokens.find(shown));
        let peer = peer.to_canonical();
        match token {
            Some(token) => format!("{} at {peer}", token.name),
            None => format!("operator at {peer}"),
        }
    }
}

/// Whether the host that was asked for is not this one. Programs that only ping, or only ask whether we are
/// there, learn nothing and may come by any name.
pub(super) fn misdirected(
    app: &App,
    found: &Found,
    request: &Parts,
    peer: IpAddr,
) -> Option<Mistake> {
    if matches!(found, Found::Row(route, _) if route.to.is_for_any_name()) {
        return None;
    }
    let is_ours = !access::is_misdirected(&app.facts.borrow().reached, request, peer);
    // Whoever shows the token is no page of somebody else.
    if is_ours || app.standing(request, peer) == Standing::Token {
        return None;
    }
    Some(Mistake::new(
        StatusCode::MISDIRECTED_REQUEST,
        "this name does not belong to the status page",
        "ask for http://localhost, or write the name into the configuration: [page] url = \"https://status.example.org\"",
    ))
}

/// Whether its answers are those of a protocol, and none of ours.
pub(super) fn has_own_answers(route: &Route) -> bool {
    matches!(
        route.to,
        Endpoint::Ping | Endpoint::Dialect(_) | Endpoint::Healthchecks
    )
}

/// Why this request is not answered at all.
pub(super) fn refused(
    app: &App,
    route: &Route,
    request: &Parts,
    peer: IpAddr,
    body: &Incoming,
) -> Option<Mistake> {
    if has_own_answers(route) {
        return None;
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > route.body {
        return Some(Mistake::too_large());
    }
    if route.access == Access::Public {
        return None;
    }
    let error = match app.standing(request, peer) {
        Standing::Token => return None,
        Standing::Here if access::is_same_origin(request) => return None,
        Standing::Here => "this came from no page of ours",
        Standing::Reader => match app.only_reads(request) {
            Some(mistake) => return Some(mistake),
            None => "this is for operators",
        },
    };
    let facts = app.facts.borrow();
    // Where the page is published, being here opens nothing.
    let buttons = if facts.reached.is_published {
        ""
    } else {
        "use the buttons of the page on the machine itself, or "
    };
    let hint = format!(
        "{buttons}send \"Authorization: Bearer TOKEN\" with the text of {} in the data folder",
        Token::FILE
    );
    Some(Mistake::new(StatusCode::FORBIDDEN, error, &hint))
}
