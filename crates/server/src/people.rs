//! Users, shops and who looks after which: what the command line and embedding programs may change.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use visionguard_proto::{ShopId, UserId};

use crate::passwords::{PasswordError, Passwords};
use crate::server::StartError;
use crate::store::people::{self as rows, User};
use crate::store::{Store, StoreError, sessions};
use crate::token::{Keys, Purpose};
use crate::{server, time};

/// How long a pipeline's token holds.
const SERVICE_LIVES: Duration = Duration::from_secs(365 * 24 * 60 * 60);

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
    /// Signs in with it; the part before the @ keeps its case.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the user may see.
    pub role: Role,
    /// 8 to 100 characters.
    pub password: SecretString,
}

/// A user, as `user list` shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// Never changes.
    pub id: UserId,
    /// Signs in with it.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the user may see.
    pub role: Role,
    /// Barred from signing in.
    pub disabled: bool,
    /// When the user was made.
    pub created_at: Timestamp,
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
    #[error("the user has the wrong role: owners own shops, managers are assigned to them")]
    WrongRole,
    /// The password or token could not be made.
    #[error("cannot make the secret")]
    Unmade,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The users and shops of one server.
#[derive(Debug, Clone)]
pub struct People {
    pub(crate) store: Store,
    pub(crate) passwords: Passwords,
    pub(crate) keys: Keys,
}

impl Role {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Role::Owner => "OWNER",
            Role::Manager => "MANAGER",
        }
    }
}

impl People {
    /// Opens the users and shops of a data directory, also while a server runs on it.
    pub fn open(data_dir: &Path, secret: Option<&SecretString>) -> Result<People, StartError> {
        server::open(data_dir, secret, 1)
    }

    /// Makes a user.
    pub async fn add_user(&self, new: NewUser) -> Result<UserId, PeopleError> {
        let email = canonical_email(&new.email).ok_or(PeopleError::BadEmail)?;
        let name = checked_name(&new.name)?;
        let password = self.hash(new.password).await?;
        let user = User {
            id: UserId::new(&fresh_id()).map_err(|_| PeopleError::Unmade)?,
            name,
            email,
            role: new.role,
            disabled: false,
            created_at: time::now(),
        };
        let id = user.id.clone();
        let added = self.store.write(move |db| rows::add(db, &user, &password)).await?;
        if added { Ok(id) } else { Err(PeopleError::EmailTaken) }
    }

    /// Sets a new password. Sessions stay.
    pub async fn set_password(&self, user: &UserId, password: SecretString) -> Result<(), PeopleError> {
        let password = self.hash(password).await?;
        let user = user.clone();
        let found = self.store.write(move |db| rows::set_password(db, &user, &password)).await?;
        if found { Ok(()) } else { Err(PeopleError::UnknownUser) }
    }

    /// All users, oldest first.
    pub async fn list(&self) -> Result<Vec<ListedUser>, PeopleError> {
        let users = self.store.read(rows::all).await?;
        Ok(users.into_iter().map(listed).collect())
    }

    /// The user who signs in with this address.
    pub async fn by_email(&self, email: &str) -> Result<ListedUser, PeopleError> {
        let email = canonical_email(email).ok_or(PeopleError::BadEmail)?;
        let found = self.store.read(move |db| rows::by_email(db, &email)).await?;
        found.map(|(user, _)| listed(user)).ok_or(PeopleError::UnknownUser)
    }

    /// Makes a shop of this owner.
    pub async fn add_shop(&self, name: &str, owner: &UserId) -> Result<ShopId, PeopleError> {
        let name = checked_name(name)?;
        self.expect_role(owner, Role::Owner).await?;
        let id = ShopId::new(&fresh_id()).map_err(|_| PeopleError::Unmade)?;
        let (shop, owner) = (id.clone(), owner.clone());
        self.store.write(move |db| rows::add_shop(db, &shop, &name, &owner)).await?;
        Ok(id)
    }

