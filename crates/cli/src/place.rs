//! The data directory and what is in it, as a command finds it.

use std::path::PathBuf;
use std::sync::Arc;

use visionguard_client::account::{Account, Restored};
use visionguard_client::api::Http;
use visionguard_client::clock::{Clock, SystemClock};
use visionguard_client::controller::{Parts, Remarks};
use visionguard_client::installation::DataDir;
use visionguard_client::keychain::{self, Keychain};
use visionguard_client::lock::DataLock;
use visionguard_client::logging::{self, Logging};
use visionguard_client::session_file;
use visionguard_client::settings::{self, Complaint, Settings};
use visionguard_client::tls::{ClientConfig, Trust};

use crate::exit::{Exit, Failure};
use crate::out;

/// The data directory with its settings.
#[derive(Debug)]
pub struct Place {
    pub data_dir: PathBuf,
    pub settings: Settings,
    /// The directory as it was found, whether or not anything can be kept there.
    pub found: DataDir,
    pub complaints: Vec<Complaint>,
    pub trust: Trust,
}

impl Place {
    /// Finds the directory and reads the settings; says on standard error which of them are not usable.
    pub fn find() -> Result<Place, Failure> {
        let found = DataDir::find();
        if let Some(trouble) = &found.trouble {
            out::complain(&format!("nothing can be kept in {}: {trouble}.", found.path.display()));
        }
        let (settings, complaints) = settings::load(&found.path);
        for complaint in &complaints {
            out::complain(&format!("{complaint}."));
        }
        let trust = Trust::of(settings.extra_ca_file.as_deref());
        if let Some(trouble) = trust.trouble() {
            out::complain(&trouble);
        }
        Ok(Place { data_dir: found.path.clone(), found, settings, complaints, trust })
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
        let tls = self.tls()?;
        let http = Http::new(&tls).map_err(|error| error.problem())?;
        Ok(Account::new(self.data_dir.clone(), keychain, http, Arc::new(SystemClock)))
    }

    /// TLS with the certificates that are trusted here.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, Failure> {
        let set_up = self.trust.config();
        set_up.map_err(|error| Failure::new(Exit::Failed, format!("TLS cannot be set up: {error}.")))
    }

    /// What a client is to say of what was found.
    pub fn remarks(&self) -> Remarks {
        Remarks {
            data_dir: Some(self.found.clone()),
            complaints: self.complaints.clone(),
            trust: Some(self.trust.clone()),
            // Said on standard error where it is found out.
            no_log: None,
        }
    }

    /// The keychain that was chosen.
    pub fn keychain(&self) -> Arc<dyn Keychain> {
        keychain::choose()
    }

    /// What a client of this program's name is made of.
    pub fn parts(&self, program: &str) -> Result<Parts, Failure> {
        let parts = Parts::system(self.data_dir.clone(), self.settings.clone(), &self.trust)?;
        Ok(Parts { program: program.to_owned(), ..parts })
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
