//! `login` and `logout`, and the secrets that come on standard input.

use std::io::{BufRead, Read};

use secrecy::{ExposeSecret, SecretString};
use visionguard_client::account::{Account, Restored};
use visionguard_client::controller::Client;
use visionguard_client::journal::Journal;
use visionguard_client::view::{Keeping, Problem, SessionView};

use crate::args::{Credentials, Login, Logout};
use crate::exit::{Exit, Failure};
use crate::out;
use crate::place::Place;

/// The longest line that is taken for a secret.
const LONGEST_SECRET: u64 = 64 * 1024;

/// Who signs in, and where, as soon as a client runs.
#[derive(Debug, Clone)]
pub struct SignIn {
    secret: Secret,
    server: String,
}

impl SignIn {
    /// What a command that runs a client begins with: reads who is to sign in, if the options say so, and finds the place.
    pub fn prepare(credentials: &Credentials) -> Result<(Place, Option<SignIn>), Failure> {
        let secret = Secret::read(credentials)?;
        let place = Place::find()?;
        let sign_in = match secret {
            Some(secret) => Some(SignIn { secret, server: place.server(credentials.server.as_deref())? }),
            None => None,
        };
        Ok((place, sign_in))
    }

    /// Signs the running client in.
    pub async fn run(self, client: &Client) -> Result<SessionView, Problem> {
        let server = &self.server;
        match self.secret {
            Secret::Password { email, password } => client.sign_in(server, &email, password, false).await,
            Secret::Token { user_id, token } => client.sign_in_with_token(server, &user_id, token).await,
        }
    }
}

/// Who signs in, the secret read.
#[derive(Debug, Clone)]
pub enum Secret {
    Password { email: String, password: SecretString },
    Token { user_id: String, token: SecretString },
}

impl Secret {
    /// Reads what the options announce; none if they announce nothing.
    pub fn read(credentials: &Credentials) -> Result<Option<Secret>, Failure> {
        if let (Some(email), true) = (&credentials.email, credentials.password_stdin) {
            return Ok(Some(Secret::Password { email: email.clone(), password: first_line()? }));
        }
        if let (Some(user_id), true) = (&credentials.user_id, credentials.token_stdin) {
            return Ok(Some(Secret::Token { user_id: user_id.clone(), token: first_line()? }));
        }
        Ok(None)
    }

    /// Signs in without a running client.
    async fn use_on(
        &self,
        account: &Account,
        server: &str,
        keep_password: bool,
    ) -> Result<SessionView, Problem> {
        match self {
            Secret::Password { email, password } => {
                account.sign_in(server, email, password, keep_password).await
            }
            Secret::Token { user_id, token } => {
                account.sign_in_with_token(server, user_id, token.clone()).await
            }
        }
    }
}

/// Signs in and keeps the sign-in.
pub async fn login(options: &Login) -> Result<Exit, Failure> {
    let Some(secret) = Secret::read(&options.credentials)? else {
        return Err(Failure::new(
            Exit::Usage,
            "Say who signs in: --email ADDRESS --password-stdin, or --token-stdin --user-id ID.",
        ));
    };
    let place = Place::find()?;
    let keychain = place.keychain();
    if keychain.keeping() == Keeping::Memory {
        return Err(Failure::new(
            Exit::Usage,
            "VISIONGUARD_KEYCHAIN=memory keeps no sign-in. Give the same options to `visionguard watch`.",
        ));
    }
    let server = place.server(options.credentials.server.as_deref())?;
    let _owned = place.own("visionguard login")?;
    let _log = place.log();
    let account = place.new_account(keychain)?;

    let session = secret.use_on(&account, &server, options.keep_password).await?;
    if session.kept_in == Keeping::Memory {
        let why = account.keychain_trouble().map(|trouble| format!(" ({trouble})")).unwrap_or_default();
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "The server accepted the sign-in, but there is no keychain to keep it in{why}. \
                 Give the same options to `visionguard watch`, which then signs in at each start."
            ),
        ));
    }
    if options.keep_password && !session.password_kept {
        out::complain("the keychain did not take the password; it is not kept.");
    }
    let kept = if session.password_kept { " The password is kept in the keychain." } else { "" };
    out::ended(out::line(&format!(
        "Signed in to {} as {} ({}).{kept}",
        session.server, session.name, session.email
    )))
}

/// Signs out.
pub async fn logout(options: &Logout) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let _owned = place.own("visionguard logout")?;
    let _log = place.log();
    let (account, restored) = place.account(place.keychain()).await?;
    let was = match restored {
        Restored::Nobody => None,
        Restored::SignedIn(session) => Some(session.email),
        Restored::TokenGone(saved) | Restored::Unreadable(saved, _) => Some(saved.email),
    };

    let forgotten = account.sign_out().await;
    if options.erase {
        let journal = Journal::open(&place.data_dir)?.journal;
        journal.erase(&place.data_dir).await?;
        journal.close().await;
    }
    if let (Err(error), Some(_)) = (forgotten, &was) {
        let sentence =
            format!("Signed out, but the sign-in could not be removed from the keychain: {error}.");
        return Err(Failure::new(Exit::Failed, sentence));
    }
    out::ended(out::line(&match was {
        Some(email) => format!("Signed out {email}."),
        None => "Nobody was signed in.".to_owned(),
    }))
}

/// The first line of standard input, without its end.
fn first_line() -> Result<SecretString, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().take(LONGEST_SECRET).read_line(&mut line)?;
    let secret = SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned());
    if secret.expose_secret().is_empty() {
        return Err(Failure::new(Exit::Usage, "Standard input holds no password or token."));
    }
    Ok(secret)
}
