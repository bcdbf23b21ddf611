//! The window: Tauri and nothing else. The program starts it, answers its questions and tells it what changes, over its
//! standard input and output; it lives as long as the window is open, and before that while it is a spare.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// Tells whoever reads this program's errors, which may be nobody any more: `eprintln!` would panic then.
macro_rules! complain {
    ($($words:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", format_args!($($words)*))))
    };
}

mod frames;
mod program;
#[cfg(target_os = "linux")]
mod renderer;
mod say;
mod view;
mod way;
#[cfg(target_os = "linux")]
mod web_process;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use tauri::{AppHandle, Manager, RunEvent, WindowEvent};
use visionguard_client::installation;
use visionguard_client::pipe::{FromWindow, Place, Stance};

use program::Program;

/// How it was started.
enum Start {
    Window { data_dir: PathBuf, opening: Opening },
    Say { title: String, why: String, hidden: bool },
}

/// How its window is opened.
struct Opening {
    /// Where it was, if it was somewhere.
    place: Option<Place>,
    /// Not before the program says so.
    is_spare: bool,
    /// Nobody asked for it: it does not take the keyboard.
    is_unasked: bool,
}

fn main() -> ExitCode {
    let ended = match start() {
        Some(Start::Window { data_dir, opening }) => show(&data_dir, opening),
        Some(Start::Say { title, why, hidden }) => say::say(&title, &why, hidden),
        None => {
            complain!("The window of VisionGuard is opened by visionguard-desktop: start that.");
            return ExitCode::from(2);
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain!("the window cannot be shown: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Its arguments, which the program wrote.
fn start() -> Option<Start> {
    let mut words = std::env::args_os().skip(1);
    let text = |word: Option<std::ffi::OsString>| word?.into_string().ok();
    match text(words.next())?.as_str() {
        "--data-dir" => {
            let data_dir = PathBuf::from(words.next()?);
            let mut opening = Opening { place: None, is_spare: false, is_unasked: false };
            while let Some(word) = words.next() {
                match word.to_str()? {
                    "--place" => opening.place = serde_json::from_str(&text(words.next())?).ok(),
                    "--spare" => opening.is_spare = true,
                    "--unasked" => opening.is_unasked = true,
                    _ => return None,
                }
            }
            Some(Start::Window { data_dir, opening })
        }
        "--say" => {
            let (title, why) = (text(words.next())?, text(words.next())?);
            Some(Start::Say { title, why, hidden: words.next().is_some() })
        }
        _ => None,
    }
}

fn show(data_dir: &Path, opening: Opening) -> anyhow::Result<()> {
    let way = way::take().context("there is no way to the program")?;
    #[cfg(target_os = "linux")]
    renderer::choose();

    // One runtime for the way and for Tauri; the main thread is the window system's.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    tauri::async_runtime::set(runtime.handle().clone());
    let _inside = runtime.enter();
    let (program, said) = program::join(way).context("there is no way to the program")?;

    let shown = build(data_dir, opening, program.clone());
    let app = match shown {
        Ok(app) => app,
        Err(error) => {
            // Its end is what tells the program that all is said.
            runtime.block_on(program.last_words(FromWindow::CannotShow(format!("{error:#}"))));
            return Err(error);
        }
    };
    tauri::async_runtime::spawn(program::follow(app.handle().clone(), said));
    app.run(handle);
    Ok(())
}

fn build(data_dir: &Path, opening: Opening, program: Program) -> anyhow::Result<tauri::App> {
    #[cfg(target_os = "linux")]
    {
        // The desktop's files of the program name it; what is seen of it is this window.
        gtk::glib::set_prgname(Some("visionguard-desktop"));
        gtk::init().context("there is no screen to show anything on")?;
    }
    let mut context = tauri::generate_context!();
    // Two data directories are two installations, in one session too. A name must not begin with a digit.
    if !installation::is_usual(data_dir) {
        let identity = installation::identity(data_dir);
        let identifier = &mut context.config_mut().identifier;
        *identifier = format!("{identifier}.i{identity}");
    }
    let asked = program.clone();
    let app = tauri::Builder::default()
        .register_asynchronous_uri_scheme_protocol("frame", frames::answer)
        .invoke_handler(move |invoke| asked.ask(invoke))
        .manage(program)
        .build(context)
        .context("cannot start the window system")?;
    view::create(app.handle(), data_dir, opening)?;
    Ok(app)
}

fn handle(app: &AppHandle, event: RunEvent) {
    if let RunEvent::WindowEvent { label, event, .. } = &event
        && label == view::LABEL
    {
        handle_window(app, event);
    }
}

fn handle_window(app: &AppHandle, event: &WindowEvent) {
    let program = app.state::<Program>();
    if let WindowEvent::CloseRequested { api, .. } = event
        && program.is_there()
    {
        // It knows whether the window could be brought back, and says what comes of it.
        api.prevent_close();
        program.tell(FromWindow::Close);
    }
    if let WindowEvent::Focused(focused) = *event {
        let minimised = app.get_webview_window(view::LABEL).and_then(|window| window.is_minimized().ok());
        program.tell(FromWindow::Stance(Stance { focused, minimised: minimised.unwrap_or(false) }));
    }
    if matches!(event, WindowEvent::Moved(_) | WindowEvent::Resized(_))
        && let Some(place) = view::place(app)
    {
        program.tell(FromWindow::Place(place));
    }
}
