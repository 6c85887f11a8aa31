//! Takes away a claim whose owner is dead, because an operator says so. Only ever that.

use super::super::call::Call;
use super::super::claim::Claim;
use super::lend::Lender;
use super::{Consent, mend};
use crate::feed::clock::Clock;
use crate::pool::Pool;
use crate::xenapi::record::{Class, Record};
use std::time::Duration;

/// How long to wait for a session, by the pool's clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes the claim away, if a read made for this shows that its owner is dead. Says whose it was; `None`: there was none.
pub async fn take_over(lender: &Lender, consent: Consent, clock: &Clock, pool: &Pool) -> Result<Option<String>, String> {
    let session = lender.session(PATIENCE, None).await.ok_or("not connected to the pool at the moment")?;
    let records = session.all_records(Class::Pool).await.map_err(|error| error.to_string())?;
    let claim = records.iter().find_map(|(_, record)| match record {
        Record::Pool(pool) => Claim::of(&pool.other_config),
        _ => None,
    });
    let Some(claim) = claim else { return Ok(None) };
    let now = clock.now();
    let words = claim.words(now);
    if !claim.may_be_taken_over(now) {
        return Err(format!(
            "the claim is not taken over, because its owner lives: {words}. Talk to them, or wait until it ends"
        ));
    }
    mend(lender, consent, pool, &Call::Unclaim).await?;
    Ok(Some(words))
}
