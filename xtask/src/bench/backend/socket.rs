//! The alert socket (RFC 6455), as the original frames it: one unmasked text frame per message.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::message::{base64, pong};
use super::{KEEPALIVE, PING, Shared, message};

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PROTOCOL_PING: u8 = 9;
const PROTOCOL_PONG: u8 = 10;
/// A server that restarts closes with it.
const RESTART: u16 = 1012;
/// Longest message of a client.
const LONGEST: u64 = 1 << 20;

/// A message as it goes over the wire.
pub(in super::super) fn frame(text: &str) -> Vec<u8> {
    framed(TEXT, text.as_bytes())
}

/// The farewell of a server that restarts.
pub(super) fn restarting() -> Vec<u8> {
    framed(CLOSE, &RESTART.to_be_bytes())
}

/// Writes a whole frame.
pub(super) fn write(mut socket: &TcpStream, frame: &[u8]) -> Result<()> {
    Ok(socket.write_all(frame)?)
}

/// Answers the handshake and listens until the client goes.
pub(super) fn serve(
    shared: &Arc<Shared>,
    mut reader: BufReader<TcpStream>,
    mut writer: TcpStream,
    key: &str,
    came: Instant,
) -> Result<()> {
    let accept = base64(&sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes()));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\
         server: uvicorn\r\n\r\n"
    );
    writer.write_all(head.as_bytes())?;
    let since = Instant::now();
    let socket = writer.try_clone()?;
    shared.change(|state| {
        state.handshakes.push(came);
        state.socket = Some((socket, since));
    });
    let beating = writer.try_clone()?;
    thread::spawn(move || beat(&beating));

    let heard = listen(shared, &mut reader, &writer);
    let _ = writer.shutdown(std::net::Shutdown::Both);
    shared.change(|state| {
        if state.socket.as_ref().is_some_and(|(_, other)| *other == since) {
            state.socket = None;
        }
    });
    heard
}

/// Says `ping` in both ways until the socket is gone.
fn beat(socket: &TcpStream) {
    let started = Instant::now();
    let (mut ping, mut keepalive) = (PING, KEEPALIVE);
    loop {
        let next = ping.min(keepalive);
        thread::sleep(next.saturating_sub(started.elapsed()));
        let frame = if next == ping {
            ping += PING;
            frame(&message::ping())
        } else {
            keepalive += KEEPALIVE;
            framed(PROTOCOL_PING, &[1, 2, 3, 4])
        };
        if write(socket, &frame).is_err() {
            return;
        }
    }
}

fn listen(shared: &Shared, reader: &mut BufReader<TcpStream>, writer: &TcpStream) -> Result<()> {
    loop {
        let (kind, payload) = read(reader)?;
        match kind {
            TEXT => {
                let text = String::from_utf8_lossy(&payload);
                if text.contains("\"type\":\"ack\"") {
                    shared.change(|state| state.acks += 1);
                } else if text.contains("\"type\":\"ping\"") {
                    write(writer, &frame(&pong()))?;
                }
            }
            CLOSE => return write(writer, &framed(CLOSE, &payload)),
            PROTOCOL_PING => write(writer, &framed(PROTOCOL_PONG, &payload))?,
            _ => {}
        }
    }
}

/// A client's frame: its kind and what it holds, unmasked.
fn read(reader: &mut impl Read) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    reader.read_exact(&mut head)?;
    let length = match head[1] & 0x7F {
        126 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            u64::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            reader.read_exact(&mut length)?;
            u64::from_be_bytes(length)
        }
        short => u64::from(short),
    };
    ensure!(length <= LONGEST, "a client's message is too long");
    let mut mask = [0; 4];
    if head[1] & 0x80 != 0 {
        reader.read_exact(&mut mask)?;
    }
    let mut payload = vec![0; usize::try_from(length)?];
    reader.read_exact(&mut payload)?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok((head[0] & 0x0F, payload))
}

fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | kind];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ 0..=125), _) => frame.push(length),
        (_, Ok(length)) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        (_, Err(_)) => {
            frame.push(127);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// What a handshake is answered with needs it (FIPS 180-4); nothing else here does.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64) + if padded.len() % 64 > 56 { 64 } else { 0 } - 8, 0);
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        for place in 16..80 {
            let word = words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16];
            words.push(word.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (place, word) in words.iter().enumerate() {
            let (mixed, constant) = match place {
                0..20 => ((b & c) | (!b & d), 0x5A82_7999),
                20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(mixed)
                .wrapping_add(e)
                .wrapping_add(constant)
                .wrapping_add(*word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_of_the_rfc_is_answered_as_it_says() {
        let accept = base64(&sha1(b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));

        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn messages_of_any_length_hash_as_the_standard_says() {
        let hex = |message: &[u8]| sha1(message).iter().map(|byte| format!("{byte:02x}")).collect::<String>();

        assert_eq!(hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        let two_blocks = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    }

    #[test]
    fn a_masked_frame_is_read() {
        let mut wire = vec![0x81, 0x83, 1, 2, 3, 4];
        wire.extend([b'a' ^ 1, b'b' ^ 2, b'c' ^ 3]);

        assert_eq!(read(&mut wire.as_slice()).unwrap(), (TEXT, b"abc".to_vec()));
    }

    #[test]
    fn long_frames_say_their_length_in_more_bytes() {
        assert_eq!(framed(TEXT, &[7; 125])[..2], [0x81, 125]);
        assert_eq!(framed(TEXT, &[7; 200])[..4], [0x81, 126, 0, 200]);
        assert_eq!(framed(TEXT, &[7; 70_000])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }
}
