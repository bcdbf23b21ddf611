//! How WebKitGTK draws.

use std::env;

use gtk::glib;

const VARIABLE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Turns WebKit's DMA-BUF renderer off unless the person decided: it leaves windows blank with some drivers, and costs
/// 70 MiB with software rendering.
///
/// WebKit reads the environment, which a program can only change safely while it has one thread: to be called before there is
/// another.
pub(crate) fn choose() {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    if let Err(error) = glib::setenv(VARIABLE, "1", true) {
        // There is no log yet; the program works without it on most computers.
        complain!("cannot choose how WebKit draws: {error}");
    }
}
