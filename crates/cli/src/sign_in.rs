//! `login` and `logout`, and the secrets that come on standard input.

use std::io::{BufRead, Read};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use visionguard_client::account::{Account, Remembered, Restored};
use visionguard_client::controller::Client;
use visionguard_client::journal::Journal;
use visionguard_client::keychain::KeychainError;
use visionguard_client::text::decode;
use visionguard_client::view::{Keeping, Problem, SessionView};
use visionguard_client::words::text;

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

    /// Where.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether it can be repeated when the server ends the session: a token that is dead stays dead.
    pub fn can_repeat(&self) -> bool {
        matches!(self.secret, Secret::Password { .. })
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
        let token = Secret::read_token(credentials.user_id.as_deref().filter(|_| credentials.token_stdin))?;
        Ok(token.map(|(user_id, token)| Secret::Token { user_id, token }))
    }

    /// Reads the token of this user, if there is to be one.
    pub fn read_token(user_id: Option<&str>) -> Result<Option<(String, SecretString)>, Failure> {
        user_id.map(|user_id| Ok((user_id.to_owned(), first_line()?))).transpose()
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
        return Err(Failure::new(Exit::Failed, not_kept(account.keychain_trouble().as_ref())));
    }
    if options.keep_password && !session.password_kept {
        out::complain("the keychain did not take the password; it is not kept.");
    }
    if account.remembered() == Remembered::Nowhere {
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "The server accepted the sign-in, but it cannot be kept: nothing can be written to {}. \
                 Give the same options to `visionguard watch`, which then signs in at each start.",
                place.data_dir.display()
            ),
        ));
    }
    let kept = if session.password_kept { " The password is kept in the keychain." } else { "" };
    out::ended(out::line(&format!(
        "Signed in to {} as {} ({}).{kept}",
        session.server, session.name, session.email
    )))
}

/// What to do where no keychain takes a sign-in.
fn not_kept(trouble: Option<&KeychainError>) -> String {
    let without = "set VISIONGUARD_KEYCHAIN=memory and give the same options to `visionguard watch`, \
                   which then signs in at each start";
    match trouble {
        Some(KeychainError::CannotUnlock) => {
            let lacks = text("notice.keychain_cannot_unlock", &[]);
            format!("The server accepted the sign-in. {lacks} Or {without}.")
        }
        Some(asks @ KeychainError::Asking) => format!(
            "The server accepted the sign-in, but it is not kept: {asks}. Answer it and sign in again. Or {without}."
        ),
        Some(_) | None => {
            let why = trouble.map(|trouble| format!(" ({trouble})")).unwrap_or_default();
            format!(
                "The server accepted the sign-in, but there is no keychain to keep it in{why}. To go on without, {without}."
            )
        }
    }
}

/// Signs out.
pub async fn logout(options: &Logout) -> Result<Exit, Failure> {
    let place = Place::find()?;
    let _owned = place.own("visionguard logout")?;
    let _log = place.log();
    let (account, restored) = place.account(place.keychain()).await?;
    let was = match restored {
        Restored::Nobody | Restored::Unknown(_) => None,
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
    let secret = read_secret(std::io::stdin().lock())?;
    if secret.expose_secret().is_empty() {
        return Err(Failure::new(Exit::Usage, "Standard input holds no password or token."));
    }
    Ok(secret)
}

/// The first line of what editors and shells write: UTF-8 with or without a byte order mark, or UTF-16 with one.
fn read_secret(input: impl BufRead) -> Result<SecretString, Failure> {
    let mut input = input.take(LONGEST_SECRET);
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        let more = input.read_until(b'\n', &mut bytes)?;
        let is_whole = match bytes.get(..2) {
            // Half of a letter may look like the end of the line.
            Some([0xff, 0xfe]) => {
                let mut rest = [0];
                let more = if bytes.len() % 2 == 1 { input.read(&mut rest)? } else { 0 };
                bytes.extend_from_slice(&rest[..more]);
                bytes.ends_with(&[b'\n', 0])
            }
            Some([0xfe, 0xff]) => bytes.len() % 2 == 0 && bytes.ends_with(&[0, b'\n']),
            Some(_) | None => true,
        };
        if is_whole || more == 0 {
            break;
        }
    }
    let Some(text) = decode(&bytes) else {
        return Err(Failure::new(
            Exit::Usage,
            "Standard input is no text in UTF-8 or UTF-16. Save the file as UTF-8.",
        ));
    };
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_31_a_secret_is_read_whatever_wrote_the_file() {
        let utf16 = |text: &str, mark: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<u8>>()
        };
        // Two letters that hold the byte of a line's end.
        let secret = "caf\u{e9} \u{0a05}\u{010a}";

        for end in ["", "\n", "\r\n", "\r\nmore"] {
            let text = format!("{secret}{end}");
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            let little = utf16(&text, [0xff, 0xfe], u16::to_le_bytes);
            let big = utf16(&text, [0xfe, 0xff], u16::to_be_bytes);
            for bytes in [text.as_bytes(), &marked, &little, &big] {
                let read = read_secret(bytes).expect("text");

                assert_eq!(read.expose_secret(), secret, "{bytes:?}");
            }
        }
    }

    #[test]
    fn without_a_keychain_the_way_that_is_left_is_named() {
        let said = not_kept(Some(&KeychainError::Unavailable));

        assert!(said.contains("no keychain to keep it in (there is no keychain)."), "{said}");
        assert!(
            said.contains("VISIONGUARD_KEYCHAIN=memory") && said.contains("`visionguard watch`"),
            "{said}"
        );
    }

    #[test]
    fn case_58_what_the_keychain_lacks_or_asks_is_said() {
        let lacks = not_kept(Some(&KeychainError::CannotUnlock));
        let asks = not_kept(Some(&KeychainError::Asking));

        assert!(lacks.contains("libqca-qt5-2-plugins") && !lacks.contains("no keychain"), "{lacks}");
        assert!(asks.contains("question open on the screen") && asks.contains("Answer it"), "{asks}");
    }

    #[test]
    fn case_31_what_is_no_text_is_said_to_be_none() {
        let latin = read_secret(&b"caf\xe9\n"[..]).expect_err("no text");

        assert_eq!(latin.exit, Exit::Usage);
        assert!(latin.sentence.contains("UTF-8"), "{}", latin.sentence);
        assert!(read_secret(&[0xff, 0xfe, b'a'][..]).is_err());
    }
}
