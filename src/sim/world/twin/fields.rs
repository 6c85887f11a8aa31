//! Records as rows of the database: what a pool told of itself, put back. Sets that follow references are left out; they follow.

use crate::sim::value::Value;
use crate::sim::world::book::{text_map, texts};
use crate::sim::world::build::int;
use crate::time::Time;
use crate::xenapi::record::{Config, Date, Record, TaskStatus};

fn map(config: &Config) -> Value {
    text_map(config.iter())
}

fn date(date: Date) -> Value {
    date.0.unwrap_or(Time::EPOCH).into()
}

fn list(items: &[Box<str>]) -> Value {
    texts(items.iter().map(|item| &**item))
}

fn text(text: &str) -> Value {
    text.into()
}

/// The fields of a record; none for classes that a twin does without.
pub fn of(record: &Record) -> Vec<(&'static str, Value)> {
    match record {
        Record::Pool(p) => vec![
            ("uuid", text(&p.uuid)),
            ("name_label", text(&p.name_label)),
            ("master", (&p.master).into()),
            ("default_SR", (&p.default_sr).into()),
            ("other_config", map(&p.other_config)),
            ("ha_cluster_stack", text(&p.ha_cluster_stack)),
            ("wlb_enabled", p.wlb_enabled.into()),
            ("last_update_sync", date(p.last_update_sync)),
        ],
        Record::Host(h) => vec![
            ("uuid", text(&h.uuid)),
            ("name_label", text(&h.name_label)),
            ("address", text(&h.address)),
            ("hostname", text(&h.hostname)),
            ("enabled", h.enabled.into()),
            ("software_version", map(&h.software_version)),
            ("other_config", map(&h.other_config)),
            ("metrics", (&h.metrics).into()),
            ("control_domain", (&h.control_domain).into()),
            ("multipathing", h.multipathing.into()),
            ("pending_guidances", list(&h.pending_guidances)),
            ("pending_guidances_recommended", list(&h.pending_guidances_recommended)),
            ("pending_guidances_full", list(&h.pending_guidances_full)),
            ("updates_requiring_reboot", h.updates_requiring_reboot.clone().into()),
            ("memory_overhead", int(h.memory_overhead)),
            ("license_params", map(&h.license_params)),
            ("edition", text(&h.edition)),
            ("latest_synced_updates_applied", text(&h.latest_synced_updates_applied)),
            ("last_update_hash", text(&h.last_update_hash)),
            ("last_software_update", date(h.last_software_update)),
        ],
        Record::HostMetrics(m) => vec![
            ("uuid", text(&m.uuid)),
            ("memory_total", int(m.memory_total)),
            ("memory_free", int(m.memory_free)),
            ("live", m.live.into()),
            ("last_updated", date(m.last_updated)),
        ],
        Record::Vm(v) => vec![
            ("uuid", text(&v.uuid)),
            ("name_label", text(&v.name_label)),
            ("power_state", text(&v.power_state)),
            ("resident_on", (&v.resident_on).into()),
            ("is_control_domain", v.is_control_domain.into()),
            ("is_a_template", v.is_a_template.into()),
            ("is_a_snapshot", v.is_a_snapshot.into()),
            ("ha_restart_priority", text(&v.ha_restart_priority)),
            ("memory_dynamic_max", int(v.memory_dynamic_max)),
            ("memory_overhead", int(v.memory_overhead)),
            ("pending_guidances", list(&v.pending_guidances)),
            ("pending_guidances_recommended", list(&v.pending_guidances_recommended)),
            ("pending_guidances_full", list(&v.pending_guidances_full)),
        ],
        Record::Task(t) => vec![
            ("uuid", text(&t.uuid)),
            ("name_label", text(&t.name_label)),
            ("name_description", text(&t.name_description)),
            ("created", date(t.created)),
            ("finished", date(t.finished)),
            ("status", text(status(t.status))),
            ("resident_on", (&t.resident_on).into()),
            ("progress", t.progress.into()),
            ("error_info", list(&t.error_info)),
            ("other_config", map(&t.other_config)),
            ("subtask_of", (&t.subtask_of).into()),
        ],
        Record::Sr(s) => vec![
            ("uuid", text(&s.uuid)),
            ("name_label", text(&s.name_label)),
            ("type", text(&s.r#type)),
            ("content_type", text(&s.content_type)),
            ("shared", s.shared.into()),
            ("clustered", s.clustered.into()),
            ("other_config", map(&s.other_config)),
            ("sm_config", map(&s.sm_config)),
            ("physical_size", s.physical_size.into()),
            ("physical_utilisation", s.physical_utilisation.into()),
        ],
        Record::Pbd(p) => vec![
            ("uuid", text(&p.uuid)),
            ("host", (&p.host).into()),
            ("SR", (&p.sr).into()),
            ("device_config", map(&p.device_config)),
            ("currently_attached", p.currently_attached.into()),
            ("other_config", map(&p.other_config)),
        ],
        Record::Pif(p) => vec![
            ("uuid", text(&p.uuid)),
            ("device", text(&p.device)),
            ("host", (&p.host).into()),
            ("metrics", (&p.metrics).into()),
            ("physical", p.physical.into()),
            ("currently_attached", p.currently_attached.into()),
            ("IP", text(&p.ip)),
            ("VLAN", p.vlan.into()),
            ("management", p.management.into()),
            ("disallow_unplug", p.disallow_unplug.into()),
        ],
        Record::PifMetrics(m) => vec![
            ("uuid", text(&m.uuid)),
            ("carrier", m.carrier.into()),
            ("speed", m.speed.into()),
            ("device_name", text(&m.device_name)),
        ],
        // `PIFs` follows by itself from the PIFs.
        Record::Network(n) => {
            vec![("uuid", text(&n.uuid)), ("name_label", text(&n.name_label)), ("bridge", text(&n.bridge))]
        }
        Record::Bond(b) => vec![
            ("uuid", text(&b.uuid)),
            ("master", (&b.master).into()),
            ("mode", text(&b.mode)),
            ("links_up", b.links_up.into()),
            ("properties", map(&b.properties)),
        ],
        Record::Cluster(c) => vec![
            ("uuid", text(&c.uuid)),
            ("pending_forget", list(&c.pending_forget)),
            ("cluster_stack", text(&c.cluster_stack)),
            ("is_quorate", c.is_quorate.unwrap_or(true).into()),
            ("quorum", c.quorum.unwrap_or_default().into()),
            ("live_hosts", c.live_hosts.unwrap_or_default().into()),
            ("expected_hosts", c.expected_hosts.unwrap_or_default().into()),
            ("token_timeout", c.token_timeout.into()),
            ("token_timeout_coefficient", c.token_timeout_coefficient.into()),
        ],
        Record::ClusterHost(c) => vec![
            ("uuid", text(&c.uuid)),
            ("cluster", (&c.cluster).into()),
            ("host", (&c.host).into()),
            ("enabled", c.enabled.into()),
            ("joined", c.joined.into()),
            ("live", c.live.unwrap_or(c.enabled).into()),
            ("last_update_live", date(c.last_update_live)),
        ],
        Record::Certificate(c) => vec![
            ("uuid", text(&c.uuid)),
            ("name", text(&c.name)),
            ("type", text(&c.r#type)),
            ("host", (&c.host).into()),
            ("not_after", date(c.not_after)),
            ("fingerprint", text(&c.fingerprint)),
            ("fingerprint_sha256", text(&c.fingerprint_sha256)),
        ],
        Record::Message(_) | Record::HostCrashdump(_) => Vec::new(),
    }
}

const fn status(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending | TaskStatus::Other => "pending",
        TaskStatus::Success => "success",
        TaskStatus::Failure => "failure",
        TaskStatus::Cancelling => "cancelling",
        TaskStatus::Cancelled => "cancelled",
    }
}
