//! Being told to end: by the system as it shuts down, or by a terminal. The program listens from its first moment on, and
//! the end is a clean one at any time.

use std::sync::{Arc, Mutex, PoisonError};

use visionguard_client::controller::Client;

/// Who finishes what is begun, once there is something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    client: Arc<Mutex<Option<Client>>>,
}

impl Told {
    /// From here on nothing else ends the program; needs a tokio runtime around it.
    pub(crate) fn listen() -> Told {
        let told = Told::default();
        #[cfg(unix)]
        told.follow();
        told
    }

    #[cfg(unix)]
    fn follow(&self) {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
        else {
            return;
        };
        let told = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hang_up.recv() => {}
                }
                told.end();
            }
        });
    }

    /// Finishes with this client from now on.
    pub(crate) fn finish_with(&self, client: Client) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    /// Without a client nothing is begun, and nothing that the program waits for, a screen or a person, is to hold it up.
    #[cfg(unix)]
    fn end(&self) {
        match &*self.client.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(client) => client.quit(),
            None => std::process::exit(0),
        }
    }
}
