//! What the system says about sleep and the network, where it says anything: logind and NetworkManager on Linux.
//!
//! Only makes things prompt and polite. That the machine slept, or that the network changed, is noticed without it too
//! (`network`).

use crate::controller::Client;

/// Passes on what the system says, for as long as the client runs.
pub fn follow(client: Client) {
    #[cfg(target_os = "linux")]
    tokio::spawn(linux::follow(client));
    #[cfg(not(target_os = "linux"))]
    drop(client);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use futures_util::StreamExt;
    use tokio::sync::{mpsc, oneshot};
    use zbus::zvariant::OwnedFd;
    use zbus::{Connection, Proxy};

    use super::Client;

    /// Between two attempts to hear from the system.
    const AGAIN: Duration = Duration::from_secs(60);
    /// Longer, the system does not wait for us either.
    const GOODBYE: Duration = Duration::from_secs(2);
    /// NetworkManager's `NM_STATE_CONNECTED_SITE`: there is a way out, if not to everywhere.
    const CONNECTED: u32 = 60;

    /// What the system says.
    #[derive(Debug)]
    pub(super) enum Told {
        /// It is about to sleep, and waits a little for the answer.
        Sleep(oneshot::Sender<()>),
        /// It woke.
        Wake,
        /// The network is there again, or is another.
        Network,
    }

    pub(super) async fn follow(client: Client) {
        let (tell, mut told) = mpsc::channel(8);
        let listening = async {
            loop {
                if let Err(error) = listen(Connection::system().await, &tell).await {
                    tracing::debug!(%error, "the system says nothing about sleep");
                }
                tokio::time::sleep(AGAIN).await;
            }
        };
        let passing_on = async {
            while let Some(told) = told.recv().await {
                match told {
                    Told::Sleep(done) => {
                        client.rest().await;
                        let _ = done.send(());
                    }
                    Told::Wake => client.wake(),
                    Told::Network => client.network_changed(),
                }
            }
        };
        tokio::select! {
            () = listening => {}
            () = passing_on => {}
            () = client.ended() => {}
        }
    }

    /// Listens until the bus is gone.
    pub(super) async fn listen(bus: zbus::Result<Connection>, tell: &mpsc::Sender<Told>) -> zbus::Result<()> {
        let bus = bus?;
        let logind = Proxy::new(
            &bus,
            "org.freedesktop.login1",
            "/org/freedesktop/login1",
            "org.freedesktop.login1.Manager",
        )
        .await?;
        let networks = Proxy::new(
            &bus,
            "org.freedesktop.NetworkManager",
            "/org/freedesktop/NetworkManager",
            "org.freedesktop.NetworkManager",
        )
        .await?;
        let mut sleeps = logind.receive_signal("PrepareForSleep").await?;
        let mut states = networks.receive_signal("StateChanged").await?;
        let mut delay = inhibit(&logind).await;

        loop {
            tokio::select! {
                signal = sleeps.next() => {
                    let Some(signal) = signal else { return Ok(()) };
                    if signal.body().deserialize::<bool>()? {
                        let (done, ready) = oneshot::channel();
                        let _ = tell.send(Told::Sleep(done)).await;
                        let _ = tokio::time::timeout(GOODBYE, ready).await;
                        drop(delay.take());
                    } else {
                        let _ = tell.send(Told::Wake).await;
                        delay = inhibit(&logind).await;
                    }
                }
                signal = states.next() => {
                    let Some(signal) = signal else { return Ok(()) };
                    if signal.body().deserialize::<u32>()? >= CONNECTED {
                        let _ = tell.send(Told::Network).await;
                    }
                }
            }
        }
    }

    /// Has the system wait for the goodbye before it sleeps, until this is dropped.
    async fn inhibit(logind: &Proxy<'_>) -> Option<OwnedFd> {
        let why = ("sleep", "VisionGuard", "Closing the connection to the server", "delay");
        match logind.call("Inhibit", &why).await {
            Ok(delay) => Some(delay),
            Err(error) => {
                tracing::debug!(%error, "the system will not wait before it sleeps");
                None
            }
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
