//! The Merkle tree of RFC 6962 over the log's leaves. Hashes are kept in the layout of `tlog_tiles`: each completed subtree once.

use std::cell::RefCell;
use std::collections::HashMap;
use tlog_tiles::tlog::{self, Hash, HashReader};
use wardkey_core::id::Digest;

/// Hashes held in memory before the oldest are left to the store again: about 16 MB.
const HOT: usize = 200_000;

/// Where the tree's hashes are kept, by their number.
pub trait Hashes {
    /// The hash with this number, `None` if it is not there.
    fn hash(&self, number: u64) -> Option<[u8; 32]>;
}

/// The tree's hashes are not all there: the store was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log's tree lacks hashes that it must have")]
pub struct TreeError;

/// An inclusion proof: the tree's size and root, and the path from the leaf's sibling upwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Leaves in the tree.
    pub size: u64,
    /// Root.
    pub root: Digest,
    /// Sibling hashes, bottom up.
    pub path: Vec<Digest>,
}

/// Reads from memory first, then from the store; remembers what it read.
struct Reader<'a, H> {
    store: &'a H,
    seen: &'a RefCell<HashMap<u64, Hash>>,
}

impl<H: Hashes> HashReader for Reader<'_, H> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        let mut seen = self.seen.borrow_mut();
        let mut out = Vec::with_capacity(indexes.len());
        for &number in indexes {
            let hash = match seen.get(&number) {
                Some(hash) => *hash,
                None => Hash(
                    self.store
                        .hash(number)
                        .ok_or_else(|| tlog::Error::InvalidInput("hash missing".into()))?,
                ),
            };
            seen.insert(number, hash);
            out.push(hash);
        }
        Ok(out)
    }
}

/// The end of the tree, where leaves are appended.
#[derive(Debug, Default)]
pub struct Tree {
    size: u64,
    hot: RefCell<HashMap<u64, Hash>>,
}

impl Tree {
    /// A tree with this many leaves, whose hashes are in the store.
    #[must_use]
    pub fn of_size(size: u64) -> Self {
        Self {
            size,
            hot: RefCell::default(),
        }
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; gives the hashes that the store must now keep, with their numbers.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn append(&mut self, store: &impl Hashes, leaf: &Digest) -> Result<Vec<(u64, [u8; 32])>, TreeError> {
        self.append_hash(store, tlog::record_hash(&leaf.0))
    }

    /// Appends a leaf by its Merkle leaf hash.
    fn append_hash(&mut self, store: &impl Hashes, leaf: Hash) -> Result<Vec<(u64, [u8; 32])>, TreeError> {
        let reader = Reader { store, seen: &self.hot };
        let new = tlog::stored_hashes_for_record_hash(self.size, leaf, &reader).map_err(|_| TreeError)?;
        let hot = self.hot.get_mut();
        if hot.len() > HOT {
            hot.clear();
        }
        let numbered: Vec<_> = (tlog::stored_hash_index(0, self.size)..).zip(new).collect();
        hot.extend(numbered.iter().copied());
        self.size += 1;
        Ok(numbered.into_iter().map(|(number, hash)| (number, hash.0)).collect())
    }

    /// Goes on from a larger size, whose hashes another gateway has stored: those that are in memory never change.
    pub const fn grow(&mut self, size: u64) {
        self.size = size;
    }

    /// Goes back to an earlier size, because the leaves after it were not kept.
    pub fn truncate(&mut self, size: u64) {
        self.size = size;
        let count = tlog::stored_hash_count(size);
        self.hot.get_mut().retain(|number, _| *number < count);
    }

    /// Proves that leaves are in the tree as it is now.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn prove(&self, store: &impl Hashes, leaves: impl IntoIterator<Item = u64>) -> Result<Vec<Proof>, TreeError> {
        let reader = Reader { store, seen: &self.hot };
        let root = root_with(&reader, self.size)?;
        leaves
            .into_iter()
            .map(|index| prove_with(&reader, self.size, root, index))
            .collect()
    }
}

