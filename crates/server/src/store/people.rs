//! Rows of users and shops.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde_json::{Value, json};
use visionguard_proto::{ShopId, UserId};

use crate::people::Role;
use crate::time;

/// A user, as far as others may know them.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) disabled: bool,
    pub(crate) created_at: Timestamp,
}

const USER: &str = "id, name, email, role, disabled, created_at";

/// The user and their password's hash.
pub(crate) fn by_email(db: &Connection, email: &str) -> rusqlite::Result<Option<(User, String)>> {
    let sql = format!("SELECT {USER}, password FROM users WHERE email = ?1");
    db.prepare_cached(&sql)?.query_row([email], |row| Ok((user(row)?, row.get(6)?))).optional()
}

pub(crate) fn by_id(db: &Connection, id: &UserId) -> rusqlite::Result<Option<User>> {
    let sql = format!("SELECT {USER} FROM users WHERE id = ?1");
    db.prepare_cached(&sql)?.query_row([id.as_str()], user).optional()
}

pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<User>> {
    let sql = format!("SELECT {USER} FROM users ORDER BY created_at, id");
    db.prepare(&sql)?.query_map([], user)?.collect()
}

/// Makes the user; false if the address is taken.
pub(crate) fn add(db: &Connection, user: &User, password: &str) -> rusqlite::Result<bool> {
    let changed = db.execute(
        "INSERT INTO users (id, email, name, role, password, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (email) DO NOTHING",
        params![
            user.id.as_str(),
            user.email,
            user.name,
            user.role.word(),
            password,
            user.created_at.as_microsecond()
        ],
    )?;
    Ok(changed == 1)
}

pub(crate) fn set_password(db: &Connection, id: &UserId, password: &str) -> rusqlite::Result<bool> {
    Ok(db.execute("UPDATE users SET password = ?2 WHERE id = ?1", params![id.as_str(), password])? == 1)
}

/// Bars or admits the user; a barred user's sessions end for good.
pub(crate) fn set_disabled(db: &Connection, id: &UserId, disabled: bool) -> rusqlite::Result<bool> {
    if disabled {
        db.execute(
            "UPDATE sessions SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL",
            params![id.as_str(), time::now().as_microsecond()],
        )?;
    }
    Ok(db.execute("UPDATE users SET disabled = ?2 WHERE id = ?1", params![id.as_str(), disabled])? == 1)
}

pub(crate) fn add_shop(db: &Connection, id: &ShopId, name: &str, owner: &UserId) -> rusqlite::Result<()> {
    let now = time::now().as_microsecond();
    db.execute(
        "INSERT INTO shops (id, owner_id, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
        params![id.as_str(), owner.as_str(), name, now],
    )?;
    Ok(())
}

pub(crate) fn shop_exists(db: &Connection, id: &ShopId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM shops WHERE id = ?1")?.exists([id.as_str()])
}

pub(crate) fn owner(db: &Connection, shop: &ShopId) -> rusqlite::Result<Option<UserId>> {
    let sql = "SELECT owner_id FROM shops WHERE id = ?1";
    db.prepare_cached(sql)?.query_row([shop.as_str()], |row| user_id(row, 0)).optional()
}

pub(crate) fn assign(db: &Connection, shop: &ShopId, manager: &UserId) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO managers (user_id, shop_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        [manager.as_str(), shop.as_str()],
    )?;
    Ok(())
}

/// Remembers that the shop has a camera of this name.
pub(crate) fn note_camera(db: &Connection, shop: &ShopId, name: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO cameras (shop_id, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute([shop.as_str(), name])?;
    Ok(())
}

/// Everybody who sees this shop: its owner and its managers.
pub(crate) fn of_shop(db: &Connection, shop: &ShopId) -> rusqlite::Result<Vec<UserId>> {
    db.prepare_cached("SELECT user_id FROM visible WHERE shop_id = ?1")?
        .query_map([shop.as_str()], |row| user_id(row, 0))?
        .collect()
}

pub(crate) fn sees(db: &Connection, user: &UserId, shop: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM visible WHERE user_id = ?1 AND shop_id = ?2")?
        .exists([user.as_str(), shop])
}

/// Whether the two are the same or share a shop.
pub(crate) fn acquainted(db: &Connection, one: &UserId, other: &UserId) -> rusqlite::Result<bool> {
    if one == other {
        return Ok(true);
    }
    db.prepare_cached(
        "SELECT 1 FROM visible a JOIN visible b ON a.shop_id = b.shop_id WHERE a.user_id = ?1 AND b.user_id = ?2",
    )?
    .exists([one.as_str(), other.as_str()])
}

/// Whether the first owns a shop that the second manages, or both are the same.
pub(crate) fn oversees(db: &Connection, one: &UserId, other: &UserId) -> rusqlite::Result<bool> {
    if one == other {
        return Ok(true);
    }
    db.prepare_cached(
        "SELECT 1 FROM shops s JOIN managers m ON m.shop_id = s.id WHERE s.owner_id = ?1 AND m.user_id = ?2",
    )?
    .exists([one.as_str(), other.as_str()])
}

/// A shop in the body of `GET /shops` (contract 2.2).
#[derive(Debug, Serialize)]
pub(crate) struct Shop {
    pub(crate) id: String,
    owner_id: String,
    pub(crate) name: String,
    address: Option<String>,
    cameras: Vec<String>,
    telegram_chat_id: Option<String>,
    managers: Vec<Value>,
    created_at: String,
    updated_at: String,
}

/// The shops that this user sees, oldest first.
pub(crate) fn shops_of(db: &Connection, user: &UserId) -> rusqlite::Result<Vec<Shop>> {
    let mut shops: Vec<Shop> = db
        .prepare_cached(
            "SELECT id, owner_id, name, address, created_at, updated_at FROM shops
             WHERE id IN (SELECT shop_id FROM visible WHERE user_id = ?1) ORDER BY created_at, id",
        )?
        .query_map([user.as_str()], |row| {
            Ok(Shop {
                id: row.get(0)?,
                owner_id: row.get(1)?,
                name: row.get(2)?,
                address: row.get(3)?,
                cameras: Vec::new(),
                telegram_chat_id: None,
                managers: Vec::new(),
                created_at: time::naive(time::from_micros(row.get(4)?)),
                updated_at: time::naive(time::from_micros(row.get(5)?)),
            })
        })?
        .collect::<Result<_, _>>()?;
    let mut cameras = db.prepare_cached("SELECT name FROM cameras WHERE shop_id = ?1 ORDER BY name")?;
    let mut managers = db.prepare_cached(
        "SELECT u.id, u.name, u.email FROM users u JOIN managers m ON m.user_id = u.id
         WHERE m.shop_id = ?1 ORDER BY u.name, u.id",
    )?;
    for shop in &mut shops {
        shop.cameras = cameras.query_map([&shop.id], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let manager = |row: &Row<'_>| {
            let (id, name, email): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(json!({ "id": id, "name": name, "email": email }))
        };
        shop.managers = managers.query_map([&shop.id], manager)?.collect::<Result<_, _>>()?;
    }
    Ok(shops)
}

/// Reads a user of the columns [`USER`].
fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get(3)?;
    Ok(User {
        id: user_id(row, 0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        role: if role == Role::Owner.word() { Role::Owner } else { Role::Manager },
        disabled: row.get(4)?,
        created_at: time::from_micros(row.get(5)?),
    })
}

fn user_id(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    let text: String = row.get(column)?;
    UserId::new(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}
