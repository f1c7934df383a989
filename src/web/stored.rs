//! An answer that is kept: its bytes plain and compressed, its headers made, its `ETag` known.

use std::fmt::Write as _;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};

use super::body::Body;

/// Level of compression: beyond it a page takes twice the time to become a tenth smaller.
const LEVEL: u32 = 4;
/// Below this, in bytes, it all fits into one packet anyway.
const WORTH: usize = 1_000;

/// One form of it.
#[derive(Clone, Debug)]
struct Form {
    headers: HeaderMap,
    body: Bytes,
    tag: String,
}

/// A kept answer.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    plain: Form,
    gzip: Option<Form>,
}

impl Stored {
    /// Keeps `body` with `headers`. Compresses, which takes some milliseconds for a large page.
    pub(crate) fn new(headers: &HeaderMap, body: Bytes) -> Self {
        let mut tag = String::with_capacity(34);
        for byte in Sha256::digest(&body).iter().take(12) {
            // Writing to a String cannot fail.
            write!(tag, "{byte:02x}").expect("writes to memory");
        }
        let gzip = (body.len() >= WORTH).then(|| compress(&body)).flatten();
        let gzip = gzip.filter(|small| small.len() < body.len());
        let mut headers = headers.clone();
        // What there is in one form only is the same for everybody.
        if gzip.is_some() && !headers.contains_key(VARY) {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        let gzip = gzip.map(|small| {
            let mut headers = headers.clone();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Form::new(headers, small, format!("\"{tag}-gz\""))
        });
        Self {
            plain: Form::new(headers, body, format!("\"{tag}\"")),
            gzip,
        }
    }

    /// It, or the word that the reader has it already.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response<Body> {
        let form = match &self.gzip {
            Some(gzip) if takes_gzip(request) => gzip,
            Some(_) | None => &self.plain,
        };
        let mut response = Response::new(Body::EMPTY);
        *response.headers_mut() = form.headers.clone();
        if is_known(request, &form.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(CONTENT_TYPE);
        } else {
            *response.body_mut() = Body::Whole(form.body.clone());
        }
        response
    }
}

impl Form {
    fn new(mut headers: HeaderMap, body: Bytes, tag: String) -> Self {
        if let Ok(value) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, value);
        }
        Self { headers, body, tag }
    }
}

/// `bytes` with gzip; none where it fails, which memory does not.
fn compress(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::new(LEVEL));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Whether the reader takes gzip: named, and not with a weight of zero.
fn takes_gzip(request: &HeaderMap) -> bool {
    let lines = request.get_all(ACCEPT_ENCODING).iter();
    let mut codings = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().is_ok_and(|q| q > 0.0)
    })
}

/// Whether the reader has what `tag` names.
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let lines = request.get_all(IF_NONE_MATCH).iter();
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (line, takes) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("GZip ; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("identity", false),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(&asked(ACCEPT_ENCODING, line)), takes, "{line}");
        }
    }

    #[test]
    fn each_form_has_a_tag_of_its_own_and_is_not_sent_twice() {
        let stored = Stored::new(&HeaderMap::new(), Bytes::from(vec![b'x'; 5_000]));
        let plain = stored.answer(&HeaderMap::new());
        let small = stored.answer(&asked(ACCEPT_ENCODING, "gzip"));
        assert_eq!(plain.body().length(), Some(5_000));
        assert!(small.body().length() < Some(500));
        assert_ne!(plain.headers()[ETAG], small.headers()[ETAG]);
        let mut again = HeaderMap::new();
        again.insert(IF_NONE_MATCH, plain.headers()[ETAG].clone());
        let known = stored.answer(&again);
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(known.body().length(), Some(0));
        // The tag of the plain form says nothing of the compressed one.
        again.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(stored.answer(&again).status(), StatusCode::OK);
    }

    #[test]
    fn any_tag_of_a_list_counts() {
        for (line, known) in [
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            assert_eq!(
                is_known(&asked(IF_NONE_MATCH, line), "\"a\""),
                known,
                "{line}"
            );
        }
    }
}
