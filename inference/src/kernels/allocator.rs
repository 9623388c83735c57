//! How the allocator treats large buffers.

/// Tensors of any size worth speaking of; few enough of them that the system's limit of mappings is far.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE_BYTES: libc::c_int = 4 << 20;

/// Lets every large buffer have a mapping of its own, so that its memory is back with the system as soon as it is
/// dropped. Left to itself, glibc soon serves buffers of up to 32 MiB from its heaps: what weights were read into then
/// stays between what they were packed into, a tenth of a model's size.
pub fn return_large_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` takes no pointers and only changes how later requests are served; glibc guards it with a lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES);
    }
}
