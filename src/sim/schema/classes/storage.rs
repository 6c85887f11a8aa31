//! Classes of storage.
//!
//! Field names, order, types and defaults are those of xapi 26.17 (source: its datamodel).

use crate::sim::schema::Role;
use crate::sim::schema::def::{
    BOOL, ClassDef, DATE, FLOAT, INT, INT_MAP, Kind, MAP, Preset, REF_MAP, SET, STR, class, one, refs, ro, rw,
};
pub(super) const SM: ClassDef = class(
    "SM",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name_label", STR),
        ro("name_description", STR),
        ro("type", STR),
        ro("vendor", STR),
        ro("copyright", STR),
        ro("version", STR),
        ro("required_api_version", STR),
        ro("configuration", MAP),
        ro("capabilities", SET),
        ro("features", INT_MAP),
        rw("other_config", MAP),
        ro("driver_filename", STR),
        ro("required_cluster_stack", SET),
        ro("supported_image_formats", SET),
    ],
);

pub(super) const SR: ClassDef = class(
    "SR",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("VDIs", refs("VDI")).of("VDI", "SR"),
        ro("PBDs", refs("PBD")).of("PBD", "SR"),
        ro("virtual_allocation", INT),
        ro("physical_utilisation", INT),
        rw("physical_size", INT),
        ro("type", STR),
        ro("content_type", STR),
        rw("shared", BOOL),
        rw("other_config", MAP),
        rw("tags", SET).by(Role::VmOperator),
        rw("sm_config", MAP),
        ro("blobs", REF_MAP),
        ro("local_cache_enabled", BOOL),
        ro("introduced_by", one("DR_task")),
        ro("clustered", BOOL),
        ro("is_tools_sr", BOOL),
    ],
);

pub(super) const SR_STAT: ClassDef = class("sr_stat", Role::PoolOperator, &[]).no_table();

pub(super) const PROBE_RESULT: ClassDef = class("probe_result", Role::PoolOperator, &[]).no_table();

pub(super) const LVHD: ClassDef = class("LVHD", Role::PoolOperator, &[ro("uuid", STR)]).unlisted();

pub(super) const VDI: ClassDef = class(
    "VDI",
    Role::VmAdmin,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("SR", one("SR")),
        ro("VBDs", refs("VBD")).of("VBD", "VDI"),
        ro("crash_dumps", refs("crashdump")).of("crashdump", "VDI"),
        ro("virtual_size", INT),
        ro("physical_utilisation", INT),
        ro("type", STR).or(Preset::Str("system")),
        rw("sharable", BOOL),
        rw("read_only", BOOL),
        rw("other_config", MAP),
        ro("storage_lock", BOOL),
        ro("location", STR),
        ro("managed", BOOL),
        ro("missing", BOOL),
        ro("parent", one("VDI")),
        rw("xenstore_data", MAP),
        rw("sm_config", MAP),
        ro("is_a_snapshot", BOOL),
        ro("snapshot_of", one("VDI")),
        ro("snapshots", refs("VDI")).of("VDI", "snapshot_of"),
        ro("snapshot_time", DATE),
        rw("tags", SET).by(Role::VmOperator),
        rw("allow_caching", BOOL),
        rw("on_boot", Kind::Enum(&["reset", "persist"])).or(Preset::Str("persist")),
        ro("metadata_of_pool", one("pool")),
        ro("metadata_latest", BOOL),
        ro("is_tools_iso", BOOL),
        ro("cbt_enabled", BOOL),
    ],
);

pub(super) const VDI_NBD_SERVER_INFO: ClassDef = class("vdi_nbd_server_info", Role::PoolOperator, &[]).no_table();

pub(super) const VBD: ClassDef = class(
    "VBD",
    Role::VmAdmin,
    &[
        ro("uuid", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("VM", one("VM")),
        ro("VDI", one("VDI")),
        ro("device", STR),
        rw("userdevice", STR),
        rw("bootable", BOOL),
        rw("mode", Kind::Enum(&["RO", "RW"])).or(Preset::Str("RO")),
        rw("type", Kind::Enum(&["CD", "Disk", "Floppy"])).or(Preset::Str("CD")),
        rw("unpluggable", BOOL).or(Preset::Bool(true)),
        ro("storage_lock", BOOL),
        ro("empty", BOOL),
        rw("other_config", MAP),
        ro("currently_attached", BOOL),
        ro("status_code", INT),
        ro("status_detail", STR),
        ro("runtime_properties", MAP),
        rw("qos_algorithm_type", STR),
        rw("qos_algorithm_params", MAP),
        ro("qos_supported_algorithms", SET),
        ro("metrics", one("VBD_metrics")),
    ],
);

pub(super) const VBD_METRICS: ClassDef = class(
    "VBD_metrics",
    Role::VmAdmin,
    &[ro("uuid", STR), ro("io_read_kbs", FLOAT), ro("io_write_kbs", FLOAT), ro("last_updated", DATE), rw("other_config", MAP)],
);

pub(super) const PBD: ClassDef = class(
    "PBD",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("host", one("host")),
        ro("SR", one("SR")),
        rw("device_config", MAP),
        ro("currently_attached", BOOL),
        rw("other_config", MAP),
    ],
);

pub(super) const BLOB: ClassDef = class(
    "blob",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("size", INT),
        rw("public", BOOL),
        ro("last_updated", DATE),
        ro("mime_type", STR),
    ],
);

pub(super) const DATA_SOURCE: ClassDef = class("data_source", Role::PoolOperator, &[]).no_table();
