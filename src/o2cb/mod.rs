//! The o2cb cluster stack of ocfs2, as the kernel of a host runs it.

pub mod live;
pub mod margin;
