//! Users, shops and who looks after which: what the command line and embedding programs may change.

use secrecy::SecretString;
use visionguard_proto::{ShopId, UserId};

use crate::store::StoreError;

/// What a user may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Their own shops.
    Owner,
    /// The shops they are assigned to.
    Manager,
}

/// A user to be made.
#[derive(Debug)]
pub struct NewUser {
    /// Signs in with it; kept as it is, case included.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the user may see.
    pub role: Role,
    /// 8 to 100 characters.
    pub password: SecretString,
}

/// Why a user or shop is not changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The address is taken.
    #[error("a user with this e-mail address exists")]
    EmailTaken,
    /// Not an e-mail address.
    #[error("this is not an e-mail address")]
    BadEmail,
    /// Too short or too long.
    #[error("a password has 8 to 100 characters")]
    BadPassword,
    /// Empty or too long.
    #[error("a name has 2 to 255 characters")]
    BadName,
    /// No such user.
    #[error("no such user")]
    UnknownUser,
    /// No such shop.
    #[error("no such shop")]
    UnknownShop,
    /// Owners own shops; managers are assigned to them.
    #[error("the user has the wrong role for this")]
    WrongRole,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The users and shops of one server.
#[derive(Debug, Clone)]
pub struct People {}

impl People {
    /// Makes a user.
    pub async fn add_user(&self, user: NewUser) -> Result<UserId, PeopleError> {
        let _ = user;
        std::future::ready(()).await;
        todo!()
    }

    /// Makes a shop of this owner.
    pub async fn add_shop(&self, name: &str, owner: &UserId) -> Result<ShopId, PeopleError> {
        let _ = (name, owner);
        std::future::ready(()).await;
        todo!()
    }

    /// Assigns a manager to a shop; doing so again changes nothing.
    pub async fn assign(&self, shop: &ShopId, manager: &UserId) -> Result<(), PeopleError> {
        let _ = (shop, manager);
        std::future::ready(()).await;
        todo!()
    }

    /// Bars a user from now on, or admits them again; open sockets are closed within seconds.
    pub async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PeopleError> {
        let _ = (user, disabled);
        std::future::ready(()).await;
        todo!()
    }

    /// Makes a token for a pipeline (`POST /api/alerts`), valid for a year.
    pub async fn service_token(&self, name: &str) -> Result<SecretString, PeopleError> {
        let _ = name;
        std::future::ready(()).await;
        todo!()
    }
}
