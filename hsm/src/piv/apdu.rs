//! Commands and answers (ISO 7816-4 §5): command chaining for long data, GET RESPONSE and 6Cxx for long answers.

use crate::CardError;
use zeroize::Zeroizing;

/// Most bytes of one answer that we are willing to collect.
const ANSWER_LIMIT: usize = 32 * 1024;
/// Most pieces of it: with one byte a piece, a card could keep us for minutes.
const PIECES_LIMIT: usize = 256;

/// Whatever carries one command to the card and its answer back: a PC/SC transaction, or a fake in tests.
pub trait Channel {
    /// Sends the bytes of one command; the answer has two status bytes at its end.
    ///
    /// # Errors
    /// [`CardError::Pulled`] and the service's other failures.
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError>;

    /// Speaks to the reader instead of the card (SCardControl).
    ///
    /// # Errors
    /// [`CardError::NoReader`] where there is no reader to speak to.
    fn control(&mut self, _code: u32, _data: &[u8]) -> Result<Vec<u8>, CardError> {
        Err(CardError::NoReader)
    }

    /// True if an Le byte may follow data (T=1); T=0 forbids it.
    fn takes_le(&self) -> bool {
        true
    }
}

/// One command before it is split into chained pieces.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    /// For error texts and logs.
    pub step: &'static str,
    /// Instruction.
    pub ins: u8,
    /// Parameter 1.
    pub p1: u8,
    /// Parameter 2.
    pub p2: u8,
    /// Data; may hold a PIN, so the type has no `Debug`.
    pub data: &'a [u8],
}

/// The collected answer.
pub struct Answer {
    /// Data without the status bytes.
    pub data: Zeroizing<Vec<u8>>,
    /// Status word.
    pub status: u16,
}

impl Answer {
    /// The data, if the status is 9000.
    ///
    /// # Errors
    /// [`CardError::Protocol`] naming the step and the status otherwise.
    pub fn expect_success(self, step: &'static str) -> Result<Zeroizing<Vec<u8>>, CardError> {
        if self.status == 0x9000 {
            Ok(self.data)
        } else {
            Err(unexpected(step, self.status))
        }
    }
}

pub(crate) fn unexpected(step: &'static str, status: u16) -> CardError {
    CardError::Protocol {
        step,
        detail: format!("status {status:04X}"),
    }
}

pub(crate) fn malformed(step: &'static str) -> CardError {
    CardError::Protocol {
        step,
        detail: "data that cannot be read".to_owned(),
    }
}

/// Sends a command in as many pieces as needed and collects the whole answer.
///
/// # Errors
/// Those of the channel; [`CardError::Protocol`] if the answer has no status or never ends.
pub fn exchange(channel: &mut dyn Channel, command: Command<'_>) -> Result<Answer, CardError> {
    let mut pieces = command.data.chunks(255).peekable();
    let mut piece = pieces.next().unwrap_or(&[]);
    while pieces.peek().is_some() {
        let answer = once(channel, &command, 0x10, piece)?;
        if answer.status != 0x9000 {
            return Ok(answer);
        }
        piece = pieces.next().unwrap_or(&[]);
    }
    let answer = once(channel, &command, 0, piece)?;
    collect(channel, &command, answer)
}

fn collect(channel: &mut dyn Channel, command: &Command<'_>, mut answer: Answer) -> Result<Answer, CardError> {
    let mut pieces = 0;
    while answer.status >> 8 == 0x61 {
        pieces += 1;
        let [_, left] = answer.status.to_be_bytes();
        let more = split(command.step, channel.transmit(&[0, 0xc0, 0, 0, left])?)?;
        let grows = !more.data.is_empty() || more.status >> 8 != 0x61;
        if !grows || pieces > PIECES_LIMIT || answer.data.len() + more.data.len() > ANSWER_LIMIT {
            return Err(malformed(command.step));
        }
        let mut data = Zeroizing::new(Vec::with_capacity(answer.data.len() + more.data.len()));
        data.extend_from_slice(&answer.data);
        data.extend_from_slice(&more.data);
        answer = Answer {
            data,
            status: more.status,
        };
    }
    Ok(answer)
}

