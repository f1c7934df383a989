//! What is answered when a request cannot be done: what is wrong, and what to do.

use std::net::IpAddr;

use http::request::Parts;
use http::{Response, StatusCode};

use super::App;
use super::body::Body;
use super::{respond, show};

/// When to try again after a 503, in seconds.
const RETRY: u64 = 5;

/// A request that cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) status: StatusCode,
    pub(super) error: String,
    pub(super) hint: String,
}

impl Mistake {
    pub(super) fn new(status: StatusCode, error: &str, hint: &str) -> Self {
        Self {
            status,
            error: error.to_owned(),
            hint: hint.to_owned(),
        }
    }

    pub(super) fn no_check() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no check has this name",
            "GET /api/v1/checks lists them",
        )
    }

    pub(super) fn no_page() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing at this address",
            "the overview is at /",
        )
    }

    pub(super) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large",
            "16 KiB are read here, 64 KiB by the management API, and 64 MiB of a ping",
        )
    }

    pub(super) fn busy(error: &str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error,
            "try again in a moment",
        )
    }

    /// As the API says it.
    pub(super) fn json(&self) -> Response<Body> {
        self.later(respond::json_error(self.status, &self.error, &self.hint))
    }

    /// As a page.
    pub(super) fn page(&self, app: &App, request: &Parts, peer: IpAddr) -> Response<Body> {
        let html = show::error(app, request, peer, self);
        self.later(respond::page(self.status, html))
    }

    /// In the way of the part of the address space that was asked for.
    pub(super) fn answer(&self, app: &App, request: &Parts, peer: IpAddr) -> Response<Body> {
        if request.uri.path().starts_with("/api/") {
            self.json()
        } else if self.status == StatusCode::MISDIRECTED_REQUEST {
            // A page has the name and the state of this daemon on it, which are what is not told.
            respond::text(self.status, format!("{}\n{}\n", self.error, self.hint))
        } else {
            self.page(app, request, peer)
        }
    }

    fn later(&self, response: Response<Body>) -> Response<Body> {
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            respond::retry_after(response, RETRY)
        } else {
            response
        }
    }
}
