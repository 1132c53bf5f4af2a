//! A request's head, line by line as it is on the wire.

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum HeadFault {
    /// More than one length, or a length and a transfer encoding, or one that is malformed.
    Framing = 1,
    /// Line ends, folded lines, or bytes that RFC 9112 forbids.
    Syntax = 2,
    /// The target has a fragment.
    Fragment = 3,
    /// Not exactly one `host`.
    Host = 4,
    /// The head is longer than allowed, or has more headers.
    TooLong = 5,
    /// A header of one connection, which HTTP/2 has no place for.
    Hop = 6,
    /// `:scheme`, `:path` or `:method` of HTTP/2 are not those of a request.
    Pseudo = 7,
}

impl HeadFault {
    /// A line for the caller.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Framing => "the length of the body is stated twice, or not as it must be",
            Self::Syntax => "the request's line or a header is not as RFC 9112 has it",
            Self::Fragment => "the target has a fragment",
            Self::Host => "there must be exactly one host",
            Self::TooLong => "the request's headers are too long",
            Self::Hop => "a header of one connection has no place in HTTP/2",
            Self::Pseudo => "the request's pseudo-headers are not as RFC 9113 has them",
        }
    }
}

/// How a request says where its body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes; none when nothing is said.
    Length(u64),
    /// Where its last chunk says so.
    Chunked,
}

/// What was seen of a head so far.
#[derive(Debug)]
pub struct RawHead {
    lines: usize,
    max_headers: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    http_1_0: bool,
}

/// The bytes of a token (RFC 9110, 5.6.2), looked up rather than worked out for each.
const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut rest: &mut [bool] = &mut token;
    let mut byte = 0_u8;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        rest = others;
        byte = byte.wrapping_add(1);
    }
    token
};

impl RawHead {
    /// A head of which nothing was seen yet, and which may have that many headers.
    pub fn new(max_headers: usize) -> Self {
        Self {
            lines: 0,
            max_headers,
            hosts: 0,
            length: None,
            chunked: false,
            http_1_0: false,
        }
    }

    /// Takes one line, without its line feed. The framing when it was the last.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Framing>, HeadFault> {
        let line = line.strip_suffix(b"\r").ok_or(HeadFault::Syntax)?;
        // All of it, without a way out: many bytes are looked at at once.
        let control = |found, byte: &u8| found | matches!(byte, 0..=8 | 10..=31 | 127);
        if line.iter().fold(false, control) {
            return Err(HeadFault::Syntax);
        }
        if line.is_empty() && self.lines > 0 {
            return self.end().map(Some);
        }
        self.lines += 1;
        // The first line is no header.
        if self.lines > self.max_headers.saturating_add(1) {
            return Err(HeadFault::TooLong);
        }
        if self.lines == 1 {
            self.request_line(line)
        } else {
            self.header(line)
        }?;
        Ok(None)
    }

    fn request_line(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(HeadFault::Syntax);
        };
        if method.is_empty() || target.is_empty() || !line.is_ascii() {
            return Err(HeadFault::Syntax);
        }
        if target.contains(&b'#') {
            return Err(HeadFault::Fragment);
        }
        match version {
            b"HTTP/1.1" => {}
            b"HTTP/1.0" => self.http_1_0 = true,
            _ => return Err(HeadFault::Syntax),
        }
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .ok_or(HeadFault::Syntax)?;
        let (name, value) = line.split_at_checked(colon).ok_or(HeadFault::Syntax)?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        // A line that begins with white space continues the one before it: nobody sends such.
        let is_token = |byte: &u8| TOKEN.get(usize::from(*byte)).is_some_and(|is| *is);
        if name.is_empty() || !name.iter().all(is_token) {
            return Err(HeadFault::Syntax);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.iter().all(u8::is_ascii_digit) && (1..=18).contains(&value.len());
            let length = str::from_utf8(value)
                .ok()
                .and_then(|text| text.parse().ok());
            if self.length.is_some() || self.chunked || !digits {
                return Err(HeadFault::Framing);
            }
            self.length = Some(length.ok_or(HeadFault::Framing)?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.length.is_some() || self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(HeadFault::Framing);
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
        }
        Ok(())
    }

    fn end(&self) -> Result<Framing, HeadFault> {
        if self.hosts > 1 || (self.hosts == 0 && !self.http_1_0) {
            return Err(HeadFault::Host);
        }
        match (self.chunked, self.length) {
            (true, _) if self.http_1_0 => Err(HeadFault::Framing),
            (true, _) => Ok(Framing::Chunked),
            (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}
