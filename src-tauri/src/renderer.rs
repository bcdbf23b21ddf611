//! How WebKitGTK draws.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Turns WebKit's DMA-BUF renderer off unless the person decided: it leaves windows blank with some drivers, and costs
/// 70 MiB with software rendering.
///
/// WebKit reads the environment, which a program can only change safely before it runs; so the program starts itself
/// anew in the same process, with the variable set.
pub(crate) fn choose() {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut again = Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let error = again.args(arguments).env(VARIABLE, "1").exec();
    // There is no log yet; the program works without it on most computers.
    eprintln!("cannot choose how WebKit draws: {error}");
}
