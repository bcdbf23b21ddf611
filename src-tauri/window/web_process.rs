//! WebKit draws the page in a process of its own. When that dies, only a blank window is left of it: the page is loaded
//! anew. The window of a page that dies again and again is closed; alerts, popups and the tray do not need it.

use std::cell::RefCell;
use std::time::Instant;

use tauri::{AppHandle, Manager, Url, WebviewWindow};
use visionguard_client::deaths::{After, Deaths};
use visionguard_client::pipe::FromWindow;
use visionguard_client::words;
use webkit2gtk::WebViewExt;

use crate::program::Program;
use crate::view;

/// Follows the life of a new window's page. On the main thread.
pub(crate) fn follow(window: &WebviewWindow) -> tauri::Result<()> {
    let address = window.url()?;
    let app = window.app_handle().clone();
    window.with_webview(move |webview| {
        let deaths = RefCell::new(Deaths::default());
        webview.inner().connect_web_process_terminated(move |_, reason| {
            let next = deaths.borrow_mut().another(Instant::now());
            complain!("the page's process died ({reason:?}): {next:?}");
            app.state::<Program>().page_is_gone();
            let (app, address) = (app.clone(), address.clone());
            // Not from inside WebKit's own signal: the window may be gone at its end.
            tauri::async_runtime::spawn_blocking(move || answer(&app, next, address));
        });
    })
}

fn answer(app: &AppHandle, next: After, address: Url) {
    let Some(window) = app.get_webview_window(view::LABEL) else { return };
    match next {
        After::Again => {
            if let Err(error) = window.navigate(address) {
                complain!("the page stays blank: {error}");
            }
        }
        After::GiveUp => {
            let why = words::text("notification.window_dies", &[]);
            let program = app.state::<Program>();
            tauri::async_runtime::block_on(program.last_words(FromWindow::CannotShow(why)));
            app.exit(1);
        }
    }
}
