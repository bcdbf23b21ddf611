//! The log: a rolling file in the data directory, bounded in size and age, and free of secrets.
//!
//! Secrets are kept out at the source. What slips through, as when a library logs the handshake it is about to send,
//! is caught by [`redact`] before it reaches the disk.

pub mod redact;
mod rolling;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::SystemClock;
use crate::settings::{LogFormat, LogLevel};

use rolling::Rolling;

/// Lines that may wait for the disk; what is beyond is lost and counted, the program does not wait.
const LINES: usize = 8192;

/// Libraries that say more than anybody reads, and one of them the token.
const QUIET: [(&str, LevelFilter); 8] = [
    ("hyper", LevelFilter::WARN),
    ("hyper_util", LevelFilter::WARN),
    ("h2", LevelFilter::WARN),
    ("reqwest", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("zbus", LevelFilter::WARN),
    ("tungstenite", LevelFilter::INFO),
    ("tokio_tungstenite", LevelFilter::INFO),
];

/// Keeps the log open; dropping it writes what is still in memory.
#[derive(Debug)]
#[must_use = "the log ends when this is dropped"]
pub struct Logging {
    _worker: WorkerGuard,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The folder or file cannot be made.
    #[error("cannot open the log in {folder}")]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The process has a log already.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging of the whole process into `logs/` of the data directory.
pub fn start(data_dir: &Path, level: LogLevel, format: LogFormat) -> Result<Logging, LoggingError> {
    let (subscriber, logging) = build(data_dir, filter(level), format)?;
    subscriber.try_init().map_err(|_| LoggingError::Twice)?;
    Ok(logging)
}

fn build(
    data_dir: &Path,
    filter: Targets,
    format: LogFormat,
) -> Result<(impl Subscriber + Send + Sync + 'static, Logging), LoggingError> {
    let folder = data_dir.join("logs");
    let rolling = Rolling::open(&folder, Arc::new(SystemClock));
    let rolling = rolling.map_err(|source| LoggingError::Unwritable { folder, source })?;
    let (writer, worker) =
        NonBlockingBuilder::default().buffered_lines_limit(LINES).thread_name("log").finish(rolling);
    let subscriber = tracing_subscriber::registry().with(lines(writer, format).with_filter(filter));
    Ok((subscriber, Logging { _worker: worker }))
}

fn lines<S>(writer: NonBlocking, format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let lines = fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Text => Box::new(lines),
        LogFormat::Json => Box::new(lines.json().flatten_event(true)),
    }
}

/// Our own crates at `level`, others never below `info`.
fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_targets(QUIET.map(|(target, most)| (target, level.min(most))))
        .with_target("visionguard", level)
}

#[cfg(test)]
mod tests;
