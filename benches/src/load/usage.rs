//! What the processes that are measured used of the machine, from `/proc`.

use std::fs;
use std::time::Duration;

/// Processes and what they started.
#[derive(Clone, Debug, Default)]
pub struct Processes(Vec<u32>);

/// Processor time since they began, and memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub resident_bytes: u64,
    pub peak_bytes: u64,
}

impl Processes {
    /// `roots` and all that descends from them now.
    pub fn tree(roots: &[u32]) -> Self {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|process| Some((process, stat(process)?.get(1)?.parse().ok()?)))
            .collect();
        let mut found = roots.to_vec();
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            let children = parents.iter().filter(|(_, its)| *its == parent).map(|(process, _)| *process);
            let new: Vec<u32> = children.filter(|process| !found.contains(process)).collect();
            found.extend(new);
            at += 1;
        }
        Self(found)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn usage(&self) -> Usage {
        let mut sum = Usage::default();
        for process in &self.0 {
            let ticks: u64 = stat(*process).map_or(0, |fields| number(&fields, 11) + number(&fields, 12));
            sum.cpu += Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64);
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            sum.resident_bytes += kilobytes(&status, "VmRSS:") << 10;
            sum.peak_bytes += kilobytes(&status, "VmHWM:") << 10;
        }
        sum
    }
}

/// The fields of `/proc/PID/stat` behind the name, which may hold anything: the state is the first of them.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_ascii_whitespace().map(str::to_owned).collect())
}

fn number(fields: &[String], at: usize) -> u64 {
    fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn kilobytes(status: &str, key: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_its_children_are_seen() {
        let own = std::process::id();
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let tree = Processes::tree(&[own]);
        assert!(tree.0.contains(&own) && tree.0.contains(&child.id()), "{tree:?}");
        let before = Processes::tree(&[own]).usage().cpu;
        let mut sum = 0_u64;
        while tree.usage().cpu.saturating_sub(before) < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(tree.usage().resident_bytes > 1 << 20);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
