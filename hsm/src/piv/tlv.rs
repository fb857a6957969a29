//! BER-TLV as PIV uses it (ISO 7816-4 §6.3): tags of one to three bytes, definite lengths up to 65535. Reading never panics and
//! never reads past the input, whatever the card claims.

/// One element, borrowed from the card's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag's bytes as a number, such as `0x7f49`.
    pub tag: u32,
    /// The content.
    pub value: &'a [u8],
}

/// The first element and what follows it; `None` if the input is empty, cut short or malformed.
#[must_use]
pub fn next(input: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (tag, input) = tag(input)?;
    let (length, input) = length(input)?;
    let (value, rest) = input.split_at_checked(length)?;
    Some((Tlv { tag, value }, rest))
}

fn tag(input: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, mut rest) = input.split_first()?;
    let mut tag = u32::from(first);
    if first & 0x1f == 0x1f {
        for _ in 0..2 {
            let (&byte, after) = rest.split_first()?;
            tag = tag << 8 | u32::from(byte);
            rest = after;
            if byte & 0x80 == 0 {
                return Some((tag, rest));
            }
        }
        return None;
    }
    Some((tag, rest))
}

fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = input.split_first()?;
    match first {
        0..=0x7f => Some((usize::from(first), rest)),
        0x81 => rest.split_first().map(|(&low, rest)| (usize::from(low), rest)),
        0x82 => {
            let (bytes, rest) = rest.split_first_chunk::<2>()?;
            Some((usize::from(u16::from_be_bytes(*bytes)), rest))
        }
        _ => None,
    }
}

/// The content of the first element with `tag` at this level.
#[must_use]
pub fn find(mut input: &[u8], tag: u32) -> Option<&[u8]> {
    while let Some((element, rest)) = next(input) {
        if element.tag == tag {
            return Some(element.value);
        }
        input = rest;
    }
    None
}

/// Follows `path` into nested elements.
#[must_use]
pub fn dig<'a>(input: &'a [u8], path: &[u32]) -> Option<&'a [u8]> {
    path.iter().try_fold(input, |level, &tag| find(level, tag))
}

/// Writes one element. Content beyond 65535 bytes is cut; PIV has none.
#[must_use]
pub fn encode(tag: u32, value: &[u8]) -> Vec<u8> {
    let value = value.get(..0xffff).unwrap_or(value);
    let mut out: Vec<u8> = tag.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    let [_, .., high, low] = value.len().to_be_bytes();
    match value.len() {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_and_lying_input_is_refused() {
        for bad in [
            &[][..],
            &[0x7c],
            &[0x7c, 5, 1],
            &[0x7c, 0x81],
            &[0x7c, 0x82, 1],
            &[0x7c, 0x83, 0, 0, 1],
            &[0x1f],
            &[0x5f, 0xc1],
        ] {
            assert_eq!(next(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn nested_elements_are_found() {
        let inner = encode(0x86, &[4; 65]);
        let outer = encode(0x7f49, &inner);
        assert_eq!(&outer[..3], [0x7f, 0x49, 67]);
        assert_eq!(dig(&outer, &[0x7f49, 0x86]), Some(&[4u8; 65][..]));
        assert_eq!(dig(&outer, &[0x7f49, 0x87]), None);
    }

    proptest! {
        #[test]
        fn written_elements_read_back(tag in prop_oneof![Just(0x53u32), Just(0x7c), Just(0x7f49), Just(0x5fc105)],
                                      value in proptest::collection::vec(any::<u8>(), 0..700),
                                      rest in proptest::collection::vec(any::<u8>(), 0..9)) {
            let mut bytes = encode(tag, &value);
            bytes.extend(&rest);
            prop_assert_eq!(next(&bytes), Some((Tlv { tag, value: &value }, &rest[..])));
        }

        #[test]
        fn any_input_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = dig(&bytes, &[0x7c, 0x82]);
            let mut rest = &bytes[..];
            while let Some((element, after)) = next(rest) {
                prop_assert!(element.value.len() < rest.len());
                rest = after;
            }
        }
    }
}