/// Proves that the leaf at `index` is in the tree of the first `size` leaves.
///
/// # Errors
/// [`TreeError`], also if `index` is not below `size`.
pub fn prove(store: &impl Hashes, size: u64, index: u64) -> Result<Proof, TreeError> {
    let seen = RefCell::default();
    let reader = Reader { store, seen: &seen };
    prove_with(&reader, size, root_with(&reader, size)?, index)
}

/// The root of the first `size` leaves.
///
/// # Errors
/// [`TreeError`].
pub fn root(store: &impl Hashes, size: u64) -> Result<Digest, TreeError> {
    root_with(
        &Reader {
            store,
            seen: &RefCell::default(),
        },
        size,
    )
}

fn root_with(reader: &impl HashReader, size: u64) -> Result<Digest, TreeError> {
    tlog::tree_hash(size, reader)
        .map(|h| Digest(h.0))
        .map_err(|_| TreeError)
}

fn prove_with(reader: &impl HashReader, size: u64, root: Digest, index: u64) -> Result<Proof, TreeError> {
    let path = tlog::prove_record(size, index, reader).map_err(|_| TreeError)?;
    Ok(Proof {
        size,
        root,
        path: path.into_iter().map(|h| Digest(h.0)).collect(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use wardkey_core::key::sha256;
    use wardkey_core::log::verify_inclusion;

    impl Hashes for HashMap<u64, [u8; 32]> {
        fn hash(&self, number: u64) -> Option<[u8; 32]> {
            self.get(&number).copied()
        }
    }

    #[test]
    fn every_leaf_of_every_tree_is_proved_and_no_other() {
        let (mut tree, mut kept) = (Tree::default(), HashMap::new());
        let leaves: Vec<_> = (0..33u8).map(|n| Digest([n; 32])).collect();
        for (count, leaf) in leaves.iter().enumerate() {
            let new = tree.append(&kept, leaf).unwrap();
            kept.extend(new);
            for (index, leaf) in leaves[..=count].iter().enumerate() {
                let proof = tree.prove(&kept, [index as u64]).unwrap().remove(0);
                verify_inclusion(proof.size, &proof.root, index as u64, leaf, &proof.path).unwrap();
                assert!(
                    verify_inclusion(proof.size, &proof.root, index as u64, &Digest([99; 32]), &proof.path).is_err()
                );
                assert_eq!(prove(&kept, proof.size, index as u64).unwrap(), proof);
            }
            assert_eq!(
                root(&kept, count as u64 + 1).unwrap(),
                tree.prove(&kept, [0]).unwrap()[0].root
            );
        }
    }

    /// The leaves and roots that the Certificate Transparency projects test with; `ui/shared/test/merkle.test.ts` has them too.
    #[test]
    fn the_tree_of_rfc_6962_has_the_known_roots() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let known = [
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        let (mut tree, mut kept) = (Tree::default(), HashMap::new());
        for leaf in leaves {
            let hash = Hash(sha256(&[&[0], &hex::decode(leaf).unwrap()]));
            let new = tree.append_hash(&kept, hash).unwrap();
            kept.extend(new);
            assert_eq!(
                tree.prove(&kept, [0]).unwrap()[0].root,
                root(&kept, tree.size()).unwrap()
            );
        }
        for (size, expected) in known {
            assert_eq!(root(&kept, size).unwrap().to_string(), expected, "{size} leaves");
        }
        assert_eq!(tree.prove(&kept, [0]).unwrap()[0].root.to_string(), known[2].1);
    }

    #[test]
    fn a_tree_cut_back_grows_again_to_the_same_root() {
        let (mut tree, mut kept) = (Tree::default(), HashMap::new());
        for n in 0..7u8 {
            let new = tree.append(&kept, &Digest([n; 32])).unwrap();
            kept.extend(new);
        }
        let root = tree.prove(&kept, [0]).unwrap()[0].root;
        for n in 50..55u8 {
            tree.append(&kept, &Digest([n; 32])).unwrap();
        }
        tree.truncate(7);
        assert_eq!(tree.prove(&kept, [0]).unwrap()[0].root, root);
        assert_eq!(Tree::of_size(7).prove(&kept, [3]).unwrap()[0].root, root);
        assert_eq!(prove(&kept, 9, 3), Err(TreeError));
    }
}
