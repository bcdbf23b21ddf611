//! The client's own log lines, as part of the trace; none may hold a secret.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::world::Shared;

/// Writes the client's log into the world's trace.
#[derive(Debug)]
pub struct Overheard(pub Shared);

impl<S: Subscriber> Layer<S> for Overheard {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        metadata.target().starts_with("visionguard")
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        // Whoever logs while holding the world's lock is the world.
        let Ok(mut world) = self.0.try_lock() else { return };
        world.look_at_the_clock();
        let line =
            format!("log: {} {}{}", event.metadata().level(), module(event.metadata().target()), text.0);
        world.overhear("a log line", &text.0);
        world.line(line);
    }
}

fn module(target: &str) -> &str {
    target.rsplit("::").next().unwrap_or(target)
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Into memory.
        let _ = match field.name() {
            "message" => write!(self.0, ": {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
