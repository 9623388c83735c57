//! Products of small matrices of bytes on AMX, the matrix unit of Intel's server processors.
//!
//! The compiler's intrinsics for it are not stable yet, so instructions are written out. A thread
//! that has called [`configure`] calls [`release`] before it does anything else with AMX.

use std::arch::asm;
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
    // Tiles, and products of bytes.
    const WANTED: u32 = 1 << 24 | 1 << 25;
    if __cpuid(0).eax < 7 || __cpuid(1).ecx & (1 << 27) == 0 {
        return false;
    }
    // SAFETY: the system has enabled XSAVE, which is asked for just above.
    let enabled = unsafe { enabled_states() };
    __cpuid_count(7, 0).edx & WANTED == WANTED && enabled & TILES == TILES
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

/// What each tile is, as the processor reads it.
#[repr(C, align(64))]
pub(super) struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Configuration {
    /// Without any tile.
    pub(super) const fn none() -> Self {
        Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] }
    }

    /// With a tile of up to sixteen rows of up to 64 bytes.
    pub(super) const fn with(mut self, tile: usize, rows: usize, bytes: usize) -> Self {
        self.rows[tile] = rows as u8;
        self.row_bytes[tile] = bytes as u16;
        self
    }

    /// Makes this thread's tiles so.
    ///
    /// # Safety
    /// [`is_available`].
    pub(super) unsafe fn load(&self) {
        // SAFETY: the configuration is 64 bytes of a valid one; the caller vouches for the instruction.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const *self, options(nostack, readonly, preserves_flags)) };
    }
}

/// Products that are under way at once.
pub(super) const UNDER_WAY: usize = 4;

/// Makes room for products of `rows` rows of inputs over `steps` values.
///
/// # Safety
/// [`is_available`]; `steps` is a multiple of four up to 64, `rows` from 1 to 16.
pub(super) unsafe fn configure(rows: usize, steps: usize) {
    let sums = (0..UNDER_WAY).fold(Configuration::none(), |tiles, tile| tiles.with(tile, rows, 64));
    // SAFETY: passed on to the caller.
    unsafe { sums.with(6, rows, steps).with(7, steps / 4, 64).load() };
}

/// Gives the tiles up: without them a switch of threads is cheaper.
///
/// # Safety
/// [`is_available`].
pub(super) unsafe fn release() {
    // SAFETY: the caller vouches for the instruction.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
}

/// Inputs row by row, weights four steps by four, and how far their rows are apart in bytes.
#[derive(Clone, Copy)]
pub(super) struct Operands {
    pub inputs: *const i8,
    pub input_stride: usize,
    pub weights: *const u8,
    pub weight_stride: usize,
}

/// Begins product `index`, in place of the one [`UNDER_WAY`] before.
///
/// # Safety
/// [`configure`] was called by this thread; inputs and weights have the rows and steps told there.
#[inline(always)]
pub(super) unsafe fn multiply(index: usize, operands: Operands) {
    let Operands { inputs, input_stride, weights, weight_stride } = operands;
    macro_rules! into {
        ($tile:literal) => {
            // SAFETY: the caller vouches for the memory and the configuration.
            unsafe {
                asm!(
                    concat!("tilezero ", $tile),
                    "tileloadd tmm6, [{inputs} + {input_stride}*1]",
                    "tileloadd tmm7, [{weights} + {weight_stride}*1]",
                    concat!("tdpbssd ", $tile, ", tmm6, tmm7"),
                    inputs = in(reg) inputs, input_stride = in(reg) input_stride,
                    weights = in(reg) weights, weight_stride = in(reg) weight_stride,
                    out("tmm6") _, out("tmm7") _,
                    options(nostack, readonly),
                )
            }
        };
    }
    match index % UNDER_WAY {
        0 => into!("tmm0"),
        1 => into!("tmm1"),
        2 => into!("tmm2"),
        _ => into!("tmm3"),
    }
}

/// Writes product `index`, `sums[row][column]`. It can be read only some time later.
///
/// # Safety
/// As [`multiply`], and that was called for the product; `sums` has as many rows of sixteen.
#[inline(always)]
pub(super) unsafe fn store(index: usize, sums: *mut i32) {
    macro_rules! from {
        ($tile:literal) => {
            // SAFETY: the caller vouches for the memory and the configuration.
            unsafe {
                asm!(
                    concat!("tilestored [{sums} + {stride}*1], ", $tile),
                    sums = in(reg) sums, stride = in(reg) 64_usize, options(nostack),
                )
            }
        };
    }
    match index % UNDER_WAY {
        0 => from!("tmm0"),
        1 => from!("tmm1"),
        2 => from!("tmm2"),
        _ => from!("tmm3"),
    }
}
