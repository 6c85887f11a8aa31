//! `host_crashdump.*`: both calls are passed on to the host whose folder it is.

use super::super::Core;
use super::{Answered, DONE};
use crate::sim::api::Failure;
use crate::sim::front::{Args, Ctx};
use crate::sim::value::Value;
use std::time::Duration;

/// How long sending a folder takes.
const UPLOAD: Duration = Duration::from_secs(4);

impl Core {
    /// `None`: the front's generic call shall do it.
    pub(super) fn crashdump_call(&mut self, ctx: &Ctx, name: &str, args: Args) -> Option<Answered> {
        if !matches!(name, "destroy" | "upload") {
            return None;
        }
        let record = match args.handle(0, &self.db, "host_crashdump") {
            Ok(record) => record,
            Err(failure) => return Some(Err(failure)),
        };
        let reached = self.dump_host(&record).and_then(|host| self.reach(host));
        Some(match (reached, name) {
            (Err(failure), _) => Err(failure),
            (Ok(()), "destroy") => {
                self.drop_dump(&record);
                DONE
            }
            (Ok(()), _) => self.upload(ctx, args),
        })
    }

    /// Nothing leaves this process: an address that could be sent to is taken for one that was.
    fn upload(&mut self, ctx: &Ctx, args: Args) -> Answered {
        let (url, _) = (args.text(1)?, args.map(2)?);
        let known = url.is_empty() || ["ftp://", "http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        let sent = if known { Ok(Value::Void) } else { Err(Failure::new("CANNOT_UPLOAD", [url])) };
        self.after(ctx, UPLOAD, sent)
    }
}
