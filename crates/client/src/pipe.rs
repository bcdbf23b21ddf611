//! What the program and its window say to each other. The window is a process of its own, started by the program; its
//! standard input and output are the way, so that nobody listens who could be spoken to by somebody else.
//!
//! A message is its length, its kind, the number of the question it belongs to, and a body: JSON that only the page reads, or
//! a picture's bytes. Both ends are of one installation, so that there are no versions; lengths have bounds all the same.

use std::borrow::Cow;
use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// Kind and number, before the body.
const HEAD: usize = 1 + 8;
/// The longest body: a report of a year, a picture.
const LONGEST: usize = 64 * 1024 * 1024;

/// What the program says to its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToWindow {
    /// [`crate::view::Event`] as JSON.
    Event(Vec<u8>),
    /// The answer to a question of the page, as JSON.
    Answer { id: u64, json: Vec<u8> },
    /// [`crate::view::Problem`] as JSON.
    Refusal { id: u64, json: Vec<u8> },
    /// A JPEG, or that there is none.
    Picture { id: u64, jpeg: Option<Bytes> },
    /// Come to the front.
    Show,
    /// Go into the task bar.
    Minimise,
    /// Close without asking.
    Close,
}

/// What the window says to its program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromWindow {
    /// A question of the page as JSON, wiped when it was read: it may hold a password.
    Ask { id: u64, json: Zeroizing<Vec<u8>> },
    /// The picture of this alert is wanted.
    Picture { id: u64, alert: String },
    /// The person wants to close it.
    Close,
    /// Nobody listens for events until a page asks for everything anew.
    PageGone,
    /// Where it is now.
    Place(Place),
    /// It came to the front, as it was told.
    Shown,
    /// How it stands among the others, where that changed.
    Stance(Stance),
    /// It cannot be shown, and why.
    CannotShow(String),
}

/// How a window stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stance {
    /// The keyboard is its.
    pub focused: bool,
    pub minimised: bool,
}

/// Where a window is, in the screen's pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub x: i32,
    pub y: i32,
    /// Without its frame.
    pub width: u32,
    pub height: u32,
    pub maximised: bool,
}

/// A message as it is on the way.
pub trait Message: Sized {
    /// Its kind, number and body.
    fn parts(&self) -> (u8, u64, Cow<'_, [u8]>);
    /// The message of these parts; none if there is no such message.
    fn of(kind: u8, id: u64, body: Zeroizing<Vec<u8>>) -> Option<Self>;
}

impl Message for ToWindow {
    fn parts(&self) -> (u8, u64, Cow<'_, [u8]>) {
        let nothing = Cow::Borrowed(&[][..]);
        match self {
            ToWindow::Event(json) => (b'e', 0, json.into()),
            ToWindow::Answer { id, json } => (b'a', *id, json.into()),
            ToWindow::Refusal { id, json } => (b'r', *id, json.into()),
            ToWindow::Picture { id, jpeg: Some(jpeg) } => (b'p', *id, Cow::Borrowed(jpeg)),
            ToWindow::Picture { id, jpeg: None } => (b'n', *id, nothing),
            ToWindow::Show => (b's', 0, nothing),
            ToWindow::Minimise => (b'm', 0, nothing),
            ToWindow::Close => (b'c', 0, nothing),
        }
    }

    fn of(kind: u8, id: u64, mut body: Zeroizing<Vec<u8>>) -> Option<Self> {
        let body = std::mem::take(&mut *body);
        match kind {
            b'e' => Some(ToWindow::Event(body)),
            b'a' => Some(ToWindow::Answer { id, json: body }),
            b'r' => Some(ToWindow::Refusal { id, json: body }),
            b'p' => Some(ToWindow::Picture { id, jpeg: Some(body.into()) }),
            b'n' => Some(ToWindow::Picture { id, jpeg: None }),
            b's' => Some(ToWindow::Show),
            b'm' => Some(ToWindow::Minimise),
            b'c' => Some(ToWindow::Close),
            _ => None,
        }
    }
}

impl Message for FromWindow {
    fn parts(&self) -> (u8, u64, Cow<'_, [u8]>) {
        let nothing = Cow::Borrowed(&[][..]);
        match self {
            FromWindow::Ask { id, json } => (b'q', *id, Cow::Borrowed(json)),
            FromWindow::Picture { id, alert } => (b'p', *id, alert.as_bytes().into()),
            FromWindow::Close => (b'c', 0, nothing),
            FromWindow::PageGone => (b'g', 0, nothing),
            FromWindow::Place(place) => (b'w', 0, serde_json::to_vec(place).unwrap_or_default().into()),
            FromWindow::Shown => (b's', 0, nothing),
            FromWindow::Stance(stance) => (b'f', 0, serde_json::to_vec(stance).unwrap_or_default().into()),
            FromWindow::CannotShow(why) => (b'x', 0, why.as_bytes().into()),
        }
    }

