//! Memory in pages of 4 KB, where nobody here has use for more.
//!
//! The allocator asks the system for huge pages, and a gateway without models touches a little of many of them: 50 MB that
//! nobody needs. The weights of a model are read faster from huge pages, so that a process that serves models keeps them.

#[cfg(target_os = "linux")]
pub(super) fn prefer() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "huge pages stay as the system has them");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn prefer() {}
