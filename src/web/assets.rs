//! The files that pages need: in the binary, compressed once, with an `ETag` each.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};

use super::body::Body;
use super::page::ASSETS;
use super::respond;
use super::stored::Stored;

static STORED: LazyLock<Vec<(&'static str, Stored)>> = LazyLock::new(|| {
    let store = |asset: &super::page::Asset| {
        let mut headers = respond::page_headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
        // The address is the same in every version: ask, and mostly get a 304.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let body = Bytes::from_static(asset.body.as_bytes());
        (asset.path, Stored::new(&headers, body))
    };
    ASSETS.iter().map(store).collect()
});

/// The file at `path`, if there is one.
pub(super) fn asset(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let (_, stored) = STORED.iter().find(|(known, _)| *known == path)?;
    Some(stored.answer(headers))
}
