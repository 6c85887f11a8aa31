//! `/etc/xensource/xhad.conf`, which xapi writes when HA is switched on (`xha_interface.ml`). Tags are looked for, not a schema.

use super::Xhad;
use crate::text;

/// The configuration; `None` if `said` is none.
pub fn xhad(said: &str) -> Option<Xhad> {
    if !said.contains("<xhad-config") {
        return None;
    }
    let tag = |name: &str| -> Option<&str> {
        let (_, rest) = said.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0.trim())
    };
    let secs = |name: &str| tag(name).and_then(|value| value.parse().ok());
    let statefiles = said.split("<StateFile>").skip(1).take(16).filter_map(|rest| rest.split_once("</"));
    Some(Xhad {
        hosts: said.matches("<host>").count(),
        statefiles: statefiles.map(|(path, _)| text::clean(path.trim(), 160).into_owned()).collect(),
        heartbeat_s: secs("HeartbeatTimeout"),
        statefile_s: secs("StateFileTimeout"),
        heartbeat_watchdog_s: secs("HeartbeatWatchdogTimeout"),
        statefile_watchdog_s: secs("StateFileWatchdogTimeout"),
        xapi_s: secs("XapiHealthCheckTimeout"),
    })
}
