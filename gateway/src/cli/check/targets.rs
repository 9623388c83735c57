//! Whether the targets of a route answer alike: each is asked for itself, as `provider/model`, and what comes is held
//! against the answers of the route's first. An application that is switched from one to another sees the differences.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use super::questions::{Lengths, Question};
use super::row::Row;
use crate::cli::probe::{Difference, Environment};
use crate::config::{Config, RouteConfig};

const QUESTIONS: [Question; 2] = [Question::Normal, Question::Streamed];
/// Of one route.
const MAX_TARGETS: usize = 32;

/// A target's answer against that of the route's first target.
#[derive(Debug, Serialize)]
pub(super) struct TargetRow {
    pub(super) route: String,
    pub(super) target: String,
    pub(super) compared_with: String,
    pub(super) answer: Row,
    /// `here` is the first target's, `there` this one's.
    pub(super) differences: Vec<Difference>,
}

/// Asks those of `routes` that have several targets. A target of several routes is asked once.
pub(super) async fn compare(
    environment: &Environment,
    config: &Config,
    routes: &[String],
    lengths: Lengths,
) -> Vec<TargetRow> {
    let mut asked: HashMap<(String, &'static str), Row> = HashMap::new();
    let mut rows = Vec::new();
    for route in config.routes.iter().filter(|route| routes.contains(&route.alias)) {
        let targets = targets(route);
        if targets.len() < 2 {
            continue;
        }
        for question in QUESTIONS {
            for target in &targets {
                let key = (target.clone(), question.as_str());
                if let Entry::Vacant(place) = asked.entry(key) {
                    place.insert(Row::ask(environment, target, question, lengths).await);
                }
            }
            let row = |target: &String| asked.get(&(target.clone(), question.as_str()));
            let Some(first) = row(&targets[0]) else { continue };
            rows.extend(targets.iter().filter_map(row).map(|own| held_against(route, first, own)));
        }
    }
    rows
}

/// As the routes of their own that they are, without those that stand twice.
fn targets(route: &RouteConfig) -> Vec<String> {
    let mut names = Vec::new();
    for target in route.all_targets() {
        let name = format!("{}/{}", target.provider, target.model);
        if !names.contains(&name) && names.len() < MAX_TARGETS {
            names.push(name);
        }
    }
    names
}

fn held_against(route: &RouteConfig, first: &Row, own: &Row) -> TargetRow {
    let differences = if first.status == own.status { first.shape.differences(&own.shape) } else { Vec::new() };
    TargetRow {
        route: route.alias.clone(),
        target: own.route.clone(),
        compared_with: first.route.clone(),
        answer: own.clone(),
        differences,
    }
}
