//! A session's calls as lines beside each other: the main one, one for each agent, one for each fork. Pure; leaves out
//! drawing them (`turns`).

use std::collections::HashMap;

use api::{CallId, CallSummary, Tie};

/// Lines beside the main one; more share the last.
const MOST: usize = 6;

/// What a line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Main,
    Agent,
    Fork,
}

/// A line as it passes through one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    pub lane: usize,
    pub kind: Kind,
    /// It comes from above.
    pub above: bool,
    /// It goes on below.
    pub below: bool,
}

/// What is drawn beside one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The call's own line.
    pub lane: usize,
    pub kind: Kind,
    /// The line begins here and leaves that one.
    pub leaves: Option<usize>,
    pub passes: Vec<Pass>,
}

struct Line {
    kind: Kind,
    lane: usize,
    first: usize,
    /// The last row that it is drawn in: that of its last call, or of the last line that leaves it.
    last: usize,
    leaves: Option<usize>,
}

/// The rows of `calls`, in their order.
pub fn lanes(calls: &[CallSummary]) -> Vec<Row> {
    let mut lines: Vec<Line> = Vec::new();
    let mut of_call: HashMap<CallId, usize> = HashMap::new();
    let mut of_agent: HashMap<Option<&str>, usize> = HashMap::new();
    let mut of_row = Vec::with_capacity(calls.len());
    for (row, call) in calls.iter().enumerate() {
        let agent = call.lineage.agent.as_ref().map(|agent| agent.id.as_str());
        let before = call.lineage.continues.and_then(|before| of_call.get(&before).copied());
        let found = match call.lineage.tie {
            Some(Tie::Turn | Tie::Retry) if before.is_some() => before,
            Some(Tie::Fork) if before.is_some() => None,
            _ => of_agent.get(&agent).copied(),
        };
        let line = found.unwrap_or_else(|| {
            let kind = match (call.lineage.tie, agent) {
                (Some(Tie::Fork), _) => Kind::Fork,
                (_, Some(_)) => Kind::Agent,
                (_, None) => Kind::Main,
            };
            lines.push(Line { kind, lane: 0, first: row, last: row, leaves: before });
            lines.len() - 1
        });
        of_call.insert(call.id, line);
        of_agent.insert(agent, line);
        of_row.push(line);
        for drawn in [Some(line), lines.get(line).and_then(|line| line.leaves).filter(|_| found.is_none())] {
            if let Some(line) = drawn.and_then(|line| lines.get_mut(line)) {
                line.last = row;
            }
        }
    }
    spread(&mut lines);
    rows(&lines, &of_row)
}

/// Gives each line the leftmost lane that is free as long as it is drawn.
fn spread(lines: &mut [Line]) {
    let mut taken = [None::<usize>; MOST];
    for line in lines.iter_mut() {
        let from = usize::from(line.kind != Kind::Main);
        let free = (from..MOST)
            .find(|lane| taken.get(*lane).is_some_and(|last| last.is_none_or(|last| last < line.first)));
        line.lane = free.unwrap_or(MOST - 1);
        if let Some(last) = taken.get_mut(line.lane) {
            *last = Some(last.unwrap_or(0).max(line.last));
        }
    }
}