    /// The names and ids of the shops that this user sees.
    pub async fn shops_of(&self, user: &UserId) -> Result<Vec<(ShopId, String)>, PeopleError> {
        let user = user.clone();
        let shops = self.store.read(move |db| rows::shops_of(db, &user)).await?;
        Ok(shops.into_iter().filter_map(|shop| Some((ShopId::new(&shop.id).ok()?, shop.name))).collect())
    }

    /// Assigns a manager to a shop; doing so again changes nothing.
    pub async fn assign(&self, shop: &ShopId, manager: &UserId) -> Result<(), PeopleError> {
        self.expect_role(manager, Role::Manager).await?;
        let (shop, manager) = (shop.clone(), manager.clone());
        let assign = move |db: &rusqlite::Connection| {
            if !rows::shop_exists(db, &shop)? {
                return Ok(false);
            }
            rows::assign(db, &shop, &manager).map(|()| true)
        };
        if self.store.write(assign).await? { Ok(()) } else { Err(PeopleError::UnknownShop) }
    }

    /// Bars a user from now on, or admits them again. A running server closes their sockets within half a minute.
    pub async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PeopleError> {
        let user = user.clone();
        let found = self.store.write(move |db| rows::set_disabled(db, &user, disabled)).await?;
        if found { Ok(()) } else { Err(PeopleError::UnknownUser) }
    }

    /// Makes a token for a pipeline (`POST /api/alerts`), valid for a year.
    pub async fn service_token(&self, name: &str) -> Result<SecretString, PeopleError> {
        let name = checked_name(name)?;
        let session = fresh_id();
        let token = self.keys.issue(Purpose::Service, &name, &session, SERVICE_LIVES);
        let token = token.map_err(|_| PeopleError::Unmade)?;
        let expires_at = time::now().checked_add(SERVICE_LIVES).unwrap_or(Timestamp::MAX);
        self.store.write(move |db| sessions::start_service(db, &session, &name, expires_at)).await?;
        Ok(token.into())
    }

    async fn hash(&self, password: SecretString) -> Result<String, PeopleError> {
        if !(8..=100).contains(&password.expose_secret().chars().count()) {
            return Err(PeopleError::BadPassword);
        }
        self.passwords.hash(password).await.map_err(|error| match error {
            PasswordError::Busy | PasswordError::Failed => PeopleError::Unmade,
        })
    }

    async fn expect_role(&self, user: &UserId, role: Role) -> Result<(), PeopleError> {
        let user = user.clone();
        let found = self.store.read(move |db| rows::by_id(db, &user)).await?;
        let found = found.ok_or(PeopleError::UnknownUser)?;
        if found.role == role { Ok(()) } else { Err(PeopleError::WrongRole) }
    }
}

/// The address as it is kept and looked up: trimmed, its domain in lower case; none if it is no address.
pub(crate) fn canonical_email(text: &str) -> Option<String> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    let dotted = domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    let fits = text.len() <= 254;
    (fits && dotted && plain(local) && plain(domain) && !local.contains('@'))
        .then(|| format!("{local}@{}", domain.to_lowercase()))
}

fn checked_name(name: &str) -> Result<String, PeopleError> {
    let name = name.trim();
    let fits = (2..=255).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(PeopleError::BadName) }
}

fn fresh_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn listed(user: User) -> ListedUser {
    let User { id, name, email, role, disabled, created_at } = user;
    ListedUser { id, email, name, role, disabled, created_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_case_of_its_local_part_alone() {
        assert_eq!(canonical_email(" Ann.B@Shop.Example ").unwrap(), "Ann.B@shop.example");
        for not in
            ["", "nope", "@x.example", "a@", "a@b", "a b@c.example", "a@b@c.example", "a@.example", "a@b..c"]
        {
            assert_eq!(canonical_email(not), None, "{not}");
        }
    }
}