    fn of(kind: u8, id: u64, body: Zeroizing<Vec<u8>>) -> Option<Self> {
        let text = || String::from_utf8(body.to_vec()).ok();
        match kind {
            b'q' => Some(FromWindow::Ask { id, json: body }),
            b'p' => Some(FromWindow::Picture { id, alert: text()? }),
            b'c' => Some(FromWindow::Close),
            b'g' => Some(FromWindow::PageGone),
            b'w' => Some(FromWindow::Place(serde_json::from_slice(&body).ok()?)),
            b's' => Some(FromWindow::Shown),
            b'f' => Some(FromWindow::Stance(serde_json::from_slice(&body).ok()?)),
            b'x' => Some(FromWindow::CannotShow(text()?)),
            _ => None,
        }
    }
}

/// Writes a message.
pub async fn write(way: &mut (impl AsyncWrite + Unpin), message: &impl Message) -> io::Result<()> {
    let (kind, id, body) = message.parts();
    let length = u32::try_from(HEAD + body.len()).ok().filter(|_| body.len() <= LONGEST);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    let mut head = [0; 4 + HEAD];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4] = kind;
    head[5..].copy_from_slice(&id.to_le_bytes());
    way.write_all(&head).await?;
    way.write_all(&body).await?;
    way.flush().await
}

/// Reads the next message; none where the other end is gone. What is not ours, or was cut off, is an error.
pub async fn read<M: Message>(way: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<M>> {
    let broken = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut length = [0; 4];
    if way.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    way.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    let Some(length) = length.checked_sub(HEAD).filter(|length| *length <= LONGEST) else {
        return Err(broken("a message's length cannot be"));
    };
    let kind = way.read_u8().await?;
    let id = way.read_u64_le().await?;
    let mut body = Zeroizing::new(vec![0; length]);
    way.read_exact(&mut body).await?;
    M::of(kind, id, body).map(Some).ok_or_else(|| broken("a message of no known kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_message_arrives_as_it_was_sent() {
        let place = Place { x: -8, y: 20, width: 1180, height: 760, maximised: true };
        arrives(ToWindow::Event(b"{}".to_vec())).await;
        arrives(ToWindow::Answer { id: 1, json: b"null".to_vec() }).await;
        arrives(ToWindow::Refusal { id: u64::MAX, json: b"{}".to_vec() }).await;
        arrives(ToWindow::Picture { id: 2, jpeg: Some(vec![0xff; 200_000].into()) }).await;
        arrives(ToWindow::Picture { id: 3, jpeg: None }).await;
        for plain in [ToWindow::Show, ToWindow::Minimise, ToWindow::Close] {
            arrives(plain).await;
        }
        arrives(FromWindow::Ask { id: 4, json: b"{}".to_vec().into() }).await;
        arrives(FromWindow::Picture { id: 5, alert: "17".to_owned() }).await;
        arrives(FromWindow::Close).await;
        arrives(FromWindow::PageGone).await;
        arrives(FromWindow::Place(place)).await;
        arrives(FromWindow::Shown).await;
        arrives(FromWindow::Stance(Stance { focused: false, minimised: true })).await;
        arrives(FromWindow::CannotShow("no display".to_owned())).await;
    }

    #[tokio::test]
    async fn the_end_between_two_messages_is_an_end_and_within_one_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &ToWindow::Event(b"{}".to_vec())).await.unwrap();

        assert_eq!(read::<ToWindow>(&mut &[][..]).await.unwrap(), None);
        for cut in 1..bytes.len() {
            let error = read::<ToWindow>(&mut &bytes[..cut]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}");
        }
    }

    #[tokio::test]
    async fn what_is_not_ours_is_refused_before_it_takes_memory() {
        let huge = [u32::MAX.to_le_bytes().as_slice(), &[0; 20]].concat();
        let none = [0; 30];
        let unknown = [&9_u32.to_le_bytes()[..], b"?", &[0; 8]].concat();

        for bytes in [huge.as_slice(), &none, &unknown, b"Gtk-Message: hello there"] {
            let error = read::<ToWindow>(&mut &*bytes).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    async fn arrives<M: Message + PartialEq + std::fmt::Debug>(message: M) {
        let mut way = Vec::new();
        write(&mut way, &message).await.unwrap();

        let read = read(&mut way.as_slice()).await.unwrap();

        assert_eq!(read, Some(message));
    }
}
