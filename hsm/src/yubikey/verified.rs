//! A YubiKey's keys are used as every PIV card's are: the evidence is the same.

pub(super) use crate::piv::Verified;
