//! Records: read under a grant and logged first; written under a grant and verified at the door.

use super::log::ReadLine;
use crate::error::{Problem, Refusal};
use crate::http::{Caller, Headers, PathIds, QueryOf, json};
use crate::log::Draft;
use crate::state::Gateway;
use crate::store::{NewRecord, Reading, WriteReceipt};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use wardkey_core::id::{DeviceId, Digest, InstitutionId, PatientId, RecordId};
use wardkey_core::key::Signature;
use wardkey_core::log::{Deed, Receipt};
use wardkey_core::permission::{Right, SignatureChecked};
use wardkey_core::record::{Author, Record, RecordError, RecordHeader};
use wardkey_core::section::Section;
use wardkey_core::section_keys::SectionKeys;

/// How far a record's time may lie ahead of the gateway's, seconds.
const AHEAD: u64 = 60;

/// The query of `GET /v1/patients/{id}/records`.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    sections: String,
}

impl Wanted {
    /// The section numbers, each once.
    pub(crate) fn numbers(&self) -> Result<Vec<u8>, Refusal> {
        let mut out = Vec::new();
        for text in self.sections.split(',') {
            let number: u8 = text.trim().parse().map_err(|_| Refusal::QueryMalformed)?;
            Section::from_number(number).ok_or(Refusal::SectionUnknown)?;
            if !out.contains(&number) {
                out.push(number);
            }
        }
        Ok(out)
    }
}

