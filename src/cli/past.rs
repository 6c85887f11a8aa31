//! Moments of recordings for the dashboard: read on a thread of their own, so that the screen goes on meanwhile.

use crate::recording::player::Player;
use crate::recording::read::ReadError;
use crate::time::Time;
use crate::tui::model::past::Moment;
use crate::tui::msg::{Answer, PoolIx};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

/// A moment that is asked for.
pub struct Wanted {
    /// Of which pool.
    pub pool: PoolIx,
    /// Number of the request.
    pub ask: u64,
    /// When; `None`: the newest.
    pub at: Option<Time>,
    /// The recording.
    pub path: PathBuf,
}

/// Reads moments.
pub struct Reader(mpsc::Sender<Wanted>);

impl Reader {
    /// Starts it; what it reads goes to `answers`. `None` if no thread can be had.
    pub fn start(answers: tokio::sync::mpsc::Sender<Answer>, zone: TimeZone) -> Option<Self> {
        let (wants, wanted) = mpsc::channel::<Wanted>();
        let work = move || {
            let mut players = HashMap::new();
            for Wanted { pool, ask, at, path } in wanted {
                let result = moment(&mut players, pool, &path, at, &zone).map(Box::new).map_err(|error| error.to_string());
                if answers.blocking_send(Answer::LookedBack { pool, ask, result }).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("replay".into()).spawn(work).ok().map(|_| Self(wants))
    }

    /// Asks for a moment. Whether it will be answered.
    pub fn ask(&self, wanted: Wanted) -> bool {
        self.0.send(wanted).is_ok()
    }
}

fn moment(
    players: &mut HashMap<PoolIx, (Player, Arc<crate::recording::marks::TimeLine>)>,
    pool: PoolIx,
    path: &Path,
    at: Option<Time>,
    zone: &TimeZone,
) -> Result<Moment, ReadError> {
    let (player, line) = match players.entry(pool) {
        std::collections::hash_map::Entry::Occupied(known) => {
            let (player, line) = known.into_mut();
            if at.is_none_or(|at| at >= line.to) {
                player.refresh()?;
                *line = Arc::new(player.time_line());
            }
            (player, line)
        }
        std::collections::hash_map::Entry::Vacant(new) => {
            let player = Player::open(path, zone.clone())?;
            let line = Arc::new(player.time_line());
            let (player, line) = new.insert((player, line));
            (player, line)
        }
    };
    let at = at.map_or(line.to, |at| line.within(at));
    let pool = Arc::new(player.go(at)?.clone());
    Ok(Moment { at, pool, line: Arc::clone(line) })
}
