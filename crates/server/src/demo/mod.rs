//! Simulated cameras: drawn scenes, published through the same path as a real pipeline's detections.

mod camera;
mod figure;
mod font;
mod palette;
mod raster;
mod scenes;
mod script;
mod world;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::Serialize;
use visionguard_proto::{ShopId, UserId};

use crate::app::App;
use crate::people::{NewUser, People, PeopleError, Role};

const MANAGER: &str = "manager@shop.example";
const OWNER: &str = "owner@shop.example";
const SHOPS: [&str; 2] = ["Main Street", "Harbour Market"];

/// How the demonstration behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Stop publishing after this many alerts; none: never.
    pub alerts: Option<u64>,
    /// Pause between two events; the alerts of a storm come at most a second apart.
    pub interval: Duration,
    /// Publish before anybody is connected. Otherwise the cameras wait for the first connection.
    pub at_once: bool,
    /// The ready user's password; none: a new random one at each start.
    pub password: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { alerts: None, interval: Duration::from_secs(20), at_once: false, password: None }
    }
}

/// Who may sign in to the demonstration.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// The e-mail address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
    /// The user's id.
    pub user_id: UserId,
    /// The shops that the user looks after.
    pub shops: Vec<ShopId>,
}

/// Makes the user and the shops where they are not there yet, and starts the cameras.
pub(crate) async fn start(app: &Arc<App>, people: &People, settings: Settings) -> Result<Ready, PeopleError> {
    let password = settings.password.clone().unwrap_or_else(random_password);
    let owner = user(people, OWNER, "Demo Owner", Role::Owner, random_password()).await?;
    let manager = user(people, MANAGER, "Demo Manager", Role::Manager, password.clone()).await?;
    let mut shops = Vec::new();
    let there = people.shops_of(&owner).await?;
    for name in SHOPS {
        let shop = match there.iter().find(|(_, known)| known == name) {
            Some((shop, _)) => shop.clone(),
            None => people.add_shop(name, &owner).await?,
        };
        people.assign(&shop, &manager).await?;
        shops.push(shop);
    }
    let ready = Ready { email: MANAGER.to_owned(), password, user_id: manager, shops };
    tokio::spawn(script::play(Arc::clone(app), ready.shops.clone(), settings));
    Ok(ready)
}

/// The user of this address, with this password from now on.
async fn user(
    people: &People,
    email: &str,
    name: &str,
    role: Role,
    password: String,
) -> Result<UserId, PeopleError> {
    let password = SecretString::from(password);
    match people.by_email(email).await {
        Ok(user) => {
            people.set_password(&user.id, password).await?;
            Ok(user.id)
        }
        Err(PeopleError::UnknownUser) => {
            people.add_user(NewUser { email: email.to_owned(), name: name.to_owned(), role, password }).await
        }
        Err(error) => Err(error),
    }
}

/// Sixteen letters and digits, without those that look alike.
fn random_password() -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    (0..16).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}
