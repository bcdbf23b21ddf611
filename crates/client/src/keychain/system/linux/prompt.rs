//! A prompt of the service: it asks the person, and we wait.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;
use zbus::zvariant::{ObjectPath, OwnedValue};
use zbus::{Connection, Proxy};

use super::service::Trouble;
use super::{ANSWER_WITHIN, BUS_NAME};
use crate::keychain::KeychainError;
use crate::keychain::system::Asks;

/// A person looks for their password, or invents one.
const DONE_WITHIN: Duration = Duration::from_secs(180);

/// How a prompt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Done,
    /// The person, or the service itself, said no.
    Dismissed,
}

/// Lets the service ask, and waits for the answer. Whoever stops waiting leaves a prompt that the service forgets with our
/// connection.
pub(super) async fn answer(bus: &Connection, asks: &Asks, path: &ObjectPath<'_>) -> Result<Ended, Trouble> {
    let prompt = Proxy::new(bus, BUS_NAME, path.to_owned(), "org.freedesktop.Secret.Prompt").await?;
    let mut completed = prompt.receive_signal("Completed").await?;
    let asked = async {
        prompt.call::<_, _, ()>("Prompt", &("",)).await?;
        let _asked = asks.begin();
        match completed.next().await {
            Some(message) => {
                let (dismissed, _): (bool, OwnedValue) = message.body().deserialize()?;
                Ok(if dismissed { Ended::Dismissed } else { Ended::Done })
            }
            None => Err(Trouble::Restarted),
        }
    };
    match timeout(DONE_WITHIN, asked).await {
        Ok(outcome) => outcome,
        Err(_) => {
            tracing::info!("nobody answered the keychain's prompt: it is closed");
            let _ = timeout(ANSWER_WITHIN, prompt.call::<_, _, ()>("Dismiss", &())).await;
            Err(Trouble::Keychain(KeychainError::Locked))
        }
    }
}
