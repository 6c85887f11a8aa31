//! The one way back. Whether a program ends well, panics, is hung up on or goes to the background, the terminal is given
//! back here and exactly once.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::modes::Modes;

/// What has been taken from the terminal and not been given back.
static HELD: Mutex<Option<Modes>> = Mutex::new(None);

/// Standard output as it is: no buffer, no lock, every byte written or an error.
#[derive(Debug, Default)]
pub struct Tty;

/// How long a terminal that takes no more bytes is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

impl Write for Tty {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let started = Instant::now();
        loop {
            // Another program on the same terminal may have made it non-blocking: then a full terminal is no error.
            match rustix::io::write(io::stdout().as_fd(), bytes) {
                Err(rustix::io::Errno::AGAIN) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes the terminal: raw mode, then the bytes of `modes`. If that fails half-way, it is given back.
pub(super) fn take(modes: Modes) -> io::Result<()> {
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(modes);
    let taken = crossterm::terminal::enable_raw_mode().and_then(|()| Tty.write_all(&modes.enter()));
    if taken.is_err() {
        give_back();
    }
    taken
}

/// True if the terminal is ours at the moment.
pub fn is_held() -> bool {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Gives the terminal back if it is held; false if it is not. Safe to call from anywhere, as often as one likes.
pub fn give_back() -> bool {
    let held = match HELD.try_lock() {
        Ok(mut held) => held.take(),
        Err(TryLockError::Poisoned(held)) => held.into_inner().take(),
        // Only while another thread is doing the same.
        Err(TryLockError::WouldBlock) => None,
    };
    let Some(modes) = held else { return false };
    // A terminal that is gone takes neither; there is nothing left to restore then.
    let _ = Tty.write_all(&modes.leave());
    if modes.mouse {
        // Reports that are under way would be typed into the shell.
        let _ = rustix::termios::tcflush(io::stdin().as_fd(), rustix::termios::QueueSelector::IFlush);
    }
    let _ = crossterm::terminal::disable_raw_mode();
    true
}

/// Makes every panic, on any thread, give the terminal back before it is reported. Call it after `color_eyre::install`,
/// whose report then lands on a terminal that can show it.
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        report(panic);
    }));
}

/// True if the error says that there is no terminal any more: it was closed, or the connection to it was.
pub fn is_closed(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let gone = [Errno::IO, Errno::PIPE, Errno::NXIO, Errno::BADF, Errno::NODEV, Errno::NOTTY].map(Errno::raw_os_error);
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero | io::ErrorKind::NotConnected
    ) || error.raw_os_error().is_some_and(|code| gone.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_terminal_is_told_from_a_busy_one() {
        for code in [5, 32, 6, 9] {
            assert!(is_closed(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(is_closed(&io::Error::from(io::ErrorKind::UnexpectedEof)));
        assert!(!is_closed(&io::Error::from(io::ErrorKind::WouldBlock)));
        assert!(!is_closed(&io::Error::from(io::ErrorKind::Interrupted)));
        assert!(!is_closed(&io::Error::from_raw_os_error(12)));
    }

    #[test]
    fn giving_back_what_is_not_held_does_nothing() {
        assert!(!is_held());
        assert!(!give_back());
    }
}
