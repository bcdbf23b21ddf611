//! What each command does, and what it prints: JSON lines for programs where a server runs, plain words elsewhere.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use visionguard_proto::ShopId;
use visionguard_server::{Config, NewUser, People, Role, Server, config, demo};

use crate::{Serve, Shop, Token, User};

/// A role as it is typed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum RoleArgument {
    Owner,
    Manager,
}

/// The platform's place for a server's data; the demonstration has its own.
pub(crate) fn default_data_dir(demo: bool) -> anyhow::Result<PathBuf> {
    let directories = directories::ProjectDirs::from("", "", "visionguard-server")
        .context("no home directory; say where to keep data with --data-dir")?;
    let data = directories.data_dir();
    Ok(if demo { data.join("demo") } else { data.to_owned() })
}

fn days(number: u32) -> Duration {
    Duration::from_secs(u64::from(number) * 24 * 60 * 60)
}

/// Runs until interrupted. Prints `{"listening":…}`, with `--demo` `{"demo":…}`, then a line per thing that happens.
pub(crate) async fn serve(
    serve: Serve,
    data_dir: PathBuf,
    secret: Option<SecretString>,
) -> anyhow::Result<()> {
    let (notes, mut happened) = mpsc::unbounded_channel();
    let mut config = Config::new(data_dir);
    config.listen = serve.listen;
    config.secret = secret;
    config.token_in_query = !serve.no_query_token;
    config.keep_pictures = days(serve.keep_pictures);
    config.log = config::Log { keep: days(serve.log_days), alerts: serve.log_alerts };
    if serve.demo {
        config.notes = Some(notes);
        config.demo = Some(demo::Settings {
            alerts: serve.demo_alerts,
            interval: serve.demo_interval,
            at_once: serve.demo_at_once,
            password: serve.demo_password,
        });
    }
    let running = Server::start(config).await?;
    print(&json!({ "listening": running.url() }))?;
    if let Some(ready) = running.demo() {
        print(&json!({ "demo": ready }))?;
    }
    let mut interrupted = std::pin::pin!(interrupted());
    loop {
        tokio::select! {
            outcome = &mut interrupted => {
                outcome?;
                break;
            }
            Some(note) = happened.recv() => print(&serde_json::to_value(note)?)?,
        }
    }
    running.stop().await;
    Ok(())
}

pub(crate) async fn user(
    command: User,
    data_dir: &Path,
    secret: Option<&SecretString>,
) -> anyhow::Result<()> {
    let people = People::open(data_dir, secret)?;
    match command {
        User::Add { email, name, role, password_stdin: _ } => {
            let role = match role {
                RoleArgument::Owner => Role::Owner,
                RoleArgument::Manager => Role::Manager,
            };
            let password = first_line()?;
            let id = people.add_user(NewUser { email, name, role, password }).await?;
            say(id.as_str())
        }
        User::List => {
            for user in people.list().await? {
                let barred = if user.disabled { "  disabled" } else { "" };
                let (id, role, email, name) = (user.id, user.role.word(), user.email, user.name);
                say(&format!("{id}  {role:7}  {email}  {name}{barred}"))?;
            }
            Ok(())
        }
        User::Disable { email } => set_disabled(&people, &email, true).await,
        User::Enable { email } => set_disabled(&people, &email, false).await,
    }
}

pub(crate) async fn shop(
    command: Shop,
    data_dir: &Path,
    secret: Option<&SecretString>,
) -> anyhow::Result<()> {
    let people = People::open(data_dir, secret)?;
    match command {
        Shop::Add { name, owner } => {
            let owner = people.by_email(&owner).await?;
            say(people.add_shop(&name, &owner.id).await?.as_str())
        }
        Shop::Assign { shop, manager } => {
            let manager = people.by_email(&manager).await?;
            let shop = ShopId::new(&shop).context("cannot read the shop's id")?;
            people.assign(&shop, &manager.id).await.context("cannot assign the manager")
        }
    }
}

pub(crate) async fn token(
    command: Token,
    data_dir: &Path,
    secret: Option<&SecretString>,
) -> anyhow::Result<()> {
    let people = People::open(data_dir, secret)?;
    match command {
        Token::Service { name } => say(people.service_token(&name).await?.expose_secret()),
    }
}

async fn set_disabled(people: &People, email: &str, disabled: bool) -> anyhow::Result<()> {
    let user = people.by_email(email).await?;
    people.set_disabled(&user.id, disabled).await?;
    Ok(())
}

fn first_line() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned().into())
}

fn print(value: &Value) -> anyhow::Result<()> {
    say(&value.to_string())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}

/// Waits for the wish to stop: Ctrl-C, or where there is one, SIGTERM.
#[cfg(unix)]
async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
