//! Brotli (RFC 7932) step by step, so that little comes out at a time however much a few bytes hold.

use std::io::{self, ErrorKind, Write};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::super::body::Sink;

/// How much is handed on at a time.
const HANDED: usize = 16 << 10;

/// Unpacks into a sink.
pub(in crate::probe::http) struct Brotli {
    sink: Sink,
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    out: Vec<u8>,
    /// Whether more comes out without more going in.
    has_more: bool,
    is_over: bool,
}

impl Brotli {
    /// Without large windows, which are for files: the usual ones have 16 MiB at most (section 9.1).
    pub(super) fn new(sink: Sink) -> Self {
        let alloc = StandardAlloc::default;
        Self {
            sink,
            state: BrotliState::new_strict(alloc(), alloc(), alloc()),
            out: vec![0; HANDED],
            has_more: false,
            is_over: false,
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut Sink {
        &mut self.sink
    }

    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Hands on at most [`HANDED`] bytes of what is in `data`, and says how much of it was read.
    pub(super) fn step(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.is_over {
            // Something behind the end.
            return Err(ErrorKind::InvalidData.into());
        }
        let (mut left, mut read) = (data.len(), 0);
        let (mut room, mut written, mut total) = (self.out.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            data,
            &mut room,
            &mut written,
            &mut self.out,
            &mut total,
            &mut self.state,
        );
        let out = self.out.get(..written).unwrap_or_default();
        self.sink.write_all(out)?;
        self.has_more = false;
        match result {
            BrotliResult::ResultSuccess => self.is_over = true,
            BrotliResult::NeedsMoreInput => {}
            BrotliResult::NeedsMoreOutput => self.has_more = true,
            BrotliResult::ResultFailure => return Err(ErrorKind::InvalidData.into()),
        }
        Ok(read)
    }

    /// There must be nothing more to come.
    pub(super) fn finish(&self) -> io::Result<()> {
        if self.sink.is_full() {
            Err(ErrorKind::FileTooLarge.into())
        } else if self.is_over {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }
}
