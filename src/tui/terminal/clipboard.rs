//! Copying to the clipboard of the person in front of the terminal: OSC 52, which works through SSH. Multiplexers get it
//! wrapped so that they pass it on. Never reads a clipboard.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest text that is copied, in bytes of base64: what the strictest common terminal takes.
pub const LIMIT: usize = 74_994;

/// The text is longer than terminals take.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are too long to copy through the terminal, which takes {} at most", LIMIT / 4 * 3)]
pub struct TooLong {
    /// The length of the text in bytes.
    pub bytes: usize,
}

/// What stands between us and the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Nothing.
    Direct,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

impl Path {
    /// Looks at what the multiplexers leave in the environment.
    pub fn from_env() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if set("TMUX") {
            Self::Tmux
        } else if set("STY") {
            Self::Screen
        } else {
            Self::Direct
        }
    }
}

/// GNU screen takes control strings of at most this length.
const SCREEN_PIECE: usize = 200;

/// The bytes that copy `text`.
pub fn sequence(text: &str, path: Path) -> Result<Vec<u8>, TooLong> {
    let encoded = STANDARD.encode(text);
    if encoded.len() > LIMIT {
        return Err(TooLong { bytes: text.len() });
    }
    let plain = format!("\x1b]52;c;{encoded}\x07");
    let bytes = match path {
        Path::Direct => plain,
        // tmux takes the plain form with `set-clipboard on` and passes the wrapped one on with `allow-passthrough on`;
        // which of them is set cannot be seen from here, and copying twice is copying once.
        Path::Tmux => format!("{plain}\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")),
        Path::Screen => {
            let pieces = plain.as_bytes().chunks(SCREEN_PIECE);
            return Ok(pieces.flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat()).collect());
        }
    };
    Ok(bytes.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(path: Path, text: &str) -> String {
        String::from_utf8(sequence(text, path).unwrap()).unwrap()
    }

    #[test]
    fn what_is_copied_is_wrapped_for_what_is_in_between() {
        assert_eq!(text_of(Path::Direct, "xcp1"), "\x1b]52;c;eGNwMQ==\x07");
        assert_eq!(text_of(Path::Tmux, "xcp1"), "\x1b]52;c;eGNwMQ==\x07\x1bPtmux;\x1b\x1b]52;c;eGNwMQ==\x07\x1b\\");
        assert_eq!(text_of(Path::Screen, "xcp1"), "\x1bP\x1b]52;c;eGNwMQ==\x07\x1b\\");
    }

    #[test]
    fn nothing_in_the_text_can_end_the_sequence() {
        let nasty = "\x07\x1b\\\x1b]0;owned\x07";
        let sent = text_of(Path::Direct, nasty);
        assert_eq!(sent.matches('\x1b').count(), 1);
        assert_eq!(sent.matches('\x07').count(), 1);
        let long = "é".repeat(1000);
        let pieces = text_of(Path::Screen, &long);
        let joined = pieces.replace("\x1bP", "").replace("\x1b\\", "");
        assert_eq!(joined, text_of(Path::Direct, &long));
        assert!(pieces.split("\x1bP").all(|piece| piece.len() <= SCREEN_PIECE + 2));
    }

    #[test]
    fn what_is_too_long_is_refused_with_its_length() {
        assert!(sequence(&"x".repeat(56_000), Path::Direct).is_ok());
        let error = sequence(&"x".repeat(60_000), Path::Direct).unwrap_err();
        assert_eq!(error, TooLong { bytes: 60_000 });
        assert!(error.to_string().contains("60000 bytes"), "{error}");
    }
}
