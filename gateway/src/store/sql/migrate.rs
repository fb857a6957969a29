//! Bringing a database to this program's schema: forward only, each step in a transaction of its own.

use super::{Connection, Database, Step, values};
use crate::log::Scribe;
use crate::store::StoreError;

/// Makes the tables in an empty database, or brings them up to date; checks that a used one is this network's.
pub(in crate::store) fn prepare<D: Database>(c: &dyn Connection, scribe: &Scribe) -> Result<(), StoreError> {
    let newest = D::STEPS.last().map_or(0, |(version, _)| *version);
    // Another gateway may be at the same step: whoever comes second finds it done.
    while c.version()? < newest {
        c.step(Step::Begin)?;
        let done = one_step::<D>(c, scribe).and_then(|()| c.step(Step::Commit));
        if let Err(error) = done {
            let _already_gone = c.step(Step::Rollback);
            return Err(error);
        }
    }
    let version = c.version()?;
    if version > newest {
        return Err(StoreError::Newer(version));
    }
    must_be_ours(c, scribe)
}

fn one_step<D: Database>(c: &dyn Connection, scribe: &Scribe) -> Result<(), StoreError> {
    let version = c.version()?;
    if version > 0 {
        must_be_ours(c, scribe)?;
    }
    let Some((next, sql)) = D::STEPS.iter().find(|(next, _)| *next > version) else {
        return Ok(());
    };
    c.batch(sql)?;
    if version == 0 {
        let (separator, gateway) = (scribe.domain().separator(), scribe.gateway().0);
        c.execute("INSERT INTO network VALUES (1, $1, $2)", values![&separator, &gateway])?;
    }
    c.set_version(*next)
}

fn must_be_ours(c: &dyn Connection, scribe: &Scribe) -> Result<(), StoreError> {
    let known = c.one("SELECT separator, gateway FROM network", &[], |row| {
        Ok((row.array(0)?, row.array(1)?))
    })?;
    if known == Some((scribe.domain().separator(), scribe.gateway().0)) {
        Ok(())
    } else {
        Err(StoreError::Foreign)
    }
}
