//! A connection as lines and mails, everything bounded and timed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::content::Content;
use super::limits::{LINE_BYTES, Limits, WASTE_BYTES};

/// What is read at once.
const PIECE: usize = 4 << 10;

/// A line of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its CR LF.
    Whole(Vec<u8>),
    TooLong,
    /// It ends in LF alone.
    Loose,
}

/// Why there is nothing more to read or write.
#[derive(Debug)]
pub(super) enum Over {
    Gone,
    TooSlow,
    /// A mail without an end.
    TooMuch,
    Broken(io::Error),
}

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// Came, and is not used yet.
    ahead: Vec<u8>,
    limits: Limits,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, limits: Limits) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            limits,
        }
    }

    /// The next line of a command. Safe to be dropped: what came stays.
    pub(super) async fn line(&mut self) -> Result<Line, Over> {
        timeout(self.limits.command, self.next_line())
            .await
            .unwrap_or(Err(Over::TooSlow))
    }

    async fn next_line(&mut self) -> Result<Line, Over> {
        let mut is_long = false;
        loop {
            let end = self.ahead.iter().position(|&byte| byte == b'\n');
            if let Some(end) = end {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(if is_long || line.len() > LINE_BYTES {
                    Line::TooLong
                } else if line.ends_with(b"\r\n") {
                    Line::Whole(line)
                } else {
                    Line::Loose
                });
            }
            if self.ahead.len() > LINE_BYTES {
                is_long = true;
                self.ahead.clear();
            }
            self.more().await?;
        }
    }

    /// A mail up to its end.
    pub(super) async fn content(&mut self) -> Result<Content, Over> {
        let mut content = Content::new();
        loop {
            if let Some(end) = content.take(&self.ahead) {
                self.ahead.drain(..end);
                return Ok(content);
            }
            self.ahead.clear();
            if content.bytes() > WASTE_BYTES {
                return Err(Over::TooMuch);
            }
            let block: Duration = self.limits.block;
            timeout(block, self.more())
                .await
                .unwrap_or(Err(Over::TooSlow))?;
        }
    }

    async fn more(&mut self) -> Result<(), Over> {
        let mut piece = [0; PIECE];
        let len = self.stream.read(&mut piece).await.map_err(Over::Broken)?;
        if len == 0 {
            return Err(Over::Gone);
        }
        self.ahead
            .extend_from_slice(piece.get(..len).unwrap_or_default());
        Ok(())
    }

    /// Says lines, without their ends.
    pub(super) async fn say(&mut self, text: &str) -> Result<(), Over> {
        let line = format!("{text}\r\n");
        let said = timeout(self.limits.reply, self.stream.write_all(line.as_bytes())).await;
        said.map_or(Err(Over::TooSlow), |said| said.map_err(Over::Broken))
    }
}
