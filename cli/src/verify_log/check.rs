//! Recomputes a log from its lines and holds it against everything that was said about it.

use super::fault::LogFault;
use super::source::Source;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use wardkey_core::audit::{Audit, Bundle, SignedCheckpoint, TileName, WIDTH};
use wardkey_core::id::Digest;

/// Files that are fetched at the same time.
const AHEAD: usize = 8;

/// A statement about the log: so many lines, with this root.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Whose statement, in words.
    pub whose: &'static str,
    /// Lines.
    pub size: u64,
    /// Root.
    pub root: Digest,
}

/// Reads every line of the log up to its checkpoint; every tile and every claim must hold. `told` hears of each bundle.
///
/// # Errors
/// [`LogFault`].
pub async fn check(
    source: &Source,
    checkpoint: SignedCheckpoint,
    claims: &[Claim],
    mut told: impl FnMut(u64),
) -> Result<(), LogFault> {
    if let Some(claim) = claims.iter().find(|claim| claim.size > checkpoint.size) {
        return Err(LogFault::Shorter {
            size: checkpoint.size,
            before: claim.size,
            whose: claim.whose,
        });
    }
    let mut audit = Audit::default();
    holds(&audit, claims)?;
    let mut bundles = stream::iter(bundles(checkpoint.size))
        .map(|bundle| leaves(source, bundle))
        .buffered(AHEAD);
    while let Some(leaves) = bundles.try_next().await? {
        for leaf in leaves {
            for completed in audit.push(&leaf) {
                compare(source, &completed.tile, &completed.hashes).await?;
            }
            holds(&audit, claims)?;
        }
        told(audit.size());
    }
    unfinished(source, &audit).await?;
    if audit.root() == checkpoint.root {
        Ok(())
    } else {
        Err(LogFault::Root {
            whose: "the signed checkpoint",
        })
    }
}

/// The bundles of a log of this size.
fn bundles(size: u64) -> impl Iterator<Item = Bundle> {
    let (width, rest) = (u64::from(WIDTH), size % u64::from(WIDTH));
    let whole = (0..size / width).map(|number| Bundle { number, width: WIDTH });
    let last = u32::try_from(rest).ok().filter(|width| *width > 0);
    whole.chain(last.map(|width| Bundle {
        number: size / u64::from(WIDTH),
        width,
    }))
}

async fn leaves(source: &Source, bundle: Bundle) -> Result<Vec<Digest>, LogFault> {
    let name = bundle.path();
    let bytes = source.file(&name).await?;
    bundle.leaves(&bytes).map_err(|_| LogFault::Tile { name })
}

async fn compare(source: &Source, tile: &TileName, hashes: &[Digest]) -> Result<(), LogFault> {
    let name = tile.path();
    let bytes = source.file(&name).await?;
    match tile.hashes(&bytes) {
        Ok(served) if served == hashes => Ok(()),
        _ => Err(LogFault::Tile { name }),
    }
}

/// The tiles at the right edge of the tree.
async fn unfinished(source: &Source, audit: &Audit) -> Result<(), LogFault> {
    for level in 0..8 {
        let hashes = audit.unfinished(level);
        if let Some(tile) = TileName::partial(level, audit.size(), hashes.len()) {
            compare(source, &tile, hashes).await?;
        }
    }
    Ok(())
}

fn holds(audit: &Audit, claims: &[Claim]) -> Result<(), LogFault> {
    let wrong = claims
        .iter()
        .find(|claim| claim.size == audit.size() && claim.root != audit.root());
    wrong.map_or(Ok(()), |claim| Err(LogFault::Root { whose: claim.whose }))
}
