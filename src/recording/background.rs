//! The recorder on a thread of its own: a slow or full disk holds up neither the screen nor the following.

use super::recorder::Recorder;
use crate::observation::Observation;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is observed is in the file after at most so long: this is what `kill -9` can cost.
pub const FLUSH: Duration = Duration::from_secs(1);
/// How often it is tried to go on when it could not be written.
const RETRY: Duration = Duration::from_secs(10);
/// Batches that wait to be written.
const WAITING: usize = 512;

/// How the recording is going.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What keeps it from being written, in words.
    pub trouble: Option<String>,
    /// Bytes in the segment that is being written.
    pub size: u64,
    /// The uuid of the pool, once it is known.
    pub uuid: Option<String>,
}

/// A recorder at work.
pub struct Background {
    orders: Option<SyncSender<Vec<Observation>>>,
    missed: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts it. `told` hears when the writing stops to work (with why) and when it works again (`None`).
    pub fn start(recorder: Recorder, told: impl Fn(Option<&str>) + Send + 'static) -> std::io::Result<Self> {
        let (orders, taken) = sync_channel(WAITING);
        let (missed, state) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(State::default())));
        let (count, shared) = (Arc::clone(&missed), Arc::clone(&state));
        let thread =
            std::thread::Builder::new().name("recorder".into()).spawn(move || work(recorder, &taken, &count, &shared, &told))?;
        Ok(Self { orders: Some(orders), missed, state, thread: Some(thread) })
    }

    /// Records what was seen. Never waits: what comes faster than it can be written is counted as lost.
    pub fn see(&self, batch: &[Observation]) {
        let Some(orders) = &self.orders else { return };
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) = orders.try_send(batch.to_vec()) {
            self.missed.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
    }

    /// How it is going.
    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes what there is and ends.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.end();
    }
}

fn work(
    mut recorder: Recorder,
    taken: &Receiver<Vec<Observation>>,
    missed: &AtomicU64,
    state: &Mutex<State>,
    told: &impl Fn(Option<&str>),
) {
    let (mut flushed, mut tried) = (Instant::now(), Instant::now());
    let mut said: Option<String> = None;
    loop {
        let batch = taken.recv_timeout(FLUSH.saturating_sub(flushed.elapsed()));
        let lost = missed.swap(0, Ordering::Relaxed);
        if lost > 0 {
            recorder.missed(lost);
        }
        match &batch {
            Ok(batch) => recorder.see(batch),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if flushed.elapsed() >= FLUSH {
            recorder.flush();
            flushed = Instant::now();
        }
        if recorder.trouble().is_some() && tried.elapsed() >= RETRY {
            tried = Instant::now();
            recorder.retry();
        }
        if recorder.trouble() != said.as_deref() {
            told(recorder.trouble());
            said = recorder.trouble().map(str::to_owned);
        }
        *state.lock().unwrap_or_else(PoisonError::into_inner) =
            State { trouble: said.clone(), size: recorder.size(), uuid: recorder.uuid() };
    }
    recorder.finish();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Seen;
    use crate::pool::scene::Scene;
    use crate::recording::line::Header;
    use crate::recording::recorder::{Options, Shelf};
    use crate::recording::segment::Sink;
    use crate::time::Time;
    use std::io::{self, Write};
    use std::sync::mpsc::{Sender, channel};

    /// A disk that takes nothing until it is told to.
    struct Stuck(Receiver<()>, Sender<usize>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.1.send(bytes.len());
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink for Stuck {
        fn cut(&mut self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Shelf for Option<Stuck> {
        fn next(&mut self, _: &Header) -> io::Result<Box<dyn Sink>> {
            self.take().map(|stuck| Box::new(stuck) as Box<dyn Sink>).ok_or_else(|| io::Error::other("no more"))
        }

        fn tidy(&mut self, _: Time) {}
    }

    #[test]
    fn a_disk_that_hangs_holds_up_nobody_and_what_is_lost_is_counted() {
        let ((go, wait), (writes, written)) = (channel(), channel());
        let recorder = Recorder::new(Box::new(Some(Stuck(wait, writes))), Options::default());
        let (tell, told) = channel();
        let background = Background::start(recorder, move |why| drop(tell.send(why.map(str::to_owned)))).expect("a thread");
        background.see(&Scene::new(2).told);
        written.recv().expect("it writes the header, and hangs");
        let batch = vec![Observation { at: Time::from_secs(1_900_000_000), seen: Seen::Heard { generation: None } }];
        for _ in 0..WAITING * 2 {
            background.see(&batch);
        }
        assert!(background.missed.load(Ordering::Relaxed) > 0, "what does not fit is counted, not waited for");
        drop(go);
        let why = told.recv().expect("it is told").expect("why");
        assert!(why.contains("slowly") || why.contains("no more"), "{why}");
        background.finish();
    }
}
