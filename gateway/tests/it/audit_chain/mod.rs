//! The audit's chains from outside: what is changed in the database or in an export is named, a killed process leaves a
//! trail that verifies, and a database that is away loses nothing.

mod exports;
mod fed;
mod killed;
mod lost_database;
mod over_http;
mod pruned;
mod resumed;
mod retained;
mod strict;
mod tampered;

use std::collections::BTreeMap;

use jiff::Timestamp;
use shekara_gateway::audit::{Report, Time};
use shekara_gateway::signing::{PublicKeys, Signer};
use shekara_gateway::store::{CheckpointTools, ExportPart, ExportSigner, export_lines, verify_store};

use crate::gateway::TestGateway;

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn keys() -> PublicKeys {
    [signer().public_key()].into_iter().collect()
}

/// Carries everything over and signs it.
async fn checkpoint(gateway: &TestGateway) {
    gateway.audit().await;
    let tools = CheckpointTools { signer: &signer(), now: Timestamp::now(), secret: [3; 32] };
    gateway.gateway.trail.checkpoint(gateway.shared_store().as_ref(), tools).await.unwrap();
}

async fn verified(gateway: &TestGateway) -> Report {
    verify_store(gateway.shared_store().as_ref(), &keys(), BTreeMap::new()).await.unwrap()
}

async fn exported(gateway: &TestGateway, part: &ExportPart) -> Vec<String> {
    let (signer, earlier) = (signer(), PublicKeys::default());
    let with = ExportSigner { signer: &signer, earlier: &earlier, now: Time::from(Timestamp::now()) };
    let mut text = Vec::new();
    export_lines(gateway.shared_store().trail(), part, with, &mut text).await.unwrap();
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}
