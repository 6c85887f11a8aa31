//! Classes of the pool as a whole: pool, updates, certificates, features, callers.
//!
//! Field names, order, types and defaults are those of xapi 26.17 (source: its datamodel).

use crate::sim::schema::Role;
use crate::sim::schema::def::{BOOL, ClassDef, DATE, FLOAT, INT, MAP, Preset, REF_MAP, SET, STR, class, one, refs, ro, rw};
pub(super) const POOL: ClassDef = class(
    "pool",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("master", one("host")),
        rw("default_SR", one("SR")),
        rw("suspend_image_SR", one("SR")),
        rw("crash_dump_SR", one("SR")),
        rw("other_config", MAP),
        ro("ha_enabled", BOOL),
        ro("ha_configuration", MAP),
        ro("ha_statefiles", SET),
        rw("ha_host_failures_to_tolerate", INT),
        ro("ha_plan_exists_for", INT),
        rw("ha_allow_overcommit", BOOL),
        ro("ha_overcommitted", BOOL),
        ro("blobs", REF_MAP),
        rw("tags", SET).by(Role::VmOperator),
        rw("gui_config", MAP).by(Role::VmOperator),
        rw("health_check_config", MAP),
        ro("wlb_url", STR),
        ro("wlb_username", STR),
        rw("wlb_enabled", BOOL),
        rw("wlb_verify_cert", BOOL),
        ro("redo_log_enabled", BOOL),
        ro("redo_log_vdi", one("VDI")),
        ro("vswitch_controller", STR),
        ro("restrictions", MAP),
        ro("metadata_VDIs", refs("VDI")),
        ro("ha_cluster_stack", STR),
        ro("allowed_operations", SET),
        ro("current_operations", MAP),
        rw("guest_agent_config", MAP).by(Role::PoolAdmin),
        ro("cpu_info", MAP),
        rw("policy_no_vendor_device", BOOL),
        rw("live_patching_disabled", BOOL),
        rw("igmp_snooping_enabled", BOOL),
        rw("uefi_certificates", STR).by(Role::PoolAdmin),
        rw("custom_uefi_certificates", STR).by(Role::PoolAdmin),
        rw("is_psr_pending", BOOL),
        ro("tls_verification_enabled", BOOL),
        rw("repositories", refs("Repository")),
        ro("client_certificate_auth_enabled", BOOL),
        ro("client_certificate_auth_name", STR),
        ro("repository_proxy_url", STR),
        ro("repository_proxy_username", STR),
        ro("repository_proxy_password", one("secret")),
        rw("migration_compression", BOOL),
        rw("coordinator_bias", BOOL).or(Preset::Bool(true)),
        rw("local_auth_max_threads", INT).or(Preset::Int(8)),
        rw("ext_auth_max_threads", INT).or(Preset::Int(1)),
        rw("ext_auth_cache_enabled", BOOL).or(Preset::Bool(true)),
        rw("ext_auth_cache_size", INT).or(Preset::Int(50)),
        rw("ext_auth_cache_expiry", INT).or(Preset::Int(300)),
        ro("telemetry_uuid", one("secret")),
        ro("telemetry_frequency", STR).or(Preset::Str("weekly")),
        rw("telemetry_next_collection", DATE).by(Role::PoolAdmin),
        ro("last_update_sync", DATE),
        ro("update_sync_frequency", STR).or(Preset::Str("weekly")),
        ro("update_sync_day", INT),
        rw("update_sync_enabled", BOOL),
        ro("recommendations", MAP),
        rw("license_server", MAP),
        rw("ha_reboot_vm_on_internal_shutdown", BOOL).or(Preset::Bool(true)),
        rw("limit_console_sessions", BOOL),
        rw("vm_console_idle_timeout", INT),
        rw("auto_update_vm_secureboot_certificates", BOOL),
    ],
);

pub(super) const POOL_PATCH: ClassDef = class(
    "pool_patch",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name_label", STR),
        ro("name_description", STR),
        ro("version", STR),
        ro("size", INT),
        ro("pool_applied", BOOL),
        ro("host_patches", refs("host_patch")).of("host_patch", "pool_patch"),
        ro("after_apply_guidance", SET),
        ro("pool_update", one("pool_update")),
        rw("other_config", MAP),
    ],
);

pub(super) const POOL_UPDATE: ClassDef = class(
    "pool_update",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name_label", STR),
        ro("name_description", STR),
        ro("version", STR),
        ro("installation_size", INT),
        ro("key", STR),
        ro("after_apply_guidance", SET),
        ro("vdi", one("VDI")),
        ro("hosts", refs("host")),
        rw("other_config", MAP),
        ro("enforce_homogeneity", BOOL),
    ],
);

pub(super) const REPOSITORY: ClassDef = class(
    "Repository",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("binary_url", STR),
        ro("source_url", STR),
        ro("update", BOOL),
        ro("hash", STR),
        ro("up_to_date", BOOL),
        rw("gpgkey_path", STR),
        ro("origin", STR).or(Preset::Str("remote")),
        ro("certificate", STR),
    ],
);

pub(super) const CERTIFICATE: ClassDef = class(
    "Certificate",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name", STR),
        ro("type", STR).or(Preset::Str("host")),
        ro("host", one("host")),
        ro("not_before", DATE),
        ro("not_after", DATE),
        ro("fingerprint", STR),
        ro("fingerprint_sha256", STR),
        ro("fingerprint_sha1", STR),
        ro("purpose", SET),
    ],
);

pub(super) const FEATURE: ClassDef = class(
    "Feature",
    Role::PoolOperator,
    &[
        ro("uuid", STR),
        ro("name_label", STR),
        ro("name_description", STR),
        ro("enabled", BOOL),
        ro("experimental", BOOL),
        ro("version", STR).or(Preset::Str("1.0")),
        ro("host", one("host")),
    ],
);

pub(super) const SDN_CONTROLLER: ClassDef = class(
    "SDN_controller",
    Role::PoolOperator,
    &[ro("uuid", STR), ro("protocol", STR).or(Preset::Str("ssl")), ro("address", STR), ro("port", INT)],
);

pub(super) const OBSERVER: ClassDef = class(
    "Observer",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        rw("hosts", refs("host")),
        rw("attributes", MAP),
        rw("endpoints", SET),
        rw("components", SET),
        rw("enabled", BOOL),
    ],
);

pub(super) const CALLER: ClassDef = class(
    "Caller",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("user_agent", STR),
        ro("client_ip", STR),
        ro("last_access", DATE),
        ro("groups", SET),
        ro("rate_limit", one("Rate_limit")),
        ro("auto_registered", BOOL),
    ],
);

pub(super) const RATE_LIMIT: ClassDef = class(
    "Rate_limit",
    Role::PoolAdmin,
    &[
        ro("uuid", STR),
        rw("name_label", STR),
        rw("name_description", STR),
        ro("callers", refs("Caller")),
        rw("burst_size", FLOAT),
        rw("fill_rate", FLOAT),
    ],
);

pub(super) const DIAGNOSTICS: ClassDef = class("Diagnostics", Role::PoolOperator, &[]).no_table();
