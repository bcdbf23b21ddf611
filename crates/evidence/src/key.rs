//! The key of one installation, in minisign's terms: Ed25519, with eight bytes that name it.
//!
//! minisign draws a key's name at random; ours is the beginning of the key's SHA-256, so that the secret is one seed. A
//! name says which key to try and proves nothing, since anybody can make a key of any name: to know whose key it is, compare the whole
//! public key, which is 56 characters.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::SHA256;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use crate::signature;

/// Bytes of a secret key.
pub const SECRET_BYTES: usize = 32;

/// minisign's mark of an Ed25519 key.
const ALGORITHM: &[u8; 2] = b"Ed";
const COMMENT: &str = "untrusted comment: minisign public key ";

/// Why a key cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gave no random bytes.
    #[error("the system gave no random bytes for a key")]
    NoRandomness,
    /// Not [`SECRET_BYTES`] long.
    #[error("the secret key is not {SECRET_BYTES} bytes long")]
    BadSecret,
    /// Not what minisign writes.
    #[error("this is not a public key of minisign")]
    BadPublicKey,
}

/// Signs. Holds a secret, which it neither shows nor writes anywhere.
pub struct Signer {
    seed: Zeroizing<[u8; SECRET_BYTES]>,
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Signer {
    /// A new key from the system's random bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`], which on a running system does not happen.
    pub fn generate() -> Result<Signer, KeyError> {
        let mut seed = Zeroizing::new([0; SECRET_BYTES]);
        SystemRandom::new().fill(seed.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
        Signer::of_seed(seed)
    }

    /// The key whose [`Signer::secret`] this is.
    ///
    /// # Errors
    ///
    /// [`KeyError::BadSecret`] where it is not [`SECRET_BYTES`] long.
    pub fn from_secret(secret: &[u8]) -> Result<Signer, KeyError> {
        let seed = <[u8; SECRET_BYTES]>::try_from(secret).map_err(|_| KeyError::BadSecret)?;
        Signer::of_seed(Zeroizing::new(seed))
    }

    fn of_seed(seed: Zeroizing<[u8; SECRET_BYTES]>) -> Result<Signer, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| KeyError::BadSecret)?;
        let key = <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_| KeyError::BadSecret)?;
        let mut id = [0; 8];
        id.copy_from_slice(&ring::digest::digest(&SHA256, &key).as_ref()[..8]);
        Ok(Signer { seed, pair, public: PublicKey { id, key } })
    }

    /// The secret, for a keychain: [`SECRET_BYTES`] bytes, wiped when they are dropped.
    pub fn secret(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.seed.to_vec())
    }

    /// The key with which others verify.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// The text of `FILE.minisig` for these bytes; the same for the same bytes and comment.
    pub(crate) fn sign(&self, bytes: &[u8], trusted_comment: &str) -> String {
        signature::sign(&self.pair, self.public, bytes, trusted_comment)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A public key of minisign. Shown as the one line that `minisign -P` takes: 56 characters of base64, beginning with `RW`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    pub(crate) id: [u8; 8],
    pub(crate) key: [u8; 32],
}

impl PublicKey {
    /// Reads the one line, or the text of a public key file.
    ///
    /// # Errors
    ///
    /// [`KeyError::BadPublicKey`] for anything else.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.find(|line| !line.starts_with("untrusted comment:"));
        let bytes = line.filter(|line| line.len() == 56).and_then(|line| STANDARD.decode(line).ok());
        let (Some(bytes), None) = (bytes, lines.next()) else { return Err(KeyError::BadPublicKey) };
        let (Some((ALGORITHM, rest)), 42) = (bytes.split_first_chunk(), bytes.len()) else {
            return Err(KeyError::BadPublicKey);
        };
        let (id, key) = rest.split_at(8);
        match (id.try_into(), key.try_into()) {
            (Ok(id), Ok(key)) => Ok(PublicKey { id, key }),
            _ => Err(KeyError::BadPublicKey),
        }
    }

    /// Its name, as minisign shows it: 16 hexadecimal digits. Says which key it is among ours, and proves nothing.
    pub fn id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.id))
    }

    /// The text of a public key file, as `minisign -p` reads it.
    pub fn to_file(&self) -> String {
        format!("{COMMENT}{}\n{self}\n", self.id())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [ALGORITHM.as_slice(), &self.id, &self.key].concat();
        f.write_str(&STANDARD.encode(bytes))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_out_of_the_keychain_is_the_same_key() {
        let made = Signer::generate().unwrap();

        let again = Signer::from_secret(&made.secret()).unwrap();

        assert_eq!(again.public_key(), made.public_key());
        assert_eq!(again.sign(b"x", "c"), made.sign(b"x", "c"));
        assert_eq!(Signer::from_secret(&[1; 31]).err(), Some(KeyError::BadSecret));
    }

    #[test]
    fn a_public_key_is_read_from_its_line_and_from_its_file() {
        let key = Signer::from_secret(&[7; 32]).unwrap().public_key();

        assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
        assert_eq!(PublicKey::parse(&key.to_file()), Ok(key));
        assert_eq!(PublicKey::parse(&key.to_file().replace('\n', "\r\n")), Ok(key));
        assert!(key.to_string().starts_with("RW") && key.to_string().len() == 56);
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let line = Signer::from_secret(&[7; 32]).unwrap().public_key().to_string();
        for text in
            ["", "RW", "untrusted comment: x", &line[1..], &format!("{line}\n{line}"), &"A".repeat(56)]
        {
            assert_eq!(PublicKey::parse(text), Err(KeyError::BadPublicKey), "{text}");
        }
    }

    #[test]
    fn a_signer_shows_no_secret() {
        let signer = Signer::from_secret(&[0x5a; 32]).unwrap();

        assert!(!format!("{signer:?}").contains("90"), "{signer:?}");
    }
}
