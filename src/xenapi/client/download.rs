//! Something long that a host sends, taken piece by piece: bounded in bytes and in time, never held as a whole.

use super::{Client, What, certificate};
use crate::text;
use crate::xenapi::error::{Error, Transport};
use crate::xenapi::target::Target;
use std::time::{Duration, Instant};

/// How much and how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes.
    pub bytes: u64,
    /// Between two pieces, and before the first.
    pub quiet: Duration,
    /// For all of it.
    pub whole: Duration,
}

/// A download under way. Dropping it ends it.
#[derive(Debug)]
pub struct Download {
    client: Client,
    to: Target,
    what: &'static str,
    response: reqwest::Response,
    bounds: Bounds,
    began: Instant,
    taken: u64,
}

impl Client {
    /// Begins to fetch a resource, with the session in a cookie rather than in the URL, which ends up in logs. `what` names it in errors.
    pub async fn download(
        &self,
        to: &Target,
        what: &'static str,
        path: &str,
        session: &str,
        bounds: Bounds,
    ) -> Result<Download, Error> {
        let began = Instant::now();
        let mut cookie = reqwest::header::HeaderValue::try_from(format!("session_id={session}"))
            .unwrap_or_else(|_| reqwest::header::HeaderValue::from_static(""));
        cookie.set_sensitive(true);
        let request = self.http.get(format!("{}{path}", to.base_url())).header("cookie", cookie).header("accept", "*/*");
        let start = async {
            let response = request.send().await.map_err(|error| self.lost(to, &error))?;
            if let Some(seen) = certificate(&response) {
                self.confirm(to, seen).await?;
            }
            if response.status().is_success() {
                return Ok(response);
            }
            // Becomes the error that it is, with what the page says.
            let what = What { name: what, json: false, secrets: &[session] };
            match self.read(to, what, response).await {
                Err(error) => Err(error),
                Ok(_) => Err(Error::Transport { to: to.to_string(), kind: Transport::CutOff }),
            }
        };
        let response = tokio::time::timeout(bounds.quiet, start).await.map_err(|_| late(to, bounds.quiet))??;
        Ok(Download { client: self.clone(), to: to.clone(), what, response, bounds, began, taken: 0 })
    }
}

impl Download {
    /// The next piece; `None` at the end. An error is final.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let left = self.bounds.whole.saturating_sub(self.began.elapsed());
        let wait = self.bounds.quiet.min(left);
        let piece = match tokio::time::timeout(wait, self.response.chunk()).await {
            Err(_) => return Err(late(&self.to, wait.max(Duration::from_secs(1)))),
            Ok(Err(error)) => return Err(self.client.lost(&self.to, &error)),
            Ok(Ok(piece)) => piece,
        };
        let Some(piece) = piece else { return Ok(None) };
        self.taken = self.taken.saturating_add(piece.len() as u64);
        if self.taken > self.bounds.bytes {
            let limit = usize::try_from(self.bounds.bytes).unwrap_or(usize::MAX);
            return Err(Error::TooLarge { to: self.to.to_string(), what: self.what.to_owned(), limit });
        }
        Ok(Some(piece.to_vec()))
    }

    /// Bytes that came until now.
    pub fn taken(&self) -> String {
        text::bytes(self.taken)
    }
}

fn late(to: &Target, after: Duration) -> Error {
    Error::Transport { to: to.to_string(), kind: Transport::TimedOut { doing: "sending its logs", after } }
}
