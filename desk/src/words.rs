//! Six words that two people compare: the first 66 bits of a digest in the English word list of BIP 39.

use wardkey_core::id::Digest;

/// How many words.
pub const WORDS: usize = 6;

/// The words of a digest.
#[must_use]
pub fn words(digest: &Digest) -> Vec<String> {
    let list = bip39::Language::English.word_list();
    (0..WORDS)
        .map(|word| {
            let index = (0..11).fold(0usize, |index, bit| {
                let at = word * 11 + bit;
                (index << 1) | usize::from((digest.0[at / 8] >> (7 - at % 8)) & 1)
            });
            list[index].to_owned()
        })
        .collect()
}

/// The first 64 bits that six words stand for; `None` if they are other than six words of the list. Case and spaces do not matter.
#[must_use]
pub fn start(text: &str) -> Option<[u8; 8]> {
    let list = bip39::Language::English.word_list();
    let mut bits = 0u128;
    let mut count = 0;
    for word in text.split_whitespace() {
        let index = list.binary_search(&word.to_lowercase().as_str()).ok()?;
        bits = (bits << 11) | u128::try_from(index).ok()?;
        count += 1;
    }
    let start = u64::try_from(bits >> 2).ok()?;
    (count == WORDS).then_some(start.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_last_and_sensitive_to_every_bit() {
        assert_eq!(words(&Digest([0; 32])), ["abandon"; 6]);
        assert_eq!(words(&Digest([0xff; 32])), ["zoo"; 6]);
        let digest = Digest(std::array::from_fn(|n| u8::try_from(n * 37 % 251).unwrap_or(0)));
        let spoken = words(&digest).join("  ").to_uppercase();
        assert_eq!(start(&spoken).as_ref().map(<[u8; 8]>::as_slice), digest.0.get(..8));
        for wrong in [
            "",
            "zoo",
            "zoo zoo zoo zoo zoo",
            "zoo zoo zoo zoo zoo zoo zoo",
            "zoo zoo zoo zoo zoo zooo",
        ] {
            assert_eq!(start(wrong), None, "{wrong}");
        }
        let base = words(&Digest([0; 32]));
        for bit in 0..66 {
            let mut digest = [0; 32];
            digest[bit / 8] ^= 0x80 >> (bit % 8);
            assert_ne!(words(&Digest(digest)), base, "bit {bit}");
        }
    }
}
