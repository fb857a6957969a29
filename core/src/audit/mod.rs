//! The public side of the log, for anyone who wants to check that it only grows (protocol §6): tiles after c2sp.org/tlog-tiles, a
//! signed checkpoint after c2sp.org/tlog-checkpoint, and [`Audit`], which recomputes everything from the leaves.

mod note;
mod tile;

pub use note::{NotACheckpoint, SignedCheckpoint, origin};
pub use tile::{Bundle, NotATile, TileName, WIDTH, tiles_between};

use crate::id::Digest;
use crate::log::leaf_hash;
use tlog_tiles::tlog::{EMPTY_HASH, Hash, node_hash};

/// A completed tile: what must be served under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// Which tile.
    pub tile: TileName,
    /// Its 256 hashes.
    pub hashes: Vec<Digest>,
}

/// A tree that is read leaf by leaf; holds a few hundred hashes, however large it is.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    size: u64,
    /// Roots of the complete subtrees, largest first: one for each 1 in the binary form of the size.
    peaks: Vec<Hash>,
    /// Hashes of each level's unfinished tile.
    open: Vec<Vec<Digest>>,
}

impl Audit {
    /// Leaves read so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over the leaves read so far (RFC 6962 §2.1).
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let last = peaks.next().copied().unwrap_or(EMPTY_HASH);
        Digest(peaks.fold(last, |right, left| node_hash(*left, right)).0)
    }

    /// Reads the next leaf's data; gives the tiles that it completes, lowest level first.
    pub fn push(&mut self, leaf: &Digest) -> Vec<Completed> {
        let hash = leaf_hash(leaf);
        self.add_peak(Hash(hash.0));
        let (mut completed, mut next) = (Vec::new(), Some(hash));
        let mut level = 0;
        while let Some(hash) = next.take() {
            if self.open.len() == level {
                self.open.push(Vec::with_capacity(WIDTH as usize));
            }
            let open = &mut self.open[level];
            open.push(hash);
            if open.len() == WIDTH as usize {
                let hashes = std::mem::take(open);
                next = Some(subtree(&hashes));
                let number = (self.size >> (8 * (level + 1))) - 1;
                // At most 8 levels hold 2^64 leaves.
                let tile = TileName::whole(u8::try_from(level).unwrap_or(u8::MAX), number);
                completed.push(Completed { tile, hashes });
            }
            level += 1;
        }
        completed
    }

    /// The hashes of a level's unfinished tile.
    #[must_use]
    pub fn unfinished(&self, level: u8) -> &[Digest] {
        self.open.get(usize::from(level)).map_or(&[], Vec::as_slice)
    }

    fn add_peak(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing 1 of the size is a complete subtree of the same height, which this one completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(left, hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }
}

/// The root of a whole tile's hashes.
fn subtree(hashes: &[Digest]) -> Digest {
    let mut row: Vec<Hash> = hashes.iter().map(|hash| Hash(hash.0)).collect();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| node_hash(pair[0], pair[1])).collect();
    }
    Digest(row.first().map_or([0; 32], |hash| hash.0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tlog_tiles::tlog::{self, HashReader};

    /// Every hash of a tree, as `tlog_tiles` numbers them.
    #[derive(Default)]
    struct Kept(HashMap<u64, Hash>);

    impl HashReader for Kept {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
            Ok(indexes.iter().map(|index| self.0[index]).collect())
        }
    }

    fn leaf(n: u64) -> Digest {
        Digest(crate::key::sha256(&[&n.to_be_bytes()]))
    }

    #[test]
    fn every_size_has_the_root_that_another_implementation_has() {
        let (mut audit, mut kept) = (Audit::default(), Kept::default());
        assert_eq!(audit.root(), Digest(EMPTY_HASH.0));
        for n in 0..700 {
            audit.push(&leaf(n));
            let new = tlog::stored_hashes(n, &leaf(n).0, &kept).unwrap();
            kept.0.extend((tlog::stored_hash_index(0, n)..).zip(new));
            assert_eq!(
                audit.root().0,
                tlog::tree_hash(n + 1, &kept).unwrap().0,
                "{} leaves",
                n + 1
            );
        }
    }

    #[test]
    fn completed_tiles_are_those_of_another_implementation() {
        let (mut audit, mut kept, mut completed) = (Audit::default(), Kept::default(), Vec::new());
        for n in 0..66_000 {
            completed.extend(audit.push(&leaf(n)));
            let new = tlog::stored_hashes(n, &leaf(n).0, &kept).unwrap();
            kept.0.extend((tlog::stored_hash_index(0, n)..).zip(new));
        }
        assert_eq!(completed.len(), 257 + 1);
        for Completed { tile, hashes } in completed {
            let other = tlog_tiles::tile::Tile::new(8, tile.level(), tile.number(), WIDTH, false);
            let bytes = other.read_data(&kept).unwrap();
            assert_eq!(
                hashes.iter().flat_map(|h| h.0).collect::<Vec<_>>(),
                bytes,
                "{}",
                tile.path()
            );
        }
        assert_eq!(audit.unfinished(0).len(), 66_000 % 256);
        assert_eq!(audit.unfinished(1).len(), 257 - 256);
    }
}
