//! Bytes into lines, of which only so much is kept.

use super::super::log::LINE;
use std::io::{self, BufRead};

/// What came of reading lines.
#[derive(Debug, Default)]
pub struct Read {
    /// How many there were.
    pub lines: u64,
    /// How many were longer than what is kept of one.
    pub long: u64,
    /// Why it ended before the end.
    pub broken: Option<io::Error>,
}

/// Hands over every line with its number from 1, without its line break and without the NULs around it (the hypervisor's ring
/// has them), at most [`LINE`] bytes of it. The end of an over-long line is passed over.
pub fn each(from: &mut dyn BufRead, mut take: impl FnMut(u64, &[u8])) -> Read {
    let mut read = Read::default();
    let mut line: Vec<u8> = Vec::with_capacity(512);
    let (mut begun, mut cut) = (false, false);
    loop {
        let here = match from.fill_buf() {
            Ok(here) => here,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                read.broken = Some(error);
                break;
            }
        };
        if here.is_empty() {
            break;
        }
        let (piece, ended, used) = match memchr::memchr(b'\n', here) {
            Some(at) => (here.get(..at).unwrap_or_default(), true, at + 1),
            None => (here, false, here.len()),
        };
        begun |= !piece.is_empty();
        // A line that begins with NULs, even with very many, begins after them.
        let piece = if line.is_empty() { piece.get(nuls(piece)..).unwrap_or_default() } else { piece };
        let free = LINE - line.len();
        cut |= piece.len() > free;
        line.extend_from_slice(piece.get(..free).unwrap_or(piece));
        from.consume(used);
        if ended {
            hand_over(&mut line, &mut cut, &mut read, &mut take);
            begun = false;
        }
    }
    if begun {
        hand_over(&mut line, &mut cut, &mut read, &mut take);
    }
    read
}

fn hand_over(line: &mut Vec<u8>, cut: &mut bool, read: &mut Read, take: &mut impl FnMut(u64, &[u8])) {
    read.lines += 1;
    read.long += u64::from(*cut);
    let end = line.iter().rposition(|byte| !matches!(byte, 0 | b'\r')).map_or(0, |at| at + 1);
    take(read.lines, line.get(..end).unwrap_or_default());
    line.clear();
    *cut = false;
}

fn nuls(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn lines(bytes: &[u8], buffer: usize) -> (Vec<(u64, Vec<u8>)>, Read) {
        let mut seen = Vec::new();
        let read = each(&mut BufReader::with_capacity(buffer, bytes), |number, line| seen.push((number, line.to_vec())));
        (seen, read)
    }

    #[test]
    fn lines_have_numbers_and_lose_what_is_no_text() {
        let (seen, read) = lines(b"\0\0\0one\r\n\n\0two\0\0\nthree", 3);
        let want: [(u64, &[u8]); 4] = [(1, b"one"), (2, b""), (3, b"two"), (4, b"three")];
        assert_eq!(seen, want.map(|(n, text)| (n, text.to_vec())));
        assert_eq!((read.lines, read.long), (4, 0));
        assert!(lines(b"", 8).0.is_empty());
    }

    #[test]
    fn a_gigantic_line_is_cut_and_the_next_is_whole() {
        let mut bytes = vec![b'x'; 5 * LINE];
        bytes.extend_from_slice(b"\nnext\n");
        bytes.extend(std::iter::repeat_n(0, 3 * LINE));
        bytes.extend_from_slice(b"after the NULs");
        let (seen, read) = lines(&bytes, 4096);
        assert_eq!(seen[0].1.len(), LINE);
        assert_eq!((seen[1].clone(), seen[2].clone()), ((2, b"next".to_vec()), (3, b"after the NULs".to_vec())));
        assert_eq!((seen.len(), read.long), (3, 1));
    }

    proptest! {
        #[test]
        fn no_line_is_longer_or_lost_whatever_the_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), buffer in 1_usize..300) {
            let (seen, read) = lines(&bytes, buffer);
            let breaks = memchr::memchr_iter(b'\n', &bytes).count();
            let tail = usize::from(!bytes.is_empty() && bytes.last() != Some(&b'\n'));
            prop_assert_eq!(seen.len(), breaks + tail);
            prop_assert_eq!(read.lines, seen.len() as u64);
            prop_assert!(seen.iter().all(|(_, line)| line.len() <= LINE && !line.contains(&b'\n')));
        }
    }
}
