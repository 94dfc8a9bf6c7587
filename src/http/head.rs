//! What stands before the body of a request.

use std::ops::Range;

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    text: String,
    headers: Vec<HeaderLine>,
}

/// Where a header stands in the text: its name up to the colon, its value behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeaderLine {
    start: usize,
    colon: usize,
    end: usize,
}

impl Head {
    /// Of a method, a blank, a URL as browsers write it, and a line for each header: its name, a colon, its value.
    #[must_use]
    pub fn of(text: String) -> Self {
        let mut headers = Vec::new();
        let mut start = 0;
        for line in text.split('\n') {
            let end = start + line.len();
            if start > 0
                && let Some(colon) = line.find(':')
            {
                headers.push(HeaderLine { start, colon: start + colon, end });
            }
            start = end + 1;
        }
        Self { text, headers }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.request_line().0
    }

    /// The path of the URL, as it is spelt.
    #[must_use]
    pub fn path(&self) -> &str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The URL after the question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target().split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of a header, if it is there.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Bytes of the header block, as HTTP/1.1 writes it.
    #[must_use]
    pub fn header_bytes(&self) -> usize {
        self.headers().map(|(name, value)| name.len() + ": ".len() + value.len() + "\r\n".len()).sum()
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let part = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        self.headers.iter().map(move |line| (part(line.start..line.colon), part(line.colon + 1..line.end)))
    }

    fn request_line(&self) -> (&str, &str) {
        let line = self.text.split_once('\n').map_or(self.text.as_str(), |(line, _)| line);
        line.split_once(' ').unwrap_or_default()
    }

    /// The URL from its path on, without a fragment.
    fn target(&self) -> &str {
        let (_, url) = self.request_line();
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        behind_scheme.find('/').and_then(|path| behind_scheme.get(path..)).unwrap_or("/")
    }
}
