//! The tables of what gateways share.

use super::documents::{execute, one, text, value};
use super::{Connection, Row, values};
use crate::replay::WINDOW;
use crate::store::StoreError;
use crate::store::shared::{Item, Span, Told, Unblock};
use wardkey_core::hpke::Sealed;
use wardkey_core::id::{Digest, InstitutionId};
use wardkey_core::unblock::UnblockRequest;

/// Unblock requests that wait at once.
const UNBLOCKS: u32 = 10_000;
/// How long news are kept, seconds.
const NEWS_LAST: u64 = 3600;
/// How long nonces are kept at least: `created` may lie [`WINDOW`] on either side, and gateways' clocks may differ a little.
const NONCES_LAST: u64 = 5 * WINDOW;

/// Outside a transaction: two statements, the second of which sees every sweep that the first did not see.
pub(super) fn take_nonce(c: &dyn Connection, name: &Digest, created: u64) -> Result<bool, StoreError> {
    let new = c.execute(
        "INSERT INTO nonces (name, created) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        values![&name.0, created],
    )?;
    let forgotten: Option<u64> = c.one("SELECT value FROM marks WHERE name = $1", values!["nonces"], |row| {
        row.int(0)
    })?;
    Ok(new == 1 && forgotten.is_none_or(|forgotten| created > forgotten))
}

pub(super) fn count(c: &dyn Connection, payee: &Digest, hour: u64, limit: u32) -> Result<bool, StoreError> {
    if limit == 0 {
        return Ok(false);
    }
    let counted = c.execute(
        "INSERT INTO counts (hour, payee, used) VALUES ($1, $2, 1)
         ON CONFLICT (hour, payee) DO UPDATE SET used = counts.used + 1 WHERE counts.used < $3",
        values![hour, &payee.0, limit],
    )?;
    Ok(counted == 1)
}

pub(super) fn put_unblock(
    c: &dyn Connection,
    request: &UnblockRequest,
    ends: u64,
    now: u64,
) -> Result<bool, StoreError> {
    execute(c, "DELETE FROM unblocks WHERE ends <= $1", values![now])?;
    let waiting: Option<u32> = c.one("SELECT count(*) FROM unblocks", &[], |row| row.int(0))?;
    if waiting.is_none_or(|waiting| waiting >= UNBLOCKS) {
        return Ok(false);
    }
    let id = request.digest();
    let start: [u8; 8] = std::array::from_fn(|n| id.0[n]);
    execute(
        c,
        "INSERT INTO unblocks (id, start, ends, document) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        values![&id.0, &start, ends, &text(request)?],
    )?;
    Ok(true)
}

fn asked(row: &dyn Row) -> Result<Unblock, StoreError> {
    Ok(Unblock {
        request: value(row.text(0)?)?,
        answer: row.text_if_any(1)?.map(value).transpose()?,
    })
}

pub(super) fn unblock(c: &dyn Connection, id: &Digest, now: u64) -> Result<Option<Unblock>, StoreError> {
    c.one(
        "SELECT document, answer FROM unblocks WHERE id = $1 AND ends > $2",
        values![&id.0, now],
        asked,
    )
}

pub(super) fn unblock_named(c: &dyn Connection, start: &[u8; 8], now: u64) -> Result<Option<Unblock>, StoreError> {
    c.one(
        "SELECT document, answer FROM unblocks WHERE start = $1 AND ends > $2 ORDER BY ends LIMIT 1",
        values![start, now],
        asked,
    )
}

pub(super) fn answer_unblock(c: &dyn Connection, id: &Digest, answer: &Sealed, now: u64) -> Result<bool, StoreError> {
    execute(
        c,
        "UPDATE unblocks SET answer = $1 WHERE id = $2 AND ends > $3 AND answer IS NULL",
        values![&text(answer)?, &id.0, now],
    )?;
    let there: Option<Sealed> = one(
        c,
        "SELECT answer FROM unblocks WHERE id = $1 AND ends > $2",
        values![&id.0, now],
    )?;
    Ok(there.is_some())
}

pub(super) fn tell(c: &dyn Connection, news: &[Item], now: u64) -> Result<(), StoreError> {
    for item in news {
        execute(
            c,
            "INSERT INTO news (time, institution, origin, kind, data) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (origin) DO NOTHING",
            values![
                now,
                &item.institution.0,
                item.origin.as_ref().map(|origin| &origin.0),
                item.kind,
                &item.data
            ],
        )?;
    }
    Ok(())
}

fn told(row: &dyn Row) -> Result<Told, StoreError> {
    Ok(Told {
        id: row.int(0)?,
        institution: InstitutionId(row.array(1)?),
        kind: row.text(2)?.to_owned(),
        data: row.text(3)?.to_owned(),
    })
}

pub(super) fn news(
    c: &dyn Connection,
    institution: Option<&InstitutionId>,
    after: u64,
    limit: u32,
) -> Result<Vec<Told>, StoreError> {
    match institution {
        Some(institution) => c.all(
            "SELECT id, institution, kind, data FROM news WHERE institution = $1 AND id > $2 ORDER BY id LIMIT $3",
            values![&institution.0, after, limit],
            told,
        ),
        None => c.all(
            "SELECT id, institution, kind, data FROM news WHERE id > $1 ORDER BY id LIMIT $2",
            values![after, limit],
            told,
        ),
    }
}

pub(super) fn news_span(c: &dyn Connection) -> Result<Span, StoreError> {
    let oldest = c.one("SELECT id FROM news ORDER BY id LIMIT 1", &[], |row| row.int(0))?;
    let newest = c.one("SELECT id FROM news ORDER BY id DESC LIMIT 1", &[], |row| row.int(0))?;
    Ok((oldest.unwrap_or(0), newest.unwrap_or(0)))
}

/// By the database's time, where it has one: a gateway whose clock is wrong must not take a lease away.
pub(super) fn lease(
    c: &dyn Connection,
    name: &'static str,
    holder: &Digest,
    seconds: u64,
    now: u64,
) -> Result<bool, StoreError> {
    let now = c.time()?.unwrap_or(now);
    let taken = c.execute(
        "INSERT INTO leases (name, holder, ends) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
         WHERE leases.holder = $4 OR leases.ends <= $5",
        values![name, &holder.0, now + seconds, &holder.0, now],
    )?;
    Ok(taken == 1)
}

pub(super) fn sweep(c: &dyn Connection, now: u64) -> Result<(), StoreError> {
    // The database's time, so that no gateway's wrong clock forgets what another still needs.
    let before = c.time()?.unwrap_or(now).saturating_sub(NONCES_LAST);
    execute(
        c,
        "INSERT INTO marks (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE marks.value < excluded.value",
        values!["nonces", before],
    )?;
    execute(c, "DELETE FROM nonces WHERE created <= $1", values![before])?;
    let now = c.time()?.unwrap_or(now);
    execute(
        c,
        "DELETE FROM counts WHERE hour < $1",
        values![(now / 3600).saturating_sub(1)],
    )?;
    execute(c, "DELETE FROM unblocks WHERE ends <= $1", values![now])?;
    // The newest stays, so that ids go on from it and a listener can tell whether it missed something.
    execute(
        c,
        "DELETE FROM news WHERE time < $1 AND id < (SELECT max(id) FROM news)",
        values![now.saturating_sub(NEWS_LAST)],
    )
}
