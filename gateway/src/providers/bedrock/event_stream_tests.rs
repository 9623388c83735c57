//! Framing: messages at every split, and what is no message.

use proptest::prelude::*;

use super::*;

/// A message as AWS writes it; headers are texts.
pub fn framed(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend(name.bytes());
        head.push(7);
        head.extend((value.len() as u16).to_be_bytes());
        head.extend(value.bytes());
    }
    sealed(&head, payload.as_bytes())
}

/// An event with its payload.
pub fn event(name: &str, payload: &str) -> Vec<u8> {
    framed(&[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")], payload)
}

fn sealed(head: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = (MIN_MESSAGE_BYTES + head.len() + payload.len()) as u32;
    let mut whole = [length.to_be_bytes(), (head.len() as u32).to_be_bytes()].concat();
    whole.extend(crc32fast::hash(&whole).to_be_bytes());
    whole.extend_from_slice(head);
    whole.extend_from_slice(payload);
    whole.extend(crc32fast::hash(&whole).to_be_bytes());
    whole
}

fn read(bytes: &[u8]) -> Result<Vec<Message>, FramingError> {
    let mut decoder = Decoder::default();
    let messages = decoder.push(bytes)?;
    decoder.finish()?;
    Ok(messages)
}

/// Recorded: the whole frame of an event without a payload, as the format's own documentation spells it.
#[test]
fn a_documented_frame_is_read() {
    // No headers and no payload: 16 bytes, whose checksums are published with the format.
    let empty = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    assert_eq!(sealed(b"", b""), empty);
    // It says nothing about itself.
    assert_eq!(read(&empty), Err(FramingError::Malformed));
}

#[test]
fn events_exceptions_and_errors_are_told_apart() {
    let exception = framed(&[(":exception-type", "throttlingException"), (":message-type", "exception")], "{}");
    let error = framed(&[(":error-code", "Broken"), (":message-type", "error"), (":error-message", "x")], "");
    let stream = [event("messageStart", "{}"), exception, error].concat();
    let expected = [
        Message::Event { name: "messageStart".to_owned(), payload: Bytes::from_static(b"{}") },
        Message::Exception { name: "throttlingException".to_owned() },
        Message::Exception { name: "Broken".to_owned() },
    ];
    assert_eq!(read(&stream).unwrap(), expected);
}

#[test]
fn headers_of_every_kind_are_passed_over() {
    let mut head = Vec::new();
    for (kind, length) in [(0_u8, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
        head.extend([1, b'a', kind]);
        head.extend(vec![7; length]);
    }
    head.extend([1, b'b', 6, 0, 2, 9, 9]);
    let named = framed(&[(":message-type", "event"), (":event-type", "x")], "");
    head.extend_from_slice(&named[PRELUDE_BYTES..named.len() - CHECKSUM_BYTES]);
    assert_eq!(read(&sealed(&head, b"p")).unwrap().len(), 1);
    for broken in [vec![1, b'a', 10], vec![1, b'a', 7, 0, 9, b'x'], vec![9, b'a'], vec![1, b'a', 7, 0, 1, 0xff]] {
        assert_eq!(read(&sealed(&broken, b"")), Err(FramingError::Malformed), "{broken:?}");
    }
}

#[test]
fn what_is_no_message_is_given_up() {
    let whole = event("x", "{\"a\":1}");
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] ^= 1;
        assert!(read(&broken).is_err(), "byte {at}");
        assert!(read(&whole[..at]).is_ok() == (at == 0), "cut at {at}");
    }
    let mut long = (MAX_MESSAGE_BYTES as u32 + 1).to_be_bytes().to_vec();
    long.extend([0; 4]);
    long.extend(crc32fast::hash(&long).to_be_bytes());
    assert_eq!(read(&long), Err(FramingError::TooLong));
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_gives_the_same_messages(
        payloads in prop::collection::vec(".{0,40}", 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream: Vec<u8> = payloads.iter().flat_map(|payload| event("contentBlockDelta", payload)).collect();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).chain([0, stream.len()]).collect();
        at.sort_unstable();
        let mut decoder = Decoder::default();
        let mut messages = Vec::new();
        for piece in at.windows(2) {
            messages.extend(decoder.push(&stream[piece[0]..piece[1]]).unwrap());
        }
        prop_assert_eq!(decoder.finish(), Ok(()));
        prop_assert_eq!(messages, read(&stream).unwrap());
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = read(&sealed(&bytes, b""));
    }
}
