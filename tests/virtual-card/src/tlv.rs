//! BER-TLV, just what the card needs.

/// Writes one element.
pub(crate) fn encode(tag: u32, value: &[u8]) -> Vec<u8> {
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

/// The value of the first element with this one-byte tag; `None` if it is missing or the input is malformed.
pub(crate) fn find(mut input: &[u8], tag: u8) -> Option<&[u8]> {
    loop {
        let (&found, rest) = input.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => rest.split_first().map(|(&low, rest)| (usize::from(low), rest))?,
            0x82 => rest
                .split_first_chunk::<2>()
                .map(|(two, rest)| (usize::from(u16::from_be_bytes(*two)), rest))?,
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        if found == tag {
            return Some(value);
        }
        input = rest;
    }
}
