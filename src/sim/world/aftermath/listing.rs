//! xapi and the crash folders: a record for each, made when it starts after a boot and looks for them; and the cause, where the design has one.

use super::Core;
use crate::crash::classify::cause_of;
use crate::crash::log::{Kind, Log, Owner};
use crate::crash::verdict::Cause;
use crate::sim::api::Failure;
use crate::sim::value::Value;
use crate::xenapi::record::Ref;
use std::sync::Arc;

impl Core {
    /// xapi starts on a host that has booted: a record for each crash folder, none for those that are gone. Whether there was a new one.
    pub(in super::super) fn list_dumps(&mut self, host: usize) -> bool {
        let r = self.hosts.get(host).map(|h| h.r.clone()).unwrap_or_default();
        for old in std::mem::take(&mut self.past.gone) {
            self.db.destroy(&old);
        }
        let mut new = false;
        for at in 0..self.past.dumps.len() {
            let Some(dump) = self.past.dumps.get(at).filter(|d| d.host == host) else { continue };
            if dump.record.as_ref().is_some_and(|r| self.db.exists(r)) {
                continue;
            }
            let files = self.dump_files(dump);
            let size: usize = files.iter().map(|(_, text)| text.len().next_multiple_of(4_096)).sum();
            let mut fields: Vec<(&str, Value)> = vec![
                ("host", r.clone().into()),
                // The folder's name ends in `-UTC`, so xapi believes it.
                ("timestamp", dump.stamp.into()),
                ("size", i64::try_from(size).unwrap_or(i64::MAX).into()),
            ];
            if self.designed() {
                fields.push(("cause", cause(&files).into()));
            }
            let record = self.db.create("host_crashdump", &fields);
            if let Some(dump) = self.past.dumps.get_mut(at) {
                new |= dump.record.is_none();
                dump.record = Some(record);
            }
        }
        new
    }

    /// The host and the record of a crash folder, which a call is about.
    pub(in super::super) fn dump_host(&self, record: &Ref) -> Result<usize, Failure> {
        let host = self.db.reference(record, "host");
        let found = self.hosts.iter().position(|h| h.member() && h.r == host);
        found.ok_or_else(|| Failure::new("HANDLE_INVALID", ["host_crashdump", record.as_str()]))
    }

    /// `host_crashdump.destroy`: the folder goes, and its record.
    pub(in super::super) fn drop_dump(&mut self, record: &Ref) {
        self.past.dumps.retain(|dump| dump.record.as_ref() != Some(record));
        self.db.destroy(record);
    }
}

/// The cause as the design's column has it: `o2cb`, `xhad`, and `bug` otherwise.
fn cause(files: &[(String, String)]) -> &'static str {
    let log = |kind, name: &str| Arc::new(Log { name: name.to_owned(), kind, owner: Owner::Crashed });
    let logs: Vec<(Arc<Log>, &[u8])> = files
        .iter()
        .filter_map(|(name, text)| match name.as_str() {
            "dom0.log" => Some((log(Kind::CrashedKernel, name), text.as_bytes())),
            "xen.log" => Some((log(Kind::CrashedXen, name), text.as_bytes())),
            _ => None,
        })
        .collect();
    match cause_of(&logs) {
        Cause::O2cb => "o2cb",
        Cause::Xhad => "xhad",
        Cause::Bug | Cause::None | Cause::Unknown => "bug",
    }
}
