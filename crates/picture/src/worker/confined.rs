//! Gives up, for good, what decoding does not need.
//!
//! On Linux: no file, no socket, no other process, by the kernel's own filter of calls; on every Unix bounds of memory
//! and time. Windows has a process of its own that is ended in time, and no more.

use std::io;

/// Most memory beside what the program itself takes.
#[cfg(unix)]
const MEMORY: u64 = 768 * 1024 * 1024;
/// Most seconds of a processor in the life of a worker; it is replaced long before.
#[cfg(unix)]
const SECONDS: u64 = 120;

#[cfg(not(unix))]
pub(super) fn enter() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn enter() -> io::Result<()> {
    use rustix::process::Resource;
    let own = own_memory();
    for (resource, most) in [
        (Resource::As, own + MEMORY),
        (Resource::Cpu, SECONDS),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
        (Resource::Nofile, 0),
    ] {
        // Not every Unix has each of them.
        match bound(resource, most) {
            Err(error) if cfg!(target_os = "linux") => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    filter()
}

#[cfg(unix)]
fn bound(resource: rustix::process::Resource, most: u64) -> io::Result<()> {
    let before = rustix::process::getrlimit(resource);
    let most = Some(before.maximum.map_or(most, |maximum| maximum.min(most)));
    Ok(rustix::process::setrlimit(resource, rustix::process::Rlimit { current: most, maximum: most })?)
}

/// What is mapped already: the program and its libraries.
#[cfg(unix)]
fn own_memory() -> u64 {
    let page = rustix::param::page_size() as u64;
    let pages = std::fs::read_to_string("/proc/self/statm");
    let pages = pages.ok().and_then(|line| line.split(' ').next()?.parse::<u64>().ok());
    pages.map_or(0, |pages| pages * page)
}

/// Every call but these is answered "not permitted".
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn filter() -> io::Result<()> {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let allowed = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let rules = allowed.into_iter().map(|call| (call, Vec::new())).collect();
    let program = std::env::consts::ARCH
        .try_into()
        .and_then(|arch| SeccompFilter::new(rules, denied, SeccompAction::Allow, arch))
        .and_then(BpfProgram::try_from)
        .map_err(io::Error::other)?;
    // A kernel without filters still has the bounds.
    let _ = seccompiler::apply_filter(&program);
    Ok(())
}

#[cfg(all(unix, not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))))]
#[allow(clippy::unnecessary_wraps, reason = "the same signature on every system")]
fn filter() -> io::Result<()> {
    Ok(())
}
