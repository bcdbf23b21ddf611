//! An open socket: a reader that is polled in place, and a writer of its own behind a small queue.

use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt, future};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use visionguard_proto::Cause;
use visionguard_proto::message::ClientMessage;

use super::handshake::{WebSocket, of_socket};
use super::heard::Heard;

/// How many messages may wait to be written. Ours are few and small: more than this, and the peer is not reading.
const QUEUE: usize = 64;

/// How long the peer may take to answer our close.
const FAREWELL: Duration = Duration::from_secs(1);

/// An open alert socket.
pub(super) struct Socket {
    incoming: SplitStream<WebSocket>,
    heard: Heard,
    outgoing: mpsc::Sender<Message>,
    writer: JoinHandle<()>,
}

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A sign of life without a meaning of its own.
    Bytes,
    /// The peer said goodbye; [`Socket::farewell`] lets our answer out.
    Goodbye(Cause),
    /// The socket broke.
    Broken(Cause),
}

impl Socket {
    pub(super) fn new(socket: WebSocket, heard: Heard) -> Socket {
        let (sink, incoming) = socket.split();
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let writer = tokio::spawn(write(sink, queue));
        Socket { incoming, heard, outgoing, writer }
    }

    /// The next thing that comes in. Can be abandoned at any time without losing anything.
    pub(super) async fn next(&mut self) -> Incoming {
        future::poll_fn(|cx| match self.incoming.poll_next_unpin(cx) {
            Poll::Ready(message) => {
                self.heard.take();
                Poll::Ready(read(message))
            }
            Poll::Pending if self.heard.take() => Poll::Ready(Incoming::Bytes),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Queues a message without waiting.
    pub(super) fn send(&self, message: &ClientMessage) -> Result<(), Cause> {
        match self.outgoing.try_send(Message::text(message.to_text())) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Cause::Stalled),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Cause::Lost),
        }
    }

    /// Closes with `code` and waits for the peer to have done the same, a second at most.
    pub(super) async fn farewell(mut self, code: u16) {
        let close = Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::default() }));
        let polite = async {
            if self.outgoing.send(close).await.is_err() {
                return;
            }
            while let Some(Ok(_)) = self.incoming.next().await {}
        };
        if timeout(FAREWELL, polite).await.is_err() {
            tracing::debug!("the server did not answer the close");
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(mut sink: SplitSink<WebSocket, Message>, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.recv().await {
        if let Err(error) = sink.send(message).await {
            tracing::debug!(cause = ?of_socket(&error), "writing failed");
            return;
        }
    }
}

fn read(message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>) -> Incoming {
    match message {
        Some(Ok(Message::Text(text))) => Incoming::Text(text),
        Some(Ok(Message::Binary(message))) => Incoming::Binary(message),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Bytes,
        Some(Ok(Message::Close(Some(frame)))) => Incoming::Goodbye(Cause::Closed(frame.code.into())),
        Some(Ok(Message::Close(None))) => Incoming::Goodbye(Cause::Closed(1005)),
        Some(Err(error)) => Incoming::Broken(of_socket(&error)),
        None => Incoming::Broken(Cause::Lost),
    }
}
