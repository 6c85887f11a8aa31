//! Classes of devices that are passed through, and PVS.
//!
//! Field names, order, types and defaults are those of xapi 26.17 (source: its datamodel).

use crate::sim::schema::Role;
use crate::sim::schema::def::{BOOL, ClassDef, FLOAT, INT, INT_MAP, Kind, MAP, Preset, SET, STR, class, one, refs, ro, rw};
pub(super) const PCI: ClassDef = class(
    "PCI",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("class_id", STR),
        ro("class_name", STR),
        ro("vendor_id", STR),
        ro("vendor_name", STR),
        ro("device_id", STR),
        ro("device_name", STR),
        ro("host", one("host")),
        ro("pci_id", STR),
        ro("dependencies", refs("PCI")),
        rw("other_config", MAP),
        ro("subsystem_vendor_id", STR),
        ro("subsystem_vendor_name", STR),
        ro("subsystem_device_id", STR),
        ro("subsystem_device_name", STR),
        ro("driver_name", STR),
    ],
);

pub(super) const PGPU: ClassDef = class(
    "PGPU",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("PCI", one("PCI")),
        rw("GPU_group", one("GPU_group")),
        ro("host", one("host")),
        rw("other_config", MAP),
        ro("supported_VGPU_types", refs("VGPU_type")),
        rw("enabled_VGPU_types", refs("VGPU_type")),
        ro("resident_VGPUs", refs("VGPU")).of("VGPU", "resident_on"),
        ro("supported_VGPU_max_capacities", INT_MAP),
        ro("dom0_access", STR).or(Preset::Str("enabled")),
        ro("is_system_display_device", BOOL),
        ro("compatibility_metadata", MAP),
    ],
);

pub(super) const GPU_GROUP: ClassDef = class(
    "GPU_group",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("PGPUs", refs("PGPU")).of("PGPU", "GPU_group"),
        ro("VGPUs", refs("VGPU")).of("VGPU", "GPU_group"),
        ro("GPU_types", SET),
        rw("other_config", MAP),
        rw("allocation_algorithm", Kind::Enum(&["breadth_first", "depth_first"])).or(Preset::Str("depth_first")),
        ro("supported_VGPU_types", refs("VGPU_type")),
        ro("enabled_VGPU_types", refs("VGPU_type")),
    ],
);

pub(super) const VGPU: ClassDef = class(
    "VGPU",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("VM", one("VM")),
        ro("GPU_group", one("GPU_group")),
        ro("device", STR).or(Preset::Str("0")),
        ro("currently_attached", BOOL),
        rw("other_config", MAP),
        ro("type", one("VGPU_type")),
        ro("resident_on", one("PGPU")),
        ro("scheduled_to_be_resident_on", one("PGPU")),
        ro("compatibility_metadata", MAP),
        rw("extra_args", STR),
        ro("PCI", one("PCI")),
    ],
);

pub(super) const VGPU_TYPE: ClassDef = class(
    "VGPU_type",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("vendor_name", STR),
        ro("model_name", STR),
        ro("framebuffer_size", INT),
        ro("max_heads", INT),
        ro("max_resolution_x", INT),
        ro("max_resolution_y", INT),
        ro("supported_on_PGPUs", refs("PGPU")),
        ro("enabled_on_PGPUs", refs("PGPU")),
        ro("VGPUs", refs("VGPU")),
        ro("supported_on_GPU_groups", refs("GPU_group")),
        ro("enabled_on_GPU_groups", refs("GPU_group")),
        ro("implementation", STR).or(Preset::Str("passthrough")),
        ro("identifier", STR),
        ro("experimental", BOOL),
        ro("compatible_types_in_vm", refs("VGPU_type")),
    ],
);

pub(super) const PUSB: ClassDef = class(
    "PUSB",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        ro("USB_group", one("USB_group")),
        ro("host", one("host")),
        ro("path", STR),
        ro("vendor_id", STR),
        ro("vendor_desc", STR),
        ro("product_id", STR),
        ro("product_desc", STR),
        ro("serial", STR),
        ro("version", STR),
        ro("description", STR),
        rw("passthrough_enabled", BOOL),
        rw("other_config", MAP),
        ro("speed", FLOAT).or(Preset::Float(-1.0)),
    ],
);

pub(super) const USB_GROUP: ClassDef = class(
    "USB_group",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("PUSBs", refs("PUSB")).of("PUSB", "USB_group"),
        ro("VUSBs", refs("VUSB")).of("VUSB", "USB_group"),
        rw("other_config", MAP),
    ],
);

pub(super) const VUSB: ClassDef = class(
    "VUSB",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        ro("VM", one("VM")),
        ro("USB_group", one("USB_group")),
        rw("other_config", MAP),
        ro("currently_attached", BOOL),
    ],
);

pub(super) const PVS_SITE: ClassDef = class(
    "PVS_site",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        rw("PVS_uuid", STR),
        ro("cache_storage", refs("PVS_cache_storage")).of("PVS_cache_storage", "site"),
        ro("servers", refs("PVS_server")).of("PVS_server", "site"),
        ro("proxies", refs("PVS_proxy")).of("PVS_proxy", "site"),
    ],
);

pub(super) const PVS_SERVER: ClassDef = class(
    "PVS_server",
    Role::PoolOperator,
    &[ro("uuid", STR), ro("addresses", SET), ro("first_port", INT), ro("last_port", INT), ro("site", one("PVS_site"))],
);

pub(super) const PVS_PROXY: ClassDef = class(
    "PVS_proxy",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("site", one("PVS_site")),
        ro("VIF", one("VIF")),
        ro("currently_attached", BOOL),
        ro("status", STR).or(Preset::Str("stopped")),
    ],
);

pub(super) const PVS_CACHE_STORAGE: ClassDef = class(
    "PVS_cache_storage",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("host", one("host")),
        ro("SR", one("SR")),
        ro("site", one("PVS_site")),
        ro("size", INT).or(Preset::Int(21_474_836_480)),
        ro("VDI", one("VDI")),
    ],
);
