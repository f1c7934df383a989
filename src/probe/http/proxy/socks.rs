//! SOCKS5 (RFC 1928): asks a proxy for a way through, by name, so that the proxy resolves it.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Refusal, Stream};
use crate::probe::address::{Address, Host};
use crate::settings::Secret;

const VERSION: u8 = 5;
/// Methods: nothing, user and password (RFC 1929).
const OPEN: u8 = 0;
const PASSWORD: u8 = 2;

pub(super) async fn ask(
    stream: &mut Stream,
    to: &Address,
    login: Option<&(Secret, Secret)>,
) -> Result<(), Refusal> {
    let method = if login.is_some() { PASSWORD } else { OPEN };
    stream.write_all(&[VERSION, 1, method]).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match answer {
        [VERSION, chosen] if chosen == method => {}
        [VERSION, _] if login.is_none() => return said("wants a user and password"),
        [VERSION, _] => return said("takes no user and password"),
        _ => return said("does not speak SOCKS5"),
    }
    if let Some((user, password)) = login {
        let mut request = vec![1];
        for part in [user.expose(), password.expose()] {
            request.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
            request.extend_from_slice(part.as_bytes());
        }
        stream.write_all(&request).await?;
        stream.read_exact(&mut answer).await?;
        if answer[1] != 0 {
            return said("refuses user and password");
        }
    }
    let mut request = vec![VERSION, 1, 0];
    match &to.host {
        Host::Ip(IpAddr::V4(v4)) => {
            request.push(1);
            request.extend_from_slice(&v4.octets());
        }
        Host::Ip(IpAddr::V6(v6)) => {
            request.push(4);
            request.extend_from_slice(&v6.octets());
        }
        Host::Name(name) => {
            request.push(3);
            request.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            request.extend_from_slice(name.as_bytes());
        }
    }
    request.extend_from_slice(&to.port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    let [version, code, _, kind] = answer;
    if version != VERSION {
        return said("does not speak SOCKS5");
    }
    if code != 0 {
        return said(&format!("has no way to {}: {}", to.text, reason(code)));
    }
    // Where it has connected from, which says nothing to us.
    let rest = match kind {
        1 => 4,
        3 => usize::from(stream.read_u8().await?),
        4 => 16,
        _ => return said("does not speak SOCKS5"),
    };
    let mut bound = [0; 255 + 2];
    if let Some(bound) = bound.get_mut(..rest + 2) {
        stream.read_exact(bound).await?;
    }
    Ok(())
}

fn said<T>(why: &str) -> Result<T, Refusal> {
    Err(Refusal::Said(why.to_owned()))
}

/// RFC 1928, section 6.
fn reason(code: u8) -> &'static str {
    match code {
        2 => "not allowed",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 | 8 => "not supported",
        _ => "failure",
    }
}
