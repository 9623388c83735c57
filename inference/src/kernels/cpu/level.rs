//! Which instruction set the kernels run on, found once at run time.

use std::sync::OnceLock;

use super::vector::{Portable, Vector};
#[cfg(target_arch = "x86_64")]
use super::{vector_avx2::Avx2, vector_avx512::Avx512};

/// An instruction set that this machine is known to have: values come only from detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// AVX-512 and AMX.
    #[cfg(target_arch = "x86_64")]
    Amx,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Level {
    /// The best level of this machine.
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Every level of this machine, best first. Never empty: portable code runs everywhere.
    pub fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
            let avx512 = avx2 && is_x86_feature_detected!("avx512f");
            if avx512 && super::amx::is_available() {
                levels.push(Self(Kind::Amx));
            }
            if avx512 {
                levels.push(Self(Kind::Avx512));
            }
            if avx2 {
                levels.push(Self(Kind::Avx2));
            }
        }
        levels.push(Self(Kind::Portable));
        levels
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => "amx",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            Kind::Portable => "portable",
        }
    }

    /// Whether there are units that multiply small matrices, beside those for vectors.
    pub(super) fn has_matrix_units(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return self.0 == Kind::Amx;
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Runs `kernel` compiled for this level.
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: a `Level` of this kind exists only where detection found the features.
            #[cfg(target_arch = "x86_64")]
            Kind::Amx | Kind::Avx512 => unsafe { run_avx512(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { run_avx2(kernel) },
            // SAFETY: portable code asks nothing of the processor.
            Kind::Portable => unsafe { kernel.run::<Portable>() },
        }
    }
}

/// A computation that is generic over the vector type; the idea is that of the `pulp` crate.
///
/// `run` must be `#[inline(always)]`, so that its body is compiled with the caller's features.
pub(super) trait Kernel {
    type Output;

    /// # Safety
    /// The processor has the features of `V`.
    unsafe fn run<V: Vector>(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function can only be reached with the features of `Avx512` present.
    unsafe { kernel.run::<Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function can only be reached with the features of `Avx2` present.
    unsafe { kernel.run::<Avx2>() }
}
