//! The committed artefact is what the sources compile to, and `abi` is its interface.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use alloy_sol_types::{SolCall, SolError, SolEvent};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use wardkey_chain::{abi, artefact};

#[test]
fn the_artefact_is_what_the_sources_compile_to() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts");
    let run = Command::new("node")
        .args(["compile.js", "--check"])
        .current_dir(&contracts)
        .output();
    let run = run.expect("node is needed to compile the contracts: install Node 20 or newer");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.status.success(), "{said}");
}

#[test]
fn the_contract_fits_the_size_limit() {
    let artefact = artefact().unwrap();
    assert!(!artefact.bytecode.is_empty());
    assert!(
        artefact.deployed_bytecode.len() <= 24_576,
        "EIP-170: {}",
        artefact.deployed_bytecode.len()
    );
}

/// `name(type,…)`, with structs as tuples and enums as numbers, as the ABI specification writes signatures.
fn signature(item: &Value) -> String {
    let types: Vec<_> = item["inputs"].as_array().unwrap().iter().map(canonical).collect();
    format!("{}({})", item["name"].as_str().unwrap(), types.join(","))
}

fn canonical(parameter: &Value) -> String {
    let name = parameter["type"].as_str().unwrap();
    match name.strip_prefix("tuple") {
        Some(rest) => {
            let parts: Vec<_> = parameter["components"]
                .as_array()
                .unwrap()
                .iter()
                .map(canonical)
                .collect();
            format!("({}){rest}", parts.join(","))
        }
        None => name.to_owned(),
    }
}

fn compiled(kind: &str) -> BTreeSet<String> {
    let abi = artefact().unwrap().abi;
    abi.as_array()
        .unwrap()
        .iter()
        .filter(|item| item["type"] == kind)
        .map(signature)
        .collect()
}

macro_rules! signatures {
    ($trait:ident: $($name:ident),+ $(,)?) => {
        BTreeSet::from([$(<abi::$name as $trait>::SIGNATURE.to_owned()),+])
    };
}

#[test]
fn functions_are_the_contracts() {
    let ours = signatures!(SolCall:
        registerInstitutionCall, setAccreditationCall, setGatewayCall, approveDeviceCall, revokeDeviceCall, rotateAgreementCall,
        setMastersCall, setSuspensionCall, grantCall, revokeCall, setCheckpointCall, institutionCall, institutionCountCall, institutionAtCall,
        deviceCall, grantStatusCall, checkpointCall, isGatewayCall, operatorCall, operatorNonceCall, saltCall,
        domainSeparatorCall, permissionCall, VERSIONCall,
    );
    assert_eq!(ours, compiled("function"));
}

#[test]
fn events_are_the_contracts() {
    let ours = signatures!(SolEvent:
        GatewaySet, InstitutionRegistered, AccreditationSet, AgreementRotated, MastersSet, SuspensionSet, DeviceApproved, DeviceRevoked,
        DeviceBarred, Granted, Revoked, CheckpointSet,
    );
    assert_eq!(ours, compiled("event"));
}

#[test]
fn errors_are_the_contracts() {
    let ours = signatures!(SolError:
        DeadlinePassed, BadSignature, BadNonce, BadKey, InstitutionMismatch, InstitutionExists, InstitutionUnknown, BadName,
        BadCountry, BadEpoch, BadRights, BadExpiry, ProofMismatch, BadProof, DeviceElsewhere, DeviceIsRevoked, DeviceUnknown,
        BadMasters, BadThreshold, MastersChanged, SignatureCount, GrantIsRevoked,
        CheckpointFalls, CheckpointForks, GrantMalformed,
    );
    // OpenZeppelin's library declares errors that its code here never reaches.
    let compiled: BTreeSet<_> = compiled("error");
    assert_eq!(ours, compiled);
}
