//! What each command does, and what it prints: JSON lines for programs where a server runs, plain words elsewhere.

use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use visionguard_proto::ShopId;
use visionguard_proto::text::decode;
use visionguard_server::{Config, NewUser, People, Role, Server, config, demo};

use crate::{Serve, Shop, Token, User};

/// More than this of what comes for a password is not read, in bytes.
const LONGEST_PASSWORD: u64 = 64 * 1024;

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
    read_first_line(std::io::stdin().lock().take(LONGEST_PASSWORD))
}

fn read_first_line(mut input: impl BufRead) -> anyhow::Result<SecretString> {
    let mut bytes = Vec::new();
    input.read_until(b'\n', &mut bytes).context("cannot read the password")?;
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = *bytes {
        // Half of a letter may look like the end of the line.
        input.read_to_end(&mut bytes).context("cannot read the password")?;
    }
    let text =
        decode(&bytes).context("the password is no text in UTF-8 or UTF-16; save the file as UTF-8")?;
    Ok(text.lines().next().unwrap_or_default().to_owned().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_31_a_password_file_is_read_however_an_editor_wrote_it() {
        let text = "pass w\u{f6}rd\r\nand more\r\n";
        let wide = |mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
        };
        for written in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            wide([0xff, 0xfe], u16::to_le_bytes),
            wide([0xfe, 0xff], u16::to_be_bytes),
        ] {
            let password = read_first_line(written.as_slice()).unwrap();

            assert_eq!(password.expose_secret(), "pass w\u{f6}rd");
        }
        assert!(read_first_line(b"\xff\xfea".as_slice()).is_err());
        assert!(read_first_line(b"\x80\n".as_slice()).is_err());
    }
}
