//! Sessions for calls: borrowed from whoever follows the pool, which logs in again by itself after a loss.

use crate::feed::clock::Clock;
use crate::feed::driver::Desk;
use crate::xenapi::session::Session;
use crate::xenapi::writer::{Consent, Writer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often is looked whether there is a session.
const LOOK: Duration = Duration::from_millis(50);

/// Lends sessions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lender {
    desk: Desk,
    clock: Clock,
    /// Kept, so that its connections are set up once a session.
    writer: Arc<Mutex<Option<Writer>>>,
}

impl Lender {
    /// From where a pool is being followed.
    pub fn new(desk: Desk, clock: Clock) -> Self {
        Self { desk, clock, writer: Arc::default() }
    }

    /// A session, other than `not`; `None` if there is none within `patience` by the pool's clock.
    pub async fn session(&self, patience: Duration, not: Option<&Session>) -> Option<Session> {
        let end = Instant::now() + self.clock.wait(patience).max(LOOK * 4);
        loop {
            let there = self.desk.session().filter(|session| not.is_none_or(|not| !not.is_same(session)));
            if there.is_some() || Instant::now() >= end {
                return there;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A writer for this session.
    pub(super) fn writer(&self, session: &Session, consent: Consent) -> Result<Writer, crate::xenapi::Error> {
        let mut kept = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = kept.as_ref().filter(|writer| writer.session().is_same(session)) {
            return Ok(writer.clone());
        }
        let writer = Writer::new(session, consent)?;
        *kept = Some(writer.clone());
        Ok(writer)
    }
}
