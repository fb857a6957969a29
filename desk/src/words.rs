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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_last_and_sensitive_to_every_bit() {
        assert_eq!(words(&Digest([0; 32])), ["abandon"; 6]);
        assert_eq!(words(&Digest([0xff; 32])), ["zoo"; 6]);
        let base = words(&Digest([0; 32]));
        for bit in 0..66 {
            let mut digest = [0; 32];
            digest[bit / 8] ^= 0x80 >> (bit % 8);
            assert_ne!(words(&Digest(digest)), base, "bit {bit}");
        }
    }
}
