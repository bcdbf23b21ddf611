//! WebKit draws the page in a process of its own. When that dies, only a blank window is left of it: the page is loaded
//! anew. The window of a page that dies again and again is closed; alerts, popups and the tray do not need it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use tauri::{AppHandle, Manager, Url, WebviewWindow};
use visionguard_client::pipe::FromWindow;
use visionguard_client::words;
use webkit2gtk::WebViewExt;

use crate::program::Program;
use crate::view;

/// Among so many deaths within [`WITHIN`] the last one closes the window.
const TOO_MANY: usize = 4;
const WITHIN: Duration = Duration::from_secs(60);

/// Follows the life of a new window's page. On the main thread.
pub(crate) fn follow(window: &WebviewWindow) -> tauri::Result<()> {
    let address = window.url()?;
    let app = window.app_handle().clone();
    window.with_webview(move |webview| {
        let deaths = RefCell::new(Deaths::default());
        webview.inner().connect_web_process_terminated(move |_, reason| {
            let next = deaths.borrow_mut().another(Instant::now());
            eprintln!("the page's process died ({reason:?}): {next:?}");
            app.state::<Program>().page_is_gone();
            let (app, address) = (app.clone(), address.clone());
            // Not from inside WebKit's own signal: the window may be gone at its end.
            tauri::async_runtime::spawn_blocking(move || answer(&app, next, address));
        });
    })
}

fn answer(app: &AppHandle, next: Next, address: Url) {
    let Some(window) = app.get_webview_window(view::LABEL) else { return };
    match next {
        Next::Load => {
            if let Err(error) = window.navigate(address) {
                eprintln!("the page stays blank: {error}");
            }
        }
        Next::Close => {
            let why = words::text("notification.window_dies", &[]);
            let program = app.state::<Program>();
            tauri::async_runtime::block_on(program.last_words(FromWindow::CannotShow(why)));
            app.exit(1);
        }
    }
}

/// What is done about a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Load,
    Close,
}

/// When the last processes of one window died.
#[derive(Debug, Default)]
struct Deaths(Vec<Instant>);

impl Deaths {
    fn another(&mut self, now: Instant) -> Next {
        self.0.retain(|death| now.duration_since(*death) < WITHIN);
        self.0.push(now);
        if self.0.len() < TOO_MANY { Next::Load } else { Next::Close }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_dies_is_loaded_anew() {
        let (mut deaths, mut now) = (Deaths::default(), Instant::now());

        for _ in 0..100 {
            assert_eq!(deaths.another(now), Next::Load);
            now += WITHIN / 3;
        }
        assert!(deaths.0.len() < TOO_MANY, "nothing heaps up");
    }

    #[test]
    fn a_page_that_dies_at_once_again_and_again_is_given_up() {
        let (mut deaths, now) = (Deaths::default(), Instant::now());

        let answers = [0, 1, 2, 3].map(|second| deaths.another(now + Duration::from_secs(second)));

        assert_eq!(answers, [Next::Load, Next::Load, Next::Load, Next::Close]);
    }
}