fn rows(lines: &[Line], of_row: &[usize]) -> Vec<Row> {
    let mut drawn: Vec<&Line> = Vec::new();
    let mut waiting = lines.iter().peekable();
    let mut rows = Vec::with_capacity(of_row.len());
    for (row, own) in of_row.iter().enumerate() {
        drawn.retain(|line| row <= line.last);
        while let Some(line) = waiting.next_if(|line| line.first <= row) {
            drawn.push(line);
        }
        let Some(own) = lines.get(*own) else { continue };
        let passes = drawn.iter().map(|line| Pass {
            lane: line.lane,
            kind: line.kind,
            above: row > line.first,
            below: row < line.last,
        });
        let leaves = own.leaves.filter(|_| own.first == row).and_then(|line| lines.get(line));
        rows.push(Row {
            lane: own.lane,
            kind: own.kind,
            leaves: leaves.map(|line| line.lane),
            passes: passes.collect(),
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use api::{Agent, CallState, CostSource, Lineage, Operation, Usage, UsageSource};

    use super::*;

    fn id(number: usize) -> CallId {
        format!("00000000-0000-7000-8000-{number:012}").parse().unwrap()
    }

    fn call(number: usize, before: Option<(Tie, usize)>, agent: Option<&str>) -> CallSummary {
        CallSummary {
            id: id(number),
            started_ms: 0,
            duration_us: None,
            first_byte_us: None,
            first_token_us: None,
            state: CallState::Complete,
            provider: String::new(),
            operation: Operation::Chat,
            client: None,
            method: String::new(),
            path: String::new(),
            status: None,
            model: None,
            title: None,
            streamed: false,
            usage: Usage::default(),
            usage_source: UsageSource::Unknown,
            cost: None,
            cost_source: CostSource::Unknown,
            equivalent: None,
            finish_reason: None,
            error: None,
            session_id: None,
            lineage: Lineage {
                agent: agent.map(|id| Agent { id: id.into(), parent: None, name: None, inferred: false }),
                continues: before.map(|(_, before)| id(before)),
                tie: before.map(|(tie, _)| tie),
                ..Lineage::default()
            },
            trace_id: None,
            parent_id: None,
            retry_of: None,
            replay_of: None,
            tags: Vec::new(),
            sources: vec![api::ReportSource::Proxy],
            in_trace: None,
        }
    }

    fn drawn(rows: &[Row]) -> Vec<(usize, Kind, Option<usize>)> {
        rows.iter().map(|row| (row.lane, row.kind, row.leaves)).collect()
    }

    #[test]
    fn a_fork_leaves_the_main_line_which_goes_on() {
        let calls = [
            call(0, None, None),
            call(1, Some((Tie::Turn, 0)), None),
            call(2, Some((Tie::Fork, 0)), None),
            call(3, Some((Tie::Turn, 1)), None),
            call(4, Some((Tie::Turn, 2)), None),
        ];
        let rows = lanes(&calls);
        use Kind::{Fork, Main};
        assert_eq!(
            drawn(&rows),
            [(0, Main, None), (0, Main, None), (1, Fork, Some(0)), (0, Main, None), (1, Fork, None)]
        );
        assert_eq!(rows[4].passes, [Pass { lane: 1, kind: Fork, above: true, below: false }]);
        assert_eq!(rows[2].passes.len(), 2, "the main line passes by");
    }

    #[test]
    fn agents_have_lanes_that_are_used_again() {
        let calls = [
            call(0, None, None),
            call(1, Some((Tie::Spawned, 0)), Some("a")),
            call(2, Some((Tie::Spawned, 0)), Some("b")),
            call(3, Some((Tie::Turn, 1)), Some("a")),
            call(4, Some((Tie::Turn, 0)), None),
            call(5, Some((Tie::Spawned, 4)), Some("c")),
            call(6, None, None),
        ];
        let rows = lanes(&calls);
        let lanes: Vec<usize> = rows.iter().map(|row| row.lane).collect();
        assert_eq!(lanes, [0, 1, 2, 1, 0, 1, 0]);
        assert_eq!(rows[5].leaves, Some(0));
    }

    #[test]
    fn many_lines_at_once_stay_within_the_page() {
        let mut calls = vec![call(0, None, None)];
        let names: Vec<String> = (0..40).map(|agent| format!("a{agent}")).collect();
        for round in 0..2 {
            for (index, name) in names.iter().enumerate() {
                calls.push(call(1 + round * 40 + index, None, Some(name)));
            }
        }
        let rows = lanes(&calls);
        assert_eq!(rows.len(), 81);
        assert!(rows.iter().all(|row| row.lane < MOST && row.passes.len() <= 41));
        assert!(lanes(&[]).is_empty());
    }
}
