//! One command as it arrives (ISO 7816-3 §12.1), short or extended.

/// A parsed command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Apdu<'a> {
    pub(crate) class: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// Most bytes that the answer may have; 256 if the command does not say.
    pub(crate) le: usize,
}

impl<'a> Apdu<'a> {
    /// `None` if the lengths do not fit.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[class, ins, p1, p2], body) = bytes.split_first_chunk::<4>()?;
        let (data, le) = match body {
            [] => (&[][..], 256),
            [le] => (&[][..], short(*le)),
            [0, high, low] => (&[][..], extended(*high, *low)),
            [0, high, low, rest @ ..] => {
                let (data, tail) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
                match tail {
                    [] => (data, 256),
                    [high, low] => (data, extended(*high, *low)),
                    _ => return None,
                }
            }
            [lc, rest @ ..] => {
                let (data, tail) = rest.split_at_checked(usize::from(*lc))?;
                match tail {
                    [] => (data, 256),
                    [le] => (data, short(*le)),
                    _ => return None,
                }
            }
        };
        Some(Self {
            class,
            ins,
            p1,
            p2,
            data,
            le,
        })
    }
}

fn short(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended(high: u8, low: u8) -> usize {
    match u16::from_be_bytes([high, low]) {
        0 => 65536,
        le => usize::from(le),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_cases_short_and_extended() {
        let read = |bytes: &'static [u8]| Apdu::parse(bytes).map(|apdu| (apdu.data, apdu.le));
        assert_eq!(read(&[0, 1, 2, 3]), Some((&[][..], 256)));
        assert_eq!(read(&[0, 1, 2, 3, 8]), Some((&[][..], 8)));
        assert_eq!(read(&[0, 1, 2, 3, 2, 7, 7]), Some((&[7u8, 7][..], 256)));
        assert_eq!(read(&[0, 1, 2, 3, 2, 7, 7, 0]), Some((&[7u8, 7][..], 256)));
        assert_eq!(read(&[0, 1, 2, 3, 0, 1, 0]), Some((&[][..], 256)));
        assert_eq!(read(&[0, 1, 2, 3, 0, 0, 1, 9]), Some((&[9u8][..], 256)));
        assert_eq!(read(&[0, 1, 2, 3, 0, 0, 1, 9, 2, 0]), Some((&[9u8][..], 512)));
        assert_eq!(read(&[0, 1, 2]), None);
        assert_eq!(read(&[0, 1, 2, 3, 9, 1]), None);
    }
}
