//! xapi's message names in plain words (names and priorities: `api_messages.ml`).

use super::body;
use super::level::Levels;
use crate::pool::picture::Health;
use crate::pool::words;
use crate::text::clean;
use crate::xenapi::record::Message;

/// Names that only say that a guest did what it was told, or that a schedule ran: not kept.
const NOISE: [&str; 16] = [
    "VM_STARTED",
    "VM_SHUTDOWN",
    "VM_REBOOTED",
    "VM_MIGRATED",
    "VM_SNAPSHOTTED",
    "VM_SNAPSHOT_REVERTED",
    "VM_CHECKPOINTED",
    "VM_SUSPENDED",
    "VM_RESUMED",
    "VM_PAUSED",
    "VM_UNPAUSED",
    "VM_CLONED",
    "VMPP_SNAPSHOT_SUCCEEDED",
    "VMPP_ARCHIVE_SUCCEEDED",
    "VMSS_SNAPSHOT_SUCCEEDED",
    "LICENSE_SERVER_CONNECTED",
];

/// Name, xapi's own priority (1 critical to 5 information), and the words; `{}` stands for what it is about.
/// A message's own priority field is whatever its writer set, so the table's counts.
const TABLE: &[(&str, u8, &str)] = &[
    ("HA_STATEFILE_LOST", 2, "all live hosts lost the HA statefile; HA cannot protect guests"),
    ("HA_HEARTBEAT_APPROACHING_TIMEOUT", 5, "the HA network heartbeat of {} comes close to its time-out"),
    ("HA_STATEFILE_APPROACHING_TIMEOUT", 5, "the HA statefile access of {} comes close to its time-out"),
    ("HA_XAPI_HEALTHCHECK_APPROACHING_TIMEOUT", 5, "the toolstack of {} answers HA's health check too slowly"),
    ("HA_NETWORK_BONDING_ERROR", 3, "the bond that carries HA heartbeats on {} has failed"),
    ("HA_POOL_OVERCOMMITTED", 3, "HA could not restart all protected guests if the planned number of hosts failed"),
    ("HA_POOL_DROP_IN_PLAN_EXISTS_FOR", 3, "HA can now survive fewer host failures than before"),
    ("HA_PROTECTED_VM_RESTART_FAILED", 2, "HA could not restart the protected guest {}"),
    ("HA_HOST_FAILED", 3, "HA declared {} failed"),
    ("HA_HOST_WAS_FENCED", 4, "{} was fenced: HA restarted it to protect data"),
    ("METADATA_LUN_HEALTHY", 4, "the metadata LUN (redo log) is healthy again"),
    ("METADATA_LUN_BROKEN", 3, "the metadata LUN (redo log) cannot be written; database changes are less safe"),
    ("CLUSTER_QUORUM_APPROACHING_LOST", 2, "the cluster is about to lose its quorum; one more member lost stops it"),
    ("CLUSTER_HOST_ENABLE_FAILED", 3, "{} could not join its cluster when it started"),
    ("CLUSTER_HOST_FENCING", 2, "{} is being fenced by its cluster"),
    ("CLUSTER_HOST_LEAVING", 3, "{} left the cluster"),
    ("CLUSTER_HOST_JOINING", 4, "{} joined the cluster"),
    ("MULTIPATH_PERIODIC_ALERT", 3, "storage paths are down"),
    ("IP_CONFIGURED_PIF_CAN_UNPLUG", 3, "a network interface of {} that has an address may be unplugged"),
    ("VIF_QOS_FAILED", 3, "the network limit of {} could not be set"),
    ("VBD_QOS_FAILED", 3, "the disk limit of {} could not be set"),
    ("VCPU_QOS_FAILED", 3, "the CPU limit of {} could not be set"),
    ("BOND_STATUS_CHANGED", 3, "a bond of {} changed"),
    ("PBD_PLUG_FAILED_ON_SERVER_START", 3, "{} could not plug its storage when it started"),
    (
        "VDI_CBT_METADATA_INCONSISTENT",
        3,
        "changed-block tracking of a disk is inconsistent; the next backup has to be a full one",
    ),
    ("VDI_CBT_SNAPSHOT_FAILED", 3, "changed-block tracking of a disk failed at a snapshot"),
    ("VDI_CBT_RESIZE_FAILED", 3, "changed-block tracking of a disk failed at a resize"),
    ("SM_GC_NO_SPACE", 3, "SR {} has too little room to merge its snapshots"),
    ("HOST_SYNC_DATA_FAILED", 3, "{} could not fetch its copy of the pool's data"),
    ("HOST_CLOCK_SKEW_DETECTED", 3, "the clock of {} is more than 5 minutes off"),
    ("HOST_CLOCK_WENT_BACKWARDS", 1, "the clock of {} went backwards"),
    ("POOL_MASTER_TRANSITION", 4, "{} became the coordinator"),
    ("ALARM", 1, "an alarm on {}"),
    ("HOST_CPU_FEATURES_DOWN", 3, "{} offers fewer CPU features than before; guests may not move to it"),
    ("HOST_CPU_FEATURES_UP", 5, "{} offers more CPU features than before"),
    ("POOL_CPU_FEATURES_DOWN", 5, "the pool offers fewer CPU features than before"),
    ("POOL_CPU_FEATURES_UP", 5, "the pool offers more CPU features than before"),
    (
        "XAPI_STARTUP_BLOCKED_AS_VERSION_HIGHER_THAN_COORDINATOR",
        2,
        "the toolstack of {} does not start because it is newer than the coordinator's; update the coordinator first",
    ),
    ("ALL_RUNNING_VMS_IN_ANTI_AFFINITY_GRP_ON_SINGLE_HOST", 3, "all guests of an anti-affinity group run on one host"),
    ("HOST_SERVER_CERTIFICATE_EXPIRED", 1, "the certificate of {} has expired"),
    ("HOST_INTERNAL_CERTIFICATE_EXPIRED", 1, "the internal certificate of {} has expired"),
    ("POOL_CA_CERTIFICATE_EXPIRED", 1, "a CA certificate of the pool has expired"),
    ("POOL_PINNED_CERTIFICATE_EXPIRED", 1, "a pinned certificate of the pool has expired"),
    ("TLS_VERIFICATION_EMERGENCY_DISABLED", 3, "certificate checks between the hosts were switched off in an emergency on {}"),
    ("PERIODIC_UPDATE_SYNC_FAILED", 3, "the pool could not fetch the list of updates"),
    ("HOST_SERVER_CERTIFICATE_EXPIRING_30", 3, "the certificate of {} expires within 30 days"),
    ("HOST_SERVER_CERTIFICATE_EXPIRING_14", 2, "the certificate of {} expires within 14 days"),
    ("HOST_SERVER_CERTIFICATE_EXPIRING_07", 1, "the certificate of {} expires within 7 days"),
    ("POOL_CA_CERTIFICATE_EXPIRING_30", 3, "a CA certificate of the pool expires within 30 days"),
    ("POOL_CA_CERTIFICATE_EXPIRING_14", 2, "a CA certificate of the pool expires within 14 days"),
    ("POOL_CA_CERTIFICATE_EXPIRING_07", 1, "a CA certificate of the pool expires within 7 days"),
    ("HOST_INTERNAL_CERTIFICATE_EXPIRING_30", 3, "the internal certificate of {} expires within 30 days"),
    ("HOST_INTERNAL_CERTIFICATE_EXPIRING_14", 2, "the internal certificate of {} expires within 14 days"),
    ("HOST_INTERNAL_CERTIFICATE_EXPIRING_07", 1, "the internal certificate of {} expires within 7 days"),
    ("POOL_PINNED_CERTIFICATE_EXPIRING_30", 3, "a pinned certificate of the pool expires within 30 days"),
    ("POOL_PINNED_CERTIFICATE_EXPIRING_14", 2, "a pinned certificate of the pool expires within 14 days"),
    ("POOL_PINNED_CERTIFICATE_EXPIRING_07", 1, "a pinned certificate of the pool expires within 7 days"),
    ("EXTAUTH_INIT_IN_HOST_FAILED", 2, "{} could not start its external authentication"),
    ("EXTAUTH_IN_POOL_IS_NON_HOMOGENEOUS", 2, "the hosts do not agree on external authentication"),
    ("FAILED_LOGIN_ATTEMPTS", 3, "there were failed log-ins"),
    ("LICENSE_DOES_NOT_SUPPORT_POOLING", 2, "the licence of {} does not allow pools"),
    ("LICENSE_EXPIRES_SOON", 2, "the licence of {} expires soon"),
    ("LICENSE_EXPIRED", 2, "the licence of {} has expired"),
    ("LICENSE_SERVER_UNAVAILABLE", 3, "the licence server is not available to {}"),
    ("LICENSE_SERVER_UNREACHABLE", 2, "the licence server cannot be reached from {}"),
    ("LICENSE_SERVER_VERSION_OBSOLETE", 2, "the licence server is too old for {}"),
    ("GRACE_LICENSE", 3, "{} runs on a grace licence"),
    ("LICENSE_NOT_AVAILABLE", 2, "there is no licence for {}"),
    ("WLB_CONSULTATION_FAILED", 3, "workload balancing could not be asked about {}"),
    ("WLB_OPTIMIZATION_ALERT", 3, "workload balancing proposes to move guests"),
    ("VM_CRASHED", 2, "the guest {} crashed"),
    ("VM_SECURE_BOOT_FAILED", 5, "the guest {} failed its secure boot"),
    ("PVS_PROXY_NO_CACHE_SR_AVAILABLE", 3, "the PVS proxy of {} has no SR for its cache"),
    ("PVS_PROXY_SETUP_FAILED", 3, "the PVS proxy of {} could not be set up"),
    ("PVS_PROXY_NO_SERVER_AVAILABLE", 3, "the PVS proxy of {} finds no server"),
    ("PVS_PROXY_SR_OUT_OF_SPACE", 3, "the SR of the PVS proxy of {} is full"),
];

