//! Splits a stream of bytes into lines, in bounded memory.

/// One line, counted from 1, without its line feed.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub number: u64,
    /// Its bytes; of a line that is too long, one byte more than the longest may have.
    pub bytes: Vec<u8>,
}

/// Collects chunks and gives the lines that are complete. Empty lines are counted and left out.
#[derive(Debug)]
pub struct Lines {
    longest: usize,
    number: u64,
    open: Vec<u8>,
}

impl Lines {
    /// Splits into lines of at most `longest` bytes; a longer one is cut to one byte more, which tells it.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self { longest, number: 0, open: Vec::new() }
    }

    /// Takes in a chunk and gives the lines that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut complete = Vec::new();
        let mut pieces = chunk.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = (self.longest + 1).saturating_sub(self.open.len());
            self.open.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if pieces.peek().is_some() {
                complete.extend(self.close());
            }
        }
        complete
    }

    /// The last line, when it does not end in a line feed.
    pub fn finish(&mut self) -> Option<Line> {
        self.close()
    }

    fn close(&mut self) -> Option<Line> {
        self.number += 1;
        let bytes = std::mem::take(&mut self.open);
        let is_blank = bytes.iter().all(u8::is_ascii_whitespace);
        (!is_blank).then_some(Line { number: self.number, bytes })
    }
}
