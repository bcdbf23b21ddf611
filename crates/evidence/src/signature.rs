//! `SHA256SUMS.minisig`: minisign's signature of a file, in its prehashed form.
//!
//! Written here, and read and checked by minisign's own crate. minisign's crate for signing mixes randomness into each
//! signature, so that two zips of the same would differ; the form is four lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::Ed25519KeyPair;

use crate::key::PublicKey;

/// minisign's mark of a signature of the BLAKE2b-512 of what is signed.
const PREHASHED: &[u8; 2] = b"ED";
const UNTRUSTED: &str = "untrusted comment: signature from the key in device.pub";
const TRUSTED: &str = "trusted comment: ";
/// No signature of ours is longer.
pub(crate) const MAX_BYTES: usize = 2_048;

pub(crate) fn sign(pair: &Ed25519KeyPair, key: PublicKey, bytes: &[u8], trusted_comment: &str) -> String {
    let signature = pair.sign(Blake2b512::digest(bytes).as_slice());
    let with_comment = [signature.as_ref(), trusted_comment.as_bytes()].concat();
    text(key.id, signature.as_ref(), trusted_comment, pair.sign(&with_comment).as_ref())
}

fn text(id: [u8; 8], signature: &[u8], trusted_comment: &str, of_both: &[u8]) -> String {
    let signature = STANDARD.encode([PREHASHED.as_slice(), &id, signature].concat());
    format!("{UNTRUSTED}\n{signature}\n{TRUSTED}{trusted_comment}\n{}\n", STANDARD.encode(of_both))
}

/// A signature as it was read; not checked.
#[derive(Debug)]
pub(crate) struct Read {
    text: String,
    id: [u8; 8],
    trusted_comment: String,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// By another key than the one given.
    OtherKey,
    /// Not of these bytes.
    Wrong,
}

impl Read {
    /// Reads exactly what [`sign`] writes: what minisign does not look at, such as the first line, is looked at here, so
    /// that no byte of the file can be another unseen.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Read> {
        let read = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_BYTES)?;
        let mut lines = read.lines();
        let (_, signature) = (lines.next()?, STANDARD.decode(lines.next()?).ok()?);
        let trusted_comment = lines.next()?.strip_prefix(TRUSTED)?;
        let of_both = STANDARD.decode(lines.next()?).ok()?;
        let (mark, rest) = signature.split_first_chunk::<2>()?;
        let (id, signature) = rest.split_first_chunk::<8>()?;
        let is_whole = mark == PREHASHED
            && signature.len() == 64
            && of_both.len() == 64
            && text(*id, signature, trusted_comment, &of_both) == read;
        is_whole.then(|| Read { text: read.to_owned(), id: *id, trusted_comment: trusted_comment.to_owned() })
    }

    /// Checks that this key signed these bytes, and the trusted comment with them.
    pub(crate) fn check(&self, key: &PublicKey, bytes: &[u8]) -> Result<(), Fault> {
        if self.id != key.id {
            return Err(Fault::OtherKey);
        }
        let key = minisign_verify::PublicKey::from_base64(&key.to_string());
        let signature = minisign_verify::Signature::decode(&self.text);
        match (key, signature) {
            (Ok(key), Ok(signature)) => key.verify(bytes, &signature, false).map_err(|_| Fault::Wrong),
            _ => Err(Fault::Wrong),
        }
    }

    /// The comment that is signed, too.
    pub(crate) fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// The name of the key that made it, as minisign shows it.
    pub(crate) fn key_id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Signer;

    #[test]
    fn a_signature_holds_for_its_bytes_and_its_key_alone() {
        let (signer, other) =
            (Signer::from_secret(&[1; 32]).unwrap(), Signer::from_secret(&[2; 32]).unwrap());
        let read = Read::parse(signer.sign(b"sums", "timestamp:1").as_bytes()).unwrap();

        assert_eq!(read.trusted_comment(), "timestamp:1");
        assert_eq!(read.key_id(), signer.public_key().id());
        assert_eq!(read.check(&signer.public_key(), b"sums"), Ok(()));
        assert_eq!(read.check(&signer.public_key(), b"sums "), Err(Fault::Wrong));
        assert_eq!(read.check(&other.public_key(), b"sums"), Err(Fault::OtherKey));
        // A key of the same name is another key all the same.
        let namesake = PublicKey { id: signer.public_key().id, key: other.public_key().key };
        assert_eq!(read.check(&namesake, b"sums"), Err(Fault::Wrong));
    }

    proptest! {
        #[test]
        fn no_byte_of_a_signature_can_be_another(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let signer = Signer::from_secret(&[1; 32]).unwrap();
            let mut bytes = signer.sign(b"sums", "timestamp:1\tfile:SHA256SUMS").into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;

            let holds = Read::parse(&bytes).is_some_and(|read| read.check(&signer.public_key(), b"sums").is_ok());

            prop_assert!(!holds);
        }

        #[test]
        fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Read::parse(&bytes);
        }
    }
}