/// Whether a message of this name is not worth keeping.
pub fn is_noise(name: &str) -> bool {
    NOISE.contains(&name)
}

fn row(name: &str) -> Option<&'static (&'static str, u8, &'static str)> {
    TABLE.iter().find(|row| row.0 == name)
}

/// How bad a message is: by the table where it is known, by its own priority otherwise.
pub fn health(name: &str, priority: i64) -> Health {
    let known = row(name).map(|row| i64::from(row.1));
    let kernel = || {
        if name.starts_with("HOST_KERNEL_ENCOUNTERED_ERROR") {
            Some(2)
        } else if name.starts_with("HOST_KERNEL_ENCOUNTERED_WARNING") {
            Some(3)
        } else {
            None
        }
    };
    if name == "HA_HOST_WAS_FENCED" {
        // xapi calls it minor; its guests died.
        return Health::Degraded;
    }
    match known.or_else(kernel).unwrap_or(priority) {
        i64::MIN..=2 => Health::Failed,
        3 => Health::Degraded,
        _ => Health::Good,
    }
}

/// A message in plain words.
pub fn text(message: &Message, about: &str, levels: &Levels) -> String {
    let about = if about.is_empty() { "the pool" } else { about };
    let special = match &*message.name {
        "MULTIPATH_PERIODIC_ALERT" => multipath(&message.body, levels),
        "BOND_STATUS_CHANGED" => body::bond(&message.body)
            .map(|(nics, up, total)| format!("bond {} of {about} has {up} of {total} links up", words::name(nics))),
        "CLUSTER_HOST_LEAVING" | "CLUSTER_HOST_JOINING" | "CLUSTER_QUORUM_APPROACHING_LOST" => cluster(message, about),
        "ALARM" => body::alarm(&message.body).map(|(what, value)| format!("{about}: {} is at {value}", measure(what))),
        _ => None,
    };
    if let Some(text) = special {
        return text;
    }
    if let Some((_, _, words)) = row(&message.name) {
        return words.replace("{}", about);
    }
    if let Some(kind) = message.name.strip_prefix("HOST_KERNEL_ENCOUNTERED_") {
        return format!("the kernel of {about} reports {}", words::name(&kind.to_lowercase().replace('_', " ")));
    }
    // Scripts and users may write any message.
    let what = body::tag(&message.body, "message").unwrap_or(&message.body);
    let what = clean(what.trim(), 160);
    if what.is_empty() { format!("{about}: {}", words::name(&message.name)) } else { format!("{about}: {what}") }
}

