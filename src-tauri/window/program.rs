//! The program as the window sees it: asked for the page, heard for the page.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tauri::ipc::{Channel, Invoke, InvokeBody, InvokeResolver, InvokeResponseBody, JavaScriptChannelId};
use tauri::{AppHandle, UriSchemeResponder, Wry};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use visionguard_client::pipe::{self, FromWindow, ToWindow};
use visionguard_client::view::Problem;
use visionguard_client::words;
use zeroize::Zeroizing;

use crate::way::{self, Way};
use crate::{frames, view};

/// The command that registers the page's channel for events.
const SUBSCRIBE: &str = "subscribe";

/// The program at the other end.
#[derive(Clone)]
pub(crate) struct Program(Arc<Inner>);

struct Inner {
    to: UnboundedSender<Outgoing>,
    waiting: Mutex<HashMap<u64, Waiting>>,
    last: AtomicU64,
    /// The page's channel, while it listens.
    channel: Mutex<Option<Channel<InvokeResponseBody>>>,
    is_there: AtomicBool,
}

/// A message, and who wants to know that it is on its way.
struct Outgoing(FromWindow, Option<oneshot::Sender<()>>);

/// Who waits for an answer.
enum Waiting {
    Page(Box<InvokeResolver<Wry>>),
    Picture(UriSchemeResponder),
}

/// What the program says, to be followed.
pub(crate) struct Said(way::Input);

/// Speaks with the program over this way from now on; inside a tokio runtime.
pub(crate) fn join(way: Way) -> std::io::Result<(Program, Said)> {
    let (to, outgoing) = mpsc::unbounded_channel();
    let (input, output) = way::open(way)?;
    tokio::spawn(write(output, outgoing));
    let inner = Inner {
        to,
        waiting: Mutex::default(),
        last: AtomicU64::new(0),
        channel: Mutex::default(),
        is_there: AtomicBool::new(true),
    };
    Ok((Program(Arc::new(inner)), Said(input)))
}

async fn write(mut output: way::Output, mut outgoing: UnboundedReceiver<Outgoing>) {
    while let Some(Outgoing(message, done)) = outgoing.recv().await {
        if pipe::write(&mut output, &message).await.is_err() {
            // Its other direction says so, too.
            return;
        }
        drop(done);
    }
}

impl Program {
    pub(crate) fn tell(&self, message: FromWindow) {
        let _ = self.0.to.send(Outgoing(message, None));
    }

    /// Tells and waits until it is on its way.
    pub(crate) async fn last_words(&self, message: FromWindow) {
        let (done, told) = oneshot::channel();
        let _ = self.0.to.send(Outgoing(message, Some(done)));
        let _ = told.await;
    }

    pub(crate) fn is_there(&self) -> bool {
        self.0.is_there.load(Ordering::Relaxed)
    }

    /// Hands a question of the page on.
    pub(crate) fn ask(&self, invoke: Invoke<Wry>) -> bool {
        let Invoke { message, resolver, .. } = invoke;
        let (command, webview) = (message.command().to_owned(), message.webview());
        let mut with = match message.payload() {
            InvokeBody::Json(with) => with.clone(),
            InvokeBody::Raw(_) => serde_json::Value::Null,
        };
        if command == SUBSCRIBE {
            let channel = with.get("channel").and_then(serde_json::Value::as_str);
            let Some(channel) = channel.and_then(|text| text.parse::<JavaScriptChannelId>().ok()) else {
                resolver.reject("no channel");
                return true;
            };
            *lock(&self.0.channel) = Some(channel.channel_on(webview));
            with = json!({});
        }
        let question = Zeroizing::new(json!({ "command": command, "with": with }).to_string().into_bytes());
        self.wait(Waiting::Page(Box::new(resolver)), |id| FromWindow::Ask { id, json: question });
        true
    }

    /// Asks for an alert's picture.
    pub(crate) fn picture(&self, alert: String, responder: UriSchemeResponder) {
        self.wait(Waiting::Picture(responder), |id| FromWindow::Picture { id, alert });
    }

    /// Nobody listens until a page asks for everything anew.
    #[cfg(target_os = "linux")]
    pub(crate) fn page_is_gone(&self) {
        *lock(&self.0.channel) = None;
        self.tell(FromWindow::PageGone);
    }

    fn wait(&self, waiting: Waiting, question: impl FnOnce(u64) -> FromWindow) {
        if !self.is_there() {
            waiting.has_nothing();
            return;
        }
        let id = self.0.last.fetch_add(1, Ordering::Relaxed);
        lock(&self.0.waiting).insert(id, waiting);
        self.tell(question(id));
    }

    fn waiting(&self, id: u64) -> Option<Waiting> {
        lock(&self.0.waiting).remove(&id)
    }

    fn hear(&self, app: &AppHandle, said: ToWindow) {
        match said {
            ToWindow::Event(json) => {
                if let Some(channel) = &*lock(&self.0.channel)
                    && let Err(error) = channel.send(written(json))
                {
                    complain!("an event did not reach the page: {error}");
                }
            }
            ToWindow::Answer { id, json } => {
                if let Some(Waiting::Page(resolver)) = self.waiting(id) {
                    resolver.resolve(written(json));
                }
            }
            ToWindow::Refusal { id, json } => {
                if let Some(Waiting::Page(resolver)) = self.waiting(id) {
                    let problem: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
                    resolver.reject(problem);
                }
            }
            ToWindow::Picture { id, jpeg } => {
                if let Some(Waiting::Picture(responder)) = self.waiting(id) {
                    responder.respond(frames::response(jpeg));
                }
            }
            ToWindow::Show => view::show(app, self),
            ToWindow::Minimise => view::minimise(app),
            ToWindow::Close => app.exit(0),
        }
    }

    /// Whoever waits is told that nobody answers any more.
    fn is_gone(&self) {
        self.0.is_there.store(false, Ordering::Relaxed);
        for (_, waiting) in lock(&self.0.waiting).drain() {
            waiting.has_nothing();
        }
    }
}

impl Waiting {
    fn has_nothing(self) {
        match self {
            Waiting::Page(resolver) => {
                let sentence = words::text("window.program_gone", &[]);
                resolver.reject(Problem { code: "program_gone".to_owned(), sentence, field: None });
            }
            Waiting::Picture(responder) => responder.respond(frames::response(None)),
        }
    }
}

/// Does what the program says, until it says no more: then the person is told.
pub(crate) async fn follow(app: AppHandle, mut said: Said) {
    let program = tauri::Manager::state::<Program>(&app).inner().clone();
    loop {
        match pipe::read(&mut said.0).await {
            Ok(Some(message)) => program.hear(&app, message),
            Ok(None) => break,
            // It was killed while it spoke, or speaks in another way: either way nothing more is to be had from it.
            Err(error) => {
                complain!("the program's words are not understood: {error}");
                break;
            }
        }
    }
    program.is_gone();
    view::say_that_it_ended(&app);
}

fn written(json: Vec<u8>) -> InvokeResponseBody {
    InvokeResponseBody::Json(String::from_utf8(json).unwrap_or_else(|_| "null".to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
