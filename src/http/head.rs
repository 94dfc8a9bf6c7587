//! What stands before the body of a request.

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    text: String,
}

impl Head {
    /// Of a method, a blank, a URL as browsers write it, and a line for each header: its name, a colon, its value.
    #[must_use]
    pub fn of(text: String) -> Self {
        Self { text }
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
        self.text.split('\n').skip(1).filter_map(|line| line.split_once(':'))
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
