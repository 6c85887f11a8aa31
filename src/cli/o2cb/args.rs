//! The arguments of `poolwatch o2cb`.

#![allow(rustdoc::broken_intra_doc_links, reason = "clap shows these texts as they stand, brackets and all")]

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `poolwatch o2cb`
#[derive(Clone, Debug, Args)]
pub struct O2cbArgs {
    /// The folder that is the host's root; another than / is never told to a service
    #[arg(long, value_name = "DIR", default_value = "/", global = true)]
    pub root: PathBuf,
    /// The cluster, where cluster.conf has several
    #[arg(long, value_name = "NAME", global = true)]
    pub cluster: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// What to do
    #[command(subcommand)]
    pub command: O2cbCommand,
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum O2cbCommand {
    /// How the cluster is: its hosts, what the running cluster does not know yet, what needs a restart
    ///
    /// Exit code 1 if something needs a restart or has to be registered.
    Query {
        /// Nodes that are alive, by number, where this folder cannot know (default: what the kernel says)
        #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
        alive: Option<Vec<u8>>,
    },
    /// What stands in cluster.conf: clusters, nodes, regions, numbers that are held
    Nodes,
    /// Look for everything that is wrong with cluster.conf
    ///
    /// Exit code 1 if the o2cb tool or the kernel would refuse it.
    Check {
        /// Another file than the one below the root
        file: Option<PathBuf>,
    },
    /// Make a cluster without hosts, or add heartbeat regions to one
    New {
        /// Its name: 1 to 16 letters and digits
        name: String,
        /// Uuid of an ocfs2 volume for the global heartbeat; best three, on different arrays
        #[arg(long, value_name = "UUID")]
        region: Vec<String>,
        /// Local heartbeat: on every volume that is mounted; then hosts can join only while it is offline
        #[arg(long, conflicts_with = "region")]
        local: bool,
    },
    /// Add a host to the cluster (Membership.create)
    #[command(visible_alias = "create")]
    Add(AddArgs),
    /// Comment a host out of the cluster (Membership.destroy); it counts after a restart
    #[command(visible_alias = "destroy")]
    Remove {
        /// Its name, its node number or its uuid
        #[arg(value_name = "HOST")]
        who: String,
    },
    /// Free the number of a host that left, once every node has restarted since
    Forget {
        /// The node number
        number: u8,
        /// When a node last started, such as xs0=20261121T09:00:00Z; for every node
        #[arg(long, value_name = "NODE=TIME", required_unless_present = "all_restarted")]
        started: Vec<String>,
        /// I know that every node has restarted since
        #[arg(long, conflicts_with = "started")]
        all_restarted: bool,
    },
    /// Attach the heartbeat's volume, let o2cb start with the host, bring the cluster online
    Start {
        /// Uuid of the VDI for the heartbeat, where it cannot be found
        #[arg(long, value_name = "UUID")]
        statefile: Option<String>,
    },
    /// Take the cluster offline, and let nothing of it start with the host
    Stop,
    /// Who would die if something failed now (without --fault: for every single thing that can)
    WhoWouldDie {
        /// host:NODE, link:NODE, pair:NODE,NODE, disk:NODE[,REGION], region:REGION or storage; behind it `!` for I/O errors instead of a
        /// stall. Several fail together
        #[arg(long, value_name = "FAULT")]
        fault: Vec<String>,
        /// Nodes that are alive, by number (default: what the kernel says, else all)
        #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
        alive: Option<Vec<u8>>,
        /// The kernels are older than 4.7: hosts that hang together do not agree to wait
        #[arg(long)]
        old_kernel: bool,
    },
    /// Compare the cluster.conf of several hosts, by hash and by meaning
    ///
    /// Exit code 1 if they differ.
    #[command(visible_alias = "diff")]
    Compare {
        /// The files, each HOST=FILE or FILE; a folder stands for the cluster.conf below it
        #[arg(required = true, value_name = "HOST=FILE")]
        files: Vec<String>,
    },
}

/// `poolwatch o2cb add`
#[derive(Clone, Debug, Args)]
pub struct AddArgs {
    /// Its host name, as `uname -n` prints it there; a domain is cut off
    pub host: String,
    /// Its addresses on the storage network; the first in IPv4 is taken
    #[arg(required = true, value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// Its uuid in the pool
    #[arg(long, default_value = "", hide_default_value = true)]
    pub uuid: String,
    /// Its node number (default: the lowest that no node has or had)
    #[arg(long, value_name = "N")]
    pub number: Option<u32>,
    /// Its TCP port
    #[arg(long, value_name = "PORT", default_value_t = crate::o2cb::PORT)]
    pub port: u16,
    /// With local heartbeat: write the file although it counts only after all nodes went offline
    #[arg(long)]
    pub offline: bool,
    /// Also tell this host's running cluster of it (o2cb register-cluster)
    #[arg(long)]
    pub register: bool,
}
