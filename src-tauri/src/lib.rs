//! The shell: Tauri and nothing else.
//!
//! It draws what the controller tells it and hands back what the person does. Nothing is decided here and nothing is
//! remembered but handles: the client, the notifier, the page's channel, the tray.

mod autostart;
mod commands;
mod frames;
mod page;
#[cfg(target_os = "linux")]
mod renderer;
mod shell;
mod sound;
mod start;
mod stopped;
mod told;
mod tray;
#[cfg(target_os = "linux")]
mod web_process;
mod window;

use anyhow::Context;
use tauri::{App, AppHandle, Manager, RunEvent, WindowEvent};
use visionguard_client::controller::Client;
use visionguard_client::installation::{self, DataDir};

use page::Page;
use stopped::End;
use told::Told;

pub use visionguard_client::serve_pictures_if_asked;

/// Runs the program until it is told to quit.
pub fn run() -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    renderer::choose();

    // One runtime for the program and for Tauri; the main thread is the window system's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    tauri::async_runtime::set(runtime.handle().clone());
    let _inside = runtime.enter();
    // Before anything that takes time.
    let told = Told::listen();

    let found = DataDir::find();
    #[cfg(target_os = "linux")]
    if let Err(error) = gtk::init() {
        let error = anyhow::Error::new(error).context("there is no screen to show anything on");
        stopped::tell(None, &found, &error);
        return Err(error);
    }

    let mut context = tauri::generate_context!();
    // Two data directories are two installations, in one session too. A name must not begin with a digit.
    if !installation::is_usual(&found.path) {
        let identity = installation::identity(&found.path);
        let identifier = &mut context.config_mut().identifier;
        *identifier = format!("{identifier}.i{identity}");
    }
    let builder = tauri::Builder::default()
        // First, so that a second start ends before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _directory| open(app)))
        .register_asynchronous_uri_scheme_protocol("frame", frames::answer)
        .invoke_handler(tauri::generate_handler![
            commands::subscribe,
            commands::feed,
            commands::incident,
            commands::sign_in,
            commands::sign_out,
            commands::retry_now,
            commands::drill,
            commands::report,
            commands::decide,
            commands::seen,
            commands::dismiss,
            commands::clear_all,
            commands::change_settings,
            commands::try_sound,
        ])
        .manage(Page::default())
        .manage(found.clone());
    #[cfg(not(target_os = "linux"))]
    let builder = builder.on_menu_event(|app, event| tray::menu_event(app, event.id().as_ref()));
    let app = builder.build(context).context("cannot start the window system").inspect_err(|error| {
        stopped::tell(None, &found, error);
    })?;

    let _logging = match start::start(app.handle(), found.clone(), &told) {
        Ok(logging) => logging,
        Err(error) => return stop(app, &found, error),
    };
    app.run(handle);
    Ok(())
}

/// Says why the program cannot start, until the person has seen it or it can.
fn stop(app: App, found: &DataDir, error: anyhow::Error) -> anyhow::Result<()> {
    // Whoever starts it meanwhile is told the same, and not sent to a program without a window.
    tauri_plugin_single_instance::destroy(&app);
    eprintln!("VisionGuard: {error:#}");
    let end = stopped::tell(Some(app.handle()), found, &error);
    if end == End::Free {
        app.cleanup_before_exit();
        tauri::process::restart(&app.env());
    }
    #[cfg(not(target_os = "linux"))]
    app.run(|_, _| {});
    Err(error)
}

/// Shows the window because the person asked for it.
fn open(app: &AppHandle) {
    if let Some(client) = app.try_state::<Client>() {
        client.open();
    }
}

fn handle(app: &AppHandle, event: RunEvent) {
    // The last window closed: the program lives on in the tray. A code means that somebody chose to quit.
    if let RunEvent::ExitRequested { code: None, api, .. } = &event {
        api.prevent_exit();
    }
    if let RunEvent::WindowEvent { label, event, .. } = &event
        && label == window::LABEL
    {
        handle_window(app, event);
    }
}

fn handle_window(app: &AppHandle, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        // Only once it is known that it can be brought back.
        api.prevent_close();
        tracing::info!("the window is asked to close");
        let app = app.clone();
        tauri::async_runtime::spawn(async move { close(&app, tray::would_lose_the_window().await) });
    }
    if matches!(event, WindowEvent::Destroyed) {
        page_is_gone(app);
    }
}

/// Closes the window, or puts it into the task bar where there would be no way to get it back.
fn close(app: &AppHandle, would_lose_it: bool) {
    let handle = app.clone();
    let done = app.run_on_main_thread(move || {
        if would_lose_it {
            tracing::warn!("the window is minimised instead of closed");
            window::minimise(&handle);
        } else {
            window::close(&handle);
        }
    });
    if let Err(error) = done {
        tracing::error!(%error, "cannot close the window");
    }
}

/// Nobody listens until a page asks for everything anew.
fn page_is_gone(app: &AppHandle) {
    app.state::<Page>().close();
    if let Some(client) = app.try_state::<Client>() {
        client.window(false);
    }
}
