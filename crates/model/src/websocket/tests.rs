//! What both halves of the tests use: frames as they are sent, and messages as they are read.

mod frames;
mod turns;

use super::*;

fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(masked | u8::try_from(short).unwrap()),
        middle @ 126..=0xffff => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            bytes.push(masked | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn message(kind: Kind, data: &[u8]) -> Message {
    Message { kind, data: data.to_vec(), cut: false }
}

fn read(mut messages: Messages, pieces: &[&[u8]]) -> Result<Vec<Message>, Broken> {
    let mut found = Vec::new();
    for piece in pieces {
        messages.push(piece, &mut |message| found.push(message))?;
    }
    Ok(found)
}

fn plain(limit: usize) -> Messages {
    Messages::new(Side::Client, Extensions::default(), limit)
}
