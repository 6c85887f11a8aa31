//! XenAPI error codes as a type, and what each means in plain words.
//!
//! Only the codes that operators of hosts, storage and clusters meet; every other one is kept as it is (xapi has more than
//! 600, and declared parameter lists are documentation, not law). Source: xapi's `api_errors.ml`.

use std::fmt;

/// Declares [`Code`] and its table: variant, wire name, meaning, what to do. `{0}` is the first parameter.
macro_rules! codes {
    ($($variant:ident $wire:literal $means:literal $todo:literal;)*) => {
        /// A XenAPI error code.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is the xapi code of that name")]
        pub enum Code {
            $($variant,)*
            /// One that this version has no words for.
            Other(Box<str>),
        }

        impl From<&str> for Code {
            fn from(wire: &str) -> Self {
                match wire {
                    $($wire => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        impl Code {
            /// The code as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(code) => code,
                }
            }

            /// What it means and what to do, with `{0}`, `{1}` … for its parameters. `None` if there are no words for it.
            pub(super) const fn words(&self) -> Option<(&'static str, &'static str)> {
                match self {
                    $(Self::$variant => Some(($means, $todo)),)*
                    Self::Other(_) => None,
                }
            }

            /// Every code that there are words for.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];
        }
    };
}

codes! {
    // Sessions and rights
    SessionAuthenticationFailed "SESSION_AUTHENTICATION_FAILED"
        "the user name or the password is wrong"
        "Check both, then try again; a pool answers a wrong password only after some seconds.";
    SessionAuthorizationFailed "SESSION_AUTHORIZATION_FAILED"
        "the user is known but has no role in this pool"
        "Ask a pool administrator to give the user a role; read-only is enough to watch.";
    SessionInvalid "SESSION_INVALID"
        "the session has ended: the coordinator restarted, it was idle for a day, or someone logged it out"
        "Log in again.";
    RbacPermissionDenied "RBAC_PERMISSION_DENIED"
        "this user's role does not allow it ({0})"
        "Use a user with a higher role, or ask a pool administrator.";
    UserIsNotLocalSuperuser "USER_IS_NOT_LOCAL_SUPERUSER"
        "only root of the host may do this"
        "Log in as root.";
    // Coordinator and members
    HostIsSlave "HOST_IS_SLAVE"
        "this host is a member; the pool's coordinator is at {0}"
        "Connect to {0}.";
    HostStillBooting "HOST_STILL_BOOTING"
        "the host's toolstack is still starting"
        "Wait a minute or two.";
    HostMasterCannotTalkBack "HOST_MASTER_CANNOT_TALK_BACK"
        "the host is in emergency mode: it reaches the coordinator, but the coordinator cannot reach it at {0}"
        "Check the management network and firewall between the two.";
    HostUnknownToMaster "HOST_UNKNOWN_TO_MASTER"
        "the host is in emergency mode: the coordinator does not know it ({0})"
        "Check which coordinator it points at (xe pool-emergency-reset-master); it may have been ejected.";
    HostItsOwnSlave "HOST_ITS_OWN_SLAVE"
        "the host is in emergency mode: it is a member that points at itself"
        "Point it at the coordinator with xe pool-emergency-reset-master.";
    HostHasNoManagementIp "HOST_HAS_NO_MANAGEMENT_IP"
        "the host has no management address"
        "Repair its management interface from its console.";
    HostInEmergencyMode "HOST_IN_EMERGENCY_MODE"
        "the host is in emergency mode: it cannot reach its coordinator"
        "Bring the coordinator back, or make another host the coordinator.";
    HostBroken "HOST_BROKEN"
        "the host is in emergency mode and did not finish starting"
        "Read /var/log/xensource.log on it.";
    HostXapiVersionHigherThanCoordinator "HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR"
        "the host runs a newer version ({0}) than the coordinator"
        "Update the coordinator first.";
    // Hosts
    CannotContactHost "CANNOT_CONTACT_HOST"
        "the coordinator cannot reach host {0}"
        "Check that the host is up and its management network works; if it is dead, the pool says so itself after its time-out.";
    HostOffline "HOST_OFFLINE"
        "host {0} is off, or the pool holds it for dead"
        "Start the host, or wait until it is back.";
    HostNotLive "HOST_NOT_LIVE"
        "the host is not live"
        "Start the host, or wait until it is back.";
    HostIsLive "HOST_IS_LIVE"
        "host {0} is live"
        "Declaring it dead is not needed.";
    HostNotDisabled "HOST_NOT_DISABLED"
        "the host is still enabled"
        "Disable it (maintenance mode) first, so that no VM starts on it meanwhile.";
    HostDisabled "HOST_DISABLED"
        "host {0} is disabled"
        "Enable it, or choose another host.";
    HostDisabledUntilReboot "HOST_DISABLED_UNTIL_REBOOT"
        "host {0} stays disabled until it is rebooted"
        "Reboot it.";
    HostDisabledIndefinitely "HOST_DISABLED_INDEFINITELY"
        "host {0} was disabled by someone and stays so, also after a reboot"
        "Ask who disabled it, then enable it.";
    HostInUse "HOST_IN_USE"
        "host {0} is still in use by {1} {2}"
        "Move or shut down what runs on it.";
    HostHasResidentVms "HOST_HAS_RESIDENT_VMS"
        "VMs still run on host {0}"
        "Move or shut them down.";
    HostEvacuateInProgress "HOST_EVACUATE_IN_PROGRESS"
        "host {0} is being evacuated"
        "Wait until it is done.";
    HostEvacuationIsRequired "HOST_EVACUATION_IS_REQUIRED"
        "VMs still run on host {0}"
        "Evacuate it first.";
    HostEvacuateVmNotHaProtected "HOST_EVACUATE_VM_NOT_HA_PROTECTED"
        "VM {0} would be left behind: high availability does not protect it"
        "Move it by hand or shut it down.";
    HostNotEnoughFreeMemory "HOST_NOT_ENOUGH_FREE_MEMORY"
        "no other host has enough free memory ({0} needed, {1} free)"
        "Shut down or shrink VMs elsewhere.";
    NoHostsAvailable "NO_HOSTS_AVAILABLE"
        "no host can take VM {0}: too little memory, or its storage or network is not there"
        "Check where its disks and networks are available.";
    CannotEvacuateHost "CANNOT_EVACUATE_HOST"
        "the host cannot be emptied: {0}"
        "Deal with the VMs that are named.";
    HostPendingMandatoryGuidanceNotEmpty "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY"
        "an update on host {0} demands a step that was not taken yet (usually a reboot)"
        "Do what the host's pending guidance says, then enable it.";
    HostPowerOnModeDisabled "HOST_POWER_ON_MODE_DISABLED"
        "the host cannot be switched on from afar"
        "Switch it on by hand, or set up its power-on mode.";
    // Storage and clusters
    ClusteredSrDegraded "CLUSTERED_SR_DEGRADED"
        "the clustered storage {0} is being repaired, or another host of it is away"
        "Wait until the rebuild has ended and every host of that storage is back.";
    MirrorRebuildInProgress "MIRROR_REBUILD_IN_PROGRESS"
        "mirrors of the storage {0} are being rebuilt; another host going down now would lose data"
        "Wait until the rebuild has ended.";
    NoClusterHostsReachable "NO_CLUSTER_HOSTS_REACHABLE"
        "no host of the storage cluster can be reached"
        "Check the cluster network.";
    NoCompatibleClusterHost "NO_COMPATIBLE_CLUSTER_HOST"
        "host {0} is not in the storage cluster that this storage needs"
        "Add it to the cluster first.";
    ClusteringDisabled "CLUSTERING_DISABLED"
        "clustering is off on this host"
        "Enable its Cluster_host.";
    ClusterHostNotJoined "CLUSTER_HOST_NOT_JOINED"
        "the host has not joined the storage cluster"
        "Check the cluster network, then enable its Cluster_host.";
    IncompatibleClusterStackActive "INCOMPATIBLE_CLUSTER_STACK_ACTIVE"
        "this storage needs the cluster stack {0}, and high availability is on with another one"
        "Disable HA, plug the storage, then enable HA again: it takes the stack that the storage needs. Storage that needs different stacks cannot share a pool.";
    IncompatibleStatefileSr "INCOMPATIBLE_STATEFILE_SR"
        "the cluster stack of this pool and the storage chosen for the HA statefile do not fit (the pool names the type {0})"
        "Choose the storage that demands the stack (e.g. type ocfs2 for o2cb, gfs2 for corosync) as heartbeat SR; a pool as designed names the type that is needed, xapi as shipped the one that was offered.";
    UnknownClusterStack "UNKNOWN_CLUSTER_STACK"
        "the cluster stack {0} is not installed on the pool's hosts"
        "Check how the name is written. If it is right, install the stack's software on every host: it belongs in the folder of its name below cluster-stack-root (/usr/libexec/xapi/cluster-stack). Or leave the choice to the pool.";
    ClusterStackConstraint "CLUSTER_STACK_CONSTRAINT"
        "{0} is in use and demands the cluster stack {1}, not the one that was asked for"
        "Enable HA with that stack or without naming one; to use another, unplug that storage on every host first.";
    ClusterStackInUse "CLUSTER_STACK_IN_USE"
        "storage that needs the cluster stack {0} is still plugged on this host"
        "Bring the host into maintenance mode: move its VMs away and unplug that storage there. A host that left the cluster with its storage plugged would lose it at once.";
    ClusterNodeIdTooHigh "CLUSTER_NODE_ID_TOO_HIGH"
        "cluster {0} has no node number left for another host ({1} numbers are held: {2})"
        "A number stays held after its host left, until every host of the cluster has been restarted and nobody remembers it. Reboot them one after the other, then try again.";
    MembershipAlreadyExists "MEMBERSHIP_ALREADY_EXISTS"
        "host {0} is a member of the cluster {1} already"
        "Nothing to do: it has its node number. If its storage does not plug, look whether its o2cb runs (poolwatch o2cb query on the host).";
    MembershipDoesNotExist "MEMBERSHIP_DOES_NOT_EXIST"
        "host {0} is not a member of the cluster {1}"
        "Nothing to take out. If the host was to use clustered storage, make it a member first (Membership.create), then plug the storage.";
    JoiningHostConnectionFailed "JOINING_HOST_CONNECTION_FAILED"
        "the joining host cannot reach the coordinator of the pool that it was to join"
        "Check the address, and the management network between the two.";
    JoiningHostCannotBeMasterOfOtherHosts "JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS"
        "the host that was to join is in a pool with other hosts already"
        "Take it out of that pool first (pool.eject, which wipes its local storage), or join its other hosts one by one.";
    JoiningHostCannotHaveRunningVms "JOINING_HOST_CANNOT_HAVE_RUNNING_VMS"
        "VMs run on the host that was to join"
        "Shut them down or move them away first.";
    JoiningHostCannotContainSharedSrs "JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS"
        "the host that was to join has shared storage of its own"
        "Detach and forget it on that host; it can be attached to the pool afterwards.";
    HostsNotHomogeneous "HOSTS_NOT_HOMOGENEOUS"
        "the host and the pool differ: {0}"
        "Bring both to the same version and updates first.";
    SrHasNoPbds "SR_HAS_NO_PBDS"
        "no host is connected to the storage {0}"
        "Connect (plug) it on a host.";
    SrNotAttached "SR_NOT_ATTACHED"
        "the storage {0} is not attached"
        "Plug it first.";
    VdiInUse "VDI_IN_USE"
        "disks on the storage are in use ({0})"
        "Shut down or move the VMs that use them.";
    // High availability
    HaOperationWouldBreakFailoverPlan "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"
        "with this host gone, high availability could no longer restart all protected VMs"
        "Free memory elsewhere, lower the number of failures to tolerate, or protect fewer VMs.";
    HaConstraintViolationSrNotShared "HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED"
        "high availability needs the storage {0} on every host"
        "Plug it everywhere, or unprotect the VMs on it.";
    HaConstraintViolationNetworkNotShared "HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED"
        "high availability needs the network {0} on every host"
        "Connect it everywhere, or unprotect the VMs on it.";
    HaIsEnabled "HA_IS_ENABLED"
        "high availability is on"
        "Disable it for this step.";
    HaNotEnabled "HA_NOT_ENABLED"
        "high availability is off"
        "Nothing to disable.";
    HaHostIsArmed "HA_HOST_IS_ARMED"
        "host {0} is still armed by high availability and may fence itself"
        "Disable high availability, or disarm the host first.";
    HaLostStatefile "HA_LOST_STATEFILE"
        "the host cannot reach the high-availability statefile"
        "Check its storage paths at once; without it the pool lives on its heartbeat network alone.";
    HaShouldBeFenced "HA_SHOULD_BE_FENCED"
        "host {0} should be dead by high availability's rules"
        "Check whether it still runs VMs before doing anything else.";
    HaTooFewHosts "HA_TOO_FEW_HOSTS"
        "too few hosts are live for high availability"
        "Bring hosts back.";
    // VMs
    VmBadPowerState "VM_BAD_POWER_STATE"
        "{0} is {2}, but has to be {1} for this"
        "Bring it into that state (a paused VM: resume it, or shut it down).";
    VmRequiresSr "VM_REQUIRES_SR"
        "VM {0} needs the storage {1}, which is not available there"
        "Plug that storage on the other hosts, or shut the VM down.";
    VmRequiresNet "VM_REQUIRES_NET"
        "VM {0} needs the network {1}, which is not available there"
        "Connect that network on the other hosts, or shut the VM down.";
    VmMissingPvDrivers "VM_MISSING_PV_DRIVERS"
        "VM {0} has no guest tools and cannot be moved while it runs"
        "Install them, or shut the VM down.";
    VmHasPciAttached "VM_HAS_PCI_ATTACHED"
        "VM {0} uses a PCI device of its host and cannot be moved"
        "Shut it down for the time being.";
    VmHasVgpu "VM_HAS_VGPU"
        "VM {0} uses a virtual GPU and cannot be moved"
        "Shut it down for the time being.";
    VmIncompatibleWithThisHost "VM_INCOMPATIBLE_WITH_THIS_HOST"
        "VM {0} cannot run on host {1}: {2}"
        "Choose another host, or shut it down.";
    VmLacksFeature "VM_LACKS_FEATURE"
        "VM {0} does not answer to this"
        "Install or repair its guest tools, or do it inside the guest.";
    // Operations
    OtherOperationInProgress "OTHER_OPERATION_IN_PROGRESS"
        "something else is being done to {0} {1} ({2})"
        "Wait until it is done, or find its task and cancel it.";
    OperationNotAllowed "OPERATION_NOT_ALLOWED"
        "the pool does not allow it now: {0}"
        "Deal with the reason that is given.";
    OperationBlocked "OPERATION_BLOCKED"
        "someone has blocked this operation on {0} ({1})"
        "Ask who did, then remove the block.";
    NotSupportedDuringUpgrade "NOT_SUPPORTED_DURING_UPGRADE"
        "not possible while the pool's hosts run different versions"
        "Finish the rolling upgrade first.";
    LicenceRestriction "LICENCE_RESTRICTION"
        "the pool's licence does not include this ({0})"
        "Nothing to do here without another licence.";
    FeatureRestricted "FEATURE_RESTRICTED"
        "the pool's licence does not include this"
        "Nothing to do here without another licence.";
    TaskCancelled "TASK_CANCELLED"
        "the task was cancelled"
        "Start it again if that was not meant.";
    TooManyPendingTasks "TOO_MANY_PENDING_TASKS"
        "the pool has too many unfinished tasks"
        "Wait, or cancel some.";
    MapDuplicateKey "MAP_DUPLICATE_KEY"
        "the key {3} is there already"
        "Someone else has set it: look before you remove it.";
    // Updates
    ApplyUpdatesFailed "APPLY_UPDATES_FAILED"
        "installing updates on {0} failed"
        "Read /var/log/xensource.log on that host.";
    ApplyUpdatesInProgress "APPLY_UPDATES_IN_PROGRESS"
        "updates are being installed"
        "Wait until that is done.";
    UpdateinfoHashMismatch "UPDATEINFO_HASH_MISMATCH"
        "the updates have changed since they were looked at"
        "Look again, then start again.";
    NoRepositoryEnabled "NO_REPOSITORY_ENABLED"
        "the pool has no update repository switched on"
        "Enable one.";
    // Storage backend, objects, protocol
    SrBackendFailure "SR_BACKEND_FAILURE"
        "the storage driver failed: {1} {2}"
        "Read /var/log/SMlog on the host.";
    HandleInvalid "HANDLE_INVALID"
        "the {0} does not exist any more ({1})"
        "It was removed meanwhile; look again.";
    UuidInvalid "UUID_INVALID"
        "there is no {0} with the uuid {1}"
        "Check the uuid; the object may have been removed.";
    MessageMethodUnknown "MESSAGE_METHOD_UNKNOWN"
        "this pool's version does not know the call {0}"
        "It is older than this feature.";
    MessageRemoved "MESSAGE_REMOVED"
        "this pool's version no longer has this call"
        "It is newer than this feature.";
    MessageParameterCountMismatch "MESSAGE_PARAMETER_COUNT_MISMATCH"
        "the pool expects {1} parameters for {0}, not {2}"
        "Please report this.";
    EventFromTokenParseFailure "EVENT_FROM_TOKEN_PARSE_FAILURE"
        "the pool does not accept our place in its stream of events"
        "It is read afresh by itself.";
    EventsLost "EVENTS_LOST"
        "the pool lost track of our place in its stream of events"
        "It is read afresh by itself.";
    InternalError "INTERNAL_ERROR"
        "the pool's toolstack failed on this: {0}"
        "Read /var/log/xensource.log on the coordinator.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_as_it_is_written_and_has_words() {
        for code in Code::KNOWN {
            assert_eq!(&Code::from(code.as_str()), code);
            let (means, todo) = code.words().expect("words");
            assert!(!means.is_empty() && !means.ends_with('.'), "{code}");
            assert!(todo.ends_with('.'), "{code}");
        }
        let other = Code::from("SOMETHING_NEW");
        assert_eq!((other.as_str(), other.words()), ("SOMETHING_NEW", None));
    }
}
