//! The server's command line.

mod commands;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use secrecy::SecretString;

/// The alert half of the VisionGuard backend.
#[derive(Debug, Parser)]
#[command(name = "visionguard-server", version)]
struct Arguments {
    /// Holds the database and the signing secret.
    #[arg(long, global = true, env = "VISIONGUARD_SERVER_DATA_DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until it is interrupted.
    Serve(Serve),
    /// Make, list and bar users.
    #[command(subcommand)]
    User(User),
    /// Make shops and assign managers.
    #[command(subcommand)]
    Shop(Shop),
    /// Make tokens for pipelines.
    #[command(subcommand)]
    Token(Token),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Refuse tokens in the socket's address; clients of the original protocol send them there.
    #[arg(long)]
    no_query_token: bool,
    /// Delete pictures after this many days.
    #[arg(long, default_value_t = 30)]
    keep_pictures: u32,
    /// Replay alerts of so many days to clients that were away.
    #[arg(long, default_value_t = 7)]
    log_days: u32,
    /// Replay at most so many alerts to one user.
    #[arg(long, default_value_t = 10_000)]
    log_alerts: u32,
    /// Run simulated cameras, with a ready user and two shops.
    #[arg(long)]
    demo: bool,
    /// Stop the cameras after this many alerts.
    #[arg(long, requires = "demo")]
    demo_alerts: Option<u64>,
    /// Seconds between two events of the cameras.
    #[arg(long, requires = "demo", default_value = "20", value_parser = seconds)]
    demo_interval: Duration,
    /// Start the cameras before anybody is connected.
    #[arg(long, requires = "demo")]
    demo_at_once: bool,
    /// The ready user's password; a random one if absent.
    #[arg(long, requires = "demo", env = "VISIONGUARD_DEMO_PASSWORD", hide_env_values = true)]
    demo_password: Option<String>,
}

#[derive(Debug, Subcommand)]
enum User {
    /// Make a user; prints the new id.
    Add {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// `owner` or `manager`.
        #[arg(long)]
        role: commands::RoleArgument,
        /// Read the password from the first line of standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List users.
    List,
    /// Bar a user; their sessions end.
    Disable {
        #[arg(long)]
        email: String,
    },
    /// Admit a barred user again.
    Enable {
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum Shop {
    /// Make a shop; prints the new id.
    Add {
        #[arg(long)]
        name: String,
        /// The owner's e-mail address.
        #[arg(long)]
        owner: String,
    },
    /// Assign a manager to a shop.
    Assign {
        /// The shop's id.
        #[arg(long)]
        shop: String,
        /// The manager's e-mail address.
        #[arg(long)]
        manager: String,
    },
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Make a token with which a pipeline may publish alerts; valid for a year.
    Service {
        /// What the token is for; shown nowhere but in the database.
        #[arg(long, default_value = "pipeline")]
        name: String,
    },
}

fn main() -> ExitCode {
    if let Some(code) = visionguard_picture::serve_if_asked() {
        return code;
    }
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("VISIONGUARD_LOG").unwrap_or_else(|_| "info".into()),
        )
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "visionguard-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let data_dir = match arguments.data_dir {
        Some(directory) => directory,
        None => {
            commands::default_data_dir(matches!(&arguments.command, Command::Serve(serve) if serve.demo))?
        }
    };
    let secret = std::env::var("VISIONGUARD_SERVER_SECRET").ok().map(SecretString::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Serve(serve) => commands::serve(serve, data_dir, secret).await,
            Command::User(command) => commands::user(command, &data_dir, secret.as_ref()).await,
            Command::Shop(command) => commands::shop(command, &data_dir, secret.as_ref()).await,
            Command::Token(command) => commands::token(command, &data_dir, secret.as_ref()).await,
        }
    })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a possible time".to_owned())
}
