//! Servers that do to each connection what a test wants.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Listens until dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1, and does `talk` to each connection.
    pub(crate) async fn start<F, T>(talk: F) -> Self
    where
        F: Fn(TcpStream) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut under_way = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                under_way.spawn(talk(stream));
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }

    /// Answers HTTP with what `page` makes of the request.
    pub(crate) async fn http<F, T>(page: F) -> Self
    where
        F: Fn(Request<Incoming>) -> T + Clone + Send + Sync + 'static,
        T: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        Self::start(move |stream| serve(stream, page.clone())).await
    }

    /// Reads the head of a request, then writes `answer` and closes.
    pub(crate) async fn raw(answer: &'static [u8]) -> Self {
        Self::start(move |mut stream| async move {
            read_head(&mut stream).await;
            write(&mut stream, answer).await;
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// Serves one connection with hyper.
pub(crate) async fn serve<S, F, T>(stream: S, page: F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(Request<Incoming>) -> T,
    T: Future<Output = Response<Full<Bytes>>>,
{
    let service = service_fn(|request| {
        let answer = page(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that goes away half-way is what some tests are about.
    drop(served);
}

/// Reads until the empty line that ends the head of a request.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    head
}

/// Writes; says whether it was taken.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> bool {
    use tokio::io::AsyncWriteExt;
    stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok()
}

/// An answer with this status and body.
pub(crate) fn page(status: u16, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .body(Full::new(body.into()));
    response.expect("the test names a valid status")
}

/// A redirect.
pub(crate) fn redirect(status: u16, location: &str) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("location", location);
    response
        .body(Full::default())
        .expect("the test names a valid location")
}
