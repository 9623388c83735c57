//! What the fuzzer has seen, without any value.

use std::collections::BTreeMap;

/// A value that got out, described so that it can be made again.
#[derive(Debug, Clone)]
pub struct Leak {
    pub number: usize,
    pub fault: &'static str,
    pub route: String,
    pub position: &'static str,
    pub kind: &'static str,
    pub disguise: &'static str,
    pub why: &'static str,
}

#[derive(Default)]
pub struct Tally {
    requests: usize,
    sent: usize,
    pub leaks: Vec<Leak>,
    /// Of canonical kinds, by kind: values, and how many got out.
    canonical: BTreeMap<&'static str, (usize, usize)>,
    /// The same of the others.
    measured: BTreeMap<&'static str, (usize, usize)>,
}

/// Leaks that are told in full.
const MAX_TOLD: usize = 40;

impl Tally {
    pub fn count(&mut self, was_sent: bool) {
        self.requests += 1;
        self.sent += usize::from(was_sent);
    }

    pub fn leak(&mut self, what: &Leak, why: &'static str) {
        self.leaks.push(Leak { why, ..what.clone() });
    }

    pub fn value(&mut self, what: &Leak, is_canonical: bool, is_out: bool) {
        let kinds = if is_canonical { &mut self.canonical } else { &mut self.measured };
        let (values, out) = kinds.entry(what.kind).or_default();
        *values += 1;
        *out += usize::from(is_out);
        if is_canonical && is_out {
            self.leak(what, "a canonical value went out");
        }
    }

    pub fn sent_share(&self) -> f64 {
        self.sent as f64 / self.requests as f64
    }

    /// Of the kinds that are only measured: the share that did not get out.
    pub fn recall(&self) -> f64 {
        let (values, out) = self.measured.values().fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
        1.0 - out as f64 / values.max(1) as f64
    }

    pub fn explained(&self) -> String {
        let told = self.leaks.iter().take(MAX_TOLD).map(|leak| {
            let Leak { number, fault, route, position, kind, disguise, why } = leak;
            format!("\n#{number}: {why}: {kind} as {disguise} in {position} to {route}, fault: {fault}")
        });
        format!("{} leaks{}", self.leaks.len(), told.collect::<String>())
    }

    /// The measured recall, for whoever runs it.
    pub fn report(&self, seed: u64) {
        eprintln!("seed {seed}: {} requests, {} went out, {} leaks", self.requests, self.sent, self.leaks.len());
        for (name, kinds) in [("canonical", &self.canonical), ("measured", &self.measured)] {
            for (kind, (values, out)) in kinds {
                eprintln!("  {name} {kind}: {out} of {values} got out");
            }
        }
        eprintln!("  measured recall {:.3}", self.recall());
    }
}
