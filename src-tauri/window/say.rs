//! Last words of a program that cannot start, in a dialog of the desktop's own toolkit where there is one.

/// Shows them until the person closes it.
#[cfg(target_os = "linux")]
pub(crate) fn say(title: &str, why: &str, hidden: bool) -> anyhow::Result<()> {
    use anyhow::Context;
    use gtk::prelude::{DialogExt, GtkWindowExt, WidgetExt};

    gtk::glib::set_prgname(Some("visionguard-desktop"));
    gtk::init().context("there is no screen to show anything on")?;
    let dialog = gtk::MessageDialog::builder()
        .title("VisionGuard")
        .message_type(gtk::MessageType::Error)
        .buttons(gtk::ButtonsType::Close)
        .text(title)
        .secondary_text(why)
        .icon_name("dialog-error")
        .build();
    dialog.set_focus_on_map(!hidden);
    dialog.show_all();
    dialog.run();
    Ok(())
}

/// A page that asks for nothing: the toolkits of these systems have no dialog that safe code can open.
#[cfg(not(target_os = "linux"))]
pub(crate) fn say(title: &str, why: &str, hidden: bool) -> anyhow::Result<()> {
    use tauri::{WebviewUrl, WebviewWindowBuilder};

    let page = page(title, why);
    let app = tauri::Builder::default().build(tauri::generate_context!())?;
    WebviewWindowBuilder::new(&app, "stopped", WebviewUrl::App(page.into()))
        .title("VisionGuard")
        .inner_size(520.0, 280.0)
        .focused(!hidden)
        .build()?;
    app.run(|_, _| {});
    Ok(())
}

/// The address of the page that says this, and asks for nothing.
pub(crate) fn page(title: &str, why: &str) -> String {
    let encoded = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    format!("stopped.html?title={}&why={}", encoded(title), encoded(why))
}
