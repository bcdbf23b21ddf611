//! The life of the program: one for each data directory, from its start until somebody has it end.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::sync::oneshot;
use visionguard_client::controller::StartError;
use visionguard_client::installation::DataDir;
use visionguard_client::local::{self, AskError, Shown};
use visionguard_client::lock;

use crate::start::{self, Started};
use crate::stopped::{self, End};
use crate::system::{self, System};
use crate::told::Told;

/// How long a start waits for another that was a moment faster to show its window.
const FASTER_WITHIN: Duration = Duration::from_secs(5);
/// How long one that leaves may take.
const FREE_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Runs the program until it is told to quit.
#[cfg(target_os = "linux")]
pub(crate) fn run() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        // Before anything that takes time.
        let told = Told::listen();
        live(System {}, &told).await
    })
}

/// The same beside the window system, which wants the main thread.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run() -> anyhow::Result<()> {
    use tauri::RunEvent;

    let runtime = runtime()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let _inside = runtime.enter();
    let told = Told::listen();
    let app = tauri::Builder::default()
        .on_menu_event(|app, event| crate::tray::menu_event(app, event.id().as_ref()))
        .build(tauri::generate_context!())
        .context("cannot start the window system")?;
    let system = System { app: app.handle().clone() };
    let living = runtime.spawn(async move {
        let ended = live(system.clone(), &told).await;
        system.app.exit(0);
        ended
    });
    app.run(|_, event| {
        // There is no window of its own whose end could end it. A code means that somebody chose to quit.
        if let RunEvent::ExitRequested { code: None, api, .. } = &event {
            api.prevent_exit();
        }
    });
    runtime.block_on(living).context("the program broke off")?
}

/// Of one thread where nothing else wants the main one: each hand-over from thread to thread is a wake more. What takes long
/// has threads of its own.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use tokio::runtime::Builder;

    let mut builder =
        if cfg!(target_os = "linux") { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(2).enable_all().build().context("cannot start the runtime")
}

async fn live(system: System, told: &Told) -> anyhow::Result<()> {
    let found = DataDir::find();
    // First, so that a second start ends before it touches anything.
    match local::open(&found.path).await {
        Ok(Shown::Here) => return Ok(()),
        Ok(Shown::Leaves) => until_free(&found).await,
        // Nobody, or one who shows no window: the start finds out which.
        Err(AskError::Nobody(_) | AskError::Silent(_) | AskError::Refused(_)) => {}
    }
    if !system::has_screen() {
        let error = anyhow!("there is no screen to show anything on");
        stopped::tell(&found, &error).await;
        return Err(error);
    }
    let (end, ended) = oneshot::channel();
    let Started { window, _logging, _serving } = match start::start(system, &found, told, end) {
        Ok(started) => started,
        Err(error) if is_held(&error) && shown_by_the_other(&found).await => return Ok(()),
        Err(error) => return stop(&found, error).await,
    };
    // Who holds the other end drops it only by ending.
    let _ = ended.await;
    window.end().await;
    Ok(())
}

/// The one that leaves finishes what it has begun.
async fn until_free(found: &DataDir) {
    let freeing = async {
        while lock::is_held(&found.path) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(FREE_WITHIN, freeing).await;
}

fn is_held(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StartError::Lock(lock::LockError::Held(_))))
}

/// Two were started together, and the other took the directory: it shows its window as soon as it can be asked.
async fn shown_by_the_other(found: &DataDir) -> bool {
    let asking = async {
        loop {
            match local::open(&found.path).await {
                Ok(Shown::Here) => return true,
                Ok(Shown::Leaves) | Err(AskError::Refused(_)) => return false,
                Err(AskError::Nobody(_) | AskError::Silent(_)) => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    };
    tokio::time::timeout(FASTER_WITHIN, asking).await.unwrap_or(false)
}

/// Says why the program cannot start, until the person has seen it or it can.
async fn stop(found: &DataDir, error: anyhow::Error) -> anyhow::Result<()> {
    eprintln!("VisionGuard: {error:#}");
    match stopped::tell(found, &error).await {
        End::Closed => Err(error),
        End::Free => again().with_context(|| format!("cannot start anew after: {error:#}")),
    }
}

/// Starts anew in this one's place, as it was started.
fn again() -> anyhow::Result<()> {
    let mut program = Command::new(std::env::current_exe()?);
    program.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut program).into());
    #[cfg(not(unix))]
    {
        program.spawn()?;
        Ok(())
    }
}