fn multipath(text: &str, levels: &Levels) -> Option<String> {
    let maps = body::multipath(text);
    let parts: Vec<String> = maps
        .iter()
        .filter(|m| m.current < m.max)
        .map(|m| {
            let host = levels.name_of_uuid(m.host);
            let lun = if m.scsi_id.is_empty() { "its root disk".into() } else { format!("LUN {}", words::name(m.scsi_id)) };
            format!("{host} has {} of {} paths to {lun}", m.current, m.max)
        })
        .collect();
    (!parts.is_empty()).then(|| words::list(&parts))
}

fn cluster(message: &Message, about: &str) -> Option<String> {
    let total = body::tag(&message.body, "total_hosts").and_then(|v| v.trim().parse::<u32>().ok())?;
    let quorum = body::tag(&message.body, "quorum").and_then(|v| v.trim().parse::<u32>().ok())?;
    let what = match &*message.name {
        "CLUSTER_HOST_LEAVING" => format!("{about} left the cluster"),
        "CLUSTER_HOST_JOINING" => format!("{about} joined the cluster"),
        _ => "the cluster is about to lose its quorum".into(),
    };
    Some(format!("{what}: {total} hosts in it, {quorum} needed"))
}

fn measure(what: &str) -> String {
    match what {
        "cpu_usage" => "CPU use".into(),
        "network_usage" => "network use".into(),
        "disk_usage" => "disk use".into(),
        "fs_usage" => "use of the control domain's root file system".into(),
        "log_fs_usage" => "use of the control domain's log file system".into(),
        "mem_usage" => "memory use of the control domain".into(),
        "memory_free_kib" => "free memory".into(),
        other => words::name(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str, body: &str) -> Message {
        Message { name: name.into(), body: body.into(), priority: 5, ..Message::default() }
    }

    #[test]
    fn known_names_read_as_sentences_with_their_own_weight() {
        let levels = Levels::default();
        let bond = message("BOND_STATUS_CHANGED", "The status of the eth0+eth1 bond changed: 1/2 up (was 2/2)");
        assert_eq!(text(&bond, "xcp1", &levels), "bond eth0+eth1 of xcp1 has 1 of 2 links up");
        assert_eq!(text(&message("HA_HOST_FAILED", ""), "xcp1", &levels), "HA declared xcp1 failed");
        assert!(!text(&message("HA_POOL_OVERCOMMITTED", ""), "", &levels).contains("{}"));
        assert_eq!(health("HA_STATEFILE_LOST", 5), Health::Failed);
        assert_eq!(health("HOST_KERNEL_ENCOUNTERED_WARNING_WARN", 1), Health::Degraded);
        let joined = "<body><message>x</message><host>u</host><total_hosts>4</total_hosts><quorum>3</quorum></body>";
        assert_eq!(
            text(&message("CLUSTER_HOST_JOINING", joined), "xcp2", &levels),
            "xcp2 joined the cluster: 4 hosts in it, 3 needed"
        );
    }

    #[test]
    fn unknown_names_say_what_they_brought_along_made_safe() {
        let levels = Levels::default();
        let own = message("my_script", "disk\u{1b}[31m full\nnow");
        assert_eq!(text(&own, "xcp1", &levels), "xcp1: disk[31m full now");
        assert_eq!(health("my_script", 1), Health::Failed);
        assert_eq!(health("my_script", 3), Health::Degraded);
    }

    #[test]
    fn no_name_is_twice_in_the_table_and_none_is_noise_too() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(!TABLE[..at].iter().any(|other| other.0 == row.0), "{}", row.0);
            assert!(!is_noise(row.0), "{}", row.0);
        }
    }
}
