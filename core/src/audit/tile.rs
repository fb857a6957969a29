//! Names and contents of tiles (c2sp.org/tlog-tiles).

use crate::id::Digest;
use tlog_tiles::tile::Tile;

/// Hashes of a whole tile, and leaves of a whole bundle.
pub const WIDTH: u32 = 256;
const HEIGHT: u8 = 8;

/// A path or a content is no tile's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tile")]
pub struct NotATile;

/// A tile of hashes: level, number within the level, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileName(Tile);

impl TileName {
    /// A tile of 256 hashes. `level` below 64.
    #[must_use]
    pub fn whole(level: u8, number: u64) -> Self {
        Self(Tile::new(HEIGHT, level.min(63), number, WIDTH, false))
    }

    /// The tile at the right edge of a level of a tree of `size` leaves, with so many hashes; `None` if it has none, or all.
    #[must_use]
    pub fn partial(level: u8, size: u64, hashes: usize) -> Option<Self> {
        let number = size
            .checked_shr(u32::from(HEIGHT) * (u32::from(level) + 1))
            .unwrap_or(0);
        let width = u32::try_from(hashes).ok().filter(|width| (1..WIDTH).contains(width))?;
        (level < 8).then(|| Self(Tile::new(HEIGHT, level, number, width, false)))
    }

    /// Level; hashes of level `n` are roots of 256ⁿ leaves.
    #[must_use]
    pub fn level(&self) -> u8 {
        self.0.level()
    }

    /// Number within the level, from 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.level_index()
    }

    /// Hashes in it, 1 to 256.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// `tile/<level>/<number>[.p/<width>]`.
    #[must_use]
    pub fn path(&self) -> String {
        // The library writes the height too, which the specification fixes.
        self.0.path().replacen("tile/8/", "tile/", 1)
    }

    /// Reads a path that [`TileName::path`] makes.
    ///
    /// # Errors
    /// [`NotATile`].
    pub fn from_path(path: &str) -> Result<Self, NotATile> {
        let rest = path.strip_prefix("tile/").ok_or(NotATile)?;
        let (level, _) = rest.split_once('/').ok_or(NotATile)?;
        if !matches!(level.as_bytes(), [b'0'..=b'7']) {
            return Err(NotATile);
        }
        parse(&format!("tile/8/{rest}")).map(Self)
    }

    /// Number of the first of its hashes within its level, from 0.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.number() << HEIGHT
    }

    /// Its hashes from the bytes that are served.
    ///
    /// # Errors
    /// [`NotATile`] if there are more or fewer than the name says.
    pub fn hashes(&self, bytes: &[u8]) -> Result<Vec<Digest>, NotATile> {
        let hashes = bytes.as_chunks::<32>();
        if !hashes.1.is_empty() || hashes.0.len() != self.width() as usize {
            return Err(NotATile);
        }
        Ok(hashes.0.iter().map(|hash| Digest(*hash)).collect())
    }
}

/// The library panics on an empty tile and on levels above 63: the caller has checked the level.
fn parse(path: &str) -> Result<Tile, NotATile> {
    let width = path.split_once(".p/").map(|(_, width)| width);
    if width.is_some_and(|width| width.starts_with(['0', '+'])) {
        return Err(NotATile);
    }
    Tile::from_path(path).map_err(|_| NotATile)
}

/// The tiles that a tree of `new` leaves has and one of `old` leaves had not.
#[must_use]
pub fn tiles_between(old: u64, new: u64) -> Vec<TileName> {
    Tile::new_tiles(HEIGHT, old, new).into_iter().map(TileName).collect()
}

/// An entry bundle: the data of up to 256 leaves, each with its length before it (c2sp.org/tlog-tiles, "Log Entries").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Number, from 0.
    pub number: u64,
    /// Leaves in it, 1 to 256.
    pub width: u32,
}

impl Bundle {
    /// The bundle of a tile of level 0; `None` for other levels.
    #[must_use]
    pub fn of(tile: &TileName) -> Option<Self> {
        (tile.level() == 0).then(|| Self {
            number: tile.number(),
            width: tile.width(),
        })
    }

    /// `tile/entries/<number>[.p/<width>]`.
    #[must_use]
    pub fn path(&self) -> String {
        let tile = Tile::new(HEIGHT, 0, self.number, self.width, true);
        tile.path().replacen("tile/8/data/", "tile/entries/", 1)
    }

    /// Reads a path that [`Bundle::path`] makes.
    ///
    /// # Errors
    /// [`NotATile`].
    pub fn from_path(path: &str) -> Result<Self, NotATile> {
        let rest = path.strip_prefix("tile/entries/").ok_or(NotATile)?;
        let tile = parse(&format!("tile/8/data/{rest}"))?;
        Ok(Self {
            number: tile.level_index(),
            width: tile.width(),
        })
    }

    /// The bytes of leaves.
    #[must_use]
    pub fn bytes(leaves: &[Digest]) -> Vec<u8> {
        leaves
            .iter()
            .flat_map(|leaf| [0, 32].into_iter().chain(leaf.0))
            .collect()
    }

    /// Its leaves from the bytes that are served.
    ///
    /// # Errors
    /// [`NotATile`] if they are more or fewer than the name says, or of another length than 32.
    pub fn leaves(&self, bytes: &[u8]) -> Result<Vec<Digest>, NotATile> {
        let entries = bytes.as_chunks::<34>();
        if !entries.1.is_empty() || entries.0.len() != self.width as usize {
            return Err(NotATile);
        }
        let leaf = |entry: &[u8; 34]| match entry {
            [0, 32, leaf @ ..] => Ok(Digest(*leaf)),
            _ => Err(NotATile),
        };
        entries.0.iter().map(leaf).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;

    /// The example of c2sp.org/tlog-tiles.
    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(TileName::whole(0, 1_234_067).path(), "tile/0/x001/x234/067");
        let bundle = Bundle { number: 0, width: 16 };
        assert_eq!(bundle.path(), "tile/entries/000.p/16");
        for path in ["tile/0/x001/x234/067", "tile/3/000.p/255"] {
            assert_eq!(TileName::from_path(path).unwrap().path(), path);
        }
        assert_eq!(Bundle::from_path("tile/entries/000.p/16"), Ok(bundle));
        let wrong = [
            "tile/0/1",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/64/000",
            "tile/data/000",
            "tile/0/x01/000",
            "tile/0/../000",
            "tile/8/0/000",
            "/tile/0/000",
            "",
            "tile/0/001.p/",
            "tile/0/x000/001",
            "tile/0/000.p/00",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ];
        for path in wrong {
            assert_eq!(TileName::from_path(path), Err(NotATile), "{path}");
        }
        for path in [
            "tile/entries/000.p/0",
            "tile/entries/00",
            "tile/0/000",
            "tile/entries/x000/000",
        ] {
            assert_eq!(Bundle::from_path(path), Err(NotATile), "{path}");
        }
    }

    #[test]
    fn contents_that_are_not_whole_are_refused() {
        let leaves = [Digest([1; 32]), Digest([2; 32])];
        let bundle = Bundle { number: 0, width: 2 };
        let bytes = Bundle::bytes(&leaves);
        assert_eq!(bundle.leaves(&bytes).unwrap(), leaves);
        assert!(bundle.leaves(&bytes[..34]).is_err());
        assert!(bundle.leaves(&bytes[1..]).is_err());
        let mut longer = bytes.clone();
        longer[1] = 33;
        assert!(bundle.leaves(&longer).is_err());
        assert!(TileName::whole(0, 0).hashes(&[0; 32]).is_err());
    }
}