/// `{"records": […], "log": […]}`; the records are JSON texts already, and are not read again.
fn answer(reading: Reading) -> Result<Response, Problem> {
    let log: Vec<_> = reading.log.into_iter().map(ReadLine::from).collect();
    let log = serde_json::to_string(&log).map_err(|_| Refusal::Internal)?;
    let length = reading.records.iter().map(|record| record.len() + 1).sum::<usize>();
    let mut body = String::with_capacity(length + log.len() + 32);
    body.push_str("{\"records\":[");
    for (n, record) in reading.records.iter().enumerate() {
        body.push_str(if n == 0 { "" } else { "," });
        body.push_str(record);
    }
    body.push_str("],\"log\":");
    body.push_str(&log);
    body.push('}');
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

/// `GET /v1/patients/{id}/records?sections=…`.
pub async fn read(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds(patient): PathIds<PatientId>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Response, Problem> {
    let sections = wanted.numbers()?;
    let act = move |g: &Gateway| {
        let drafts = match caller.device() {
            Some(device) => drafts_of_device(g, &headers, patient, device, &sections)?,
            None if caller.patient() == Some(patient) => drafts_of_patient(g, &headers, patient, &sections)?,
            None => return Err(Refusal::WrongSigner.into()),
        };
        answer(g.store.read(&patient, drafts)?)
    };
    gateway.blocking(act).await
}

/// One event for each section that the rule permits.
fn drafts_of_device(
    gateway: &Gateway,
    headers: &Headers,
    patient: PatientId,
    device: DeviceId,
    sections: &[u8],
) -> Result<Vec<Draft>, Problem> {
    let (commitment, reason) = (headers.must_permission()?, headers.must_reason()?);
    let grant = gateway.presented(commitment)?;
    let permitted = gateway.permit(&grant, patient, device, sections, Right::Read)?;
    let time = gateway.clock.now();
    let pen = gateway.pen(&grant.grant().document.institution, &device)?;
    let draft = |checked: wardkey_core::permission::GrantChecked| Draft {
        action: Deed::Read,
        patient: checked.patient(),
        institution: checked.institution(),
        device: checked.device(),
        section: checked.section(),
        reason: reason.clone(),
        subject: Digest(checked.commitment().0),
        time,
        pen: Some(pen.clone()),
    };
    Ok(permitted.into_iter().map(draft).collect())
}

/// The patient's own reading is logged for the sections that hold something.
fn drafts_of_patient(
    gateway: &Gateway,
    headers: &Headers,
    patient: PatientId,
    sections: &[u8],
) -> Result<Vec<Draft>, Problem> {
    Ok(gateway
        .store
        .filled(&patient, sections)?
        .into_iter()
        .map(|section| draft_of_patient(gateway, headers, patient, section))
        .collect())
}

/// The event of a patient's own reading.
pub(super) fn draft_of_patient(gateway: &Gateway, headers: &Headers, patient: PatientId, section: u8) -> Draft {
    Draft {
        action: Deed::Read,
        patient,
        institution: InstitutionId::default(),
        device: DeviceId::default(),
        section,
        reason: headers.reason.clone().unwrap_or_default(),
        subject: Digest::default(),
        time: gateway.clock.now(),
        pen: None,
    }
}

/// The body of `POST /v1/patients/{id}/records`.
#[derive(Deserialize)]
struct Sent {
    records: Vec<Record>,
}

/// Its answer.
#[derive(Debug, Serialize)]
pub struct Written {
    receipts: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    record: RecordId,
    index: u64,
    leaf: Digest,
    time: u64,
    signature: Signature,
}

impl From<WriteReceipt> for Line {
    fn from(written: WriteReceipt) -> Self {
        let Receipt {
            index,
            leaf,
            time,
            signature,
        } = written.receipt;
        Self {
            record: written.record,
            index,
            leaf,
            time,
            signature,
        }
    }
}

/// `POST /v1/patients/{id}/records`: all of them or none.
pub async fn write(
    State(gateway): State<Gateway>,
    caller: Caller,
    headers: Headers,
    PathIds(patient): PathIds<PatientId>,
    body: Bytes,
) -> Result<Json<Written>, Problem> {
    let act = move |g: &Gateway| {
        let sender = caller.device().ok_or(Refusal::WrongSigner)?;
        let grant = g.presented(headers.must_permission()?)?;
        let Sent { records } = json(&body)?;
        let door = Door::open(g, &grant, patient, sender, headers.reason.clone().unwrap_or_default())?;
        let new = records
            .into_iter()
            .map(|record| door.admit(record))
            .collect::<Result<Vec<_>, _>>()?;
        if new.is_empty() {
            return Err(Refusal::RecordsNone.into());
        }
        door.permit(&new)?;
        Ok(Json(Written {
            receipts: g.store.write(new)?.into_iter().map(Line::from).collect(),
        }))
    };
    gateway.blocking(act).await
}

/// What every record of one request is held against.
struct Door<'a> {
    gateway: &'a Gateway,
    grant: &'a SignatureChecked,
    patient: PatientId,
    sender: DeviceId,
    reason: String,
    keys: SectionKeys,
    now: u64,
}

impl<'a> Door<'a> {
    fn open(
        gateway: &'a Gateway,
        grant: &'a SignatureChecked,
        patient: PatientId,
        sender: DeviceId,
        reason: String,
    ) -> Result<Self, Problem> {
        gateway.permit_any(grant, patient, sender)?;
        let keys = gateway.store.patient_keys(&patient)?.ok_or(Refusal::KeysNotFound)?.list;
        Ok(Self {
            gateway,
            grant,
            patient,
            sender,
            reason,
            keys,
            now: gateway.clock.now(),
        })
    }

    /// Checks all that concerns the record alone.
    fn admit(&self, record: Record) -> Result<NewRecord, Problem> {
        let header = &record.header;
        let institution = self.grant.grant().document.institution;
        if header.patient != self.patient
            || header.institution != institution
            || Section::from_number(header.section).is_none()
        {
            return Err(RecordError::Misplaced.into());
        }
        if record.sealed.ct.len() > self.gateway.settings.limits.record_megabytes * 1024 * 1024 {
            return Err(Refusal::RecordTooLarge.into());
        }
        if header.time > self.now + AHEAD {
            return Err(Refusal::RecordTime.into());
        }
        if !self
            .keys
            .keys
            .iter()
            .any(|k| k.section == header.section && k.epoch == header.epoch)
        {
            return Err(Refusal::RecordEpoch.into());
        }
        record.verify(self.gateway.domain(), self.signature_key(&record)?.as_ref())?;
        let draft = self.draft(header)?;
        Ok(NewRecord { record, draft })
    }

    /// The card's 9C key, from the certificate that the chain names, if the record was signed with it.
    fn signature_key(&self, record: &Record) -> Result<Option<wardkey_core::key::PublicKey>, Problem> {
        if !matches!(record.author, Author::Signature { .. }) {
            return Ok(None);
        }
        let certificate = self
            .gateway
            .ledger
            .view()
            .device_state(&record.header.device)
            .map(|d| d.certificate);
        let Some(certificate) = certificate else {
            return Ok(None);
        };
        Ok(self.gateway.store.certificate(&certificate)?.map(|c| c.signature))
    }

    fn draft(&self, header: &RecordHeader) -> Result<Draft, Problem> {
        Ok(Draft {
            action: Deed::Write,
            patient: header.patient,
            institution: header.institution,
            device: header.device,
            section: header.section,
            reason: self.reason.clone(),
            subject: Digest(header.record.0),
            time: self.now,
            pen: Some(self.gateway.pen(&header.institution, &header.device)?),
        })
    }

    /// Asks the rule for every section and every card concerned: the sender's and each author's.
    fn permit(&self, records: &[NewRecord]) -> Result<(), Problem> {
        let mut asked = HashSet::new();
        for header in records.iter().map(|new| &new.record.header) {
            for device in [self.sender, header.device] {
                if asked.insert((device, header.section)) {
                    self.gateway
                        .permit(self.grant, self.patient, device, &[header.section], Right::Write)?;
                }
            }
        }
        Ok(())
    }
}