fn once(channel: &mut dyn Channel, command: &Command<'_>, class: u8, piece: &[u8]) -> Result<Answer, CardError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(6 + piece.len()));
    bytes.extend([class, command.ins, command.p1, command.p2]);
    let has_le = class == 0 && (piece.is_empty() || channel.takes_le());
    if !piece.is_empty() {
        bytes.push(u8::try_from(piece.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(piece);
    }
    if has_le {
        bytes.push(0);
    }
    let mut answer = split(command.step, channel.transmit(&bytes)?)?;
    // 6Cxx: the same command again with the length that the card names.
    if answer.status >> 8 == 0x6c && has_le {
        if let Some(le) = bytes.last_mut() {
            [_, *le] = answer.status.to_be_bytes();
        }
        answer = split(command.step, channel.transmit(&bytes)?)?;
    }
    tracing::trace!(
        class,
        ins = command.ins,
        status = format_args!("{:04X}", answer.status),
        "card command {}",
        command.step
    );
    Ok(answer)
}

fn split(step: &'static str, mut bytes: Zeroizing<Vec<u8>>) -> Result<Answer, CardError> {
    let Some((_, status)) = bytes.split_last_chunk::<2>() else {
        return Err(malformed(step));
    };
    let status = u16::from_be_bytes(*status);
    let length = bytes.len() - 2;
    bytes.truncate(length);
    Ok(Answer { data: bytes, status })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Answers from a list, and remembers what it was sent.
    struct Script {
        answers: Vec<Vec<u8>>,
        sent: Vec<Vec<u8>>,
    }

    impl Channel for Script {
        fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardError> {
            self.sent.push(command.to_vec());
            let answer = if self.answers.is_empty() {
                vec![0x61, 0x10]
            } else {
                self.answers.remove(0)
            };
            Ok(Zeroizing::new(answer))
        }
    }

    fn command(data: &[u8]) -> Command<'_> {
        Command {
            step: "TEST",
            ins: 0xdb,
            p1: 0x3f,
            p2: 0xff,
            data,
        }
    }

    #[test]
    fn long_data_is_chained_and_long_answers_collected() {
        let mut card = Script {
            answers: vec![vec![0x90, 0], vec![1, 2, 0x61, 2], vec![3, 4, 0x90, 0]],
            sent: vec![],
        };
        let answer = exchange(&mut card, command(&[7; 300])).unwrap();
        assert_eq!((&answer.data[..], answer.status), (&[1, 2, 3, 4][..], 0x9000));
        assert_eq!((card.sent[0][0], card.sent[0][4], card.sent[0].len()), (0x10, 255, 260));
        assert_eq!((card.sent[1][0], card.sent[1][4], card.sent[1].len()), (0, 45, 51));
        assert_eq!(card.sent[2], [0, 0xc0, 0, 0, 2]);
    }

    #[test]
    fn a_wrong_length_is_mended_once() {
        let mut card = Script {
            answers: vec![vec![0x6c, 3], vec![1, 2, 3, 0x90, 0]],
            sent: vec![],
        };
        let answer = exchange(&mut card, command(&[])).unwrap();
        assert_eq!(&answer.data[..], [1, 2, 3]);
        assert_eq!(card.sent[1], [0, 0xdb, 0x3f, 0xff, 3]);
    }

    #[test]
    fn an_answer_that_never_ends_is_refused() {
        let mut card = Script {
            answers: vec![],
            sent: vec![],
        };
        assert!(matches!(
            exchange(&mut card, command(&[])),
            Err(CardError::Protocol { .. })
        ));
    }

    proptest! {
        #[test]
        fn lying_cards_cause_no_panic(answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6),
                                      data in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = exchange(&mut Script { answers, sent: vec![] }, command(&data));
        }
    }
}
