//! Where the reading of one file stands, and the lines in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use nix::unistd::{Whence, lseek};
use tokio::time::Instant;

use super::Rules;

/// Longest line that is looked at; what comes after it, up to its end, is passed over.
pub(super) const LINE: usize = 64 << 10;
/// How much is read at once.
const PIECE: usize = 64 << 10;
/// How many bytes before the place are remembered: whether they are still the same tells a file that was truncated
/// and has grown beyond the place since.
const MARK: usize = 64;

/// One file. It is held open, so that it can be read to its end when it is renamed or removed.
pub(super) struct Place {
    file: File,
    /// Device and number.
    pub(super) inode: (u64, u64),
    /// The next byte.
    offset: u64,
    /// The bytes before it.
    mark: Vec<u8>,
    /// A line of which the end has not been read.
    begun: Vec<u8>,
    /// Whether what comes up to the end of the line was too long to be looked at.
    skipping: bool,
}

/// Lines that count.
pub(super) struct Scan<'a> {
    rules: &'a Rules,
    budget: u64,
    until: Instant,
    pub(super) count: u64,
    pub(super) newest: Option<Vec<u8>>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(rules: &'a Rules, budget: u64, until: Instant) -> Self {
        Self {
            rules,
            budget,
            until,
            count: 0,
            newest: None,
        }
    }

    fn line(&mut self, line: &[u8]) {
        // Truncated under a writer that does not append, a file begins with a hole, which reads as NULs.
        let start = line
            .iter()
            .position(|byte| *byte != 0)
            .unwrap_or(line.len());
        let line = &line[start..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !line.is_empty() && self.rules.count(line) {
            self.count += 1;
            self.newest = Some(line.to_vec());
        }
    }
}

impl Place {
    /// At the start of a file.
    pub(super) fn start(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            inode: (metadata.dev(), metadata.ino()),
            file,
            offset: 0,
            mark: Vec::new(),
            begun: Vec::new(),
            skipping: false,
        })
    }

    /// At its end: what is there already is not ours to count.
    pub(super) fn end(mut self) -> io::Result<Self> {
        self.offset = self.file.metadata()?.len();
        self.remember()?;
        Ok(self)
    }

    /// Reads on, as far as the scan may. Returns how many bytes are left.
    pub(super) fn read(&mut self, scan: &mut Scan<'_>) -> io::Result<u64> {
        if self.truncated()? {
            self.finish(scan);
            self.offset = 0;
        }
        let mut piece = vec![0; PIECE];
        while scan.budget > 0 && Instant::now() < scan.until {
            let most = usize::try_from(scan.budget).unwrap_or(PIECE).min(PIECE);
            let count = match self.file.read_at(&mut piece[..most], self.offset) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            scan.budget -= count as u64;
            self.offset += count as u64;
            if piece[..count].iter().all(|byte| *byte == 0) {
                self.pass_hole()?;
            } else {
                self.take(&piece[..count], scan);
            }
        }
        self.remember()?;
        Ok(self.file.metadata()?.len().saturating_sub(self.offset))
    }

    /// Takes what is begun as a line: nothing follows any more.
    pub(super) fn finish(&mut self, scan: &mut Scan<'_>) {
        scan.line(&std::mem::take(&mut self.begun));
        self.skipping = false;
    }

    fn take(&mut self, piece: &[u8], scan: &mut Scan<'_>) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            if !self.skipping {
                let room = LINE - self.begun.len();
                self.begun.extend_from_slice(&text[..text.len().min(room)]);
                if ends || self.begun.len() >= LINE {
                    scan.line(&self.begun);
                    self.begun.clear();
                    self.skipping = true;
                }
            }
            if ends {
                self.skipping = false;
            }
        }
    }

    /// Goes to where data begins again, see lseek(2): a hole may be a million times what one look reads.
    fn pass_hole(&mut self) -> io::Result<()> {
        let from = i64::try_from(self.offset).unwrap_or(i64::MAX);
        match lseek(&self.file, from, Whence::SeekData) {
            Ok(data) => self.offset = self.offset.max(u64::try_from(data).unwrap_or_default()),
            // There is none.
            Err(nix::errno::Errno::ENXIO) => {
                self.offset = self.offset.max(self.file.metadata()?.len());
            }
            // A file system that knows no holes is read through.
            Err(_) => {}
        }
        Ok(())
    }

    fn truncated(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.offset {
            return Ok(true);
        }
        Ok(self.before()? != self.mark)
    }

    fn remember(&mut self) -> io::Result<()> {
        self.mark = self.before()?;
        Ok(())
    }

    /// The bytes before the place.
    fn before(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.offset).unwrap_or(MARK).min(MARK);
        let mut bytes = vec![0; length];
        let read = self.file.read_at(&mut bytes, self.offset - length as u64)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}
