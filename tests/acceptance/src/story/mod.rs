//! The story: a traveller falls ill far from home. Each step is a test.

mod bad_days;
pub mod chart;
pub mod devices;
mod grants;
pub mod institutions;
mod log;
mod lost_card;
mod memory;
mod outbox;
pub mod posters;

use crate::place::Place;
use crate::process;
use crate::report::Report;
use crate::stage::{Side, Stage};
use anyhow::{Result, bail};
use std::path::Path;

/// Plays the whole story and leaves report and pictures in target/demo. An error if any step failed.
pub async fn play(root: &Path, keep: bool) -> Result<()> {
    let place = Place::make(root, "demo-data", "demo", false)?;
    let mut report = Report::new(place.out("report.json"));
    let mut stage = Stage::set(place.clone())?;
    let told = tell(&mut stage, &mut report).await;
    if told.is_err() || !report.well() {
        stage.pictures_of_failure().await;
    }
    stage.close().await;
    drop(stage);
    let left = process::sweep();
    place.tidy(keep)?;
    told?;
    println!(
        "{} pictures, poster and report are in {}",
        if report.well() { "Well." } else { "Not well." },
        place.out("").display()
    );
    if !left.is_empty() {
        println!("Ended at the end: {}", left.join(", "));
    }
    let (well, all) = report.count();
    println!("{well} of {all} steps ok");
    if !report.well() {
        bail!("the story failed");
    }
    Ok(())
}

/// The steps in order.
async fn tell(s: &mut Stage, report: &mut Report) -> Result<()> {
    use Side::{Harbour, Summit};
    report
        .play("1 contracts deployed, operator's key made", institutions::network(s))
        .await?;
    report
        .play(
            "2 Harbour: master key on a card, registered, accredited",
            institutions::found(s, Harbour),
        )
        .await?;
    report
        .play(
            "2 Summit: master key on a card, registered, accredited",
            institutions::found(s, Summit),
        )
        .await?;
    report
        .play(
            "3 Harbour: doctor's card prepared, requested, approved",
            devices::enrol(s, Harbour),
        )
        .await?;
    report
        .play(
            "3 Summit: doctor's card prepared, requested, approved",
            devices::enrol(s, Summit),
        )
        .await?;
    report
        .play("4 posters saved as PDF and picture", posters::print(s))
        .await?;
    report
        .play(
            "4 phone reads Harbour's poster by camera, grants read and write",
            grants::harbour(s),
        )
        .await?;
    report
        .play_apart(
            "4 bad day: forged, unknown and foreign posters are stopped",
            bad_days::posters(s),
        )
        .await?;
    report
        .play_apart("4 bad day: a suspended institution is stopped", bad_days::suspended(s))
        .await?;
    report
        .play_apart("4 bad day: no key can be taken out of the phone", bad_days::keys(s))
        .await?;
    report
        .play_apart(
            "5 bad day: a stranger's script in the window gets nothing",
            bad_days::window(s),
        )
        .await?;
    report
        .play_apart(
            "5 bad day: a wrong PIN is told with the tries left",
            bad_days::wrong_pin(s),
        )
        .await?;
    report
        .play(
            "5 Harbour's doctor signs in and opens the chart",
            chart::sign_in_harbour(s),
        )
        .await?;
    report
        .play_apart("5 the PIN is nowhere in the workstation's memory", memory::signed_in(s))
        .await?;
    report
        .play_apart(
            "5 bad day: files that are no summary are refused with a reason",
            bad_days::files(s),
        )
        .await?;
    report.play("5 she imports a patient summary", chart::import(s)).await?;
    report
        .play("6 Summit's doctor signs in and waits", chart::sign_in_summit(s))
        .await?;
    report
        .play("6 patient grants Summit all but one section", grants::summit(s))
        .await?;
    report
        .play(
            "6 the grant arrives by itself, the chart shows what was granted",
            chart::read_at_summit(s),
        )
        .await?;
    report.play("7 she writes a note", chart::note(s)).await?;
    report
        .play(
            "7 she signs a prescription with the PIN asked again",
            chart::prescription(s),
        )
        .await?;
    report
        .play("8 phone shows both records, verified", log::records(s))
        .await?;
    report
        .play("8 phone shows the log, every line verified", log::lines(s))
        .await?;
    report
        .play(
            "9 patient revokes Summit: the chart closes, reading is refused",
            grants::revoke(s),
        )
        .await?;
    report
        .play("9 what was written stays with the patient", log::after_revocation(s))
        .await?;
    report
        .play(
            "10 card pulled: covered at once, the half-typed note returns",
            outbox::pulled(s),
        )
        .await?;
    report
        .play_apart(
            "10 bad day: another card does not lift the cover",
            bad_days::other_card(s),
        )
        .await?;
    report
        .play("11 gateway killed amid writes: all arrives, once", outbox::killed(s))
        .await?;
    report
        .play(
            "12 Harbour's doctor loses her card: revoked, and what it did is known",
            lost_card::revoked(s),
        )
        .await?;
    Ok(())
}
