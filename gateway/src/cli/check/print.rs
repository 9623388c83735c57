//! The tables of `shekara check`.

use super::against::Pair;
use super::row::Row;
use super::targets::TargetRow;
use crate::cli::output;
use crate::cli::probe::Difference;
use crate::cli::table::{Table, or_dash};

pub(super) fn rows(rows: &[Row]) {
    let head = [
        "route",
        "request",
        "kind",
        "ok",
        "status",
        "answered by",
        "zone",
        "reason",
        "tries",
        "first ms",
        "total ms",
        "finish",
        "usage",
        "shape",
        "odd",
    ];
    let mut table = Table::new(&head);
    for row in rows {
        let kind = format!("{:?}", row.kind).to_lowercase();
        let mut cells = vec![row.route.clone(), row.request.to_owned(), kind];
        cells.extend(answer(row));
        cells.push(remarks(row));
        table.row(cells);
    }
    print(&table);
}

pub(super) fn targets(rows: &[TargetRow]) {
    if rows.is_empty() {
        return;
    }
    output::line("");
    output::line("Targets of one route, each asked for itself and held against the first:");
    let head = ["route", "target", "request", "ok", "status", "total ms", "finish", "differs from the first"];
    let mut table = Table::new(&head);
    for TargetRow { route, target, answer, differences, .. } in rows {
        let mut remarks = differences.iter().map(told).collect::<Vec<_>>();
        remarks.extend(answer.problems.iter().cloned());
        table.row(vec![
            route.clone(),
            target.clone(),
            answer.request.to_owned(),
            yes(answer.ok),
            status(answer),
            or_dash(answer.total_ms),
            or_dash(answer.finish_reason.as_deref()),
            if remarks.is_empty() { "-".to_owned() } else { remarks.join("; ") },
        ]);
    }
    print(&table);
}

pub(super) fn pairs(pairs: &[Pair], there: &str) {
    let mut table = Table::new(&["route", "request", "what", "here", "there"]);
    let (mut same, mut different) = (0, 0);
    for pair in pairs {
        if pair.differences.is_empty() {
            same += 1;
        } else {
            different += 1;
        }
        for Difference { what, here, there } in &pair.differences {
            let cells = [&pair.route, pair.request, what, here, there];
            table.row(cells.into_iter().map(str::to_owned).collect());
        }
    }
    output::line(&format!("Against {there}: {same} requests are answered alike, {different} differ"));
    if different > 0 {
        print(&table);
    }
}

fn answer(row: &Row) -> Vec<String> {
    let by = row.provider.as_ref().map(|provider| match &row.model {
        Some(model) => format!("{provider}/{model}"),
        None => provider.clone(),
    });
    vec![
        yes(row.ok),
        status(row),
        or_dash(by),
        or_dash(row.zone.as_deref()),
        or_dash(row.reason.as_deref()),
        or_dash(row.attempts),
        or_dash(row.first_ms),
        or_dash(row.total_ms),
        or_dash(row.finish_reason.as_deref()),
        yes(row.has_usage),
        if row.is_openai_shape { "OpenAI's" } else { "other" }.to_owned(),
    ]
}

fn status(row: &Row) -> String {
    match &row.code {
        Some(code) => format!("{} {code}", or_dash(row.status)),
        None => or_dash(row.status),
    }
}

fn remarks(row: &Row) -> String {
    let tool = row.tool.map(|tool| format!("tool: {tool}"));
    let all: Vec<String> =
        tool.into_iter().chain(row.problems.iter().cloned()).chain(row.odd.iter().cloned()).collect();
    if all.is_empty() { "-".to_owned() } else { all.join("; ") }
}

fn told(difference: &Difference) -> String {
    let Difference { what, here, there } = difference;
    format!("{what}: {there} instead of {here}")
}

fn yes(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn print(table: &Table) {
    for line in table.lines() {
        output::line(&line);
    }
}
