//! The data directory and what is in it, as a command finds it.

use std::path::PathBuf;
use std::sync::Arc;

use visionguard_client::account::{Account, Restored};
use visionguard_client::api::Http;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::Parts;
use visionguard_client::keychain::{self, Keychain};
use visionguard_client::lock::DataLock;
use visionguard_client::logging::{self, Logging};
use visionguard_client::settings::{self, Settings};
use visionguard_client::{session_file, tls};

use crate::exit::{Exit, Failure};
use crate::out;

/// The data directory with its settings.
#[derive(Debug)]
pub struct Place {
    pub data_dir: PathBuf,
    pub settings: Settings,
}

impl Place {
    /// Finds the directory and reads the settings; says on standard error which of them are not usable.
    pub fn find() -> Result<Place, Failure> {
        let data_dir = settings::data_dir()?;
        let (settings, complaints) = settings::load(&data_dir);
        for complaint in complaints {
            out::complain(&format!("{complaint}."));
        }
        Ok(Place { data_dir, settings })
    }

    /// Makes this program the owner of the directory, or says who is.
    pub fn own(&self, program: &str) -> Result<DataLock, Failure> {
        Ok(DataLock::take(&self.data_dir, program, SystemClock.wall())?)
    }

    /// Starts the log. Without one the program works all the same.
    pub fn log(&self) -> Option<Logging> {
        match logging::start(&self.data_dir, self.settings.log_level, self.settings.log_format) {
            Ok(logging) => Some(logging),
            Err(error) => {
                out::complain(&format!("no log is written: {error}."));
                None
            }
        }
    }

    /// The account of this directory, with whoever was signed in.
    pub async fn account(&self, keychain: Arc<dyn Keychain>) -> Result<(Account, Restored), Failure> {
        let account = self.new_account(keychain)?;
        let restored = account.restore().await;
        Ok((account, restored))
    }

    /// The account of this directory, with nobody.
    pub fn new_account(&self, keychain: Arc<dyn Keychain>) -> Result<Account, Failure> {
        let tls = tls::client_config(self.settings.extra_ca_file.as_deref())
            .map_err(|error| Failure::new(Exit::Failed, format!("TLS cannot be set up: {error}.")))?;
        let http = Http::new(&tls).map_err(|error| error.problem())?;
        Ok(Account::new(self.data_dir.clone(), keychain, http, Arc::new(SystemClock)))
    }

    /// The keychain that was chosen.
    pub fn keychain(&self) -> Arc<dyn Keychain> {
        keychain::choose()
    }

    /// What a client of this program's name is made of.
    pub fn parts(&self, program: &str) -> Result<Parts, Failure> {
        let parts = Parts::system(self.settings.clone())?;
        Ok(Parts { program: program.to_owned(), data_dir: self.data_dir.clone(), ..parts })
    }

    /// The address that was given, else the settings', else that of the last sign-in.
    pub fn server(&self, given: Option<&str>) -> Result<String, Failure> {
        let settings = self.settings.server.clone();
        let before = || session_file::load(&self.data_dir).map(|session| session.server);
        given.map(str::to_owned).or(settings).or_else(before).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "No server is known. Give its address with --server or VISIONGUARD_SERVER.",
            )
        })
    }
}
