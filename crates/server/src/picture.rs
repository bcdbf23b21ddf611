//! What becomes of the picture of a published detection. The detection itself is taken whatever it is.

use bytes::Bytes;
use visionguard_picture::{Studio, Unshown};
use visionguard_proto::{FrameError, Jpeg};

/// Largest picture that is kept as it came, in bytes: in base64 it fits into a message of 16 MiB.
pub const KEPT_BYTES: usize = 8 * 1024 * 1024;

/// What became of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Kept as it came, to the last byte.
    Kept,
    /// Encoded again, coarser or smaller, for this reason.
    Scaled(String),
    /// Not kept, for this reason.
    LeftOut(String),
}

impl Fate {
    /// The word of the answer, the messages and the record.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Fate::Kept => "kept",
            Fate::Scaled(_) => "scaled",
            Fate::LeftOut(_) => "left_out",
        }
    }

    /// Why it is not as it came.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Fate::Kept => None,
            Fate::Scaled(reason) | Fate::LeftOut(reason) => Some(reason),
        }
    }
}

/// Looks at a picture as it came: what is kept of it, and what became of it.
pub(crate) async fn take(studio: &Studio, offered: Bytes) -> (Option<Jpeg>, Fate) {
    if offered.len() > KEPT_BYTES {
        return squeeze(studio, offered).await;
    }
    let jpeg = match Jpeg::from_bytes(offered.clone()) {
        Ok(jpeg) => jpeg,
        Err(error) => return (None, Fate::LeftOut(error.to_string())),
    };
    if jpeg.is_plain() {
        return (Some(jpeg), Fate::Kept);
    }
    match studio.check(offered).await {
        Err(why) if why.is_the_pictures() => (None, Fate::LeftOut(why.to_string())),
        // Whether it can be shown is seen when it is; a decoder that failed here is no reason to lose it.
        Ok(()) | Err(_) => (Some(jpeg), Fate::Kept),
    }
}

async fn squeeze(studio: &Studio, offered: Bytes) -> (Option<Jpeg>, Fate) {
    let squeezed = studio.squeeze(offered, KEPT_BYTES).await;
    match squeezed.and_then(|bytes| Jpeg::from_bytes(bytes).map_err(|error: FrameError| Unshown::from(error)))
    {
        Ok(jpeg) => {
            let limit = KEPT_BYTES / (1024 * 1024);
            (Some(jpeg), Fate::Scaled(format!("the picture was over {limit} MiB and was made smaller")))
        }
        Err(why) => (None, Fate::LeftOut(why.to_string())),
    }
}
