//! Whether there is AMX, the matrix unit of Intel's server processors.

use std::sync::OnceLock;

/// Whether the processor has AMX for bytes and the system lets this process use it.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_instructions() && permitted())
}

fn has_instructions() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    #[target_feature(enable = "xsave")]
    fn enabled_states() -> u64 {
        // SAFETY: this function's features are those of the instruction.
        unsafe { _xgetbv(0) }
    }
    // Both states of tiles, as the system keeps them.
    const TILES: u64 = 3 << 17;
    let (tile, int8) = (1 << 24, 1 << 25);
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & (1 << 27) == 0 {
        return false;
    }
    // SAFETY: the system has enabled XSAVE, which is asked for just above.
    let enabled = unsafe { enabled_states() };
    __cpuid_count(7, 0).edx & (tile | int8) == tile | int8 && enabled & TILES == TILES
}

/// Linux gives the large registers only to a process that asks.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_ulong = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers and changes nothing but this permission.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}
