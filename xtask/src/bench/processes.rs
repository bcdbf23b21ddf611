//! What a program and everything that it started cost, from `/proc`: found by who is whose child, whatever their names.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Sub;

use anyhow::{Context, Result, ensure};

/// The clock of `/proc/*/stat`, in ticks a second: the same on every Linux that we run on.
const TICKS: f64 = 100.0;

/// A started program with all its descendants, and those of its process group that lost their parents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tree {
    root: u32,
}

/// What a tree has spent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spent {
    /// Seconds on a processor, of processes that ended too.
    pub(super) cpu: f64,
    /// How often a thread that lives now has waited and was woken.
    pub(super) wakeups: f64,
}

impl Sub for Spent {
    type Output = Spent;

    fn sub(self, earlier: Spent) -> Spent {
        Spent { cpu: self.cpu - earlier.cpu, wakeups: (self.wakeups - earlier.wakeups).max(0.0) }
    }
}

impl Tree {
    /// The tree of a process that leads its own group.
    pub(super) fn of(root: u32) -> Self {
        Self { root }
    }

    /// Proportional set size of all of it, each sharing shared pages with whoever else has them: MiB.
    pub(super) fn memory(self) -> Result<f64> {
        let kilobytes: f64 =
            self.processes().iter().filter_map(|process| field(*process, "smaps_rollup", "Pss:")).sum();
        ensure!(kilobytes > 0.0, "process {} has ended", self.root);
        Ok(kilobytes / 1024.0)
    }

    /// The most that its first process had in memory at once: MiB.
    pub(super) fn peak(self) -> Result<f64> {
        let kilobytes = field(self.root, "status", "VmHWM:");
        Ok(kilobytes.with_context(|| format!("process {} has ended", self.root))? / 1024.0)
    }

    /// What its first process has in memory now: MiB.
    pub(super) fn resident(self) -> Result<f64> {
        let kilobytes = field(self.root, "status", "VmRSS:");
        Ok(kilobytes.with_context(|| format!("process {} has ended", self.root))? / 1024.0)
    }

    /// What it has spent until now.
    pub(super) fn spent(self) -> Spent {
        let mut spent = Spent::default();
        for process in self.processes() {
            // Its own two and those of the children that it waited for.
            let ticks: u32 =
                stat(process).iter().skip(11).take(4).filter_map(|word| word.parse::<u32>().ok()).sum();
            spent.cpu += f64::from(ticks) / TICKS;
            let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
            let switches = threads.filter_map(|thread| {
                let thread = thread.file_name();
                field(
                    process,
                    &format!("task/{}/status", thread.to_string_lossy()),
                    "voluntary_ctxt_switches:",
                )
            });
            spent.wakeups += switches.sum::<f64>();
        }
        spent
    }

    /// The numbers of its processes.
    fn processes(self) -> BTreeSet<u32> {
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let all: Vec<Kin> = numbers.filter_map(Kin::of).collect();
        descendants(self.root, &all)
    }
}

/// Who is whose.
#[derive(Debug, Clone, Copy)]
struct Kin {
    number: u32,
    parent: u32,
    group: u32,
}

impl Kin {
    fn of(number: u32) -> Option<Self> {
        let stat = stat(number);
        let word = |place: usize| stat.get(place)?.parse().ok();
        Some(Self { number, parent: word(1)?, group: word(2)? })
    }
}

fn descendants(root: u32, all: &[Kin]) -> BTreeSet<u32> {
    let in_group = all.iter().filter(|kin| kin.number == root || kin.group == root);
    let mut found: BTreeSet<u32> = in_group.map(|kin| kin.number).collect();
    loop {
        let before = found.len();
        let children = all.iter().filter(|kin| found.contains(&kin.parent)).map(|kin| kin.number);
        let children: Vec<u32> = children.collect();
        found.extend(children);
        if found.len() == before {
            return found;
        }
    }
}

/// The words of a process's `stat` behind its name, which may hold blanks and brackets: its state first.
fn stat(process: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    rest.split_whitespace().map(str::to_owned).collect()
}

/// A number out of one of a process's files; none if it has ended meanwhile.
fn field(process: u32, file: &str, name: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grandchildren_and_orphans_of_the_group_belong_to_the_tree() {
        let kin = |number, parent, group| Kin { number, parent, group };
        let all =
            [kin(1, 0, 1), kin(10, 1, 10), kin(11, 10, 10), kin(13, 11, 13), kin(12, 1, 10), kin(20, 1, 20)];

        assert_eq!(descendants(10, &all), BTreeSet::from([10, 11, 12, 13]));
    }

    #[test]
    fn our_own_process_has_memory_and_has_spent_something() {
        let tree = Tree::of(std::process::id());

        assert!(tree.memory().unwrap() > 0.1);
        assert!(tree.peak().unwrap() > 0.1);
        assert!(tree.spent().wakeups >= 0.0);
    }
}
